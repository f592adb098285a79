"""Counts of tokens as other people's answers tell them."""

from collections.abc import Mapping
from typing import Any

from proxy.protocol.usage import TOKENS_MAX

DIGITS_MAX = 12


def token_count(value: object) -> int | None:
    """A token count that can be true, perhaps written as a text; None for anything else."""
    if value is None:
        return None
    if isinstance(value, str) and len(value) <= DIGITS_MAX and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= TOKENS_MAX else None


def first_count(usage: Mapping[str, Any], places: tuple[tuple[str, str], ...]) -> int | None:
    """The first count of ``usage`` that is not 0 at ``places``: an object within, empty for none, and a name."""
    for within, name in places:
        holder = usage.get(within) if within else usage
        if isinstance(holder, dict) and (count := token_count(holder.get(name))):
            return count
    return None
