"""What tokens cost: prices as values, cost as integer arithmetic.

A price is nano-dollars for a million tokens of a kind (five dollars per million = 5 * 10**9), a cost is
nano-dollars, rounded half up once at the end. Where a provider gives no own price for cached tokens they cost
what input costs; a one-hour cache write without a price of its own costs what a five-minute one does.
"""

from dataclasses import dataclass, replace

from proxy.contract import Usage

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

    def at(self, prompt_tokens: int) -> "Price":
        """The price of a request with that prompt."""
        return replace(self.tier(prompt_tokens), tiers=())

    def tier(self, prompt_tokens: int) -> "Price":
        """Whose rates count for a request with that prompt: its own, or a tier's."""
        price = self
        for start, tier in self.tiers:
            if prompt_tokens > start:
                price = tier
        return price

    def with_search(self, search: int) -> "Price":
        """The same price with another one for searches."""
        tiers = tuple((start, replace(tier, search=search)) for start, tier in self.tiers)
        return replace(self, search=search, tiers=tiers)


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
    write_5m = rate.cache_write_5m if rate.cache_write_5m is not None else rate.input
    write_1h = rate.cache_write_1h if rate.cache_write_1h is not None else write_5m
    return Bill(
        input=usage.input_tokens * rate.input,
        output=usage.output_tokens * rate.output,
        cache_read=usage.cache_read_tokens * (rate.cache_read if rate.cache_read is not None else rate.input),
        cache_write=usage.cache_write_5m_tokens * write_5m + usage.cache_write_1h_tokens * write_1h,
        search=usage.web_searches * rate.search * 1000,
    )


def cost(usage: Usage, price: Price) -> int:
    """The cost of ``usage`` at ``price``, nano-dollars."""
    return bill(usage, price).nano_usd
