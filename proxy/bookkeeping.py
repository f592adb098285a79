"""What follows from a request that arrived or is over: its price, its record, and what each part makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from proxy import contract as c
from proxy.agent_names import AgentNames, Named
from proxy.board import Board
from proxy.budgets import Budgets
from proxy.cachewatch import CacheWatch
from proxy.catalog import ModelCatalog
from proxy.chores import contain
from proxy.costs import Costs
from proxy.feed import Feed
from proxy.fitting import Fitting
from proxy.herald import Herald
from proxy.ledger.writer import LedgerWriter
from proxy.metrics import Totals
from proxy.net.discovery import Discovery
from proxy.net.exchange import Exchange
from proxy.pasts import Pasts
from proxy.protocol.pricing import Price, Settled, together
from proxy.protocol.routing import Target
from proxy.repricing import Repriced
from proxy.roster import Roster
from proxy.telemetry.sender import Telemetry


class PriceBook:
    """The price in force of whatever served, by name."""

    def __init__(self, providers: Roster, costs: Costs) -> None:
        self._providers, self._costs = providers, costs

    def of(
        self, provider: str, models: Sequence[str], speed: str | None = None, geo: str | None = None
    ) -> Price | None:
        """Of the first of ``models`` that has one at ``provider``, on such terms; None: nobody knows.

        Without a provider, as transcripts of the client name none, it is the user's or that of the model's maker.
        """
        config = self._providers.get(provider)
        if provider and config is None:
            return None
        found = (self._costs.price_of(config, model, speed=speed, geo=geo)[0] for model in models if model)
        return next((price for price in found if price is not None), None)

    def of_request(self, request: c.Request) -> Price | None:
        """Of the answer that it ended with."""
        last = request.paid[-1]
        return self.of(last.provider, last.models, last.speed, last.geo)


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
        contain("model lists", self.discovery.served, exchange)
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
        """What the ended exchange cost, by the models that were asked."""
        self._estimate_prompt(exchange)
        passes = exchange.passes if exchange.kind == "messages" else ()
        exchange.cost_nano_usd, exchange.cost_source, exchange.cost_split = together(map(self._settled, passes))

    def _settled(self, one: c.Pass) -> Settled:
        provider = self.providers.known(one.provider)
        return Settled() if provider is None else self.costs.settled(provider, one)

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
