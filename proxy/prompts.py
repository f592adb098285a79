"""Answers about the prompts of a session: what fills its window, how well the cache serves it. Off the hot path.

Bodies are weighed and the ledger is read in a thread; prices and windows are looked up on the event loop, to which
the catalog belongs.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from proxy import contract as c
from proxy.board import Board, add
from proxy.cachewatch import CacheWatch
from proxy.ledger.caches import CacheKept
from proxy.net.exchange import Exchange
from proxy.protocol.cachebreak import saved
from proxy.protocol.context import weigh
from proxy.protocol.pricing import Price
from proxy.protocol.session_bill import Sum

ROWS_MAX = 20_000
"""Requests of a session that are looked at, the latest."""
SHARES_KEPT = 60

Served = tuple[str, tuple[str, ...], str | None, str | None]
"""A provider, the names of what served there, at which speed and place."""
PriceOf = Callable[[str, tuple[str, ...], str | None, str | None], Price | None]
"""The price of that; None: nobody knows."""

KeptOf = Callable[[str], CacheKept]
"""What the ledger has of a session. Blocks."""
WindowOf = Callable[[str, str], int | None]
RatioOf = Callable[[str], float]
"""Bytes of a body for each token of a model."""


class Prompts:
    """Looks at the prompts of sessions when somebody asks."""

    def __init__(
        self,
        board: Board,
        watch: CacheWatch,
        kept_of: KeptOf,
        price_of: PriceOf,
        window_of: WindowOf,
        ratio_of: RatioOf,
    ) -> None:
        self._board, self._watch = board, watch
        self._kept_of, self._price_of, self._window_of, self._ratio_of = kept_of, price_of, window_of, ratio_of

    async def context(self, session: str) -> c.ContextReport:
        """What fills the window of the session's conversation, by its last request whose body is kept."""
        exchange = self._board.latest(session)
        if exchange is not None:
            return await self.context_of(exchange)
        known = self._board.session(session)
        if known is None:
            return c.ContextReport(session_id=session)
        return c.ContextReport(
            session_id=session,
            model=known.served_model,
            window=known.context_window,
            tokens=known.context_tokens,
            counted=known.context_tokens > 0,
        )

    async def context_of(self, exchange: Exchange) -> c.ContextReport:
        """What fills the window with this request."""
        request = exchange.view()
        usage = None if exchange.usage_estimated else exchange.in_window
        counted = usage.prompt_tokens or None if usage is not None else None
        answer = usage.output_tokens if usage is not None and counted and not request.live else 0
        model = request.served_model or request.target_model or request.asked_model
        window = self._window_of(request.provider or "", request.target_model or request.asked_model or "")
        report = c.ContextReport(
            session_id=request.session_id,
            agent_id=request.agent_id,
            request_id=request.id,
            model=model,
            window=window,
            counted=counted is not None,
        )
        if exchange.body is None:
            return report
        ratio = self._ratio_of(request.target_model or request.asked_model or "")
        weighed = await asyncio.to_thread(weigh, exchange.body, ratio, counted, answer)
        return msgspec.structs.replace(
            report, tokens=weighed.tokens, parts=weighed.parts, items=weighed.items, biggest=weighed.biggest
        )

    async def cache(self, session: str) -> c.CacheReport:
        """How the prompt cache served the session."""
        await self._watch.settled()
        kept, served = await asyncio.to_thread(self._kept_and_served, session)
        prices = {each: self._price_of(*each) for each in served}
        tally, real, simulated = await asyncio.to_thread(_sums, kept, prices)
        return c.CacheReport(
            session_id=session,
            tally=tally,
            saved_nano_usd=real,
            simulated_saved_nano_usd=simulated,
            breaks=kept.losses.breaks,
            lost_nano_usd=kept.losses.lost_nano_usd,
            simulated_lost_nano_usd=kept.losses.simulated_nano_usd,
            shares=_shares(kept.rows),
        )

    def _kept_and_served(self, session: str) -> tuple[CacheKept, dict[Served, None]]:
        """What the ledger has, and who served in it. Blocks."""
        kept = self._kept_of(session)
        answers = (one for row in kept.rows for one in row.paid)
        return kept, dict.fromkeys((*map(_served, answers), *map(_served_of, kept.older)))


def _served(one: c.Pass) -> Served:
    return one.provider, one.models, one.speed, one.geo


def _served_of(one: Sum) -> Served:
    return one.provider, (one.model,), None, None


@dataclass(slots=True)
class _Savings:
    """A sum that grows."""

    tally: c.Tally = field(default_factory=c.Tally)
    real: int | None = 0
    """None: a price is unknown."""
    simulated: int = 0
    priced: bool = False
    """Some prompt's price is known."""
    unpriced: bool = False

    def add(self, usage: c.Usage, price: Price | None, *, simulated: bool) -> None:
        self.priced |= price is not None
        if price is None:
            self.real = self.real if _without_cache(usage) else None
            self.unpriced |= usage.prompt_tokens > 0
        elif simulated:
            self.simulated += saved(usage, price)
        elif self.real is not None:
            self.real += saved(usage, price)

    @property
    def known(self) -> int | None:
        """Real money; unknown also where no price of any prompt is: nothing would be a figure that nobody knows."""
        return None if self.unpriced and not self.priced else self.real


def _sums(kept: CacheKept, prices: Mapping[Served, Price | None]) -> tuple[c.Tally, int | None, int]:
    """All requests summed up; what the cache saved in real money (None: a price is unknown) and in simulated money."""
    savings = _Savings()
    for row in kept.rows:
        savings.tally = add(savings.tally, row)
        for one in row.paid:
            savings.add(one.usage, prices[_served(one)], simulated=row.simulated)
    for older in kept.older:
        savings.tally += older.tally
        price, usage = prices[_served_of(older)], older.tally.usage
        mean = None if price is None else price.at_mean(usage.prompt_tokens, older.tally.requests)
        savings.add(usage, mean, simulated=older.simulated)
    return savings.tally, savings.known, savings.simulated


def _without_cache(usage: c.Usage) -> bool:
    return not (usage.cache_read_tokens or usage.cache_write_5m_tokens or usage.cache_write_1h_tokens)


def _shares(rows: Sequence[c.Request]) -> tuple[float, ...]:
    """Of the conversation's last requests, oldest first."""
    asked = [row.usage for row in rows if row.role == "main" and row.usage.prompt_tokens][:SHARES_KEPT]
    return tuple(round(usage.cache_read_tokens / usage.prompt_tokens, 4) for usage in reversed(asked))
