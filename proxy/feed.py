"""Fan-out to panels: numbered events, a bounded queue each, the whole state again for whoever lost some.

Nothing here waits for a panel. Changes are collected and published by ``tick`` at most twenty times a second;
the text of a stream goes only to a panel that watches that request.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from proxy import contract as c
from proxy.board import Board
from proxy.net.exchange import Capture
from proxy.protocol.parts import PartReader

TICK_S = 0.05
"""Twenty updates a second for a request at most."""
QUEUE_EVENTS = 512
QUEUE_BYTES = 8 * 1024 * 1024
"""A panel that falls behind by more of either gets the whole state instead."""
ALIVE_S = 5.0

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True, eq=False)
class Subscriber:
    """A panel's end of the feed."""

    queue: deque[bytes] = field(default_factory=deque)
    size: int = 0
    """Bytes in the queue."""
    filled: asyncio.Event = field(default_factory=asyncio.Event)
    lost: bool = True
    """It missed events (or has seen none yet): the next thing that it gets is the whole state."""
    watched: str | None = None
    reader: PartReader | None = None
    capture: Capture | None = None
    next_chunk: int = 0

    def put(self, data: bytes) -> None:
        if self.lost:
            return
        if len(self.queue) >= QUEUE_EVENTS or self.size + len(data) > QUEUE_BYTES:
            self.take()
            self.lost = True
        else:
            self.queue.append(data)
            self.size += len(data)
        self.filled.set()

    def take(self) -> bytes:
        """Everything that waits."""
        data = b"".join(self.queue)
        self.queue.clear()
        self.size = 0
        return data

    def watch(self, request_id: str | None) -> None:
        self.watched, self.reader, self.capture = request_id, None, None


class Feed:
    """Publishes what happens."""

    def __init__(
        self,
        board: Board,
        snapshot: Callable[[], c.Snapshot],
        budgets: Callable[[Sequence[c.Session]], tuple[c.Budget, ...]],
    ) -> None:
        """``budgets`` tells what sessions fall under."""
        self._board = board
        self._snapshot, self._budgets = snapshot, budgets
        self._subscribers: dict[str, Subscriber] = {}
        self._number = 0
        self._ended: list[c.Request] = []
        self._sessions: dict[str, None] = {}
        self._closing = False

    def opened(self, session: str) -> None:
        self._sessions[session] = None

    def ended(self, request: c.Request, session: str) -> None:
        if self._subscribers:
            self._ended.append(request)
            self._sessions[session] = None

    def watch(self, panel: str, request_id: str | None) -> bool:
        """Send the text of ``request_id`` to ``panel`` from now on; False where there is no such panel."""
        subscriber = self._subscribers.get(panel)
        if subscriber is None:
            return False
        subscriber.watch(request_id)
        return True

    def publish(self, event: c.Event | Callable[[], c.Event]) -> None:
        """Send ``event`` to every panel; what makes one is called only where there is a panel."""
        if self._subscribers:
            data = self._frame(event() if callable(event) else event)
            for subscriber in self._subscribers.values():
                subscriber.put(data)

    def tick(self) -> None:
        """Publish what changed since the last tick."""
        if not self._subscribers:
            self._ended.clear()
            self._sessions.clear()
            return
        for subscriber in self._subscribers.values():
            self._send_text(subscriber)
        ended, self._ended = self._ended, []
        sessions, self._sessions = self._sessions, {}
        for exchange in self._board.live.values():
            if exchange.dirty:
                exchange.dirty = False
                self.publish(c.RequestChanged(request=exchange.view()))
        for request in ended:
            self.publish(c.RequestChanged(request=request))
        for key in sessions:
            if (session := self._board.session(key)) is not None:
                bounds = self._budgets([session])
                self.publish(c.SessionChanged(session=session, today=self._board.today, budgets=bounds))

    async def follow(self, panel: str) -> AsyncIterator[bytes]:
        """The feed of one panel as bytes of an event stream; ends when the engine does."""
        subscriber = self._subscribers[panel] = Subscriber()
        try:
            while not self._closing:
                if subscriber.lost:
                    subscriber.take()
                    subscriber.lost = False
                    yield self._frame(self._snapshot())
                while subscriber.queue and not subscriber.lost:
                    yield subscriber.take()
                if subscriber.lost:
                    continue
                subscriber.filled.clear()
                try:
                    async with asyncio.timeout(ALIVE_S):
                        await subscriber.filled.wait()
                except TimeoutError:
                    yield b": alive\n\n"
        finally:
            if self._subscribers.get(panel) is subscriber:
                del self._subscribers[panel]

    def close(self) -> None:
        """End every panel's feed."""
        self._closing = True
        for subscriber in self._subscribers.values():
            subscriber.filled.set()

    def _frame(self, event: c.Event) -> bytes:
        self._number += 1
        return b"id: %d\ndata: %s\n\n" % (self._number, _encode(event))

    def _send_text(self, subscriber: Subscriber) -> None:
        request_id = subscriber.watched
        exchange = self._board.find(request_id) if request_id else None
        if request_id is None or exchange is None:
            return
        capture = exchange.capture
        fresh = subscriber.reader is None or subscriber.capture is not capture
        if fresh:
            subscriber.reader, subscriber.capture = PartReader(request_id), capture
            subscriber.next_chunk = capture.first
        elif subscriber.next_chunk == capture.next:
            return
        chunks = capture.since(subscriber.next_chunk)
        subscriber.next_chunk = capture.next
        reader = subscriber.reader
        if reader is None:
            return
        parts = reader.read(chunks) if exchange.streaming else reader.read_whole(b"".join(chunks))
        if fresh:
            subscriber.put(
                self._frame(c.StreamPart(request_id=request_id, kind="text", block=-1, text="", restart=True))
            )
        for part in parts:
            subscriber.put(self._frame(part))
