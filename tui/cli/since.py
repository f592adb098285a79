"""Points in time as people write them: ``7d``, ``24h``, ``90m``, ``month``, ``2026-11-01``. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

from proxy.contract import midnight

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_BEGINNINGS: Mapping[str, Callable[[date], date]] = {
    "today": lambda today: today,
    "yesterday": lambda today: today - timedelta(days=1),
    "week": lambda today: today - timedelta(days=today.weekday()),
    "month": lambda today: today.replace(day=1),
    "year": lambda today: today.replace(month=1, day=1),
}


def parse_since(text: str, now: datetime) -> float:
    """Unix seconds of ``text`` seen from ``now``; a date without a zone is local. Raises ``ValueError``."""
    word = text.strip().lower()
    if span := _SPAN.fullmatch(word):
        amount, unit = span.groups()
        return (now - timedelta(**{_UNITS[unit]: float(amount)})).timestamp()
    if word in _BEGINNINGS:
        return midnight(_BEGINNINGS[word](now.date()))
    return _written(text.strip())


def _written(text: str) -> float:
    """A date, or a moment in ISO's form. Raises ``ValueError``."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text).timestamp()
    return midnight(day)
