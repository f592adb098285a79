"""The client's side of a request: one answer, whole or streamed, over ASGI."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from proxy.protocol.outcome import error_body
from proxy.protocol.sse import write_event

Header = tuple[bytes, bytes]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON_TYPE: Header = (b"content-type", b"application/json")
STREAM_TYPE: Header = (b"content-type", b"text/event-stream; charset=utf-8")


class Client:
    """Sends exactly one response. ``write`` waits while the client does not read: that is the back-pressure."""

    __slots__ = ("_send", "ended", "left", "started")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.ended = False
        self.left = False
        """The client closed the connection before the answer ended."""

    async def start(self, status: int, headers: Sequence[Header]) -> None:
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, chunk: bytes) -> None:
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self, chunk: bytes = b"") -> None:
        self.ended = True
        await self._send({"type": "http.response.body", "body": chunk, "more_body": False})

    async def answer(self, status: int, body: bytes, headers: Sequence[Header] = (JSON_TYPE,)) -> None:
        """A whole response."""
        await self.start(status, [*headers, (b"content-length", str(len(body)).encode())])
        await self.end(body)

    async def refuse(self, status: int, error_type: str, message: str, headers: Sequence[Header] = ()) -> None:
        """An error of the engine's own, in Anthropic's shape."""
        await self.answer(status, error_body(error_type, message), [JSON_TYPE, *headers])

    async def break_off(self, error_type: str, message: str, *, mid_line: bool = False) -> None:
        """End a stream that cannot go on with an ``error`` event (or answer with an error if none began).

        Within an unfinished event the line is ended but not the event: its name becomes ``error`` before the
        client reads it, so half an event is never taken for a whole one.
        """
        if self.ended or self.left:
            return
        if not self.started:
            await self.refuse(529 if error_type == "overloaded_error" else 502, error_type, message)
            return
        payload = {"type": "error", "error": {"type": error_type, "message": message}}
        await self.end((b"\n" if mid_line else b"") + write_event("error", payload))
