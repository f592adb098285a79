"""An answer in another dialect, read as Anthropic's while it arrives; and pings into streams that have gone silent.

A reader that fails over an answer is our fault: the client gets an error, as if the provider had broken off.
"""

import logging
from collections.abc import AsyncIterator, Callable

import httpx
import msgspec

from proxy.dialects.reading import AnswerReader
from proxy.net.client import STREAM_TYPE, Header
from proxy.net.upstream import UpstreamFault
from proxy.protocol.sse import Frames, read_event, write_event
from proxy.protocol.whole import message_of

log = logging.getLogger(__name__)

PING = write_event("ping", {"type": "ping"})
_REQUEST_IDS = ("request-id", "x-request-id", "x-amzn-requestid", "x-goog-request-id")
_EMPTY = {
    "text": {"type": "text_delta", "text": ""},
    "thinking": {"type": "thinking_delta", "thinking": ""},
    "tool_use": {"type": "input_json_delta", "partial_json": ""},
}


async def translated(chunks: AsyncIterator[bytes], reader: AnswerReader) -> AsyncIterator[bytes]:
    """The events that ``chunks`` make, up to an error: nothing that may follow it is waited for. Before the first of
    them a chunk that makes none is nothing but a sign of life. Raises ``UpstreamFault``."""
    async for chunk in chunks:
        events = _read(lambda chunk=chunk: reader.feed(chunk))  # type: ignore[misc]
        if events or not reader.writer.started:
            yield events
        if reader.writer.failed:
            return
    if events := _read(reader.end):
        yield events


def whole_answer(reader: AnswerReader, body: bytes) -> bytes:
    """The Message, or the error, that a whole answer is; one that is neither as it came. Raises ``UpstreamFault``."""
    events = _read(lambda: reader.feed(body) + reader.end())
    if reader.writer.failed:
        return _error_in(events) or body
    return message_of(events) or body


def reply_headers_of(response: httpx.Response, label: Header = STREAM_TYPE) -> list[Header]:
    """Headers of an answer that was rewritten: its own would tell of another body."""
    given = next((response.headers[name] for name in _REQUEST_IDS if name in response.headers), None)
    named: list[Header] = [(b"request-id", given.encode("latin-1", "replace"))] if given else []
    return [label, (b"cache-control", b"no-cache"), *named]


def sign_of_life(reader: AnswerReader | None) -> bytes:
    """What keeps a silent stream alive: a ping; inside a block a delta of nothing, for the client's watch over blocks
    (since 2.1.193) takes no ping for progress."""
    empty = _EMPTY.get(reader.writer.open_block or "") if reader is not None else None
    if reader is None or empty is None:
        return PING
    payload = {"type": "content_block_delta", "index": reader.writer.blocks - 1, "delta": empty}
    return write_event("content_block_delta", payload)


def _read(read: Callable[[], bytes]) -> bytes:
    try:
        return read()
    except Exception as error:  # what the reader did not foresee must end in an error that the client can read
        log.exception("an answer could not be translated")
        raise UpstreamFault("not_a_stream", "its answer could not be translated; the engine's log says why") from error


def _error_in(events: bytes) -> bytes | None:
    """The error event's payload, which is an error body."""
    frames = Frames()
    for frame in (*frames.feed(events), *frames.end()):
        name, data = read_event(frame)
        if name == b"error":
            return msgspec.json.encode(msgspec.json.decode(data))
    return None
