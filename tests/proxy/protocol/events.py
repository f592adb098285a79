"""Events of an answer in Anthropic's format, and a tap that saw them."""

import json
from typing import Any

from proxy.protocol.answer_tap import AnswerTap


def event(payload: dict[str, Any], *, named: bool = True) -> bytes:
    name = f"event: {payload['type']}\n" if named else ""
    return f"{name}data: {json.dumps(payload)}\n\n".encode()


def start(**usage: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {"id": "msg_1", "model": "claude-opus-4-8", "usage": usage}}


def block() -> dict[str, Any]:
    return {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}


def text(words: str = "hello") -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": words}}


def delta(reason: str | None = "end_turn", **usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


STOP = {"type": "message_stop"}
PING = {"type": "ping"}
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def tapped(*payloads: dict[str, Any], named: bool = True) -> AnswerTap:
    tap = AnswerTap()
    for payload in payloads:
        tap.feed(event(payload, named=named))
    tap.end()
    return tap
