"""Local days, which sums, budgets and screens go by."""

import time
from datetime import date

QUARTER_S = 900.0
"""The offsets of all time zones of today are multiples of it."""


def local_day(moment: float) -> date:
    """The local day of ``moment`` (Unix seconds)."""
    return date(*time.localtime(moment)[:3])


def midnight(day: date) -> float:
    """When the local ``day`` begins, Unix seconds: the one place that says so, for sums, budgets and screens alike.

    Some zones change their clocks at midnight: a day may begin at one o'clock, or have its first hour twice. For such
    a midnight ``mktime`` answers as it likes, so its answer is moved by quarters of an hour, in which zones lie.
    """
    moment = time.mktime((day.year, day.month, day.day, 0, 0, 0, 0, 0, -1))
    while local_day(moment) < day:
        moment += QUARTER_S
    while local_day(moment - 1) >= day:
        moment -= QUARTER_S
    return moment
