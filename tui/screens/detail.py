"""The inspector: one request in full."""

from collections.abc import Callable, Sequence

from proxy.contract import Detail, Request
from tui import actions
from tui.client import Door, DoorError
from tui.screens.reading import ReadingScreen
from tui.state.detail import detail_lines, detail_title
from tui.state.lines import Line
from tui.state.panel import Dirty, PanelState
from tui.work import begin


class DetailScreen(ReadingScreen):
    """Shows what the panel knows at once, and what the engine adds when it has answered."""

    def __init__(
        self,
        state: PanelState,
        keys: actions.Keys,
        door: Callable[[], Door],
        request: Request,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(keys)
        self._state = state
        self._door = door
        self._clock = clock
        self._detail = Detail(request=request)

    def on_mount(self) -> None:
        super().on_mount()
        self._ask()

    def title_line(self) -> Line:
        return detail_title(self._detail.request, self._clock())

    def lines(self, width: int) -> Sequence[Line]:
        return detail_lines(self._state, self._detail, width, self._clock())

    def repaint(self, dirty: Dirty, now: float, frame: int) -> None:
        """Follow the request while it lives."""
        del now, frame
        before = self._detail.request
        known = self._state.requests.get(before.id)
        if not self.is_mounted or not dirty & Dirty.REQUESTS or known is None or known is before:
            return
        if before.live and not known.live:
            self._ask()

    def _ask(self) -> None:
        begin(self, self._read, "detail")

    async def _read(self) -> None:
        try:
            self._detail = await self._door().detail(self._detail.request.id)
        except DoorError:
            known = self._state.requests.get(self._detail.request.id)
            self._detail = Detail(request=known or self._detail.request)
        self.reword()
