"""Numbers, times and names in the panel's words. Every function is total: unknown values have a text too."""

import re
import time
from collections.abc import Sequence

from proxy.contract import Budget, Request, Tally
from tui.state import unpriced
from tui.state.text import clean_line, right

UNKNOWN = unpriced.UNKNOWN
SIMULATED = "~"
"""Stands before money that the simulator made up."""

ESTIMATED = "~"
"""Stands before a count of tokens that the engine estimated."""

_NANO = 10**9
_BLOCKS = " ▁▂▃▄▅▆▇█"
_DATED = re.compile(r"(?:[-@]20\d{6})?(?:-v\d+(?::\d+)?)?(?=$|\[)")


def money(nano_usd: int | None, *, simulated: bool = False) -> str:
    """Dollars to the cent from one dollar on, to the hundredth of a cent below."""
    mark = SIMULATED if simulated else ""
    if nano_usd is None:
        return UNKNOWN
    if 0 < nano_usd < 50_000:
        return f"{mark}<$.0001"
    hundredths_of_cents = (nano_usd + 50_000) // 100_000
    if hundredths_of_cents == 0 or hundredths_of_cents >= 10_000:
        return f"{mark}{cents(nano_usd)}"
    return f"{mark}$0.{hundredths_of_cents:04d}"


def aligned(amount: str, width: int) -> str:
    """Money at the right of ``width`` cells, the points of cents and of hundredths of cents below each other."""
    whole, point, decimals = amount.rpartition(".")
    pad = 2 if point and whole and len(decimals) == 2 and len(amount) + 2 <= width else 0
    return right(amount + " " * pad, width)


def cents(nano_usd: int) -> str:
    """Dollars to the cent."""
    rounded = (nano_usd + 5_000_000) // 10_000_000
    return f"${rounded // 100:,}.{rounded % 100:02d}"


def limit(nano_usd: int | None) -> str:
    """An amount that somebody set, as people write it: ``$10.00``, ``$0.50``; finer ones as money is told."""
    return money(nano_usd) if nano_usd is None or nano_usd % 10_000_000 else cents(nano_usd)


def per_hour(
    real: float, simulated: float, requests: int, *, unit: str = "/h", tight: bool = False, made_up: bool = False
) -> str:
    """A rate of nano-dollars per hour to the cent, simulated where there is no other; ``requests``: unpriced ones.

    ``made_up``: of what is all simulated, no rate is too.
    """
    mark, rate = (SIMULATED, simulated) if (simulated or made_up) and not real else ("", real)
    return unpriced.told(f"{mark}{cents(round(rate))}", rate > 0, requests, unit=unit, tight=tight)


def price(nano_usd_per_million: int | None) -> str:
    """The price of a million tokens: ``$5``, ``$0.25``, ``free``."""
    if nano_usd_per_million is None:
        return UNKNOWN
    if nano_usd_per_million == 0:
        return "free"
    dollars = nano_usd_per_million / _NANO
    return f"${dollars:,.0f}" if dollars == round(dollars) else f"${dollars:,.{2 if dollars >= 0.1 else 3}f}"


def prices(input_nano_usd: int | None, output_nano_usd: int | None) -> str:
    """Those of a million tokens of input and of output in one: ``5/25``, ``0.25/1.25``, ``free``."""
    if input_nano_usd == output_nano_usd and not input_nano_usd:
        return price(input_nano_usd)
    both = ("0" if each == 0 else price(each).removeprefix("$") for each in (input_nano_usd, output_nano_usd))
    return "/".join(both)


def all_simulated(tally: Tally) -> bool:
    """All money in it is simulated."""
    return not tally.cost_nano_usd and tally.simulated_nano_usd > 0


def sums(real_nano_usd: int, simulated_nano_usd: int) -> str:
    """Real and simulated money side by side, never added."""
    if not simulated_nano_usd:
        return money(real_nano_usd)
    made_up = money(simulated_nano_usd, simulated=True)
    return f"{money(real_nano_usd)} and {made_up}" if real_nano_usd else made_up


def sums_within(real_nano_usd: int, simulated_nano_usd: int, width: int) -> str:
    """The same where it fits; else real money alone, as half of an amount tells nothing."""
    both = sums(real_nano_usd, simulated_nano_usd)
    return both if len(both) <= width or not real_nano_usd else money(real_nano_usd)


def spent(tally: Tally, width: int | None = None) -> str:
    """What ``tally`` cost as far as it is known; ``width``: in a column of so many cells."""
    amount = sums(tally.cost_nano_usd, tally.simulated_nano_usd)
    if width is not None:
        amount = sums_within(tally.cost_nano_usd, tally.simulated_nano_usd, width)
    return _with_unknown(amount, tally.cost_nano_usd or tally.simulated_nano_usd, tally.unpriced_requests, width)


def paid(tally: Tally, width: int | None = None) -> str:
    """The same of real money alone, where simulated money stands beside it."""
    return _with_unknown(money(tally.cost_nano_usd), tally.cost_nano_usd, tally.unpriced_requests, width)


def used(budget: Budget, width: int | None = None) -> str:
    """What was spent under ``budget``, likewise."""
    return _with_unknown(money(budget.spent_nano_usd), budget.spent_nano_usd, budget.unpriced_requests, width)


def left_of(budget: Budget) -> str:
    """What ``budget`` still allows."""
    return unpriced.left(money(budget.left_nano_usd), budget.unpriced_requests if budget.left_nano_usd else 0)


def _with_unknown(amount: str, nano_usd: int, requests: int, width: int | None) -> str:
    """In a column large amounts lose their cents before they are cut."""
    words = unpriced.told(amount, nano_usd > 0, requests, tight=width is not None)
    if width is None or len(words) <= width or nano_usd < 100 * _NANO:
        return words
    mark = SIMULATED if amount.startswith(SIMULATED) else ""
    return unpriced.told(f"{mark}${(nano_usd + _NANO // 2) // _NANO:,}", True, requests, tight=True)


def count(number: float) -> str:
    """A count in at most five cells: ``812``, ``2.1k``, ``31k``, ``1.2M``."""
    for limit, unit in ((1e3, ""), (1e6, "k"), (1e9, "M")):
        scaled = number / (limit / 1e3)
        if round(scaled, 1) < 1000:
            return f"{scaled:.1f}{unit}" if unit and round(scaled, 1) < 10 else f"{round(scaled)}{unit}"
    return f"{number / 1e9:.1f}G"


def tokens(number: int, *, estimated: bool) -> str:
    """A count of tokens; an estimate says so."""
    return f"{ESTIMATED if estimated else ''}{count(number)}"


def output_mark(request: Request) -> str:
    """Before its count of output tokens: of a request that ended, whether that is an estimate for good."""
    return ESTIMATED if request.usage_estimated and not request.live else ""


def output_tokens(request: Request) -> str:
    """What the request has put out so far; empty where that is nothing."""
    number = request.usage.output_tokens
    return f"{output_mark(request)}{count(number)}" if number else ""


def size(size_bytes: int) -> str:
    return f"{count(size_bytes)}B" if size_bytes < 1000 else f"{count(size_bytes)[:-1]} {count(size_bytes)[-1]}B"


def window(tokens: int | None) -> str:
    """A context window: ``200k``, ``1M``."""
    return UNKNOWN if tokens is None else count(tokens).replace(".0", "")


def percent(share: float) -> str:
    """A share; one that is small is not rounded to nothing."""
    return "<1%" if 0 < share < 0.005 else f"{round(share * 100)}%"


def duration(milliseconds: float) -> str:
    """A length of time in at most six cells: ``0.4s``, ``42s``, ``4m10s``, ``1h04m``."""
    seconds = milliseconds / 1000
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 100:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def age(seconds: float) -> str:
    """A span in words, coarse: ``12 s``, ``48 min``, ``3 h 10 min``, ``2 days``."""
    whole = max(0, round(seconds))
    if whole < 100:
        return f"{whole} s"
    if whole < 5940:
        return f"{round(whole / 60)} min"
    if whole < 36 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{round(whole / 86400)} days"


def clock(at: float) -> str:
    """Unix seconds as the local time of day."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def day_clock(at: float, now: float) -> str:
    """Unix seconds as hours and minutes, with the day where it is not today's: ``14:00``, ``Mon 08:00``."""
    then, today = time.localtime(at), time.localtime(now)
    if (then.tm_year, then.tm_yday) == (today.tm_year, today.tm_yday):
        return time.strftime("%H:%M", then)
    return time.strftime("%a %H:%M" if abs(at - now) < 6 * 86400 else "%Y-%m-%d %H:%M", then)


def day(at: float) -> str:
    """Unix seconds as the local date."""
    return time.strftime("%Y-%m-%d", time.localtime(at))


def date(at: float) -> str:
    """Unix seconds as the local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def short_model(name: str | None) -> str:
    """A model's name without vendor path, ``claude-`` and release date: what tells two models apart."""
    if not name:
        return UNKNOWN
    tail = clean_line(name).rsplit("/", 1)[-1].rsplit("anthropic.", 1)[-1]
    tail = _DATED.sub("", tail, count=1)
    return tail.removeprefix("claude-") or UNKNOWN


def bar(share: float, width: int) -> tuple[str, str]:
    """The filled and the open part of a bar; their glyphs differ, so that it reads without colour."""
    filled = min(width, max(0, round(share * width)))
    if share > 0:
        filled = max(1, filled)
    return "━" * filled, "─" * (width - filled)


def columns(values: Sequence[float], height: int) -> list[str]:
    """``values`` as columns of blocks in ``height`` rows, top row first, scaled to the highest value.

    A value of zero keeps a thin base line, so that time passes visibly where nothing happens.
    """
    top = max(values, default=0.0)
    steps = height * 8
    levels = [max(1, round(value / top * steps)) if top > 0 else 1 for value in values]
    levels = [max(2, level) if value > 0 else 1 for level, value in zip(levels, values, strict=True)]
    return ["".join(_BLOCKS[min(8, max(0, level - 8 * row))] for level in levels) for row in range(height - 1, -1, -1)]
