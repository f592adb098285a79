"""What the same tokens would have cost at other targets. Pure.

Prices depend on the length of a prompt only by steps, so requests need not be looked at one by one: the sums of
those whose prompts lie between the same two steps are priced exactly, but for the rounding to a nano-dollar. Cached
tokens cost what the other target takes for them: its own prices where it has such, else what input costs.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from proxy import contract as c
from proxy.protocol.pricing import Price, cost
from proxy.protocol.tokenizer import tokenizer

ROWS_MAX = 1000
"""Of the targets that are of no special interest only the cheapest are told: as many as a picker lists."""


@dataclass(frozen=True, slots=True)
class Portion:
    """Sums of requests that one model served, their prompts between the same two steps."""

    provider: str
    model: str
    usage: c.Usage
    longest: int = 0
    """Tokens of the longest prompt; 0: not known, the price of short ones is taken."""
    requests: int = 0
    tools: bool = False
    """One of them ended in the call of a tool."""
    target_model: str = ""
    """What the provider was asked for; empty: not known, or not the same for all."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target that could have served."""

    provider: str
    model: str
    price: Price | None = None
    source: c.CostSource = "unknown"
    window: int | None = None
    tools: bool | None = None
    images: bool | None = None
    simulated: bool = False
    wanted: bool = False
    """It is told whatever it costs."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What some of the requests are known to have needed."""

    tools: bool = False
    images: bool = False


def steps(prices: Iterable[Price | None]) -> tuple[int, ...]:
    """The prompt lengths, ascending, above which one of ``prices`` is another."""
    return tuple(sorted({start for price in prices if price is not None for start, _ in price.tiers}))


def portions_cost(portions: Iterable[Portion], price: Price) -> int:
    """Nano-dollars of ``portions`` at ``price``."""
    return sum(cost(portion.usage, price.at(portion.longest) if price.tiers else price) for portion in portions)


def list_cost(portions: Iterable[Portion], price_of: Callable[[Portion], Price | None]) -> int | None:
    """Nano-dollars at the prices of what served; None where something that served has none."""
    total = 0
    for portion in portions:
        if not _billed(portion):
            continue
        price = price_of(portion)
        if price is None:
            return None
        total += portions_cost((portion,), price)
    return total


def rows(portions: Sequence[Portion], candidates: Iterable[Candidate], needs: Needs) -> tuple[c.WhatIfRow, ...]:
    """What each candidate would have cost, the cheapest first, unknown prices last."""
    billed = [portion for portion in portions if _billed(portion)]
    longest = max((portion.longest for portion in billed), default=0)
    counted = _by_tokenizer(billed)
    told = [(each, _row(each, billed, longest, counted, needs)) for each in candidates]
    told.sort(key=lambda each: _rank(each[1]))
    cheap = {id(row) for _, row in told[:ROWS_MAX] if row.cost_nano_usd is not None}
    return tuple(row for candidate, row in told if candidate.wanted or id(row) in cheap)


def _row(
    candidate: Candidate, portions: Sequence[Portion], longest: int, counted: Mapping[str, float], needs: Needs
) -> c.WhatIfRow:
    price = candidate.price
    return c.WhatIfRow(
        provider=candidate.provider,
        model=candidate.model,
        cost_nano_usd=None if price is None else portions_cost(portions, price),
        price_source=candidate.source,
        same_tokenizer=counted.get(tokenizer(candidate.model), 0.0),
        misfit=_misfit(candidate, longest, needs),
        simulated=candidate.simulated,
    )


def _by_tokenizer(portions: Iterable[Portion]) -> dict[str, float]:
    """The share of the tokens that each tokenizer counted."""
    tokens: Counter[str] = Counter()
    for portion in portions:
        tokens[tokenizer(portion.model)] += portion.usage.total_tokens
    return {name: number / tokens.total() for name, number in tokens.items() if number}


def _misfit(candidate: Candidate, longest: int, needs: Needs) -> str | None:
    reasons = []
    if candidate.window is not None and candidate.window < longest:
        reasons.append(f"a prompt of {longest:,} tokens is longer than its window of {candidate.window:,}")
    if needs.tools and candidate.tools is False:
        reasons.append("it takes no tools")
    if needs.images and candidate.images is False:
        reasons.append("it takes no images")
    return "; ".join(reasons) or None


def _rank(row: c.WhatIfRow) -> tuple[bool, int, str, str]:
    return row.cost_nano_usd is None, row.cost_nano_usd or 0, row.provider, row.model


def _billed(portion: Portion) -> bool:
    return portion.usage.total_tokens > 0 or portion.usage.web_searches > 0
