"""Errors of every provider, read once and told in Anthropic's shape with the provider's own words inside.

Shapes met: OpenAI's ``{"error": {"message", "type", "code"}}``, Google's ``{"error": {"code", "message", "status"}}``
(also in a list), AWS's ``{"message"}`` with the type in a header, ``{"detail"}`` of FastAPI servers (Mistral's within a
``message``), MiniMax's ``{"base_resp": {"status_code", "status_msg"}}`` under a 200, plain text.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from proxy.protocol.foreign_json import NotJson, read_json
from proxy.protocol.outcome import WORDS_MAX, error_body
from proxy.protocol.overflow import read_excess, read_overflow

_OF_STATUS: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    412: "billing_error",
    413: "request_too_large",
    422: "invalid_request_error",
    424: "api_error",
    429: "rate_limit_error",
    498: "overloaded_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_OF_CONTENT = (
    *("invalid_image", "invalid_image_format", "invalid_base64_image", "invalid_image_url", "invalid_image_mode"),
    *("image_too_large", "image_too_small", "image_parse_error", "image_content_policy_violation"),
    *("image_file_too_large", "image_file_not_found", "unsupported_image_media_type", "empty_image_file"),
    *("failed_to_download_image", "bio_policy", "misalignment_policy_violation", "data_residency_mismatch"),
)
"""Codes of OpenAI's for what a request holds: sending it again is of no use."""
_OF_WORD: Mapping[str, str] = {
    **dict.fromkeys(_OF_CONTENT, "invalid_request_error"),
    "insufficient_quota": "billing_error",
    "billing_not_active": "billing_error",
    "invalid_api_key": "authentication_error",
    "model_not_found": "not_found_error",
    "rate_limit_exceeded": "rate_limit_error",
    "rate_limit_error": "rate_limit_error",
    "tokens": "rate_limit_error",
    "requests": "rate_limit_error",
    "context_length_exceeded": "invalid_request_error",
    "invalid_request_error": "invalid_request_error",
    "model_max_prompt_tokens_exceeded": "invalid_request_error",
    "invalid_prompt": "invalid_request_error",
    "overloaded": "overloaded_error",
    "overloaded_error": "overloaded_error",
    "provider_overloaded": "overloaded_error",
    "server_overloaded": "overloaded_error",
    "slow_down": "overloaded_error",
    "server_error": "api_error",
    "timeout": "timeout_error",
    "resource_exhausted": "rate_limit_error",
    "unavailable": "overloaded_error",
    "invalid_argument": "invalid_request_error",
    "failed_precondition": "invalid_request_error",
    "api_key_invalid": "authentication_error",
    "permission_denied": "permission_error",
    "unauthenticated": "authentication_error",
    "not_found": "not_found_error",
    "deadline_exceeded": "timeout_error",
    "throttlingexception": "rate_limit_error",
    "toomanyrequestsexception": "rate_limit_error",
    "modelnotreadyexception": "overloaded_error",
    "serviceunavailableexception": "overloaded_error",
    "modeltimeoutexception": "timeout_error",
    "validationexception": "invalid_request_error",
    "accessdeniedexception": "permission_error",
    "unrecognizedclientexception": "authentication_error",
    "expiredtokenexception": "authentication_error",
    "expiredtoken": "authentication_error",
    "invalidclienttokenid": "authentication_error",
    "missingauthenticationtokenexception": "authentication_error",
    "invalidsignatureexception": "authentication_error",
    "resourcenotfoundexception": "not_found_error",
    "servicequotaexceededexception": "rate_limit_error",
    "modelerrorexception": "api_error",
    "modelstreamerrorexception": "api_error",
    "internalserverexception": "api_error",
    "1113": "billing_error",
}
"""Words of error objects (codes, types, statuses in lower case) that say more than the HTTP status; 1113 is Z.ai's."""
_OF_MINIMAX: Mapping[int, str] = {
    1001: "timeout_error",
    1002: "rate_limit_error",
    1004: "authentication_error",
    1008: "billing_error",
    1026: "invalid_request_error",
    1027: "invalid_request_error",
    1039: "rate_limit_error",
    2013: "invalid_request_error",
    2049: "authentication_error",
    2056: "rate_limit_error",
}
"""``base_resp.status_code``, from MiniMax's list of errors; any other but 0 is a server error."""
_CERTAIN: Mapping[int, tuple[str, ...]] = {401: (), 402: (), 403: ("authentication_error",), 413: ()}
"""Statuses that say more than a word does, but for these kinds: AWS tells of an expired token under 403, Groq of what
is too large for any minute under 413 as of a rate limit."""
_SERVERS = "api_error"
"""A word for it says less than a status that blames the request."""
_TOO_LONG = ("context_length_exceeded", "model_max_prompt_tokens_exceeded")
_FIELD_CODES = ("unsupported_parameter", "unsupported_value", "unknown_parameter")
"""Codes of OpenAI's for a field that ``param`` names."""
OF_FIELD = "param: "
"""Stands before a field's name that a message lacked."""
_EXHAUSTED = "RESOURCE_EXHAUSTED"
_CODE = re.compile(r"[0-9]{3}")
_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")
_RETRY_IN = re.compile(r"retry in (\d+(?:\.\d+)?) ?s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error as Anthropic's API would tell it."""

    kind: str
    message: str
    """Its beginning, where it is long."""
    retry_after_s: float | None = None
    """How long the provider asks to wait, where the body tells it."""

    def body(self) -> bytes:
        return error_body(self.kind, self.message)


def read_complaint(status: int | None, payload: object, word: str | None = None) -> Complaint:
    """The complaint in a decoded error answer, or in an error object within a stream (then without a status).

    ``word`` is an error type told elsewhere, such as in AWS's ``x-amzn-errortype`` header.
    """
    error = _error_object(payload)
    message = _message(error) or _message(payload) or (f"status {status}" if status else "an error without words")
    metadata = error.get("metadata")
    inner = metadata if isinstance(metadata, dict) else {}
    message = (message + _quoted(inner.get("raw"), message))[:WORDS_MAX]
    words = [word, inner.get("error_type"), *(error.get(name) for name in ("error_type", "code", "type", "status"))]
    message += _marked(error, message)
    reasons = [each.get("reason") for each in _details_of(error)]
    kind = next((_OF_WORD[known] for each in [*reasons, *words] if (known := _plain(each)) in _OF_WORD), None)
    if kind not in _CERTAIN.get(status or 0, (kind,)) or (kind == _SERVERS and 400 <= (status or 0) < 500):
        kind = None
    if kind is None and status is not None:
        kind = _OF_STATUS.get(status, "invalid_request_error" if 400 <= status < 500 else "api_error")
    if kind is None:
        kind = _of_minimax(payload) or _OF_STATUS.get(_code(error), "api_error")
    return Complaint(kind, message, _retry_after_s(error, message))


def read_complaint_body(status: int, body: bytes, word: str | None = None) -> Complaint:
    """The complaint in the body of an error answer, whatever it is."""
    try:
        payload: object = read_json(body) if body.strip() else {}
    except NotJson:
        text = " ".join(body[:600].decode(errors="replace").split())
        payload = {"message": text} if not text.startswith("<") else {}
    return read_complaint(status, payload, word)


def has_error(payload: object) -> bool:
    """Whether a decoded answer is an error object instead."""
    return isinstance(payload, dict) and (bool(payload.get("error")) or _of_minimax(payload) is not None)


def _details_of(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The ``details`` of an error object of Google's."""
    details = error.get("details")
    yield from (each for each in details if isinstance(each, dict)) if isinstance(details, list) else ()


def count_in(body: bytes, name: str) -> int | None:
    """The whole number called ``name`` in an answer to a request that counts tokens; None where there is none."""
    try:
        payload = read_json(body)
    except NotJson:
        return None
    count = payload.get(name) if isinstance(payload, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None


def _error_object(payload: object) -> Mapping[str, Any]:
    if isinstance(payload, list):
        payload = next((each for each in payload if isinstance(each, dict)), {})
    if not isinstance(payload, dict):
        return {}
    error = payload.get("error")
    if isinstance(error, dict):
        return error
    return {**payload, "message": error} if isinstance(error, str) else payload


def _quoted(raw: object, message: str) -> str:
    """The words of the provider behind a gateway (OpenRouter's ``metadata.raw``), as more of ``message``."""
    if not isinstance(raw, str) or not raw.strip():
        return ""
    try:
        told = _message(_error_object(read_json(raw)))
    except NotJson:
        told = None
    told = told or " ".join(raw.split())
    return "" if told in message else f": {told}"


def _marked(error: Mapping[str, Any], message: str) -> str:
    """What a code or a field's name tells that ``message`` does not, as more of it."""
    code, field = error.get("code"), error.get("param")
    if code in _TOO_LONG and read_overflow(message) is None and read_excess(message) is None:
        return f" ({code})"
    if error.get("status") == _EXHAUSTED and "quota" in message.lower():
        return f" ({_EXHAUSTED})"
    if code in _FIELD_CODES and isinstance(field, str) and field and field not in message:
        return f" ({OF_FIELD}{field})"
    return ""


def _retry_after_s(error: Mapping[str, Any], message: str) -> float | None:
    """Google's ``RetryInfo``, or the same in words."""
    delays = (_DELAY.fullmatch(str(each.get("retryDelay"))) for each in _details_of(error))
    found = next((each for each in delays if each), None) or _RETRY_IN.search(message)
    return float(found[1]) if found else None


def _of_minimax(payload: object) -> str | None:
    """The kind of error in a ``base_resp``; None where it tells of none."""
    told = payload.get("base_resp") if isinstance(payload, dict) else None
    code = told.get("status_code") if isinstance(told, dict) else None
    return _OF_MINIMAX.get(code, "api_error") if isinstance(code, int) and code else None


def _message(payload: object, inside: bool = False) -> str | None:
    """``inside``: of an object within a message, which holds no further one."""
    if not isinstance(payload, dict):
        return None
    for name in ("message", "detail", "Message", "base_resp", "status_msg"):
        value = payload.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if not inside and (inner := _message(value, inside=True)):
            return inner
        if isinstance(value, list) and value:
            return "; ".join(_of_field(each) for each in value)
    return None


def _of_field(fault: object) -> str:
    """A fault of a request in FastAPI's shape, with the field that it is about."""
    if not isinstance(fault, dict):
        return str(fault)
    place = fault.get("loc")
    path = ".".join(str(each) for each in place if each != "body") if isinstance(place, list) else ""
    told = str(fault.get("msg", fault))
    return f"{path}: {told}" if path and not told.startswith(path) else told


def _plain(word: object) -> str:
    """``ThrottlingException:http://…`` and ``RESOURCE_EXHAUSTED`` as keys of the table."""
    text = str(word or "").split(":", 1)[0]
    return text.rsplit("#", 1)[-1].lower()


def _code(error: Mapping[str, Any]) -> int:
    code = error.get("code")
    if isinstance(code, str) and _CODE.fullmatch(code):
        return int(code)
    return code if isinstance(code, int) else 0
