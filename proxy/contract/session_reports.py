"""Where the money of one session went and goes."""

from typing import Literal

from proxy.contract.budgets import Budget
from proxy.contract.frozen import Frozen
from proxy.contract.sessions import AgentTally, Tally

CostKind = Literal["input", "cache_read", "cache_write", "output", "searches", "unsplit"]
"""What money was spent on. ``unsplit``: the provider reported a sum, and no price tells its parts."""
COST_KINDS: tuple[CostKind, ...] = ("input", "cache_read", "cache_write", "output", "searches", "unsplit")


class ModelCost(Frozen, frozen=True):
    """What a model served in a session."""

    provider: str
    model: str
    tally: Tally
    simulated: bool = False
    """All of its money is the simulator's."""
    over_time: tuple[int, ...] = ()
    """Nano-dollars in each of the report's steps."""


class KindCost(Frozen, frozen=True):
    """What a session paid for one kind of token."""

    kind: CostKind
    nano_usd: int
    simulated: bool = False
    over_time: tuple[int, ...] = ()


class Pace(Frozen, frozen=True):
    """How fast a session went in the seconds before the report; each request counts evenly over its life."""

    span_s: float
    tokens_per_min: float = 0.0
    nano_usd_per_hour: float = 0.0
    simulated_nano_usd_per_hour: float = 0.0
    unpriced_requests: int = 0
    """Requests of that time whose cost nobody could tell; they are in no rate of money."""


FORECAST_S = 300.0
"""The rate of a forecast is that of so many seconds."""


class Forecast(Frozen, frozen=True):
    """What comes of it if all goes on as in the last ``FORECAST_S``."""

    hour_ends_at: float
    hour_nano_usd: int
    """What the session will have cost by then."""
    simulated_hour_nano_usd: int = 0
    budget: Budget | None = None
    """The budget that is used up first, before its day or month ends; None: none is."""
    budget_at: float | None = None


class SessionReport(Frozen, frozen=True):
    """Answer to ``GET /_cctui/session``: where a session's money went and goes. Sums of all the ledger has of it."""

    session_id: str
    tally: Tally = Tally()
    by_model: tuple[ModelCost, ...] = ()
    """The dearest first."""
    by_kind: tuple[KindCost, ...] = ()
    """In the order of ``CostKind``, those that cost something."""
    in_proportion_nano_usd: int = 0
    """How much of it was split in the proportion of prices because only its sum is known."""
    agents: tuple[AgentTally, ...] = ()
    """The conversation, sub-agents and background calls, in the order in which they began; of those that ended."""
    project: str | None = None
    began_at: float = 0.0
    """When its first request began; to a quarter of an hour where single requests are no longer kept."""
    ended_at: float = 0.0
    """When its last request that ended did."""
    begins_at: float = 0.0
    """When the first step begins."""
    step_s: float = 60.0
    steps: int = 0
    paces: tuple[Pace, ...] = ()
    """Over the last minute, five minutes, hour."""
    forecast: Forecast | None = None
    """None: nothing was spent in the last five minutes."""


class StatusFacts(Frozen, frozen=True):
    """Answer to ``GET /_cctui/statusline``: what a line under Claude Code's prompt tells of a session."""

    provider: str
    known: bool = False
    """The engine has seen the session; else only the provider is told."""
    served_model: str | None = None
    cost_nano_usd: int = 0
    simulated_nano_usd: int = 0
    unpriced_requests: int = 0
    """Requests whose cost nobody could tell; they are in no sum."""
    cached: float | None = None
    """Share of the prompt tokens that were read from a cache; None: no prompt yet."""
    context: float | None = None
    """Share of the window that is full; None: not known."""
    budget: Budget | None = None
    """The one with the least left."""
    passing: bool = False
