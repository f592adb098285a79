"""Rate limits that providers tell in headers, as gauges.

Anthropic's API tells requests and tokens per minute (limit, remaining, reset as RFC 3339); a subscription
tells ``unified`` windows of five hours and seven days (utilization as a fraction, reset in epoch seconds).
Others tell limit, remaining and reset under ``x-ratelimit-``, the reset as a wait (``6m0s`` with OpenAI and Groq,
``12.5`` with Cerebras) or as a moment (milliseconds with OpenRouter, seconds with GitHub).
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from proxy.contract import Limit

_UNIFIED = {"5h": "5h", "7d": "week", "7d_oi": "week (extra)"}
_CLAIMS = {"five_hour": "5h", "seven_day_overage_included": "7d_oi"}
"""The window that a representative claim is about; every other claim is about seven days."""
_PLAIN = ("requests", "tokens", "input-tokens", "output-tokens")
_PREFIX = "anthropic-ratelimit-"
_PLAN = f"{_PREFIX}unified-"
_COMMON = "x-ratelimit-"
_NAMELESS = "requests"
"""What a limit without a name counts."""
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:d|h|ms|m|s))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(d|h|ms|m|s)")
_SECONDS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_MOMENT_S, _MOMENT_MS = 1e9, 1e12
"""Numbers from here on are no waits but Unix times, in seconds and in milliseconds."""


def read_limits(headers: Mapping[str, str], now: float) -> tuple[Limit, ...]:
    """The limits in ``headers`` (names in lower case); empty where there are none. ``now`` is Unix time, for waits."""
    told = _told(headers, _PREFIX)
    unified = [limit for key, name in _UNIFIED.items() if (limit := _unified(told, key, name))] if told else []
    plain = [limit for name in _PLAIN if (limit := _plain(told, name))] if told else []
    known = {limit.name for limit in plain}
    common = [limit for limit in _common(_told(headers, _COMMON), now) if limit.name not in known]
    return (*unified, *plain, *common)


def _told(headers: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in headers.items() if name.startswith(prefix)}


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
    """How long a limit that was met lasts, seconds: until the reset of the claim that a plan rejected for, which may
    be about a window that is not told; else the ruling window's reset, or the latest of those used up."""
    claimed = _number(headers.get(f"{_PLAN}reset")) if _rejected(headers) else None
    if claimed is not None and claimed > now:
        return claimed - now
    met = [limit for limit in read_limits(headers, now) if limit.resets_at is not None]
    met = [limit for limit in met if limit.used >= 1 or (limit.rules and _rejected(headers))]
    met = [limit for limit in met if limit.rules] or met
    moments = [limit.resets_at for limit in met if limit.resets_at is not None]
    return max(0.0, max(moments) - now) if moments else None


def _rejected(headers: Mapping[str, str]) -> bool:
    return headers.get(f"{_PREFIX}unified-status") == "rejected"


def _plain(told: Mapping[str, str], name: str) -> Limit | None:
    used = _used(told.get(f"{name}-limit"), told.get(f"{name}-remaining"))
    if used is None:
        return None
    return Limit(name=name.replace("-", " "), used=used, resets_at=_moment(told.get(f"{name}-reset")))


def _common(told: Mapping[str, str], now: float) -> Iterator[Limit]:
    """``limit-requests``, ``remaining-requests``, ``reset-requests``, and so for whatever else; or no name at all."""
    split = (name.partition("-") for name in told)
    for counted in dict.fromkeys(counted for kind, _, counted in split if kind in ("limit", "remaining")):
        end = f"-{counted}" if counted else ""
        limit, remaining = told.get(f"limit{end}"), told.get(f"remaining{end}")
        used = 1.0 if limit is None and _number(remaining) == 0 else _used(limit, remaining)
        if used is not None:
            resets_at = _end(told.get(f"reset{end}"), now)
            yield Limit(name=(counted or _NAMELESS).replace("-", " "), used=used, resets_at=resets_at)


def _used(limit: str | None, remaining: str | None) -> float | None:
    """The share that is used; None where the two do not tell it."""
    most, left = _number(limit), _number(remaining)
    return max(0.0, 1 - left / most) if most and left is not None else None


def _end(text: str | None, now: float) -> float | None:
    """A reset that is told as a wait or as a moment, Unix seconds."""
    if not text:
        return None
    if _DURATION.fullmatch(text):
        wait = sum(float(amount) * _SECONDS[unit] for amount, unit in _PART.findall(text))
        return now + wait if wait < _MOMENT_S else None
    number = _number(text, _MOMENT_MS * 10)
    if number is None or number < 0:
        return _moment(text)
    return number / 1000 if number >= _MOMENT_MS else number if number >= _MOMENT_S else now + number


def _number(text: str | None, below: float = 1e12) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and abs(value) < below else None


def _moment(text: str | None) -> float | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
