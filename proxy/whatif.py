"""What a choice of requests would have cost at every other model: asks ledger, catalog and prices. Off the hot path.

The arithmetic is ``protocol.whatif``'s. The ledger is read and the sums are made in a thread; prices are looked up
on the event loop, to which the catalog belongs, in slices that no stream feels.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from proxy import contract as c
from proxy.board import Board
from proxy.catalog import ModelCatalog
from proxy.costs import Costs
from proxy.ledger.portions import PortionLedger
from proxy.protocol.messages import Body
from proxy.protocol.naming import canonical
from proxy.protocol.pricing import Price
from proxy.protocol.session_bill import PriceOf
from proxy.protocol.whatif import Candidate, Needs, Portion, list_cost, rows, steps
from proxy.providers import ProviderConfig

SLICE = 20
"""Prices that are looked up before the loop gets its turn."""
BODIES = 3
"""Kept bodies that are searched for pictures: each holds the whole conversation."""

Target = tuple[str, str]
"""Provider and model."""


@dataclass(frozen=True, slots=True)
class Served:
    """The price of what served. Some providers answer under a name that no list has."""

    price: Price | None
    """By its own name."""
    by_target: Mapping[str, Price | None] = field(default_factory=dict)
    """Without that: by each name under which it was asked for."""

    @property
    def only_target(self) -> tuple[str, ...]:
        """The name under which it was asked for, if there is but one."""
        return tuple(self.by_target) if len(self.by_target) == 1 else ()

    def price_for(self, portion: Portion) -> Price | None:
        if self.price is not None:
            return self.price
        return self.by_target.get(portion.target_model or next(iter(self.only_target), ""))


class Comparison:
    """Compares what was used with what it would have cost elsewhere."""

    def __init__(
        self,
        providers: Mapping[str, ProviderConfig],
        catalog: ModelCatalog,
        costs: Costs,
        ledger: PortionLedger,
        board: Board,
        price_of: PriceOf,
    ) -> None:
        self._providers, self._catalog, self._costs = providers, catalog, costs
        self._ledger, self._board, self._price_of = ledger, board, price_of

    async def report(self, choice: c.Choice) -> c.WhatIf:
        """The comparison for the ended requests of ``choice``."""
        total, sums = await asyncio.to_thread(self._sums, choice)
        several = await asyncio.to_thread(self._ledger.several, choice)
        served = await self._served(choice, dict.fromkeys([*((one.provider, one.model) for one in sums), *several]))
        candidates = await self._candidates(served)
        bodies = self._kept_bodies(choice)
        return await asyncio.to_thread(self._compare, _Question(choice, total, sums, served, candidates, bodies))

    def _sums(self, choice: c.Choice) -> tuple[c.Tally, list[Portion]]:
        """All of the choice, by what served, as the ledger sums it up for ever."""
        report = self._ledger.usage(choice, "provider")
        return report.total, [
            Portion(provider.key, row.key, row.tally.usage, requests=row.tally.requests)
            for provider in report.rows
            for row in self._ledger.usage(msgspec.structs.replace(choice, provider=provider.key), "model").rows
        ]

    async def _served(self, choice: c.Choice, names: Iterable[Target]) -> dict[Target, Served]:
        """What served, with its price by its own name, or else by the names under which it was asked for."""
        found: dict[Target, Served] = {}
        for provider, model in names:
            price = self._price_of(provider, (model,))
            found[provider, model] = Served(price)
            if price is None and provider:
                targets = await asyncio.to_thread(self._ledger.targets, choice, provider, model)
                found[provider, model] = Served(None, {name: self._price_of(provider, (name,)) for name in targets})
        return found

    async def _candidates(self, served: Mapping[Target, Served]) -> list[Candidate]:
        """Every listed model, and what served though no list has it. A simulator is told where one served."""
        names = {(provider, canonical(model)): model for provider, model in served if provider in self._providers}
        simulated = any(self._providers[provider].simulated for provider, _ in names)
        listed = [each for each in self._catalog.models() if simulated or not self._providers[each.provider].simulated]
        known = {(model.provider, canonical(model.id)) for model in listed}
        unlisted = [c.Model(provider=key[0], id=model) for key, model in names.items() if model and key not in known]
        found: list[Candidate] = []
        for number, model in enumerate([*unlisted, *listed], 1):
            its_name = names.get((model.provider, canonical(model.id)))
            found.append(self._candidate(model, served.get((model.provider, its_name or ""))))
            if number % SLICE == 0:
                await asyncio.sleep(0)
        return found

    def _candidate(self, model: c.Model, served: Served | None) -> Candidate:
        provider = self._providers[model.provider]
        names = (model.id, *(served.only_target if served is not None else ()))
        prices = [self._costs.price_of(provider, name) for name in names]
        price, source = next((each for each in prices if each[0] is not None), prices[0])
        return Candidate(
            provider=model.provider,
            model=model.id,
            price=price,
            source=source,
            window=model.context_window or self._catalog.window(model.provider, model.id),
            tools=model.tools,
            images=model.images,
            simulated=provider.simulated,
            wanted=served is not None or model.favourite or model.used_at is not None,
        )

    def _kept_bodies(self, choice: c.Choice) -> list[Body]:
        """The newest ones that are in memory."""
        bodies: list[Body] = []
        for request in reversed(self._board.recent):
            if len(bodies) == BODIES:
                break
            exchange = self._board.find(request.id) if _chosen(request, choice) else None
            if exchange is not None and exchange.body is not None:
                bodies.append(exchange.body)
        return bodies

    def _compare(self, asked: "_Question") -> c.WhatIf:
        prices = [each.price for each in asked.candidates]
        prices += [price for each in asked.served.values() for price in (each.price, *each.by_target.values())]
        portions = self._ledger.portions(asked.choice, steps(prices))
        rough = sum(each.requests for each in portions) < asked.total.requests
        if rough:
            portions = asked.sums
        needs = Needs(
            tools=any(each.tools for each in portions) or any(body.has_tools for body in asked.bodies),
            images=any(body.has_images for body in asked.bodies),
        )
        return c.WhatIf(
            total=asked.total,
            list_nano_usd=list_cost([each for each in portions if not self._made_up(each)], asked.price_for),
            list_simulated_nano_usd=list_cost([each for each in portions if self._made_up(each)], asked.price_for),
            longest_prompt=max((each.longest for each in portions), default=0),
            rough=rough,
            rows=rows(portions, asked.candidates, needs),
            choice=asked.choice,
        )

    def _made_up(self, portion: Portion) -> bool:
        provider = self._providers.get(portion.provider)
        return provider is not None and provider.simulated


@dataclass(frozen=True, slots=True)
class _Question:
    """What is known before the rows are read."""

    choice: c.Choice
    total: c.Tally
    sums: list[Portion]
    served: Mapping[Target, Served]
    candidates: list[Candidate]
    bodies: list[Body]

    def price_for(self, portion: Portion) -> Price | None:
        served = self.served.get((portion.provider, portion.model))
        return served.price_for(portion) if served is not None else None


def _chosen(request: c.Request, choice: c.Choice) -> bool:
    pairs: Iterable[tuple[str | None, str | None]] = (
        (choice.project, request.project),
        (choice.provider, request.provider),
        (choice.model, request.served_model or request.target_model or request.asked_model),
        (choice.session, request.session_id),
        (choice.agent, request.agent_id),
        (choice.role, request.role),
    )
    in_time = (choice.since or 0) <= request.started_at < (choice.until or float("inf"))
    return in_time and request.kind == "messages" and all(want is None or want == (has or "") for want, has in pairs)
