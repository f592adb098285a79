"""Reasoning in OpenAI's Responses API as thinking of Claude's."""

import json
from typing import Any

import pytest

from proxy.dialects.openai_responses_reasoning import DIALECT, sealed_reasoning
from proxy.dialects.signatures import is_sealed, sealed
from tests.proxy.dialects.responses_events import (
    ASKED,
    MODEL,
    OCCASION,
    RESPONSES,
    THOUGHT,
    added,
    answer,
    completed,
    done,
    place,
    reasoning,
    reasoning_delta,
    streamed_call,
    streamed_message,
    summary_delta,
)


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
    delta = {"type": name, **place("rs_a", 0), "delta": piece}
    got = answer(added(reasoning()), delta, done(item), *streamed_message(index=1), completed())
    assert (got.kinds, got.thinking) == (["thinking", "text"], "hm")


def test_a_summary_that_only_its_part_tells_is_told() -> None:
    part = {"type": "summary_text", "text": "hm"}
    event = {"type": "response.reasoning_summary_part.done", **place("rs_a", 0), "summary_index": 0, "part": part}
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
