"""Limits that providers tell: which still stand, which is the nearest, and when to warn of it."""

from collections.abc import Iterable

from proxy.contract import Limit, Provider
from tui.state import formats as f
from tui.state.lines import Tone
from tui.state.text import clean_line

NEAR = 0.85
"""The share used from which a limit is warned of."""


RESET_SHOWN_S = 600.0
"""How long a limit that began anew keeps its line: the next answer tells of it again, and the lines below stay."""


def standing(limits: Iterable[Limit], now: float) -> list[Limit]:
    """Those whose time of reset has not passed: what is told of the others is no longer true."""
    return [limit for limit in limits if not has_reset(limit, now)]


def listed(limits: Iterable[Limit], now: float) -> list[Limit]:
    """Those that stand, and those that began anew lately."""
    return [limit for limit in limits if not has_reset(limit, now - RESET_SHOWN_S)]


def has_reset(limit: Limit, now: float) -> bool:
    return limit.resets_at is not None and limit.resets_at <= now


def nearest(limits: Iterable[Limit], now: float) -> Limit | None:
    """The standing limit that the provider says decides; where it says so of none, the one most used."""
    told = standing(limits, now)
    return max([limit for limit in told if limit.rules] or told, key=lambda limit: limit.used, default=None)


def limit_tone(limit: Limit) -> Tone:
    """How near a limit is, by its share and by the provider's own word."""
    status = limit.status or ""
    if limit.used >= 1 or status == "rejected":
        return "bad"
    return "warn" if limit.used >= NEAR or "warning" in status else "accent"


def reset_words(limit: Limit, now: float) -> str:
    """When a limit begins anew; empty where nobody told."""
    if limit.resets_at is None:
        return ""
    return f"{reset_clock(limit, now)}, in {f.age(limit.resets_at - now)}"


def reset_clock(limit: Limit, now: float) -> str:
    """The same as a time of day."""
    if limit.resets_at is None:
        return ""
    return f"{'reset at' if has_reset(limit, now) else 'resets'} {f.day_clock(limit.resets_at, now)}"


def limit_warning(provider: Provider, now: float) -> str:
    """A sentence on the limit of a provider that decides, where it is near or reached; else empty."""
    limit = nearest(all_limits(provider), now)
    if limit is None or limit_tone(limit) == "accent":
        return ""
    words = reset_words(limit, now)
    return f"{f.percent(limit.used)} of the {clean_line(limit.name)} limit used{', ' if words else ''}{words}."


def all_limits(provider: Provider) -> tuple[Limit, ...]:
    """A provider's limits; where it has several keys, those of the key with the most left."""
    if not provider.keys:
        return provider.limits
    told = [key.limits for key in provider.keys if key.limits]
    return min(told, key=_most_used, default=provider.limits)


def _most_used(limits: Iterable[Limit]) -> float:
    decisive = nearest(limits, float("-inf"))
    return decisive.used if decisive is not None else 0.0
