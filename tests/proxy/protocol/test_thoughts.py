"""What a thinking block is known by, and that a stream tells it as the client will."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.answer_tap import AnswerTap
from proxy.protocol.thoughts import THOUGHT_BYTES_MAX, is_unsigned, mark_of, mark_of_text
from proxy.protocol.usage import read_message
from tests.upstreams.anthropic import event, message_body

START = event("message_start", {"message": {"id": "msg_1", "type": "message", "usage": {"input_tokens": 1}}})
STOP = event("content_block_stop", {"index": 0})
ENDING = event("message_delta", {"delta": {"stop_reason": "end_turn"}}) + event("message_stop", {})


def opening(**block: Any) -> bytes:
    return event("content_block_start", {"index": 0, "content_block": {"type": "thinking", "thinking": "", **block}})


def delta(**fields: Any) -> bytes:
    return event("content_block_delta", {"index": 0, "delta": fields})


def thinking(*words: str) -> bytes:
    return b"".join(delta(type="thinking_delta", thinking=each) for each in words)


def thoughts(stream: bytes, seed: int | None = None) -> list[str]:
    """As a tap learns them from ``stream`` at once, or cut by a ``seed``."""
    tap, dice, at = AnswerTap(), random.Random(seed), 0
    while at < len(stream):
        size = len(stream) if seed is None else dice.choice((1, 2, 40, 300))
        tap.feed(stream[at : at + size])
        at += size
    return tap.facts.thoughts


def test_a_block_is_known_by_its_signature_or_its_seal() -> None:
    assert mark_of({"type": "thinking", "thinking": "hm", "signature": "c2ln"}) == "c2ln"
    assert mark_of({"type": "redacted_thinking", "data": "c2ln"}) == "c2ln"


def test_an_unsigned_block_is_known_by_its_text() -> None:
    mark = mark_of({"type": "thinking", "thinking": " hm\n", "signature": ""})

    assert mark == mark_of({"type": "thinking", "thinking": "hm"}) == mark_of_text("hm")
    assert mark is not None
    assert (is_unsigned(mark), "hm" in mark) == (True, False)


@pytest.mark.parametrize("block", [{}, {"thinking": ""}, {"thinking": " ", "signature": ""}, {"thinking": 5}])
def test_a_block_with_nothing_in_it_is_known_by_nothing(block: dict[str, Any]) -> None:
    assert mark_of({"type": "thinking", **block}) is None


@given(st.lists(st.text(max_size=9), max_size=12), st.text(max_size=5), st.none() | st.integers(0, 99))
def test_a_stream_s_unsigned_thinking_is_known_by_what_the_client_puts_together(
    words: list[str], first: str, seed: int | None
) -> None:
    stream = START + opening(thinking=first) + thinking(*words) + STOP + ENDING

    assert thoughts(stream, seed) == [each for each in [mark_of_text(first + "".join(words))] if each]


def test_signed_thinking_is_known_by_its_signature_alone() -> None:
    stream = START + opening() + thinking("a", "b", "c") + delta(type="signature_delta", signature="c2ln") + STOP

    assert thoughts(stream) == ["c2ln"]


def test_each_of_several_blocks_is_known() -> None:
    signature = delta(type="signature_delta", signature="c2ln")
    stream = START + opening() + thinking("a") + STOP + opening() + thinking("b") + signature + STOP + ENDING

    assert thoughts(stream) == [mark_of_text("a"), "c2ln"]


def test_thinking_that_did_not_come_to_its_end_is_nobody_s() -> None:
    assert thoughts(START + opening() + thinking("a", "b")) == []


def test_unsigned_thinking_without_end_costs_no_more_than_its_bound() -> None:
    piece = "x" * 60_000
    stream = START + opening() + thinking(*[piece] * (THOUGHT_BYTES_MAX // len(piece) + 2)) + STOP

    assert thoughts(stream) == []


def test_a_whole_message_tells_the_same() -> None:
    body = json.loads(message_body("one", thinking="Hm."))
    body["content"][0]["signature"] = ""
    facts = read_message(json.dumps(body).encode())

    assert facts is not None
    assert facts.thoughts == [mark_of_text("Hm.")]
