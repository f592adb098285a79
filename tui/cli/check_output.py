"""What ``cctui check`` prints, for people and as JSON. Pure."""

from proxy import contract as c
from tui.cli.json_output import known_dollars, moment
from tui.cli.tables import Column, table
from tui.state import formats as f
from tui.state.check import counts_line, paid_words, price_words, sign
from tui.state.lines import line_text
from tui.state.text import clean_line, wrap

COLUMNS = (
    Column(""),
    Column("point"),
    Column("what was seen", shrinks=True),
    Column("took", numeric=True, drop=1),
    Column("cost", numeric=True, drop=2),
)
INDENT = "    "


def plan_line(planned: c.CheckReport) -> str:
    """What will be tried and what it costs."""
    points = len(planned.results)
    return f"{clean_line(planned.target)}: {points} point{'' if points == 1 else 's'}, {price_words(planned)}"


def progress_line(result: c.CheckResult, place: int, of: int) -> str:
    """A point that was just tried."""
    return f"{place:2}/{of} {sign(result)[0]} {result.title}: {clean_line(result.text)}"


def as_lines(report: c.CheckReport, width: int) -> list[str]:
    """The points as a table, the evidence for what is wrong, the sums."""
    rows = [(sign(each)[0], each.title, each.text, *_figures(each, report)) for each in report.results]
    lines = table(COLUMNS, rows, width)
    for result in report.results:
        if result.verdict in ("degraded", "fail"):
            lines += ["", *_wrapped(f"{sign(result)[0]} {result.title}: {result.text}.", "", width)]
            lines += _wrapped(result.evidence, INDENT, width) if result.evidence else []
    return [*lines, "", f"{line_text(counts_line(report))}   cost {paid_words(report)}"]


def _figures(result: c.CheckResult, report: c.CheckReport) -> tuple[str, str]:
    if not result.requests:
        return "", ""
    cost = f.UNKNOWN if result.unpriced else f.money(result.cost_nano_usd, simulated=report.simulated)
    return f.duration(result.duration_ms), cost


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    return [f"{indent}{row}" for row in wrap(clean_line(text), max(20, width - len(indent)))]


def is_good(report: c.CheckReport) -> bool:
    """Nothing failed, and something was tried."""
    verdicts = {each.verdict for each in report.results}
    return "fail" not in verdicts and bool(verdicts & {"pass", "degraded"})


def as_json(report: c.CheckReport) -> dict[str, object]:
    return {
        "target": report.target,
        "ok": is_good(report),
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
