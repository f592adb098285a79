"""What a provider's error is worth: an error status, an error body under a success, a stream that begins with one.

Each becomes a ``Failure``: the outcome that it means, and the answer that the client gets if it is the last word.
"""

import logging
import time

import httpx

from proxy.dialects.dialect import Dialect
from proxy.net.attempt import Attempt, Failure
from proxy.net.client import JSON_TYPE
from proxy.net.headers import lower_headers, reply_headers
from proxy.net.upstream import UpstreamFault, read_body
from proxy.protocol.answer_tap import AnswerTap
from proxy.protocol.outcome import STATUS_OF_TYPE, TOO_LONG, Outcome, Phase, Seen, error_body, judge
from proxy.protocol.overflow import is_clients_own, sentence_for
from proxy.protocol.usage import AnswerFacts, read_message

log = logging.getLogger(__name__)

ERROR_BYTES_MAX = 4 * 1024 * 1024


async def rejected(attempt: Attempt, response: httpx.Response) -> Failure:
    """An error status: the provider's own answer, judged."""
    try:
        body = await read_body(response, ERROR_BYTES_MAX)
    except UpstreamFault as fault:
        log.info("%s broke off its error answer: %s", attempt.provider.name, fault.detail)
        body = b""
    if response.status_code < 400:
        return attempt.failed(Seen("headers", cause="redirect", detail=response.headers.get("location")))
    headers = dict(lower_headers(response))
    if attempt.parcel.dialect is not None:
        return _complained(attempt, attempt.parcel.dialect, body, headers, response)
    facts = read_message(body) or AnswerFacts()
    seen = Seen(
        "headers",
        status=response.status_code,
        headers=headers,
        error_type=facts.error_type,
        error_message=facts.error_message,
    )
    outcome = judge(seen, time.time())
    message = facts.error_message or ""
    if outcome.name in TOO_LONG and not (is_clients_own(message) and response.status_code == 400):
        return _too_long(attempt, outcome, message)
    if not body:
        body = error_body(outcome.row.error_type, attempt.says(outcome))
        return Failure(outcome, response.status_code, body, from_provider=True)
    return Failure(outcome, response.status_code, body, tuple(reply_headers(response)), from_provider=True)


def _complained(
    attempt: Attempt, dialect: Dialect, body: bytes, headers: dict[str, str], response: httpx.Response
) -> Failure:
    """Another dialect's error, told as Anthropic's with the provider's own words."""
    complaint = dialect.complaint(response.status_code, headers, body)
    if complaint.retry_after_s is not None:
        headers.setdefault("retry-after", f"{complaint.retry_after_s:.0f}")
    seen = Seen(
        "headers",
        status=STATUS_OF_TYPE.get(complaint.kind) or max(500, response.status_code),
        headers=headers,
        error_type=complaint.kind,
        error_message=complaint.message,
    )
    outcome = judge(seen, time.time())
    if outcome.name in TOO_LONG:
        return _too_long(attempt, outcome, complaint.message)
    wait = [(b"retry-after", headers["retry-after"].encode("latin-1"))] if "retry-after" in headers else []
    told = outcome.row.status if outcome.name == "payment_required" else seen.status or 500
    answer = error_body(outcome.row.error_type, complaint.message) if told == 402 else complaint.body()
    return Failure(outcome, told, answer, (JSON_TYPE, *wait), from_provider=True)


def _too_long(attempt: Attempt, outcome: Outcome, message: str) -> Failure:
    """A prompt that is too long, by itself or with its answer, in the words on which the client acts."""
    told = error_body("invalid_request_error", sentence_for(message, attempt.room))
    return Failure(outcome, 400, told, from_provider=True)


def first_event_error(attempt: Attempt, tap: AnswerTap, response: httpx.Response) -> Failure:
    """A stream that begins with an error: the client cannot read it, so it becomes a proper error answer."""
    kind = tap.facts.error_type or "api_error"
    body = error_body(kind, tap.facts.error_message or "", response.headers.get("request-id"))
    return _disguised(attempt, kind, tap.facts.error_message, body, response, "first_event")


def error_in_disguise(attempt: Attempt, body: bytes, response: httpx.Response) -> Failure:
    """An error body under a status that says success."""
    facts = attempt.exchange.facts
    return _disguised(attempt, facts.error_type or "api_error", facts.error_message, body, response, "headers")


def _disguised(
    attempt: Attempt, kind: str, message: str | None, body: bytes, response: httpx.Response, phase: Phase
) -> Failure:
    headers = lower_headers(response)
    seen = Seen(phase, headers=headers, error_type=kind, error_message=message, cause="error_event")
    outcome = judge(seen, time.time())
    if outcome.name in TOO_LONG:
        return _too_long(attempt, outcome, message or "")
    kept = [
        (name, value)
        for name, value in reply_headers(response)
        if name not in (b"content-type", b"content-length", b"cache-control")
    ]
    return Failure(outcome, STATUS_OF_TYPE.get(kind, 500), body, (JSON_TYPE, *kept), from_provider=True)
