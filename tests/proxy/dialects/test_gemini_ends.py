"""How Gemini's answers end: said in its reasons, refused, failed, broken off."""

from collections.abc import Callable

import pytest

from tests.proxy.dialects.chunking import EVERY_CHUNKING, Chunking
from tests.proxy.dialects.conversations import Body
from tests.proxy.dialects.gemini_answers import answer, call, event, stream, text, told
from tests.proxy.dialects.grammar import checked


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


@pytest.mark.parametrize("form", [lambda error: stream(event(text("x")), error), lambda error: stream(error)[6:]])
def test_an_error_within_an_answer_is_an_error(form: Callable[[Body], bytes]) -> None:
    seen = checked(told(form({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}})))
    assert seen.error == {"type": "overloaded_error", "message": "overloaded"}
