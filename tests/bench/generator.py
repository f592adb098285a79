"""The load: raw protocol, prepared bytes. Reads a ``Job`` a line on stdin, writes a ``Result`` a line on stdout."""

import asyncio
import re
import sys
import time
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec

from tests.bench import traffic
from tests.bench.event_loop import new_loop
from tests.bench.jobs import Job, Result

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SENT_AT = re.compile(rb'"text": ?"(\d{20})"')
_ABORTED_PACE = (traffic.PACE_HEADER, b"1000,30")
ANSWER_PATIENCE_S = 60.0


@dataclass
class Tally:
    """What all callers of a job saw."""

    left: int
    """Requests not begun yet."""
    ends_at: float
    begun: int = 0
    done: int = 0
    aborted: int = 0
    errors: int = 0
    ttfb_ms: list[float] = field(default_factory=list)
    whole_ms: list[float] = field(default_factory=list)
    delays_ms: list[float] = field(default_factory=list)
    gaps_ms: list[float] = field(default_factory=list)


class Caller(asyncio.Protocol):
    """One client: a request after the other on one connection."""

    def __init__(self, job: Job, number: int, tally: Tally, body: bytes) -> None:
        extra = [(name.encode(), value.encode()) for name, value in job.headers.items()]
        pace = [(traffic.PACE_HEADER, b"%g,%d" % (job.pace_ms, job.chunks))] if job.pace_ms else []
        session = f"bench-{number}"
        self._request = traffic.request_head(len(body), [*extra, *pace], session) + body
        self._aborted_request = traffic.request_head(len(body), [*extra, _ABORTED_PACE], session) + body
        self._job, self._tally = job, tally
        self._transport: asyncio.Transport | None = None
        self._aborting = False
        self._reset()
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Nothing more comes: all requests are done, or the connection must be opened anew."""

    def _reset(self) -> None:
        self._head: bytes | None = b""
        self._missing = 0
        self._tail = b""
        self._first_at = 0.0
        self._delays: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._next()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.finished.done():
            self._tally.errors += 1
            self.finished.set_result(None)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if self._head is not None:
            data = self._read_head(data)
            if not data:
                return
        if not self._first_at:
            self._first_at = now
        if self._aborting:
            self._tally.aborted += 1
            self._close()
            return
        if self._job.pace_ms:
            self._read_times(data)
        if self._ended(data):
            self._note(now)
            self._next_after_thought()

    def _read_head(self, data: bytes) -> bytes:
        head, mark, rest = ((self._head or b"") + data).partition(b"\r\n\r\n")
        if not mark:
            self._head = head
            return b""
        self._head = None
        length = _LENGTH.search(head)
        self._missing = int(length[1]) if length else -1
        if not head.startswith(b"HTTP/1.1 200"):
            self._tally.errors += 1
            self._close()
            return b""
        return rest

    def _ended(self, data: bytes) -> bool:
        if self._missing >= 0:
            self._missing -= len(data)
            return self._missing <= 0
        self._tail = (self._tail + data)[-200:] if len(data) < 200 else data[-200:]
        return self._tail.endswith(traffic.LAST_CHUNK)

    def _read_times(self, data: bytes) -> None:
        now = time.monotonic_ns()
        seen = self._tail if len(data) < 200 else b""
        for found in _SENT_AT.finditer(seen + data):
            if found.end() > len(seen):
                self._delays.append((now - int(found[1])) / 1e6)

    def _note(self, now: float) -> None:
        tally = self._tally
        tally.done += 1
        tally.ttfb_ms.append((self._first_at - self._sent_at) * 1000)
        tally.whole_ms.append((now - self._sent_at) * 1000)
        tally.delays_ms += self._delays
        tally.gaps_ms += [max(0.0, later - earlier) for earlier, later in pairwise(self._delays)]

    def _next_after_thought(self) -> None:
        if self._job.think_ms:
            asyncio.get_running_loop().call_later(self._job.think_ms / 1000, self._next)
        else:
            self._next()

    def _next(self) -> None:
        tally = self._tally
        if tally.left <= 0 or time.monotonic() >= tally.ends_at or self._transport is None:
            self._close()
            return
        tally.left -= 1
        tally.begun += 1
        self._reset()
        every = self._job.abort_every
        self._aborting = bool(every) and tally.begun % every == 0
        self._sent_at = time.perf_counter()
        self._transport.write(self._aborted_request if self._aborting else self._request)

    def _close(self) -> None:
        if not self.finished.done():
            self.finished.set_result(None)
        if self._transport is not None:
            self._transport.abort()


async def run(job: Job) -> Result:
    """Do ``job``."""
    tally = Tally(job.requests, time.monotonic() + job.seconds)
    body = traffic.request_body(job.body_bytes)
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(job.clients):
            group.create_task(_client(job, number, tally, body))
    return Result(
        done=tally.done,
        aborted=tally.aborted,
        errors=tally.errors,
        seconds=time.perf_counter() - began,
        ttfb_ms=tally.ttfb_ms,
        whole_ms=tally.whole_ms,
        delays_ms=tally.delays_ms,
        gaps_ms=tally.gaps_ms,
    )


async def _client(job: Job, number: int, tally: Tally, body: bytes) -> None:
    loop = asyncio.get_running_loop()
    while tally.left > 0 and time.monotonic() < tally.ends_at and tally.errors < 20:
        try:
            transport, caller = await loop.create_connection(
                lambda: Caller(job, number, tally, body), "127.0.0.1", job.port
            )
        except OSError:
            tally.errors += 1
            continue
        try:
            async with asyncio.timeout(job.seconds + ANSWER_PATIENCE_S):
                await caller.finished
        except TimeoutError:
            tally.errors += 1
        finally:
            transport.abort()


def main() -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        for line in sys.stdin:
            result = runner.run(run(msgspec.json.decode(line, type=Job)))
            sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
