"""Whether something that failed may be tried again: closed, open until a time, half open with one probe.

One breaker stands for a provider, a target or a key; which of them an outcome concerns is in the table of
outcomes. The provider's own time (``retry-after``, a reset header) decides how long it stays open; without one
the time doubles with each failure in a row, spread by jitter, up to a ceiling. Times are Unix seconds.
"""

from dataclasses import dataclass, replace
from typing import Literal

FIRST_S = 4.0
"""Open time after the first failure, where the provider named none."""
CEILING_S = 120.0
"""The longest open time of our own making."""
TRUSTED_S = 8 * 24 * 3600.0
"""A provider's own time is believed up to here: a weekly limit is the longest one known."""
PROBE_S = 300.0
"""A probe that has not ended by then is taken for lost, and the next request may be one."""

State = Literal["closed", "open", "half-open"]


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is remembered of failures in a row."""

    failures: int = 0
    open_until: float | None = None
    reason: str | None = None
    """What the user reads about it."""
    outcome: str | None = None
    """The outcome's name in the table."""
    since: float | None = None
    """When the first failure in the row was seen."""
    probe_since: float | None = None
    """When the one probe of a half-open breaker was sent."""
    told_at: float | None = None
    """When the provider itself named the time; None: the time is of our own making."""

    def state(self, now: float) -> State:
        if self.open_until is None:
            return "closed"
        return "open" if now < self.open_until else "half-open"

    def admits(self, now: float) -> bool:
        """Whether a request may be sent: always while closed, never while open, one at a time while half open."""
        state = self.state(now)
        if state != "half-open":
            return state == "closed"
        return self.probe_since is None or now - self.probe_since > PROBE_S

    def wait_s(self, now: float) -> float:
        """Seconds until it admits a request again."""
        return max(0.0, (self.open_until or now) - now)


CLOSED = Breaker()


def sent(breaker: Breaker, now: float) -> Breaker:
    """A request was sent: at half open it is the probe."""
    return replace(breaker, probe_since=now) if breaker.state(now) == "half-open" else breaker


def succeeded(breaker: Breaker = CLOSED, sent_at: float | None = None) -> Breaker:
    """It works again: everything is forgotten. A limit that the provider told after the request was sent holds on."""
    older_news = sent_at is not None and breaker.told_at is not None and breaker.told_at > sent_at
    return undecided(breaker) if older_news else CLOSED


def undecided(breaker: Breaker) -> Breaker:
    """The request ended without telling anything, such as by a client that left: the probe is free again."""
    return replace(breaker, probe_since=None) if breaker.probe_since is not None else breaker


def failed(
    breaker: Breaker, now: float, *, outcome: str, reason: str, retry_after_s: float | None, jitter: float
) -> Breaker:
    """It failed. ``jitter`` is a random number from 0 to 1; it spreads only times of our own making."""
    was_open = breaker.state(now) == "open"
    failures = breaker.failures if was_open else breaker.failures + 1
    if retry_after_s is not None:
        wait = min(max(retry_after_s, 1.0), TRUSTED_S)
    else:
        wait = min(FIRST_S * 2 ** (min(failures, 16) - 1), CEILING_S) * (0.75 + 0.5 * jitter)
    until = max(now + wait, breaker.open_until or 0.0) if was_open else now + wait
    told_at = now if retry_after_s is not None else breaker.told_at if was_open else None
    return Breaker(failures, until, reason, outcome, breaker.since or now, told_at=told_at)
