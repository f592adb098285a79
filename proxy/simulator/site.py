"""One simulated provider: what it answers to a request, and when. Pure, with state.

Owns the prompt cache, the count of requests and the counters of the current minute. Time comes as an argument;
waiting and sending are the transport's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from proxy.simulator import catalog, wire
from proxy.simulator.plan import Fault, SimulatorPlan, draw
from proxy.simulator.prompt_cache import PromptCache
from proxy.simulator.request import InvalidRequestError, SimRequest
from proxy.simulator.script import Answer, answer

RETRY_AFTER_S = 2
"""What a ``rate-limit`` asks the client to wait."""

QUICK_S = 0.05
"""A refusal, a count and a list are quick, but not instant."""

SPREAD = 0.2
"""Speed and first event differ from the plan by up to this share, from answer to answer."""

PAGE_DEFAULT, PAGE_MAX = 20, 1000
"""Entries of a page of models: without ``limit``, and at most."""

_STATUS_FAULTS: Mapping[Fault | None, tuple[int, str, str]] = {
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "rate-limit": (429, "rate_limit_error", "This request would exceed the simulated rate limit"),
    "refused": (401, "authentication_error", "invalid x-api-key"),
    "server-error": (500, "api_error", "Internal server error"),
}
"""Faults that are an HTTP error: status, type, message."""


@dataclass(frozen=True, slots=True)
class Step:
    """Wait, then send; without data the connection is lost there."""

    after_s: float
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Planned:
    """A whole response, laid out in time."""

    status: int
    headers: Mapping[str, str]
    head_after_s: float
    body: Iterator[Step]
    """Made step by step as it is sent."""


@dataclass(slots=True)
class _Minute:
    """What the rate limits have counted in the minute ``number``."""

    number: int = 0
    requests: int = 0
    tokens: int = 0


@dataclass(slots=True)
class Site:
    """The provider ``name``, which behaves by ``plan`` from ``started_at`` on. ``seed`` decides its draws."""

    name: str
    plan: SimulatorPlan
    started_at: float
    seed: int
    _models: tuple[catalog.SimulatedModel, ...] = field(init=False)
    _cache: PromptCache = field(init=False, default_factory=PromptCache)
    _count: int = field(init=False, default=0)
    _minute: _Minute = field(init=False, default_factory=_Minute)

    def __post_init__(self) -> None:
        self._models = catalog.listed(self.plan.models)

    def respond(self, method: str, path: str, query: Mapping[str, str], content: bytes, now: float) -> Planned:
        """The response to a request that arrives at ``now`` (Unix seconds)."""
        self._count += 1
        self._count_minute(now)
        request_id = f"req_sim{int(draw(self.seed, self.name, self._count) * 2**60):015x}"
        try:
            return self._route(method, path.rstrip("/") or "/", query, content, now, request_id)
        except InvalidRequestError as refusal:
            return self._refusal(refusal.status, refusal.kind, str(refusal), now, request_id)

    def _route(
        self, method: str, path: str, query: Mapping[str, str], content: bytes, now: float, request_id: str
    ) -> Planned:
        match method, path:
            case "POST", "/v1/messages":
                return self._messages(content, now, request_id)
            case "POST", "/v1/messages/count_tokens":
                return self._count_tokens(content, now, request_id)
            case "GET", "/v1/models":
                return self._json(self._page(query), request_id)
            case "GET", _ if path.startswith("/v1/models/"):
                return self._json(catalog.entry(self._known(path.removeprefix("/v1/models/"))), request_id)
            case "HEAD" | "GET", "/" | "/api/hello":
                return self._json({}, request_id)
            case _:
                raise InvalidRequestError(404, "not_found_error", f"Not found: {method} {path}")

    def _messages(self, content: bytes, now: float, request_id: str) -> Planned:
        fault = self.plan.fault(now - self.started_at, draw(self.seed, self.name, "fault", self._count))
        if refusal := _STATUS_FAULTS.get(fault):
            return self._refusal(*refusal, now, request_id)
        request = SimRequest(content)
        model = self._known(request.model)
        if request.tokens > model.window:
            words = f"prompt is too long: {request.tokens} tokens > {model.window} maximum"
            raise InvalidRequestError(400, "invalid_request_error", words)
        if fault == "first-event-error" and not request.streaming:
            return self._refusal(*_STATUS_FAULTS["overloaded"], now, request_id)
        return self._answered(request, model, fault, now, request_id)

    def _answered(
        self, request: SimRequest, model: catalog.SimulatedModel, fault: Fault | None, now: float, request_id: str
    ) -> Planned:
        whole = answer(request, self.plan.seed or 0)
        usage = self._cache.read(request.session, request.pieces, now)
        self._minute.tokens += usage.prompt_tokens + wire.output_tokens(whole)
        message_id = f"msg_{request_id.removeprefix('req_')}"
        first_s = self.plan.first_event_s * _spread(request.digest, "first event")
        tokens_per_s = self.plan.tokens_per_s * _spread(request.digest, "speed")
        wait_s = first_s / 2 + (self.plan.slow_s if fault == "slow" else 0.0)
        headers = self._headers(now, request_id)
        if request.streaming:
            events = wire.events(whole, model.id, message_id, usage)
            steps = _befallen(_paced(events, wait_s, tokens_per_s), fault, whole)
            labels = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
            return Planned(200, headers | labels, first_s / 2, steps)
        data = wire.body(whole, model.id, message_id, usage)
        labels = {"content-type": "application/json", "content-length": str(len(data))}
        half = [Step(0.0, data[: len(data) // 2]), Step(0.0, None)]
        steps = iter(half if fault == "break" else [Step(0.0, data)])
        return Planned(200, headers | labels, wait_s + wire.output_tokens(whole) / tokens_per_s, steps)

    def _count_tokens(self, content: bytes, now: float, request_id: str) -> Planned:
        """A count meets outages, but none of the other faults."""
        fault = self.plan.outage_fault if self.plan.in_outage(now - self.started_at) else None
        if refusal := _STATUS_FAULTS.get(fault):
            return self._refusal(*refusal, now, request_id)
        request = SimRequest(content, counting=True)
        self._known(request.model)
        return self._json({"input_tokens": request.tokens}, request_id)

    def _page(self, query: Mapping[str, str]) -> Mapping[str, object]:
        limit = query.get("limit", str(PAGE_DEFAULT))
        if not limit.isdecimal() or not 1 <= int(limit) <= PAGE_MAX:
            raise InvalidRequestError(400, "invalid_request_error", f"limit: must be between 1 and {PAGE_MAX}")
        return catalog.page(self._models, int(limit), query.get("after_id"), query.get("before_id"))

    def _known(self, model_id: str) -> catalog.SimulatedModel:
        model = catalog.find(model_id, self._models)
        if model is None:
            raise InvalidRequestError(404, "not_found_error", f"model: {model_id}")
        return model

    def _refusal(self, status: int, kind: str, message: str, now: float, request_id: str) -> Planned:
        data = wire.error(kind, message, request_id)
        headers = self._headers(now, request_id) | {"content-type": "application/json"}
        if kind == "rate_limit_error":
            headers |= {"retry-after": str(RETRY_AFTER_S), "anthropic-ratelimit-requests-remaining": "0"}
        return Planned(status, headers | {"content-length": str(len(data))}, QUICK_S, iter([Step(0.0, data)]))

    def _json(self, value: Mapping[str, object], request_id: str) -> Planned:
        data = msgspec.json.encode(value)
        headers = {
            "content-type": "application/json",
            "content-length": str(len(data)),
            "request-id": request_id,
        }
        return Planned(200, headers, QUICK_S, iter([Step(0.0, data)]))

    def _headers(self, now: float, request_id: str) -> dict[str, str]:
        return {"request-id": request_id} | wire.limit_headers(self._minute.requests, self._minute.tokens, now)

    def _count_minute(self, now: float) -> None:
        if self._minute.number != (number := int(now // 60)):
            self._minute = _Minute(number)
        self._minute.requests += 1


def _spread(digest: str, what: str) -> float:
    return 1 - SPREAD + 2 * SPREAD * draw(digest, what)


def _paced(events: Iterator[wire.Event], first_s: float, tokens_per_s: float) -> Iterator[Step]:
    """``events`` in time: the preamble at once, the first meaningful event after ``first_s``, the rest in pace."""
    for number, event in enumerate(events):
        wait_s = first_s if number == wire.PREAMBLE_EVENTS else 0.0
        yield Step(wait_s + event.tokens / tokens_per_s, event.data)


def _befallen(steps: Iterator[Step], fault: Fault | None, whole: Answer) -> Iterator[Step]:
    """``steps`` until ``fault`` happens to them."""
    if fault == "first-event-error":
        yield Step(0.0, wire.error_event("overloaded_error", "Overloaded"))
        return
    left = wire.output_tokens(whole) // 3 + 4 if fault == "break" else None
    for step in steps:
        yield step
        if left is not None:
            left -= 1
            if left <= 0:
                yield Step(0.0, None)
                return
