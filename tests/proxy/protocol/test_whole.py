"""An answer turned from whole to stream and back stays the same answer."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.answer_tap import AnswerTap
from proxy.protocol.sse import write_event
from proxy.protocol.whole import message_of, stream_of

TEXTS = st.text(max_size=40)
BLOCKS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, TEXTS),
    st.builds(lambda text, mark: {"type": "thinking", "thinking": text, "signature": mark}, TEXTS, TEXTS),
    st.builds(
        lambda name, given: {"type": "tool_use", "id": "toolu_1", "name": name, "input": given},
        TEXTS,
        st.dictionaries(
            TEXTS, st.one_of(TEXTS, st.integers(-9, 9), st.none(), st.lists(TEXTS, max_size=3)), max_size=4
        ),
    ),
    st.builds(lambda data: {"type": "redacted_thinking", "data": data}, TEXTS),
    st.builds(
        lambda text, url: {
            "type": "text",
            "text": text,
            "citations": [{"type": "web_search_result_location", "url": url}],
        },
        TEXTS,
        TEXTS,
    ),
)


def message(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-8",
        "content": list(blocks),
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 7},
        **more,
    }


@given(st.lists(BLOCKS, max_size=5))
def test_a_message_survives_the_way_to_a_stream_and_back(blocks: list[dict[str, Any]]) -> None:
    whole = message(*blocks)

    stream = stream_of(json.dumps(whole).encode())

    assert stream is not None
    back = message_of(stream)
    assert back is not None
    assert json.loads(back) == whole


def test_the_stream_of_a_message_tells_the_same_facts() -> None:
    stream = stream_of(json.dumps(message({"type": "text", "text": "hi"})).encode())
    tap = AnswerTap()

    tap.feed(stream or b"")

    assert tap.ended
    assert (tap.facts.model, tap.facts.stop_reason) == ("claude-opus-4-8", "end_turn")
    assert (tap.facts.usage.input_tokens, tap.facts.usage.output_tokens) == (3, 7)


def test_what_is_no_message_becomes_no_stream() -> None:
    assert [stream_of(body) for body in (b"", b"<html>", b"[]", b'{"error":{}}', b'{"content":"text"}')] == [None] * 5


def test_a_stream_without_its_end_becomes_no_message() -> None:
    stream = stream_of(json.dumps(message({"type": "text", "text": "hi"})).encode()) or b""

    assert message_of(stream[: stream.rindex(b"event: message_stop")]) is None
    assert message_of(b"event: ping\ndata: {}\n\n") is None


ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXTS, values, max_size=3),
    max_leaves=4,
)
ODD_DELTAS = st.fixed_dictionaries(
    {
        "type": ODD | st.sampled_from(["text_delta", "thinking_delta", "input_json_delta", "citations_delta"]),
        **dict.fromkeys(("text", "thinking", "partial_json", "citation"), ODD | TEXTS),
    }
)
ODD_EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["message_start", "content_block_start", "content_block_delta", "message_delta", "other"]
        )
    },
    optional={
        "index": ODD | st.just(0),
        "message": ODD | st.just(message()),
        "content_block": ODD | st.fixed_dictionaries({"type": ODD, "text": ODD, "citations": ODD}),
        "delta": ODD | ODD_DELTAS,
        "usage": ODD,
    },
)


@given(st.lists(ODD_EVENTS, max_size=6))
def test_no_odd_events_make_it_fail(events: list[dict[str, Any]]) -> None:
    opening = {"type": "message_start", "message": message()}
    told = [opening, *events, {"type": "message_stop"}]
    assert message_of(b"".join(write_event(str(event["type"]), event) for event in told))


@given(st.fixed_dictionaries({"content": st.lists(BLOCKS | ODD, max_size=3), "usage": ODD}))
def test_no_odd_message_makes_it_fail(odd: dict[str, Any]) -> None:
    assert stream_of(json.dumps(message() | odd).encode())


def test_what_is_nested_too_deeply_is_no_message() -> None:
    assert stream_of(b"[" * 100_000) is None
    assert message_of(b"data: " + b"[" * 100_000 + b"\n\n") is None
