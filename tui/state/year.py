"""The year as a heat map: a column a week, a row a weekday, the shade of a day by what it cost.

Shades differ in their glyphs, so that they read without colour; where 53 weeks do not fit, the last ones are shown.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from proxy.contract import Tally, UsageReport, local_day
from tui.state import formats as f
from tui.state import unpriced
from tui.state.lines import EMPTY, Line, Piece, Tone, first_that_fits, line
from tui.state.text import cells

WEEKS = 53
MARGIN = 5
"""Cells of the weekdays' names."""
SHADES = "░▒▓█"
NOTHING = "·"
CURSOR = "◆"
TONES: tuple[Tone, ...] = ("dim", "plain", "accent", "accent")
"""Of the shades."""
WEEKDAYS = ("Mon", "", "Wed", "", "Fri", "", "Sun")


@dataclass(frozen=True, slots=True)
class Year:
    """A year's days and what each cost."""

    today: date
    days: dict[date, Tally]
    steps: tuple[int, ...]
    """What a day of each shade costs at most, nano-dollars; the last step is the dearest day."""
    simulated: bool
    """All money in it is simulated."""

    def amount(self, tally: Tally) -> int:
        return tally.simulated_nano_usd if self.simulated else tally.cost_nano_usd


def first_day(now: float) -> date:
    """The Monday with which the map begins."""
    today = local_day(now)
    return today - timedelta(days=today.weekday(), weeks=WEEKS - 1)


def year(report: UsageReport, now: float) -> Year:
    """The days of a report by day."""
    days = {}
    for row in report.rows:
        try:
            days[date.fromisoformat(row.key)] = row.tally
        except ValueError:
            continue
    simulated = not report.total.cost_nano_usd and bool(report.total.simulated_nano_usd)
    found = Year(local_day(now), days, (), simulated)
    return Year(found.today, days, _steps(sorted(filter(None, map(found.amount, days.values())))), simulated)


def _steps(amounts: Sequence[int]) -> tuple[int, ...]:
    """Where the shades end: a quarter of the days that cost something in each."""
    if not amounts:
        return ()
    ends = [amounts[min(len(amounts) - 1, len(amounts) * quarter // len(SHADES))] for quarter in (1, 2, 3)]
    return tuple(dict.fromkeys((*ends, amounts[-1])))


def weeks_that_fit(width: int) -> tuple[int, int]:
    """How many weeks, and the cells of each."""
    each = 2 if width >= MARGIN + 2 * WEEKS else 1
    return max(1, min(WEEKS, (width - MARGIN - 1) // each)), each


def map_lines(shown: Year, cursor: date, width: int) -> list[Line]:
    """The months, the days and the legend."""
    weeks, each = weeks_that_fit(width)
    monday = shown.today - timedelta(days=shown.today.weekday(), weeks=weeks - 1)
    starts = [monday + timedelta(weeks=week) for week in range(weeks)]
    rows = [line(Piece(" " * MARGIN + _months(starts, each), "dim"))]
    for weekday, name in enumerate(WEEKDAYS):
        pieces = [Piece(f" {name:<{MARGIN - 1}}", "dim")]
        pieces += [_cell(shown, start + timedelta(days=weekday), cursor, each) for start in starts]
        rows.append(tuple(pieces))
    return [*rows, EMPTY, first_that_fits((_legend(shown, "up to "), _legend(shown, "")), width)]


def _months(starts: Sequence[date], each: int) -> str:
    """The names of the months above the weeks in which they begin."""
    text = ""
    for place, start in enumerate(starts):
        begins = start.day <= 7
        if begins and (not text or place * each > cells(text)) and (len(starts) - place) * each >= 3:
            text += " " * (place * each - cells(text)) + start.strftime("%b")
    return text


def _cell(shown: Year, day: date, cursor: date, each: int) -> Piece:
    glyph, tone = _shade(shown, day)
    if day == cursor:
        glyph, tone = CURSOR, "strong"
    return Piece(glyph + " " * (each - 1), tone)


def _shade(shown: Year, day: date) -> tuple[str, Tone]:
    if day > shown.today:
        return " ", "plain"
    tally = shown.days.get(day)
    if tally is None or not tally.requests:
        return NOTHING, "dim"
    level = min(bisect_left(shown.steps, shown.amount(tally)), len(SHADES) - 1)
    return SHADES[level], TONES[level]


def _legend(shown: Year, words: str) -> Line:
    pieces = [Piece(f" {NOTHING} nothing", "dim")]
    for level, step in enumerate(shown.steps):
        pieces += [Piece("  "), Piece(SHADES[level], TONES[level])]
        pieces += [Piece(f" {words}{f.money(step, simulated=shown.simulated)}", "dim")]
    return tuple(pieces)


def day_line(shown: Year, day: date, width: int) -> Line:
    """What is known of the day under the cursor, as much as fits into ``width`` cells."""
    tally = shown.days.get(day, Tally())
    head = (f" {CURSOR} ", Piece(day.strftime("%a %Y-%m-%d"), "strong"))
    if not tally.requests:
        return line(*head, Piece("   nothing was asked", "dim"))
    usage = tally.usage
    tokens = f", {f.count(usage.prompt_tokens)} in, {f.count(usage.output_tokens)} out"
    told = [f"   {_requests(tally)}{tokens}", f"   {_requests(tally)}", ""]
    return first_that_fits([line(*head, f"   {f.spent(tally)}", Piece(each, "dim")) for each in told], width)


def year_facts(shown: Year) -> Line:
    """The year in one sentence."""
    amounts = {day: shown.amount(tally) for day, tally in shown.days.items() if tally.requests}
    if not amounts:
        return line(Piece(" Nothing was asked in this year.", "dim"))
    dearest = max(amounts, key=lambda day: (amounts[day], day))
    whole = sum(amounts.values())
    unknown = sum(tally.unpriced_requests for tally in shown.days.values())
    total = unpriced.told(f.money(whole, simulated=shown.simulated), whole > 0, unknown)
    mean = f.money(sum(amounts.values()) // len(amounts), simulated=shown.simulated)
    most = f.money(amounts[dearest], simulated=shown.simulated)
    busy = f"{len(amounts)} day{'' if len(amounts) == 1 else 's'}"
    if unknown and not whole:
        return line(Piece(f" {total} on {busy}: no price is known", "dim"))
    return line(Piece(f" {total} on {busy}, {mean} a day; most on {dearest:%d %b}: {most}", "dim"))


def moved(shown: Year, cursor: date, by_days: int, weeks: int) -> date:
    """The day that is ``by_days`` from ``cursor``, kept inside the ``weeks`` that are seen."""
    first = shown.today - timedelta(days=shown.today.weekday(), weeks=weeks - 1)
    return min(shown.today, max(first, cursor + timedelta(days=by_days)))


def _requests(tally: Tally) -> str:
    return f"{tally.requests:,} request{'' if tally.requests == 1 else 's'}"
