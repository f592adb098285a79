"""Rate limits that providers tell in headers, as gauges.

Anthropic's API tells requests and tokens per minute (limit, remaining, reset as RFC 3339); a subscription
tells ``unified`` windows of five hours and seven days (utilization as a fraction, reset in epoch seconds).
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from proxy.contract import Limit

_UNIFIED = {"5h": "5h", "7d": "week", "7d_oi": "week (extra)"}
_CLAIMS = {"five_hour": "5h", "seven_day_overage_included": "7d_oi"}
"""The window that a representative claim is about; every other claim is about seven days."""
_PLAIN = ("requests", "tokens", "input-tokens", "output-tokens")
_PREFIX = "anthropic-ratelimit-"
_PLAN = f"{_PREFIX}unified-"


def read_limits(headers: Mapping[str, str]) -> tuple[Limit, ...]:
    """The limits in ``headers`` (names in lower case); empty where there are none."""
    told = {name.removeprefix(_PREFIX): value for name, value in headers.items() if name.startswith(_PREFIX)}
    if not told:
        return ()
    unified = [limit for key, name in _UNIFIED.items() if (limit := _unified(told, key, name))]
    plain = [limit for name in _PLAIN if (limit := _plain(told, name))]
    return (*unified, *plain)


def tells_plan(headers: Mapping[str, str]) -> bool:
    """Whether a subscription's windows are told."""
    return any(name.startswith(_PLAN) for name in headers)


def _unified(told: Mapping[str, str], key: str, name: str) -> Limit | None:
    used = _number(told.get(f"unified-{key}-utilization"))
    if used is None:
        return None
    return Limit(
        name=name,
        used=max(0.0, used),
        resets_at=_number(told.get(f"unified-{key}-reset")),
        status=told.get(f"unified-{key}-status"),
        rules=_ruling(told) == key,
    )


def _ruling(told: Mapping[str, str]) -> str | None:
    """The key of the window that decides, by the provider's representative claim."""
    claim = told.get("unified-representative-claim")
    return None if claim is None else _CLAIMS.get(claim, "7d")


def reset_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """How long a limit that was met lasts, seconds: the ruling window's reset, or the latest of those used up."""
    met = [limit for limit in read_limits(headers) if limit.resets_at is not None]
    met = [limit for limit in met if limit.used >= 1 or (limit.rules and _rejected(headers))]
    met = [limit for limit in met if limit.rules] or met
    moments = [limit.resets_at for limit in met if limit.resets_at is not None]
    if not moments and _rejected(headers) and (moment := _number(headers.get(f"{_PREFIX}unified-reset"))):
        moments = [moment]
    return max(0.0, max(moments) - now) if moments else None


def _rejected(headers: Mapping[str, str]) -> bool:
    return headers.get(f"{_PREFIX}unified-status") == "rejected"


def _plain(told: Mapping[str, str], name: str) -> Limit | None:
    limit = _number(told.get(f"{name}-limit"))
    remaining = _number(told.get(f"{name}-remaining"))
    if not limit or remaining is None:
        return None
    used = max(0.0, 1 - remaining / limit)
    return Limit(name=name.replace("-", " "), used=used, resets_at=_moment(told.get(f"{name}-reset")))


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and abs(value) < 1e12 else None


def _moment(text: str | None) -> float | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
