"""What the same tokens would have cost at every other model, for a session, a period or a selection."""

from collections.abc import Callable
from typing import ClassVar

from proxy.contract import Session, Tally, WhatIf, WhatIfRow
from tui import actions
from tui.client import Door
from tui.screens.table import TableScreen
from tui.state.lines import EMPTY, Line
from tui.state.whatif import Subject, WhatIfTable, heading, spent, subjects, told
from tui.state.who import session_name


class WhatIfScreen(TableScreen[WhatIfRow, None]):
    """Reads the comparison each time another subject is chosen."""

    BINDINGS = [*actions.bindings("whatif")]  # noqa: RUF012  the form that Textual's type asks for
    PLACES: ClassVar[tuple[actions.Place, ...]] = ("whatif", "rows")
    IDLE: ClassVar[frozenset[str]] = frozenset({"open"})

    def __init__(
        self,
        keys: actions.Keys,
        door: Callable[[], Door],
        clock: Callable[[], float],
        session: Session | None,
        here: Subject | None = None,
        *,
        name: str = "",
    ) -> None:
        """``session`` is the one in view, called ``name``; ``here`` the selection from which one came."""
        super().__init__(keys)
        self._door = door
        self._subjects = subjects(session, name or session_name(session), here, clock())
        self._chosen = 0
        self._report: WhatIf | None = None
        self._table: tuple[int, WhatIfTable] | None = None
        """The table last made, and for which width."""

    async def read(self) -> None:
        report = await self._door().what_if(self._subjects[self._chosen].choice)
        self._report, self._table = report, None
        nothing = "Nothing was asked here." if not report.total.requests else "No provider lists a model."
        rows = report.rows if report.total.requests else ()
        self.show(rows, "" if rows else nothing, "dim")

    def heading_lines(self, width: int) -> list[Line]:
        lines = [heading(self._subjects, self._chosen, width), EMPTY]
        return lines + (spent(self._report, width) if self._report else [EMPTY, EMPTY]) + [EMPTY]

    def titles_line(self, width: int) -> Line:
        return self._rows_at(width).titles()

    def row_line(self, row: WhatIfRow, width: int) -> Line:
        return self._rows_at(width).row(row)

    def foot_lines(self, width: int) -> list[Line]:
        row = self.highlighted
        return [EMPTY, *told(self._report, row, width)] if self._report and row else []

    def action_over(self) -> None:
        self.action_over_at((self._chosen + 1) % len(self._subjects))

    def action_over_back(self) -> None:
        self.action_over_at((self._chosen - 1) % len(self._subjects))

    def action_over_at(self, place: int) -> None:
        self._chosen, self._report, self._table = place, None, None
        self.ask()

    def _rows_at(self, width: int) -> WhatIfTable:
        if self._table is None or self._table[0] != width:
            self._table = (width, WhatIfTable(self._report or WhatIf(total=Tally()), width))
        return self._table[1]
