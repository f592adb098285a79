"""The form of every picker: a line to type into, a list of entries, the keys.

A subclass says which entries there are, how one reads and what taking one means. The picker closes with the
subclass's answer, or with None when it is left as it was.
"""

from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tui import actions
from tui.messages import PaneResized, RowOpened, RowSelected
from tui.state.keys_line import keys_line
from tui.state.lines import EMPTY, Line, Piece, line
from tui.state.panel import Dirty
from tui.widgets.choice_list import ChoiceList
from tui.widgets.line_block import LineBlock

NO_MATCH = "Nothing matches what is typed."

ChoiceT = TypeVar("ChoiceT")
AnswerT = TypeVar("AnswerT")


class Picker(ModalScreen[AnswerT], Generic[ChoiceT, AnswerT]):
    """Type to narrow, arrows to move, enter to take."""

    CSS_PATH = "picker.tcss"
    AUTO_FOCUS = "#query"
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [  # noqa: RUF012
        (0, "-narrow"),
        (76, "-close"),
        (92, "-roomy"),
    ]
    BINDINGS = [*actions.bindings("picker")]  # noqa: RUF012  the form that Textual's type asks for
    PLACES: ClassVar[tuple[actions.Place, ...]] = ("picker",)
    HEADING: ClassVar[str] = ""
    PROMPT: ClassVar[str] = "type to narrow"

    def __init__(self, keys: actions.Keys) -> None:
        super().__init__()
        self.heading = LineBlock(id="title")
        self.query_line = Input(placeholder=self.PROMPT, id="query", compact=True)
        self.titles = LineBlock(id="titles")
        self.choices = ChoiceList(self._entry_line, id="choices")
        self.note = LineBlock(id="note")
        self.keys_bar = LineBlock(id="keys")
        self._keys = actions.first_keys(keys)
        self._entries: list[ChoiceT] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield from (self.heading, self.query_line, self.titles, self.choices, self.note, self.keys_bar)

    def entries(self, query: str) -> list[ChoiceT]:
        """What can be chosen, best first."""
        raise NotImplementedError

    def entry_line(self, choice: ChoiceT, width: int) -> Line:
        """How an entry reads."""
        raise NotImplementedError

    def title_line(self) -> Line:
        return line(" ", Piece(self.HEADING, "strong"))

    def column_titles(self, width: int) -> Line:
        del width
        return EMPTY

    def note_lines(self, width: int) -> list[Line]:
        """What is said below the list."""
        del width
        return []

    @property
    def waits(self) -> bool:
        """Entries are still to come."""
        return False

    def take(self, choice: ChoiceT) -> None:
        """The user chose an entry."""
        raise NotImplementedError

    @property
    def highlighted(self) -> ChoiceT | None:
        cursor = self.choices.cursor
        return self._entries[cursor] if cursor is not None and cursor < len(self._entries) else None

    def on_mount(self) -> None:
        self.renew()

    def repaint(self, dirty: Dirty, now: float, frame: int) -> None:
        """The panel's state moved."""
        del now, frame
        if self.is_mounted and dirty & (Dirty.ROUTE | Dirty.PROVIDERS | Dirty.SESSIONS):
            self.renew(keep=True)

    def renew(self, *, keep: bool = False) -> None:
        """Make the list anew; ``keep`` leaves the highlight on its entry."""
        before = self.highlighted if keep else None
        self._entries = self.entries(self.query_line.value)
        place = self._entries.index(before) if before in self._entries and before is not None else 0
        self.choices.renew(len(self._entries), place)
        self.reword()

    def reword(self) -> None:
        """Word everything around the list anew."""
        self.heading.show([self.title_line()])
        self.titles.show([self.column_titles(self.choices.row_width)])
        lines = self.note_lines(max(20, self.choices.size.width))
        if not self._entries and self.query_line.value.strip() and not self.waits:
            lines = [line(" ", Piece(NO_MATCH, "warn")), *lines]
        self.note.styles.height = len(lines)
        self.note.show(lines)
        hints = actions.footer_hints(self._keys, *self.PLACES, without=("help",))
        self.keys_bar.show([keys_line(hints, self.keys_bar.size.width, ("cancel",))])

    def _entry_line(self, index: int, width: int) -> Line:
        return self.entry_line(self._entries[index], width)

    @on(PaneResized)
    def _resized(self) -> None:
        self.choices.refresh()
        self.reword()

    @on(Input.Changed, "#query")
    def _narrowed(self) -> None:
        self.renew()

    @on(Input.Submitted, "#query")
    def _submitted(self) -> None:
        self.action_apply()

    @on(RowSelected)
    def _clicked(self, event: RowSelected) -> None:
        self._highlight(event.index)

    @on(RowOpened)
    def _clicked_again(self) -> None:
        self.action_apply()

    def _highlight(self, index: int | None) -> None:
        self.choices.set_cursor(index)
        self.reword()

    def action_apply(self) -> None:
        if (choice := self.highlighted) is not None:
            self.take(choice)

    def action_cancel(self) -> None:
        self.dismiss(None)

    def action_cursor_up(self) -> None:
        self._highlight(self.choices.moved(-1))

    def action_cursor_down(self) -> None:
        self._highlight(self.choices.moved(1))

    def action_cursor_page_up(self) -> None:
        self._highlight(self.choices.moved(-self.choices.page))

    def action_cursor_page_down(self) -> None:
        self._highlight(self.choices.moved(self.choices.page))
