"""A screen of lines to read: a title, text that scrolls, the keys."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.screen import Screen

from tui import actions
from tui.messages import PaneResized
from tui.state.keys_line import keys_line
from tui.state.lines import Line
from tui.widgets.line_block import LineBlock
from tui.widgets.line_scroll import LineScroll


class ReadingScreen(Screen[None]):
    """A subclass words the title and the text."""

    CSS_PATH = "reading.tcss"
    BINDINGS = [*actions.bindings("reading")]  # noqa: RUF012  the form that Textual's type asks for
    PLACES: ClassVar[tuple[actions.Place, ...]] = ("reading",)

    def __init__(self, keys: actions.Keys) -> None:
        super().__init__()
        self.heading = LineBlock(id="title")
        self.text = LineScroll(id="text")
        self.keys_bar = LineBlock(id="keys")
        self._keys = actions.first_keys(keys)

    def compose(self) -> ComposeResult:
        yield from (self.heading, self.text, self.keys_bar)

    def title_line(self) -> Line:
        raise NotImplementedError

    def lines(self, width: int) -> Sequence[Line]:
        """The text in ``width`` cells."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self.reword()

    @on(PaneResized)
    def reword(self) -> None:
        """Word everything anew."""
        self.heading.show([self.title_line()])
        self.text.show(self.lines(self.text.row_width))
        hints = actions.footer_hints(self._keys, *self.PLACES)
        self.keys_bar.show([keys_line(hints, self.size.width, ("help", "back"))])

    def action_back(self) -> None:
        self.dismiss(None)
