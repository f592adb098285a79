"""A request that needs the web at a target without it: rounds with the target, searches and pages between them.

Every round is a request of the same attempt, and nothing reaches the client before the last of them: what fails in
any round is an ordinary failure, and the next target may be tried.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import msgspec

from proxy.dialects.dialect import CannotTake
from proxy.net.answers import Whole, read_whole, serve_whole
from proxy.net.attempt import Attempt, Failure
from proxy.net.client import JSON_TYPE, STREAM_TYPE
from proxy.net.exchange import Exchange
from proxy.net.failures import rejected
from proxy.net.webfetch import WebFetch
from proxy.net.websearch import WebSearch
from proxy.protocol.fetch import (
    Visit,
    WantedPages,
    documents_in,
    first_address,
    tokens_for_pages,
    wanted_pages,
)
from proxy.protocol.foreign_json import read_json
from proxy.protocol.messages import Body
from proxy.protocol.outcome import TABLE, Outcome, error_body
from proxy.protocol.overflow import Room
from proxy.protocol.routing import Target
from proxy.protocol.search import Query, Wanted, last_question, wanted_search
from proxy.protocol.stand_ins import FetchStandIn, Found, SearchStandIn, StandIn
from proxy.protocol.usage import AnswerFacts, read_message
from proxy.protocol.web_rounds import Rounds, unfetched, unsearched
from proxy.protocol.web_tools import Refusal
from proxy.protocol.whole import stream_of
from proxy.providers import ProviderConfig
from proxy.workers import for_traffic

log = logging.getLogger(__name__)

NANO = 10**9

AskAgain = Callable[[Attempt, Exchange], Awaitable[httpx.Response]]
"""Sends another request of an attempt."""


@dataclass(frozen=True, slots=True)
class Web:
    """What the engine can do in a provider's place; None: it does not."""

    search: WebSearch | None
    fetch: WebFetch | None


@dataclass(frozen=True, slots=True)
class NoWeb:
    """A search or a page is wanted and nobody gets it."""

    what: str
    """``web search`` or ``fetching of pages``."""
    message: bytes
    """The Message that says so."""

    def failure(self, outcome: Outcome, *, streaming: bool) -> Failure:
        """What the client gets if no other target serves: an answer that it can read, and that says what to set up."""
        stream = stream_of(self.message) if streaming else None
        if stream is not None:
            return Failure(outcome, 200, stream, (STREAM_TYPE,))
        return Failure(outcome, 200, self.message, (JSON_TYPE,))


@dataclass(frozen=True, slots=True)
class WebWork:
    """Searches or pages are wanted and the engine gets them."""

    body: Body
    searched: tuple[Wanted, WebSearch] | None
    fetched: tuple[WantedPages, WebFetch] | None
    pdf: bool
    """The model reads such files."""

    def rounds(self, room: Room) -> "WebAttempt":
        """``room`` is that of the request in the model's window."""
        return WebAttempt(self, room)


class WebAttempt:
    """The rounds of one attempt."""

    def __init__(self, work: WebWork, room: Room) -> None:
        self._wanted = work
        tools: list[StandIn] = []
        if work.searched is not None:
            tools.append(SearchStandIn(work.searched[0]))
        if work.fetched is not None:
            documents = documents_in(work.body.value("messages"))
            tools.append(FetchStandIn(work.fetched[0], tokens_for_pages(room), documents))
        self._rounds = Rounds(work.body, tools)
        self._failures: dict[str, None] = {}

    def asked(self, exchange: Exchange) -> Exchange:
        """The exchange as the next round puts it to the target."""
        body = self._rounds.body
        return replace(exchange, body=body, raw_body=body.raw, streaming=False)

    def answering(self, again: AskAgain) -> Callable[[Attempt, httpx.Response], Awaitable[Failure | None]]:
        """What becomes of the answer to the first round."""

        async def answer(attempt: Attempt, response: httpx.Response) -> Failure | None:
            changed, exchange = attempt.parcel.changed, attempt.exchange
            try:
                return await self._relay(attempt, response, again)
            finally:
                attempt.parcel = replace(attempt.parcel, changed=(*changed, *self._told()))
                if exchange.outcome != "served":  # the rounds come to nothing, and are paid for all the same
                    exchange.end_round()

        return answer

    async def _relay(self, attempt: Attempt, response: httpx.Response, again: AskAgain) -> Failure | None:
        exchange = attempt.exchange
        while True:
            exchange.searched_here = self._wanted.searched is not None
            whole = await read_whole(attempt, response)
            if isinstance(whole, Failure):
                return whole
            began = asyncio.get_running_loop().time()
            goes_on = await self._work(read_json(whole.body), exchange.facts)
            attempt.grant(asyncio.get_running_loop().time() - began)
            if not goes_on:
                break
            exchange.end_round()
            try:
                response = await again(attempt, self.asked(exchange))
            except CannotTake as missing:
                outcome = Outcome(TABLE["ability_missing"], str(missing))
                return Failure(outcome, 400, error_body("invalid_request_error", attempt.says(outcome)))
            if response.status_code >= 300:
                return await rejected(attempt, response)
        body = msgspec.json.encode(self._rounds.message())
        exchange.facts = (read_message(body) or AnswerFacts()).counted_as(exchange.facts)
        await serve_whole(attempt, response.status_code, Whole(body, whole.headers))
        return None

    async def _work(self, message: Mapping[str, Any], facts: AnswerFacts) -> bool:
        """Get what ``message`` calls for, pages all at once. Whether another round follows. ``facts`` are of it."""
        wishes = await for_traffic(self._rounds.see, message)  # a page's address is looked for in all that was said
        async with asyncio.TaskGroup() as group:
            visits = [each for each in wishes if isinstance(each, Visit)]
            pages = {each.call_id: group.create_task(self._fetch(each), name="page") for each in visits}
            found = {each.call_id: await self._search(each, facts) for each in wishes if isinstance(each, Query)}
        return self._rounds.answer({**found, **{call_id: page.result() for call_id, page in pages.items()}})

    async def _search(self, query: Query, facts: AnswerFacts) -> Found:
        if self._wanted.searched is None:
            return Refusal("unavailable", "Nobody searches here.")
        wanted, web = self._wanted.searched
        result = await web.find(query.text, wanted)
        if isinstance(result, Refusal):
            self._failures[f"a search by {web.name} failed: {result.words}"] = None
        else:
            facts.see_own_search(web.nano_usd or 0)
        return result

    async def _fetch(self, visit: Visit) -> Found:
        if self._wanted.fetched is None:
            return Refusal("unavailable", "Nobody fetches pages here.")
        wanted, web = self._wanted.fetched
        try:
            page = await web.fetch(visit.address, wanted, pdf=self._wanted.pdf)
        except Exception:
            log.exception("a page could not be read")
            page = Refusal("unavailable", "The engine made a mistake in reading it; its log says which.")
        if isinstance(page, Refusal):
            self._failures[f"a page was not fetched: {page.code}"] = None
        return page

    def _searches(self) -> int:
        """How many were made until now."""
        return self._rounds.done[self._wanted.searched[0].name] if self._wanted.searched is not None else 0

    def _told(self) -> list[str]:
        """Searches and pages in words, for the trail, which tells nothing of what was looked for or read."""
        return [*self._told_searches(), *self._told_pages(), *self._failures]

    def _told_searches(self) -> Sequence[str]:
        count = self._searches()
        if self._wanted.searched is None or count == 0:
            return []
        web = self._wanted.searched[1]
        made = f"{count} search{'es' if count > 1 else ''} by {web.name}"
        if web.nano_usd is None:
            return [f"{made}, unpriced: set usd_per_search in [search]"]
        return [made + (f" (${count * web.nano_usd / NANO:.4f})" if web.nano_usd else "")]

    def _told_pages(self) -> Sequence[str]:
        fetched = self._wanted.fetched
        count = self._rounds.done[fetched[0].name] if fetched is not None else 0
        return [f"{count} page{'s' if count > 1 else ''} fetched by the engine"] if count else []


def web_work_for(
    exchange: Exchange, target: Target, provider: ProviderConfig, web: Web, config_file: Path
) -> WebWork | NoWeb | None:
    """How ``exchange`` gets its searches and pages at ``target``; None where it wants none or the target has its own.

    Where nobody can get them, a request that can do without goes as it is.
    """
    model = target.model
    if exchange.kind != "messages" or exchange.body is None or (provider.searches(model) and provider.fetches(model)):
        return None
    wanted, pages = wanted_search(exchange.body), wanted_pages(exchange.body)
    own_search = wanted is not None and provider.searches(model)
    own_fetch = pages is not None and provider.fetches(model)
    search = web.search if wanted is not None and not own_search else None
    fetch = web.fetch if pages is not None and not own_fetch else None
    if own_search and fetch is not None and provider.searches_alone:
        search, fetch = web.search, fetch if web.search is not None else None
    served = own_search or own_fetch or search is not None or fetch is not None
    if wanted is not None and not own_search and search is None and (wanted.forced or (wanted.demanded and not served)):
        return _without_search(exchange, exchange.body, target, provider, wanted, config_file)
    if pages is not None and not own_fetch and fetch is None and (pages.forced or (pages.demanded and not served)):
        return _without_pages(exchange, exchange.body, target, provider, pages, config_file)
    searched = (wanted, search) if wanted is not None and search is not None else None
    fetched = (pages, fetch) if pages is not None and fetch is not None else None
    if searched is None and fetched is None:
        return None
    return WebWork(exchange.body, searched, fetched, provider.reads_pdf(model))


def _without_search(
    exchange: Exchange, body: Body, target: Target, provider: ProviderConfig, wanted: Wanted, config_file: Path
) -> NoWeb:
    why = (
        f"No web search was made: {provider.name} cannot search, and cctui has no search of its own yet. To set one "
        f'up, add to {config_file}:\n\n[search]\nbackend = "brave"\napi_key = "env:BRAVE_API_KEY"\n\nor the same with '
        f'tavily or exa; or backend = "searxng" with base_url = the address of your instance; or backend = "ddgs" '
        "without a key, after pip install 'cctui[search]'. Then restart the engine: cctui stop, and start it again."
    )
    message = unsearched(wanted, last_question(body), f"msg_{exchange.id}", exchange.asked_model or target.model, why)
    return NoWeb("web search", msgspec.json.encode(message))


def _without_pages(
    exchange: Exchange, body: Body, target: Target, provider: ProviderConfig, pages: WantedPages, config_file: Path
) -> NoWeb:
    why = (
        f"No page was fetched: {provider.name} fetches none, and cctui does so only where it may. To let it fetch "
        f"pages of the public web, add to {config_file}:\n\n[search]\nfetch = true\n\nThen restart the engine: "
        "cctui stop, and start it again."
    )
    url = first_address(last_question(body))
    message = unfetched(pages, url, f"msg_{exchange.id}", exchange.asked_model or target.model, why)
    return NoWeb("fetching of pages", msgspec.json.encode(message))
