"""A provider that costs next to nothing: raw protocol, prepared bytes. Prints its port, then serves until killed."""

import asyncio
import re
import sys
import time

from tests.bench import abroad, traffic
from tests.bench.event_loop import new_loop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PACE = re.compile(rb"\r\n" + traffic.PACE_HEADER + rb": *([\d.]+),(\d+)", re.IGNORECASE)
_LIST = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 27\r\n\r\n{"data":[],"has_more":false}'

_WHOLE = traffic.whole_response()
_ABROAD = {mark: abroad.whole_response(dialect) for mark, dialect in abroad.MARKS.items()}
"""Answers in other dialects, by what the request's first line holds."""
_OPENING = traffic.RESPONSE_HEAD + b"".join(map(traffic.chunk, traffic.opening()))
_CLOSING = b"".join(map(traffic.chunk, traffic.closing())) + traffic.LAST_CHUNK


class Provider(asyncio.Protocol):
    """One connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._missing = 0
        self._pace: tuple[float, int] | None = None
        self._whole = _WHOLE
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
            if self._missing <= 0:
                self._answer()
            return
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return
        head, rest = self._head[:end], len(self._head) - end - 4
        self._head = b""
        if not head.startswith(b"POST"):
            self._write(_LIST)
            return
        length = _LENGTH.search(head)
        line = head[: head.find(b"\r\n")]
        self._whole = next((whole for mark, whole in _ABROAD.items() if mark in line), _WHOLE)
        pace = _PACE.search(head)
        self._pace = (float(pace[1]) / 1000, int(pace[2])) if pace else None
        self._missing = (int(length[1]) if length else 0) - rest
        if self._missing <= 0:
            self._answer()

    def _answer(self) -> None:
        self._missing = 0
        if self._pace is None:
            self._write(self._whole)
            return
        self._write(_OPENING)
        interval_s, chunks = self._pace
        self._say(self._loop.time() + interval_s, interval_s, chunks)

    def _say(self, at: float, interval_s: float, left: int) -> None:
        self._timer = self._loop.call_at(at, self._speak, at, interval_s, left)

    def _speak(self, at: float, interval_s: float, left: int) -> None:
        self._write(traffic.chunk(traffic.delta(f"{time.monotonic_ns():020d}")))
        if left > 1:
            self._say(at + interval_s, interval_s, left - 1)
        else:
            self._write(_CLOSING)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Provider(loop), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_serve())
