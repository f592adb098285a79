"""The table of outcomes as a provider's deeds: one entry for each line and each phase in which it can occur.

``Line.streams`` tells which kind of request meets it; ``given`` whose words the client reads where nobody serves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, assert_never

from proxy.protocol.outcome import TABLE, Row
from proxy.protocol.outcome import error_body as engine_error
from proxy.protocol.sse import write_event
from tests.upstreams import (
    HALF_A_HEAD,
    HANG_UP,
    SILENCE,
    Answer,
    Break,
    Hold,
    Raw,
    Reply,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    error_event,
    message_body,
    message_events,
    redirect,
)

EVENTS = message_events("one two three")
STARTED = b"".join(EVENTS[:5])
"""What reached the client of a stream that fails in its middle."""
HTML = b"<!doctype html><title>Welcome</title>"
PATIENCE_S = 1.0
"""Of the engine, with a provider that says nothing: enough for fifty requests at once to reach it on a busy machine."""

Given = Literal["provider", "engine", "typed", "broken", "as it came"]
"""``provider``: its own body; ``engine``: the engine's sentence; ``typed``: a proper error for what came under
a 200; ``broken``: a started stream and the engine's error event; ``as it came``: all that the provider sent."""


@dataclass(frozen=True, slots=True)
class Line:
    outcome: str
    answer: Answer
    given: Given = "provider"
    status: int | None = None
    """What the provider's head says; None: none came."""
    told: int | None = None
    """What the client gets where no other target serves; None: as the table says."""
    streams: tuple[bool, ...] = (True, False)

    @property
    def row(self) -> Row:
        return TABLE[self.outcome]

    @property
    def client_status(self) -> int:
        return self.told or (self.status if self.given == "provider" and self.status else self.row.status)

    @property
    def began(self) -> bool:
        """Something had reached the client."""
        return self.given in ("broken", "as it came")

    @property
    def silent(self) -> bool:
        return self.outcome in ("first_event_timeout", "idle_timeout")


def refusal(status: int, outcome: str, kind: str, words: str, *headers: tuple[str, str]) -> Line:
    return Line(outcome, as_json(error_body(kind, words), status, headers), status=status)


def under_200(outcome: str, answer: Answer, given: Given = "engine", told: int | None = None) -> Line:
    return Line(outcome, answer, given, 200, told, (True,))


def whole(outcome: str, answer: Answer, given: Given = "engine", told: int | None = None) -> Line:
    return Line(outcome, answer, given, 200, told, (False,))


UNIFIED = (
    ("anthropic-ratelimit-unified-status", "rejected"),
    ("anthropic-ratelimit-unified-representative-claim", "five_hour"),
    ("anthropic-ratelimit-unified-5h-utilization", "1.0"),
    ("anthropic-ratelimit-unified-5h-reset", "4000000000"),
)
OPUS_WEEK = (
    ("anthropic-ratelimit-unified-status", "rejected"),
    ("anthropic-ratelimit-unified-representative-claim", "seven_day_opus"),
    ("anthropic-ratelimit-unified-7d-utilization", "1.0"),
    ("anthropic-ratelimit-unified-7d-reset", "4000000000"),
)
INVALID = "invalid_request_error"
LIMIT = "rate_limit_error"
TYPED = {
    "overloaded": ("overloaded_error", "Overloaded"),
    "rate_limited": (LIMIT, "x"),
    "server_error": ("api_error", "x"),
}
"""What the errors under a 200 say."""
HALF_BODY = message_body()[:40]

AT_HEADERS: Mapping[str, Line] = {
    "a dropped connection": Line("connection_lost", HANG_UP, "engine"),
    "silence": Line("first_event_timeout", SILENCE, "engine"),
    "half a head": Line("first_event_timeout", HALF_A_HEAD, "engine"),
    "a redirect": Line("redirected", redirect("/elsewhere"), "engine", 307),
    "400": refusal(400, "invalid_request", INVALID, "no"),
    "400 for an unknown field": refusal(400, "invalid_request", INVALID, "nosuch: Extra inputs are not permitted"),
    "400 for a long prompt": refusal(400, "prompt_too_long", INVALID, "prompt is too long: 9 tokens > 8 maximum"),
    "400 for a long answer": refusal(
        400, "output_too_long", INVALID, "input length and `max_tokens` exceed context limit: 9 + 9 > 10"
    ),
    "400 for spent credit": refusal(400, "payment_required", INVALID, "Your credit balance is too low"),
    "401": refusal(401, "key_refused", "authentication_error", "invalid x-api-key"),
    "402": refusal(402, "payment_required", "billing_error", "pay"),
    "403": refusal(403, "forbidden", "permission_error", "no"),
    "404": refusal(404, "model_unknown", "not_found_error", "model: nosuch"),
    "408": refusal(408, "request_timeout", "timeout_error", "slow"),
    "409": refusal(409, "conflict", "conflict_error", "no"),
    "413": refusal(413, "request_too_large", "request_too_large", "no"),
    "422": refusal(422, "invalid_request", INVALID, "no"),
    "429": refusal(429, "rate_limited", LIMIT, "slow down", ("retry-after", "30")),
    "429 of a plan": refusal(429, "quota_spent", LIMIT, "limit reached", *UNIFIED),
    "429 of a plan for one model": refusal(429, "model_quota_spent", LIMIT, "limit reached", *OPUS_WEEK),
    "429 that a repeat does not mend": refusal(429, "quota_spent", LIMIT, "no", ("x-should-retry", "false")),
    "429 that may be repeated": refusal(429, "rate_limited", LIMIT, "no", ("x-should-retry", "true")),
    "409 that may be repeated": refusal(409, "repeat_asked", "conflict_error", "no", ("x-should-retry", "true")),
    "500": refusal(500, "server_error", "api_error", "oops"),
    "502 in HTML": Line("server_error", Reply(502, (("content-type", "text/html"),), HTML), status=502),
    "503": refusal(503, "overloaded", "overloaded_error", "Overloaded"),
    "504": refusal(504, "server_error", "timeout_error", "late"),
    "529": refusal(529, "overloaded", "overloaded_error", "Overloaded"),
    "529 without a body": Line("overloaded", Reply(529, framing="length"), "engine", 529),
}
AT_FIRST_EVENT: Mapping[str, Line] = {
    "an error event": under_200("overloaded", as_stream(error_event()), "typed"),
    "a rate limit as an event": under_200("rate_limited", as_stream(EVENTS[0], error_event(LIMIT, "x")), "typed"),
    "an api_error event": under_200("server_error", as_stream(EVENTS[0], error_event("api_error", "x")), "typed"),
    "an empty 200": under_200("empty_answer", Reply()),
    "an empty stream": under_200("empty_answer", as_stream()),
    "only message_start": under_200("empty_answer", as_stream(EVENTS[0])),
    "HTML": under_200("not_an_answer", as_stream(HTML)),
    "a break after message_start": under_200("connection_lost", as_stream(EVENTS[0], Break())),
    "silence after the head": under_200("first_event_timeout", as_stream(EVENTS[0], Hold())),
    "an error in JSON": under_200("overloaded", as_json(error_body("overloaded_error", "Overloaded")), "typed"),
}
AS_A_WHOLE: Mapping[str, Line] = {
    "an empty body": whole("empty_answer", as_json(b"")),
    "HTML for JSON": whole("not_an_answer", as_json(HTML)),
    "an error under 200": whole("overloaded", as_json(error_body("overloaded_error", "Overloaded")), "typed"),
    "half a body": whole("connection_lost", as_stream(HALF_BODY, Break())),
    "a body that never ends": whole("first_event_timeout", as_stream(HALF_BODY, Hold())),
}
IN_MID_STREAM: Mapping[str, Line] = {
    "a break": under_200("broken", as_stream(STARTED, Break()), "broken", 200),
    "silence in mid-stream": under_200("idle_timeout", as_stream(STARTED, Hold()), "broken", 200),
    "an error event in mid-stream": under_200("broken", as_stream(STARTED, error_event()), "as it came", 200),
}
AT_THE_END: Mapping[str, Line] = {
    "no last event": under_200("broken", as_stream(STARTED), "broken", 200),
    "a body below its told length": under_200(
        "broken",
        Raw([b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99999\r\n\r\n" + STARTED]),
        "broken",
        200,
    ),
}
LINES: Mapping[str, Line] = {**AT_HEADERS, **AT_FIRST_EVENT, **AS_A_WHOLE, **IN_MID_STREAM, **AT_THE_END}

CASES = [(name, stream) for name, line in LINES.items() for stream in line.streams]
"""Each line with each kind of request that can meet it."""
IDS = [f"{name}, {'streaming' if stream else 'whole'}" for name, stream in CASES]


def serving(upstream: ScriptedUpstream, text: str = "Hello from the second.") -> None:
    """Let ``upstream`` answer as it is asked, streaming or whole."""
    upstream.script = lambda call: (
        as_stream(*message_events(text)) if b'"stream":true' in call.body else as_json(message_body(text))
    )


def served(text: str = "Hello from the second.", *, stream: bool) -> bytes:
    """What ``serving`` sends."""
    return b"".join(message_events(text)) if stream else message_body(text)


def own_body(line: Line, reason: str) -> bytes | dict[str, object]:
    """What the client gets of ``line`` where nobody else serves, byte for byte (``typed``: as JSON). ``reason`` is
    the record's sentence."""
    answer = line.answer
    body = answer.body if isinstance(answer, Reply) else b""
    match line.given:
        case "provider" | "as it came":
            return body if isinstance(body, bytes) else b"".join(step for step in body if isinstance(step, bytes))
        case "engine":
            return engine_error(line.row.error_type, reason)
        case "typed":
            kind, words = TYPED[line.outcome]
            found: dict[str, object] = {"type": "error", "error": {"type": kind, "message": words}}
            return found | ({"request_id": "req_scripted01"} if isinstance(body, bytes) else {})
        case "broken":
            error = {"type": line.row.error_type, "message": reason}
            return STARTED + write_event("error", {"type": "error", "error": error})
        case _:
            assert_never(line.given)
