"""A request made to fit its target: does the window hold it, and is its history legal there.

Remembers how large each thread was when a provider last counted it, and who signed which thinking; the latter
survives a restart. Decisions are in ``protocol.history`` and ``protocol.overflow``.
"""

import asyncio
from collections import OrderedDict
from functools import partial
from pathlib import Path

import msgspec

from proxy import contract as c
from proxy.estimate import Estimator
from proxy.keptfile import KeptFile
from proxy.net.exchange import Exchange
from proxy.net.upstream import Body as Bytes
from proxy.protocol.history import (
    Issuers,
    is_claude,
    issuer_of,
    thread_of,
    without_foreign_thinking,
)
from proxy.protocol.messages import Body
from proxy.protocol.overflow import Room
from proxy.protocol.routing import Target
from proxy.protocol.server_tools import without_server_tools, without_unsealed_searches
from proxy.protocol.terms import NONE, Terms, on_terms
from proxy.protocol.tool_ids import with_legal_tool_ids
from proxy.protocol.weight import Weight

THREADS_KEPT = 500


class _Kept(msgspec.Struct):
    blocks: dict[str, str] = {}
    odd_ids: list[str] = []
    """Sessions in which a tool was called under an id that Claude refuses."""


class Fitting:
    """Fits requests to targets."""

    def __init__(self, file: Path, estimator: Estimator) -> None:
        self._file = KeptFile(file, "who signed which thinking")
        self.estimator = estimator
        kept = self._file.content(_Kept)
        self._issuers = Issuers(kept.blocks)
        self._odd_ids = OrderedDict.fromkeys(kept.odd_ids)
        self._counted: OrderedDict[str, tuple[Weight, int, str]] = OrderedDict()
        """By thread: the last body's weight, tokens that the provider counted with the answer, and the model."""

    def room(self, exchange: Exchange, target: Target, window: int | None) -> Room:
        """The request's size, estimated, beside ``window``."""
        return Room(partial(self._tokens, exchange, target.model), window)

    def estimate(self, exchange: Exchange, model: str) -> int:
        """Tokens of the body by itself, whatever was counted of its thread."""
        return self._estimate(exchange.weight, model)

    def prompt_tokens(self, exchange: Exchange, target: Target) -> int:
        """Estimated."""
        return self._tokens(exchange, target.model)

    def prompt_ratio(self, model: str) -> float:
        """Bytes of a prompt for each token, as seen so far."""
        return self.estimator.ratio(model)

    def body_for(self, exchange: Exchange, target: Target, terms: Terms = NONE) -> tuple[Bytes, tuple[str, ...]]:
        """The client's bytes; with another model, or on the target's ``terms``, where that is needed."""
        body = exchange.body
        if body is None or not target.model:
            return exchange.raw_body, ()
        body, changes = self.legal(body, exchange, target)
        if terms is not NONE:
            body, more = on_terms(body, terms)
            changes += more
        if target.model == body.model:
            return body.raw, changes
        return body.pieces_with_model(target.model), changes

    def learn_history(self, exchange: Exchange, request: c.Request) -> None:
        """Take in whose blocks the client has now, however the answer ended: it keeps what came of it."""
        if request.role == "background":
            return
        if request.provider and request.target_model:
            self._issuers.learn(issuer_of(request.provider, request.target_model), exchange.facts.thoughts)
        if exchange.facts.odd_ids:
            self._note_odd_ids(exchange.identity.session or "")

    def learn(self, exchange: Exchange, request: c.Request) -> None:
        """Take in what a served request tells of its thread's size, and of how long tokens are.

        That is known by the target's name, whatever it says has served: by that name it will be asked for. Only text
        tells it, and no answer with thoughts: of those some providers show a summary, or nothing.
        """
        if request.usage_estimated or not exchange.in_one_pass:
            return
        model, usage, weight = request.target_model or "", request.usage, exchange.weight
        if not weight.media_tokens:
            self.estimator.learn(model, request.request_bytes, usage.prompt_tokens)
        if exchange.tap is not None and not exchange.facts.thoughts:
            self.estimator.learn_answer(model, exchange.tap.text_bytes, usage.output_tokens)
        if request.role != "background" and usage.prompt_tokens:
            thread = _thread(exchange)
            self._counted[thread] = (weight, usage.total_tokens, model)
            self._counted.move_to_end(thread)
            while len(self._counted) > THREADS_KEPT:
                self._counted.popitem(last=False)

    async def save(self) -> None:
        """Keep who signed what, if there is news."""
        if self._issuers.dirty:
            self._issuers.dirty = False
            await self._file.keep(await asyncio.to_thread(msgspec.json.encode, self._to_keep()))

    def save_now(self) -> None:
        self._file.keep_now(msgspec.json.encode(self._to_keep()))

    def _to_keep(self) -> _Kept:
        return _Kept(dict(self._issuers.blocks), list(self._odd_ids))

    def _note_odd_ids(self, session: str) -> None:
        if session not in self._odd_ids:
            self._odd_ids[session] = None
            self._issuers.dirty = True
            while len(self._odd_ids) > THREADS_KEPT:
                self._odd_ids.popitem(last=False)

    def _tokens(self, exchange: Exchange, model: str) -> int:
        """What was counted last in this thread, and what was added since; a shrunk thread is estimated anew."""
        weight = exchange.weight
        counted = self._counted.get(_thread(exchange))
        if counted is None or weight.text_bytes < counted[0].text_bytes:
            return self._estimate(weight, model)
        last, last_tokens, last_model = counted
        known = round(last_tokens * self.estimator.relation(last_model, model))
        return max(1, known + self._estimate(weight - last, model))

    def _estimate(self, weight: Weight, model: str) -> int:
        text = self.estimator.tokens(model, weight.text_bytes) if weight.text_bytes else 0
        return text + weight.media_tokens

    def legal(
        self, body: Body, exchange: Exchange, target: Target, *, dialect_tells: bool = False
    ) -> tuple[Body, tuple[str, ...]]:
        """The body with a history that the target takes, and what was changed in words. ``dialect_tells``: it will be
        translated by a dialect that tells the work of server tools itself."""
        issuer = issuer_of(target.provider, target.model)
        changes: tuple[str, ...] = ()
        if target in exchange.without_thinking:
            body, changes = without_foreign_thinking(body, lambda _: True)
        elif self._issuers.concerns(body.raw, issuer):
            body, changes = without_foreign_thinking(body, self._issuers.foreign(issuer))
        if not is_claude(issuer):
            body, more = (body, ()) if dialect_tells else without_server_tools(body)
            return body, changes + more
        body, more = without_unsealed_searches(body)
        changes += more
        if (exchange.identity.session or "") in self._odd_ids:
            fields, more = with_legal_tool_ids(body)
            body, changes = body.with_fields(fields), changes + more
        return body, changes


def _thread(exchange: Exchange) -> str:
    return thread_of(exchange.identity.session, exchange.identity.agent)
