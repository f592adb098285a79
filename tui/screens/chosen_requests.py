"""The requests behind a sum, newest first; enter shows one in full."""

from collections.abc import Callable

from proxy.contract import Choice, Request
from tui import actions
from tui.client import Door
from tui.screens.detail import DetailScreen
from tui.screens.table import TableScreen
from tui.state import formats as f
from tui.state.lines import EMPTY, Line, Piece, line, spread
from tui.state.panel import PanelState
from tui.state.rows import row as request_row
from tui.state.rows import titles
from tui.state.text import clean_line

LIMIT = 500
FULL_DATES_FROM = 84
"""Cells of a row from which on its date has a year."""


class ChosenRequestsScreen(TableScreen[Request, None]):
    """Reads the ledger once."""

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
        self._dated = True
        """Some are not of today, so that each has its date."""

    async def read(self) -> None:
        rows = await self._door().requests(self._choice, LIMIT)
        today = f.date(self._clock())[:10]
        self._dated = any(f.date(row.started_at)[:10] != today for row in rows)
        self.show(rows, "" if rows else "The ledger keeps none of these requests any more.", "dim")

    def heading_lines(self, width: int) -> list[Line]:
        del width
        many = f"the newest {LIMIT} " if len(self._rows) == LIMIT else ""
        return [line(" ", Piece(f"{many}requests", "strong"), Piece(f"   {clean_line(self._about)}", "dim")), EMPTY]

    def titles_line(self, width: int) -> Line:
        return spread(EMPTY, line(Piece(titles(width - self._date_cells(width)), "dim")), width)

    def row_line(self, row: Request, width: int) -> Line:
        cells = self._date_cells(width)
        told = request_row(row, width - cells, self._clock(), self._state.ordinal(row), 0)
        date = f" {f.date(row.started_at)[11 - cells : 10]}" if cells else ""
        return line(Piece(date, "dim"), *told)

    def opened(self, row: Request) -> None:
        self.app.push_screen(DetailScreen(self._state, self._all_keys, self._door, row, self._clock))

    def _date_cells(self, width: int) -> int:
        """A space and the date; nothing where all are of today."""
        if not self._dated:
            return 0
        return 11 if width >= FULL_DATES_FROM else 6
