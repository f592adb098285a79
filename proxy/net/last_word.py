"""What the client gets when no target is left: one answer out of all failures and all targets that rest.

Claude Code repeats a request on 429, 529 and any 5xx, and waits for ``retry-after`` up to a minute; at a longer one,
and at any other status, it gives the turn up (2.1.329, seen). So a turn is given up only where waiting is of no use.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from proxy.health import Closed
from proxy.net.attempt import Failure
from proxy.net.client import JSON_TYPE, Header
from proxy.protocol.outcome import LIMITED, TABLE, Outcome, error_body

REST_RETRY_S = 30.0
"""The client comes back so often while all that could serve was put aside by the user."""
SHORT_WAIT_S = 60.0
"""The longest wait that the client takes without giving the turn up."""
WORTH_WAITING_S = 600.0
"""For so long the client is asked back again and again; what takes longer, such as a plan's limit, the user reads."""
GUESS_S = 30.0
"""The client is asked back so soon at the latest where nobody but the engine says that a target is down."""
RETRY_AFTER_MAX_S = 3600
"""The longest wait that is asked of the client: what comes later can change any time."""

_PLANS = ("quota_spent", "model_quota_spent")
_WAITS = (b"retry-after", b"retry-after-ms", b"x-should-retry")


def last_word(failures: Sequence[Failure], closed: Sequence[Closed]) -> Failure:
    """What the client gets: of troubles that pass the first target's own answer, else of targets that open soon, that
    they do; only where neither is there, an answer that ends the turn.

    An answer that is the only word there is stays as it came.
    """
    if len(failures) == 1 and not closed:
        return failures[0]
    if passing := [failure for failure in failures if _passes(failure)]:
        return _no_later_than(_first(passing), _earliest_s(failures, closed))
    if not failures:
        return _all_closed(closed)
    soon = [each for each in closed if _opens_soon(each)]
    return _all_closed(soon) if soon else _first(failures)


def _first(failures: Sequence[Failure]) -> Failure:
    """The first that a provider gave itself, or the first."""
    return next((failure for failure in failures if failure.from_provider), failures[0])


def _passes(failure: Failure) -> bool:
    """The same request may be served by the same target in a while."""
    if failure.outcome.name in _PLANS:
        return (failure.outcome.retry_after_s or math.inf) <= WORTH_WAITING_S
    return failure.outcome.row.health in ("failing", "limited")


def _opens_soon(closed: Closed) -> bool:
    return closed.guessed or closed.wait_s <= SHORT_WAIT_S


def _earliest_s(failures: Sequence[Failure], closed: Sequence[Closed]) -> float:
    """When the first of them may be tried again, seconds."""
    waits = [min(each.wait_s, GUESS_S) if each.guessed else each.wait_s for each in closed]
    waits += [each.outcome.retry_after_s for each in failures if each.outcome.retry_after_s is not None]
    return min(waits, default=math.inf)


def _no_later_than(told: Failure, earliest_s: float) -> Failure:
    """The same answer, so that the client comes back: by then, where another target may be tried earlier."""
    own_s, forbids = told.outcome.retry_after_s, (b"x-should-retry", b"false") in told.headers
    if not forbids and (own_s is None or own_s <= min(earliest_s, SHORT_WAIT_S)):
        return told
    kept = (header for header in told.headers if header[0] not in _WAITS)
    return replace(told, headers=(*kept, _retry_after(min(own_s if own_s is not None else GUESS_S, earliest_s))))


def _retry_after(wait_s: float) -> Header:
    """A wait of some minutes is told as one that the client takes: it comes back and hears of the rest."""
    asked_s = min(wait_s, SHORT_WAIT_S) if wait_s <= WORTH_WAITING_S else min(wait_s, RETRY_AFTER_MAX_S)
    return b"retry-after", str(max(1, math.ceil(asked_s))).encode()


def _all_closed(closed: Sequence[Closed]) -> Failure:
    """Every target rests: the client is asked to come back when the first of them may be tried."""
    waits = [min(each.wait_s, GUESS_S) if each.guessed else each.wait_s for each in closed]
    first_s = min((wait_s for wait_s in waits if math.isfinite(wait_s)), default=REST_RETRY_S)
    limited = all(each.outcome in LIMITED for each in closed)
    row = TABLE["rate_limited" if limited else "overloaded"]
    words = "; ".join(dict.fromkeys(each.reason for each in closed))
    body = error_body(row.error_type, f"cctui: no target can serve now. {words}")
    return Failure(Outcome(row, words), row.status, body, (JSON_TYPE, _retry_after(first_s)))
