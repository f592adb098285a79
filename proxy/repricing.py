"""Costs of ended requests computed anew, on request, with today's price data as of each request's day.

The order of truth is that of a new request; what was imported has no provider and is priced as at its import. What a
provider reported and what was free stays; so does what nobody can price today, and everything of providers that are no
longer set up. Pages are small and have pauses between them, for the streams' sake; the ledger's one writer writes what
changed, and whoever keeps sums of its own is told.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from proxy import contract as c
from proxy.costs import Costs
from proxy.ledger.costings import Costing, CostingPages
from proxy.ledger.rollups import reprice
from proxy.ledger.writer import LedgerUnusable, LedgerWriter
from proxy.prices import day_of
from proxy.protocol.pricing import Settled, together
from proxy.providers import ProviderConfig

PAGE_ROWS = 100
"""A millisecond of pricing."""
PAUSE_S = 0.002


class CannotReprice(Exception):
    """Nothing was repriced, or not all. ``str()`` says why and what to do."""


@dataclass(frozen=True, slots=True)
class Repriced:
    """A request with another cost or another source of it."""

    was: Costing
    cost_nano_usd: int
    cost_source: c.CostSource
    cost_split: c.CostSplit | None

    @property
    def difference(self) -> c.Tally:
        """What sums with the request in them grow by."""
        grown = self.cost_nano_usd - (self.was.cost_nano_usd or 0)
        return c.Tally(
            cost_nano_usd=0 if self.was.simulated else grown,
            simulated_nano_usd=grown if self.was.simulated else 0,
            unpriced_requests=-int(self.was.cost_nano_usd is None),
        )


@dataclass(slots=True)
class _Change:
    """What changed for one model at one provider."""

    requests: int = 0
    old_nano_usd: int = 0
    new_nano_usd: int = 0
    old_unpriced: int = 0
    old_sources: dict[c.CostSource, None] = field(default_factory=dict)
    new_sources: dict[c.CostSource, None] = field(default_factory=dict)

    def add(self, one: Repriced) -> None:
        self.requests += 1
        self.old_nano_usd += one.was.cost_nano_usd or 0
        self.new_nano_usd += one.cost_nano_usd
        self.old_unpriced += one.was.cost_nano_usd is None
        self.old_sources[one.was.cost_source] = None
        self.new_sources[one.cost_source] = None

    def view(self, provider: str, model: str, *, simulated: bool) -> c.RepricedModel:
        return c.RepricedModel(
            provider=provider,
            model=model,
            requests=self.requests,
            old_nano_usd=self.old_nano_usd,
            new_nano_usd=self.new_nano_usd,
            old_unpriced=self.old_unpriced,
            old_sources=tuple(self.old_sources),
            new_sources=tuple(self.new_sources),
            simulated=simulated,
        )


class Repricer:
    """Reprices one ledger, one time after the other."""

    def __init__(
        self,
        file: Path,
        writer: LedgerWriter,
        costs: Costs,
        providers: Mapping[str, ProviderConfig],
        written: Callable[[Sequence[Repriced]], None],
        finished: Callable[[], Awaitable[None]],
        turn: asyncio.Lock,
    ) -> None:
        """``written`` is told page by page what changed in the ledger, ``finished`` that no more will.

        ``turn`` is held until ``written`` knows.
        """
        self._file, self._writer, self._costs, self._providers = file, writer, costs, providers
        self._written, self._finished, self._turn = written, finished, turn
        self._running = asyncio.Lock()

    async def reprice(self, command: c.Reprice) -> c.RepriceReport:
        """Compute, write where that is meant, and tell. Raises ``CannotReprice``."""
        if self._running.locked():
            raise CannotReprice("costs are being computed anew already; wait until that is done")
        async with self._running:
            try:
                return await self._reprice(command)
            except (LedgerUnusable, sqlite3.DatabaseError) as error:
                raise CannotReprice(f"the ledger cannot be repriced now ({error}); try again") from error
            finally:
                if not command.dry_run:
                    await self._finished()

    async def _reprice(self, command: c.Reprice) -> c.RepriceReport:
        await asyncio.to_thread(self._writer.flush)
        pages = CostingPages(self._file, command.since, command.until, PAGE_ROWS)
        changes: dict[tuple[str, str, bool], _Change] = {}
        unknown: dict[str, None] = {}
        looked_at = 0
        while page := await asyncio.to_thread(pages.next):
            gone = {each.id: self._unknown(each) for each in page}
            unknown |= dict.fromkeys(chain.from_iterable(gone.values()))
            known = [each for each in page if not gone[each.id]]
            changed = [new for each in known if (new := self._anew(each)) is not None]
            looked_at += len(known)
            for one in changed:
                model = one.was.served_model or one.was.target_model or ""
                changes.setdefault((one.was.provider, model, bool(one.was.simulated)), _Change()).add(one)
            if changed and not command.dry_run:
                await self._write(changed)
            await asyncio.sleep(PAUSE_S)
        rows = [change.view(who, model, simulated=simulated) for (who, model, simulated), change in changes.items()]
        rows.sort(key=lambda row: (-abs(row.new_nano_usd - row.old_nano_usd), row.provider, row.model))
        return c.RepriceReport(
            looked_at=looked_at, rows=tuple(rows), unknown_providers=tuple(unknown), written=not command.dry_run
        )

    def _anew(self, was: Costing) -> Repriced | None:
        """The request as it would be priced now; None where nothing changes."""
        day = day_of(was.started_at)
        now = together(self._costs.settled(self._providers.get(each.provider), each, day) for each in was.paid)
        if now.nano_usd is None or (now.nano_usd, now.source) == (was.cost_nano_usd, was.cost_source):
            return None
        return Repriced(was, now.nano_usd, now.source, now.split)

    def _unknown(self, was: Costing) -> list[str]:
        """Providers that are no longer set up, whose prices nobody can tell."""
        return [each.provider for each in was.paid if each.provider and each.provider not in self._providers]

    async def _write(self, changed: Sequence[Repriced]) -> None:
        costs = {one.was.id: Settled(one.cost_nano_usd, one.cost_source, one.cost_split) for one in changed}
        async with self._turn:
            await asyncio.wrap_future(self._writer.submit(lambda connection: reprice(connection, costs)))
            self._written(changed)
