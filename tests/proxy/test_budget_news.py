"""What panels, the status line and scripts are told of budgets."""

from decimal import Decimal

import msgspec

from proxy import contract as c
from tests.proxy.budgeting import DOLLAR, LOGIN, SESSION, SIMULATOR, TURN, TURN_COSTS, budgeted, report
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, passthrough, settings
from tests.upstreams import ScriptedUpstream, as_stream, message_stream


async def notices(engine: RunningEngine) -> list[str]:
    return [notice.text for notice in (await engine.snapshot()).notices]


def shown(snapshot: c.Snapshot) -> dict[str, tuple[int | None, int]]:
    """What panels are told of the budgets: limit and what was spent, by kind."""
    return {each.kind: (each.limit_nano_usd, each.spent_nano_usd) for each in snapshot.budgets}


async def test_warn_only_tells_each_threshold_once(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(budgeted(upstream, day_usd=Decimal("0.1"), action="warn"))
    for _ in range(12):
        assert (await engine.ask(**SESSION)).status_code == 200
    assert await notices(engine) == [
        "80 % of the day budget of $0.10 is used: $0.08",
        "90 % of the day budget of $0.10 is used: $0.09",
        "The day budget of $0.10 is used up: $0.10. Requests go on",
    ]


async def test_panels_are_told_the_budgets_as_requests_are_judged_by(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(budgeted(upstream, session_usd=Decimal("0.01"), project_usd=Decimal(2)))
    await engine.ask(**SESSION)
    await engine.command("budget/grant", c.GrantBudget(kind="session", amount_nano_usd=5 * DOLLAR))
    await engine.command("budget/pass", c.PassBudget())
    snapshot = await engine.snapshot()
    assert shown(snapshot) == {"session": (501 * 10**7, TURN_COSTS), "project": (2 * DOLLAR, TURN_COSTS)}
    assert snapshot.passing == ("5e551011-aaaa",)


async def test_simulated_money_that_counts_is_in_what_panels_are_told(start: StartEngine) -> None:
    budget = {"session_usd": Decimal("0.000001"), "count_simulated": True}
    engine = await start(settings(SIMULATOR, budget=budget))
    assert [(await engine.ask(**SESSION)).status_code for _ in range(2)] == [200, 402]
    limit, spent = shown(await engine.snapshot())["session"]
    assert limit is not None
    assert spent >= limit


async def test_a_subscription_that_does_not_count_is_not_in_what_panels_are_told(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(message_stream(usage=TURN))
    budget = {"day_usd": Decimal("0.01"), "count_subscription": False}
    engine = await start(settings(passthrough(upstream), budget=budget))
    for _ in range(3):
        await engine.ask(**LOGIN)
    snapshot = await engine.snapshot()
    assert (snapshot.today.cost_nano_usd, shown(snapshot)["day"][1]) == (3 * TURN_COSTS, 0)


async def test_after_a_restart_panels_are_told_what_was_spent_before_it(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    chosen = budgeted(upstream, session_usd=Decimal(1), day_usd=Decimal(5))
    engine = await start(chosen)
    await engine.ask(**SESSION)
    await engine.stop()
    again = await start(chosen)
    while len(told := shown(await again.snapshot())) < 2:
        pass
    assert told == {"session": (DOLLAR, TURN_COSTS), "day": (5 * DOLLAR, TURN_COSTS)}


async def test_the_status_line_s_facts_tell_session_provider_and_the_tightest_budget(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(budgeted(upstream, session_usd=Decimal(1), day_usd=Decimal(20)))
    unknown = msgspec.json.decode((await engine.look("statusline", session="new")).content, type=c.StatusFacts)
    await engine.ask(**SESSION)
    await engine.record()
    answer = await engine.look("statusline", session="5e551011-aaaa")
    facts = msgspec.json.decode(answer.content, type=c.StatusFacts)
    assert (unknown.known, unknown.provider) == (False, "first")
    assert (facts.known, facts.served_model, facts.cost_nano_usd) == (True, "claude-opus-4-8", TURN_COSTS)
    assert facts.budget is not None
    assert (facts.budget.kind, facts.budget.left_nano_usd) == ("session", DOLLAR - TURN_COSTS)


async def test_what_was_spent_without_a_limit_is_told_also_after_a_restart(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    chosen = budgeted(upstream)
    engine = await start(chosen)
    await engine.ask(**SESSION)
    await engine.stop()
    told = await report(await start(chosen), session="5e551011-aaaa", project="shop")
    assert {kind: (each.limit_nano_usd, each.spent_nano_usd) for kind, each in told.items()} == dict.fromkeys(
        ("session", "project", "day", "month"), (None, TURN_COSTS)
    )


async def test_a_budget_that_refused_is_told_until_more_is_granted(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(budgeted(upstream, session_usd=Decimal("0.01")))
    await engine.ask(**SESSION)
    assert engine.engine.gate.used_up() == ()
    await engine.ask(**SESSION)
    assert engine.engine.gate.used_up() == ("the session budget of $0.01 is used up",)
    await engine.command("budget/grant", c.GrantBudget(kind="session", amount_nano_usd=DOLLAR))
    assert engine.engine.gate.used_up() == ()
    assert (await engine.snapshot()).used_up == ()


async def test_a_session_that_passes_has_no_budget_against_it(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(budgeted(upstream, day_usd=Decimal("0.01")))
    await engine.ask(**SESSION)
    await engine.ask(**SESSION)
    assert engine.engine.gate.used_up() == ("the day budget of $0.01 is used up",)
    await engine.command("budget/pass", c.PassBudget(session="5e551011-aaaa"))
    assert engine.engine.gate.used_up() == ()
