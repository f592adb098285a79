"""A screen with a short list on top and words on the highlighted entry below it.

A subclass says which entries there are, how one reads, what is told of it, and has the actions of its keys. The
screen closes with the subclass's answer, or with None.
"""

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.screen import Screen

from tui import actions
from tui.messages import PaneResized, RowOpened, RowSelected
from tui.state.keys_line import keys_line
from tui.state.lines import EMPTY, Line, Tone, wrapped
from tui.state.panel import Dirty
from tui.state.text import clean_line
from tui.widgets.choice_list import ChoiceList
from tui.widgets.line_block import LineBlock

EntryT = TypeVar("EntryT")
AnswerT = TypeVar("AnswerT")

SHARE = 0.5
"""Of the screen's height that the list takes at most."""


class EntriesScreen(Screen[AnswerT], Generic[EntryT, AnswerT]):
    """Arrows to move, keys to act on the highlighted entry."""

    CSS_PATH = "entries.tcss"
    AUTO_FOCUS = ""
    BINDINGS = [*actions.bindings("entries")]  # noqa: RUF012  the form that Textual's type asks for
    PLACES: ClassVar[tuple[actions.Place, ...]] = ("entries",)

    def __init__(self, keys: actions.Keys) -> None:
        super().__init__()
        self.heading = LineBlock(id="title")
        self.titles = LineBlock(id="titles")
        self.choices = ChoiceList(self._entry_line, id="choices")
        self.note = LineBlock(id="note")
        self.told = LineBlock(id="told")
        self.keys_bar = LineBlock(id="keys")
        self._keys = actions.first_keys(keys)
        self._entries: Sequence[EntryT] = ()
        self._note: tuple[str, Tone] = ("", "plain")

    def compose(self) -> ComposeResult:
        yield from (self.heading, self.titles, self.choices, self.note, self.told, self.keys_bar)

    def entries(self) -> Sequence[EntryT]:
        """What is listed."""
        raise NotImplementedError

    def entry_line(self, place: int, entry: EntryT, width: int) -> Line:
        """How an entry reads."""
        raise NotImplementedError

    def title_line(self) -> Line:
        raise NotImplementedError

    def column_titles(self, width: int) -> Line:
        raise NotImplementedError

    def told_lines(self, width: int) -> list[Line]:
        """What is told below the list."""
        raise NotImplementedError

    def first_place(self) -> int:
        """The entry that is highlighted at first."""
        return 0

    @property
    def highlighted(self) -> EntryT | None:
        cursor = self.choices.cursor
        return self._entries[cursor] if cursor is not None and cursor < len(self._entries) else None

    def on_mount(self) -> None:
        self._entries = self.entries()
        self.renew(self.first_place())

    def repaint(self, dirty: Dirty, now: float, frame: int) -> None:
        """The panel's state moved, or time did."""
        del now, frame
        if not self.is_mounted:
            return
        if dirty & (Dirty.ROUTE | Dirty.PROVIDERS | Dirty.SESSIONS):
            self.renew()
        else:
            self.choices.repaint_changed()
            self.reword()

    def renew(self, place: int | None = None) -> None:
        """Make the list anew, the highlight on ``place`` (None: where it is)."""
        self._entries = self.entries()
        self.choices.styles.height = max(1, min(len(self._entries), int(self.size.height * SHARE)))
        self.choices.renew(len(self._entries), self.choices.cursor if place is None else place)
        self.reword()

    def say(self, text: str, tone: Tone = "plain") -> None:
        """Tell the user a sentence below the list, until the next one."""
        self._note = (clean_line(text), tone)
        if self.is_mounted:
            self.reword()

    def reword(self) -> None:
        """Word everything around the list anew."""
        width = self.size.width
        self.heading.show([self.title_line()])
        self.titles.show([self.column_titles(width)])
        text, tone = self._note
        said = wrapped(text, width, tone)
        self.note.styles.height = 1 + len(said)
        self.note.show([EMPTY, *said])
        self.told.show(self.told_lines(width - 1))
        hints = actions.footer_hints(self._keys, *self.PLACES)
        self.keys_bar.show([keys_line(hints, width, ("help", "back"))])

    def highlight(self, place: int | None) -> None:
        self.choices.set_cursor(place)
        self.reword()

    def _entry_line(self, index: int, width: int) -> Line:
        return self.entry_line(index, self._entries[index], width)

    @on(PaneResized)
    def _resized(self) -> None:
        self.renew()

    @on(RowSelected)
    def _clicked(self, event: RowSelected) -> None:
        self.highlight(event.index)

    @on(RowOpened)
    def _clicked_again(self) -> None:
        self.opened()

    def opened(self) -> None:
        """The highlighted entry was clicked a second time."""

    def action_entry_up(self) -> None:
        self.highlight(self.choices.moved(-1))

    def action_entry_down(self) -> None:
        self.highlight(self.choices.moved(1))

    def action_done(self) -> None:
        self.dismiss(None)
