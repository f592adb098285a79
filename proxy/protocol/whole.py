"""An answer whole and as a stream, each turned into the other: for providers that send the wrong one.

Some answer a streaming request with a whole Message, some stream though nobody asked. Clients can read only
what they asked for. Nothing is invented: every block, count and reason is the provider's.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from proxy.protocol.foreign_json import NotJson, read_json
from proxy.protocol.sse import Frames, read_event, write_event

_DELTA_FIELDS = {"text_delta": "text", "thinking_delta": "thinking"}


def stream_of(body: bytes) -> bytes | None:
    """The event stream of a whole Message; None where ``body`` is no Message."""
    try:
        message = read_json(body)
    except NotJson:
        return None
    if not isinstance(message, dict) or not isinstance(message.get("content"), list):
        return None
    usage = _fields(message.get("usage"))
    start = {**message, "type": "message", "content": [], "stop_reason": None, "stop_sequence": None}
    ending = {name: message.get(name) for name in ("stop_reason", "stop_sequence", "stop_details") if name in message}
    events = [("message_start", {"message": {**start, "usage": {**usage, "output_tokens": 0}}})]
    for index, block in enumerate(message["content"]):
        events += _block_events(index, block if isinstance(block, dict) else {"type": "text", "text": str(block)})
    events += [("message_delta", {"delta": ending, "usage": usage}), ("message_stop", {})]
    return b"".join(write_event(name, {"type": name, **payload}) for name, payload in events)


def message_of(stream: bytes) -> bytes | None:
    """The whole Message of an event stream; None where it has no beginning or no end."""
    frames = Frames()
    message: dict[str, Any] | None = None
    ended = False
    blocks: dict[int, dict[str, Any]] = {}
    arguments: dict[int, list[str]] = {}
    for frame in (*frames.feed(stream), *frames.end()):
        try:
            payload = read_json(read_event(frame)[1])
        except NotJson:
            continue
        if not isinstance(payload, dict):
            continue
        index = payload["index"] if isinstance(payload.get("index"), int) else 0
        match payload.get("type"):
            case "message_start" if message is None and isinstance(payload.get("message"), dict):
                message = dict(payload["message"])
            case "content_block_start" if isinstance(payload.get("content_block"), dict):
                blocks[index] = dict(payload["content_block"])
            case "content_block_delta" if index in blocks and isinstance(payload.get("delta"), dict):
                _grow(blocks[index], arguments.setdefault(index, []), payload["delta"])
            case "message_delta" if message is not None:
                message |= _fields(payload.get("delta"))
                message["usage"] = {**_fields(message.get("usage")), **_fields(payload.get("usage"))}
            case "message_stop":
                ended = True
    if message is None or not ended:
        return None
    for index, pieces in arguments.items():
        if pieces:
            blocks[index]["input"] = _arguments("".join(pieces))
    return msgspec.json.encode({**message, "content": [blocks[index] for index in sorted(blocks)]})


def _block_events(index: int, block: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """A block as its start, at most one delta of each kind, and its stop."""
    deltas: list[dict[str, Any]] = []
    start = dict(block)
    match block.get("type"):
        case "text":
            start |= {"text": ""}
            if isinstance(citations := block.get("citations"), list) and citations:
                start["citations"] = []
                deltas = [{"type": "citations_delta", "citation": citation} for citation in citations]
            deltas.append({"type": "text_delta", "text": block.get("text") or ""})
        case "thinking":
            start |= {"thinking": "", "signature": ""}
            deltas = [{"type": "thinking_delta", "thinking": block.get("thinking") or ""}]
            if block.get("signature"):
                deltas.append({"type": "signature_delta", "signature": block["signature"]})
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            start |= {"input": {}}
            given = msgspec.json.encode(block.get("input") or {}).decode()
            deltas = [{"type": "input_json_delta", "partial_json": given}]
    middle = [("content_block_delta", {"index": index, "delta": delta}) for delta in deltas]
    return [("content_block_start", {"index": index, "content_block": start}), *middle, _stop(index)]


def _stop(index: int) -> tuple[str, dict[str, Any]]:
    return "content_block_stop", {"index": index}


def _grow(block: dict[str, Any], arguments: list[str], delta: Mapping[str, Any]) -> None:
    match delta.get("type"):
        case ("text_delta" | "thinking_delta") as kind:
            field = _DELTA_FIELDS[kind]
            block[field] = _text(block.get(field)) + _text(delta.get(field))
        case "signature_delta":
            block["signature"] = delta.get("signature")
        case "input_json_delta":
            arguments.append(_text(delta.get("partial_json")))
        case "citations_delta":
            held = block.get("citations")
            block["citations"] = [*(held if isinstance(held, list) else []), delta.get("citation")]


def _fields(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _arguments(text: str) -> Any:
    """A tool's arguments; text that is no JSON stays text, for the client to judge."""
    try:
        return read_json(text) if text.strip() else {}
    except NotJson:
        return text
