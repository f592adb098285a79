"""What the sub-agents of each session are called, learned from traffic.

An answer that starts a sub-agent tells its kind and errand, the sub-agent's first request tells which one it is; either
may be read first. Bodies are read in a thread, after they were passed on; when too many wait, some are left out and
those sub-agents stay without a name. Of a prompt its digest is kept, in memory; a name is told to whoever keeps it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import NamedTuple, TypeVar

from proxy.net.exchange import Exchange
from proxy.protocol.errands import Errand, errands, first_words, may_start_agents

KEPT_MAX = 500
"""Errands without a sub-agent, and sub-agents without an errand; the oldest fall off."""
READING_MAX = 16
"""Bodies that are read or wait for it."""

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")

Start = Callable[[str, Coroutine[None, None, None]], None]
"""Runs a task under a name; its faults are logged."""


class Named(NamedTuple):
    """A sub-agent and its name."""

    session: str
    agent: str
    name: str


class AgentNames:
    """Reads what tells names and says each that it learned. On the event loop, but for the reading."""

    def __init__(self, start: Start, learned: Callable[[Named], None]) -> None:
        self._start, self._learned = start, learned
        self._pairs = Pairs()
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._reading = 0

    def opened(self, exchange: Exchange) -> None:
        """A request arrived: the first one of a sub-agent tells which one it is."""
        session, agent = exchange.identity.session, exchange.identity.agent
        if exchange.kind != "messages" or exchange.body is None or not session or not agent:
            return
        if (session, agent) not in self._seen and self._reading < READING_MAX:
            self._seen[session, agent] = None
            _bound(self._seen)
            self._read("first words of a sub-agent", lambda: self._read_first_words(exchange, session, agent))

    def ended(self, exchange: Exchange) -> None:
        """An answer ended: it may have started sub-agents."""
        session = exchange.identity.session
        if exchange.facts.stop_reason != "tool_use" or not session or self._reading >= READING_MAX:
            return
        chunks, streamed = exchange.capture.since(0), exchange.streaming
        if may_start_agents(chunks):
            self._read("errands of sub-agents", lambda: self._read_errands(session, chunks, streamed=streamed))

    def _read(self, what: str, reading: Callable[[], Awaitable[None]]) -> None:
        self._reading += 1
        self._start(what, self._counted(reading))

    async def _counted(self, reading: Callable[[], Awaitable[None]]) -> None:
        try:
            await reading()
        finally:
            self._reading -= 1

    async def _read_first_words(self, exchange: Exchange, session: str, agent: str) -> None:
        body = exchange.body
        if body is not None:
            words = await asyncio.to_thread(first_words, body)
            if (named := self._pairs.arrived(session, agent, words)) is not None:
                self._learned(named)

    async def _read_errands(self, session: str, chunks: Sequence[bytes], *, streamed: bool) -> None:
        for named in self._pairs.sent(session, await asyncio.to_thread(errands, chunks, streamed=streamed)):
            self._learned(named)


class Pairs:
    """Brings errands and sub-agents together."""

    def __init__(self) -> None:
        self._errands: OrderedDict[tuple[str, bytes], str] = OrderedDict()
        self._agents: OrderedDict[tuple[str, bytes], str] = OrderedDict()

    def sent(self, session: str, found: Iterable[Errand]) -> list[Named]:
        """Sub-agents are started. Returns those of them that asked already."""
        named = []
        for errand in found:
            key = (session, errand.digest)
            if (agent := self._agents.pop(key, None)) is not None:
                named.append(Named(session, agent, errand.name))
            else:
                self._errands[key] = errand.name
        _bound(self._errands)
        return named

    def arrived(self, session: str, agent: str, words: Iterable[bytes]) -> Named | None:
        """A sub-agent asks for the first time, and these are digests of what it was told."""
        keys = [(session, word) for word in words]
        for key in keys:
            if (name := self._errands.get(key)) is not None:
                return Named(session, agent, name)
        self._agents.update((key, agent) for key in keys)
        _bound(self._agents)
        return None


def _bound(kept: "OrderedDict[KeyT, ValueT]") -> None:
    while len(kept) > KEPT_MAX:
        kept.popitem(last=False)
