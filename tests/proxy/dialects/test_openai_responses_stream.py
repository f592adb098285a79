"""Answers of the Responses API in Anthropic's events: every event, every ending, and what servers do otherwise."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.proxy.dialects.chunking import EVERY_CHUNKING, Chunking, cuts, read
from tests.proxy.dialects.conversations import ARGUMENTS, SAID, TOOL_NAMES
from tests.proxy.dialects.grammar import checked, events_of
from tests.proxy.dialects.responses_events import (
    ASKED,
    CREATED,
    LONG_NAME,
    OCCASION,
    RESPONSES,
    THOUGHT,
    added,
    answer,
    call,
    completed,
    done,
    message,
    reader,
    streamed_call,
    streamed_message,
    wire,
)


@EVERY_CHUNKING
def test_thinking_text_and_calls_come_in_their_order(chunked: Chunking) -> None:
    got = answer(
        *THOUGHT,
        *streamed_message("Grüße ✓", index=1),
        *streamed_call('{"path": "é/ü"}', "fc_a", 2),
        *streamed_call('{"n": 2}', "fc_b", 3, LONG_NAME),
        completed(),
        chunked=chunked,
    )
    assert got.kinds == ["thinking", "text", "tool_use", "tool_use"]
    assert got.thinking == "I look.\n\nThen I run."
    assert got.text == "Grüße ✓"
    assert [each["input"] for each in got.calls] == [{"path": "é/ü"}, {"n": 2}]
    assert got.stop_reason == "tool_use"


@EVERY_CHUNKING
def test_line_ends_of_two_characters_change_nothing(chunked: Chunking) -> None:
    body = wire(CREATED, *streamed_message("Grüße"), completed())
    got = checked(read(reader(), chunked(body.replace(b"\n", b"\r\n"))))
    assert got.text == "Grüße"


@EVERY_CHUNKING
def test_the_last_event_may_lack_its_blank_line(chunked: Chunking) -> None:
    body = wire(CREATED, *streamed_message(), completed(), end=b"")
    got = checked(read(reader(), chunked(body)))
    assert (got.text, got.stop_reason) == ("hello", "end_turn")


@given(st.data())
def test_an_answer_means_the_same_wherever_it_is_cut(data: st.DataObject) -> None:
    body = wire(CREATED, *THOUGHT, *streamed_message("Grüße ✓", index=1), *streamed_call(index=2), completed())
    assert read(reader(), data.draw(cuts(body))) == read(reader(), [body])


@given(st.lists(st.tuples(TOOL_NAMES, ARGUMENTS), min_size=1, max_size=4), SAID)
def test_names_and_arguments_of_calls_survive_the_way_back(made: list[tuple[str, Any]], text: str) -> None:
    asked = {**ASKED, "tools": [{"name": name, "input_schema": {}} for name in dict(made)]}
    out = RESPONSES.request(asked, OCCASION)
    listed = [
        call(json.dumps(given, ensure_ascii=False), f"fc_{number}", out.names.sent(name))
        for number, (name, given) in enumerate(made)
    ]
    events = [event for number, item in enumerate(listed, 1) for event in (added(item, number), done(item, number))]
    body = wire(CREATED, *streamed_message(text), *events, completed())
    got = checked(read(RESPONSES.reader(out, OCCASION), [body]))
    assert got.text == text
    assert [(each["name"], each["input"]) for each in got.calls] == made


def test_the_model_that_served_is_named_and_the_prompt_s_estimate_shown() -> None:
    started = answer(*streamed_message(), completed()).message
    assert (started["id"], started["model"], started["usage"]["input_tokens"]) == ("msg_1", "gpt-served", 70)


def test_blocks_are_numbered_by_themselves_whatever_the_output_index_says() -> None:
    got = answer(*streamed_message(index=7), *streamed_call(index=3), completed())
    assert got.kinds == ["text", "tool_use"]


def test_two_messages_are_two_blocks() -> None:
    got = answer(*streamed_message("first"), *streamed_message("second", "msg_b", 1), completed())
    assert [block["text"] for block in got.blocks] == ["first", "second"]


@pytest.mark.parametrize("kind", ["response.queued", "keepalive", "response.web_search_call.searching"])
def test_signs_of_life_are_pings(kind: str) -> None:
    assert answer({"type": kind}, *streamed_message(), completed()).names[1] == "ping"


def test_waiting_in_a_queue_begins_the_answer() -> None:
    stream = read(reader(), [wire({"type": "response.queued", "response": {"model": "gpt-served"}})])
    assert [name for name, _ in events_of(stream)] == ["message_start", "ping", "error"]


def test_an_event_may_be_named_outside_of_its_payload_only() -> None:
    body = b'event: response.output_text.delta\ndata: {"delta":"hello"}\n\nevent: response.completed\ndata: {}\n\n'
    assert checked(read(reader(), [body])).text == "hello"


def test_items_of_other_kinds_are_ignored() -> None:
    odd = {"type": "mcp_call", "id": "mcp_a", "output": "x"}
    got = answer(added(odd), done(odd), *streamed_message(index=1), completed(odd, message()))
    assert (got.kinds, got.text) == (["text"], "hello")
