"""How fast each model was at each provider, side by side."""

from collections.abc import Callable

import msgspec

from proxy.contract import Choice, Latency
from tui import actions
from tui.client import Door
from tui.screens.chosen_requests import ChosenRequestsScreen
from tui.screens.table import TableScreen
from tui.state.latency import LatencyTable
from tui.state.lines import EMPTY, Line, Piece, line, wrapped
from tui.state.panel import PanelState
from tui.state.text import clean_line

MEANING = (
    "Time to the first event, then tokens per second: p50 is the middle, p95 and p5 the slow end, "
    "which one in twenty misses."
)


class LatencyScreen(TableScreen[Latency, None]):
    """Enter lists the requests of a row."""

    def __init__(
        self,
        state: PanelState,
        keys: actions.Keys,
        door: Callable[[], Door],
        clock: Callable[[], float],
        choice: Choice,
        about: str,
    ) -> None:
        """``about`` says in words what is chosen."""
        super().__init__(keys)
        self._state, self._all_keys, self._door, self._clock = state, keys, door, clock
        self._choice, self._about = choice, about

    async def read(self) -> None:
        rows = (await self._door().latency(self._choice)).rows
        self.show(rows, "" if rows else "Nothing was streamed in this time.", "dim")

    def heading_lines(self, width: int) -> list[Line]:
        title = line(" ", Piece("speed", "strong"), Piece(f"   {clean_line(self._about)}", "dim"))
        return [title, *wrapped(MEANING, width, "dim"), EMPTY]

    def titles_line(self, width: int) -> Line:
        return LatencyTable(self._rows, width).titles()

    def row_line(self, row: Latency, width: int) -> Line:
        return LatencyTable(self._rows, width).row(row)

    def opened(self, row: Latency) -> None:
        choice = msgspec.structs.replace(self._choice, provider=row.provider, model=row.model)
        about = f"{self._about} · {row.model} at {row.provider}"
        screen = ChosenRequestsScreen(self._state, self._all_keys, self._door, self._clock, choice, about)
        self.app.push_screen(screen)
