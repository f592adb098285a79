"""Where a session's money went: by model, by kind of token, over time. Pure.

Works on sums that the ledger made: requests that began in one step of time and were served by one model. What a sum
cost is recorded; its kinds are told by the price in force. Where the two differ (the provider reported a figure of its
own, or prices changed since) the recorded cost is split in the price's proportion and counted as such.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from proxy import contract as c
from proxy.protocol.pricing import MILLION, Bill, Price, bill

STEPS_MAX = 96
"""Of a session's time; wider steps are taken for a longer one."""
_STEPS_S = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)

PriceOf = Callable[[str, tuple[str, ...]], Price | None]
"""The price at a provider of what goes under these names; None: unknown."""


class Axis(NamedTuple):
    """Equal steps of time."""

    begins_at: float
    step_s: float
    steps: int


@dataclass(frozen=True, slots=True)
class Sum:
    """Requests that began in one step and were served by one model; their money is all real or all simulated."""

    step: int
    provider: str
    model: str
    """By the name that is shown: the served one where there is one."""
    target_model: str
    simulated: bool
    tally: c.Tally

    @property
    def nano_usd(self) -> int:
        return self.tally.simulated_nano_usd if self.simulated else self.tally.cost_nano_usd


@dataclass(frozen=True, slots=True)
class SessionBill:
    """The whole and its parts; each set of parts adds up to the whole."""

    tally: c.Tally
    by_model: tuple[c.ModelCost, ...]
    by_kind: tuple[c.KindCost, ...]
    in_proportion_nano_usd: int


def axis(begin: float, end: float) -> Axis:
    """Steps from ``begin`` to ``end`` (Unix seconds), the narrowest of which there are not too many."""
    span = max(1.0, end - begin)
    fitting = (step for step in _STEPS_S if span / step <= STEPS_MAX - 1)
    step_s = next(fitting, _STEPS_S[-1] * (1 + int(span // (_STEPS_S[-1] * (STEPS_MAX - 1)))))
    first = begin - begin % step_s
    return Axis(first, step_s, int((end - first) // step_s) + 1)


def session_bill(sums: Iterable[Sum], steps: int, price_of: PriceOf) -> SessionBill:
    """The bill over ``steps`` steps."""
    whole = c.Tally()
    models: dict[tuple[str, str, bool], _Line] = {}
    kinds: dict[tuple[c.CostKind, bool], _Line] = {}
    in_proportion = 0
    for one in sums:
        whole = plus(whole, one.tally)
        line = models.setdefault((one.provider, one.model, one.simulated), _Line(steps))
        line.tally = plus(line.tally, one.tally)
        line.add(one.step, one.nano_usd)
        parts, exact = split(one, price_of(one.provider, (one.model, one.target_model)))
        in_proportion += 0 if exact else one.nano_usd
        for kind, nano_usd in parts.items():
            kinds.setdefault((kind, one.simulated), _Line(steps)).add(one.step, nano_usd)
    return SessionBill(whole, _models(models), _kinds(kinds), in_proportion)


def split(one: Sum, price: Price | None) -> tuple[Mapping[c.CostKind, int], bool]:
    """What ``one`` cost by kind, adding up to it exactly, and whether the price tells the same cost."""
    cost = one.nano_usd
    if not cost:
        return {}, True
    parts = _parts(_bill(one.tally, price)) if price is not None else {}
    told = sum(parts.values())
    if not told:
        return {"unsplit": cost}, True
    shares = {kind: cost * part // told for kind, part in parts.items()}
    dearest = max(shares, key=lambda kind: shares[kind])
    shares[dearest] += cost - sum(shares.values())
    exact = abs(told - cost * MILLION) <= one.tally.requests * MILLION
    return {kind: share for kind, share in shares.items() if share}, exact


def plus(one: c.Tally, other: c.Tally) -> c.Tally:
    """Both together."""
    return c.Tally(
        requests=one.requests + other.requests,
        usage=one.usage + other.usage,
        cost_nano_usd=one.cost_nano_usd + other.cost_nano_usd,
        simulated_nano_usd=one.simulated_nano_usd + other.simulated_nano_usd,
        unpriced_requests=one.unpriced_requests + other.unpriced_requests,
        failed=one.failed + other.failed,
    )


class _Line:
    """A sum that grows, with its course."""

    __slots__ = ("nano_usd", "over_time", "tally")

    def __init__(self, steps: int) -> None:
        self.tally = c.Tally()
        self.nano_usd = 0
        self.over_time = [0] * steps

    def add(self, step: int, nano_usd: int) -> None:
        self.nano_usd += nano_usd
        self.over_time[min(max(0, step), len(self.over_time) - 1)] += nano_usd


def _bill(tally: c.Tally, price: Price) -> Bill:
    """Tiers of a price hold for single requests: the mean one decides which is in force."""
    rate = price.at(tally.usage.prompt_tokens // max(1, tally.requests))
    return bill(tally.usage, rate)


def _parts(told: Bill) -> dict[c.CostKind, int]:
    return {
        "input": told.input,
        "cache_read": told.cache_read,
        "cache_write": told.cache_write,
        "output": told.output,
        "searches": told.search,
    }


def _models(lines: Mapping[tuple[str, str, bool], _Line]) -> tuple[c.ModelCost, ...]:
    ordered = sorted(lines.items(), key=lambda item: (-item[1].nano_usd, -item[1].tally.requests, item[0]))
    return tuple(
        c.ModelCost(provider=who, model=model, tally=line.tally, simulated=made_up, over_time=tuple(line.over_time))
        for (who, model, made_up), line in ordered
    )


def _kinds(lines: Mapping[tuple[c.CostKind, bool], _Line]) -> tuple[c.KindCost, ...]:
    ordered = sorted(lines.items(), key=lambda item: (item[0][1], c.COST_KINDS.index(item[0][0])))
    return tuple(
        c.KindCost(kind=kind, nano_usd=line.nano_usd, simulated=made_up, over_time=tuple(line.over_time))
        for (kind, made_up), line in ordered
    )
