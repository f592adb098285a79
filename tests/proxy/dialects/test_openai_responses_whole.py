"""Answers of OpenAI's Responses API that are no stream."""

import json

import pytest

from proxy.dialects.openai_responses_reasoning import DIALECT, sealed_reasoning
from proxy.dialects.signatures import sealed
from tests.proxy.dialects.chunking import EVERY_CHUNKING, Chunking, read
from tests.proxy.dialects.grammar import checked
from tests.proxy.dialects.responses_events import LONG_NAME, MODEL, Event, call, message, reader, reasoning, response

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
