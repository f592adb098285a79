"""Choose the session whose requests and costs are shown."""

from collections.abc import Callable

from tui import actions
from tui.screens.picker import Picker
from tui.state.choices import SessionChoice, session_choices, session_line
from tui.state.lines import Line, Piece, line
from tui.state.panel import PanelState
from tui.state.text import clean_line


class SessionPicker(Picker[SessionChoice, SessionChoice]):
    """Answers with the choice."""

    HEADING = "show the session"

    def __init__(self, state: PanelState, keys: actions.Keys, clock: Callable[[], float]) -> None:
        super().__init__(keys)
        self._state = state
        self._clock = clock

    def entries(self, query: str) -> list[SessionChoice]:
        return session_choices(self._state, query)

    def entry_line(self, choice: SessionChoice, width: int) -> Line:
        return session_line(self._state, choice, width, self._clock())

    def note_lines(self, width: int) -> list[Line]:
        del width
        chosen = self.highlighted.session if self.highlighted else None
        return [line(" ", Piece(clean_line(chosen) if chosen else "Everything that the engine serves.", "dim"))]

    def take(self, choice: SessionChoice) -> None:
        self.dismiss(choice)
