"""What was spent: sums of the ledger over a period, by a grouping, and inside the groups that are opened."""

from collections.abc import Callable
from typing import ClassVar

from proxy.contract import Choice, Tally, UsageGroup, UsageReport, UsageRow
from tui import actions
from tui.client import Door
from tui.screens.chosen_requests import ChosenRequestsScreen
from tui.screens.latency import LatencyScreen
from tui.screens.table import TableScreen
from tui.screens.whatif import WhatIfScreen
from tui.screens.year import YearScreen
from tui.state.lines import Line
from tui.state.panel import Dirty, PanelState
from tui.state.periods import PERIODS
from tui.state.spend import GROUPS, SpendView
from tui.state.spend_lines import SpendTable, about_words, graph, heading, made_up, notes, ordered, way_words
from tui.state.text import clean_line
from tui.state.whatif import Subject
from tui.state.who import agent_names, session_names
from tui.work import begin

GROUPS_MAX = 500
"""Groups that are listed, the costliest; a year has tens of thousands of sessions."""
AGAIN_S = 3.0
"""Between two readings while money is spent."""


class SpendScreen(TableScreen[UsageRow, None]):
    """Reads the ledger each time the question changes, with the day too, and again while money is spent."""

    BINDINGS = [*actions.bindings("spend")]  # noqa: RUF012  the form that Textual's type asks for
    PLACES: ClassVar[tuple[actions.Place, ...]] = ("spend", "rows")

    def __init__(
        self, state: PanelState, keys: actions.Keys, door: Callable[[], Door], clock: Callable[[], float]
    ) -> None:
        super().__init__(keys)
        self._state, self._all_keys, self._door, self._clock = state, keys, door, clock
        self._names: dict[str, str] = {}
        self._view = SpendView()
        self._report: UsageReport | None = None
        self._made: tuple[UsageReport, UsageGroup, int, SpendTable] | None = None
        """The table last made, and what of."""
        self._read_at = 0.0
        self._asked = Choice()
        self._moved = False
        """Something was spent since the last reading."""
        self._return_to = ""
        """The key under the cursor when the level above comes back."""

    @property
    def view(self) -> SpendView:
        return self._view

    async def read(self) -> None:
        view = self._view
        self._read_at = self._clock()
        self._asked = view.choice(self._read_at)
        report = await self._door().usage(self._asked, view.group, GROUPS_MAX)
        told = {row.key: clean_line(row.name) for row in report.rows if row.name}
        self._report, self._names = report, {**told, **self._known_names()}
        rows = ordered(report, view.group)
        key = self._return_to or (self.highlighted.key if self.highlighted is not None else "")
        self._return_to = ""
        place = next((place for place, row in enumerate(rows) if row.key == key), 0)
        self.show(rows, "" if rows else "Nothing was asked in this time.", "dim", place)

    def _known_names(self) -> dict[str, str]:
        """Of sessions and sub-agents, as far as the panel has seen them."""
        known = self._state.sessions.values()
        return {**agent_names(known), **session_names(known)}

    def repaint(self, dirty: Dirty, now: float, frame: int) -> None:
        """Read again when something was spent or a day began, with the cursor where it is."""
        del frame
        self._moved = self._moved or Dirty.SESSIONS in dirty or self._view.choice(now) != self._asked
        if self._moved and self.is_mounted and now - self._read_at >= AGAIN_S:
            self._moved, self._read_at = False, now
            begin(self, self._read, "read")

    def heading_lines(self, width: int) -> list[Line]:
        simulated = self._report is not None and made_up(self._report)
        return heading(self._view, self._names, width, simulated=simulated)

    def graph_lines(self, width: int) -> list[Line]:
        return graph(self._report, self._view.group, width, self.size.height) if self._report else []

    def titles_line(self, width: int) -> Line:
        return self._table(width).titles()

    def row_line(self, row: UsageRow, width: int) -> Line:
        return self._table(width).row(row)

    def foot_lines(self, width: int) -> list[Line]:
        return [*self._table(width).sums(), *notes(self._report, width)] if self._report else []

    def opened(self, row: UsageRow) -> None:
        if not self._view.can_open(row.key):
            self.say("An hour of many days cannot be opened; press tab for hours or days.", "warn")
        elif self._view.inside() is None:
            self._list_requests(self._view.opened(row.key))
        else:
            self._go(self._view.opened(row.key))

    def action_served(self) -> None:
        """The requests of the highlighted row, whatever is inside it."""
        row = self.highlighted
        if row is not None and self._view.can_open(row.key):
            self._list_requests(self._view.opened(row.key))

    def action_out(self) -> None:
        above = self._view.up()
        if above is None:
            self.action_close()
        else:
            self._go(above, self._view.steps[-1].key)

    def action_group(self) -> None:
        self._go(self._view.next_group(1))

    def action_group_back(self) -> None:
        self._go(self._view.next_group(-1))

    def action_group_at(self, place: int) -> None:
        self._go(self._view.grouped(GROUPS[place]))

    def action_period(self) -> None:
        self._go(self._view.next_period(1))

    def action_period_back(self) -> None:
        self._go(self._view.next_period(-1))

    def action_period_at(self, place: int) -> None:
        self._go(self._view.over(PERIODS[place]))

    def action_year(self) -> None:
        about = about_words(self._view, self._names)
        screen = YearScreen(self._all_keys, self._door, self._clock, self._view, about)
        self.app.push_screen(screen, self._day_chosen)

    def action_latency(self) -> None:
        choice, about = self._view.choice(self._clock()), self._way(self._view)
        self.app.push_screen(LatencyScreen(self._state, self._all_keys, self._door, self._clock, choice, about))

    def action_compare(self) -> None:
        choice = self._view.choice(self._clock())
        if choice == Choice():
            choice = Choice(since=0.0)
        here = Subject(self._way(self._view), choice)
        self.app.push_screen(WhatIfScreen(self._all_keys, self._door, self._clock, None, here))

    def _go(self, view: SpendView, key: str = "") -> None:
        self._view, self._return_to, self._report = view, key, None
        self.ask()

    def _list_requests(self, view: SpendView) -> None:
        choice = view.choice(self._clock())
        way = self._way(view)
        self.app.push_screen(ChosenRequestsScreen(self._state, self._all_keys, self._door, self._clock, choice, way))

    def _day_chosen(self, view: SpendView | None) -> None:
        if view is not None:
            self._go(view)

    def _way(self, view: SpendView) -> str:
        return way_words(view, self._names)

    def _table(self, width: int) -> SpendTable:
        report = self._report or UsageReport(total=Tally(), rows=())
        if self._made is None or self._made[:3] != (report, self._view.group, width):
            self._made = (report, self._view.group, width, SpendTable(report, self._view.group, self._names, width))
        return self._made[3]
