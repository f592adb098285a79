"""The check of a target: what it costs, then its points one after the other as they are tried."""

from collections.abc import Callable
from typing import ClassVar

from proxy import contract as c
from tui import actions
from tui.client import Door, DoorError
from tui.screens.table import TableScreen
from tui.state.check import ROOMY, counts_line, heading, paid_words, price_words, row, titles, told
from tui.state.lines import EMPTY, Line, Piece, line, wrapped
from tui.work import begin

LOOK_S = 0.4
"""Between two looks at a running check."""


class CheckScreen(TableScreen[c.CheckResult, None]):
    """Shows what is known, and begins a check when the user has seen what it costs. It goes on without the screen."""

    BINDINGS = [*actions.bindings("check")]  # noqa: RUF012  the form that Textual's type asks for
    PLACES: ClassVar[tuple[actions.Place, ...]] = ("check", "rows")
    IDLE: ClassVar[frozenset[str]] = frozenset({"open"})
    READING: ClassVar[str] = "Asking what it would cost …"

    def __init__(self, keys: actions.Keys, door: Callable[[], Door], clock: Callable[[], float], target: str) -> None:
        """``target`` is a provider, or a provider's model."""
        super().__init__(keys)
        self._door, self._clock, self._target = door, clock, target
        self._planned: c.CheckReport | None = None
        self._report: c.CheckReport | None = None

    async def read(self) -> None:
        self._planned = await self._door().run_check(c.RunCheck(target=self._target, dry_run=True))
        self._target = self._planned.target
        try:
            self._report = await self._door().check_report(self._target)
        except DoorError as error:
            if error.code != "not_found":
                raise
        self._show()
        if self._report is not None and self._report.running:
            self._follow()

    def heading_lines(self, width: int) -> list[Line]:
        report = self._report
        lines = [heading(report, self._target, width)]
        if report is not None and any(each.verdict is not None for each in report.results):
            counts = counts_line(report, short=width < ROOMY)
            lines.append(line(" ", *counts, Piece(f"   cost {paid_words(report)}", "dim")))
        if self._planned is not None and not (report is not None and report.running):
            again = "again" if report is not None else "now"
            words = f"{self._keys['run_check']} tries it {again}: {price_words(self._planned)}"
            lines += wrapped(words, width, "strong")
        return [*lines, EMPTY]

    def titles_line(self, width: int) -> Line:
        return titles(width)

    def row_line(self, row_: c.CheckResult, width: int) -> Line:
        known = self._report or self._planned
        return row(row_, width, simulated=known is not None and known.simulated)

    def foot_lines(self, width: int) -> list[Line]:
        chosen = self.highlighted
        return told(chosen, width, self._clock()) if chosen is not None else []

    def action_run_check(self) -> None:
        if self._planned is not None and not (self._report is not None and self._report.running):
            begin(self, self._begin, "check")

    def action_stop_check(self) -> None:
        if self._report is not None and self._report.running:
            begin(self, self._stop, "stop")
        else:
            self.say("No check runs.")

    async def _begin(self) -> None:
        try:
            self._report = await self._door().run_check(c.RunCheck(target=self._target))
        except DoorError as error:
            self.say(str(error), "bad")
            return
        self._show()
        self._follow()

    async def _stop(self) -> None:
        try:
            await self._door().stop_check(c.StopCheck(target=self._target))
        except DoorError as error:
            self.say(str(error), "bad")

    def _follow(self) -> None:
        self.set_timer(LOOK_S, self._look)

    def _look(self) -> None:
        begin(self, self._look_once, "look")

    async def _look_once(self) -> None:
        try:
            self._report = await self._door().check_report(self._target)
        except DoorError as error:
            self.say(str(error), "bad")
            return
        self._show()
        if self._report.running:
            self._follow()

    def _show(self) -> None:
        """The points of the report, and of the plan what the report has not."""
        results = list(self._report.results) if self._report is not None else []
        known = {each.name for each in results}
        planned = self._planned.results if self._planned is not None else ()
        rows = [*results, *(each for each in planned if each.name not in known)]
        self.show(rows, place=self.rows.cursor or 0)
