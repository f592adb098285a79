"""Local time for groups of a ledger: whole numbers that SQL computes, and their keys. The zone is the process's own.

A *local hour* or *local day* is counted from one day before 1970 in the zone's own clock, so that none is negative.
"""

import time
from datetime import date
from functools import lru_cache

from proxy.ledger.rollups import DAY_S, QUARTER_S

Offsets = list[tuple[int, int]]
"""Seconds that the local clock is ahead of UTC, each with the moment (Unix seconds) that it counts from."""

STEP_S = 14 * DAY_S
"""No zone keeps its summer time for a shorter time."""
LAST = 4_102_444_800
"""2100: what seems to be of a later day has the offset of then."""
_FIRST_DAY = date(1969, 12, 31).toordinal()


def offsets(begin: float, end: float) -> Offsets:
    """Those from ``begin`` to ``end`` (Unix seconds). Clocks change at a quarter of an hour of UTC."""
    first, last = (int(min(moment, LAST)) // QUARTER_S for moment in (begin, end))
    found = [(first * QUARTER_S, _offset(first))]
    step = STEP_S // QUARTER_S
    while first < last:
        ahead = min(first + step, last)
        if _offset(ahead) != found[-1][1]:
            ahead = _change(first, ahead)
            found.append((ahead * QUARTER_S, _offset(ahead)))
        first = ahead
    return found


def local(moment: str, known: Offsets) -> str:
    """SQL for the local clock at ``moment``, SQL for whole Unix seconds within what ``known`` has offsets for."""
    *earlier, (_, last) = known
    if not earlier:
        return f"({moment} + {last + DAY_S})"
    ends = [begin for begin, _ in known[1:]]
    steps = " ".join(
        f"WHEN {moment} < {end} THEN {offset + DAY_S}" for end, (_, offset) in zip(ends, earlier, strict=True)
    )
    return f"({moment} + CASE {steps} ELSE {last + DAY_S} END)"


def hour_key(local_hour: int) -> str:
    day, hour = divmod(local_hour, 24)
    return f"{day_key(day)} {hour:02}:00"


@lru_cache(1024)
def day_key(local_day: int) -> str:
    return date.fromordinal(_FIRST_DAY + local_day).isoformat()


def week_key(local_day: int) -> str:
    year, week, _ = date.fromordinal(_FIRST_DAY + local_day).isocalendar()
    return f"{year}-W{week:02}"


def month_key(local_day: int) -> str:
    return day_key(local_day)[:7]


def _offset(quarter: int) -> int:
    return time.localtime(quarter * QUARTER_S).tm_gmtoff


def _change(same: int, other: int) -> int:
    """The first quarter with another offset than ``same`` has, up to ``other``, which has one."""
    offset = _offset(same)
    while other - same > 1:
        middle = (same + other) // 2
        same, other = (middle, other) if _offset(middle) == offset else (same, middle)
    return other
