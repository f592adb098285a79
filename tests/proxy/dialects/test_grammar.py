"""The checker of Anthropic's grammar finds what it is there for."""

import json
from typing import Any

import pytest

from tests.proxy.dialects.grammar import checked

START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": 1, "output_tokens": 0},
    },
}
TEXT = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
WORD = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}}
THOUGHT = {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "a"}}
CLOSE = {"type": "content_block_stop", "index": 0}
DELTA = {
    "type": "message_delta",
    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
    "usage": {"output_tokens": 1},
}
STOP = {"type": "message_stop"}
ERROR = {"type": "error", "error": {"type": "api_error", "message": "m"}}


def stream(*payloads: dict[str, Any]) -> bytes:
    return "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in payloads).encode()


@pytest.mark.parametrize(
    "good", [(START, TEXT, WORD, CLOSE, DELTA, STOP), (START, DELTA, STOP), (START, TEXT, ERROR), (ERROR,)]
)
def test_what_keeps_the_grammar_passes(good: tuple[dict[str, Any], ...]) -> None:
    assert checked(stream(*good)).names[-1] in ("message_stop", "error")


@pytest.mark.parametrize(
    "bad",
    [
        (TEXT, START, CLOSE, DELTA, STOP),
        (START, START, DELTA, STOP),
        (START, TEXT, TEXT, CLOSE, DELTA, STOP),
        (START, {**TEXT, "index": 1}, {**CLOSE, "index": 1}, DELTA, STOP),
        (START, TEXT, THOUGHT, CLOSE, DELTA, STOP),
        (START, WORD, DELTA, STOP),
        (START, CLOSE, DELTA, STOP),
        (START, TEXT, WORD, DELTA, STOP),
        (START, TEXT, CLOSE, DELTA, DELTA, STOP),
        (START, TEXT, CLOSE, STOP),
        (START, TEXT, CLOSE, DELTA),
        (START, DELTA, STOP, ERROR),
        (START, DELTA, STOP, STOP),
        (START, DELTA, ERROR),
    ],
)
def test_what_breaks_the_grammar_is_found(bad: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(AssertionError):
        checked(stream(*bad))
