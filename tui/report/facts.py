"""What a report tells of a session: sums of the whole ledger, and the requests that its lists show. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from proxy import contract as c
from tui.state.formats import short_model
from tui.state.text import clean_line

SERIES_MAX = 6
"""Models with a colour of their own in a graph; the cheaper ones are summed up."""
COSTLIEST = 20

KIND_NAMES: dict[c.CostKind, str] = {
    "input": "input",
    "cache_read": "cache read",
    "cache_write": "cache write",
    "output": "output",
    "searches": "searches",
    "unsplit": "not split",
}


@dataclass(frozen=True, slots=True)
class Series:
    """Money of one thing over the steps of the report, nano-dollars."""

    name: str
    total: int
    over_time: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Thread:
    """The conversation, a sub-agent or background calls."""

    name: str
    tally: c.Tally


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """Everything that a report shows."""

    report: c.SessionReport
    project: str | None
    began: float
    ended: float
    simulated: bool
    """The graphs show the simulator's money, as there is no other."""
    models: tuple[Series, ...]
    kinds: tuple[Series, ...]
    growth: tuple[int, ...]
    """The cost at the end of each step."""
    threads: tuple[Thread, ...]
    costliest: tuple[c.Request, ...]
    imported: int
    subscription: int
    """Requests that a subscription paid."""
    estimated: int


def session_facts(report: c.SessionReport, requests: Sequence[c.Request]) -> SessionFacts:
    """``requests`` are the session's ended ones, in any order; sums are those of ``report``."""
    rows = sorted((row for row in requests if row.kind == "messages"), key=lambda row: row.started_at)
    simulated = not report.tally.cost_nano_usd and report.tally.simulated_nano_usd > 0
    models = _few(
        [
            Series(f"{short_model(one.model)} · {clean_line(one.provider) or '?'}", sum(one.over_time), one.over_time)
            for one in report.by_model
            if one.simulated == simulated
        ]
    )
    kinds = [
        Series(KIND_NAMES[one.kind], one.nano_usd, one.over_time)
        for one in report.by_kind
        if one.simulated == simulated
    ]
    steps = [sum(amounts) for amounts in zip(*(one.over_time for one in models), strict=True)]
    return SessionFacts(
        report=report,
        project=report.project,
        began=report.began_at,
        ended=report.ended_at,
        simulated=simulated,
        models=tuple(models),
        kinds=tuple(kinds),
        growth=tuple(accumulate(steps)),
        threads=_threads(report.agents),
        costliest=tuple(sorted(rows, key=lambda row: -(row.cost_nano_usd or 0))[:COSTLIEST]),
        imported=sum(row.imported for row in rows),
        subscription=sum(row.subscription for row in rows),
        estimated=sum(row.usage_estimated for row in rows),
    )


def _few(series: list[Series]) -> list[Series]:
    """The dearest ones, and the rest as one."""
    paid = sorted((one for one in series if one.total), key=lambda one: -one.total)
    if len(paid) <= SERIES_MAX:
        return paid
    rest = paid[SERIES_MAX - 1 :]
    over_time = tuple(sum(amounts) for amounts in zip(*(one.over_time for one in rest), strict=True))
    others = Series(f"{len(rest)} others", sum(one.total for one in rest), over_time)
    return [*paid[: SERIES_MAX - 1], others]


def _threads(agents: Sequence[c.AgentTally]) -> tuple[Thread, ...]:
    """In the order in which they began."""
    names = {"main": "conversation", "background": "background"}
    return tuple(Thread(names.get(agent.role, f"agent {agent.ordinal}"), agent.tally) for agent in agents)
