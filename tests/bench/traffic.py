"""What goes over the wire in a benchmark: requests the size of a real client's, an answer of 104 events.

Bytes only, built once. A header of ours tells the upstream to pace its answer; every contender passes it on.
"""

from collections.abc import Sequence

import msgspec

ASKED_MODEL = "claude-opus-4-8"
SERVED_MODEL = "claude-sonnet-4-5"
"""The engine sends everything there, so each request has its model swapped."""

BODY_BYTES = 85_000
"""A bare prompt of the real client; most of it is tools."""
LARGE_BODY_BYTES = 4 * 1024 * 1024

PACE_HEADER = b"x-bench-pace"
"""Value ``MILLISECONDS,CHUNKS``: the answer comes in that rhythm, each chunk with the time at which it was sent."""

DELTAS = 98
"""With the six events around them: 104."""

_USAGE = {
    "input_tokens": 12,
    "cache_read_input_tokens": 20_000,
    "cache_creation_input_tokens": 1_000,
    "output_tokens": 1,
}

_CLIENT_HEADERS: Sequence[tuple[bytes, bytes]] = (
    (b"accept", b"application/json"),
    (b"content-type", b"application/json"),
    (b"user-agent", b"claude-cli/2.1.197 (external, cli)"),
    (b"x-app", b"cli"),
    (b"anthropic-version", b"2023-06-01"),
    (b"anthropic-beta", b"claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27"),
    (b"x-stainless-lang", b"js"),
    (b"x-stainless-runtime", b"node"),
    (b"x-stainless-retry-count", b"0"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
)


def request_body(size_bytes: int) -> bytes:
    """A streaming request of about ``size_bytes``, shaped like the client's."""
    tool = {
        "name": "Edit",
        "description": 'Replaces text in a file.\n"Quotes" and \\ are in it. ' * 40,
        "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    }
    tool_bytes = len(msgspec.json.encode(tool)) + 1
    tools = [tool] * min(30, size_bytes // tool_bytes)
    turn = {"role": "user", "content": [{"type": "text", "text": "def submit(order):\n\treturn 'done'\n" * 60}]}
    turn_bytes = len(msgspec.json.encode(turn)) + 1
    turns = [turn] * max(1, (size_bytes - len(tools) * tool_bytes) // turn_bytes)
    return msgspec.json.encode(
        {
            "model": ASKED_MODEL,
            "messages": turns,
            "system": [{"type": "text", "text": "You write code."}],
            "tools": tools,
            "metadata": {"user_id": '{"session_id": "bench"}'},
            "max_tokens": 32_000,
            "stream": True,
        }
    )


def request_head(size_bytes: int, extra: Sequence[tuple[bytes, bytes]], session: str) -> bytes:
    """Request line and headers of a request whose body has ``size_bytes``."""
    headers = (
        (b"host", b"127.0.0.1"),
        *_CLIENT_HEADERS,
        (b"x-claude-code-session-id", session.encode()),
        *extra,
        (b"content-length", str(size_bytes).encode()),
    )
    lines = b"".join(b"%s: %s\r\n" % header for header in headers)
    return b"POST /v1/messages?beta=true HTTP/1.1\r\n" + lines + b"\r\n"


def event(name: str, payload: dict[str, object]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode({"type": name, **payload}))


def opening() -> list[bytes]:
    """The events before the first delta."""
    message: dict[str, object] = {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": SERVED_MODEL,
        "content": [],
        "stop_reason": None,
        "usage": _USAGE,
    }
    return [
        event("message_start", {"message": message}),
        event("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        event("ping", {}),
    ]


def delta(text: str) -> bytes:
    return event("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": text}})


def closing() -> list[bytes]:
    """The events after the last delta."""
    return [
        event("content_block_stop", {"index": 0}),
        event("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 420}}),
        event("message_stop", {}),
    ]


def chunk(data: bytes) -> bytes:
    """``data`` as a chunk of HTTP's chunked encoding."""
    return b"%x\r\n%s\r\n" % (len(data), data)


RESPONSE_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
    b"request-id: req_bench\r\nanthropic-ratelimit-requests-limit: 4000\r\n"
    b"anthropic-ratelimit-requests-remaining: 3999\r\ntransfer-encoding: chunked\r\n\r\n"
)
LAST_CHUNK = b"0\r\n\r\n"


def whole_response() -> bytes:
    """Head and 104 events, each a chunk of its own, as providers send them."""
    events = [*opening(), *(delta(f" word {number} of it") for number in range(DELTAS)), *closing()]
    return RESPONSE_HEAD + b"".join(map(chunk, events)) + LAST_CHUNK
