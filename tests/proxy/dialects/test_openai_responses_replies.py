"""What a server of the Responses API answers beside a model's own words: counts and errors."""

import json

import pytest

from tests.proxy.dialects.conversations import Body
from tests.proxy.dialects.responses_requests import RESPONSES


@pytest.mark.parametrize(
    ("body", "count"),
    [(b'{"object":"response.input_tokens","input_tokens":11}', 11), (b"{}", None), (b"no", None), (b"[]", None)],
)
def test_a_count_is_read_where_there_is_one(body: bytes, count: int | None) -> None:
    assert RESPONSES.read_count(body) == count


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {"code": "insufficient_quota", "message": "You exceeded your quota"}, "billing_error"),
        (429, {"code": "rate_limit_exceeded", "message": "Slow down"}, "rate_limit_error"),
        (400, {"code": "context_length_exceeded", "message": "Your input is too long"}, "invalid_request_error"),
        (401, {"code": "invalid_api_key", "message": "Incorrect API key"}, "authentication_error"),
        (404, {"code": "model_not_found", "message": "No such model"}, "not_found_error"),
        (503, {"code": "server_overloaded", "message": "Busy"}, "overloaded_error"),
    ],
)
def test_an_error_is_told_in_anthropic_s_shape_with_the_provider_s_words(status: int, error: Body, kind: str) -> None:
    complaint = RESPONSES.complaint(status, {}, json.dumps({"error": error}).encode())
    assert complaint.kind == kind
    assert complaint.message.startswith(error["message"])
