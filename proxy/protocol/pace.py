"""How fast tokens and money go, and what comes of it: rates over the last minutes, and a forecast. Pure.

A request counts evenly over its life, so that a long answer is not a leap at its end. The forecast takes the rate of
the last five minutes and goes on with it; where nothing was spent in them there is none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from proxy import contract as c

SPANS_S = (60.0, c.FORECAST_S, 3600.0)
HOUR_S = 3600.0
FORESEEN_S = 30 * 24 * HOUR_S
"""Nobody works on for longer as in the last five minutes: what would be used up later than that is not told."""


@dataclass(frozen=True, slots=True)
class Life:
    """A request, as far as a rate needs it."""

    began: float
    ended: float
    """Unix seconds; of a living request: now."""
    tokens: int
    nano_usd: int
    simulated: bool = False
    session: str = ""
    project: str | None = None
    counts: bool = True
    """Budgets count it."""
    priced: bool = True
    """False: it ended, and nobody could tell what it cost."""


class Ends(NamedTuple):
    """When the present hour, day and month end, Unix seconds."""

    hour: float
    day: float
    month: float


def pace(lives: Iterable[Life], now: float, span_s: float) -> c.Pace:
    """The rates over the ``span_s`` seconds before ``now``."""
    tokens = real = simulated = 0.0
    unpriced = 0
    for life in lives:
        share = _share(life, now - span_s, now)
        tokens += life.tokens * share
        real += 0 if life.simulated else life.nano_usd * share
        simulated += life.nano_usd * share if life.simulated else 0
        unpriced += share > 0 and not life.priced
    return c.Pace(
        span_s=span_s,
        tokens_per_min=tokens * 60 / span_s,
        nano_usd_per_hour=real * HOUR_S / span_s,
        simulated_nano_usd_per_hour=simulated * HOUR_S / span_s,
        unpriced_requests=unpriced,
    )


def forecast(
    lives: Sequence[Life], session: str, tally: c.Tally, budgets: Sequence[c.Budget], ends: Ends, now: float
) -> c.Forecast | None:
    """What comes of ``session``, which has cost ``tally`` so far. ``lives`` are of all traffic of the last minutes."""
    rate = pace((life for life in lives if life.session == session), now, c.FORECAST_S)
    if not rate.nano_usd_per_hour and not rate.simulated_nano_usd_per_hour:
        return None
    rest = (ends.hour - now) / HOUR_S
    budget, moment = _first_used_up(lives, budgets, ends, now)
    return c.Forecast(
        hour_ends_at=ends.hour,
        hour_nano_usd=tally.cost_nano_usd + round(rate.nano_usd_per_hour * rest),
        simulated_hour_nano_usd=tally.simulated_nano_usd + round(rate.simulated_nano_usd_per_hour * rest),
        budget=budget,
        budget_at=moment,
    )


def _first_used_up(
    lives: Sequence[Life], budgets: Sequence[c.Budget], ends: Ends, now: float
) -> tuple[c.Budget | None, float | None]:
    """The budget with the least time left at the rate of all that it bounds, and when it ends."""
    found: list[tuple[float, c.Budget]] = []
    for budget in budgets:
        counted = (life for life in lives if life.counts and _under(life, budget))
        rate = pace(counted, now, c.FORECAST_S)
        per_hour = rate.nano_usd_per_hour + rate.simulated_nano_usd_per_hour
        if budget.left_nano_usd is None or not per_hour:
            continue
        moment = now + budget.left_nano_usd / per_hour * HOUR_S
        if moment < min(_renewed(budget, ends), now + FORESEEN_S):
            found.append((moment, budget))
    if not found:
        return None, None
    moment, budget = min(found, key=lambda each: each[0])
    return budget, moment


def _under(life: Life, budget: c.Budget) -> bool:
    match budget.kind:
        case "session":
            return life.session == budget.name
        case "project":
            return life.project == budget.name
        case "day" | "month":
            return True


def _renewed(budget: c.Budget, ends: Ends) -> float:
    """When the budget begins anew; those of sessions and projects never do."""
    match budget.kind:
        case "session" | "project":
            return float("inf")
        case "day":
            return ends.day
        case "month":
            return ends.month


def _share(life: Life, low: float, high: float) -> float:
    """The share of the life that lies between ``low`` and ``high``."""
    ended = max(life.ended, life.began + 0.001)
    return max(0.0, min(ended, high) - max(life.began, low)) / (ended - life.began)
