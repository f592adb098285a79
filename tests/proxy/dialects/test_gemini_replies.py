"""What Google answers beside a model's own words: counts and errors."""

import json

import pytest

from proxy.dialects.gemini import Gemini
from tests.proxy.dialects.conversations import Body


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b'{"totalTokens": 31, "promptTokensDetails": []}', 31),
        (b"{}", None),
        (b"[]", None),
        (b'{"totalTokens": "31"}', None),
        (b'{"totalTokens": true}', None),
        (b'{"totalTokens": -1}', None),
        (b"<html>", None),
    ],
)
def test_a_count_is_read_where_there_is_one(body: bytes, count: int | None) -> None:
    assert Gemini().read_count(body) == count


def failed(status: str, *details: Body) -> bytes:
    return json.dumps({"error": {"code": 0, "message": "the words", "status": status, "details": details}}).encode()


@pytest.mark.parametrize(
    ("http", "status", "kind"),
    [
        (429, "RESOURCE_EXHAUSTED", "rate_limit_error"),
        (503, "UNAVAILABLE", "overloaded_error"),
        (400, "INVALID_ARGUMENT", "invalid_request_error"),
        (400, "FAILED_PRECONDITION", "invalid_request_error"),
        (403, "PERMISSION_DENIED", "permission_error"),
        (404, "NOT_FOUND", "not_found_error"),
        (500, "INTERNAL", "api_error"),
        (504, "DEADLINE_EXCEEDED", "timeout_error"),
    ],
)
def test_googles_errors_are_told_in_anthropics_words(http: int, status: str, kind: str) -> None:
    for body in (failed(status), b"[" + failed(status) + b"]"):
        complaint = Gemini().complaint(http, {}, body)
        assert (complaint.kind, complaint.message) == (kind, "the words")


def test_a_key_that_is_not_valid_is_no_fault_of_the_request() -> None:
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    assert Gemini().complaint(400, {}, failed("INVALID_ARGUMENT", reason)).kind == "authentication_error"


@pytest.mark.parametrize(("delay", "seconds"), [("34s", 34.0), ("0.5s", 0.5), ("soon", None), (None, None)])
def test_the_time_to_wait_is_read_from_the_error(delay: str | None, seconds: float | None) -> None:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    assert Gemini().complaint(429, {}, failed("RESOURCE_EXHAUSTED", info)).retry_after_s == seconds


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"[]", b'{"error": {"details": [1]}}', b'{"error": "x"}'])
def test_an_error_of_any_other_shape_is_an_error_all_the_same(body: bytes) -> None:
    assert Gemini().complaint(502, {}, body).kind == "api_error"
