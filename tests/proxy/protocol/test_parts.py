"""The answer as a person reads it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.parts import PartReader


def events(*payloads: dict[str, Any]) -> bytes:
    return b"".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in payloads)


def started(index: int, **content: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": content}


def grown(index: int, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def shown(reader: PartReader, *chunks: bytes) -> list[tuple[str, int, str, str | None]]:
    return [(part.kind, part.block, part.text, part.title) for part in reader.read(list(chunks))]


def test_text_thinking_and_tool_calls_keep_their_order_and_kinds() -> None:
    stream = events(
        started(0, type="thinking", thinking=""),
        grown(0, type="thinking_delta", thinking="Hm. "),
        grown(0, type="thinking_delta", thinking="Yes."),
        grown(0, type="signature_delta", signature="c2ln"),
        started(1, type="text", text=""),
        grown(1, type="text_delta", text="I write it."),
        started(2, type="tool_use", id="t", name="Write", input={}),
        grown(2, type="input_json_delta", partial_json='{"a"'),
        grown(2, type="input_json_delta", partial_json=":1}"),
    )
    assert shown(PartReader("r"), stream) == [
        ("thinking", 0, "Hm. Yes.", None),
        ("text", 1, "I write it.", None),
        ("tool", 2, '{"a":1}', "Write"),
    ]


def test_a_text_split_over_chunks_is_whole() -> None:
    stream = events(started(0, type="text", text=""), grown(0, type="text_delta", text="caf\u00e9 🐟"))
    reader = PartReader("r")
    parts = [part for at in range(len(stream)) for part in reader.read([stream[at : at + 1]])]
    assert "".join(part.text for part in parts) == "caf\u00e9 🐟"


def test_a_character_that_a_provider_cut_in_two_does_not_cost_the_text_around_it() -> None:
    delta = rb'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi \ud83d"}}'
    [part] = PartReader("r").read([delta + b"\n\n"])
    assert part.text == "hi \ufffd"
    assert part.text.encode()


def test_tool_arguments_that_arrive_whole_are_shown() -> None:
    stream = events(started(0, type="tool_use", name="Read", input={"path": "/x"}))
    assert shown(PartReader("r"), stream) == [("tool", 0, '{"path":"/x"}', "Read")]


def test_an_error_event_is_shown_in_its_words() -> None:
    stream = events({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    assert shown(PartReader("r"), stream) == [("error", 0, "Overloaded", None)]


def test_an_answer_that_did_not_stream_has_the_same_parts() -> None:
    blocks = [{"type": "text", "text": "hi"}, {"type": "tool_use", "name": "Read", "input": {"a": 1}}, None, 5]
    parts = PartReader("r").read_whole(json.dumps({"type": "message", "content": blocks}).encode())
    assert [(part.kind, part.text) for part in parts] == [("text", "hi"), ("tool", '{"a":1}')]


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"content":5}', b'{"content":null}', b"null"])
def test_a_body_that_is_no_answer_has_no_parts(body: bytes) -> None:
    assert PartReader("r").read_whole(body) == []


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_no_bytes_make_it_raise(chunks: list[bytes]) -> None:
    PartReader("r").read(chunks)
    PartReader("r").read_whole(b"".join(chunks))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 2**70) | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["type", "index", "content_block", "delta", "text", "input", "name", "error", "message", "content"]
                ),
                inner
                | st.sampled_from(
                    ["content_block_start", "content_block_delta", "error", "tool_use", "text", "x_result"]
                ),
                max_size=5,
            )
        ),
        max_leaves=12,
    )
)
def test_no_payload_makes_it_raise(payload: object) -> None:
    raw = json.dumps(payload).encode()
    PartReader("r").read([b"data: " + raw + b"\n\n"])
    PartReader("r").read_whole(raw)
