"""Calls of tools in OpenAI's Responses API, however their parts come."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.proxy.dialects.chunking import EVERY_CHUNKING, Chunking
from tests.proxy.dialects.responses_events import (
    LONG_NAME,
    OUTGOING,
    Event,
    added,
    answer,
    arguments_delta,
    arguments_done,
    call,
    completed,
    done,
    message,
    streamed_call,
    streamed_message,
    text_delta,
)


@EVERY_CHUNKING
def test_arguments_that_come_in_the_last_event_only_arrive(chunked: Chunking) -> None:
    item = call('{"location":"Bern"}')
    got = answer(added(item), arguments_done('{"location":"Bern"}'), done(item), completed(), chunked=chunked)
    assert got.calls[0]["input"] == {"location": "Bern"}


@pytest.mark.parametrize(
    "events",
    [
        [added(call()), done(call())],
        [done(call())],
        [added(call()), arguments_done('{"n":1}')],
        [added(call()), arguments_delta('{"n"'), done(call())],
        [added(call()), arguments_delta('{"n"'), arguments_done('{"n":1}')],
        [arguments_delta('{"n":'), arguments_delta("1}"), done(call())],
        [added(call(name="")), arguments_delta('{"n":1}'), done(call())],
        [added(call()), done(call({"n": 1}))],
        [added(call()), arguments_delta(" "), done(call())],
        [added(call()), arguments_delta('{"n":1}')],
    ],
    ids=[
        "item done", "item alone", "arguments done", "rest in item", "rest in arguments", "never added",
        "name at the end", "an object", "a blank first", "no end",
    ],
)  # fmt: skip
def test_a_call_is_whole_however_it_is_told(events: Sequence[Event]) -> None:
    [made] = answer(*events, completed()).calls
    assert (made["name"], made["input"]) == ("Bash", {"n": 1})


@EVERY_CHUNKING
@pytest.mark.parametrize("pieces", [('{"n":1}',), ('{"n', '":1}')])
def test_arguments_that_come_after_the_end_of_their_call_are_not_lost(
    chunked: Chunking, pieces: tuple[str, ...]
) -> None:
    first, second = call("", "fc_a"), call("", "fc_b")
    ends = [event for item in (first, second) for event in (added(item), arguments_done("", item["id"]), done(item))]
    deltas = [arguments_delta(piece, name) for name in ("fc_b", "fc_a") for piece in pieces]
    got = answer(*ends, *deltas, *streamed_message(index=2), completed(), chunked=chunked)
    assert [each["input"] for each in got.calls] == [{"n": 1}, {"n": 1}]
    assert got.kinds == ["tool_use", "tool_use", "text"]


def test_arguments_that_come_after_a_text_are_too_late_and_no_call_without_them() -> None:
    got = answer(added(call("")), done(call("")), *streamed_message(index=1), arguments_delta('{"n":1}'), completed())
    assert got.error == {"type": "api_error", "message": "the arguments of the call of Bash came too late"}


def test_arguments_that_only_the_last_event_tells_of_an_ended_call_arrive() -> None:
    got = answer(added(call("")), done(call("")), completed(call()))
    assert [each["input"] for each in got.calls] == [{"n": 1}]


def test_a_name_that_the_end_of_its_call_lacks_stays() -> None:
    item = {**call(), "name": "", "call_id": ""}
    got = answer(added(call()), arguments_delta('{"n":1}'), done(item), completed(item))
    assert [(each["name"], each["id"]) for each in got.calls] == [("Bash", "call_of_fc_a_0123456789")]


@pytest.mark.parametrize("arguments", ["", None, "{}", {}, "null", "[]", '""', " "])
def test_a_call_without_arguments_has_an_empty_input(arguments: Any) -> None:
    [made] = answer(added(call(arguments)), done(call(arguments)), completed()).calls
    assert made["input"] == {}


def test_arguments_wrapped_in_a_text_are_read() -> None:
    [made] = answer(added(call()), done(call('"{\\"n\\": [1]}"')), completed()).calls
    assert made["input"] == {"n": [1]}


def test_long_escaped_arguments_are_not_cut_short() -> None:
    given_text = json.dumps({"text": 'a "quoted" \\ line\n' * 2000})
    [made] = answer(*streamed_call(given_text), completed()).calls
    assert made["input"] == json.loads(given_text)


def test_parallel_calls_that_interleave_come_one_after_the_other() -> None:
    first, second = call('{"n":1}', "fc_a"), call('{"n":2}', "fc_b")
    got = answer(
        added(first), added(second, 1),
        arguments_delta('{"n"', "fc_a"), arguments_delta('{"n"', "fc_b", 1), arguments_delta(":2}", "fc_b", 1),
        done(second, 1), arguments_delta(":1}", "fc_a"), done(first),
        completed(),
    )  # fmt: skip
    assert [each["input"] for each in got.calls] == [{"n": 1}, {"n": 2}]


def test_text_in_the_middle_of_a_call_waits_for_its_end() -> None:
    got = answer(added(call()), arguments_delta('{"n"'), *streamed_message(index=1), arguments_delta(":1}"),
                 done(call()), completed())  # fmt: skip
    assert got.kinds == ["tool_use", "text"]
    assert (got.calls[0]["input"], got.text) == ({"n": 1}, "hello")


def test_events_find_their_item_by_its_id_where_every_index_is_zero() -> None:
    got = answer(*streamed_message(), *streamed_call('{"n":1}', "fc_a"), *streamed_call('{"n":2}', "fc_b"), completed())
    assert [each["input"] for each in got.calls] == [{"n": 1}, {"n": 2}]


def test_events_find_their_item_by_its_index_where_every_id_is_another() -> None:
    got = answer(
        added(message(item_id="m1")), text_delta("hel", "m2"), text_delta("lo", "m3"), done(message(item_id="m4")),
        added(call(item_id="f1"), 1), arguments_delta('{"n":1}', "f2", 1), done(call(item_id="f3"), 1),
        completed(message(item_id="m5"), call(item_id="f4")),
    )  # fmt: skip
    assert got.kinds == ["text", "tool_use"]
    assert (got.text, got.calls[0]["input"]) == ("hello", {"n": 1})


def test_events_without_ids_and_numbers_find_their_item() -> None:
    item = {name: value for name, value in message().items() if name != "id"}
    got = answer(
        {"type": "response.output_text.delta", "delta": "hel"}, {"type": "response.output_text.delta", "delta": "lo"},
        {"type": "response.output_item.done", "item": item}, completed(item),
    )  # fmt: skip
    assert (got.kinds, got.text) == (["text"], "hello")


def test_a_call_keeps_its_call_id_where_nothing_else_stays() -> None:
    first, second = (call(f'{{"n":{number}}}', f"fc_{number}") for number in (1, 2))
    begun = [{"type": "response.output_item.added", "item": {**item, "arguments": ""}} for item in (first, second)]
    ended = [
        {"type": "response.output_item.done", "item": {**item, "id": f"other_{item['id']}"}} for item in (first, second)
    ]
    got = answer(*begun, *ended, completed())
    assert [each["input"] for each in got.calls] == [{"n": 1}, {"n": 2}]


def test_ids_of_calls_are_unique_even_where_the_provider_repeats_them() -> None:
    first, second = ({**call(item_id=name), "call_id": "call_0123456789abcdef"} for name in ("fc_a", "fc_b"))
    got = answer(added(first), done(first), added(second, 1), done(second, 1), completed())
    assert len(got.calls) == 2


def test_a_short_id_becomes_one_that_claude_takes() -> None:
    got = answer(done({**call(), "call_id": "1"}), completed())
    assert got.calls[0]["id"].startswith("toolu_")


def test_a_long_name_comes_back_as_the_client_knows_it() -> None:
    got = answer(*streamed_call(name=OUTGOING.names.sent(LONG_NAME)), completed())
    assert got.calls[0]["name"] == LONG_NAME
