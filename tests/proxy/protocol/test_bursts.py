"""Many deltas in one chunk: they are counted together, and nothing among them is overlooked."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.answer_tap import AnswerTap


def event(name: str, **payload: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **payload})}\n\n".encode()


def text(words: str) -> bytes:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": words})


START = event("message_start", message={"id": "msg_1", "model": "claude-opus-4-8", "usage": {"input_tokens": 12}})
SIGNATURE = event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "signed"})
ENDING = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 7}) + event("message_stop")


def fed(*chunks: bytes) -> AnswerTap:
    tap = AnswerTap()
    for chunk in chunks:
        tap.feed(chunk)
    return tap


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_each_delta_of_a_burst_is_counted_once(count: int) -> None:
    tap = fed(START + text("word") * count + ENDING)
    assert (tap.deltas, tap.ended, tap.facts.usage.output_tokens) == (count, True, 7)


@pytest.mark.parametrize("cut", range(1, len(text("word")) + 1))
def test_a_burst_that_begins_and_ends_inside_a_delta_loses_none(cut: int) -> None:
    stream = START + text("word") * 8 + ENDING
    middle = len(START) + cut
    tap = fed(stream[:middle], stream[middle:-40], stream[-40:])
    assert (tap.deltas, tap.ended) == (8, True)


def test_a_signature_within_a_burst_is_read() -> None:
    tap = fed(START + text("word") * 5 + SIGNATURE + text("word") * 5 + ENDING)
    assert (tap.facts.thoughts, tap.deltas) == (["signed"], 11)


def test_another_event_within_a_burst_is_read() -> None:
    tap = fed(START + text("word") * 5 + event("error", error={"type": "api_error", "message": "x"}) + text("a") * 5)
    assert (tap.facts.error_type, tap.deltas) == ("api_error", 10)


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
def test_a_burst_with_other_line_ends_is_counted_alike(line_end: bytes) -> None:
    tap = fed((START + text("word") * 20 + ENDING).replace(b"\n", line_end) + line_end)
    assert (tap.deltas, tap.ended) == (20, True)


@given(
    st.lists(st.sampled_from([START, text("word"), SIGNATURE, event("ping"), b": note\n\n", b"\n", ENDING]), max_size=9)
)
def test_a_burst_tells_what_its_bytes_tell_one_by_one(events: list[bytes]) -> None:
    stream = b"".join(events)
    at_once, by_byte = fed(stream), fed(*(stream[at : at + 1] for at in range(len(stream))))
    assert (at_once.facts, at_once.deltas) == (by_byte.facts, by_byte.deltas)
    assert (at_once.ended, at_once.meaningful, at_once.text_seen) == (
        by_byte.ended,
        by_byte.meaningful,
        by_byte.text_seen,
    )
