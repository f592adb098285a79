"""Signatures in Gemini's answers: where the client finds them, and that they come back where they belong."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.tool_names import ToolNames
from tests.proxy.dialects.chunking import cuts
from tests.proxy.dialects.conversations import ARGUMENTS, SAID, TOOL_NAMES, Body
from tests.proxy.dialects.gemini_answers import USAGE, answer, call, event, returned, stream, text, told
from tests.proxy.dialects.grammar import checked


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
