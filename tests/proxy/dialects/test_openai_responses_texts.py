"""Texts in OpenAI's Responses API: told once, however they come; and items that only the last event tells."""

from collections.abc import Sequence

import pytest

from tests.proxy.dialects.chunking import EVERY_CHUNKING, Chunking
from tests.proxy.dialects.responses_events import (
    LONG_NAME,
    THOUGHT,
    Event,
    added,
    answer,
    arguments_delta,
    call,
    completed,
    done,
    message,
    place,
    reasoning,
    streamed_call,
    streamed_message,
    text_delta,
)


@pytest.mark.parametrize(
    "events",
    [
        [done(message())],
        [added(message()), done(message())],
        [added(message()), {"type": "response.output_text.done", **place("msg_a", 0), "text": "hello"}],
        [added(message()), text_delta("hel"), done(message())],
        [text_delta("hello")],
        [text_delta("hello"), done(message()), done(message())],
        [added(message()), text_delta(""), text_delta("hello"), text_delta("")],
        [],
    ],
    ids=["item alone", "item done", "text done", "rest in item", "never added", "twice", "empty pieces", "at the end"],
)
def test_a_text_is_told_once_however_it_is_told(events: Sequence[Event]) -> None:
    got = answer(*events, completed(message()))
    assert (got.kinds, got.text, got.stop_reason) == (["text"], "hello", "end_turn")


@pytest.mark.parametrize(
    "begun",
    [
        [added(message())],
        [added(message(item_id="other"))],
        [{"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "content": []}}],
        [{"type": "response.output_item.added", "output_index": "0", "item": {"role": "assistant", "content": []}}],
    ],
    ids=["its id", "another id", "no id", "no type"],
)
@pytest.mark.parametrize("pieces", [(), ("hel",), ("hel", "lo")])
def test_a_text_that_only_the_last_event_tells_whole_is_told_once(begun: list[Event], pieces: tuple[str, ...]) -> None:
    deltas = [{"type": "response.output_text.delta", "output_index": 0, "delta": piece} for piece in pieces]
    got = answer(*begun, *deltas, completed(message()))
    assert (got.kinds, got.text) == (["text"], "hello")


@pytest.mark.parametrize("kind", ["output_text", "refusal"])
def test_a_text_that_only_its_part_tells_is_told(kind: str) -> None:
    name = kind.removeprefix("output_")
    part = {"type": "response.content_part.done", **place("msg_a", 0), "part": {"type": kind, name: "hello"}}
    got = answer(added(message()), part, completed())
    assert (got.text, got.stop_reason) == ("hello", "end_turn" if kind == "output_text" else "refusal")


def test_parts_of_which_only_some_come_in_pieces_are_all_told_once() -> None:
    texts = ["one, ", "two, ", "three"]
    wholes = [
        {"type": f"response.{kind}.done", **place("msg_a", 0), "content_index": number, **told}
        for number, text in enumerate(texts)
        for kind, told in (
            ("output_text", {"text": text}),
            ("content_part", {"part": {"type": "output_text", "text": text}}),
        )
    ]
    got = answer(added(message()), text_delta("one, "), *wholes, completed(message("one, two, three")))
    assert (got.kinds, got.text) == (["text"], "one, two, three")


def test_a_delta_without_a_part_s_number_is_not_told_again_by_the_whole() -> None:
    delta = {"type": "response.output_text.delta", "item_id": "msg_a", "delta": "hello"}
    whole_text = {"type": "response.output_text.done", **place("msg_a", 0), "content_index": 1, "text": "hello"}
    assert answer(added(message()), delta, whole_text, completed()).text == "hello"


def test_parts_of_a_message_are_one_text() -> None:
    item = message("ab")
    item["content"] = [{"type": "output_text", "text": "a"}, {"type": "output_text", "text": "b"}]
    got = answer(added(item), text_delta("a", part=0), text_delta("b", part=1), done(item), completed())
    assert got.text == "ab"


LATE: list[tuple[list[Event], list[str]]] = [
    (streamed_message(), ["text", "thinking", "tool_use"]),
    (THOUGHT, ["thinking", "text", "tool_use"]),
    ([*THOUGHT, *streamed_message(index=1)], ["thinking", "text", "tool_use"]),
    ([added(call())], ["tool_use", "thinking", "text"]),
    ([added(call(item_id="other"))], ["tool_use", "thinking", "text"]),
    (
        [{"type": "response.output_item.added", "item": {"type": "function_call", "name": "Bash"}}],
        ["tool_use", "thinking", "text"],
    ),
    ([added(call(item_id="other")), arguments_delta('{"n"', "other")], ["tool_use", "thinking", "text"]),
]


@EVERY_CHUNKING
@pytest.mark.parametrize(("events", "kinds"), LATE, ids=[
    "a text", "a thought", "both", "announced", "announced with another id", "announced without ids", "half told",
])  # fmt: skip
def test_items_that_only_the_last_event_tells_are_not_lost(
    chunked: Chunking, events: list[Event], kinds: list[str]
) -> None:
    got = answer(*events, completed(reasoning("I look."), message(), call()), chunked=chunked)
    assert (got.kinds, got.stop_reason) == (kinds, "tool_use")
    assert (got.text, [each["input"] for each in got.calls]) == ("hello", [{"n": 1}])


def test_of_two_calls_the_one_that_was_not_told_is_told() -> None:
    first, second, third = call(), call('{"n":2}', "fc_b"), call('{"n":3}', "fc_c", LONG_NAME)
    got = answer(*streamed_call(), completed(first, second, third))
    assert [each["input"]["n"] for each in got.calls] == [1, 2, 3]


def test_thinking_that_only_the_last_event_tells_stands_behind_no_text() -> None:
    late = reasoning("hm", encrypted="gAAAA")
    assert answer(*streamed_message(), completed(late, message())).kinds == ["text"]
    assert answer(completed(late, message())).kinds == ["thinking", "text"]
    assert answer(*streamed_message(), completed(message(), late, call())).kinds == ["text", "thinking", "tool_use"]
