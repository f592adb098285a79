"""The bytes of an answer's text are counted exactly, however its events are written, escaped and cut."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.answer_tap import AnswerTap
from proxy.protocol.sse import write_event

KINDS = {"text": "text_delta", "thinking": "thinking_delta", "partial_json": "input_json_delta"}
STYLES: dict[str, dict[str, Any]] = {
    "compact": {"separators": (",", ":"), "ensure_ascii": False},
    "spaced": {},
    "ascii": {"separators": (",", ":")},
}
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\\n/}{é漢🙂'), max_size=12)
pieces = st.tuples(st.sampled_from(sorted(KINDS)), texts)


def delta(key: str, text: str, style: str = "compact", *, padding: str = "", index: int = 0) -> bytes:
    payload = {"type": "content_block_delta", "index": index, "delta": {"type": KINDS[key], key: text}}
    return f"event: content_block_delta\ndata: {json.dumps(payload, **STYLES[style])}{padding}\n\n".encode()


def counted(stream: bytes, size: int) -> int:
    tap = AnswerTap()
    for at in range(0, len(stream), size):
        tap.feed(stream[at : at + size])
    return tap.text_bytes


@given(
    st.lists(pieces, max_size=12), st.sampled_from(sorted(STYLES)), st.sampled_from(["", "   "]), st.integers(1, 400)
)
def test_every_byte_of_the_text_counts_once(
    said: Sequence[tuple[str, str]], style: str, padding: str, size: int
) -> None:
    stream = b"".join(delta(key, text, style, padding=padding) for key, text in said)
    assert counted(stream, size) == sum(len(text.encode()) for _, text in said)


@given(st.sampled_from(sorted(KINDS)), st.lists(texts, min_size=5, max_size=12), st.sampled_from(sorted(STYLES)))
def test_a_burst_counts_as_its_events_do(key: str, said: Sequence[str], style: str) -> None:
    start, burst = delta(key, "a", style) + delta(key, "b", style), b"".join(delta(key, text, style) for text in said)
    tap = AnswerTap()
    tap.feed(start)
    tap.feed(burst)
    assert (tap.text_bytes, tap.deltas) == (2 + sum(len(text.encode()) for text in said), 2 + len(said))


ODD_CALL = {"type": "tool_use", "id": "an odd:id", "name": "Read", "input": {}, "text": ""}
OTHERS = (
    b": still here\n\n",
    write_event("ping", {"type": "ping"}),
    write_event("content_block_stop", {"type": "content_block_stop", "index": 0}),
    write_event("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
    write_event("content_block_start", {"index": 0, "content_block": ODD_CALL}),
    write_event("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "word", "more": "field"}}),
    write_event("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}}),
)


@given(st.lists(st.tuples(texts, st.sampled_from([b""] * 6 + list(OTHERS))), min_size=4, max_size=14))
def test_what_else_is_in_a_burst_is_read_as_when_it_comes_byte_by_byte(said: Sequence[tuple[str, bytes]]) -> None:
    stream = b"".join(delta("text", text) + other for text, other in said)
    at_once, in_bytes = AnswerTap(), AnswerTap()
    at_once.feed(stream)
    for at in range(len(stream)):
        in_bytes.feed(stream[at : at + 1])
    assert (at_once.text_bytes, at_once.deltas, at_once.facts) == (in_bytes.text_bytes, in_bytes.deltas, in_bytes.facts)


def test_a_burst_over_two_blocks_counts_as_its_events_do() -> None:
    burst = b"".join(delta("text", "word", index=number // 4) for number in range(8))
    assert counted(burst, len(burst)) == 8 * len("word")


@pytest.mark.parametrize("other", ["signature_delta", "citations_delta"])
def test_what_no_model_wrote_token_by_token_does_not_count(other: str) -> None:
    signed = json.dumps({"type": "content_block_delta", "delta": {"type": other, "signature": "c2lnbmVk", "x": "text"}})
    stream = delta("text", "word") * 3 + f"event: content_block_delta\ndata: {signed}\n\n".encode()
    assert counted(stream, len(stream)) == 3 * len("word")


@pytest.mark.parametrize(
    ("block", "size_bytes"),
    [
        ({"type": "text", "text": "Hello."}, 6),
        ({"type": "tool_use", "id": "t", "name": "Read", "input": {"file": "a"}}, len('{"file":"a"}')),
        ({"type": "tool_use", "id": "t", "name": "Read", "input": {}}, 0),
        ({"type": "web_search_tool_result", "content": [{"title": "A page"}]}, 0),
    ],
)
def test_a_block_that_begins_with_its_text_counts(block: dict[str, object], size_bytes: int) -> None:
    payload = json.dumps({"type": "content_block_start", "index": 0, "content_block": block})
    assert counted(f"event: content_block_start\ndata: {payload}\n\n".encode(), 7) == size_bytes
