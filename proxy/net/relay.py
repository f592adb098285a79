"""The relay: takes a request to its targets, one attempt after the other, until one serves.

Where a request goes is decided in ``protocol.routing``, what an outcome means in ``protocol.outcome``, whether a
target may be tried in ``health``; how one attempt runs is ``net.attempt``. The relay only goes from one to the next,
within a bound of attempts and of time, and makes sure that each request ends in exactly one answer and one record.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Sequence

import httpx
import msgspec

from proxy import contract as c
from proxy.dialects.dialect import CannotTake
from proxy.health import Admitted, Closed
from proxy.net.answers import relay_count, relay_message, relay_raw
from proxy.net.attempt import CLIENT_WAITS_S, Attempt, Failure, Parcel, close, ended_attempt
from proxy.net.client import Client, Header
from proxy.net.credentials import NoCredential, client_credential, credential_headers, is_subscription
from proxy.net.exchange import Capture, Exchange
from proxy.net.failures import rejected
from proxy.net.headers import lower_headers, request_headers, without_betas
from proxy.net.last_word import last_word
from proxy.net.searching import NoWeb, WebWork
from proxy.net.surroundings import Surroundings
from proxy.net.upstream import UpstreamFault
from proxy.protocol.budget import OverBudget
from proxy.protocol.outcome import TABLE, Outcome, Seen, error_body
from proxy.protocol.overflow import Overflow, Room, client_sentence
from proxy.protocol.redact import fingerprint, mask
from proxy.protocol.routing import Asked, NoTarget, Target, chain_after, decide
from proxy.protocol.usage import AnswerFacts
from proxy.providers import ProviderConfig

ATTEMPTS_MAX = 8
"""Tries of one request: the client repeats it about as often, and the two multiply."""
TRYING_S = 240.0
"""No further target is tried after so long."""

COUNTS_AGAIN_S = 3600.0
"""A target that could not count tokens is not asked for so long: each time would be a way there and back in vain."""

OVER_BUDGET = (402, "billing_error")
"""Claude Code 2.1.329 shows it and leaves it at that; a 400 it repeats five times without features of its own."""

Answer = Callable[[Attempt, httpx.Response], Awaitable[Failure | None]]


class Relay:
    """Serves requests. Each ends in exactly one answer or error, and in one record."""

    def __init__(self, surroundings: Surroundings, answer_timeout_s: float) -> None:
        self._in = surroundings
        self._answer_timeout_s = answer_timeout_s
        self._trying: set[Attempt] = set()
        self._signs: set[asyncio.Task[None]] = set()
        self._counts_again: dict[Target, float] = {}
        """Monotonic seconds, of targets that could not count."""

    async def messages(self, exchange: Exchange, client: Client) -> None:
        """``POST /v1/messages``"""
        await self._recorded(exchange, client, self._messages(exchange, client))

    async def count_tokens(self, exchange: Exchange, client: Client) -> None:
        """``POST /v1/messages/count_tokens``: by the provider where it can, else by an estimate."""
        await self._recorded(exchange, client, self._count_tokens(exchange, client))

    async def passthrough(self, exchange: Exchange, client: Client) -> None:
        """Any other path under ``/v1/``: to the provider of the route, nothing changed, no fallback."""
        await self._recorded(exchange, client, self._passthrough(exchange, client))

    def keep_alive(self) -> None:
        """Send a sign of life into every stream that has been silent for long. Called every second or so."""
        now = asyncio.get_running_loop().time()
        for attempt in [each for each in self._trying if each.silent(now)]:
            sign = asyncio.create_task(attempt.keep_alive(now), name="sign of life")
            self._signs.add(sign)
            sign.add_done_callback(self._signs.discard)

    async def _recorded(self, exchange: Exchange, client: Client, serving: Awaitable[None]) -> None:
        """Whatever happens while it is served, the exchange ends once, with an outcome."""
        try:
            await serving
        except OverBudget as refusal:
            exchange.outcome, exchange.status, exchange.error = "failed", OVER_BUDGET[0], str(refusal)
            await client.refuse(*OVER_BUDGET, str(refusal))
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
        except Exception:
            if exchange.outcome is None:
                exchange.outcome = "broken" if exchange.reply_started else "failed"
                exchange.error = "the engine made a mistake; its log says which"
            raise
        finally:
            exchange.ended_at = time.monotonic()
            exchange.phase = "done"
            exchange.outcome = exchange.outcome or "failed"
            self._in.ended(exchange)

    async def _messages(self, exchange: Exchange, client: Client) -> None:
        failures: list[Failure] = []
        closed: list[Closed] = []
        resting: list[Target] = []
        refused: OverBudget | None = None
        left: Sequence[Target] = self._targets(exchange)
        while left and not (failures and self._enough(exchange)):
            try:
                target, *left = await self._in.within_budget(exchange, left)
            except OverBudget as refusal:
                refused = refusal
                break
            only = not failures and all(each.unlisted for each in (*left, *resting))
            failure = await self._try(exchange, client, target, only=only)
            if failure is None:
                return
            if isinstance(failure, Closed):
                closed.append(failure)
                resting.append(target)
                continue
            failures.append(failure)
            if not failure.outcome.row.next_target:
                break
        if not failures and (resort := _worth_a_try(closed, resting)) is not None:
            resort, *_ = await self._in.within_budget(exchange, [resort])
            last = await self._try(exchange, client, resort, only=True)
            if last is None:
                return
            if isinstance(last, Failure):
                failures.append(last)
        if refused is not None and not failures:
            raise refused
        await self._give_up(exchange, client, failures, closed)

    async def _count_tokens(self, exchange: Exchange, client: Client) -> None:
        target = self._targets(exchange)[0]
        provider = self._in.providers[target.provider]
        admission = self._in.beside(exchange, target)
        counts = provider.count_tokens and time.monotonic() >= self._counts_again.get(target, 0.0)
        parcel = await self._count_parcel(exchange, target) if counts else None
        if parcel is not None and isinstance(admission, Admitted):
            attempt = self._begin(exchange, client, target, admission, parcel)
            failure = await self._attempt(attempt, relay_count)
            if failure is None:
                return
            if _cannot_count(attempt, failure):
                self._counts_again[target] = time.monotonic() + COUNTS_AGAIN_S
            elif failure.from_provider and failure.outcome.name in ("invalid_request", "prompt_too_long"):
                await self._give_up(exchange, client, [failure], [])
                return
        exchange.provider, exchange.target_model = provider.name, target.model
        exchange.simulated = provider.simulated
        exchange.usage_estimated = True
        exchange.outcome, exchange.status, exchange.error = "served", 200, None
        await client.answer(200, b'{"input_tokens":%d}' % self._in.estimate_tokens(exchange))

    async def _passthrough(self, exchange: Exchange, client: Client) -> None:
        name = self._in.provider_in_force()
        if name not in self._in.providers:
            raise NoTarget(f"The default provider {name!r} does not exist; `cctui providers` lists those that do.")
        target = Target(name, "")
        if self._in.providers[name].translated:
            raise NoTarget(f"{name} does not speak Anthropic's format, so it has no {exchange.path}.")
        admission = self._in.beside(exchange, target)
        if isinstance(admission, Closed):
            await self._give_up(exchange, client, [], [self._skip(exchange, target, admission)])
            return
        parcel = await self._in.parcel(exchange, target)
        failure = await self._attempt(self._begin(exchange, client, target, admission, parcel), relay_raw)
        if failure is not None:
            await self._give_up(exchange, client, [failure], [])

    def _targets(self, exchange: Exchange) -> list[Target]:
        if exchange.pinned is not None:
            exchange.why = "check of this target"
            return [exchange.pinned]
        identity = exchange.identity
        asked = Asked(exchange.asked_model or "", identity.session, identity.agent)
        decision = decide(self._in.route, asked, self._in)
        exchange.why = decision.why
        targets = [decision.target, *chain_after(self._in.route, decision, asked, self._in)]
        return list(dict.fromkeys([*targets, *self._for_compaction(exchange, asked, decision.target)]))

    def _for_compaction(self, exchange: Exchange, asked: Asked, chosen: Target) -> list[Target]:
        """Where the conversation was held before a switch to a window that cannot even hold its summary's request.

        Without it the client could not shorten the conversation, and the session would be stuck. For no other reason
        does a conversation go back to a provider that the user left.
        """
        overridden = bool(self._in.route.overrides)
        if not overridden or exchange.body is None or not exchange.body.compacts:
            return []
        if not self._in.room(exchange, chosen).exceeded:
            return []
        plain = msgspec.structs.replace(self._in.route, overrides=())
        with contextlib.suppress(NoTarget):
            return [decide(plain, asked, self._in).target]
        return []

    async def _try(self, exchange: Exchange, client: Client, target: Target, *, only: bool) -> Failure | Closed | None:
        """Try one target with one key after the other. None: the client was served, or its answer broke off."""
        if target.unlisted:
            unlisted = Closed(f"{target.provider}: lists no model for {target.model!r}", "model_unknown", math.inf)
            return self._skip(exchange, target, unlisted, unfit=True)
        if not only and (missing := self._in.lacks(exchange, target)) is not None:
            return self._unable(exchange, target, f"{target.model} has no {missing}")
        room = self._in.room(exchange, target)
        if room.exceeded:
            return self._too_small(exchange, target, room)
        web = self._in.web_for(exchange, target)
        if isinstance(web, NoWeb):
            return self._without_web(exchange, target, web)
        tried: list[int] = []
        failure: Failure | None = None
        while True:
            admission = self._in.admit(exchange, target, tried, only=only)
            if isinstance(admission, Closed):
                return failure or self._skip(exchange, target, admission)
            try:
                attempt, answer = await self._prepared(exchange, client, target, admission, room, web)
                failure = await self._attempt(attempt, answer)
                if failure is not None and await self._has_fresh_key(attempt, failure):
                    again = await self._prepared(exchange, client, target, admission, room, web)
                    failure = await self._attempt(*again)
            except CannotTake as missing:
                return self._unable(exchange, target, str(missing))
            if failure is not None and self._may_leave_out(attempt, failure):
                continue
            if failure is not None and self._may_go_without_thinking(exchange, target, failure):
                exchange.without_thinking.add(target)
                continue
            if failure is None or admission.key is None or failure.outcome.row.scope != "key":
                return failure
            tried.append(admission.key)
            if self._enough(exchange) or not self._in.other_key(target, tried):
                return failure

    async def _prepared(
        self,
        exchange: Exchange,
        client: Client,
        target: Target,
        admission: Admitted,
        room: Room,
        web: WebWork | None,
    ) -> tuple[Attempt, Answer]:
        """An attempt, and what becomes of its answer. Raises ``CannotTake``."""
        try:
            rounds = web.rounds(room) if web is not None else None
            asked = exchange if rounds is None else rounds.asked(exchange)
            parcel = await self._in.parcel(asked, target)
        except BaseException:  # the client may leave while a large body is translated
            self._in.unsent(exchange, target, admission)
            raise
        attempt = self._begin(exchange, client, target, admission, parcel, room)
        return attempt, relay_message if rounds is None else rounds.answering(self._ask_again)

    async def _count_parcel(self, exchange: Exchange, target: Target) -> Parcel | None:
        """None: the target's format has no way to count this."""
        try:
            return await self._in.parcel(exchange, target)
        except CannotTake:
            return None

    async def _has_fresh_key(self, attempt: Attempt, failure: Failure) -> bool:
        """The key was refused, but its command gives another one by now."""
        if failure.outcome.name != "key_refused" or attempt.key is None or self._enough(attempt.exchange):
            return False
        return await self._in.credentials.renewed(attempt.provider.keys[attempt.key], attempt.secret_mark)

    def _may_leave_out(self, attempt: Attempt, failure: Failure) -> bool:
        """The target rejects a field or a beta that the request can do without; from now on it does."""
        words = failure.outcome.words
        if failure.outcome.name != "invalid_request" or not words or self._enough(attempt.exchange):
            return False
        return self._in.learn_rejection(attempt.exchange, attempt.target, words)

    def _may_go_without_thinking(self, exchange: Exchange, target: Target, failure: Failure) -> bool:
        """Thinking of unknown origin was refused. Claude itself is left to the client, which mends that by itself."""
        refused = failure.outcome.name == "thinking_refused" and target not in exchange.without_thinking
        return refused and not self._in.providers[target.provider].real_claude

    def _enough(self, exchange: Exchange) -> bool:
        sent = sum(not each.skipped for each in exchange.attempts)
        return sent >= ATTEMPTS_MAX or time.monotonic() - exchange.started > TRYING_S

    def _skip(self, exchange: Exchange, target: Target, closed: Closed, *, unfit: bool = False) -> Closed:
        _pass_by(exchange, target, closed.reason, unfit=unfit)
        return closed

    def _unable(self, exchange: Exchange, target: Target, missing: str) -> Failure:
        """A target that says that it cannot take the request; where there is another one, it is spared it."""
        outcome = Outcome(TABLE["ability_missing"], missing)
        reason = outcome.sentence(target.provider)
        _pass_by(exchange, target, reason, unfit=True)
        return Failure(outcome, 400, error_body("invalid_request_error", reason))

    def _without_web(self, exchange: Exchange, target: Target, web: NoWeb) -> Failure:
        """A request that needs a search or a page where nobody gets one: whoever asks reads what to set up."""
        outcome = Outcome(TABLE["ability_missing"], f"{target.model} has no {web.what}, and the engine none to lend")
        _pass_by(exchange, target, outcome.sentence(target.provider), unfit=True)
        return web.failure(outcome, streaming=exchange.streaming)

    def _too_small(self, exchange: Exchange, target: Target, room: Room) -> Failure:
        """A target whose window cannot hold the request: the sentence on which the client compacts."""
        sentence = client_sentence(Overflow(), room)
        outcome = Outcome(TABLE["window_too_small"], sentence)
        reason = f"{target.provider}: {target.model} is too small: about {room.tokens:,} tokens of {room.window:,}"
        _pass_by(exchange, target, reason, unfit=True)
        return Failure(outcome, 400, error_body("invalid_request_error", sentence))

    def _begin(
        self,
        exchange: Exchange,
        client: Client,
        target: Target,
        admission: Admitted,
        parcel: Parcel,
        room: Room | None = None,
    ) -> Attempt:
        provider = self._in.provider_of(exchange, target)
        deadline = asyncio.get_running_loop().time() + self._patience_s(exchange, provider)
        attempt = Attempt(exchange, client, provider, target, deadline, parcel, admission.key)
        attempt.admission, attempt.room = admission.number, room or attempt.room
        attempt.committed = self._in.began
        return attempt

    def _patience_s(self, exchange: Exchange, provider: ProviderConfig) -> float:
        """The first target of a stream has all of its own patience, the others what is left of the request's."""
        if not exchange.streaming:
            return self._answer_timeout_s
        if all(each.skipped for each in exchange.attempts):
            return provider.first_event_timeout_s
        left_s = exchange.started + CLIENT_WAITS_S - time.monotonic()
        return min(provider.first_event_timeout_s, max(0.0, left_s))

    async def _attempt(self, attempt: Attempt, answer: Answer) -> Failure | None:
        """Try one target with one key. None: the client was served, or its answer broke off; else why not."""
        exchange, provider, target = attempt.exchange, attempt.provider, attempt.target
        exchange.provider, exchange.target_model = target.provider, target.model or None
        exchange.simulated, exchange.facts, exchange.capture = provider.simulated, AnswerFacts(), Capture()
        exchange.tap, exchange.usage_estimated = None, False
        exchange.bytes_per_token = self._in.answer_ratio(target)
        exchange.attempts.append(c.Attempt(provider=target.provider, model=target.model, outcome="trying"))
        exchange.dirty = True
        failure: Failure | None = None
        outcome = Outcome(TABLE["client_left"])
        self._trying.add(attempt)
        try:
            failure = await self._send(attempt, answer)
            outcome = failure.outcome if failure else attempt.verdict
        finally:
            self._trying.discard(attempt)
            response = attempt.response
            exchange.attempts[-1] = ended_attempt(attempt, outcome)
            exchange.dirty = True
            try:
                self._in.note_outcome(attempt, outcome, lower_headers(response) if response is not None else {})
            finally:
                if response is not None:
                    await close(response)
        return failure

    async def _send(self, attempt: Attempt, answer: Answer) -> Failure | None:
        exchange, provider, parcel = attempt.exchange, attempt.provider, attempt.parcel
        try:
            url = f"{provider.base_url}{parcel.path}"
            headers = await self._headers(attempt, url)
            async with asyncio.timeout_at(attempt.deadline) as attempt.timer:
                attempt.response = await self._in.upstreams.send(provider, exchange.method, url, headers, parcel.body)
                exchange.headers_at = time.monotonic()
                if attempt.response.status_code >= 300:
                    return await rejected(attempt, attempt.response)
                return await answer(attempt, attempt.response)
        except NoCredential as error:
            return attempt.failed(Seen("connect", cause="no_credential", detail=str(error)))
        except UpstreamFault as fault:
            return attempt.failed(Seen("connect", cause=fault.cause, detail=fault.detail))
        except TimeoutError:
            return attempt.failed(Seen("first_event", cause="first_event_timeout"))

    async def _ask_again(self, attempt: Attempt, asked: Exchange) -> httpx.Response:
        """Another request of the same attempt: same target, key and patience. Raises ``CannotTake``, ``NoCredential``
        and ``UpstreamFault``."""
        provider = attempt.provider
        self._in.goes_on(asked, attempt.target)
        parcel = attempt.parcel = await self._in.parcel(asked, attempt.target)
        if (last := attempt.response) is not None:
            await close(last)
        url = f"{provider.base_url}{parcel.path}"
        headers = await self._headers(attempt, url)
        attempt.response = await self._in.upstreams.send(provider, asked.method, url, headers, parcel.body)
        return attempt.response

    async def _headers(self, attempt: Attempt, url: str) -> list[Header]:
        """Raises ``NoCredential``."""
        exchange, provider, credentials = attempt.exchange, attempt.provider, self._in.credentials
        key = await credentials.resolve(provider.keys[attempt.key]) if attempt.key is not None else None
        if key is not None:
            attempt.secret_mark = fingerprint(key)
            attempt.key_name = mask(key) if len(provider.keys) > 1 else None
        credential = credential_headers(provider, key, exchange.raw_headers, self._in.local_token)
        exchange.subscription = provider.auth == "passthrough" and is_subscription([*exchange.raw_headers, *credential])
        added = [
            (name.lower().encode(), (await credentials.resolve(value)).encode())
            for name, value in provider.headers.items()
        ]
        if attempt.parcel.headers is not None:
            headers = request_headers(attempt.parcel.headers, credential, added)
        else:
            own_host = provider.auth == "passthrough"
            headers = request_headers(exchange.raw_headers, credential, added, own_host=own_host)
            rejections = self._in.rejections(attempt.target)
            headers = without_betas(headers, rejections) if rejections else headers
        return await credentials.signed(provider, exchange.method, url, headers, attempt.parcel.body)

    async def _give_up(
        self, exchange: Exchange, client: Client, failures: Sequence[Failure], closed: Sequence[Closed]
    ) -> None:
        """No target is left: the client gets the last word on it."""
        told = last_word(failures, closed)
        exchange.outcome, exchange.status = "failed", told.status
        exchange.error = " · ".join(dict.fromkeys(each.reason for each in exchange.attempts if each.reason))
        exchange.facts, exchange.usage_estimated = AnswerFacts(), False
        await client.answer(told.status, told.body, told.headers)


def _cannot_count(attempt: Attempt, failure: Failure) -> bool:
    """There is nothing that counts for this model, or nothing that counts at all."""
    status = attempt.response.status_code if attempt.response is not None else None
    return failure.outcome.name == "model_unknown" or status in (405, 501)


def _pass_by(exchange: Exchange, target: Target, reason: str, *, unfit: bool) -> None:
    """Write into the trail why nothing is sent to a target."""
    exchange.attempts.append(
        c.Attempt(provider=target.provider, model=target.model, outcome="skipped", reason=reason, unfit=unfit)
    )
    exchange.dirty = True


def _worth_a_try(closed: Sequence[Closed], resting: Sequence[Target]) -> Target | None:
    """Where every target rests: the one that opens first of those whose time is the engine's own guess.

    Whoever has no other choice is better served by asking than by a guess.
    """
    guessed = [(each.wait_s, number) for number, each in enumerate(closed) if each.guessed]
    return resting[min(guessed)[1]] if guessed else None


def login_name(exchange: Exchange, local_token: str) -> str:
    """Tells one client's own credential from another's without keeping it; empty where the client has none."""
    own = client_credential(exchange.raw_headers, local_token)
    return fingerprint(repr(own))[:8] if own else ""
