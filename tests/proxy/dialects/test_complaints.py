"""Errors of every provider in Anthropic's types, with the provider's own words."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.complaints import Complaint, has_error, read_complaint, read_complaint_body
from proxy.protocol.foreign_json import read_json
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
