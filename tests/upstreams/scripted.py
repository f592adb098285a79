"""An HTTP/1.1 server on a raw socket that answers from a script and records what reached it.

Owns: sockets, parsing of requests, the record of calls. It knows no wire format. Everything
that a broken provider does can be scripted: silence, half a head, a connection dropped in mid-body, a label
that does not fit. Nothing is timed; ``Pause`` and ``Hold`` wait for the test.
"""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Self, assert_never
from urllib.parse import urlsplit

from tests.upstreams.answers import (
    EMPTY,
    Answer,
    Break,
    Hold,
    Pause,
    Raw,
    Reply,
    Step,
    as_chunk,
    as_is,
    head_of,
    in_pieces,
)
from tests.upstreams.gate import Gate


@dataclass(slots=True)
class Call:
    """A request that arrived, and what became of its answer."""

    order: int
    """From 0, over all connections, in the order in which the requests were complete."""
    connection: int
    """From 0, in the order in which connections were accepted."""
    method: str
    target: str
    """Path and query as sent."""
    headers: tuple[tuple[str, str], ...]
    """In order, names as sent."""
    body: bytes
    sent_bytes: int = 0
    """Body bytes of the answer that the socket took so far."""
    answered: bool = False
    """The whole answer was sent."""
    closed: Gate = field(default_factory=Gate)
    """Opens when the connection of this call is gone, whoever closed it."""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> str:
        return urlsplit(self.target).query

    def header(self, name: str) -> str | None:
        """All values of a header, joined as HTTP does; None where it is absent."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None


Script = Answer | Sequence[Answer] | Callable[[Call], Answer | Awaitable[Answer]]


class ScriptedUpstream:
    """The server. ``async with`` runs it on the test's loop, ``with`` in a thread with a loop of its own.

    ``script`` is one answer for all, a list (one for each request in order, the last one repeats), or a
    function of the call, plain or async. It may be replaced between requests.
    """

    def __init__(self, script: Script = EMPTY) -> None:
        self.script = script
        self.calls: list[Call] = []
        self.connections = 0
        self.port = 0
        self._arrivals: list[Gate] = []
        self._held = Gate("release of what is held")
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def arrived(self, count: int) -> Call:
        """Wait until ``count`` requests arrived in full; the last of them."""
        await self._arrival(count).wait()
        return self.calls[count - 1]

    def arrived_blocking(self, count: int) -> Call:
        self._arrival(count).wait_blocking()
        return self.calls[count - 1]

    async def wait_closed(self, order: int) -> Call:
        """Wait until the connection of call ``order`` (from 0) is gone: the client went away."""
        call = await self.arrived(order + 1)
        await call.closed.wait()
        return call

    def release(self) -> None:
        """Let every ``Hold`` go on, now and later."""
        self._held.open()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._server = await self._loop.create_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def __enter__(self) -> Self:
        started = Gate("start of the upstream's thread")
        self._thread = threading.Thread(target=asyncio.run, args=(self._run(started),), name="upstream")
        self._thread.start()
        started.wait_blocking()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._thread is not None
        self._ended.open()
        self._thread.join()

    async def _run(self, started: Gate) -> None:
        self._ended = Gate("end of the upstream")
        async with self:
            started.open()
            await self._ended.passed()

    def _arrival(self, count: int) -> Gate:
        with self._lock:
            while len(self._arrivals) < count:
                self._arrivals.append(Gate(f"arrival of request number {len(self._arrivals) + 1}"))
            return self._arrivals[count - 1]

    def _accept(self) -> asyncio.BaseProtocol:
        number, self.connections = self.connections, self.connections + 1
        reader = asyncio.StreamReader(limit=1 << 26)
        return _Connection(reader, self, number)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _record(self, connection: int, head: bytes, body: bytes) -> Call:
        method, target, headers = _parse_head(head)
        call = Call(len(self.calls), connection, method, target, headers, body)
        call.closed.name = f"close of the connection of request number {call.order + 1}"
        self.calls.append(call)
        self._arrival(len(self.calls)).open()
        return call

    async def _answer_to(self, call: Call) -> Answer:
        script = self.script
        if isinstance(script, Reply | Raw):
            return script
        if callable(script):
            answer = script(call)
            return answer if isinstance(answer, Reply | Raw) else await answer
        return script[min(call.order, len(script) - 1)]


class _Connection(asyncio.StreamReaderProtocol):
    """One connection: a task that reads requests and answers them, ended as soon as the client is gone."""

    def __init__(self, reader: asyncio.StreamReader, upstream: ScriptedUpstream, number: int) -> None:
        super().__init__(reader, self._connected)
        self._upstream = upstream
        self._number = number
        self._calls: list[Call] = []
        self._task: asyncio.Task[None] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for call in self._calls:
            call.closed.open()
        if self._task is not None:
            self._task.cancel()

    def eof_received(self) -> bool:
        super().eof_received()
        return False

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._task = asyncio.get_running_loop().create_task(self._serve(reader, writer), name="upstream connection")
        self._upstream._keep(self._task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                call = self._upstream._record(self._number, head, await _read_body(reader, head))
                self._calls.append(call)
                answer = await self._upstream._answer_to(call)
                if not await self._answer(call, answer, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        finally:
            writer.close()

    async def _answer(self, call: Call, answer: Answer, writer: asyncio.StreamWriter) -> bool:
        """Send ``answer``; False where the connection ends with it."""
        match answer:
            case Raw(steps):
                call.answered = await self._send(call, steps, writer, as_is)
                return False
            case Reply():
                return await self._reply(call, answer, writer)
            case _:
                assert_never(answer)

    async def _reply(self, call: Call, reply: Reply, writer: asyncio.StreamWriter) -> bool:
        if not await self._send(call, reply.before_head, writer, as_is):
            return False
        steps: Sequence[Step] = [reply.body] if isinstance(reply.body, bytes) else reply.body
        writer.write(head_of(reply, steps))
        if call.method != "HEAD":
            frame = as_chunk if reply.framing == "chunked" else as_is
            if not await self._send(call, in_pieces(steps, reply.piece_bytes), writer, frame):
                return False
            writer.write(b"0\r\n\r\n" if reply.framing == "chunked" else b"")
        await writer.drain()
        call.answered = True
        return reply.framing != "close"

    async def _send(
        self, call: Call, steps: Sequence[Step], writer: asyncio.StreamWriter, frame: Callable[[bytes], bytes]
    ) -> bool:
        """False where a ``Break`` ended it."""
        for step in steps:
            match step:
                case bytes():
                    writer.write(frame(step))
                    await writer.drain()
                    await asyncio.sleep(0)
                    call.sent_bytes += len(step)
                case Pause(gate):
                    await gate.passed()
                case Hold():
                    await self._upstream._held.passed()
                case Break():
                    writer.transport.abort()
                    return False
                case _:
                    assert_never(step)
        return True


class Refused:
    """A port that belongs to us and refuses every connection."""

    def __enter__(self) -> Self:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def _parse_head(head: bytes) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines if line)
    return method, target, tuple((name, value.strip()) for name, _, value in pairs)


async def _read_body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    headers = {name.lower(): value for name, value in _parse_head(head)[2]}
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _read_chunks(reader)
    return await reader.readexactly(int(headers.get("content-length", "0")))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
    return b"".join(parts)
