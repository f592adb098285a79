"""What tokens cost: prices as values, cost as integer arithmetic.

A price is nano-dollars for a million tokens of a kind (five dollars per million = 5 * 10**9), a cost is
nano-dollars, rounded half up once for each answer that is paid for. Where a provider gives no own price for cached
tokens they cost what input costs; a one-hour cache write without a price of its own costs what a five-minute one does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from proxy.contract import CostSource, CostSplit, Usage

MILLION = 10**6


@dataclass(frozen=True, slots=True)
class Price:
    """Nano-dollars per million tokens."""

    input: int
    output: int
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    search: int = 0
    """Nano-dollars for a thousand searches, by the provider or by whom the engine asks in its place."""
    tiers: tuple[tuple[int, "Price"], ...] = ()
    """Above that many prompt tokens the whole request costs the other price; ascending."""

    @property
    def read(self) -> int:
        """Of a cached token that is read."""
        return self.input if self.cache_read is None else self.cache_read

    @property
    def write_5m(self) -> int:
        """Of a token that is written to the cache for five minutes."""
        return self.input if self.cache_write_5m is None else self.cache_write_5m

    @property
    def write_1h(self) -> int:
        """Of one that is written for an hour."""
        return self.write_5m if self.cache_write_1h is None else self.cache_write_1h

    def at(self, prompt_tokens: int) -> "Price":
        """The price of a request with that prompt."""
        return replace(self.tier(prompt_tokens), tiers=())

    def at_mean(self, prompt_tokens: int, requests: int) -> "Price":
        """The price of a request with the mean prompt of so many."""
        return self.at(prompt_tokens // max(1, requests))

    def tier(self, prompt_tokens: int) -> "Price":
        """Whose rates count for a request with that prompt: its own, or a tier's."""
        price = self
        for start, tier in self.tiers:
            if prompt_tokens > start:
                price = tier
        return price

    def dearer(self, percent: int) -> "Price":
        """The same price with so much more for each kind of token."""

        def more(rate: int) -> int:
            return rate * (100 + percent) // 100

        def more_if_told(rate: int | None) -> int | None:
            return None if rate is None else more(rate)

        return Price(
            input=more(self.input),
            output=more(self.output),
            cache_read=more_if_told(self.cache_read),
            cache_write_5m=more_if_told(self.cache_write_5m),
            cache_write_1h=more_if_told(self.cache_write_1h),
            search=self.search,
            tiers=tuple((start, tier.dearer(percent)) for start, tier in self.tiers),
        )

    def with_search(self, search: int) -> "Price":
        """The same price with another one for searches."""
        tiers = tuple((start, replace(tier, search=search)) for start, tier in self.tiers)
        return replace(self, search=search, tiers=tiers)


class Settled(NamedTuple):
    """What an ended request cost."""

    nano_usd: int | None = None
    """None where nobody knows."""
    source: CostSource = "unknown"
    split: CostSplit | None = None


def together(parts: Iterable[Settled]) -> Settled:
    """The cost of all answers to one request; unknown where that of one is. The dearest says who tells it."""
    parts = tuple(parts)
    if not parts:
        return Settled(0, "free", CostSplit())
    if len(parts) == 1:
        return parts[0]
    costs = [each.nano_usd for each in parts if each.nano_usd is not None]
    if len(costs) < len(parts):
        return Settled()
    splits = [each.split for each in parts if each.split is not None]
    dearest = parts[costs.index(max(costs))]
    return Settled(sum(costs), dearest.source, _sum(splits) if len(splits) == len(parts) else None)


def _sum(splits: Sequence[CostSplit]) -> CostSplit:
    return CostSplit(
        input=sum(each.input for each in splits),
        output=sum(each.output for each in splits),
        cache_read=sum(each.cache_read for each in splits),
        cache_write=sum(each.cache_write for each in splits),
        searches=sum(each.searches for each in splits),
        divided=any(each.divided for each in splits),
    )


@dataclass(frozen=True, slots=True)
class Bill:
    """A cost by kind of token, nano-dollars, each exact in millionths and so not rounded yet."""

    input: int
    output: int
    cache_read: int
    cache_write: int
    search: int

    @property
    def nano_usd(self) -> int:
        total = self.input + self.output + self.cache_read + self.cache_write + self.search
        return (total + MILLION // 2) // MILLION


def bill(usage: Usage, price: Price) -> Bill:
    """The cost of ``usage`` at ``price``, each part times a million."""
    rate = price.tier(usage.prompt_tokens)
    return Bill(
        input=usage.input_tokens * rate.input,
        output=usage.output_tokens * rate.output,
        cache_read=usage.cache_read_tokens * rate.read,
        cache_write=usage.cache_write_5m_tokens * rate.write_5m + usage.cache_write_1h_tokens * rate.write_1h,
        search=usage.web_searches * rate.search * 1000,
    )


def cost(usage: Usage, price: Price) -> int:
    """The cost of ``usage`` at ``price``, nano-dollars."""
    return bill(usage, price).nano_usd


def split_cost(nano_usd: int, told: Bill) -> CostSplit | None:
    """A cost in the proportion of ``told``, its bill or what a list would have billed; None: that tells no proportion.

    What is left by rounding down goes to the dearest part.
    """
    whole = told.input + told.output + told.cache_read + told.cache_write + told.search
    if nano_usd == 0:
        return CostSplit()
    if whole == 0:
        return None
    shares = {
        "input": nano_usd * told.input // whole,
        "output": nano_usd * told.output // whole,
        "cache_read": nano_usd * told.cache_read // whole,
        "cache_write": nano_usd * told.cache_write // whole,
        "searches": nano_usd * told.search // whole,
    }
    shares[max(shares, key=lambda kind: shares[kind])] += nano_usd - sum(shares.values())
    return CostSplit(**shares, divided=nano_usd != told.nano_usd)
