"""Bodies and event streams in Anthropic's Messages format, for scripts of upstreams."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

CLAUDE = "claude-opus-4-8"
MESSAGE_ID = "msg_scripted01"

USAGE: Mapping[str, Any] = {
    "input_tokens": 12,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 42,
    "service_tier": "standard",
}
"""What an answer bills where the test names nothing else; ``output_tokens`` is the final count."""

ToolCall = Mapping[str, Any]


def tool_call(name: str, arguments: Mapping[str, Any], call_id: str = "toolu_scripted01") -> ToolCall:
    """A ``tool_use`` block for ``tools`` below."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": dict(arguments)}


def event(name: str, payload: Mapping[str, Any]) -> bytes:
    return f"event: {name}\ndata: {_dump({'type': name, **payload})}\n\n".encode()


def error_event(kind: str = "overloaded_error", message: str = "Overloaded") -> bytes:
    return event("error", {"error": {"type": kind, "message": message}})


def error_body(kind: str, message: str, request_id: str = "req_scripted01") -> bytes:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}
    return _dump(body).encode()


def message_events(
    text: str = "Hello from the script.",
    *,
    usage: Mapping[str, Any] = {},
    model: str = CLAUDE,
    tools: Sequence[ToolCall] = (),
    thinking: str = "",
    ping: bool = True,
    message_id: str = MESSAGE_ID,
) -> list[bytes]:
    """One stream as its events, in order, so that a script can pause or break between any two."""
    counts = {**USAGE, **usage}
    start = _message(model, [], None, {**counts, "output_tokens": 1}, message_id)
    events = [event("message_start", {"message": start}), *([event("ping", {})] if ping else [])]
    blocks = _blocks(text, tools, thinking)
    for index, block in enumerate(blocks):
        events += _block_events(index, block)
    final = {name: count for name, count in counts.items() if name not in {"cache_creation", "service_tier"}}
    delta = {"stop_reason": _stop_reason(tools), "stop_sequence": None}
    return [*events, event("message_delta", {"delta": delta, "usage": final}), event("message_stop", {})]


def message_stream(
    text: str = "Hello from the script.",
    *,
    usage: Mapping[str, Any] = {},
    model: str = CLAUDE,
    tools: Sequence[ToolCall] = (),
    thinking: str = "",
    ping: bool = True,
) -> bytes:
    """A whole stream as the bytes on the wire."""
    return b"".join(message_events(text, usage=usage, model=model, tools=tools, thinking=thinking, ping=ping))


def message_body(
    text: str = "Hello from the script.",
    *,
    usage: Mapping[str, Any] = {},
    model: str = CLAUDE,
    tools: Sequence[ToolCall] = (),
    thinking: str = "",
    message_id: str = MESSAGE_ID,
) -> bytes:
    """The answer to a request with ``stream: false``."""
    blocks = _blocks(text, tools, thinking)
    return _dump(_message(model, blocks, _stop_reason(tools), {**USAGE, **usage}, message_id)).encode()


def models_body(*ids: str, has_more: bool = False, **fields: Any) -> bytes:
    """A page of ``GET /v1/models``; ``fields`` (``max_input_tokens`` …) go into every entry."""
    data = [
        {"type": "model", "id": id_, "display_name": id_, "created_at": "2026-01-01T00:00:00Z", **fields} for id_ in ids
    ]
    ends = {"first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
    return _dump({"data": data, "has_more": has_more, **ends}).encode()


def _message(
    model: str, content: list[dict[str, Any]], stop_reason: str | None, usage: Mapping[str, Any], message_id: str
) -> dict[str, Any]:
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": dict(usage),
    }


def _stop_reason(tools: Sequence[ToolCall]) -> str:
    return "tool_use" if tools else "end_turn"


def _blocks(text: str, tools: Sequence[ToolCall], thinking: str) -> list[dict[str, Any]]:
    return [
        *([{"type": "thinking", "thinking": thinking, "signature": "c2lnbmVk"}] if thinking else []),
        *([{"type": "text", "text": text}] if text else []),
        *(dict(tool) for tool in tools),
    ]


def _block_events(index: int, block: Mapping[str, Any]) -> list[bytes]:
    opening, deltas = _OPENERS[block["type"]](block)
    return [
        event("content_block_start", {"index": index, "content_block": opening}),
        *(event("content_block_delta", {"index": index, "delta": delta}) for delta in deltas),
        event("content_block_stop", {"index": index}),
    ]


def _text(block: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    deltas = [{"type": "text_delta", "text": word} for word in _words(block["text"])]
    return {"type": "text", "text": ""}, deltas


def _thinking(block: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    deltas: list[dict[str, Any]] = [{"type": "thinking_delta", "thinking": word} for word in _words(block["thinking"])]
    deltas.append({"type": "signature_delta", "signature": block["signature"]})
    return {"type": "thinking", "thinking": "", "signature": ""}, deltas


def _tool(block: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    arguments = _dump(block["input"])
    half = len(arguments) // 2
    parts = ("", arguments[:half], arguments[half:])
    deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
    return {"type": "tool_use", "id": block["id"], "name": block["name"], "input": {}}, deltas


_OPENERS = {"text": _text, "thinking": _thinking, "tool_use": _tool}


def _words(text: str) -> list[str]:
    """``text`` cut after each space; joined again it is the same."""
    return [word for word in text.replace(" ", " \0").split("\0") if word]


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
