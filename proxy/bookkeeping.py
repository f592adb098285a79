"""What follows from a request that arrived or is over: its price, its record, and what each part makes of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from proxy import contract as c
from proxy.agent_names import AgentNames, Named
from proxy.board import Board
from proxy.budgets import Budgets
from proxy.cachewatch import CacheWatch
from proxy.catalog import ModelCatalog
from proxy.chores import Chores, contain
from proxy.costs import Costs
from proxy.feed import Feed
from proxy.fitting import Fitting
from proxy.herald import Herald
from proxy.ledger.writer import LedgerWriter
from proxy.metrics import Totals
from proxy.net.discovery import REFRESH_S, Discovery
from proxy.net.exchange import Exchange
from proxy.pasts import Pasts
from proxy.protocol.pricing import Price
from proxy.protocol.routing import Target
from proxy.repricing import Repriced
from proxy.roster import Roster
from proxy.telemetry.sender import Telemetry

LIST_AGAIN_S = 600.0
"""A provider that lists nothing to a login, as Claude's may, is not asked again with every request."""


class PriceBook:
    """The price in force of whatever served, by name."""

    def __init__(self, providers: Roster, costs: Costs) -> None:
        self._providers, self._costs = providers, costs

    def of(self, provider: str, models: Sequence[str]) -> Price | None:
        """Of the first of ``models`` that has one at ``provider``; None: nobody knows.

        Without a provider, as transcripts of the client name none, it is the user's or that of the model's maker.
        """
        config = self._providers.get(provider)
        if provider and config is None:
            return None
        found = (self._costs.price_of(config, model)[0] for model in models if model)
        return next((price for price in found if price is not None), None)

    def of_request(self, request: c.Request) -> Price | None:
        return self.of(request.provider or "", (request.served_model or "", request.target_model or ""))


@dataclass(slots=True)
class Bookkeeping:
    """Told of every request. What one part makes of it cannot keep the others from hearing of it."""

    providers: Roster
    costs: Costs
    writer: LedgerWriter
    board: Board
    feed: Feed
    pasts: Pasts
    budgets: Budgets
    catalog: ModelCatalog
    fitting: Fitting
    telemetry: Telemetry
    totals: Totals
    herald: Herald
    names: AgentNames
    cachewatch: CacheWatch
    discovery: Discovery
    chores: Chores
    local_token: str
    _lists_asked: dict[str, float] = field(default_factory=dict)
    """When a client's login last asked a provider for its models, monotonic."""

    def opened(self, exchange: Exchange) -> None:
        exchange.providers = self.providers.generation
        contain("an arrival", self._show_opened, exchange)

    def ended(self, exchange: Exchange) -> None:
        """The record comes first."""
        contain("pricing a request", self._price, exchange)
        request = exchange.view()
        self.writer.record(request)
        contain("budgets", self.budgets.ended, request)
        contain("the board", self._show_ended, exchange, request)
        contain("what a request teaches", self._learn, exchange, request)
        contain("telemetry", self.telemetry.record, request)
        contain("metrics", self.totals.add, request)
        contain("notices", self.herald.served, request)
        contain("model lists", self._learn_list, exchange)
        contain("names of sub-agents", self.names.ended, exchange)
        contain("the watch of the caches", self.cachewatch.ended, exchange, request)

    def _show_opened(self, exchange: Exchange) -> None:
        self.feed.opened(self.board.opened(exchange))
        self.pasts.look_up()
        self.names.opened(exchange)

    def name_agent(self, named: Named) -> None:
        if self.board.name_agent(*named):
            self.feed.opened(named.session)

    def repriced(self, changed: Sequence[Repriced]) -> None:
        """Sums of panels and budgets follow what was repriced in the ledger."""
        self.board.repriced(changed)
        self.budgets.repriced(changed)

    def _price(self, exchange: Exchange) -> None:
        """What the ended exchange cost, by the model that served."""
        provider = self.providers.known(exchange.provider or "")
        self._estimate_prompt(exchange)
        facts, usage = exchange.facts, exchange.counted
        reported = None if exchange.output_estimated else facts.reported_nano_usd
        billed = usage.total_tokens > 0 or reported is not None
        if exchange.kind != "messages" or (exchange.outcome != "served" and not billed):
            exchange.cost_nano_usd, exchange.cost_source, exchange.cost_split = 0, "free", c.CostSplit()
        elif provider is not None and billed:
            models = [name for name in (facts.model, exchange.target_model) if name]
            here = exchange.searched_here
            settled = self.costs.settled(provider, models, usage, reported, speed=facts.speed, searched_here=here)
            exchange.cost_nano_usd, exchange.cost_source, exchange.cost_split = settled

    def _estimate_prompt(self, exchange: Exchange) -> None:
        """Of an answer that broke off before its provider told what it had read: that too is estimated."""
        told = exchange.counted
        if exchange.output_estimated and not told.prompt_tokens and told.output_tokens:
            target = Target(exchange.provider or "", exchange.target_model or "")
            read = self.fitting.prompt_tokens(exchange, target)
            exchange.usage = msgspec.structs.replace(exchange.facts.usage, input_tokens=read)
            exchange.usage_estimated = True

    def _show_ended(self, exchange: Exchange, request: c.Request) -> None:
        window = None
        if request.provider and request.target_model and request.kind == "messages":
            window = self.catalog.window(request.provider, request.target_model)
        self.feed.ended(request, self.board.ended(exchange, request, window))

    def _learn(self, exchange: Exchange, request: c.Request) -> None:
        if not request.provider or not request.target_model or request.kind != "messages":
            return
        if exchange.pinned is not None:
            return
        self.fitting.learn_history(exchange, request)
        if request.outcome == "served":
            self.catalog.note_used(request.provider, request.target_model, request.started_at)
            self.fitting.learn(exchange, request)

    def _learn_list(self, exchange: Exchange) -> None:
        """Anthropic lists models only to a credential; where the engine has none, the client's serves on the spot."""
        provider = self.providers.get(exchange.provider or "")
        if provider is None or provider.auth != "passthrough" or provider.keys or exchange.outcome != "served":
            return
        age, now = time.time() - (self.catalog.listing(provider.name).fetched_at or 0), time.monotonic()
        if age > REFRESH_S and now - self._lists_asked.get(provider.name, -LIST_AGAIN_S) >= LIST_AGAIN_S:
            self._lists_asked[provider.name] = now
            headers = list(exchange.raw_headers)
            self.chores.start("model list by login", self.discovery.refresh_with(provider, headers, self.local_token))
