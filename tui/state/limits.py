"""Limits that providers tell: which still stand, which is the nearest, and when to warn of it."""

from collections.abc import Iterable

from proxy.contract import Limit, Provider
from tui.state import formats as f
from tui.state.lines import Tone
from tui.state.text import clean_line

NEAR = 0.85
"""The share used from which a limit is warned of."""


def standing(limits: Iterable[Limit], now: float) -> list[Limit]:
    """Those whose time of reset has not passed: what is told of the others is no longer true."""
    return [limit for limit in limits if limit.resets_at is None or limit.resets_at > now]


def nearest(limits: Iterable[Limit], now: float) -> Limit | None:
    """The standing limit of which the most is used."""
    return max(standing(limits, now), key=lambda limit: limit.used, default=None)


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
    return f"resets {f.day_clock(limit.resets_at, now)}, in {f.age(limit.resets_at - now)}"


def limit_warning(provider: Provider, now: float) -> str:
    """A sentence on the nearest limit of a provider, where it is near or reached; else empty."""
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
    return min(told, key=lambda limits: max(limit.used for limit in limits), default=provider.limits)
