"""A screen of rows over the whole panel: lines on top, perhaps a graph, rows with a cursor, a foot, the keys.

A subclass reads what it shows from the engine in ``read`` and words it; while it waits, or where it failed, a
sentence stands in the graph's place.
"""

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.screen import Screen

from tui import actions
from tui.client import DoorError
from tui.messages import PaneResized, RowOpened, RowSelected
from tui.state.keys_line import keys_line
from tui.state.lines import EMPTY, Line, Tone, wrapped
from tui.state.text import clean_line
from tui.widgets.choice_list import ChoiceList
from tui.widgets.line_block import LineBlock
from tui.work import begin

RowT = TypeVar("RowT")
AnswerT = TypeVar("AnswerT")


class TableScreen(Screen[AnswerT], Generic[RowT, AnswerT]):
    """Arrows to move, enter to open a row, escape to go back."""

    CSS_PATH = "table.tcss"
    AUTO_FOCUS = ""
    BINDINGS = [*actions.bindings("rows")]  # noqa: RUF012  the form that Textual's type asks for
    PLACES: ClassVar[tuple[actions.Place, ...]] = ("rows",)
    IDLE: ClassVar[frozenset[str]] = frozenset()
    """Actions that do nothing here and are not in the footer."""
    READING: ClassVar[str] = "Reading the ledger …"
    """Said until the rows are there."""

    def __init__(self, keys: actions.Keys) -> None:
        super().__init__()
        self.heading = LineBlock(id="title")
        self.graph = LineBlock(id="graph")
        self.titles = LineBlock(id="titles")
        self.rows = ChoiceList(self._row_line, id="rows")
        self.foot = LineBlock(id="foot")
        self.keys_bar = LineBlock(id="keys")
        self._keys = actions.first_keys(keys)
        self._rows: Sequence[RowT] = ()
        self._said: tuple[str, Tone] = ("", "plain")

    def compose(self) -> ComposeResult:
        yield from (self.heading, self.graph, self.titles, self.rows, self.foot, self.keys_bar)

    async def read(self) -> None:
        """Ask the engine and ``show`` its answer. Raises ``DoorError``."""
        raise NotImplementedError

    def heading_lines(self, width: int) -> list[Line]:
        raise NotImplementedError

    def graph_lines(self, width: int) -> list[Line]:
        """What stands between the heading and the rows."""
        del width
        return []

    def titles_line(self, width: int) -> Line:
        """The titles of the columns."""
        raise NotImplementedError

    def row_line(self, row: RowT, width: int) -> Line:
        raise NotImplementedError

    def foot_lines(self, width: int) -> list[Line]:
        """What stands below the rows."""
        del width
        return []

    def opened(self, row: RowT) -> None:
        """The user opened a row."""

    @property
    def highlighted(self) -> RowT | None:
        cursor = self.rows.cursor
        return self._rows[cursor] if cursor is not None and cursor < len(self._rows) else None

    def on_mount(self) -> None:
        self.ask()

    def ask(self) -> None:
        """Read anew, in the background."""
        self.show((), self.READING, "dim")
        begin(self, self._read, "read")

    async def _read(self) -> None:
        try:
            await self.read()
        except DoorError as error:
            self.show((), str(error), "bad")

    def show(self, rows: Sequence[RowT], said: str = "", tone: Tone = "plain", place: int = 0) -> None:
        """Show ``rows``, the cursor on ``place``, or say why there are none."""
        self._rows, self._said = rows, (clean_line(said), tone)
        self.rows.renew(len(rows), place)
        self.reword()

    def say(self, text: str, tone: Tone = "plain") -> None:
        """Tell the user a sentence above the rows, until they change."""
        self._said = (clean_line(text), tone)
        self.reword()

    def reword(self) -> None:
        """Word everything around the rows anew."""
        width = self.size.width
        text, tone = self._said
        said = [EMPTY, *wrapped(text, width, tone)] if text else []
        graph = said or self.graph_lines(width)
        _fill(self.heading, self.heading_lines(width))
        _fill(self.graph, [*graph, EMPTY] if graph else [])
        self.titles.show([self.titles_line(self.rows.row_width) if self._rows else EMPTY])
        _fill(self.foot, self.foot_lines(self.rows.row_width) if self._rows else [])
        hints = actions.footer_hints(self._keys, *self.PLACES, without=self.IDLE)
        self.keys_bar.show([keys_line(hints, width, ("help", "back"))])

    def _row_line(self, index: int, width: int) -> Line:
        return self.row_line(self._rows[index], width)

    def _highlight(self, index: int | None) -> None:
        self.rows.set_cursor(index)
        self.reword()

    @on(PaneResized)
    def _resized(self) -> None:
        self.rows.refresh()
        self.reword()

    @on(RowSelected)
    def _clicked(self, event: RowSelected) -> None:
        self._highlight(event.index)

    @on(RowOpened)
    def _clicked_again(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        if (row := self.highlighted) is not None:
            self.opened(row)

    def action_row_up(self) -> None:
        self._highlight(self.rows.moved(-1))

    def action_row_down(self) -> None:
        self._highlight(self.rows.moved(1))

    def action_rows_page_up(self) -> None:
        self._highlight(self.rows.moved(-self.rows.page))

    def action_rows_page_down(self) -> None:
        self._highlight(self.rows.moved(self.rows.page))

    def action_rows_first(self) -> None:
        self._highlight(self.rows.moved(-len(self._rows)))

    def action_rows_last(self) -> None:
        self._highlight(self.rows.moved(len(self._rows)))

    def action_out(self) -> None:
        """One level up; here there is none."""
        self.action_close()

    def action_close(self) -> None:
        self.dismiss(None)


def _fill(block: LineBlock, lines: list[Line]) -> None:
    """Show ``lines`` in a block that is as high as they are many."""
    block.styles.height = len(lines)
    block.show(lines)
