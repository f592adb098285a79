"""A request that needs a web search at a target that has none: rounds with the target, searches between them.

Every round is a request of the same attempt, and nothing reaches the client before the last of them: what fails in
any round is an ordinary failure, and the next target may be tried.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import msgspec

from proxy.dialects.dialect import CannotTake
from proxy.net.attempt import Attempt, Failure, Whole, read_whole, rejected, serve_whole
from proxy.net.client import JSON_TYPE, STREAM_TYPE
from proxy.net.exchange import Exchange
from proxy.net.websearch import WebSearch
from proxy.protocol.foreign_json import read_json
from proxy.protocol.messages import Body
from proxy.protocol.outcome import TABLE, Outcome, error_body
from proxy.protocol.routing import Target
from proxy.protocol.search import Refused, Result, Wanted, last_question, wanted_search
from proxy.protocol.search_rounds import Rounds, unsearched
from proxy.protocol.usage import AnswerFacts, read_message
from proxy.protocol.whole import stream_of
from proxy.providers import ProviderConfig

NANO = 10**9

AskAgain = Callable[[Attempt, Exchange], Awaitable[httpx.Response]]
"""Sends another request of an attempt."""


@dataclass(frozen=True, slots=True)
class NoSearch:
    """A search is wanted and nobody makes it."""

    message: bytes
    """The Message that says so."""

    def failure(self, outcome: Outcome, *, streaming: bool) -> Failure:
        """What the client gets if no other target serves: an answer that it can read, and that says what to set up."""
        stream = stream_of(self.message) if streaming else None
        if stream is not None:
            return Failure(outcome, 200, stream, (STREAM_TYPE,))
        return Failure(outcome, 200, self.message, (JSON_TYPE,))


@dataclass(frozen=True, slots=True)
class Searching:
    """A search is wanted and the engine makes it."""

    body: Body
    wanted: Wanted
    web: WebSearch

    def rounds(self) -> "SearchedAttempt":
        return SearchedAttempt(Rounds(self.body, self.wanted), self.wanted, self.web)


class SearchedAttempt:
    """The rounds of one attempt."""

    def __init__(self, rounds: Rounds, wanted: Wanted, web: WebSearch) -> None:
        self._rounds, self._wanted, self._web = rounds, wanted, web
        self._failures: dict[str, None] = {}
        self._reported: list[int | None] = []

    def asked(self, exchange: Exchange) -> Exchange:
        """The exchange as the next round puts it to the target."""
        body = self._rounds.body
        return replace(exchange, body=body, raw_body=body.raw, streaming=False)

    def answering(self, again: AskAgain) -> Callable[[Attempt, httpx.Response], Awaitable[Failure | None]]:
        """What becomes of the answer to the first round."""

        async def answer(attempt: Attempt, response: httpx.Response) -> Failure | None:
            changed = attempt.parcel.changed
            try:
                return await self._relay(attempt, response, again)
            finally:
                attempt.parcel = replace(attempt.parcel, changed=(*changed, *self._told()))

        return answer

    async def _relay(self, attempt: Attempt, response: httpx.Response, again: AskAgain) -> Failure | None:
        exchange, estimated = attempt.exchange, False
        while True:
            whole = await read_whole(attempt, response)
            if isinstance(whole, Failure):
                return whole
            estimated = estimated or exchange.usage_estimated
            self._reported.append(exchange.facts.reported_nano_usd)
            if not await self._search(read_json(whole.body)):
                break
            try:
                response = await again(attempt, self.asked(exchange))
            except CannotTake as missing:
                outcome = Outcome(TABLE["ability_missing"], str(missing))
                return Failure(outcome, 400, error_body("invalid_request_error", attempt.says(outcome)))
            if response.status_code >= 300:
                return await rejected(attempt, response)
        body = msgspec.json.encode(self._rounds.message())
        exchange.facts, exchange.usage_estimated = read_message(body) or AnswerFacts(), estimated
        exchange.facts.reported_nano_usd = self._cost()
        await serve_whole(attempt, response.status_code, Whole(body, whole.headers))
        return None

    async def _search(self, message: Mapping[str, Any]) -> bool:
        """Make the searches that ``message`` calls for. Whether another round follows."""
        results: dict[str, Result] = {}
        for query in self._rounds.see(message):
            result = results[query.call_id] = await self._web.find(query.text, self._wanted)
            if isinstance(result, Refused):
                self._failures[result.words] = None
        return self._rounds.answer(results)

    def _cost(self) -> int | None:
        """What the provider says that all rounds cost, and the searches; None where it does not say so of each."""
        told = [each for each in self._reported if each is not None]
        if len(told) < len(self._reported):
            return None
        return sum(told) + self._rounds.searches * (self._web.nano_usd or 0)

    def _told(self) -> list[str]:
        """The searches in words, for the trail."""
        told = [f"a search by {self._web.name} failed: {words}" for words in self._failures]
        if (count := self._rounds.searches) == 0:
            return told
        made = f"{count} search{'es' if count > 1 else ''} by {self._web.name}"
        if self._web.nano_usd is None:
            return [f"{made}, unpriced: set usd_per_search in [search]", *told]
        cost = f" (${count * self._web.nano_usd / NANO:.4f})" if self._web.nano_usd else ""
        return [made + cost, *told]


def search_for(
    exchange: Exchange, target: Target, provider: ProviderConfig, web: WebSearch | None, config_file: Path
) -> Searching | NoSearch | None:
    """How ``exchange`` gets its web search at ``target``; None where it wants none, or the target has its own.

    Where nobody can search, a request that can do without goes as it is.
    """
    if exchange.kind != "messages" or exchange.body is None or provider.searches(target.model):
        return None
    wanted = wanted_search(exchange.body)
    if wanted is None:
        return None
    if web is not None:
        return Searching(exchange.body, wanted, web)
    if not wanted.demanded:
        return None
    why = (
        f"No web search was made: {provider.name} cannot search, and cctui has no search of its own yet. To set one "
        f'up, add to {config_file}:\n\n[search]\nbackend = "brave"\napi_key = "env:BRAVE_API_KEY"\n\nor the same with '
        f'tavily or exa; or backend = "searxng" with base_url = the address of your instance; or backend = "ddgs" '
        "without a key, after pip install 'cctui[search]'. Then restart the engine: cctui stop, and start it again."
    )
    query = last_question(exchange.body)
    message = unsearched(wanted, query, f"msg_{exchange.id}", exchange.asked_model or target.model, why)
    return NoSearch(msgspec.json.encode(message))
