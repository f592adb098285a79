"""Answers of Gemini's, read at every chunking and told in Anthropic's events."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.dialect import Occasion, Outgoing
from proxy.dialects.gemini import Gemini
from proxy.dialects.page_filter import PageFilter
from proxy.dialects.tool_names import ToolNames
from proxy.protocol.server_tools import OWN_ID
from tests.proxy.dialects.chunking import EVERY_CHUNKING, Chunking, cuts, read, whole
from tests.proxy.dialects.conversations import ARGUMENTS, SAID, TOOL_NAMES, Body
from tests.proxy.dialects.grammar import Answer, checked, sdk_message

MODEL = "gemini-3.1-pro-preview"
AT = Occasion(model=MODEL, message_id="msg_1", input_tokens=11)
USAGE: Body = {"promptTokenCount": 100, "candidatesTokenCount": 7, "thoughtsTokenCount": 5, "totalTokenCount": 112}


def text(said: str, **fields: Any) -> Body:
    return {"text": said, **fields}


def call(name: str = "Bash", args: Any = None, **fields: Any) -> Body:
    given = {"name": name, "args": {} if args is None else args}
    return {"functionCall": {**given, **{key: fields.pop(key) for key in ("id",) if key in fields}}, **fields}


def event(*parts: Body, reason: str | None = None, usage: Body | None = None, **fields: Any) -> Body:
    candidate: Body = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    payload: Body = {"candidates": [candidate], "modelVersion": MODEL, "responseId": "r", **fields}
    return payload | ({"usageMetadata": usage} if usage else {})


def stream(*events: Any, line_end: str = "\r\n") -> bytes:
    return "".join(f"data: {json.dumps(each, ensure_ascii=False)}{line_end}{line_end}" for each in events).encode()


def told(body: bytes, chunked: Chunking = whole, names: Sequence[str] = (), at: Occasion = AT) -> bytes:
    outgoing = Outgoing("", b"", names=ToolNames(names, begins_with_letter=True))
    return read(Gemini().reader(outgoing, at), chunked(body))


def answer(*events: Any, chunked: Chunking = whole) -> Answer:
    return checked(told(stream(*events), chunked))


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


def test_thinking_directly_before_a_call_carries_its_signature() -> None:
    seen = answer(event(text("hm", thought=True), call(thoughtSignature="c2ln")), event(reason="STOP"))
    assert seen.kinds == ["thinking", "tool_use"]
    assert seen.blocks[0]["signature"].endswith("~c2ln")


def test_no_signature_holds_a_quote() -> None:
    seen = answer(event(text("hm", thought=True), text("so"), call(thoughtSignature="c2ln")), event(reason="STOP"))
    assert all('"' not in block["signature"] for block in seen.blocks if block["type"] == "thinking")


def test_a_signature_of_text_is_no_block() -> None:
    seen = answer(event(text("hi")), event(text("", thoughtSignature="c2ln"), reason="STOP"))
    assert seen.kinds == ["text"]


def test_who_answers_is_known_though_the_answer_began_before_it_was_told() -> None:
    reader = Gemini().reader(Outgoing("", b""), replace(AT, model="alias"))
    reader.feed(b": still there\n\n")
    assert b'"model":"alias"' in reader.begin()
    reader.feed(stream(event(text("Hi."), reason="STOP")))
    assert reader.writer.model == MODEL


def returned(blocks: Sequence[Body]) -> list[Body]:
    """The model's parts of a request that brings ``blocks`` back."""
    messages: list[Body] = [{"role": "user", "content": "go"}, {"role": "assistant", "content": blocks}]
    body = Gemini().request({"messages": messages}, AT).body
    contents: list[Body] = json.loads(body)["contents"]
    return [part for content in contents if content["role"] == "model" for part in content["parts"]]


def test_call_id_and_signature_come_back_as_gemini_gave_them() -> None:
    parts = [call("Bash", {"a": 1}, id="k1", thoughtSignature="c2ln"), call("Bash", {"a": 2}, id="k2")]
    assert returned(answer(event(*parts, reason="STOP")).blocks) == parts


def history(*parts: Body) -> list[Body]:
    """What goes back of an answer that brings each part in an event of its own."""
    return returned(answer(*(event(part) for part in parts), event(reason="STOP")).blocks)


SIGNED = {"thoughtSignature": "c2ln"}


@pytest.mark.parametrize(
    "before",
    [text("hm", thought=True, **SIGNED), text("", **SIGNED), text("", thought=True, **SIGNED)],
    ids=["a thought", "an empty text", "an empty thought"],
)
def test_a_call_without_a_signature_goes_back_with_the_one_before_it(before: Body) -> None:
    assert history(before, call(), call(args={"n": 2})) == [{**call(), **SIGNED}, call(args={"n": 2})]


def test_the_signature_of_a_text_goes_to_the_call_that_has_none() -> None:
    assert history(text("so", **SIGNED), call()) == [text("so"), {**call(), **SIGNED}]


def test_the_signatures_of_a_text_and_a_call_stay_where_they_were() -> None:
    parts = [text("so", **SIGNED), call(thoughtSignature="b3RoZXI")]
    assert history(*parts) == parts
    assert history(text("so"), text("", **SIGNED), parts[1]) == parts


def test_a_signature_of_a_text_that_is_gone_goes_to_the_next_call() -> None:
    blocks = answer(event(text("so", **SIGNED), call(thoughtSignature="b3RoZXI")), event(reason="STOP")).blocks
    assert returned(blocks[1:2] + blocks[3:]) == [{**call(), **SIGNED}]


CALLS = st.lists(
    st.builds(
        call,
        TOOL_NAMES,
        ARGUMENTS,
        id=st.uuids().map(lambda each: each.hex[:12]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda part: json.dumps(part, sort_keys=True),
)


@given(SAID, CALLS, st.data())
def test_what_an_answer_says_survives_both_ways(said: str, calls: list[Body], data: st.DataObject) -> None:
    names = [each["functionCall"]["name"] for each in calls]
    legal = ToolNames(names, begins_with_letter=True)
    sent: list[Body] = [
        {"functionCall": {**each["functionCall"], "name": legal.sent(each["functionCall"]["name"])}} for each in calls
    ]
    sent[0]["thoughtSignature"] = "c2ln"
    body = stream(event(text(said)), event(*sent), event(reason="STOP", usage=USAGE))
    seen = checked(told(body, lambda body: data.draw(cuts(body)), names))
    assert [(each["name"], each["input"]) for each in seen.calls] == [
        (each["functionCall"]["name"], each["functionCall"]["args"]) for each in calls
    ]
    assert returned(seen.blocks) == [{"text": said}, *sent]


def test_parallel_calls_of_one_tool_without_ids_are_told_apart() -> None:
    seen = answer(event(call(args={"n": 1}), call(args={"n": 2}), call(args={"n": 2})), event(reason="STOP"))
    assert [each["input"]["n"] for each in seen.calls] == [1, 2, 2]


def test_ids_of_two_answers_differ() -> None:
    body = stream(event(call(id="k"), call(id="k2")), event(reason="STOP"))
    other = Occasion(model=MODEL, message_id="msg_2")
    ids = {each["id"] for at in (AT, other) for each in checked(told(body, at=at)).calls}
    assert len(ids) == 4


@pytest.mark.parametrize("given", [None, "", 5, "ü", "x" * 80, {}])
def test_an_id_that_cannot_be_used_is_replaced(given: Any) -> None:
    (made,) = answer(event(call(id=given)), event(reason="STOP")).calls
    assert made["id"].startswith("toolu_")


@pytest.mark.parametrize("ids", [(None, None), ("k1", "k2")])
def test_a_call_that_the_next_event_repeats_is_one_call(ids: tuple[str | None, str | None]) -> None:
    first, second = call(args={"n": 1}, id=ids[0]), call(args={"n": 2}, id=ids[1])
    seen = answer(event(first), event(first, second), event(first, second, reason="STOP"))
    assert [each["input"]["n"] for each in seen.calls] == [1, 2]


def test_a_call_that_comes_again_without_its_signature_is_one_call() -> None:
    signed = call(args={"n": 1}, thoughtSignature="c2ln")
    seen = answer(event(signed), event(call(args={"n": 1})), event(call(args={"n": 1}), reason="STOP"))
    assert [each["input"]["n"] for each in seen.calls] == [1]


def test_an_equal_call_that_repeats_not_all_so_far_is_another() -> None:
    first, second = call(args={"n": 1}), call(args={"n": 2})
    seen = answer(event(first), event(second), event(second), event(reason="STOP"))
    assert [each["input"]["n"] for each in seen.calls] == [1, 2, 2]


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


def piece(*values: Body, more: bool = True, **fields: Any) -> Body:
    """A piece of a call whose arguments stream."""
    call = {**fields, **({"partialArgs": list(values)} if values else {}), **({"willContinue": True} if more else {})}
    return {"functionCall": call}


def at(path: str, value: Any, more: bool = False) -> Body:
    kind = {str: "stringValue", bool: "boolValue", type(None): "nullValue"}.get(type(value), "numberValue")
    return {"jsonPath": path, kind: value, **({"willContinue": True} if more else {})}


HEAD: Body = {**piece(name="Bash"), "thoughtSignature": "c2ln"}


@EVERY_CHUNKING
@pytest.mark.parametrize(
    "end",
    [[piece(more=False)], [piece(at("$.z", 1), more=False)], [piece(at("$.z", 1)), text("")], [piece(at("$.z", 1))]],
    ids=["empty end", "value at the end", "a text behind", "no end"],
)
def test_arguments_that_stream_value_by_value_come_whole(chunked: Chunking, end: list[Body]) -> None:
    values = [
        piece(at("$.items[0].name", "Grüße, ", more=True)),
        piece(at("$.items[0].name", "世界", more=True)),
        piece(at("$.items[0].name", "")),
        piece(),
        piece(at("$.items[1].ok", True), at("$.items[1].none", None)),
        piece(at("$['odd key'][0][1]", 0.5)),
    ]
    seen = answer(*(event(part) for part in [HEAD, *values, *end]), event(reason="STOP"), chunked=chunked)
    expected: Body = {"items": [{"name": "Grüße, 世界"}, {"ok": True, "none": None}], "odd key": [[None, 0.5]]}
    if "partialArgs" in end[0]["functionCall"]:
        expected["z"] = 1
    assert [each["input"] for each in seen.calls] == [expected]
    assert returned(seen.blocks)[0]["thoughtSignature"] == "c2ln"


def test_calls_whose_arguments_stream_come_one_after_the_other() -> None:
    equal = [piece(name="Read"), piece(at("$.id", "A", more=True)), piece(at("$.id", "")), piece(more=False)]
    parts = [call("Bash"), *equal, *equal, piece(name="Read"), piece(at("$.id", "C")), call("Bash", {"n": 1})]
    seen = answer(*map(event, parts), event(text(""), reason="STOP"))
    assert [(each["name"], each["input"]) for each in seen.calls] == [
        ("Bash", {}),
        ("Read", {"id": "A"}),
        ("Read", {"id": "A"}),
        ("Read", {"id": "C"}),
        ("Bash", {"n": 1}),
    ]


def test_pieces_that_name_their_call_again_are_of_the_same_call() -> None:
    by_name = [piece(name="Read"), piece(at("$.a", 1), name="Read"), piece(at("$.b", 2), name="Read", more=False)]
    by_id = [piece(name="Read", id="k"), piece(at("$.a", 1), name="Read", id="k"), piece(at("$.b", 2), id="k")]
    for parts in (by_name, by_id):
        seen = answer(*map(event, parts), event(reason="STOP"))
        assert [each["input"] for each in seen.calls] == [{"a": 1, "b": 2}]


def test_what_stands_beside_pieces_in_an_event_keeps_its_place() -> None:
    last = piece(at("$.a", 1), more=False, name="Read")
    seen = answer(event(text("before "), last, text("behind"), call("Bash")), event(reason="STOP"))
    assert seen.kinds == ["text", "tool_use", "text", "tool_use"]
    assert [each["input"] for each in seen.calls] == [{"a": 1}, {}]


def test_arguments_that_the_length_limit_cuts_are_no_call() -> None:
    seen = answer(event(text("x")), event(HEAD), event(piece(at("$.a", "lo", more=True))), event(reason="MAX_TOKENS"))
    assert (seen.kinds, seen.stop_reason) == (["text"], "max_tokens")


@pytest.mark.parametrize(
    "odd",
    [
        piece(at("$.a", 1)),
        piece(at("", 1), name="Bash"),
        piece(at("$", 1), name="Bash"),
        piece(at("$[0]", 1), name="Bash"),
        piece(at("$.a[999999]", 1), name="Bash"),
        piece(at("$.a", 1), at("$.a.b", 2), at("$.a[0]", 3), name="Bash"),
        piece(at("$.a" * 5000, 1), name="Bash"),
        {"functionCall": {"name": "Bash", "partialArgs": [None, 7, {}, {"jsonPath": 7}], "willContinue": True}},
    ],
)
def test_pieces_without_sense_break_nothing(odd: Body) -> None:
    seen = answer(event(odd), event(piece(at("$.n", 1), more=False)), event(text("x"), reason="STOP"))
    assert seen.error is None
    assert seen.text == "x"
    assert all(each["input"].get("n") == 1 for each in seen.calls)


@pytest.mark.parametrize("args", [None, [], "text", 7])
def test_arguments_that_are_no_object_are_none(args: Any) -> None:
    part = {"functionCall": {"name": "Bash", "args": args}}
    assert answer(event(part), event(reason="STOP")).calls[0]["input"] == {}


def test_long_escaped_arguments_are_whole() -> None:
    given = {"content": '"\\\n\t\u2028é' * 20_000}
    assert answer(event(call(args=given)), event(reason="STOP")).calls[0]["input"] == given


@pytest.mark.parametrize(
    ("reason", "parts", "ending"),
    [
        ("STOP", [text("x")], "end_turn"),
        ("STOP", [call()], "tool_use"),
        ("MAX_TOKENS", [text("x")], "max_tokens"),
        ("MAX_TOKENS", [call()], "max_tokens"),
        ("MAX_TOKENS", [], "max_tokens"),
        ("CONTINUATION", [text("x")], "max_tokens"),
        *((reason, [], "refusal") for reason in ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII")),
        *((reason, [text("x")], "refusal") for reason in ("SAFETY", "IMAGE_SAFETY", "LANGUAGE", "MODEL_ARMOR")),
        ("OTHER", [text("x")], "end_turn"),
        ("SOMETHING_NEW", [call()], "tool_use"),
    ],
)
def test_each_ending_is_told(reason: str, parts: list[Body], ending: str) -> None:
    assert answer(event(*parts), event(reason=reason)).stop_reason == ending


@pytest.mark.parametrize(
    ("reason", "parts"),
    [
        ("MALFORMED_FUNCTION_CALL", []),
        ("MALFORMED_FUNCTION_CALL", [text("x")]),
        ("UNEXPECTED_TOOL_CALL", []),
        ("TOO_MANY_TOOL_CALLS", [call()]),
        ("MALFORMED_RESPONSE", [text("x")]),
        ("STOP", []),
        ("STOP", [text("")]),
        ("STOP", [text("only thought", thought=True)]),
        ("OTHER", []),
    ],
)
def test_an_ending_that_another_try_may_mend_is_an_error(reason: str, parts: list[Body]) -> None:
    seen = answer(event(*parts), event(reason=reason))
    assert seen.error is not None
    assert seen.error["type"] == "api_error"
    assert (reason if reason != "STOP" else "empty") in seen.error["message"]


def test_the_words_of_a_failure_are_passed_on() -> None:
    payload = event()
    payload["candidates"][0] |= {"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "call: print(1)"}
    error = answer(payload).error
    assert error is not None
    assert "print(1)" in error["message"]


def test_a_blocked_prompt_is_a_refusal() -> None:
    seen = answer({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 9}})
    assert (seen.stop_reason, seen.blocks, seen.usage["input_tokens"]) == ("refusal", [], 9)


def test_stop_with_every_event_hides_no_other_reason() -> None:
    stops = [event(text(said), reason="STOP") for said in "ab"]
    assert answer(*stops, event(reason="MAX_TOKENS")).stop_reason == "max_tokens"
    assert answer(*stops).stop_reason == "end_turn"
    assert answer(event(reason="STOP"), event(text("late"), reason="STOP")).text == "late"


def test_the_first_reason_counts() -> None:
    assert answer(event(text("x"), reason="MAX_TOKENS"), event(reason="STOP")).stop_reason == "max_tokens"


def test_a_reason_that_says_that_there_is_none_is_none() -> None:
    going_on = event(text("x"), reason="FINISH_REASON_UNSPECIFIED")
    assert answer(going_on, event(reason="MAX_TOKENS")).stop_reason == "max_tokens"
    assert answer(going_on).error is not None


@EVERY_CHUNKING
def test_a_stream_that_ends_without_a_reason_ends_in_an_error(chunked: Chunking) -> None:
    seen = answer(event(text("I will")), event(text(" do it")), chunked=chunked)
    assert seen.error == {"type": "api_error", "message": "the stream ended early, without its last event"}
    assert "message_stop" not in seen.names


def test_the_last_event_may_lack_its_blank_line() -> None:
    body = stream(event(text("x")), event(reason="STOP")).rstrip()
    assert checked(told(body)).stop_reason == "end_turn"


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (USAGE, (100, 0, 12, 5)),
        ({**USAGE, "cachedContentTokenCount": 60}, (40, 60, 12, 5)),
        ({**USAGE, "cachedContentTokenCount": 160}, (0, 160, 12, 5)),
        ({**USAGE, "toolUsePromptTokenCount": 30}, (130, 0, 12, 5)),
        ({"promptTokenCount": 3}, (3, 0, 0, 0)),
        ({"promptTokenCount": "3", "candidatesTokenCount": "7"}, (3, 0, 7, 0)),
        ({"candidatesTokenCount": 7}, (11, 0, 7, 0)),
        ({"promptTokenCount": None, "candidatesTokenCount": "many", "thoughtsTokenCount": -1, "x": 1}, None),
    ],
)
def test_tokens_are_counted_once_each(usage: Body, counts: tuple[int, ...] | None) -> None:
    seen = answer(event(text("12345678"), reason="STOP", usage=usage))
    told = (
        seen.usage["input_tokens"],
        seen.usage["cache_read_input_tokens"],
        seen.usage["output_tokens"],
        seen.usage.get("output_tokens_details", {}).get("thinking_tokens"),
    )
    assert told == (counts or (11, 0, 2, None))


def test_of_many_counts_the_last_is_told() -> None:
    first, last = {"promptTokenCount": 100, "candidatesTokenCount": 2}, {"candidatesTokenCount": 9}
    seen = answer(event(text("a"), usage=first), event(text("b"), reason="STOP", usage=last), {"usageMetadata": {}})
    assert (seen.usage["input_tokens"], seen.usage["output_tokens"]) == (100, 9)


def test_counts_after_the_reason_still_count() -> None:
    seen = answer(event(text("a"), reason="STOP"), {"usageMetadata": USAGE})
    assert seen.usage["output_tokens"] == 12


def test_the_first_event_tells_the_prompts_tokens() -> None:
    seen = answer(event(text("a"), reason="STOP", usage={**USAGE, "cachedContentTokenCount": 60}))
    assert (seen.message["usage"]["input_tokens"], seen.message["usage"]["cache_read_input_tokens"]) == (40, 60)


def test_without_any_count_the_answer_is_an_estimate() -> None:
    reader = Gemini().reader(Outgoing("", b""), AT)
    read(reader, [stream(event(text("abcdefgh"), reason="STOP"))])
    assert reader.estimated


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


@pytest.mark.parametrize("form", [lambda error: stream(event(text("x")), error), lambda error: stream(error)[6:]])
def test_an_error_within_an_answer_is_an_error(form: Callable[[Body], bytes]) -> None:
    seen = checked(told(form({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}})))
    assert seen.error == {"type": "overloaded_error", "message": "overloaded"}


@pytest.mark.parametrize("body", [b"", b"   ", b"<html>hello</html>"])
def test_what_is_neither_stream_nor_json_comes_out_as_it_went_in(body: bytes) -> None:
    assert told(body) == body


def test_names_are_mapped_back() -> None:
    long = "mcp__" + "x" * 80
    sent = ToolNames([long], begins_with_letter=True).sent(long)
    body = stream(event(call(sent)), event(reason="STOP"))
    assert checked(told(body, names=[long])).calls[0]["name"] == long


def test_what_google_searched_is_told_as_the_clients_own_search_is() -> None:
    grounding = {
        "webSearchQueries": ["python release", "python release"],
        "groundingChunks": [
            {"web": {"uri": "https://python.org", "title": "python.org"}},
            {"web": {"uri": "https://python.org", "title": "python.org"}},
            {"web": {"uri": "https://pep.example"}},
            {"retrievedContext": {}},
            None,
        ],
    }
    last = event(text("3.14."), reason="STOP", usage=USAGE)
    last["candidates"][0]["groundingMetadata"] = grounding
    seen = answer(last)
    assert seen.kinds == ["text", "server_tool_use", "web_search_tool_result"]
    assert seen.blocks[1]["id"].startswith(OWN_ID)
    assert seen.blocks[1]["input"] == {"query": "python release"}
    assert [(page["title"], page["url"]) for page in seen.blocks[2]["content"]] == [
        ("python.org", "https://python.org"),
        ("https://pep.example", "https://pep.example"),
    ]
    assert (seen.stop_reason, seen.usage["server_tool_use"]) == ("end_turn", {"web_search_requests": 1})


REDIRECT = "https://vertexaisearch.cloud.google.com/grounding-api-redirect/"
FOUND = [
    {"web": {"uri": f"{REDIRECT}1", "title": "docs.python.org"}},
    {"web": {"uri": f"{REDIRECT}2", "title": "x.example"}},
    {"web": {"uri": f"{REDIRECT}3", "title": "What is new"}},
    {"web": {"uri": "https://www.python.org/a", "title": "A"}},
]


@pytest.mark.parametrize(
    ("pages", "left"),
    [
        (PageFilter(), [1, 2, 3, 4]),
        (PageFilter(allowed=("python.org",)), [1, 4]),
        (PageFilter(blocked=("x.example",)), [1, 3, 4]),
        (PageFilter(allowed=("elsewhere.example",)), []),
    ],
)
def test_of_what_google_found_only_admitted_pages_are_told(pages: PageFilter, left: list[int]) -> None:
    last = event(text("3.14."), reason="STOP", usage=USAGE)
    last["candidates"][0]["groundingMetadata"] = {"webSearchQueries": ["q"], "groundingChunks": FOUND}
    seen = checked(read(Gemini().reader(Outgoing("", b"", pages=pages), AT), whole(stream(last))))
    told = [page["url"] for page in seen.blocks[2]["content"]]
    assert told == [FOUND[number - 1]["web"]["uri"] for number in left]


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
