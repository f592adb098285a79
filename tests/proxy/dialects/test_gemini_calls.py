"""Calls in Gemini's answers: told apart, told once, and put together from pieces."""

from typing import Any

import pytest

from proxy.dialects.dialect import Occasion
from proxy.dialects.tool_names import ToolNames
from tests.proxy.dialects.chunking import EVERY_CHUNKING, Chunking
from tests.proxy.dialects.conversations import Body
from tests.proxy.dialects.gemini_answers import AT, MODEL, answer, call, event, returned, stream, text, told
from tests.proxy.dialects.grammar import checked


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


def test_names_are_mapped_back() -> None:
    long = "mcp__" + "x" * 80
    sent = ToolNames([long], begins_with_letter=True).sent(long)
    body = stream(event(call(sent)), event(reason="STOP"))
    assert checked(told(body, names=[long])).calls[0]["name"] == long
