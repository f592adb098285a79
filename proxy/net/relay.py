"""The relay: takes a request to its targets, one attempt after the other, and the answer back.

Bytes go to the client first and are looked at second; nothing that the look finds can hold them up. Until the
first meaningful event of a stream nothing has reached the client and the next target may be tried; from then on
the stream belongs to its target. What an outcome means is decided in ``protocol.outcome``, where a request goes
in ``protocol.routing``; the relay only acts.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import httpx
import msgspec

from proxy import contract as c
from proxy.net.client import JSON_TYPE, STREAM_TYPE, Client, Header
from proxy.net.credentials import Credentials, NoCredential, credential_headers, is_subscription
from proxy.net.exchange import Capture, Exchange
from proxy.net.headers import lower_headers, reply_headers, request_headers
from proxy.net.upstream import Body, UpstreamFault, Upstreams, read_body, read_chunks
from proxy.protocol.outcome import SERVED, STATUS_OF_TYPE, TABLE, Outcome, Phase, Seen, error_body, judge
from proxy.protocol.routing import Asked, NoTarget, Target, chain_after, decide
from proxy.protocol.usage import AnswerFacts, AnswerTap, nano_usd, read_message
from proxy.protocol.whole import message_of, stream_of
from proxy.providers import ProviderConfig

log = logging.getLogger(__name__)

ANSWER_BYTES_MAX = 64 * 1024 * 1024
ERROR_BYTES_MAX = 4 * 1024 * 1024

HOLD_S = 10.0
"""A stream that began and pings, but brings nothing else for so long, is passed on: the client grows uneasy
after 20 s without a byte, and a provider that pings for 10 s is at work."""


class Surroundings(Protocol):
    """What the relay needs of the engine; also the ``Catalog`` of routing."""

    @property
    def route(self) -> c.Route: ...

    @property
    def providers(self) -> Mapping[str, ProviderConfig]: ...

    @property
    def credentials(self) -> Credentials: ...

    @property
    def upstreams(self) -> Upstreams: ...

    @property
    def local_token(self) -> str: ...

    def provider_names(self) -> Sequence[str]: ...

    def model_ids(self, provider: str) -> Sequence[str]: ...

    def provider_in_force(self) -> str:
        """The provider of all traffic that nothing more specific sends elsewhere."""
        ...

    def note_outcome(self, provider: str, outcome: Outcome, headers: Mapping[str, str]) -> None:
        """An attempt ended: it tells of its provider's health and limits."""

    def ended(self, exchange: Exchange) -> None:
        """The request is over: price it, record it, tell the panels."""

    def estimate_tokens(self, exchange: Exchange) -> int:
        """Input tokens of a body that no provider counts for us."""
        ...


class AnswerBroke(Exception):
    """An answer that cannot be ended properly: the server closes the client's connection."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that did not serve, and the answer that the client gets if it stays the last word."""

    outcome: Outcome
    status: int
    body: bytes
    headers: tuple[Header, ...] = (JSON_TYPE,)
    from_provider: bool = False
    """The answer is the provider's own."""


@dataclass(slots=True)
class Attempt:
    """One try of an exchange at one target, while it lasts."""

    exchange: Exchange
    client: Client
    provider: ProviderConfig
    target: Target
    deadline: float
    """By the loop's clock: patience for the first event, or for the whole of an answer that does not stream."""
    response: httpx.Response | None = None

    def failed(self, seen: Seen) -> Failure:
        """The failure that ``seen`` is, answered by the engine itself."""
        outcome = judge(seen, time.time())
        return Failure(outcome, outcome.row.status, error_body(outcome.row.error_type, self.says(outcome)))

    def says(self, outcome: Outcome) -> str:
        return outcome.sentence(self.provider.name)


class _Count(msgspec.Struct):
    """What a provider answers to ``count_tokens``."""

    input_tokens: int


Answer = Callable[[Attempt, httpx.Response], Awaitable[Failure | None]]


class Relay:
    """Serves requests. Each ends in exactly one answer or error, and in one record."""

    def __init__(self, surroundings: Surroundings, answer_timeout_s: float) -> None:
        self._in = surroundings
        self._answer_timeout_s = answer_timeout_s

    async def messages(self, exchange: Exchange, client: Client) -> None:
        """``POST /v1/messages``"""
        async with self._recorded(exchange, client):
            failures: list[Failure] = []
            for target in self._targets(exchange):
                failure = await self._attempt(exchange, client, target, self._relay_message)
                if failure is None:
                    return
                failures.append(failure)
                if not failure.outcome.row.next_target:
                    break
            await self._give_up(exchange, client, failures)

    async def count_tokens(self, exchange: Exchange, client: Client) -> None:
        """``POST /v1/messages/count_tokens``: by the provider where it can, else by an estimate."""
        async with self._recorded(exchange, client):
            target = self._targets(exchange)[0]
            provider = self._in.providers[target.provider]
            if provider.count_tokens:
                failure = await self._attempt(exchange, client, target, self._relay_count)
                if failure is None:
                    return
                if failure.from_provider and failure.outcome.name in ("invalid_request", "prompt_too_long"):
                    await self._give_up(exchange, client, [failure])
                    return
            exchange.provider, exchange.target_model = provider.name, target.model
            exchange.simulated = provider.simulated
            exchange.usage_estimated = True
            exchange.outcome, exchange.status, exchange.error = "served", 200, None
            await client.answer(200, b'{"input_tokens":%d}' % self._in.estimate_tokens(exchange))

    async def passthrough(self, exchange: Exchange, client: Client) -> None:
        """Any other path under ``/v1/``: to the provider of the route, nothing changed, no fallback."""
        async with self._recorded(exchange, client):
            name = self._in.provider_in_force()
            if name not in self._in.providers:
                raise NoTarget(f"The default provider {name!r} does not exist; cctui providers lists those that do.")
            failure = await self._attempt(exchange, client, Target(name, ""), self._relay_raw)
            if failure is not None:
                await self._give_up(exchange, client, [failure])

    @contextlib.asynccontextmanager
    async def _recorded(self, exchange: Exchange, client: Client) -> AsyncIterator[None]:
        """Whatever happens inside, the exchange ends once, with an outcome."""
        try:
            yield
        except NoTarget as refusal:
            exchange.outcome, exchange.status, exchange.error = "failed", 404, str(refusal)
            await client.refuse(404, "not_found_error", str(refusal))
        except asyncio.CancelledError:
            if client.left:
                exchange.outcome = "cancelled"
            else:
                exchange.outcome, exchange.error = "broken", "the engine stopped before the answer ended"
                if exchange.kind == "messages" or not client.started:
                    await client.break_off("overloaded_error", "The cctui engine stopped. Send the request again.")
            raise
        finally:
            exchange.ended_at = time.monotonic()
            exchange.phase = "done"
            exchange.outcome = exchange.outcome or "failed"
            self._in.ended(exchange)

    def _targets(self, exchange: Exchange) -> list[Target]:
        identity = exchange.identity
        asked = Asked(exchange.asked_model or "", identity.session, identity.agent)
        decision = decide(self._in.route, asked, self._in)
        exchange.why = decision.why
        return [decision.target, *chain_after(self._in.route, decision.target, asked, self._in)]

    async def _attempt(self, exchange: Exchange, client: Client, target: Target, answer: Answer) -> Failure | None:
        """Try one target. None: the client was served, or its answer broke off; else why not."""
        provider = self._in.providers[target.provider]
        began = time.monotonic()
        patience = provider.first_event_timeout_s if exchange.streaming else self._answer_timeout_s
        attempt = Attempt(exchange, client, provider, target, asyncio.get_running_loop().time() + patience)
        exchange.provider, exchange.target_model = target.provider, target.model or None
        exchange.simulated, exchange.facts, exchange.capture = provider.simulated, AnswerFacts(), Capture()
        exchange.attempts.append(c.Attempt(provider=target.provider, model=target.model, outcome="trying"))
        exchange.dirty = True
        failure: Failure | None = None
        outcome = Outcome(TABLE["client_left"])
        try:
            failure = await self._send(attempt, answer)
            outcome = failure.outcome if failure else _outcome_of(attempt)
        finally:
            response = attempt.response
            if response is not None:
                await _close(response)
            exchange.attempts[-1] = _ended_attempt(exchange.attempts[-1], attempt, outcome, time.monotonic() - began)
            exchange.dirty = True
            self._in.note_outcome(provider.name, outcome, lower_headers(response) if response is not None else {})
        return failure

    async def _send(self, attempt: Attempt, answer: Answer) -> Failure | None:
        exchange, provider = attempt.exchange, attempt.provider
        try:
            headers = await self._headers(exchange, provider)
            url = f"{provider.base_url}{exchange.path}{exchange.query}"
            async with asyncio.timeout_at(attempt.deadline):
                attempt.response = await self._in.upstreams.send(
                    provider, exchange.method, url, headers, _body_for(exchange, attempt.target)
                )
            exchange.headers_at = time.monotonic()
            if attempt.response.status_code >= 300:
                return await _rejected(attempt, attempt.response)
            return await answer(attempt, attempt.response)
        except NoCredential as error:
            return attempt.failed(Seen("connect", cause="no_credential", detail=str(error)))
        except UpstreamFault as fault:
            return attempt.failed(Seen("connect", cause=fault.cause, detail=fault.detail))
        except TimeoutError:
            return attempt.failed(Seen("first_event", cause="first_event_timeout"))

    async def _headers(self, exchange: Exchange, provider: ProviderConfig) -> list[Header]:
        """Raises ``NoCredential``."""
        key = await self._in.credentials.key_of(provider) if provider.keys else None
        credential = credential_headers(provider, key, exchange.raw_headers, self._in.local_token)
        exchange.subscription = provider.auth == "passthrough" and is_subscription([*exchange.raw_headers, *credential])
        added = [
            (name.lower().encode(), (await self._in.credentials.resolve(value)).encode())
            for name, value in provider.headers.items()
        ]
        return request_headers(exchange.raw_headers, credential, added)

    async def _relay_message(self, attempt: Attempt, response: httpx.Response) -> Failure | None:
        if attempt.exchange.streaming:
            return await self._relay_stream(attempt, response)
        return await self._relay_whole(attempt, response)

    async def _relay_stream(self, attempt: Attempt, response: httpx.Response) -> Failure | None:
        chunks = read_chunks(response)
        tap = AnswerTap()
        attempt.exchange.facts = tap.facts
        async with asyncio.timeout_at(attempt.deadline):
            held = await _hold(chunks, tap, attempt.exchange, response)
        if isinstance(held, Seen):
            return _first_event_error(attempt, tap, response) if tap.failed else attempt.failed(held)
        await _commit(attempt, held, response)
        seen = await _pump(attempt, chunks, tap)
        await _finish_stream(attempt, tap, seen)
        return None

    async def _relay_whole(self, attempt: Attempt, response: httpx.Response) -> Failure | None:
        """An answer that does not stream is read to its end first: half of it is of no use to the client."""
        exchange, client = attempt.exchange, attempt.client
        async with asyncio.timeout_at(attempt.deadline):
            body = await read_body(response, ANSWER_BYTES_MAX)
        if not body:
            return attempt.failed(Seen("first_event", cause="empty"))
        headers = reply_headers(response)
        facts = read_message(body)
        if facts is None and (message := message_of(body)) is not None:
            body, facts, headers = message, read_message(message), _relabelled(response, JSON_TYPE)
        if facts is None:
            return attempt.failed(Seen("first_event", cause="not_a_stream", detail=_start_of(body)))
        exchange.facts = facts
        if facts.error_type is not None:
            return _error_in_disguise(attempt, body, response)
        if (reported := nano_usd(response.headers.get("x-litellm-response-cost"))) and not facts.reported_nano_usd:
            facts.reported_nano_usd = reported
        _note_commit(exchange, response.status_code)
        exchange.output_bytes = len(body)
        exchange.capture.add(body)
        exchange.outcome = "served"
        await client.answer(response.status_code, body, headers)
        return None

    async def _relay_count(self, attempt: Attempt, response: httpx.Response) -> Failure | None:
        async with asyncio.timeout_at(attempt.deadline):
            body = await read_body(response, ERROR_BYTES_MAX)
        if not _is_count(body):
            return attempt.failed(Seen("first_event", cause="not_a_stream", detail=_start_of(body)))
        _note_commit(attempt.exchange, response.status_code)
        attempt.exchange.outcome = "served"
        await attempt.client.answer(response.status_code, body, reply_headers(response))
        return None

    async def _relay_raw(self, attempt: Attempt, response: httpx.Response) -> Failure | None:
        """Whatever it is, byte by byte. A provider that breaks off breaks the client's connection too."""
        exchange, client = attempt.exchange, attempt.client
        _note_commit(exchange, response.status_code)
        await client.start(response.status_code, reply_headers(response))
        try:
            async for chunk in read_chunks(response):
                exchange.output_bytes += len(chunk)
                await client.write(chunk)
        except UpstreamFault as fault:
            outcome = judge(Seen("mid_stream", cause=fault.cause, detail=fault.detail), time.time())
            exchange.outcome, exchange.error = "broken", attempt.says(outcome)
            raise AnswerBroke(exchange.error) from fault
        exchange.outcome = "served"
        await client.end()
        return None

    async def _give_up(self, exchange: Exchange, client: Client, failures: Sequence[Failure]) -> None:
        """No target is left: the client gets the first target's own answer, or the first that there is."""
        own = [failure for failure in failures if failure.from_provider]
        told = own[0] if own else failures[0]
        exchange.outcome, exchange.status = "failed", told.status
        exchange.error = " · ".join(dict.fromkeys(each.reason for each in exchange.attempts if each.reason))
        exchange.facts = AnswerFacts()
        await client.answer(told.status, told.body, told.headers)


async def _hold(
    chunks: AsyncIterator[bytes], tap: AnswerTap, exchange: Exchange, response: httpx.Response
) -> list[bytes] | Seen:
    """Read until the stream commits. What was read, or what came instead of a stream."""
    held: list[bytes] = []
    began = time.monotonic()
    async for chunk in chunks:
        held.append(chunk)
        exchange.capture.add(chunk)
        _look(tap, chunk)
        if tap.failed and not tap.meaningful:
            return Seen("first_event", status=response.status_code, cause="error_event")
        if tap.broken:
            return Seen("first_event", cause="not_a_stream")
        if tap.meaningful or (tap.facts.message_id and time.monotonic() - began > HOLD_S):
            return held
    tap.end()
    if tap.meaningful:
        return held
    body = b"".join(held)
    if not body.strip() or tap.facts.message_id or _is_stream(response, body):
        return Seen("first_event", cause="empty")
    facts = read_message(body)
    if facts is not None and facts.error_type is not None:
        tap.facts.error_type, tap.facts.error_message = facts.error_type, facts.error_message
        return Seen("first_event", status=response.status_code, cause="error_event")
    if (stream := stream_of(body)) is not None:
        _look(tap, stream)
        return [stream]
    return Seen("first_event", cause="not_a_stream", detail=_start_of(body))


async def _commit(attempt: Attempt, held: list[bytes], response: httpx.Response) -> None:
    """From here on the stream belongs to this target."""
    exchange = attempt.exchange
    _note_commit(exchange, response.status_code)
    exchange.output_bytes = sum(map(len, held))
    start = b"".join(held)
    labelled = response.headers.get("content-type", "").startswith("application/json")
    headers = _relabelled(response, STREAM_TYPE) if labelled else reply_headers(response)
    await attempt.client.start(response.status_code, headers)
    await attempt.client.write(start)


async def _pump(attempt: Attempt, chunks: AsyncIterator[bytes], tap: AnswerTap) -> Seen | None:
    """Pass the rest of a stream on. None: the provider ended it; else what ended it. The hot path."""
    exchange, write, capture = attempt.exchange, attempt.client.write, attempt.exchange.capture.add
    clock, patience = asyncio.get_running_loop().time, attempt.provider.idle_timeout_s
    try:
        async with asyncio.timeout(patience) as timer:
            async for chunk in chunks:
                timer.reschedule(None)
                await write(chunk)
                timer.reschedule(clock() + patience)
                _look(tap, chunk)
                capture(chunk)
                exchange.output_bytes += len(chunk)
                if exchange.first_text_at is None and tap.text_seen:
                    exchange.first_text_at = time.monotonic()
                exchange.dirty = True
    except UpstreamFault as fault:
        return Seen("mid_stream", cause="closed_early", detail=fault.detail)
    except TimeoutError:
        return Seen("mid_stream", cause="idle_timeout")
    return None


async def _finish_stream(attempt: Attempt, tap: AnswerTap, seen: Seen | None) -> None:
    exchange, client = attempt.exchange, attempt.client
    mid_line = tap.mid_line
    if seen is None:
        tap.end()
    if exchange.first_text_at is None and tap.text_seen:
        exchange.first_text_at = exchange.first_event_at
    if tap.ended:
        exchange.outcome = "served"
        await client.end()
        return
    exchange.outcome = "broken"
    if tap.failed:
        words = tap.facts.error_message
        exchange.error = attempt.says(judge(Seen("mid_stream", error_message=words), time.time()))
        await client.end()
        return
    seen = seen or Seen("end", cause="closed_early", detail="the stream ended without its last event")
    outcome = judge(seen, time.time())
    exchange.error = attempt.says(outcome)
    await client.break_off(outcome.row.error_type, exchange.error, mid_line=mid_line)


async def _rejected(attempt: Attempt, response: httpx.Response) -> Failure:
    """An error status: the provider's own answer, judged."""
    async with asyncio.timeout_at(attempt.deadline):
        try:
            body = await read_body(response, ERROR_BYTES_MAX)
        except UpstreamFault as fault:
            log.info("%s broke off its error answer: %s", attempt.provider.name, fault.detail)
            body = b""
    if response.status_code < 400:
        return attempt.failed(Seen("headers", cause="redirect", detail=response.headers.get("location")))
    facts = read_message(body) or AnswerFacts()
    seen = Seen(
        "headers",
        status=response.status_code,
        headers=lower_headers(response),
        error_type=facts.error_type,
        error_message=facts.error_message,
    )
    outcome = judge(seen, time.time())
    if not body:
        body = error_body(outcome.row.error_type, attempt.says(outcome))
        return Failure(outcome, response.status_code, body, from_provider=True)
    return Failure(outcome, response.status_code, body, tuple(reply_headers(response)), from_provider=True)


def _first_event_error(attempt: Attempt, tap: AnswerTap, response: httpx.Response) -> Failure:
    """A stream that begins with an error: the client cannot read it, so it becomes a proper error answer."""
    kind = tap.facts.error_type or "api_error"
    body = error_body(kind, tap.facts.error_message or "", response.headers.get("request-id"))
    return _disguised(attempt, kind, tap.facts.error_message, body, response, "first_event")


def _error_in_disguise(attempt: Attempt, body: bytes, response: httpx.Response) -> Failure:
    """An error body under a status that says success."""
    facts = attempt.exchange.facts
    return _disguised(attempt, facts.error_type or "api_error", facts.error_message, body, response, "headers")


def _disguised(
    attempt: Attempt, kind: str, message: str | None, body: bytes, response: httpx.Response, phase: Phase
) -> Failure:
    headers = lower_headers(response)
    seen = Seen(phase, headers=headers, error_type=kind, error_message=message, cause="error_event")
    kept = [
        (name, value)
        for name, value in reply_headers(response)
        if name not in (b"content-type", b"content-length", b"cache-control")
    ]
    outcome = judge(seen, time.time())
    return Failure(outcome, STATUS_OF_TYPE.get(kind, 500), body, (JSON_TYPE, *kept), from_provider=True)


def _relabelled(response: httpx.Response, label: Header) -> list[Header]:
    """The provider's headers for a body that is not what its label says, or was turned into what was asked."""
    return [label, *(each for each in reply_headers(response) if each[0] not in (b"content-type", b"content-length"))]


def _outcome_of(attempt: Attempt) -> Outcome:
    """How an attempt ended that reached the client."""
    if attempt.exchange.outcome != "broken":
        return SERVED
    return Outcome(TABLE["broken"], attempt.exchange.error)


def _ended_attempt(shown: c.Attempt, attempt: Attempt, outcome: Outcome, duration_s: float) -> c.Attempt:
    """The attempt's last word for the trail."""
    reason = None if outcome.name in ("served", "client_left") else attempt.says(outcome)
    if outcome.name == "broken":
        reason = attempt.exchange.error
    return c.Attempt(
        provider=shown.provider,
        model=shown.model,
        outcome=outcome.name,
        status=attempt.response.status_code if attempt.response is not None else None,
        reason=reason,
        duration_ms=round(duration_s * 1000, 3),
    )


def _body_for(exchange: Exchange, target: Target) -> Body:
    """The client's bytes, with the target's model where it is another one."""
    if exchange.body is None or not target.model or target.model == exchange.body.model:
        return exchange.raw_body
    return exchange.body.pieces_with_model(target.model)


def _note_commit(exchange: Exchange, status: int) -> None:
    exchange.first_event_at = time.monotonic()
    exchange.phase, exchange.status, exchange.reply_started = "streaming", status, True
    exchange.dirty = True


def _look(tap: AnswerTap, chunk: bytes) -> None:
    """Let the tap read. Whatever goes wrong there, the stream goes on."""
    try:
        tap.feed(chunk)
    except Exception:
        log.exception("an answer could not be read; it is passed on all the same")


def _is_stream(response: httpx.Response, body: bytes) -> bool:
    start = body.lstrip()[:6]
    labelled = response.headers.get("content-type", "").startswith("text/event-stream")
    return start.startswith((b"event:", b"data:", b":")) or (labelled and not start.startswith((b"{", b"[", b"<")))


def _is_count(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=_Count)
    except msgspec.DecodeError:
        return False
    return True


def _start_of(body: bytes) -> str:
    return "it starts with " + repr(body[:60].decode(errors="replace"))


async def _close(response: httpx.Response) -> None:
    """Closing an unfinished response closes its connection: the provider stops at once."""
    try:
        await response.aclose()
    except (httpx.TransportError, OSError) as error:
        log.debug("closing a response: %s", error)
