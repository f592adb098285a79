"""How well the prompt cache serves a session, and why it did not: the engine's report, read again as it goes on."""

from collections.abc import Callable, Sequence

from proxy.contract import CacheReport, Session
from tui import actions
from tui.client import Door, DoorError
from tui.screens.reading import ReadingScreen
from tui.state.cachehealth import cache_lines, cache_title
from tui.state.lines import EMPTY, Line, Piece, line
from tui.state.panel import Dirty, PanelState
from tui.state.text import clean_line
from tui.state.who import told_apart
from tui.work import begin

AGAIN_S = 2.0
"""Between two questions while the session goes on."""


class CacheScreen(ReadingScreen):
    """The cache of one session; follows it while it works."""

    def __init__(
        self,
        state: PanelState,
        keys: actions.Keys,
        door: Callable[[], Door],
        session: Session | None,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(keys)
        self._state, self._door, self._clock = state, door, clock
        self._session = session
        self._report: CacheReport | None = None
        self._asked_at = 0.0
        self._trouble = ""

    def on_mount(self) -> None:
        super().on_mount()
        self._ask()

    def title_line(self) -> Line:
        known = self._report.session_id if self._report is not None else None
        name = told_apart(self._known(), self._state.sessions, known) if self._known() or known else ""
        return cache_title(name)

    def lines(self, width: int) -> Sequence[Line]:
        if self._trouble:
            return [EMPTY, line("   ", Piece(clean_line(self._trouble), "bad"))]
        if self._report is None:
            return [EMPTY, line(Piece("   Asking the engine …", "dim"))]
        return cache_lines(self._report, self._known(), width, self._clock())

    def repaint(self, dirty: Dirty, now: float, frame: int) -> None:
        """Ask again when the session moved."""
        del dirty, frame
        known = self._known()
        if known is None or known is self._session or not self.is_mounted:
            return
        if now - self._asked_at >= AGAIN_S:
            self._session = known
            self._ask()

    def _known(self) -> Session | None:
        """The session as the panel knows it by now."""
        return self._state.sessions.get(self._session.id, self._session) if self._session is not None else None

    def _ask(self) -> None:
        self._asked_at = self._clock()
        begin(self, self._read, "cache")

    async def _read(self) -> None:
        try:
            self._report = await self._door().cache(self._session.id if self._session is not None else None)
            self._session = self._session or self._state.sessions.get(self._report.session_id)
            self._trouble = ""
        except DoorError as error:
            self._trouble = str(error)
        self.reword()
