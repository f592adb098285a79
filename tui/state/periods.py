"""Spans of local time: the periods that the spend screen offers, and the span that a group's key names.

Keys are those of ``proxy.contract.UsageGroup``. Days begin at local midnight, weeks on Monday; a day on which the
clocks change has 23 or 25 hours, and the hour that comes twice then is one hour of double length.
"""

import time
from datetime import date, datetime, timedelta
from typing import Literal

from proxy.contract import QUARTER_S, UsageGroup, local_day, midnight

Period = Literal["today", "7 days", "30 days", "this month", "year", "all"]
PERIODS: tuple[Period, ...] = ("today", "7 days", "30 days", "this month", "year", "all")
DAYS: dict[Period, int] = {"today": 0, "7 days": 6, "30 days": 29, "year": 364}
"""Whole days before today that a period holds."""

Span = tuple[float, float]
"""From, to before: Unix seconds."""

HOURS = tuple(f"{hour:02d}" for hour in range(24))


def since(period: Period, now: float) -> float | None:
    """When ``period`` began: a local midnight, Unix seconds; None: with the first request."""
    today = local_day(now)
    if period == "this month":
        return midnight(today.replace(day=1))
    days = DAYS.get(period)
    return None if days is None else midnight(today - timedelta(days=days))


def span_of(group: UsageGroup, key: str) -> Span | None:
    """The time that ``key`` names; None: it names none."""
    try:
        match group:
            case "hour":
                return _hour(key)
            case "day":
                day = date.fromisoformat(key)
                return midnight(day), midnight(day + timedelta(days=1))
            case "week":
                monday = datetime.strptime(f"{key}-1", "%G-W%V-%u").date()  # noqa: DTZ007
                return midnight(monday), midnight(monday + timedelta(days=7))
            case "month":
                first = date.fromisoformat(f"{key}-01")
                return midnight(first), midnight((first + timedelta(days=32)).replace(day=1))
            case _:
                return None
    except ValueError:
        return None


def axis(group: UsageGroup, keys: list[str], most: int) -> list[str]:
    """The keys of a time group from the first to the last of ``keys``, none left out; the last ``most`` of them."""
    if group == "hour_of_day":
        return list(HOURS)
    known = sorted(keys)
    found = [known[-1]] if known else []
    while found and found[-1] > known[0] and len(found) < most:
        found.append(_before(group, found[-1]))
    return found[::-1]


def _hour(key: str) -> Span | None:
    """All quarters of an hour whose local hour is ``key``; None where there was no such hour. Raises ``ValueError``."""
    named = datetime.strptime(key, "%Y-%m-%d %H:%M")  # noqa: DTZ007  local on purpose
    about = named.timestamp() // QUARTER_S * QUARTER_S
    quarters = [about + QUARTER_S * place for place in range(-8, 12)]
    inside = [each for each in quarters if time.strftime("%Y-%m-%d %H:00", time.localtime(each)) == key]
    return (inside[0], inside[-1] + QUARTER_S) if inside else None


def _before(group: UsageGroup, key: str) -> str:
    """The key before ``key``."""
    span = span_of(group, key)
    if span is None:
        return ""
    then = datetime.fromtimestamp(span[0] - 1).astimezone()
    match group:
        case "hour":
            return then.strftime("%Y-%m-%d %H:00")
        case "week":
            return then.strftime("%G-W%V")
        case "month":
            return then.strftime("%Y-%m")
        case _:
            return then.strftime("%Y-%m-%d")
