"""What the client gets when no target is left: one answer out of all failures and all targets that rest."""

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
"""A target that opens within so long is worth waiting for, before the client compacts for a smaller one."""
RETRY_AFTER_MAX_S = 3600
"""The longest wait that is asked of the client: what comes later can change any time."""


def last_word(failures: Sequence[Failure], closed: Sequence[Closed]) -> Failure:
    """What the client gets: the first target's own answer, or the first that there is.

    Where a larger target opens soon, the client is asked to wait for it and not to compact for a smaller one.
    """
    too_small = all(each.outcome.name == "window_too_small" for each in failures)
    if not failures or (too_small and any(each.wait_s <= SHORT_WAIT_S for each in closed)):
        return _all_closed(closed)
    own = [failure for failure in failures if failure.from_provider]
    told = own[0] if own else failures[0]
    waits = [each.wait_s for each in closed]
    waits += [each.outcome.retry_after_s for each in failures if each.outcome.retry_after_s is not None]
    return _no_later_than(told, min(waits, default=math.inf))


def _no_later_than(told: Failure, earliest_s: float) -> Failure:
    """The same answer; where another target may be tried earlier, it asks the client to come back by then."""
    own_s = told.outcome.retry_after_s
    if own_s is None or own_s <= earliest_s:
        return told
    kept = [header for header in told.headers if header[0] not in (b"retry-after", b"retry-after-ms")]
    return replace(told, headers=(*kept, _retry_after(earliest_s)))


def _retry_after(wait_s: float) -> Header:
    return b"retry-after", str(max(1, math.ceil(min(wait_s, RETRY_AFTER_MAX_S)))).encode()


def _all_closed(closed: Sequence[Closed]) -> Failure:
    """Every target rests: the client is asked to come back when the first of them may be tried."""
    first_s = min((each.wait_s for each in closed if math.isfinite(each.wait_s)), default=REST_RETRY_S)
    limited = all(each.outcome in LIMITED for each in closed)
    row = TABLE["rate_limited" if limited else "overloaded"]
    words = "; ".join(dict.fromkeys(each.reason for each in closed))
    body = error_body(row.error_type, f"cctui: no target can serve now. {words}")
    return Failure(Outcome(row, words), row.status, body, (JSON_TYPE, _retry_after(first_s)))
