"""The check of a target in words: what it will cost, its points as rows, the short mark for a model."""

from collections.abc import Mapping

from proxy import contract as c
from tui.state import formats as f
from tui.state.lines import EMPTY, Line, Piece, Tone, cut, line, wrapped
from tui.state.text import clean_line, fit, left, right

SIGNS: Mapping[c.CheckVerdict, tuple[str, Tone]] = {
    "pass": ("✓", "good"),
    "degraded": ("▲", "warn"),
    "fail": ("✗", "bad"),
    "skipped": ("–", "dim"),
}
WAITING: tuple[str, Tone] = ("·", "dim")
RUNNING: tuple[str, Tone] = ("…", "accent")
POINT = 16
TIME, COST = 8, 10
ROOMY = 80
"""Cells from which on there is room for words beside the counts."""
WIDE = 96
"""Cells from which on time and cost of each point are shown."""
DAY_S = 86400.0


def sign(result: c.CheckResult) -> tuple[str, Tone]:
    """The mark of a point and its tone."""
    if result.running:
        return RUNNING
    return WAITING if result.verdict is None else SIGNS[result.verdict]


def price_words(planned: c.CheckReport) -> str:
    """What a check costs, before it begins."""
    requests = f"{planned.requests} request{'' if planned.requests == 1 else 's'}"
    if planned.most_nano_usd == 0:
        return f"{requests}, free"
    if planned.likely_nano_usd is None or planned.most_nano_usd is None:
        return f"{requests}, at a price that is not known"
    likely, most = (
        f.money(each, simulated=planned.simulated) for each in (planned.likely_nano_usd, planned.most_nano_usd)
    )
    return f"{requests}, about {likely}, {most} at most"


def paid_words(report: c.CheckReport) -> str:
    """What the points of a report cost."""
    known = f.money(sum(each.cost_nano_usd for each in report.results), simulated=report.simulated)
    unpriced = sum(each.unpriced for each in report.results)
    if not unpriced:
        return known
    words = f"{unpriced} unpriced"
    return words if not any(each.cost_nano_usd for each in report.results) else f"{known} and {words}"


def counts_line(report: c.CheckReport, *, short: bool = False) -> Line:
    """How many points passed, are degraded, failed or were left out; ``short``: without the words."""
    pieces: list[Piece] = []
    for verdict, (mark, tone) in SIGNS.items():
        number = sum(each.verdict == verdict for each in report.results)
        if number:
            word = {"pass": "passed", "degraded": "degraded", "fail": "failed", "skipped": "not tried"}[verdict]
            pieces += [Piece(f"{mark} {number}" if short else f"{mark} {number} {word}", tone), Piece("   ")]
    return tuple(pieces[:-1])


def heading(report: c.CheckReport | None, asked: str, width: int) -> Line:
    """Which target is checked, and how far it is."""
    name = clean_line(report.target if report is not None else asked)
    title = (Piece(" check  ", "strong"), Piece(fit(name, max(8, width - 28)), "accent"))
    if report is None or not report.running:
        return title
    ended = sum(each.verdict is not None for each in report.results)
    return (*title, Piece(f"   {ended} of {len(report.results)} …", "dim"))


def titles(width: int) -> Line:
    figures = f"{right('took', TIME)}{right('cost', COST)}" if width >= WIDE else ""
    room = width - 4 - POINT - len(figures)
    return line(Piece(f"    {left('point', POINT)}{left('what was seen', room)}{figures}", "dim"))


def row(result: c.CheckResult, width: int, *, simulated: bool) -> Line:
    """A point in ``width`` cells; ``simulated``: so is what it cost."""
    mark, tone = sign(result)
    figures = _figures(result, simulated=simulated) if width >= WIDE else ""
    room = max(0, width - 4 - POINT - len(figures))
    said = clean_line(result.text) or ("trying …" if result.running else "")
    words = Piece(left(fit(said, room - 1), room), tone if tone in ("warn", "bad", "dim") else "plain")
    return cut(line("  ", Piece(f"{mark} ", tone), Piece(left(clean_line(result.title), POINT)), words, figures), width)


def _figures(result: c.CheckResult, *, simulated: bool) -> str:
    if not result.requests:
        return " " * (TIME + COST)
    cost = f.UNKNOWN if result.unpriced else f.money(result.cost_nano_usd, simulated=simulated)
    return right(f.duration(result.duration_ms), TIME) + right(cost, COST)


def told(result: c.CheckResult, width: int, now: float) -> list[Line]:
    """A point in full: its sentence, its evidence, its age."""
    words = clean_line(result.text)
    lines = [EMPTY, *wrapped(f"{result.title}: {words}.", width, "plain")] if words else [EMPTY]
    if result.evidence:
        lines += wrapped(clean_line(result.evidence), width, "dim")
    if result.at is not None and now - result.at > 60:
        lines += wrapped(f"Tried {f.age(now - result.at)} ago.", width, "dim")
    return lines


def mark_word(mark: c.CheckMark) -> tuple[str, Tone]:
    """What a model's checks came to, as a sign and a word."""
    if mark.failed:
        return "✗ failed", "bad"
    return ("▲ degraded", "warn") if mark.degraded else ("✓ passed", "good")


def mark_words(mark: c.CheckMark) -> tuple[str, Tone]:
    """The same with the first point that it is about: ``✗ failed tool call +1``."""
    word, tone = mark_word(mark)
    points = mark.failed or mark.degraded
    more = f" +{len(points) - 1}" if len(points) > 1 else ""
    return (f"{word} {clean_line(points[0])}{more}" if points else word), tone


def mark_sentence(mark: c.CheckMark, now: float) -> str:
    """A model's checks in a sentence, with their date."""
    parts = []
    if mark.failed:
        parts.append(f"failed {', '.join(mark.failed)}")
    if mark.degraded:
        parts.append(f"degraded {', '.join(mark.degraded)}")
    found = "; ".join(parts) or "all well"
    when = f"{f.day(mark.at)}, {f.age(max(0.0, now - mark.at))} ago"
    return clean_line(f"{mark_word(mark)[0][0]} {mark.model} checked {when}: {found}.")
