"""How answers of OpenAI's Responses API end: refused, cut short, failed, broken off."""

from typing import Any

import pytest

from tests.proxy.dialects.chunking import EVERY_CHUNKING, Chunking, read
from tests.proxy.dialects.grammar import checked, events_of
from tests.proxy.dialects.responses_events import (
    CREATED,
    Event,
    added,
    answer,
    arguments_delta,
    call,
    completed,
    done,
    message,
    place,
    reader,
    response,
    streamed_call,
    streamed_message,
    wire,
)


@EVERY_CHUNKING
def test_a_refusal_is_text_that_ends_as_a_refusal(chunked: Chunking) -> None:
    item = {**message(), "content": [{"type": "refusal", "refusal": "I will not."}]}
    delta = {"type": "response.refusal.delta", **place("msg_a", 0), "content_index": 0, "delta": "I will "}
    got = answer(added(item), delta, done(item), completed(), chunked=chunked)
    assert (got.text, got.stop_reason) == ("I will not.", "refusal")


def test_a_refusal_that_is_told_at_once_is_one_too() -> None:
    whole_refusal = {"type": "response.refusal.done", **place("msg_a", 0), "refusal": "No."}
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
