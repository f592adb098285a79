"""Budgets that hold: what stops a request, what is granted or let pass, and what counts."""

from decimal import Decimal

import msgspec
import pytest

from proxy import contract as c
from tests.proxy.budgeting import DOLLAR, LOGIN, SESSION, SIMULATOR, TURN, TURN_COSTS, budgeted, report
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, passthrough, provider, settings
from tests.upstreams import ScriptedUpstream, as_stream, message_stream


@pytest.mark.parametrize("kind", ["session_usd", "project_usd", "day_usd", "month_usd"])
async def test_the_turn_after_the_budget_was_used_up_is_refused(
    start: StartEngine, upstream: ScriptedUpstream, kind: str
) -> None:
    engine = await start(budgeted(upstream, **{kind: Decimal("0.01")}))
    first = await engine.ask(**SESSION)
    second = await engine.ask(**SESSION)
    assert (first.status_code, second.status_code, len(upstream.calls)) == (200, 402, 1)
    error = second.json()["error"]
    assert error["type"] == "billing_error"
    assert f"cctui: the {kind.removesuffix('_usd')} budget" in error["message"]
    assert "$0.01 is used up: $0.01 spent" in error["message"]
    assert f"cctui budget grant {kind.removesuffix('_usd')} 1" in error["message"]


async def test_a_refused_turn_is_recorded_costs_nothing_and_has_no_attempt(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(budgeted(upstream, day_usd=Decimal("0.01")))
    await engine.ask(**SESSION)
    await engine.ask(**SESSION)
    record = await engine.record(2)
    assert (record.outcome, record.status, record.cost_nano_usd, record.attempts) == ("failed", 402, 0, ())
    assert "the day budget" in (record.error or "")


async def test_another_session_has_its_own_budget(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(budgeted(upstream, session_usd=Decimal("0.01")))
    await engine.ask(**SESSION)
    assert (await engine.ask(x_claude_code_session_id="other")).status_code == 200


async def test_a_named_project_has_its_own_amount_and_the_others_none(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(budgeted(upstream, project_usd={"shop": Decimal("0.01")}))
    await engine.ask(**SESSION)
    other = {**SESSION, "x_cctui_project": "blog"}
    assert [(await engine.ask(**each)).status_code for each in (SESSION, other, other)] == [402, 200, 200]


async def test_a_grant_lets_the_session_go_on_and_is_used_up_in_turn(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(budgeted(upstream, session_usd=Decimal("0.01")))
    await engine.ask(**SESSION)
    assert (await engine.ask(**SESSION)).status_code == 402
    grant = c.GrantBudget(kind="session", amount_nano_usd=10**7, session="5e55")
    assert (await engine.command("budget/grant", grant)).status_code == 200
    assert [(await engine.ask(**SESSION)).status_code for _ in range(2)] == [200, 402]


async def test_a_session_that_passes_is_stopped_by_no_budget_and_still_counts(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(budgeted(upstream, session_usd=Decimal("0.01"), day_usd=Decimal("0.01")))
    await engine.ask(**SESSION)
    await engine.command("budget/pass", c.PassBudget(session="5e551011-aaaa"))
    assert (await engine.ask(**SESSION)).status_code == 200
    assert (await report(engine))["day"].spent_nano_usd == 2 * TURN_COSTS
    assert (await engine.ask(x_claude_code_session_id="other")).status_code == 402
    await engine.command("budget/pass", c.PassBudget(session="5e551011-aaaa", passing=False))
    assert (await engine.ask(**SESSION)).status_code == 402


async def test_an_amount_set_at_run_time_holds_at_once_and_can_be_taken_back(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(budgeted(upstream))
    await engine.ask(**SESSION)
    await engine.command("budget/set", c.SetBudget(kind="day", amount_nano_usd=10**7))
    assert (await engine.ask(**SESSION)).status_code == 402
    assert [(each.kind, each.limit_nano_usd) for each in (await engine.snapshot()).budgets] == [("day", 10**7)]
    await engine.command("budget/set", c.SetBudget(kind="day", as_settings=True))
    assert (await engine.ask(**SESSION)).status_code == 200


async def test_downgrade_sends_to_the_cheaper_target_and_says_why(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_stream(message_stream(usage=TURN))
    budget = {"day_usd": Decimal("0.01"), "action": "downgrade", "downgrade_to": "second/claude-haiku-4-5"}
    engine = await start(settings(provider(upstream), provider(second), fallback=True, budget=budget))
    await engine.ask(**SESSION)
    assert (await engine.ask(**SESSION)).status_code == 200
    record = await engine.record(2)
    assert (record.provider, record.target_model, len(upstream.calls)) == ("second", "claude-haiku-4-5", 1)
    assert record.why == "the day budget of $0.01 is used up: downgraded to second/claude-haiku-4-5"


async def test_what_costs_nothing_goes_on_when_the_budget_is_used_up(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(message_stream(usage=TURN))
    engine = await start(settings(provider(upstream), SIMULATOR, budget={"day_usd": Decimal("0.01")}))
    await engine.ask(**SESSION)
    await engine.command("use", c.Use(target="second"))
    assert (await engine.ask(**SESSION)).status_code == 200
    assert (await report(engine))["day"].spent_nano_usd == TURN_COSTS


async def test_simulated_money_counts_where_it_is_meant_to(start: StartEngine) -> None:
    budget = {"day_usd": Decimal("0.000001"), "count_simulated": True}
    engine = await start(settings(SIMULATOR, budget=budget))
    assert [(await engine.ask(**SESSION)).status_code for _ in range(2)] == [200, 402]


@pytest.mark.parametrize(("counts", "second"), [(True, 402), (False, 200)])
async def test_a_subscription_counts_at_list_price_unless_told_otherwise(
    start: StartEngine, upstream: ScriptedUpstream, counts: bool, second: int
) -> None:
    upstream.script = as_stream(message_stream(usage=TURN))
    budget = {"day_usd": Decimal("0.01"), "count_subscription": counts}
    engine = await start(settings(passthrough(upstream), budget=budget))
    assert [(await engine.ask(**LOGIN)).status_code for _ in range(2)] == [200, second]


async def test_a_request_without_a_price_is_counted_apart(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(budgeted(upstream, day_usd=Decimal("0.01")))
    upstream.script = as_stream(message_stream(model="house-model-7"))
    assert [(await engine.ask(message("house-model-7"))).status_code for _ in range(2)] == [200, 200]
    day = (await report(engine))["day"]
    assert (day.spent_nano_usd, day.unpriced_requests) == (0, 2)


async def test_a_restart_keeps_what_was_spent_granted_and_let_pass(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    chosen = budgeted(upstream, session_usd=Decimal("0.01"))
    engine = await start(chosen)
    await engine.ask(**SESSION)
    await engine.command("budget/grant", c.GrantBudget(kind="session", amount_nano_usd=10**7))
    await engine.command("budget/set", c.SetBudget(kind="month", amount_nano_usd=DOLLAR))
    await engine.command("budget/pass", c.PassBudget(session="22222222-3333-4444-8555-666666666666"))
    await engine.stop()

    again = await start(chosen)
    known = await report(again, session="5e551011-aaaa")
    assert (known["session"].limit_nano_usd, known["session"].spent_nano_usd) == (2 * 10**7, TURN_COSTS)
    assert (known["month"].limit_nano_usd, known["month"].spent_nano_usd) == (DOLLAR, TURN_COSTS)
    assert [(await again.ask(**SESSION)).status_code for _ in range(2)] == [200, 402]
    answer = await again.look("budget", session="22222222-3333-4444-8555-666666666666")
    assert msgspec.json.decode(answer.content, type=c.BudgetReport).passing


async def test_a_grant_where_no_budget_is_set_is_refused(engine: RunningEngine) -> None:
    answer = await engine.command("budget/grant", c.GrantBudget(kind="day", amount_nano_usd=DOLLAR))
    assert (answer.status_code, answer.json()["code"]) == (400, "no_budget")


async def test_a_count_of_tokens_is_never_stopped(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(budgeted(upstream, day_usd=Decimal("0.01")))
    await engine.ask(**SESSION)
    answer = await engine.http.post("/v1/messages/count_tokens", content=msgspec.json.encode(message()))
    assert answer.status_code == 200
