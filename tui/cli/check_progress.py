"""Tells a check while it runs: each point as it is done, on a terminal also the one that is being tried."""

import time

import msgspec

from proxy import contract as c
from tui.cli.check_output import PointTable, progress_line
from tui.cli.engine_access import say
from tui.cli.printing import print_lines
from tui.cli.ticker import Ticker


class Progress:
    """Prints rows of a table; where JSON goes to stdout, lines beside it."""

    def __init__(self, planned: c.CheckReport, width: int, *, as_json: bool) -> None:
        self._names = [each.name for each in planned.results]
        self._table = PointTable(planned.results, width, simulated=planned.simulated)
        self._as_json = as_json
        self._told: list[str] = []
        self._ticker = Ticker()

    def tell(self, report: c.CheckReport) -> c.CheckReport:
        """Print what is new in ``report``; the answer is its part that was asked for."""
        results = tuple(each for each in report.results if each.name in self._names)
        report = msgspec.structs.replace(report, results=results)
        self._ticker.clear()
        self._print([each for each in results if each.verdict is not None and each.name not in self._told])
        if report.running:
            self._ticker.show(self._table.running(report, time.time()))
        return report

    def close(self) -> None:
        """Leave the terminal as it is for whatever comes next."""
        self._ticker.clear()

    def _print(self, news: list[c.CheckResult]) -> None:
        if self._as_json:
            for result in news:
                self._told.append(result.name)
                say(progress_line(result, len(self._told), len(self._names)))
        elif news:
            first = [] if self._told else [self._table.head]
            self._told += [result.name for result in news]
            print_lines([*first, *self._table.rows(news)])
