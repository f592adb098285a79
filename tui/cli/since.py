"""Points in time as people write them: ``7d``, ``24h``, ``90m``, ``2026-11-01``. Pure."""

import re
from datetime import datetime, timedelta

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_since(text: str, now: datetime) -> float:
    """Unix seconds of ``text`` seen from ``now``; a date without a zone is local. Raises ``ValueError``."""
    word = text.strip().lower()
    if span := _SPAN.fullmatch(word):
        amount, unit = span.groups()
        return (now - timedelta(**{_UNITS[unit]: float(amount)})).timestamp()
    if word == "today":
        return now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    return datetime.fromisoformat(text.strip()).timestamp()
