"""Sentences of providers as patterns, and the numbers that stand in them."""

import re

DIGITS = r"\d[\d,_]*"
"""A number as providers write it, as a regular expression."""


def wordings(*patterns: str) -> tuple[re.Pattern[str], ...]:
    """Patterns in whatever case and over as many lines as a provider writes them."""
    return tuple(re.compile(pattern, re.IGNORECASE | re.DOTALL) for pattern in patterns)


def first_of(known: tuple[re.Pattern[str], ...], message: str) -> re.Match[str] | None:
    """The first of the ``known`` wordings that is in ``message``."""
    return next((found for wording in known if (found := wording.search(message))), None)


def number(digits: str) -> int:
    """What ``DIGITS`` matched."""
    return int(re.sub(r"[,_]", "", digits))
