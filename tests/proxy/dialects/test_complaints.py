"""Errors of every provider in Anthropic's types, with the provider's own words."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.complaints import Complaint, has_error, read_complaint, read_complaint_body
from proxy.protocol.foreign_json import read_json
from proxy.protocol.outcome import WORDS_MAX
from proxy.protocol.overflow import read_overflow


def told(status: int, payload: Any) -> Complaint:
    return read_complaint_body(status, json.dumps(payload).encode())


@pytest.mark.parametrize(
    ("status", "payload", "kind", "message"),
    [
        (429, {"error": {"message": "m", "type": "requests", "code": "rate_limit_exceeded"}}, "rate_limit_error", "m"),
        (429, {"error": {"message": "m", "type": "insufficient_quota"}}, "billing_error", "m"),
        (429, {"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}}, "rate_limit_error", "m"),
        (503, {"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}, "overloaded_error", "m"),
        (400, [{"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT"}}], "invalid_request_error", "m"),
        (400, {"__type": "x", "message": "m"}, "invalid_request_error", "m"),
        (422, {"detail": [{"msg": "m", "loc": ["body"]}]}, "invalid_request_error", "m"),
        (404, {"detail": "m"}, "not_found_error", "m"),
        (500, {"error": "m"}, "api_error", "m"),
        (502, {"error": {"message": "m", "error_type": "provider_overloaded"}}, "overloaded_error", "m"),
        (418, {"error": {"message": "m"}}, "invalid_request_error", "m"),
        (599, {"error": {"message": "m"}}, "api_error", "m"),
        (500, {}, "api_error", "status 500"),
        (401, {"error": {"message": "m", "type": "invalid_request_error"}}, "authentication_error", "m"),
        (413, {"error": {"message": "m", "type": "tokens", "code": "rate_limit_exceeded"}}, "request_too_large", "m"),
        (429, {"error": {"code": "1113", "message": "m"}}, "billing_error", "m"),
        (404, {"error": {"message": "m", "type": "server_error"}}, "not_found_error", "m"),
        (424, {"error": {"message": "m", "type": "server_error"}}, "api_error", "m"),
        (400, {"detail": [{"msg": "m", "loc": ["body", "x", 0]}]}, "invalid_request_error", "x.0: m"),
        (
            422,
            {"object": "error", "message": {"detail": [{"loc": ["body", "stream_options"], "msg": "m"}]}},
            "invalid_request_error",
            "stream_options: m",
        ),
        (
            400,
            {"error": {"message": "m", "code": "unsupported_value", "param": "reasoning.summary"}},
            "invalid_request_error",
            "m (param: reasoning.summary)",
        ),
    ],
)
def test_every_shape_of_error_is_read(status: int, payload: Any, kind: str, message: str) -> None:
    assert told(status, payload) == Complaint(kind, message)


def test_plain_words_are_the_message() -> None:
    assert read_complaint_body(502, b"upstream  is\ndown") == Complaint("api_error", "upstream is down")


@pytest.mark.parametrize("body", [b"", b"  ", b"<html><body>502</body></html>"])
def test_a_page_or_nothing_is_no_message(body: bytes) -> None:
    assert read_complaint_body(502, body) == Complaint("api_error", "status 502")


def test_a_type_told_in_a_header_counts() -> None:
    complaint = read_complaint_body(400, b'{"message": "m"}', "ThrottlingException:http://internal")
    assert complaint.kind == "rate_limit_error"


@pytest.mark.parametrize("word", ["ExpiredTokenException", "UnrecognizedClientException:http://internal"])
def test_a_credential_that_aws_refuses_under_403_is_not_a_missing_permission(word: str) -> None:
    assert read_complaint_body(403, b'{"message": "m"}', word).kind == "authentication_error"
    assert read_complaint_body(403, b'{"message": "m"}', "AccessDeniedException").kind == "permission_error"


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (1008, "insufficient balance", "billing_error"),
        (1002, "rate limit", "rate_limit_error"),
        (2013, "invalid params, context window exceeds limit", "invalid_request_error"),
        (1033, "system error", "api_error"),
    ],
)
def test_what_minimax_tells_under_a_success_is_an_error_with_its_words(code: int, words: str, kind: str) -> None:
    payload = {"base_resp": {"status_code": code, "status_msg": words}, "choices": None}
    assert (has_error(payload), read_complaint(None, payload)) == (True, Complaint(kind, words))
    assert not has_error({"base_resp": {"status_code": 0, "status_msg": ""}, "choices": []})


DELAY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37.712s"}


@pytest.mark.parametrize(
    "error", [{"message": "m", "details": [{}, DELAY]}, {"message": "Please retry in 37.712s."}, {"message": "m"}]
)
def test_the_wait_that_google_asks_for_is_read_wherever_it_stands(error: dict[str, Any]) -> None:
    told = [read_complaint(429, body).retry_after_s for body in ({"error": error}, [{"error": error}])]
    assert told == [None if error == {"message": "m"} else 37.712] * 2


def test_google_s_quota_is_marked_as_one_that_passes() -> None:
    error = {"code": 429, "message": "You exceeded your current quota.", "status": "RESOURCE_EXHAUSTED"}
    assert told(429, {"error": error}).message == "You exceeded your current quota. (RESOURCE_EXHAUSTED)"


def test_an_error_within_a_stream_goes_by_its_code() -> None:
    assert read_complaint(None, {"error": {"code": "429", "message": "m"}}).kind == "rate_limit_error"
    assert read_complaint(None, {"error": {"message": "m"}}).kind == "api_error"


@pytest.mark.parametrize("code", ["²", "9" * 5000, "٤٢٩"])
def test_a_code_of_other_digits_says_nothing(code: str) -> None:
    assert read_complaint(None, {"error": {"code": code, "message": "m"}}).kind == "api_error"


@pytest.mark.parametrize("raw", ['{"error": {"message": "the reason"}}', "the reason"])
def test_a_gateway_quotes_the_provider_behind_it(raw: str) -> None:
    error = {"message": "Provider returned error", "code": 400, "metadata": {"raw": raw, "provider_name": "X"}}
    assert told(400, {"error": error}).message == "Provider returned error: the reason"


@pytest.mark.parametrize("raw", [None, "", 7, "Provider returned error"])
def test_a_quote_that_says_nothing_new_is_left_out(raw: Any) -> None:
    error = {"message": "Provider returned error", "metadata": {"raw": raw}}
    assert told(400, {"error": error}).message == "Provider returned error"


@pytest.mark.parametrize(
    "error",
    [
        {"message": "echo " * 10_000},
        {"detail": [{"msg": "echo " * 10_000, "loc": ["body", "x"]}, {"echo": "echo " * 10_000}]},
        {"error": {"message": "short", "metadata": {"raw": json.dumps({"message": "echo " * 10_000})}}},
    ],
)
def test_of_an_error_that_echoes_a_request_the_beginning_is_told(error: dict[str, Any]) -> None:
    assert len(told(422, error).message) == WORDS_MAX


def test_a_code_is_told_behind_the_beginning_of_a_long_message() -> None:
    error = {"message": "echo " * 10_000, "code": "context_length_exceeded"}
    assert read_overflow(told(400, {"error": error}).message) is not None


@pytest.mark.parametrize("code", ["context_length_exceeded", "model_max_prompt_tokens_exceeded"])
def test_a_prompt_that_is_too_long_is_known_by_its_code_alone(code: str) -> None:
    complaint = told(400, {"error": {"message": "too much", "code": code}})
    assert complaint.kind == "invalid_request_error"
    assert read_overflow(complaint.message) is not None


def test_a_complaint_is_an_error_body_of_anthropics() -> None:
    body = read_json(Complaint("api_error", "m").body())
    assert body["type"] == "error"
    assert (body["error"]["type"], body["error"]["message"]) == ("api_error", "m")


@pytest.mark.parametrize(
    ("payload", "expected"), [({"error": {}}, False), ({"error": "x"}, True), ({}, False), ([], False)]
)
def test_an_answer_that_is_an_error_is_known(payload: Any, expected: bool) -> None:
    assert has_error(payload) is expected


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "code", "metadata", "raw", "detail", "type"]), values, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.integers(400, 599), JSON)
def test_nothing_breaks_it(status: int, payload: Any) -> None:
    assert told(status, payload).message
    assert read_complaint(None, payload).kind
