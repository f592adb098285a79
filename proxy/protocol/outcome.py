"""One table: what was seen of an attempt, what follows from it.

``judge`` turns what the relay saw (the phase, the status, headers, the error's type and words, the cause of a
broken connection) into an ``Outcome``: a row of ``TABLE`` with the provider's own words and times. Nothing
else in the engine decides whether another target may be tried, what counts against a provider's health, and
what the client gets when no target is left.
"""

import email.utils
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import msgspec

from proxy.contract import HealthState
from proxy.protocol.limits import reset_after_s
from proxy.protocol.overflow import read_excess, read_overflow
from proxy.protocol.redact import redact

Phase = Literal["connect", "headers", "first_event", "mid_stream", "end"]

Cause = Literal[
    "refused",
    "dns",
    "tls",
    "connect_timeout",
    "reset",
    "first_event_timeout",
    "idle_timeout",
    "empty",
    "not_a_stream",
    "redirect",
    "no_credential",
    "client_left",
    "error_event",
    "closed_early",
    "too_large",
]
"""What went wrong without a status that tells it."""


Scope = Literal["provider", "target", "key"]
"""What a failure is about: the whole provider, one model there, or the key that was used."""


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of outcome and its consequences."""

    name: str
    meaning: str
    """For the reference: what was seen."""
    next_target: bool
    """Another target may be tried, as long as nothing reached the client."""
    health: HealthState | None
    """What it makes of the provider; None: it says nothing about it."""
    scope: Scope | None
    """What it opens the breaker of; None: of nothing."""
    status: int
    """What the client gets where no provider's answer can be passed on."""
    error_type: str
    advice: str
    """The user reads ``provider: advice``."""


_R = Row
TABLE: Mapping[str, Row] = {
    row.name: row
    for row in (
        _R("served", "a complete answer", False, "ok", None, 200, "", ""),
        _R("connect_refused", "connection refused", True, "failing", "provider", 502, "api_error", "refuses connections; is it running, is the port right?"),
        _R("dns_failed", "host name unknown", True, "failing", "provider", 502, "api_error", "host name not found; check base_url and the network"),
        _R("tls_failed", "TLS handshake failed", True, "failing", "provider", 502, "api_error", "TLS failed; check the scheme, the certificate and the clock"),
        _R("connect_timeout", "no connection in time", True, "failing", "provider", 504, "timeout_error", "no connection in time; check the network"),
        _R("connection_lost", "reset before the first event", True, "failing", "target", 502, "api_error", "closed the connection before it answered"),
        _R("first_event_timeout", "no first event in time", True, "failing", "target", 504, "timeout_error", "sent nothing in time (first_event_timeout_s sets the patience)"),
        _R("empty_answer", "200 with nothing in it", True, "failing", "target", 502, "api_error", "answered with nothing"),
        _R("not_an_answer", "JSON or HTML that is no answer", True, "failing", "target", 502, "api_error", "answered with something that is no answer; is base_url right?"),
        _R("redirected", "a redirect", True, "failing", "provider", 502, "api_error", "redirects elsewhere; put the final address into base_url"),
        _R("no_credential", "no key or login for it", True, "refused", "key", 401, "authentication_error", "has no credential"),
        _R("key_refused", "401", True, "refused", "key", 401, "authentication_error", "refused the key; set another one, or switch"),
        _R("payment_required", "402, or 400 for spent credit or a spent limit", True, "refused", "key", 402, "billing_error", "credit is spent; top up or switch"),
        _R("forbidden", "403", True, "refused", "key", 403, "permission_error", "does not permit this; check the key's rights and the region"),
        _R("model_unknown", "404, or 400 for a model that is not there", True, None, "target", 404, "not_found_error", "does not know this model"),
        _R("request_timeout", "408", True, "failing", "target", 504, "timeout_error", "timed out reading the request"),
        _R("conflict", "409", False, None, None, 409, "conflict_error", "conflict"),
        _R("prompt_too_long", "400, or 413 that says so: the prompt exceeds the window", False, None, None, 400, "invalid_request_error", "the prompt is longer than the model's window"),
        _R("output_too_long", "400, prompt and max_tokens together exceed the window", False, None, None, 400, "invalid_request_error", "prompt and answer together are longer than the model's window; Claude Code asks for a shorter answer by itself"),
        _R("ability_missing", "the target lists no tools or images, which the request needs", True, None, None, 400, "invalid_request_error", "cannot take this request"),
        _R("window_too_small", "the estimate exceeds the target's window", True, None, None, 400, "invalid_request_error", "the prompt is longer than the model's window"),
        _R("thinking_refused", "400 for thinking that another signed", False, None, None, 400, "invalid_request_error", "refuses thinking that it did not sign"),
        _R("request_too_large", "413", False, None, None, 413, "request_too_large", "the request is too large"),
        _R("repeat_asked", "409 or another 4xx that says x-should-retry: true", True, None, None, 409, "conflict_error", "asks to send the request again"),
        _R("invalid_request", "400, 422 and other 4xx", False, None, None, 400, "invalid_request_error", "rejected the request"),
        _R("rate_limited", "429", True, "limited", "key", 429, "rate_limit_error", "rate limit reached"),
        _R("quota_spent", "429 of a plan, or one that says x-should-retry: false", True, "limited", "key", 429, "rate_limit_error", "the plan's limit is reached"),
        _R("model_quota_spent", "429 of a window for one model", True, "limited", "target", 429, "rate_limit_error", "the plan's limit for this model is reached"),
        _R("overloaded", "529, 503 or an overloaded_error event", True, "limited", "target", 529, "overloaded_error", "overloaded"),
        _R("server_error", "500, 502, 504 and other 5xx", True, "failing", "target", 500, "api_error", "had an internal error"),
        _R("broken", "the answer ended midway", False, "failing", "target", 502, "api_error", "the answer broke off midway; the client repeats the request by itself"),
        _R("idle_timeout", "silence in the middle of an answer", False, "failing", "target", 504, "timeout_error", "went silent in the middle of the answer"),
        _R("client_left", "the client closed the connection", False, None, None, 499, "", "the client left"),
    )
}  # fmt: skip
"""Every outcome by its name."""

_CAUSES: Mapping[Cause, str] = {
    "refused": "connect_refused",
    "dns": "dns_failed",
    "tls": "tls_failed",
    "connect_timeout": "connect_timeout",
    "reset": "connection_lost",
    "first_event_timeout": "first_event_timeout",
    "idle_timeout": "idle_timeout",
    "empty": "empty_answer",
    "not_a_stream": "not_an_answer",
    "too_large": "not_an_answer",
    "redirect": "redirected",
    "no_credential": "no_credential",
    "client_left": "client_left",
    "closed_early": "connection_lost",
}

_STATUSES: Mapping[int, str] = {
    401: "key_refused",
    402: "payment_required",
    403: "forbidden",
    404: "model_unknown",
    408: "request_timeout",
    409: "conflict",
    413: "request_too_large",
    429: "rate_limited",
    503: "overloaded",
    529: "overloaded",
}

_ERROR_TYPES: Mapping[str, str] = {
    "authentication_error": "key_refused",
    "billing_error": "payment_required",
    "permission_error": "forbidden",
    "not_found_error": "model_unknown",
    "request_too_large": "request_too_large",
    "invalid_request_error": "invalid_request",
    "rate_limit_error": "rate_limited",
    "timeout_error": "request_timeout",
    "overloaded_error": "overloaded",
}
"""Anthropic's error types (the API reference's list); any other is a server error."""

WORDS_MAX = 2000
"""Characters of an error's message that are read and told: servers echo whole requests in it, and the patterns take
long over those."""
_SIGNED = ("signature", "must start with a thinking block", "expected `thinking`", "cannot be modified")
"""Of rejected thinking: signed by another, missing where a tool loop needs it, or changed."""
_SPENT = (
    "credit balance is too low",
    "insufficient_quota",
    "insufficient credits",
    "exceeded your current quota",
    "specified api usage limits",
    "insufficient balance",
)
_GOOGLES = "exceeded your current quota"
"""Google words a minute's limit like spent credit"""
_FOR_NOW = ("resource_exhausted", "retrydelay", "retry in ")
"""and tells the one from the other by these."""
_NO_SUCH_MODEL = (
    "not a valid model id",
    "model not exist",
    "model_not_found",
    "model does not exist",
    "invalid model name",
    "unknown model",
    "no such model",
)
"""In a 400, where others answer 404: OpenRouter, DeepSeek, LiteLLM and the like."""
_REGAINED = re.compile(r"regain access on (\d{4}-\d\d-\d\d)(?: at (\d\d:\d\d) utc)?", re.IGNORECASE)
"""Anthropic's words for a limit that the user set in its console (anthropics/claude-code#38038)."""
_OF_ONE_MODEL = ("seven_day_opus", "seven_day_sonnet", "seven_day_overage_included")
"""Representative claims of windows that hold for some models only: the key still serves the others."""
_QUOTA = ("usage limit", "weekly limit", "monthly limit", "spend limit", "out of extra usage")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the relay saw of an attempt."""

    phase: Phase
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    error_type: str | None = None
    error_message: str | None = None
    cause: Cause | None = None
    detail: str | None = None
    """The operating system's or library's own words for ``cause``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row of the table with the particulars of an attempt."""

    row: Row
    words: str | None = None
    """The provider's own, or the cause's."""
    retry_after_s: float | None = None

    @property
    def name(self) -> str:
        return self.row.name

    def sentence(self, provider: str) -> str:
        """What the user reads when it happens."""
        wait = f", try again in {in_words(self.retry_after_s)}" if self.retry_after_s else ""
        return self.trouble(provider) + wait

    def trouble(self, provider: str) -> str:
        """What the user reads of it later, when the wait is another one."""
        words = f" ({self.words})" if self.words and self.words.lower() not in self.row.advice.lower() else ""
        return f"{provider}: {self.row.advice}{words}"


def in_words(seconds: float) -> str:
    """A wait as people say it: ``45 s``, ``12 min``, ``3 h 20 min``, ``2 days``."""
    minutes = round(seconds / 60)
    if seconds < 120:
        return f"{seconds:.0f} s"
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{round(hours / 24)} days"


SERVED = Outcome(TABLE["served"])


TOO_LONG = ("prompt_too_long", "output_too_long")
"""Outcomes on which the client acts by itself, if it reads them in Anthropic's words."""

LIMITED = ("rate_limited", "quota_spent", "model_quota_spent")
"""Outcomes of a limit that was met."""


def judge(seen: Seen, now: float) -> Outcome:
    """The outcome of what was seen. ``now`` is Unix time, for headers that give a date."""
    name = _name(seen)
    words = seen.error_message or seen.detail
    if words is None and seen.status is not None and seen.status >= 300:
        words = f"status {seen.status}"
    wait = retry_after_s(seen.headers, now) if TABLE[name].next_target else None
    if wait is None and name in LIMITED:
        wait = reset_after_s(seen.headers, now)
    if wait is None and name == "payment_required":
        wait = _regained_after_s(seen.error_message or "", now)
    return Outcome(TABLE[name], redact(_short(words)) if words else None, wait)


def _name(seen: Seen) -> str:
    if seen.phase in ("mid_stream", "end") and seen.cause not in ("client_left", "idle_timeout"):
        return "broken"
    if seen.cause is not None and seen.cause in _CAUSES:
        return _CAUSES[seen.cause]
    message = (seen.error_message or "").lower()
    if seen.cause == "error_event":
        return _refined(_ERROR_TYPES.get(seen.error_type or "", "server_error"), message, seen)
    status = seen.status or 500
    if status in _STATUSES:
        return _refined(_STATUSES[status], message, seen)
    if 300 <= status < 400:
        return "redirected"
    if 400 <= status < 500:
        return _refined("invalid_request", message, seen)
    return "overloaded" if seen.error_type == "overloaded_error" else _refined("server_error", message, seen)


def _refined(name: str, message: str, seen: Seen) -> str:
    """The particular kind of a general rejection, by its words and headers."""
    if name in ("invalid_request", "server_error") and read_excess(message) is not None:
        return "output_too_long"
    if name in ("invalid_request", "request_too_large", "server_error") and read_overflow(message) is not None:
        return "prompt_too_long"
    if name == "invalid_request" and "thinking" in message and any(words in message for words in _SIGNED):
        return "thinking_refused"
    if name in ("invalid_request", "rate_limited") and _is_spent(message, seen):
        return "payment_required"
    if name == "invalid_request" and any(words in message for words in _NO_SUCH_MODEL):
        return "model_unknown"
    if name in ("conflict", "invalid_request") and seen.headers.get("x-should-retry") == "true":
        return "repeat_asked"
    if name == "rate_limited":
        rejected = seen.headers.get("anthropic-ratelimit-unified-status") == "rejected"
        if rejected or any(words in message for words in _QUOTA):
            claim = seen.headers.get("anthropic-ratelimit-unified-representative-claim", "")
            return "model_quota_spent" if claim in _OF_ONE_MODEL else "quota_spent"
        if seen.headers.get("x-should-retry") == "false" and "retry-after" not in seen.headers:
            return "quota_spent"
    return name


def _is_spent(message: str, seen: Seen) -> bool:
    """Credit is spent, by the words of a rejection that may be of a limit that passes."""
    found = next((words for words in _SPENT if words in message), None)
    passes = "retry-after" in seen.headers or any(word in message for word in _FOR_NOW)
    return found is not None and not (found == _GOOGLES and passes)


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """How long the provider asks to wait, seconds: ``retry-after-ms``, ``retry-after`` (seconds or a date)."""
    if (wait_ms := _number(headers.get("retry-after-ms"))) is not None:
        return wait_ms / 1000
    text = headers.get("retry-after")
    wait_s = _number(text)
    return _until(text, now) if wait_s is None and text else wait_s


def _regained_after_s(message: str, now: float) -> float | None:
    """Seconds until the date that a spent limit names; without a time of day its first minute, in UTC."""
    found = _REGAINED.search(message)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00'}:00+00:00")
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - now)


def _number(text: str | None) -> float | None:
    """A finite number, not below zero."""
    try:
        number = float(text) if text else None
    except ValueError:
        return None
    return max(0.0, number) if number is not None and math.isfinite(number) else None


def _until(date: str, now: float) -> float | None:
    """Seconds until an HTTP date; one without a zone is in UTC."""
    try:
        moment = email.utils.parsedate_to_datetime(date)
        return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def error_body(error_type: str, message: str, request_id: str | None = None) -> bytes:
    """An error in Anthropic's shape."""
    body: dict[str, object] = {"type": "error", "error": {"type": error_type, "message": message}}
    if request_id:
        body["request_id"] = request_id
    return msgspec.json.encode(body)


STATUS_OF_TYPE: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The HTTP status that Anthropic's API gives an error type; any other type: 500."""


def _short(words: str, limit: int = 300) -> str:
    line = " ".join(words.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
