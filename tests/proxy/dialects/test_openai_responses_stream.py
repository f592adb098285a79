"""Answers of the Responses API in Anthropic's events: every event, every ending, and what servers do otherwise."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.dialect import Occasion
from proxy.dialects.openai_responses import OpenAIResponses
from proxy.dialects.openai_responses_reading import ResponsesReader
from proxy.dialects.openai_responses_reasoning import DIALECT, sealed_reasoning
from proxy.dialects.signatures import is_sealed, sealed
from tests.proxy.dialects.chunking import EVERY_CHUNKING, Chunking, cuts, read, whole
from tests.proxy.dialects.conversations import ARGUMENTS, SAID, TOOL_NAMES
from tests.proxy.dialects.grammar import Answer, checked, events_of, sdk_message

RESPONSES = OpenAIResponses()
MODEL = "gpt-asked"
OCCASION = Occasion(MODEL, "msg_1", input_tokens=70)
LONG_NAME = "mcp__" + "a" * 70
ASKED: dict[str, Any] = {
    "messages": [{"role": "user", "content": "go"}],
    "tools": [{"name": name, "input_schema": {"type": "object"}} for name in ("Bash", LONG_NAME)],
}
OUTGOING = RESPONSES.request(ASKED, OCCASION)

Event = dict[str, Any]
USAGE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 120,
}
CREATED: Event = {"type": "response.created", "response": {"model": "gpt-served", "status": "in_progress"}}


def reader() -> ResponsesReader:
    return RESPONSES.reader(OUTGOING, OCCASION)


def wire(*events: Event, end: bytes = b"\n\n", numbered: bool = True) -> bytes:
    frames = []
    for number, event in enumerate(events):
        told = {**event, "sequence_number": number} if numbered else event
        frames.append(f"event: {event['type']}\ndata: {json.dumps(told, ensure_ascii=False)}".encode())
    return b"\n\n".join(frames) + end


def answer(*events: Event, chunked: Chunking = whole) -> Answer:
    """What the client gets of ``events`` between the first and whatever ends them; the SDK reads it too."""
    stream = read(reader(), chunked(wire(CREATED, *events)))
    got = checked(stream)
    if got.error is None:
        message = sdk_message(stream)
        assert [block.type for block in message.content] == got.kinds
        assert message.stop_reason == got.stop_reason
    return got


def response(*output: Event, status: str = "completed", **fields: Any) -> Event:
    return {"model": "gpt-served", "status": status, "output": list(output), "usage": USAGE, **fields}


def completed(*output: Event, **fields: Any) -> Event:
    return {"type": "response.completed", "response": response(*output, **fields)}


def message(text: str = "hello", item_id: str = "msg_a", **fields: Any) -> Event:
    content = [{"type": "output_text", "text": text, "annotations": [], **fields}]
    return {"type": "message", "id": item_id, "role": "assistant", "status": "completed", "content": content}


def reasoning(*summary: str, encrypted: str | None = None, item_id: str = "rs_a", **fields: Any) -> Event:
    parts = [{"type": "summary_text", "text": text} for text in summary]
    return {"type": "reasoning", "id": item_id, "summary": parts, "encrypted_content": encrypted, **fields}


def call(arguments: Any = '{"n":1}', item_id: str = "fc_a", name: str = "Bash", **fields: Any) -> Event:
    call_id = f"call_of_{item_id}_0123456789"
    return {"type": "function_call", "id": item_id, "call_id": call_id, "name": name, "arguments": arguments, **fields}


def added(item: Event, index: int = 0) -> Event:
    empty: dict[str, Event] = {
        "message": {"content": []},
        "reasoning": {"summary": []},
        "function_call": {"arguments": ""},
    }
    begun = {**item, **empty.get(item["type"], {}), "status": "in_progress"}
    return {"type": "response.output_item.added", "output_index": index, "item": begun}


def done(item: Event, index: int = 0) -> Event:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def text_delta(text: str, item_id: str = "msg_a", index: int = 0, part: int = 0) -> Event:
    return {"type": "response.output_text.delta", **_place(item_id, index), "content_index": part, "delta": text}


def summary_delta(text: str, part: int = 0, item_id: str = "rs_a", index: int = 0) -> Event:
    kind = "response.reasoning_summary_text.delta"
    return {"type": kind, **_place(item_id, index), "summary_index": part, "delta": text}


def reasoning_delta(text: str, item_id: str = "rs_a", index: int = 0) -> Event:
    return {"type": "response.reasoning_text.delta", **_place(item_id, index), "content_index": 0, "delta": text}


def arguments_delta(text: str, item_id: str = "fc_a", index: int = 0) -> Event:
    return {"type": "response.function_call_arguments.delta", **_place(item_id, index), "delta": text}


def arguments_done(text: Any, item_id: str = "fc_a", index: int = 0) -> Event:
    return {"type": "response.function_call_arguments.done", **_place(item_id, index), "arguments": text}


def _place(item_id: str, index: int) -> Event:
    return {"item_id": item_id, "output_index": index}


def streamed_message(text: str = "hello", item_id: str = "msg_a", index: int = 0) -> list[Event]:
    item = message(text, item_id)
    place = {**_place(item_id, index), "content_index": 0}
    return [
        added(item, index),
        {"type": "response.content_part.added", **place, "part": {"type": "output_text", "text": ""}},
        *(text_delta(character, item_id, index) for character in text),
        {"type": "response.output_text.done", **place, "text": text},
        {"type": "response.content_part.done", **place, "part": item["content"][0]},
        done(item, index),
    ]


def streamed_call(arguments: str = '{"n":1}', item_id: str = "fc_a", index: int = 0, name: str = "Bash") -> list[Event]:
    item = call(arguments, item_id, name)
    pieces = (arguments[at : at + 3] for at in range(0, len(arguments), 3))
    deltas = [arguments_delta(piece, item_id, index) for piece in pieces]
    return [added(item, index), *deltas, arguments_done(arguments, item_id, index), done(item, index)]


THOUGHT = [
    added(reasoning()),
    {"type": "response.reasoning_summary_part.added", **_place("rs_a", 0), "summary_index": 0},
    summary_delta("I ", 0),
    summary_delta("look.", 0),
    summary_delta("Then I run.", 1),
    done(reasoning("I look.", "Then I run.", encrypted="gAAAA")),
]


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


def test_usage_tells_uncached_input_and_the_cache_apart() -> None:
    assert answer(*streamed_message(), completed()).usage == {
        "input_tokens": 30,
        "cache_read_input_tokens": 60,
        "cache_creation_input_tokens": 10,
        "output_tokens": 20,
        "output_tokens_details": {"thinking_tokens": 5},
    }


def test_more_cached_than_told_leaves_no_negative_input() -> None:
    usage = {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 60}, "output_tokens": 1}
    assert answer(completed(usage=usage)).usage["input_tokens"] == 0


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"input_tokens": "10", "output_tokens": "3"}, (10, 3)),
        ({"output_tokens": 3}, (70, 3)),
        ({"input_tokens": 0, "output_tokens": 3}, (70, 3)),
        ({"input_tokens": 10}, (10, 2)),
        ({"prompt_tokens": 10, "completion_tokens": 3}, (10, 3)),
    ],
)
def test_what_usage_does_not_tell_stays_an_estimate(usage: Any, counts: tuple[int, int]) -> None:
    for end in (completed(usage=usage), {**completed(usage=None), "usage": usage}):
        got = answer(*streamed_message("12345678"), end).usage
        assert (got["input_tokens"], got["output_tokens"]) == counts


@pytest.mark.parametrize("details", [None, {}, {"cached_tokens": None}, {"cached_tokens": "many"}, 7])
def test_usage_without_details_counts_all_input_as_uncached(details: Any) -> None:
    usage = {"input_tokens": 10, "input_tokens_details": details, "output_tokens": 1}
    got = answer(completed(usage=usage)).usage
    assert (got["input_tokens"], got["cache_read_input_tokens"], got["output_tokens"]) == (10, 0, 1)


@pytest.mark.parametrize("usage", [None, {}, "none", {"input_tokens": None}, {"input_tokens": True}])
def test_without_usage_the_counts_are_marked_as_estimated(usage: Any) -> None:
    asked = reader()
    got = checked(read(asked, [wire(CREATED, *streamed_message("x" * 40), completed(usage=usage))]))
    assert asked.estimated
    assert got.usage["output_tokens"] == 10


def test_the_provider_s_own_cost_is_passed_on() -> None:
    assert answer(completed(usage={**USAGE, "cost": 0.0123})).usage["cost"] == 0.0123


def test_encrypted_reasoning_is_sealed_from_its_last_form() -> None:
    early = added(reasoning(encrypted="incomplete"))
    got = answer(early, summary_delta("hm"), done(reasoning("hm", encrypted="complete")), completed())
    assert got.blocks[0]["signature"] == sealed(DIALECT, sealed_reasoning(MODEL, "complete"))


def test_encrypted_reasoning_without_words_is_an_empty_thinking_block() -> None:
    got = answer(added(reasoning()), done(reasoning(encrypted="gAAAA")), *streamed_call(index=1), completed())
    assert got.kinds == ["thinking", "tool_use"]
    assert got.thinking == ""
    assert got.blocks[0]["signature"] == sealed(DIALECT, sealed_reasoning(MODEL, "gAAAA"))


def test_what_was_sealed_goes_back_with_the_call() -> None:
    got = answer(*THOUGHT, *streamed_call(index=1), completed())
    results = [{"type": "tool_result", "tool_use_id": each["id"], "content": "done"} for each in got.calls]
    history = [*ASKED["messages"], {"role": "assistant", "content": got.blocks}, {"role": "user", "content": results}]
    listed = json.loads(RESPONSES.request({**ASKED, "messages": history}, OCCASION).body)["input"]
    assert listed[1] == {"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}
    assert listed[2]["call_id"] == listed[3]["call_id"] == "call_of_fc_a_0123456789"


def test_unencrypted_reasoning_is_thinking_that_nobody_gets_back() -> None:
    item = reasoning(content=[{"type": "reasoning_text", "text": "I see."}])
    got = answer(added(item), reasoning_delta("I "), reasoning_delta("see."), done(item), completed())
    assert got.thinking == "I see."
    assert is_sealed(got.blocks[0]["signature"])


@pytest.mark.parametrize("name", ["response.reasoning.delta", "response.reasoning_summary.delta"])
@pytest.mark.parametrize("piece", ["hm", {"type": "summary_text", "text": "hm"}])
def test_reasoning_under_older_names_is_thinking(name: str, piece: Any) -> None:
    item = {name: value for name, value in reasoning("hm").items() if name != "encrypted_content"}
    delta = {"type": name, **_place("rs_a", 0), "delta": piece}
    got = answer(added(reasoning()), delta, done(item), *streamed_message(index=1), completed())
    assert (got.kinds, got.thinking) == (["thinking", "text"], "hm")


def test_a_summary_that_only_its_part_tells_is_told() -> None:
    part = {"type": "summary_text", "text": "hm"}
    event = {"type": "response.reasoning_summary_part.done", **_place("rs_a", 0), "summary_index": 0, "part": part}
    assert answer(added(reasoning()), event, *streamed_message(index=1), completed()).thinking == "hm"


def test_reasoning_that_comes_in_full_and_as_a_summary_is_told_once() -> None:
    item = reasoning("hm", content=[{"type": "reasoning_text", "text": "hm, in full"}])
    got = answer(added(item), summary_delta("hm"), reasoning_delta("hm, in full"), done(item), completed())
    assert got.thinking == "hm"


def test_every_segment_of_reasoning_is_a_block_even_after_a_call() -> None:
    second = reasoning("more", encrypted="two", item_id="rs_b")
    got = answer(
        *THOUGHT,
        *streamed_call(index=1),
        added(second, 2),
        summary_delta("more", 0, "rs_b", 2),
        done(second, 2),
        *streamed_call("{}", "fc_b", 3),
        completed(),
    )
    assert got.kinds == ["thinking", "tool_use", "thinking", "tool_use"]
    assert [block["thinking"] for block in got.blocks[::2]] == ["I look.\n\nThen I run.", "more"]


def test_two_segments_in_a_row_are_two_blocks() -> None:
    second = reasoning("two", item_id="rs_b")
    got = answer(added(reasoning()), done(reasoning("one")), added(second, 1), done(second, 1), completed())
    assert [block["thinking"] for block in got.blocks] == ["one", "two"]


def test_blocks_are_numbered_by_themselves_whatever_the_output_index_says() -> None:
    got = answer(*streamed_message(index=7), *streamed_call(index=3), completed())
    assert got.kinds == ["text", "tool_use"]


def test_two_messages_are_two_blocks() -> None:
    got = answer(*streamed_message("first"), *streamed_message("second", "msg_b", 1), completed())
    assert [block["text"] for block in got.blocks] == ["first", "second"]


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


@pytest.mark.parametrize(
    "events",
    [
        [done(message())],
        [added(message()), done(message())],
        [added(message()), {"type": "response.output_text.done", **_place("msg_a", 0), "text": "hello"}],
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
    part = {"type": "response.content_part.done", **_place("msg_a", 0), "part": {"type": kind, name: "hello"}}
    got = answer(added(message()), part, completed())
    assert (got.text, got.stop_reason) == ("hello", "end_turn" if kind == "output_text" else "refusal")


def test_parts_of_which_only_some_come_in_pieces_are_all_told_once() -> None:
    texts = ["one, ", "two, ", "three"]
    wholes = [
        {"type": f"response.{kind}.done", **_place("msg_a", 0), "content_index": number, **told}
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
    whole_text = {"type": "response.output_text.done", **_place("msg_a", 0), "content_index": 1, "text": "hello"}
    assert answer(added(message()), delta, whole_text, completed()).text == "hello"


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


def test_parts_of_a_message_are_one_text() -> None:
    item = message("ab")
    item["content"] = [{"type": "output_text", "text": "a"}, {"type": "output_text", "text": "b"}]
    got = answer(added(item), text_delta("a", part=0), text_delta("b", part=1), done(item), completed())
    assert got.text == "ab"


@EVERY_CHUNKING
def test_a_refusal_is_text_that_ends_as_a_refusal(chunked: Chunking) -> None:
    item = {**message(), "content": [{"type": "refusal", "refusal": "I will not."}]}
    delta = {"type": "response.refusal.delta", **_place("msg_a", 0), "content_index": 0, "delta": "I will "}
    got = answer(added(item), delta, done(item), completed(), chunked=chunked)
    assert (got.text, got.stop_reason) == ("I will not.", "refusal")


def test_a_refusal_that_is_told_at_once_is_one_too() -> None:
    whole_refusal = {"type": "response.refusal.done", **_place("msg_a", 0), "refusal": "No."}
    got = answer(added(message()), whole_refusal, completed())
    assert (got.text, got.stop_reason) == ("No.", "refusal")


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"reason": "max_output_tokens"}, "max_tokens"),
        ({"reason": "content_filter"}, "refusal"),
        ({"reason": "max_messages"}, "max_tokens"),
        ({"reason": ["odd"]}, "max_tokens"),
        (None, "max_tokens"),
    ],
)
def test_an_incomplete_answer_says_why(details: Any, reason: str) -> None:
    end = {"type": "response.incomplete", "response": response(status="incomplete", incomplete_details=details)}
    got = answer(*streamed_message(), end)
    assert (got.stop_reason, got.usage["output_tokens"]) == (reason, 20)


def test_an_answer_that_a_timeout_left_incomplete_is_an_error() -> None:
    details = {"reason": "server_timeout"}
    end = {"type": "response.incomplete", "response": response(status="incomplete", incomplete_details=details)}
    error = answer(*streamed_call(), end).error
    assert error is not None
    assert error["type"] == "timeout_error"


def test_a_call_that_the_limit_cut_ends_at_the_limit() -> None:
    details = {"reason": "max_output_tokens"}
    end = {"type": "response.incomplete", "response": response(status="incomplete", incomplete_details=details)}
    names = [name for name, _ in events_of(read(reader(), [wire(CREATED, added(call()), arguments_delta("{"), end)]))]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]


def test_a_call_that_a_filter_cut_is_an_error() -> None:
    details = {"reason": "content_filter"}
    end = {"type": "response.incomplete", "response": response(status="incomplete", incomplete_details=details)}
    got = answer(added(call()), arguments_delta('{"n'), end)
    assert got.error == {"type": "api_error", "message": "the arguments of the call of Bash cannot be read"}


@pytest.mark.parametrize("named", ["response.failed", "response.completed", "response.done"])
def test_a_failed_answer_is_an_error_whatever_its_last_event_is_called(named: str) -> None:
    error = {"code": "rate_limit_exceeded", "message": "Slow down"}
    got = answer(*streamed_message(), {"type": named, "response": response(status="failed", error=error)})
    assert got.error is not None
    assert got.error["type"] == "rate_limit_error"
    assert got.error["message"].startswith("Slow down")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("server_error", "api_error"),
        ("rate_limit_exceeded", "rate_limit_error"),
        ("context_length_exceeded", "invalid_request_error"),
        ("invalid_image", "invalid_request_error"),
        ("insufficient_quota", "billing_error"),
        ("never heard of", "api_error"),
        (None, "api_error"),
    ],
)
def test_a_failure_keeps_its_kind(code: str | None, kind: str) -> None:
    error = {"code": code, "message": "It broke."}
    got = answer({"type": "response.failed", "response": response(status="failed", error=error)})
    assert got.error is not None
    assert got.error["type"] == kind


def test_a_failure_without_words_still_says_something() -> None:
    got = answer({"type": "response.failed", "response": {"status": "failed", "error": None}})
    assert got.error == {"type": "api_error", "message": "the provider failed and gave no reason"}


@pytest.mark.parametrize("end", ["response.cancelled", "response.completed"])
def test_a_cancelled_answer_is_an_error(end: str) -> None:
    got = answer(*streamed_message(), {"type": end, "response": response(status="cancelled")})
    assert got.error is not None
    assert "cancelled" in got.error["message"]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "server_error", "message": "It broke.", "param": None},
        {"type": "error", "error": {"code": "server_error", "message": "It broke."}},
        {"type": "response.error", "error": {"code": "server_error", "message": "It broke."}},
    ],
)
def test_an_error_event_ends_the_answer(event: Event) -> None:
    got = answer(*streamed_message(), event, completed())
    assert got.error is not None
    assert got.error["type"] == "api_error"
    assert got.error["message"].startswith("It broke.")


@EVERY_CHUNKING
@pytest.mark.parametrize("tail", [b"", b"data: [DONE]\n\n"])
def test_a_stream_that_ends_without_its_last_event_ends_in_an_error(chunked: Chunking, tail: bytes) -> None:
    got = checked(read(reader(), chunked(wire(CREATED, *streamed_message()) + tail)))
    assert got.error == {"type": "api_error", "message": "the stream ended early, without its last event"}


def test_what_comes_after_the_end_is_ignored() -> None:
    names = answer(*streamed_message(), completed(), *streamed_message("late", "msg_b", 1), completed()).names
    assert names.count("message_stop") == 1


def test_arguments_that_are_no_object_are_an_error_and_no_call_of_something_else() -> None:
    for broken in ('{"n":', "[1]", '"text"'):
        error = answer(added(call(broken)), done(call(broken)), completed()).error
        assert error is not None
        assert error["message"] == "the arguments of the call of Bash cannot be read"


def test_a_call_that_is_never_named_is_an_error() -> None:
    got = answer(arguments_delta('{"n":1}'), completed())
    assert got.error == {"type": "api_error", "message": "the provider called a tool without naming it"}


def test_an_answer_without_anything_ends_its_turn() -> None:
    got = answer(completed())
    assert (got.blocks, got.stop_reason) == ([], "end_turn")


@pytest.mark.parametrize("kind", ["response.queued", "keepalive", "response.web_search_call.searching"])
def test_signs_of_life_are_pings(kind: str) -> None:
    assert answer({"type": kind}, *streamed_message(), completed()).names[1] == "ping"


def test_waiting_in_a_queue_begins_the_answer() -> None:
    stream = read(reader(), [wire({"type": "response.queued", "response": {"model": "gpt-served"}})])
    assert [name for name, _ in events_of(stream)] == ["message_start", "ping", "error"]


def test_an_event_may_be_named_outside_of_its_payload_only() -> None:
    body = b'event: response.output_text.delta\ndata: {"delta":"hello"}\n\nevent: response.completed\ndata: {}\n\n'
    assert checked(read(reader(), [body])).text == "hello"


WHOLE = response(
    reasoning("hm", encrypted="gAAAA"), message("Grüße"), call('{"n":1}'), call(item_id="fc_b", name=LONG_NAME)
)


@EVERY_CHUNKING
def test_a_whole_answer_means_the_same_as_a_stream(chunked: Chunking) -> None:
    got = checked(read(reader(), chunked(json.dumps(WHOLE).encode())))
    assert got.kinds == ["thinking", "text", "tool_use", "tool_use"]
    assert (got.text, got.stop_reason, got.usage["input_tokens"]) == ("Grüße", "tool_use", 30)
    assert got.blocks[0]["signature"] == sealed(DIALECT, sealed_reasoning(MODEL, "gAAAA"))
    assert got.message["model"] == "gpt-served"


def test_a_whole_answer_may_stand_in_its_last_event() -> None:
    body = json.dumps({"type": "response.completed", "response": WHOLE}).encode()
    assert checked(read(reader(), [body])).text == "Grüße"


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({**WHOLE, "status": "failed", "error": {"code": "server_error", "message": "It broke."}}, "It broke."),
        ({**WHOLE, "status": "cancelled"}, "the provider cancelled the answer"),
        ({**WHOLE, "status": "queued"}, "the provider answered before the response was finished"),
        ({"id": "x", "choices": []}, "the answer is no response of the Responses API"),
    ],
)
def test_a_whole_answer_that_is_none_is_an_error(payload: Event, words: str) -> None:
    got = checked(read(reader(), [json.dumps(payload).encode()]))
    assert got.error is not None
    assert got.error["message"].startswith(words)


def test_a_whole_answer_that_was_cut_off_says_so() -> None:
    details = {"reason": "max_output_tokens"}
    body = json.dumps(response(message(), status="incomplete", incomplete_details=details)).encode()
    assert checked(read(reader(), [body])).stop_reason == "max_tokens"


PAGE = "https://a.example/page"


def search(**action: Any) -> Event:
    found = {"type": "search", "query": "weather", **action}
    return {"type": "web_search_call", "id": "ws_a", "status": "completed", "action": found}


def cited(text: str = "Rain.") -> Event:
    return message(text, annotations=[{"type": "url_citation", "url": PAGE, "title": "A page", "start_index": 0}])


def test_a_search_by_the_provider_is_told_with_its_sources() -> None:
    item = search(sources=[{"type": "url", "url": PAGE}, {"type": "url", "url": PAGE}, {"type": "odd"}])
    got = answer(added(item), done(item), *streamed_message("Rain.", index=1), completed())
    assert got.kinds == ["server_tool_use", "web_search_tool_result", "text"]
    asked, found, _ = got.blocks
    assert (asked["name"], asked["input"]) == ("web_search", {"query": "weather"})
    assert found["tool_use_id"] == asked["id"]
    assert [(each["type"], each["url"]) for each in found["content"]] == [("web_search_result", PAGE)]


def test_a_search_counts_as_one_and_is_no_call_of_the_client_s() -> None:
    got = answer(done(search(sources=[{"type": "url", "url": PAGE}])), done(message(), 1), completed())
    assert got.usage["server_tool_use"] == {"web_search_requests": 1}
    assert got.stop_reason == "end_turn"


def test_a_search_without_sources_is_told_with_what_the_text_cites() -> None:
    got = answer(added(search()), done(search()), added(cited(), 1), text_delta("Rain.", index=1), done(cited(), 1),
                 completed())  # fmt: skip
    assert got.kinds == ["text", "server_tool_use", "web_search_tool_result"]
    assert [(each["title"], each["url"]) for each in got.blocks[2]["content"]] == [("A page", PAGE)]


def test_citations_may_come_on_their_own() -> None:
    note = {"type": "response.output_text.annotation.added", "annotation": cited()["content"][0]["annotations"][0]}
    got = answer(done(search()), text_delta("Rain.", index=1), note, completed())
    assert got.blocks[2]["content"][0]["title"] == "A page"


def test_several_searches_have_ids_of_their_own() -> None:
    events = [done({**search(queries=["a", "b"], query=None), "id": f"ws_{number}"}, number) for number in range(3)]
    got = answer(*events, completed())
    asked = [block for block in got.blocks if block["type"] == "server_tool_use"]
    assert len({block["id"] for block in asked}) == 3
    assert asked[0]["input"] == {"query": "a; b"}


def test_a_search_that_failed_says_so() -> None:
    got = answer(done({**search(), "status": "failed"}), completed())
    error = {"type": "web_search_tool_result_error", "error_code": "unavailable"}
    assert got.blocks[1]["content"] == error


def test_a_page_that_the_provider_opened_is_no_search() -> None:
    got = answer(done(search(type="open_page", url=PAGE)), done(message(), 1), completed())
    assert got.kinds == ["text"]
    assert "server_tool_use" not in got.usage


def test_items_of_other_kinds_are_ignored() -> None:
    odd = {"type": "mcp_call", "id": "mcp_a", "output": "x"}
    got = answer(added(odd), done(odd), *streamed_message(index=1), completed(odd, message()))
    assert (got.kinds, got.text) == (["text"], "hello")


HOSTILE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["Bash", "{}", "fc_a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["type", "id", "item_id", "output_index", "content_index", "item", "delta", "name", "call_id", "arguments",
         "content", "summary", "text", "status", "response", "output", "usage", "action", "annotations", "error"]
    ), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip
KINDS = [
    "response.created", "response.queued", "response.output_item.added", "response.output_item.done",
    "response.output_text.delta", "response.output_text.done", "response.refusal.delta",
    "response.reasoning_summary_text.delta", "response.reasoning_text.delta", "response.reasoning_text.done",
    "response.function_call_arguments.delta", "response.function_call_arguments.done",
    "response.output_text.annotation.added", "response.incomplete", "response.completed", "keepalive",
]  # fmt: skip
ITEMS = st.fixed_dictionaries(
    {"type": st.sampled_from(["message", "reasoning", "function_call", "web_search_call"])},
    optional=dict.fromkeys(("id", "name", "call_id", "arguments", "content", "summary", "action"), HOSTILE),
)
STRANGE_EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)},
    optional={
        "item": ITEMS | HOSTILE,
        "delta": HOSTILE,
        "item_id": HOSTILE,
        "output_index": HOSTILE,
        "arguments": HOSTILE,
        "text": HOSTILE,
        "response": HOSTILE | st.fixed_dictionaries({"output": st.lists(ITEMS, max_size=3), "usage": HOSTILE}),
        "annotation": HOSTILE,
        "name": HOSTILE,
    },
)


@given(st.lists(STRANGE_EVENTS, max_size=12))
def test_nothing_that_an_upstream_sends_breaks_the_grammar(events: list[Event]) -> None:
    end = {"type": "error", "message": "enough"}
    stream = read(reader(), [wire(CREATED, *events, end, numbered=False)])
    last, _ = events_of(stream)[-1]
    assert last in ("error", "message_stop")
    if last == "message_stop":
        sdk_message(stream)


@given(HOSTILE | st.dictionaries(st.sampled_from(["output", "status", "response"]), HOSTILE | st.lists(ITEMS)))
def test_no_whole_answer_makes_the_reader_fail(payload: Any) -> None:
    read(reader(), [json.dumps(payload).encode()])


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail(body: bytes) -> None:
    read(reader(), [b"data: " + body])
