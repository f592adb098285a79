"""Answers in Anthropic's wire format: events with their weight in tokens, bodies, errors, headers. Pure."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

import msgspec

from proxy.contract import Usage
from proxy.simulator.script import Answer, Block, Text, Thinking, ToolCall, block_tokens, word_tokens, words

Json = Mapping[str, object]

ARGUMENT_PIECE_CHARACTERS = 24
"""How much of a tool's arguments one event carries."""

PREAMBLE_EVENTS = 2
"""``message_start`` and a ping come before anything that says something."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream, after ``tokens`` more were produced."""

    data: bytes
    tokens: int = 0


def events(answer: Answer, model: str, message_id: str, usage: Usage) -> Iterator[Event]:
    """The stream of ``answer``; made one by one as they are sent. ``usage`` is that of the prompt."""
    start = _message(model, message_id, [], None, None, _prompt_counts(usage) | {"output_tokens": 1})
    yield _event("message_start", {"message": start})
    yield _event("ping", {})
    for index, block in enumerate(answer.blocks):
        yield _event("content_block_start", {"index": index, "content_block": _opened(block)})
        for delta, tokens in _deltas(block):
            yield _event("content_block_delta", {"index": index, "delta": delta}, tokens)
        yield _event("content_block_stop", {"index": index})
    delta = {"stop_reason": answer.stop_reason, "stop_sequence": answer.stop_sequence}
    yield _event("message_delta", {"delta": delta, "usage": _final_counts(answer, usage)})
    yield _event("message_stop", {})


def body(answer: Answer, model: str, message_id: str, usage: Usage) -> bytes:
    """The answer to ``stream: false``."""
    blocks = [_whole(block) for block in answer.blocks]
    counts = _prompt_counts(usage) | {"output_tokens": output_tokens(answer)}
    message = _message(model, message_id, blocks, answer.stop_reason, answer.stop_sequence, counts)
    return msgspec.json.encode(message)


def output_tokens(answer: Answer) -> int:
    return max(1, sum(block_tokens(block) for block in answer.blocks))


def error(kind: str, message: str, request_id: str) -> bytes:
    return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id})


def error_event(kind: str, message: str) -> bytes:
    return _event("error", {"error": {"type": kind, "message": message}}).data


def limit_headers(requests: int, tokens: int, now: float) -> dict[str, str]:
    """The rate limits of an API key, after ``requests`` and ``tokens`` in the minute that holds ``now``."""
    reset = datetime.fromtimestamp((now // 60 + 1) * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    used = {"requests": requests, "tokens": tokens, "input-tokens": tokens * 9 // 10, "output-tokens": tokens // 10}
    headers = {}
    for name, limit in _LIMITS.items():
        headers[f"anthropic-ratelimit-{name}-limit"] = str(limit)
        headers[f"anthropic-ratelimit-{name}-remaining"] = str(max(0, limit - used[name]))
        headers[f"anthropic-ratelimit-{name}-reset"] = reset
    return headers


_LIMITS: Mapping[str, int] = {
    "requests": 4_000,
    "tokens": 2_400_000,
    "input-tokens": 2_000_000,
    "output-tokens": 400_000,
}
"""Per minute."""


def _event(name: str, payload: Json, tokens: int = 0) -> Event:
    data = msgspec.json.encode({"type": name, **payload})
    return Event(b"event: %s\ndata: %s\n\n" % (name.encode(), data), tokens)


def _message(
    model: str,
    message_id: str,
    content: list[Json],
    stop_reason: str | None,
    stop_sequence: str | None,
    usage: Json,
) -> Json:
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": stop_sequence,
        "usage": usage,
    }


def _prompt_counts(usage: Usage) -> dict[str, object]:
    return {
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        },
        "service_tier": "standard",
    }


def _final_counts(answer: Answer, usage: Usage) -> Json:
    """Cumulative counts of ``message_delta``; the split of cache writes stands in ``message_start`` alone."""
    thinking = sum(block_tokens(block) for block in answer.blocks if isinstance(block, Thinking))
    counts = _prompt_counts(usage) | {"output_tokens": output_tokens(answer)}
    del counts["cache_creation"], counts["service_tier"]
    return counts | ({"output_tokens_details": {"thinking_tokens": thinking}} if thinking else {})


def _opened(block: Block) -> Json:
    match block:
        case Text():
            return {"type": "text", "text": ""}
        case Thinking():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case ToolCall(call_id, name):
            return {"type": "tool_use", "id": call_id, "name": name, "input": {}}
        case _:
            assert_never(block)


def _whole(block: Block) -> Json:
    match block:
        case Text(text):
            return {"type": "text", "text": text}
        case Thinking(text, shown):
            return {"type": "thinking", "thinking": text if shown else "", "signature": _signature(text)}
        case ToolCall(call_id, name, arguments):
            return {"type": "tool_use", "id": call_id, "name": name, "input": dict(arguments)}
        case _:
            assert_never(block)


def _deltas(block: Block) -> Iterator[tuple[Json, int]]:
    """The deltas of a block, each with its tokens."""
    match block:
        case Text(text):
            for word in words(text):
                yield {"type": "text_delta", "text": word}, word_tokens(word)
        case Thinking(text, shown):
            for word in words(text) if shown else ():
                yield {"type": "thinking_delta", "thinking": word}, word_tokens(word)
            yield {"type": "signature_delta", "signature": _signature(text)}, 0 if shown else block_tokens(block)
        case ToolCall(_, _, arguments):
            yield {"type": "input_json_delta", "partial_json": ""}, 0
            text = msgspec.json.encode(arguments).decode()
            for at in range(0, len(text), ARGUMENT_PIECE_CHARACTERS):
                piece = text[at : at + ARGUMENT_PIECE_CHARACTERS]
                yield {"type": "input_json_delta", "partial_json": piece}, word_tokens(piece)
        case _:
            assert_never(block)


def _signature(text: str) -> str:
    """Stands where a real model signs its thinking. Says nothing."""
    return base64.b64encode(b"cctui-simulator:%d" % len(text)).decode()
