"""Where a session's money went: by model, by kind of token, over time. Pure.

Works on sums that the ledger made: requests that began in one step of time and were served by one model. What a sum
cost is recorded with its kinds, as of the time of each request. Where the kinds are not (a ledger from before they
were, or no price was known then) the price in force tells them; if it tells another sum, what was paid is split in its
proportion and counted as such, like what was divided when it was recorded because the provider told only the sum.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from proxy import contract as c
from proxy.protocol.pricing import Bill, Price, bill, split_cost

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
    kinds: Mapping[c.CostKind, int] = field(default_factory=dict)
    """What of the cost was recorded by kind, nano-dollars."""
    divided_nano_usd: int = 0
    """How much of that was divided in proportion then."""

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


def axis(begin: float, end: float, least_s: float = 0.0) -> Axis:
    """Steps from ``begin`` to ``end`` (Unix seconds) of ``least_s`` or more, the narrowest that are not too many."""
    span = max(1.0, end - begin)
    fitting = (step for step in _STEPS_S if step >= least_s and span / step <= STEPS_MAX - 1)
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
        whole += one.tally
        line = models.setdefault((one.provider, one.model, one.simulated), _Line(steps))
        line.tally += one.tally
        line.add(one.step, one.nano_usd)
        parts, guessed = split(one, price_of(one.provider, (one.model, one.target_model)))
        in_proportion += one.divided_nano_usd + guessed
        for kind, nano_usd in parts.items():
            kinds.setdefault((kind, one.simulated), _Line(steps)).add(one.step, nano_usd)
    return SessionBill(whole, _models(models), _kinds(kinds), in_proportion)


def split(one: Sum, price: Price | None) -> tuple[Mapping[c.CostKind, int], int]:
    """What ``one`` cost by kind, adding up to it exactly, and how much of it is split by the price's proportion alone.

    That is what was not recorded by kind, unless the price tells the same sum for it.
    """
    kinds = {kind: nano_usd for kind, nano_usd in one.kinds.items() if nano_usd}
    rest = one.nano_usd - sum(kinds.values())
    if not rest:
        return kinds, 0
    told = None if price is None else _bill(one.tally, price)
    shares = None if told is None else split_cost(rest, told)
    if told is None or shares is None:
        return {**kinds, "unsplit": rest}, 0
    same = not kinds and abs(told.nano_usd - rest) <= one.tally.requests
    parts = {kind: kinds.get(kind, 0) + more for kind, more in kinds_of(shares).items()}
    return {kind: nano_usd for kind, nano_usd in parts.items() if nano_usd}, 0 if same else rest


def kinds_of(parts: c.CostSplit) -> dict[c.CostKind, int]:
    return {
        "input": parts.input,
        "cache_read": parts.cache_read,
        "cache_write": parts.cache_write,
        "output": parts.output,
        "searches": parts.searches,
    }


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
    rate = price.at_mean(tally.usage.prompt_tokens, tally.requests)
    return bill(tally.usage, rate)


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
