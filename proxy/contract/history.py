"""What the ledger answers: sums, speeds, and what another target would have cost."""

from typing import Literal

from proxy.contract.amounts import CostSource
from proxy.contract.frozen import Frozen
from proxy.contract.requests import Role
from proxy.contract.sessions import Tally

UsageGroup = Literal[
    "session", "agent", "role", "model", "provider", "project", "hour", "day", "week", "month", "hour_of_day"
]
"""What sums are grouped by; times are local. Keys: ``2026-11-21 14:00``, ``2026-11-21``, ``2026-W47``, ``2026-11``,
``14``; ids and names as they are, empty where there is none."""


class Choice(Frozen, frozen=True):
    """Which ended requests are meant; None leaves a thing open."""

    since: float | None = None
    """They began at or after it, Unix seconds."""
    until: float | None = None
    """They began before it."""
    project: str | None = None
    provider: str | None = None
    model: str | None = None
    """The served model, else the target's, else the asked one."""
    session: str | None = None
    agent: str | None = None
    role: Role | None = None


class UsageRow(Frozen, frozen=True):
    """One group of ``GET /_cctui/usage``."""

    key: str
    tally: Tally
    name: str = ""
    """Of a sub-agent what the call said that sent it out, as far as that is known."""


class UsageReport(Frozen, frozen=True):
    """Sums of the ``messages`` requests of a choice; by time in its order, else the costliest first."""

    total: Tally
    rows: tuple[UsageRow, ...]
    choice: Choice = Choice()
    estimated_requests: int = 0
    """Of those in ``total``: some of their counts, and so their costs, are estimates."""
    others: Tally | None = None
    """Of the groups beyond as many as were asked for; None: all are in ``rows``."""


class Latency(Frozen, frozen=True):
    """How fast a model was at a provider. Requests that were served and streamed count."""

    provider: str
    model: str
    requests: int = 0
    ttft_p50_ms: float | None = None
    """To the first event."""
    ttft_p95_ms: float | None = None
    tokens_per_s_p50: float | None = None
    """Output tokens over the time from the first event to the end."""
    tokens_per_s_p5: float | None = None
    """The slow end: 95 % were faster."""


class LatencyReport(Frozen, frozen=True):
    """Answer to ``GET /_cctui/latency``, the most used first. Over whole days the figures are right to 7 %."""

    rows: tuple[Latency, ...]
    choice: Choice = Choice()


class WhatIfRow(Frozen, frozen=True):
    """What the same tokens would have cost at another target."""

    provider: str
    model: str
    cost_nano_usd: int | None = None
    """None: no price known."""
    price_source: CostSource = "unknown"
    same_tokenizer: float = 0.0
    """The share of the tokens that were counted as it is known to count; it may count the same text differently."""
    misfit: str | None = None
    """Why part of the requests could not have gone there, in words: the window, tools, images."""
    simulated: bool = False
    """A simulator's: nobody pays it."""


class WhatIf(Frozen, frozen=True):
    """Answer to ``GET /_cctui/whatif``: the cheapest first, unknown prices last."""

    total: Tally
    """What was used and paid."""
    list_nano_usd: int | None = None
    """What it would have cost at the list prices of the models that served; None: one has none."""
    list_simulated_nano_usd: int | None = 0
    """The same of what simulators served, which is not in the other: nobody pays it."""
    longest_prompt: int = 0
    """Tokens of the largest request; 0 where ``rough``."""
    rough: bool = False
    """Only sums are kept of so much: prices of long prompts are not in it, and no window was looked at."""
    rows: tuple[WhatIfRow, ...] = ()
    choice: Choice = Choice()
