"""Watches the prompt caches of conversations: which request could not read what the one before left, and why.

Works beside the traffic: an ended request waits in a short queue, a thread reads its chain of digests, and a fault
costs a line in the log. When more comes than it may look at, requests are left out. Kept are digests and counts of
each thread's last requests; a break is told to whoever keeps it.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from proxy import contract as c
from proxy.net.exchange import Exchange
from proxy.protocol.cachebreak import Broken, Seen, judge, lost
from proxy.protocol.history import Thread, thread_of
from proxy.protocol.messages import Body
from proxy.protocol.prefix import Unreadable, read_prefix
from proxy.protocol.pricing import Price

log = logging.getLogger(__name__)

WAITING_MAX = 32
WAITING_BYTES = 24 * 1024 * 1024
"""Of bodies that wait to be looked at."""
THREADS_KEPT = 300
"""Conversations and sub-agents of all sessions whose last prompt is known; a long one takes some 10 kB."""
LINES_KEPT = 3
"""Of a thread: beside the conversation itself the client asks smaller things under the same name."""
TURN_S = 0.001
"""The thread that reads lets the streams have their turn after so long."""
PAUSE_S = 0.0003
REST = 9
"""It rests so many times as long as it worked: a tenth of a core at most."""
PATIENCE_S = 2.0
"""Whoever asks waits so long for what is still being looked at."""

Attributed = Callable[[str], bool]
"""Whether a provider reads the client's attribution block as part of the prompt."""
Found = Callable[[str, c.CacheBreak], None]
"""Takes each break and the session in which it is."""


@dataclass(frozen=True, slots=True)
class _Ended:
    body: Body
    request: c.Request
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Compared:
    lines: tuple[Seen, ...]
    """The thread's, with the request as the first."""
    broken: Broken | None = None
    read_before: float = 0.0


class CacheWatch:
    """Looks at ended requests, one at a time."""

    def __init__(self, price_of: Callable[[c.Request], Price | None], attributed: Attributed, found: Found) -> None:
        self._price_of, self._attributed, self._found = price_of, attributed, found
        self._waiting: asyncio.Queue[_Ended] = asyncio.Queue(WAITING_MAX)
        self._waiting_bytes = 0
        self._threads: OrderedDict[Thread, tuple[Seen, ...]] = OrderedDict()
        """The last requests of each thread, the latest first, each of a line of its own."""
        self.left_out = 0
        """Requests that nobody looked at, for want of time."""

    def ended(self, exchange: Exchange, request: c.Request) -> None:
        """Have a look at ``request`` later. Returns at once.

        Counts that several passes were summed up in do not tell what was read, nor what is there to be read next.
        """
        if exchange.body is None or not exchange.in_one_pass or not _worth_a_look(request):
            return
        size = request.request_bytes
        if self._waiting.full() or self._waiting_bytes + size > WAITING_BYTES:
            if not self.left_out:
                log.info("more requests end than the watch of the caches looks at: some are left out")
            self.left_out += 1
            return
        changed = exchange.attempts[-1].changed if exchange.attempts else ()
        self._waiting_bytes += size
        self._waiting.put_nowait(_Ended(exchange.body, request, changed))

    async def run(self) -> None:
        """Look at what ended, until cancelled."""
        while True:
            item = await self._waiting.get()
            began = time.monotonic()
            try:
                await self._look(item)
            except Unreadable as error:
                log.debug("request %s: %s", item.request.id, error)
            except Exception:
                log.exception("the cache of request %s could not be looked at", item.request.id)
            finally:
                self._waiting_bytes -= item.request.request_bytes
                self._waiting.task_done()
            await asyncio.sleep(REST * (time.monotonic() - began))

    async def settled(self) -> None:
        """Wait until everything that ended was looked at, within bounds."""
        try:
            await asyncio.wait_for(self._waiting.join(), PATIENCE_S)
        except TimeoutError:
            log.info("the watch of the caches is behind; what it knows is told")

    async def _look(self, item: _Ended) -> None:
        request = item.request
        thread = thread_of(request.session_id, request.agent_id)
        attributed = self._attributed(request.provider or "")
        found = await asyncio.to_thread(_compared, item, self._threads.get(thread, ()), attributed)
        self._threads[thread] = found.lines
        self._threads.move_to_end(thread)
        while len(self._threads) > THREADS_KEPT:
            self._threads.popitem(last=False)
        if found.broken is not None:
            told = _told(found, found.broken, request, self._price_of(request))
            self._found(request.session_id or "", told)


def _compared(item: _Ended, lines: tuple[Seen, ...], attributed: bool) -> _Compared:
    """The request beside the one that it goes on from: the one with which it has most in common. Runs in a thread."""
    request = item.request
    provider, model = request.provider or "", request.target_model or ""
    prefix = read_prefix(item.body, provider, model, item.changed, attributed=attributed, pause=_Turns().pause)
    seen = Seen(prefix, request.usage, request.started_at + (request.ttft_ms or 0.0) / 1000)
    before = max(lines, key=lambda line: line.prefix.kinship(prefix), default=None)
    if before is None or not before.prefix.kinship(prefix):
        return _Compared((seen, *lines)[:LINES_KEPT])
    kept = (seen, *(line for line in lines if line is not before))
    return _Compared(kept, judge(before, seen, request.started_at), before.read_share)


def _told(found: _Compared, broken: Broken, request: c.Request, price: Price | None) -> c.CacheBreak:
    return c.CacheBreak(
        at=request.started_at,
        request_id=request.id,
        reason=broken.reason,
        agent_id=request.agent_id,
        lost_tokens=broken.lost_tokens,
        lost_nano_usd=None if price is None else lost(broken.lost_tokens, request.usage, price),
        read_before=found.read_before,
        read_after=found.lines[0].read_share,
        simulated=request.simulated,
    )


class _Turns:
    """Gives way to the other threads now and then: the interpreter alone would do it five times as late."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def pause(self) -> None:
        if time.monotonic() - self._since > TURN_S:
            time.sleep(PAUSE_S)
            self._since = time.monotonic()


def _worth_a_look(request: c.Request) -> bool:
    """A request of a conversation whose prompt the provider counted."""
    counted = request.usage.prompt_tokens > 0 and (not request.usage_estimated or request.output_estimated)
    return request.kind == "messages" and request.role != "background" and bool(request.session_id) and counted
