"""Ids that other servers give to calls, made legal for Claude."""

from typing import Any

import msgspec

from proxy.protocol.answer_tap import AnswerTap
from proxy.protocol.messages import Body
from proxy.protocol.tool_ids import with_legal_tool_ids
from tests.upstreams import message_events


def conversation(tool_id: str) -> dict[str, Any]:
    call = {"type": "tool_use", "id": tool_id, "name": "Read", "input": {"id": "a:b"}}
    result = {"type": "tool_result", "tool_use_id": tool_id, "content": "x"}
    return {
        "model": "m",
        "messages": [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}],
    }


def test_a_call_and_its_result_get_the_same_legal_id() -> None:
    body = Body(msgspec.json.encode(conversation("functions.Read:0")))
    fields, words = with_legal_tool_ids(body)
    messages = msgspec.json.decode(fields["messages"])
    call, result = messages[0]["content"][0], messages[1]["content"][0]
    assert call["id"] == result["tool_use_id"]
    assert call["id"].startswith("toolu_")
    assert call["input"] == {"id": "a:b"}
    assert words == ("2 ids of tool calls made legal for Claude",)


def test_the_same_id_becomes_the_same_in_every_request() -> None:
    first, second = (with_legal_tool_ids(Body(msgspec.json.encode(conversation("call:1"))))[0] for _ in range(2))
    assert first == second


def test_legal_ids_change_nothing() -> None:
    assert with_legal_tool_ids(Body(msgspec.json.encode(conversation("toolu_01-a")))) == ({}, ())


def test_the_tap_notices_an_id_that_claude_would_refuse() -> None:
    tap = AnswerTap()
    block = {"type": "tool_use", "id": "functions.Read:0", "name": "Read", "input": {}}
    start = msgspec.json.encode({"type": "content_block_start", "index": 0, "content_block": block})
    tap.feed(message_events("x")[0] + b"event: content_block_start\ndata: " + start + b"\n\n")
    assert tap.facts.odd_ids
