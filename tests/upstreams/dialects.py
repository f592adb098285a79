"""One answer in every dialect: what a scripted provider of each format says, streamed or whole.

Written from the formats' references and independent of the engine's translations, so that both cannot be wrong alike.
"""

import base64
import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tests.upstreams.answers import Answer, Reply, as_json, as_stream
from tests.upstreams.anthropic import message_body, message_events, tool_call
from tests.upstreams.scripted import Call

Name = Literal["openai-chat", "openai-responses", "gemini", "bedrock", "vertex"]
NAMES: tuple[Name, ...] = ("openai-chat", "openai-responses", "gemini", "bedrock", "vertex")
PROMPT, OUTPUT = 1200, 34
"""Tokens that every answer bills."""
SIGNED = b"Y2xvdWQ="
"""By Claude in a cloud: another signature than that of the scripted Claude elsewhere."""


_AWS_ERRORS = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}
_GOOGLE_STATES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


@dataclass(frozen=True)
class Said:
    """What the model says."""

    text: str = ""
    tools: Sequence[tuple[str, Mapping[str, Any]]] = ()
    thinking: str = ""


def answer(dialect: Name, call: Call, said: Said, model: str = "foreign-1") -> Answer:
    """``said`` as a provider of ``dialect`` sends it to ``call``."""
    return _SPEAKERS[dialect](said, model, streams(dialect, call))


def streams(dialect: Name, call: Call) -> bool:
    """Whether ``call`` asks for a stream."""
    match dialect:
        case "gemini" | "vertex":
            return ":stream" in call.path
        case "bedrock":
            return call.path.endswith("-with-response-stream")
        case _:
            return json.loads(call.body).get("stream") is True


def answers_a_tool(dialect: Name, call: Call) -> bool:
    """Whether the last thing in ``call`` is a tool's result."""
    body = json.loads(call.body)
    match dialect:
        case "openai-chat":
            return any(message["role"] == "tool" for message in body["messages"])
        case "openai-responses":
            return any(item.get("type") == "function_call_output" for item in body["input"])
        case "gemini":
            return any("functionResponse" in part for turn in body["contents"] for part in turn["parts"])
        case _:
            return '"tool_result"' in call.body.decode()


def error(dialect: Name, status: int, words: str) -> Answer:
    """An error answer of a provider."""
    if dialect == "bedrock":
        headers = (("x-amzn-errortype", _AWS_ERRORS.get(status, "InternalServerException")),)
        return as_json(_dump({"message": words}), status, headers)
    if dialect == "gemini" or (dialect == "vertex" and status in (401, 403, 404)):
        error = {"code": status, "message": words, "status": _GOOGLE_STATES.get(status, "INTERNAL")}
        return as_json(_dump({"error": error}), status)
    kinds = {429: "rate_limit_error", 503: "overloaded_error", 400: "invalid_request_error"}
    if dialect == "vertex":
        error = {"type": kinds.get(status, "api_error"), "message": words}
        return as_json(_dump({"type": "error", "error": error}), status)
    return as_json(_dump({"error": {"message": words, "type": kinds.get(status, "server_error")}}), status)


def _chat(said: Said, model: str, stream: bool) -> Answer:
    calls: list[dict[str, Any]] = [
        {"id": f"call_{name}{number:016d}", "type": "function", "function": {"name": name, "arguments": _text(given)}}
        for number, (name, given) in enumerate(said.tools)
    ]
    reason = "tool_calls" if calls else "stop"
    usage = {"prompt_tokens": PROMPT, "completion_tokens": OUTPUT, "total_tokens": PROMPT + OUTPUT}
    usage |= {"prompt_tokens_details": {"cached_tokens": 200}}  # type: ignore[dict-item]
    shared = {"id": "chatcmpl-1", "created": 1, "model": model}
    message = {"role": "assistant", "content": said.text or None}
    if said.thinking:
        message["reasoning_content"] = said.thinking
    if not stream:
        choice = {
            "index": 0,
            "message": {**message, **({"tool_calls": calls} if calls else {})},
            "finish_reason": reason,
        }
        return as_json(_dump({**shared, "object": "chat.completion", "choices": [choice], "usage": usage}))
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": piece} for piece in _pieces(said.thinking)]
    deltas += [{"content": piece} for piece in _pieces(said.text)]
    for number, call in enumerate(calls):
        function = call["function"]
        deltas.append(
            {"tool_calls": [{**call, "index": number, "function": {"name": function["name"], "arguments": ""}}]}
        )
        deltas += [
            {"tool_calls": [{"index": number, "function": {"arguments": piece}}]}
            for piece in _pieces(function["arguments"])
        ]
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    chunks += [{"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}, {"choices": [], "usage": usage}]
    events = [_data({**shared, "object": "chat.completion.chunk", **chunk}) for chunk in chunks]
    return as_stream(*events, b"data: [DONE]\n\n")


def _responses(said: Said, model: str, stream: bool) -> Answer:
    items: list[dict[str, Any]] = []
    if said.thinking:
        summary = [{"type": "summary_text", "text": said.thinking}]
        items.append({"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "ZW5jcnlwdGVk"})
    if said.text:
        content = [{"type": "output_text", "text": said.text, "annotations": []}]
        items.append({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content})
    items += [
        {
            "type": "function_call",
            "id": f"fc_{number}",
            "call_id": f"call_{number:020d}",
            "status": "completed",
            "name": name,
            "arguments": _text(given),
        }
        for number, (name, given) in enumerate(said.tools)
    ]
    usage = {
        "input_tokens": PROMPT,
        "input_tokens_details": {"cached_tokens": 200},
        "output_tokens": OUTPUT,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": PROMPT + OUTPUT,
    }
    response = {"id": "resp_1", "object": "response", "model": model, "created_at": 1}
    whole = {**response, "status": "completed", "output": items, "usage": usage}
    if not stream:
        return as_json(_dump(whole))
    begun = {**response, "status": "in_progress", "output": []}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    for number, item in enumerate(items):
        events += _item_events(number, item)
    events.append({"type": "response.completed", "response": whole})
    numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
    return as_stream(*(f"event: {each['type']}\n".encode() + _data(each) for each in numbered))


def _item_events(number: int, item: dict[str, Any]) -> list[dict[str, Any]]:
    place = {"item_id": item["id"], "output_index": number}
    started = {**item, "status": "in_progress"}
    middle: list[dict[str, Any]] = []
    match item["type"]:
        case "reasoning":
            started |= {"summary": [], "encrypted_content": None}
            text = item["summary"][0]["text"]
            middle = [
                {"type": "response.reasoning_summary_text.delta", **place, "summary_index": 0, "delta": piece}
                for piece in _pieces(text)
            ]
        case "message":
            started |= {"content": []}
            text = item["content"][0]["text"]
            middle = [
                {"type": "response.output_text.delta", **place, "content_index": 0, "delta": piece}
                for piece in _pieces(text)
            ]
        case "function_call":
            started |= {"arguments": ""}
            middle = [
                {"type": "response.function_call_arguments.delta", **place, "delta": piece}
                for piece in _pieces(item["arguments"])
            ]
            middle.append({"type": "response.function_call_arguments.done", **place, "arguments": item["arguments"]})
    added = {"type": "response.output_item.added", "output_index": number, "item": started}
    return [added, *middle, {"type": "response.output_item.done", "output_index": number, "item": item}]


def _gemini(said: Said, model: str, stream: bool) -> Answer:
    parts: list[dict[str, Any]] = [{"text": piece, "thought": True} for piece in _pieces(said.thinking)]
    parts += [{"text": piece} for piece in _pieces(said.text)]
    calls = [{"functionCall": {"name": name, "args": dict(given)}} for name, given in said.tools]
    if calls:
        calls[0]["thoughtSignature"] = "c2lnbmVk"  # type: ignore[assignment]
    parts += calls
    usage = {
        "promptTokenCount": PROMPT,
        "cachedContentTokenCount": 200,
        "candidatesTokenCount": OUTPUT - 4,
        "thoughtsTokenCount": 4,
        "totalTokenCount": PROMPT + OUTPUT,
    }
    shared = {"modelVersion": model, "responseId": "r1"}
    if not stream:
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
        return as_json(_dump({"candidates": [candidate], "usageMetadata": usage, **shared}))
    chunks = [{"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}]} for part in parts]
    ending = {"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": "STOP", "index": 0}
    chunks.append({"candidates": [ending]})
    return as_stream(*(_data({**chunk, "usageMetadata": usage, **shared}) for chunk in chunks))


def _claude_events(said: Said, model: str) -> list[bytes]:
    usage = {"input_tokens": PROMPT - 200, "cache_read_input_tokens": 200, "output_tokens": OUTPUT}
    tools = [tool_call(name, given, f"toolu_{number:020d}") for number, (name, given) in enumerate(said.tools)]
    events = message_events(said.text, usage=usage, model=model, tools=tools, thinking=said.thinking)
    return [event.replace(b"c2lnbmVk", SIGNED) for event in events]


def _claude_body(said: Said, model: str) -> bytes:
    usage = {"input_tokens": PROMPT - 200, "cache_read_input_tokens": 200, "output_tokens": OUTPUT}
    tools = [tool_call(name, given, f"toolu_{number:020d}") for number, (name, given) in enumerate(said.tools)]
    body = message_body(said.text, usage=usage, model=model, tools=tools, thinking=said.thinking)
    return body.replace(b"c2lnbmVk", SIGNED)


def _vertex(said: Said, model: str, stream: bool) -> Answer:
    return as_stream(*_claude_events(said, model)) if stream else as_json(_claude_body(said, model))


def _bedrock(said: Said, model: str, stream: bool) -> Answer:
    if not stream:
        return as_json(_claude_body(said, model))
    return in_frames(_claude_events(said, model))


def in_frames(events: Sequence[bytes]) -> Reply:
    """Anthropic's events as Bedrock streams them: each in Base64 within JSON within a frame."""
    payloads = [event.partition(b"data: ")[2].strip() for event in events]
    frames = [event_frame(_dump({"bytes": base64.b64encode(payload).decode(), "p": "abc"})) for payload in payloads]
    return Reply(200, (("content-type", "application/vnd.amazon.eventstream"),), frames)


def exception_frame(kind: str, words: str) -> bytes:
    """An exception in AWS's event stream."""
    named = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return _frame(named, _dump({"message": words}))


def event_frame(payload: bytes, kind: str = "chunk") -> bytes:
    """A message of AWS's event stream: lengths, checksum, headers, payload, checksum."""
    return _frame({":event-type": kind, ":content-type": "application/json", ":message-type": "event"}, payload)


def _frame(named: Mapping[str, str], payload: bytes) -> bytes:
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in named.items()
    )
    prelude = struct.pack(">II", len(headers) + len(payload) + 16, len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


_SPEAKERS = {
    "openai-chat": _chat,
    "openai-responses": _responses,
    "gemini": _gemini,
    "bedrock": _bedrock,
    "vertex": _vertex,
}


def _pieces(text: str, size: int = 7) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _data(payload: Mapping[str, Any]) -> bytes:
    return b"data: " + _dump(payload) + b"\n\n"


def _dump(payload: object) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def _text(payload: object) -> str:
    return json.dumps(payload, ensure_ascii=False)
