"""What ``cctui check`` prints, for people and as JSON. Pure."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from proxy import contract as c
from tui.cli.json_output import known_dollars, moment
from tui.state import formats as f
from tui.state.check import RUNNING, counts_line, paid_words, price_words, sign
from tui.state.lines import line_text
from tui.state.text import cells, clean_line, left, right, wrap

INDENT = "    "
GAP = "  "
TOOK, COST = 6, 8
SEEN = "what was seen"
SEEN_LEAST = 24
"""Cells that the sentence keeps; where they are not there the figures are left out."""
ALIKE_LEAST = 3
"""So many points that were left out for one reason share a row."""


def plan_lines(planned: c.CheckReport, width: int) -> list[str]:
    """What will be tried and what it costs."""
    points = len(planned.results)
    told = f"{planned.target}: {points} point{'' if points == 1 else 's'}, {price_words(planned)}"
    return wrap(clean_line(told), max(20, width))


class PointTable:
    """The points as rows, printed as they come: the columns have their widths beforehand."""

    def __init__(self, points: Sequence[c.CheckResult], width: int, *, simulated: bool) -> None:
        """``points`` are those that will be tried."""
        self._title = max(cells(_others(len(points))), *(cells(clean_line(each.title)) for each in points))
        self._simulated = simulated
        figures = f"{GAP}{right('took', TOOK)}{GAP}{right('cost', COST)}"
        head = f"   {left('point', self._title)}"
        self._with_figures = width - cells(head + figures + GAP) >= SEEN_LEAST
        self.head = f"{head}{figures if self._with_figures else ''}{GAP}{SEEN}"
        self._seen_at = cells(self.head) - len(SEEN)
        self._room = max(SEEN_LEAST, width - self._seen_at)

    def rows(self, results: Sequence[c.CheckResult]) -> Iterator[str]:
        """The rows of ``results``, which follow each other."""
        for (verdict, text), alike in groupby(results, lambda each: (each.verdict, each.text)):
            same = list(alike)
            if verdict == "skipped" and len(same) >= ALIKE_LEAST:
                yield from self._row(sign(same[0])[0], _others(len(same)), text, "")
            else:
                for each in same:
                    yield from self._row(sign(each)[0], each.title, each.text, self._figures(each))

    def running(self, report: c.CheckReport, now: float) -> str:
        """What is being tried, how far the check is, what it cost so far."""
        title = next((each.title for each in report.results if each.running), "")
        tried = sum(each.verdict is not None for each in report.results)
        took = f.duration(max(0.0, now - (report.started_at or now)) * 1000)
        far = f"{tried} of {len(report.results)}, {took}, {paid_words(report)} so far"
        return f"{RUNNING[0]}  {left(clean_line(title), self._title)}{GAP}{far}"

    def _row(self, mark: str, title: str, text: str, figures: str) -> Iterator[str]:
        start = f"{mark}  {left(clean_line(title), self._title)}{figures}"
        for row in wrap(clean_line(text), self._room) or [""]:
            yield f"{left(start, self._seen_at)}{row}".rstrip()
            start = ""

    def _figures(self, result: c.CheckResult) -> str:
        if not result.requests or not self._with_figures:
            return ""
        cost = f.UNKNOWN if result.unpriced else f.money(result.cost_nano_usd, simulated=self._simulated)
        return f"{GAP}{right(f.duration(result.duration_ms), TOOK)}{GAP}{right(cost, COST)}"


def _others(number: int) -> str:
    return f"{number} others"


def progress_line(result: c.CheckResult, place: int, of: int) -> str:
    """A point that was just tried, where no table tells it."""
    return f"{place:2}/{of} {sign(result)[0]} {clean_line(result.title)}: {clean_line(result.text)}"


def end_lines(report: c.CheckReport, width: int, *, stopped: bool) -> list[str]:
    """The evidence for what is wrong, and the sums."""
    lines: list[str] = []
    for result in report.results:
        if result.verdict in ("degraded", "fail"):
            lines += ["", *_wrapped(f"{sign(result)[0]} {result.title}: {result.text}.", "", width)]
            lines += _wrapped(result.evidence, INDENT, width) if result.evidence else []
    took = max(0.0, (report.ended_at or 0.0) - (report.started_at or 0.0))
    sums = f"{line_text(counts_line(report))}   cost {paid_words(report)}, took {f.duration(took * 1000)}"
    rest = ["Stopped; what was found is kept."] if stopped else []
    return [*lines, "", *wrap(sums, max(20, width)), *rest]


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    return [f"{indent}{row}" for row in wrap(clean_line(text), max(20, width - len(indent)))]


def is_good(report: c.CheckReport) -> bool:
    """Nothing failed, and something was tried."""
    verdicts = {each.verdict for each in report.results}
    return "fail" not in verdicts and bool(verdicts & {"pass", "degraded"})


def as_json(report: c.CheckReport, *, stopped: bool = False) -> dict[str, object]:
    return {
        "target": report.target,
        "ok": is_good(report) and not stopped,
        "stopped": stopped,
        "session": report.session,
        "started_at": moment(report.started_at),
        "ended_at": moment(report.ended_at),
        "simulated": report.simulated,
        "likely_usd": None if report.likely_nano_usd is None else c.dollars(report.likely_nano_usd),
        "most_usd": None if report.most_nano_usd is None else c.dollars(report.most_nano_usd),
        "cost_usd": known_dollars(
            sum(each.cost_nano_usd for each in report.results), sum(each.unpriced for each in report.results)
        ),
        "unpriced_requests": sum(each.unpriced for each in report.results),
        "points": [_point(each) for each in report.results],
    }


def _point(result: c.CheckResult) -> dict[str, object]:
    return {
        "name": result.name,
        "title": result.title,
        "verdict": result.verdict,
        "text": result.text,
        "evidence": result.evidence or None,
        "at": moment(result.at),
        "requests": result.requests,
        "duration_ms": result.duration_ms,
        "cost_usd": known_dollars(result.cost_nano_usd, result.unpriced),
        "unpriced_requests": result.unpriced,
    }
