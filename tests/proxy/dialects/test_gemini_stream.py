"""Answers of Gemini's, read at every chunking and told in Anthropic's events."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.dialect import Outgoing
from proxy.dialects.gemini import Gemini
from tests.proxy.dialects.chunking import EVERY_CHUNKING, Chunking
from tests.proxy.dialects.gemini_answers import AT, MODEL, USAGE, answer, call, event, stream, text, told
from tests.proxy.dialects.grammar import checked, sdk_message


@EVERY_CHUNKING
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_text_streams_and_ends_with_the_stream(chunked: Chunking, line_end: str) -> None:
    body = stream(event(text("Grüße, ")), event(text("世界 🐟"), reason="STOP", usage=USAGE), line_end=line_end)
    seen = checked(told(body, chunked))
    assert (seen.text, seen.kinds, seen.stop_reason) == ("Grüße, 世界 🐟", ["text"], "end_turn")
    assert seen.message["model"] == MODEL
    assert sdk_message(told(body, chunked)).stop_reason == "end_turn"


@EVERY_CHUNKING
def test_thinking_text_and_calls_stand_in_blocks_of_their_own(chunked: Chunking) -> None:
    seen = answer(
        event(text("Let me ", thought=True)),
        event(text("see.", thought=True), text("I look.")),
        event(call("Bash", {"command": "ls"}, thoughtSignature="c2ln"), call("Read", {"path": "a"})),
        event(text(""), reason="STOP", usage=USAGE),
        chunked=chunked,
    )
    assert seen.kinds == ["thinking", "text", "thinking", "tool_use", "tool_use"]
    assert (seen.thinking, seen.text, seen.stop_reason) == ("Let me see.", "I look.", "tool_use")
    assert [each["name"] for each in seen.calls] == ["Bash", "Read"]
    assert [each["input"] for each in seen.calls] == [{"command": "ls"}, {"path": "a"}]


def test_who_answers_is_known_though_the_answer_began_before_it_was_told() -> None:
    reader = Gemini().reader(Outgoing("", b""), replace(AT, model="alias"))
    reader.feed(b": still there\n\n")
    assert b'"model":"alias"' in reader.begin()
    reader.feed(stream(event(text("Hi."), reason="STOP")))
    assert reader.writer.model == MODEL


@pytest.mark.parametrize("first", [0, None, 1, 7])
def test_only_one_candidate_is_read(first: int | None) -> None:
    one, other = event(text("A")), event(text("B"), reason="MAX_TOKENS")
    one["candidates"][0]["index"], other["candidates"][0]["index"] = first, 3
    both = {**one, "candidates": [*one["candidates"], *other["candidates"]]}
    last = event(text("C"), reason="STOP")
    last["candidates"][0]["index"] = first
    seen = answer(both, other, last)
    assert (seen.text, seen.stop_reason) == ("AC", "end_turn")


def test_an_answer_may_stand_within_a_response() -> None:
    seen = answer({"response": event(text("a")), "traceId": "t"}, {"response": event(reason="STOP", usage=USAGE)})
    assert (seen.text, seen.usage["output_tokens"]) == ("a", 12)


@EVERY_CHUNKING
def test_a_whole_answer_is_read_where_none_streams(chunked: Chunking) -> None:
    payload = event(text("hm", thought=True), text("hi"), call(args={"a": 1}), reason="STOP", usage=USAGE)
    seen = checked(told(json.dumps(payload).encode(), chunked))
    assert seen.kinds == ["thinking", "text", "tool_use"]
    assert (seen.stop_reason, seen.usage["output_tokens"]) == ("tool_use", 12)


@EVERY_CHUNKING
def test_a_list_of_events_is_a_stream_all_the_same(chunked: Chunking) -> None:
    body = json.dumps([event(text("a")), event(text("b"), reason="STOP", usage=USAGE)], indent=2).encode()
    assert checked(told(body, chunked)).text == "ab"


@pytest.mark.parametrize("body", [b"", b"   ", b"<html>hello</html>"])
def test_what_is_neither_stream_nor_json_comes_out_as_it_went_in(body: bytes) -> None:
    assert told(body) == body


_HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.just("STOP"),
    lambda values: st.lists(values, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [*("candidates", "content", "parts", "text", "thought", "functionCall", "name", "args", "id"),
             *("finishReason", "usageMetadata", "promptTokenCount", "promptFeedback", "blockReason", "modelVersion"),
             *("groundingMetadata", "groundingChunks", "web", "uri", "error", "message", "thoughtSignature")]
        ),
        values,
        max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip


@given(st.lists(_HOSTILE, min_size=1, max_size=4))
def test_no_answer_whatever_breaks_the_grammar(events: list[Any]) -> None:
    for body in (stream(*events), json.dumps(events).encode()):
        if out := told(body):
            checked(out)
