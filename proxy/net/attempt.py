"""One try of a request at one target: what it carries, how long it has patience, how it ended.

How its answer is passed on is ``net.answers``, what an error is worth ``net.failures``.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from proxy import contract as c
from proxy.dialects.dialect import Dialect
from proxy.dialects.reading import AnswerReader
from proxy.net.client import JSON_TYPE, Client, Header
from proxy.net.exchange import Exchange
from proxy.net.translated import sign_of_life
from proxy.net.upstream import Body
from proxy.protocol.outcome import SERVED, Outcome, Seen, error_body, judge
from proxy.protocol.overflow import Room
from proxy.protocol.routing import Target
from proxy.providers import ProviderConfig

log = logging.getLogger(__name__)

CLIENT_WAITS_S = 285.0
"""The client itself gives up at 300 s. So long signs of life prolong the patience for a first event, and by then
whoever is tried after the first target has begun its stream."""

PING_S = 15.0
"""A stream that is silent for so long gets a sign of life; Anthropic's own pings come in such intervals."""


class AnswerBroke(Exception):
    """An answer that cannot be ended properly: the server closes the client's connection."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that did not serve, and the answer that the client gets if it stays the last word."""

    outcome: Outcome
    status: int
    body: bytes
    headers: tuple[Header, ...] = (JSON_TYPE,)
    from_provider: bool = False
    """The answer is the provider's own."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A request as its target gets it."""

    path: str
    """Behind the provider's base URL, query included."""
    body: Body
    changed: tuple[str, ...] = ()
    """What was changed in the body for this target, in words; the model's name is not mentioned."""
    headers: tuple[Header, ...] | None = None
    """None: the client's own."""
    dialect: Dialect | None = None
    """Translated to and from it; None: Anthropic's format."""
    reader: AnswerReader | None = None
    """Reads the answer; None: it is in Anthropic's format."""


def _nobody(_: "Attempt") -> None:
    """Who is told where nobody waits."""


@dataclass(slots=True, eq=False)
class Attempt:
    """One try of an exchange at one target, while it lasts."""

    exchange: Exchange
    client: Client
    provider: ProviderConfig
    target: Target
    deadline: float
    """By the loop's clock: patience for the first event, or for the whole of an answer that does not stream."""
    parcel: Parcel
    key: int | None = None
    """Number of the provider's key; None: it has none of its own."""
    key_name: str | None = None
    """The key masked, where there are several."""
    room: Room = field(default_factory=lambda: Room(0, None))
    admission: int = 0
    """The number under which it was admitted."""
    began: float = field(default_factory=time.monotonic)
    committed: "Callable[[Attempt], None]" = _nobody
    """Told when the answer reaches the client."""
    secret_mark: str | None = None
    """Tells the secret that the key stood for from a later one."""
    response: httpx.Response | None = None
    timer: asyncio.Timeout | None = None
    """Holds the deadline until the answer begins."""
    verdict: Outcome = SERVED
    """How an answer ended that reached the client."""
    quiet_since: float | None = None
    """By the loop's clock, of a stream that is passed on and stands between two events; None: it does not."""

    def failed(self, seen: Seen) -> Failure:
        """The failure that ``seen`` is, answered by the engine itself."""
        outcome = judge(seen, time.time())
        return Failure(outcome, outcome.row.status, error_body(outcome.row.error_type, self.says(outcome)))

    def says(self, outcome: Outcome) -> str:
        return outcome.sentence(self.provider.name)

    def live(self, now: float) -> None:
        """The provider shows that it lives: the patience for its first event begins anew, as long as the client has
        its own."""
        if self.timer is None or (deadline := self.timer.when()) is None:
            return
        left_s = self.exchange.started + CLIENT_WAITS_S - time.monotonic()
        self.timer.reschedule(max(deadline, now + min(self.provider.first_event_timeout_s, left_s)))

    def grant(self, spent_s: float) -> None:
        """The target is not to blame for time that was spent elsewhere, as long as a stream's client waits."""
        if self.timer is None or (when := self.timer.when()) is None:
            return
        waited_s = time.monotonic() - self.exchange.started if self.exchange.streaming else None
        self.timer.reschedule(granted(when, spent_s, asyncio.get_running_loop().time(), waited_s))

    def silent(self, now: float) -> bool:
        """Whether the stream needs a sign of life. Its provider's connection lives, or the system would have reported
        it; Claude itself pings."""
        long = self.quiet_since is not None and now - self.quiet_since >= PING_S
        return long and not self.provider.real_claude

    async def keep_alive(self, now: float) -> None:
        """Send a sign of life."""
        self.quiet_since = None
        with contextlib.suppress(RuntimeError):  # the stream ended while its client was slow to read
            await self.client.write(sign_of_life(self.parcel.reader))
            self.quiet_since = now


def granted(deadline: float, spent_s: float, now: float, waited_s: float | None) -> float:
    """``deadline`` later by ``spent_s``, but not beyond the patience of a client that waited for ``waited_s``; None:
    it waits for as long as it takes."""
    last = math.inf if waited_s is None else now + CLIENT_WAITS_S - waited_s
    return max(deadline, min(deadline + spent_s, last))


def ended_attempt(attempt: Attempt, outcome: Outcome) -> c.Attempt:
    """The attempt's last word for the trail."""
    return c.Attempt(
        provider=attempt.target.provider,
        model=attempt.target.model,
        outcome=outcome.name,
        status=attempt.response.status_code if attempt.response is not None else None,
        reason=None if outcome.name in ("served", "client_left") else attempt.says(outcome),
        duration_ms=round((time.monotonic() - attempt.began) * 1000, 3),
        key=attempt.key_name,
        changed=attempt.parcel.changed,
    )


async def close(response: httpx.Response) -> None:
    """Closing an unfinished response closes its connection: the provider stops at once."""
    try:
        await response.aclose()
    except (httpx.TransportError, OSError) as error:
        log.debug("closing a response: %s", error)
