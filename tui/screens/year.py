"""The year as a heat map of days; answers with the view of the day that was opened."""

from collections.abc import Callable
from datetime import date
from typing import ClassVar

import msgspec

from proxy.contract import Tally, UsageReport, local_day, midnight
from tui import actions
from tui.client import Door
from tui.screens.table import TableScreen
from tui.state.lines import EMPTY, Line, Piece, line, line_text, wrapped
from tui.state.spend import SpendView
from tui.state.text import clean_line
from tui.state.year import WEEKS, day_line, first_day, map_lines, moved, weeks_that_fit, year, year_facts

PAGE_DAYS = 28


class YearScreen(TableScreen[date, SpendView]):
    """The arrows go from day to day and from week to week."""

    BINDINGS = [*actions.bindings("year")]  # noqa: RUF012  the form that Textual's type asks for
    PLACES: ClassVar[tuple[actions.Place, ...]] = ("year", "rows")

    def __init__(
        self,
        keys: actions.Keys,
        door: Callable[[], Door],
        clock: Callable[[], float],
        view: SpendView,
        about: str,
    ) -> None:
        """``about`` says in words which requests ``view`` leaves."""
        super().__init__(keys)
        self._door, self._view, self._about = door, view, about
        self._now = clock()
        self._year = year(UsageReport(total=Tally(), rows=()), self._now)
        self._cursor = local_day(self._now)

    async def read(self) -> None:
        choice = self._view.timeless().choice(self._now)
        choice = msgspec.structs.replace(choice, since=midnight(first_day(self._now)))
        self._year = year(await self._door().usage(choice, "day"), self._now)
        self.show(())

    def heading_lines(self, width: int) -> list[Line]:
        del width
        return [
            line(" ", Piece("the year, day by day", "strong"), Piece(f"   {clean_line(self._about)}", "dim")),
            EMPTY,
        ]

    def graph_lines(self, width: int) -> list[Line]:
        facts = wrapped(line_text(year_facts(self._year)).strip(), width, "dim")
        map_of_days = map_lines(self._year, self._cursor, width)
        return [*map_of_days, EMPTY, day_line(self._year, self._cursor, width), EMPTY, *facts]

    def titles_line(self, width: int) -> Line:
        del width
        return EMPTY

    def action_open(self) -> None:
        self.dismiss(self._view.on(self._cursor.isoformat()))

    def action_row_up(self) -> None:
        self._move(-1)

    def action_row_down(self) -> None:
        self._move(1)

    def action_week_before(self) -> None:
        self._move(-7)

    def action_week_after(self) -> None:
        self._move(7)

    def action_rows_page_up(self) -> None:
        self._move(-PAGE_DAYS)

    def action_rows_page_down(self) -> None:
        self._move(PAGE_DAYS)

    def action_rows_first(self) -> None:
        self._move(-7 * WEEKS)

    def action_rows_last(self) -> None:
        self._move(7 * WEEKS)

    def _move(self, days: int) -> None:
        weeks, _ = weeks_that_fit(self.size.width)
        self._cursor = moved(self._year, self._cursor, days, weeks)
        self.reword()
