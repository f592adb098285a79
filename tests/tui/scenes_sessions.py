"""Sessions to show in full: nested sub-agents with names, a report of where the money went, budgets."""

import msgspec

from proxy import contract as c
from tests.tui.scenes import DOLLAR, NOW, Scene, at_work, shop_session, usage

CENT = DOLLAR // 100
STEPS = 49


def tally(requests: int, cents: int) -> c.Tally:
    return c.Tally(requests=requests, usage=usage(930_000, 23_000, 40_000), cost_nano_usd=cents * CENT)


def agent(number: int, cents: int, before_s: float, **more: object) -> c.AgentTally:
    plain: dict[str, object] = {
        "role": "agent",
        "agent_id": f"a{number}",
        "ordinal": number,
        "tally": tally(3 * number, cents),
        "started_at": NOW - 1800 + 200 * number,
        "last_at": NOW - before_s,
        "done": True,
    }
    return c.AgentTally(**(plain | more))  # type: ignore[arg-type]


AGENTS = (
    c.AgentTally(role="main", tally=tally(41, 320), in_flight=1, started_at=NOW - 2880, last_at=NOW),
    agent(1, 12, 900, name='Explore "find the handlers"'),
    agent(2, 55, 0, name='Plan "the smallest safe change"', done=False, in_flight=1),
    agent(3, 9, 40, parent_agent_id="a1", name='general-purpose "count what calls them"'),
    agent(4, 10, 25, parent_agent_id="a2", done=False),
    c.AgentTally(role="background", tally=tally(18, 6), started_at=NOW - 2870, last_at=NOW - 4),
)
"""Their sums are the session's."""


def session() -> c.Session:
    whole = c.Usage()
    for each in AGENTS:
        whole += each.tally.usage
    requests = sum(each.tally.requests for each in AGENTS)
    return msgspec.structs.replace(
        shop_session(),
        agents=AGENTS,
        tally=c.Tally(requests=requests, usage=whole, cost_nano_usd=412 * CENT),
        models={"claude-opus-4-8": 60, "anthropic/claude-opus-4.8": 9, "claude-sonnet-5": 14, "claude-haiku-4-5": 6},
    )


def course(cents: int) -> tuple[int, ...]:
    """``cents`` over the steps, more at some times than at others."""
    weights = [(7 * step * step + 3 * step) % 11 if step % 9 else 0 for step in range(STEPS)]
    shares = [cents * CENT * weight // sum(weights) for weight in weights]
    return (*shares[:-1], cents * CENT - sum(shares[:-1]))


def model(name: str, cents: int, requests: int, provider: str = "anthropic") -> c.ModelCost:
    return c.ModelCost(provider=provider, model=name, tally=tally(requests, cents), over_time=course(cents))


def kind(name: c.CostKind, cents: int) -> c.KindCost:
    return c.KindCost(kind=name, nano_usd=cents * CENT, over_time=course(cents))


def report() -> c.SessionReport:
    """Of ``session``."""
    return c.SessionReport(
        session_id=session().id,
        tally=session().tally,
        by_model=(
            model("claude-opus-4-8", 260, 60),
            model("anthropic/claude-opus-4.8", 98, 9, "openrouter"),
            model("claude-sonnet-5", 48, 14),
            model("claude-haiku-4-5", 6, 6),
        ),
        by_kind=(kind("input", 22), kind("cache_read", 151), kind("cache_write", 96), kind("output", 143)),
        in_proportion_nano_usd=98 * CENT,
        begins_at=NOW - 2880,
        step_s=60.0,
        steps=STEPS,
        paces=(
            c.Pace(span_s=60.0, tokens_per_min=18_400, nano_usd_per_hour=6.3 * DOLLAR),
            c.Pace(span_s=300.0, tokens_per_min=15_100, nano_usd_per_hour=5.1 * DOLLAR),
            c.Pace(span_s=3600.0, tokens_per_min=9_200, nano_usd_per_hour=4.9 * DOLLAR),
        ),
        forecast=c.Forecast(
            hour_ends_at=NOW + 3600,
            hour_nano_usd=922 * CENT,
            budget=budgets().budgets[0],
            budget_at=NOW + 4150,
        ),
    )


def budgets(**changes: object) -> c.BudgetReport:
    """Of ``session``: the project is over its budget, the month has none."""
    plain: dict[str, object] = {
        "action": "block",
        "session": session().id,
        "budgets": (
            c.Budget(
                kind="session",
                name=session().id,
                limit_nano_usd=10 * DOLLAR,
                granted_nano_usd=2 * DOLLAR,
                spent_nano_usd=412 * CENT,
                in_flight_nano_usd=21 * CENT,
            ),
            c.Budget(kind="project", name="shop-api", limit_nano_usd=20 * DOLLAR, spent_nano_usd=2004 * CENT),
            c.Budget(
                kind="day",
                name="2027-01-15",
                limit_nano_usd=60 * DOLLAR,
                spent_nano_usd=5187 * CENT,
                unpriced_requests=1,
            ),
            c.Budget(kind="month", name="2027-01"),
        ),
    }
    return c.BudgetReport(**(plain | changes))  # type: ignore[arg-type]


def scene() -> Scene:
    """Two sessions at work, the first with many agents; the project is over its budget."""
    made = at_work()
    made.sessions = {each.id: each for each in (session(), *list(made.sessions.values())[1:])}
    return made
