"""Asks what becomes of the engine when the panel is left in the middle of answers."""

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.state.lines import EMPTY, Line, Piece, line
from tui.widgets.line_block import LineBlock

Choice = Literal["kept", "stopped"]
CHOICES: tuple[tuple[Choice, str, str], ...] = (
    ("kept", "k", "keep the engine running; Claude Code does not notice"),
    ("stopped", "x", "let these answers finish, then stop the engine"),
)


class LeaveScreen(ModalScreen[Choice]):
    """Answers with what becomes of the engine, None to stay."""

    CSS_PATH = "picker.tcss"
    BINDINGS: ClassVar = [
        Binding("up,left,shift+tab", "move(-1)", show=False),
        Binding("down,right,tab", "move(1)", show=False),
        Binding("enter,q", "take", show=False),
        Binding("k", "answer('kept')", show=False),
        Binding("x", "answer('stopped')", show=False),
        Binding("escape", "stay", show=False),
    ]

    def __init__(self, in_flight: int) -> None:
        super().__init__()
        self._in_flight = in_flight
        self._place = 0

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield LineBlock(id="words")

    def on_mount(self) -> None:
        self._word()

    def _word(self) -> None:
        many = "request is" if self._in_flight == 1 else "requests are"
        heading = line(Piece(f"Leave? {self._in_flight} {many} being answered.", "strong"))
        entries = [self._entry(index) for index in range(len(CHOICES))]
        hint = line(Piece("⏎ take   esc stay", "dim"))
        self.query_one("#words", LineBlock).show([heading, EMPTY, *entries, EMPTY, hint])

    def _entry(self, index: int) -> Line:
        choice, key, text = CHOICES[index]
        chosen = index == self._place
        mark = "▸ " if chosen else "  "
        call = f"screen.answer('{choice}')"
        return line(
            Piece(mark, "accent"), Piece(f"{key} ", "accent", call), Piece(text, "strong" if chosen else "dim", call)
        )

    def action_move(self, by: int) -> None:
        self._place = (self._place + by) % len(CHOICES)
        self._word()

    def action_take(self) -> None:
        self.dismiss(CHOICES[self._place][0])

    def action_answer(self, choice: Choice) -> None:
        self.dismiss(choice)

    def action_stay(self) -> None:
        self.dismiss(None)
