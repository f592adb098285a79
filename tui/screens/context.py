"""What fills the window of a conversation: weighed by the engine each time it is looked at."""

from collections.abc import Callable, Sequence

from proxy.contract import ContextReport, Session
from tui import actions
from tui.client import Door, DoorError
from tui.screens.reading import ReadingScreen
from tui.state.context import context_lines, context_title
from tui.state.lines import EMPTY, Line, Piece, line
from tui.state.panel import Dirty, PanelState
from tui.state.text import clean_line
from tui.state.who import told_apart
from tui.work import begin

AGAIN_S = 2.0
"""Between two looks at a conversation that goes on."""
OLDER = "That request is no longer kept in memory; this is the conversation's last one."


class ContextScreen(ReadingScreen):
    """The window of one request, or of a session's last one; follows the session while it works."""

    def __init__(
        self,
        state: PanelState,
        keys: actions.Keys,
        door: Callable[[], Door],
        session: Session | None,
        request_id: str | None,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(keys)
        self._state, self._door, self._clock = state, door, clock
        self._session, self._request_id = session, request_id
        self._report: ContextReport | None = None
        self._asked_at = 0.0
        self._note = self._trouble = ""

    def on_mount(self) -> None:
        super().on_mount()
        self._ask()

    def title_line(self) -> Line:
        known = self._report.session_id if self._report is not None else None
        session = self._state.sessions.get(known) if known is not None else self._session
        return context_title(self._report, told_apart(session, self._state.sessions, known) if session or known else "")

    def lines(self, width: int) -> Sequence[Line]:
        if self._trouble:
            return [EMPTY, line("   ", Piece(clean_line(self._trouble), "bad"))]
        if self._report is None:
            return [EMPTY, line(Piece("   Weighing the last request …", "dim"))]
        return context_lines(self._report, width, self._note)

    def repaint(self, dirty: Dirty, now: float, frame: int) -> None:
        """Look again when the session moved."""
        del dirty, frame
        session = self._state.sessions.get(self._session.id) if self._session is not None else None
        if session is None or session is self._session or not self.is_mounted:
            return
        if self._request_id is None and now - self._asked_at >= AGAIN_S:
            self._session = session
            self._ask()

    def _ask(self) -> None:
        self._asked_at = self._clock()
        begin(self, self._read, "context")

    async def _read(self) -> None:
        try:
            self._report = await self._ask_engine()
            self._session = self._session or self._state.sessions.get(self._report.session_id or "")
            self._trouble = ""
        except DoorError as error:
            self._trouble = str(error)
        self.reword()

    async def _ask_engine(self) -> ContextReport:
        session = self._session.id if self._session is not None else None
        if self._request_id is None:
            return await self._door().context(session)
        try:
            return await self._door().context(request=self._request_id)
        except DoorError as error:
            if error.code != "not_found":
                raise
            self._note, self._request_id = OLDER, None
            return await self._door().context(session)
