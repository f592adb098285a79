"""Whether something that failed may be tried again. Pure; times are Unix seconds.

One breaker stands for a provider, a target or a key; which of them an outcome concerns is in the table of
outcomes. The provider's own time (``retry-after``, a reset header) decides how long it stays open; without one
the time doubles with each failure in a row, spread by jitter, up to a ceiling. Requests are told apart by the
numbers of their admissions, which grow: what came first does not depend on a clock.

=========  ======================================================  ==========================================
state      what it is                                              admits
=========  ======================================================  ==========================================
closed     nothing failed                                          all
open       it failed, and its time has not come                    none, until a time that is always known
half-open  its time has come and nobody tries it                   one: the probe
probing    the probe is under way and has brought nothing yet      none, for ``PROBE_S`` at the most
answering  the probe's answer has begun                            all
=========  ======================================================  ==========================================

=========  =========  ===============  ========  ======  ==========================
state      sent       answer begins    served    failed  ended and told nothing
=========  =========  ===============  ========  ======  ==========================
closed     closed     closed           closed    open    closed
open       .          open             closed*   open    open
half-open  probing    half-open        closed*   open    half-open
probing    .          answering (own)  closed*   open    half-open (own)
answering  answering  answering        closed*   open    half-open (own)
=========  =========  ===============  ========  ======  ==========================

(own): only what the probe itself does. ``*``: not by a request that was sent before the provider told a time; that
holds on, and the request counts as one that told nothing.
"""

from dataclasses import dataclass, replace
from typing import Literal

FIRST_S = 4.0
"""Open time after the first failure, where the provider named none."""
CEILING_S = 120.0
"""The longest open time of our own making, before jitter."""
SPREAD = 0.25
"""Jitter makes a time of our own shorter or longer by up to this share."""
OWN_MAX_S = CEILING_S * (1 + SPREAD)
"""Of our own making nothing is open for longer: what seems to be was told by another clock."""
TRUSTED_S = 8 * 24 * 3600.0
"""A provider's own time is believed up to here: a weekly limit is the longest one known."""
PROBE_S = 300.0
"""A probe that has brought nothing by then holds nobody up any more, and the next request may be one."""

State = Literal["closed", "open", "half-open", "probing", "answering"]


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
    told_after: int | None = None
    """The last request admitted before the provider itself named the time; None: the time is of our own making."""
    probe: int | None = None
    """The request that is the probe."""
    probe_since: float | None = None
    """When it was sent."""
    answering: bool = False
    """Its answer has begun."""

    def state(self, now: float) -> State:
        if self.open_until is None:
            return "closed"
        if 0 < self.open_until - now <= self._longest_s:
            return "open"
        if self.answering:
            return "answering"
        under_way = self.probe_since is not None and now - self.probe_since <= PROBE_S
        return "probing" if under_way else "half-open"

    def admits(self, now: float) -> bool:
        """Whether a request may be sent now."""
        return self.state(now) in ("closed", "half-open", "answering")

    def wait_s(self, now: float) -> float:
        """Seconds until its time has come."""
        return (self.open_until or now) - now if self.state(now) == "open" else 0.0

    @property
    def _longest_s(self) -> float:
        """A time that lies further ahead was told by a clock that was set since."""
        return (OWN_MAX_S if self.told_after is None else TRUSTED_S) + 1.0


CLOSED = Breaker()


def sent(breaker: Breaker, request: int, now: float) -> Breaker:
    """``request`` was sent: at half open it is the probe."""
    if breaker.state(now) != "half-open":
        return breaker
    return replace(breaker, probe=request, probe_since=now, answering=False)


def began(breaker: Breaker, request: int) -> Breaker:
    """The answer to ``request`` has begun: if it is the probe, nobody waits for its end."""
    return replace(breaker, answering=True) if breaker.probe == request else breaker


def succeeded(breaker: Breaker, request: int) -> Breaker:
    """It works again: everything is forgotten, but for a limit that the provider told after ``request`` was sent."""
    older_news = breaker.told_after is not None and request <= breaker.told_after
    return undecided(breaker, request) if older_news else CLOSED


def undecided(breaker: Breaker, request: int) -> Breaker:
    """``request`` ended without telling anything, such as by a client that left: the probe is free again."""
    return replace(breaker, probe=None, probe_since=None, answering=False) if breaker.probe == request else breaker


def failed(
    breaker: Breaker,
    now: float,
    *,
    outcome: str,
    reason: str,
    retry_after_s: float | None,
    jitter: float,
    admitted: int = 0,
) -> Breaker:
    """It failed. ``jitter`` is a random number from 0 to 1; it spreads only times of our own making. ``admitted`` is
    the last request that was admitted anywhere."""
    was_open = breaker.state(now) == "open"
    failures = breaker.failures if was_open else breaker.failures + 1
    if retry_after_s is not None:
        wait = min(max(retry_after_s, 1.0), TRUSTED_S)
    else:
        spread = 1 - SPREAD + 2 * SPREAD * jitter
        wait = min(FIRST_S * 2 ** (min(failures, 16) - 1), CEILING_S) * spread
    until = max(now + wait, breaker.open_until or 0.0) if was_open else now + wait
    told_after = admitted if retry_after_s is not None else breaker.told_after if was_open else None
    return Breaker(failures, until, reason, outcome, breaker.since or now, told_after)


def shifted(breaker: Breaker, by_s: float) -> Breaker:
    """The same after the clock was set by so many seconds."""
    return replace(
        breaker,
        open_until=_moved(breaker.open_until, by_s),
        since=_moved(breaker.since, by_s),
        probe_since=_moved(breaker.probe_since, by_s),
    )


def restored(breaker: Breaker) -> Breaker:
    """As the next run takes it up, in which no request was admitted yet."""
    told_after = None if breaker.told_after is None else 0
    return replace(breaker, told_after=told_after, probe=None, probe_since=None, answering=False)


def _moved(moment: float | None, by_s: float) -> float | None:
    return None if moment is None else moment + by_s
