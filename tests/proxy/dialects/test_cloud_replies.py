"""What the clouds answer beside Claude's own words: counts and errors."""

import json

import pytest

from proxy.dialects.bedrock import Bedrock
from proxy.dialects.dialect import Dialect
from proxy.dialects.vertex import Vertex


@pytest.mark.parametrize(
    ("dialect", "body", "count"),
    [
        (Bedrock(), b'{"inputTokens": 12}', 12),
        (Bedrock(), b'{"message": "no"}', None),
        (Vertex(), b'{"input_tokens": 12}', 12),
        (Vertex(), b"no json", None),
    ],
)
def test_a_count_is_read(dialect: Dialect, body: bytes, count: int | None) -> None:
    assert dialect.read_count(body) == count


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (403, "AccessDeniedException", "permission_error"),
        (403, "ExpiredTokenException", "authentication_error"),
        (400, "ValidationException:http://internal.amazon.com/coral/", "invalid_request_error"),
        (429, "ThrottlingException", "rate_limit_error"),
        (408, "ModelTimeoutException", "timeout_error"),
        (429, "ModelNotReadyException", "overloaded_error"),
        (503, "ServiceUnavailableException", "overloaded_error"),
        (424, "ModelErrorException", "api_error"),
        (400, "ServiceQuotaExceededException", "rate_limit_error"),
        (404, "ResourceNotFoundException", "not_found_error"),
        (500, "InternalServerException", "api_error"),
    ],
)
def test_awss_errors_are_told_in_anthropics_words(status: int, word: str, kind: str) -> None:
    complaint = Bedrock().complaint(status, {"x-amzn-errortype": word}, b'{"message": "the words"}')
    assert (complaint.kind, complaint.message) == (kind, "the words")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "The provided model identifier is invalid."),
        (400, "Invocation of model ID m with on-demand throughput isn\u2019t supported. Retry your request."),
        (403, "You don't have access to the model with the specified model ID."),
        (400, "The provided model doesn't support counting tokens."),
    ],
)
def test_what_awss_says_of_the_model_alone_is_no_fault_of_the_request(status: int, words: str) -> None:
    complaint = Bedrock().complaint(status, {}, json.dumps({"message": words}).encode())
    assert (complaint.kind, complaint.message) == ("not_found_error", words)


def test_vertexs_errors_may_be_googles_or_anthropics() -> None:
    google = b'[{"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}]'
    own = b'{"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}'
    assert Vertex().complaint(429, {}, google).kind == "rate_limit_error"
    assert Vertex().complaint(400, {}, own).message == "no"
