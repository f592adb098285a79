"""Budgets that hold: the engine on sockets, many requests at once, restarts, the turn of days and months."""

import asyncio
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proxy import contract as c
from proxy.budgets import Budgets
from proxy.ledger.queries import LedgerReader
from proxy.ledger.writer import LedgerWriter
from proxy.protocol.budget import Scope
from proxy.settings import BudgetSettings
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import Hold, ScriptedUpstream, as_json, as_stream, error_body, message_events, message_stream

DOLLAR = 10**9
TURN = {"input_tokens": 1000, "output_tokens": 200}
TURN_COSTS = 1000 * 5_000 + 200 * 25_000
"""Ten thousandths of a dollar: one cent at the prices of ``CLAUDE``."""
LOGIN: dict[str, Any] = {"authorization": "Bearer sk-ant-oat01-login", "anthropic_beta": "oauth-2025-04-20"}
SESSION: dict[str, Any] = {"x_claude_code_session_id": "5e551011-aaaa", "x_cctui_project": "shop"}


def budgeted(upstream: ScriptedUpstream, **budget: Any) -> dict[str, Any]:
    upstream.script = as_stream(message_stream(usage=TURN))
    return settings(provider(upstream), budget=budget)


async def report(engine: RunningEngine, **query: str) -> dict[str, c.Budget]:
    answer = msgspec.json.decode((await engine.look("budget", **query)).content, type=c.BudgetReport)
    return {budget.kind: budget for budget in answer.budgets}


async def notices(engine: RunningEngine) -> list[str]:
    return [notice.text for notice in (await engine.snapshot()).notices]


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


async def test_ten_at_once_do_not_run_past_the_limit(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(budgeted(upstream, day_usd=Decimal("0.05")))
    events = message_events(usage=TURN)
    upstream.script = as_stream(*events[:2], Hold(), *events[2:])
    asking = [asyncio.create_task(engine.ask(**SESSION)) for _ in range(10)]
    await engine.engine.arrived(10)
    await upstream.arrived(1)
    in_flight = (await report(engine))["day"].in_flight_nano_usd
    upstream.release()
    statuses = sorted([(await each).status_code for each in asking])
    spent = (await report(engine))["day"]
    assert in_flight > 0
    assert statuses == [200] * 5 + [402] * 5
    assert (spent.spent_nano_usd, spent.in_flight_nano_usd) == (5 * TURN_COSTS, 0)


async def test_who_waits_for_the_budget_says_so_and_goes_on_when_there_is_room(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(budgeted(upstream, day_usd=Decimal("0.025")))
    events = message_events(usage={"input_tokens": 10, "output_tokens": 1})
    upstream.script = as_stream(*events[:2], Hold(), *events[2:])
    first = asyncio.create_task(engine.ask(**SESSION))
    await upstream.arrived(1)
    second = asyncio.create_task(engine.ask(**SESSION))
    exchange = await engine.engine.arrived(2)
    while not exchange.why.startswith("waits"):
        await engine.look("state")
    upstream.release()
    assert [(await each).status_code for each in (first, second)] == [200, 200]


async def test_a_client_that_leaves_while_it_waits_holds_nothing(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(budgeted(upstream, day_usd=Decimal("0.001")))
    upstream.script = as_stream(*message_events(usage=TURN)[:4], Hold())
    async with engine.asking(**SESSION):
        waiting = asyncio.create_task(engine.ask(**SESSION))
        await engine.engine.arrived(2)
        waiting.cancel()
        assert (await engine.record(1)).outcome == "cancelled"
    await engine.record(2)
    assert (await report(engine))["day"].in_flight_nano_usd == 0


async def test_a_failed_request_gives_its_estimate_back(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(budgeted(upstream, day_usd=Decimal("0.001")))
    upstream.script = as_json(error_body("overloaded_error", "Overloaded"), 529)
    await engine.ask(**SESSION)
    await engine.record()
    day = (await report(engine))["day"]
    assert (day.spent_nano_usd, day.in_flight_nano_usd) == (0, 0)


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


async def test_warn_only_tells_each_threshold_once(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(budgeted(upstream, day_usd=Decimal("0.1"), action="warn"))
    for _ in range(12):
        assert (await engine.ask(**SESSION)).status_code == 200
    assert await notices(engine) == [
        "80 % of the day budget of $0.10 is used: $0.08",
        "90 % of the day budget of $0.10 is used: $0.09",
        "the day budget of $0.10 is used up: $0.10. Requests go on",
    ]


async def test_what_costs_nothing_goes_on_when_the_budget_is_used_up(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    simulator = {"preset": "simulator", "simulator": {"first_event_s": 0, "tokens_per_s": 1e9}}
    upstream.script = as_stream(message_stream(usage=TURN))
    engine = await start(settings(provider(upstream), simulator, budget={"day_usd": Decimal("0.01")}))
    await engine.ask(**SESSION)
    await engine.command("use", c.Use(target="second"))
    assert (await engine.ask(**SESSION)).status_code == 200
    assert (await report(engine))["day"].spent_nano_usd == TURN_COSTS


async def test_simulated_money_counts_where_it_is_meant_to(start: StartEngine) -> None:
    simulator = {"preset": "simulator", "simulator": {"first_event_s": 0, "tokens_per_s": 1e9}}
    budget = {"day_usd": Decimal("0.000001"), "count_simulated": True}
    engine = await start(settings(simulator, budget=budget))
    assert [(await engine.ask(**SESSION)).status_code for _ in range(2)] == [200, 402]


@pytest.mark.parametrize(("counts", "second"), [(True, 402), (False, 200)])
async def test_a_subscription_counts_at_list_price_unless_told_otherwise(
    start: StartEngine, upstream: ScriptedUpstream, counts: bool, second: int
) -> None:
    upstream.script = as_stream(message_stream(usage=TURN))
    login = {"preset": "respan", "base_url": upstream.url, "auth": "passthrough", "passthrough_host": "127.0.0.1"}
    engine = await start(settings(login, budget={"day_usd": Decimal("0.01"), "count_subscription": counts}))
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


def shown(snapshot: c.Snapshot) -> dict[str, tuple[int | None, int]]:
    """What panels are told of the budgets: limit and what was spent, by kind."""
    return {each.kind: (each.limit_nano_usd, each.spent_nano_usd) for each in snapshot.budgets}


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
    simulator = {"preset": "simulator", "simulator": {"first_event_s": 0, "tokens_per_s": 1e9}}
    budget = {"session_usd": Decimal("0.000001"), "count_simulated": True}
    engine = await start(settings(simulator, budget=budget))
    assert [(await engine.ask(**SESSION)).status_code for _ in range(2)] == [200, 402]
    limit, spent = shown(await engine.snapshot())["session"]
    assert limit is not None
    assert spent >= limit


async def test_a_subscription_that_does_not_count_is_not_in_what_panels_are_told(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(message_stream(usage=TURN))
    login = {"preset": "respan", "base_url": upstream.url, "auth": "passthrough", "passthrough_host": "127.0.0.1"}
    budget = {"day_usd": Decimal("0.01"), "count_subscription": False}
    engine = await start(settings(login, budget=budget))
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


async def test_a_grant_where_no_budget_is_set_is_refused(engine: RunningEngine) -> None:
    answer = await engine.command("budget/grant", c.GrantBudget(kind="day", amount_nano_usd=DOLLAR))
    assert (answer.status_code, answer.json()["code"]) == (400, "no_budget")


async def test_a_count_of_tokens_is_never_stopped(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(budgeted(upstream, day_usd=Decimal("0.01")))
    await engine.ask(**SESSION)
    answer = await engine.http.post("/v1/messages/count_tokens", content=msgspec.json.encode(message()))
    assert answer.status_code == 200


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


def behind_a_login(upstream: ScriptedUpstream, second: ScriptedUpstream, **budget: Any) -> dict[str, Any]:
    """A subscription that does not count is first in the chain; what follows costs a cent."""
    second.script = as_stream(message_stream(usage=TURN))
    login = {"preset": "respan", "base_url": upstream.url, "auth": "passthrough", "passthrough_host": "127.0.0.1"}
    amounts = {"day_usd": Decimal("0.01"), "count_subscription": False, **budget}
    return settings(login, provider(second), fallback=True, budget=amounts)


async def test_a_budget_bounds_what_follows_a_target_that_costs_nothing(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_json(error_body("rate_limit_error", "limit"), 429, headers=[("retry-after", "3600")])
    engine = await start(behind_a_login(upstream, second))
    assert [(await engine.ask(**LOGIN)).status_code for _ in range(3)] == [200, 402, 402]
    record = await engine.record(3)
    assert (record.cost_nano_usd, [each.outcome for each in record.attempts]) == (0, ["skipped", "skipped"])
    assert record.attempts[1].reason == "the day budget of $0.01 is used up"
    assert engine.engine.gate.used_up() == ("the day budget of $0.01 is used up",)


async def test_where_a_budget_bars_the_rest_of_the_chain_a_free_target_that_only_may_be_down_is_asked(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = [
        as_json(error_body("overloaded_error", "Overloaded"), 529),
        as_stream(message_stream(usage=TURN)),
    ]
    engine = await start(behind_a_login(upstream, second))
    assert [(await engine.ask(**LOGIN)).status_code for _ in range(2)] == [200, 200]
    assert [(await engine.record(number)).provider for number in (1, 2)] == ["second", "first"]


async def test_ten_at_once_that_fall_back_do_not_run_past_the_limit(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_json(error_body("overloaded_error", "Overloaded"), 529)
    engine = await start(behind_a_login(upstream, second, day_usd=Decimal("0.03")))
    asked = await asyncio.gather(*(engine.ask(**LOGIN) for _ in range(10)))
    assert sum(each.status_code == 200 for each in asked) == 3
    assert (await report(engine))["day"].spent_nano_usd == 3 * TURN_COSTS


async def test_what_costs_nothing_waits_for_no_budget_and_holds_none(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    events = message_events(usage=TURN)
    upstream.script = as_stream(*events[:2], Hold(), *events[2:])
    engine = await start(behind_a_login(upstream, second))
    asking = [asyncio.create_task(engine.ask(**LOGIN)) for _ in range(4)]
    await upstream.arrived(4)
    in_flight = (await report(engine))["day"].in_flight_nano_usd
    upstream.release()
    assert [(await each).status_code for each in asking] == [200] * 4
    assert (in_flight, (await engine.record(4)).why) == (0, (await engine.record(1)).why)


async def test_a_target_that_answers_with_an_error_before_the_budget_stands_in_the_way_has_the_last_word(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    engine = await start(behind_a_login(upstream, second, day_usd=Decimal("0.000001")))
    upstream.script = as_json(error_body("overloaded_error", "Overloaded"), 529)
    await engine.ask(**LOGIN)
    await engine.record(1)
    await engine.command("rest", c.RestProvider(provider="first", resting=True))
    await engine.command("rest", c.RestProvider(provider="first", resting=False))
    answer = await engine.ask(**LOGIN)
    assert (answer.status_code, len(second.calls)) == (529, 1)
    attempts = [(each.provider, each.outcome) for each in (await engine.record(2)).attempts]
    assert attempts == [("first", "overloaded"), ("second", "skipped")]


async def test_downgrade_replaces_what_costs_and_leaves_what_is_free(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_json(error_body("overloaded_error", "Overloaded"), 529)
    rule = {"action": "downgrade", "downgrade_to": "second/claude-haiku-4-5"}
    engine = await start(behind_a_login(upstream, second, **rule))
    assert [(await engine.ask(**LOGIN)).status_code for _ in range(2)] == [200, 200]
    record = await engine.record(2)
    assert (record.provider, record.target_model) == ("second", "claude-haiku-4-5")
    assert record.why == "the day budget of $0.01 is used up: downgraded to second/claude-haiku-4-5"


async def test_who_waited_for_the_budget_is_recorded_with_why_it_went_where_it_went(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(budgeted(upstream, day_usd=Decimal("0.025")))
    events = message_events(usage={"input_tokens": 10, "output_tokens": 1})
    upstream.script = as_stream(*events[:2], Hold(), *events[2:])
    first = asyncio.create_task(engine.ask(**SESSION))
    await upstream.arrived(1)
    second = asyncio.create_task(engine.ask(**SESSION))
    exchange = await engine.engine.arrived(2)
    while not exchange.why.startswith("waits"):
        await engine.look("state")
    upstream.release()
    await asyncio.gather(first, second)
    assert (await engine.record(2)).why == (await engine.record(1)).why


class Clock:
    """Stands still until the test moves it."""

    def __init__(self, text: str) -> None:
        self.at(text)

    def at(self, text: str) -> None:
        self.now = datetime.fromisoformat(text).astimezone().timestamp()

    def __call__(self) -> float:
        return self.now


def ended(clock: Clock, number: int) -> c.Request:
    return c.Request(id=f"r{number}", started_at=clock.now, session_id="s1", phase="done", cost_nano_usd=TURN_COSTS)


async def test_midnight_and_the_turn_of_the_month_begin_new_sums(tmp_path: Path) -> None:
    clock = Clock("2026-11-30 23:59:59")
    amounts = BudgetSettings(day_usd=Decimal(1), month_usd=Decimal(1), session_usd=Decimal(1))
    budgets = Budgets(
        tmp_path / "budget.json", amounts, LedgerReader(tmp_path / "none"), lambda: True, clock, lambda _: None
    )
    budgets.grant(budgets.today(), DOLLAR)
    budgets.ended(ended(clock, 1))
    clock.at("2026-12-01 00:00:01")
    budgets.ended(ended(clock, 2))

    views = {scope: budgets.view(scope) for scope in budgets.scopes("s1", None)}
    assert {scope.kind: view.spent_nano_usd for scope, view in views.items()} == {
        "session": 2 * TURN_COSTS,
        "day": TURN_COSTS,
        "month": TURN_COSTS,
    }
    assert views[Scope("day", "2026-12-01")].limit_nano_usd == DOLLAR


async def test_a_request_over_midnight_belongs_to_the_day_on_which_it_began(tmp_path: Path) -> None:
    clock = Clock("2026-11-20 23:59:59")
    amounts = BudgetSettings(day_usd=Decimal(1))
    budgets = Budgets(
        tmp_path / "budget.json", amounts, LedgerReader(tmp_path / "none"), lambda: True, clock, lambda _: None
    )
    request = ended(clock, 1)
    clock.at("2026-11-21 00:00:05")
    budgets.ended(request)
    assert budgets.view(budgets.today()).spent_nano_usd == 0
    assert budgets.view(Scope("day", "2026-11-20")).spent_nano_usd == TURN_COSTS


async def test_the_ledger_tells_what_earlier_engines_spent_today_and_this_month(tmp_path: Path) -> None:
    clock = Clock("2026-11-01 12:00:00")
    writer = LedgerWriter(tmp_path / "ledger.sqlite3")
    writer.start()
    for number, text in enumerate(("2026-10-31 23:59:59", "2026-11-01 00:00:00", "2026-11-21 00:00:00")):
        clock.at(text)
        writer.record(msgspec.structs.replace(ended(clock, number), outcome="served"))
    writer.close()
    clock.at("2026-11-21 08:00:00")
    amounts = BudgetSettings(day_usd=Decimal(1), month_usd=Decimal(1), session_usd=Decimal(1))
    reader = LedgerReader(tmp_path / "ledger.sqlite3")
    budgets = Budgets(tmp_path / "budget.json", amounts, reader, lambda: True, clock, lambda _: None)

    under = budgets.scopes("s1", None)
    await budgets.know(under)

    assert [budgets.view(scope).spent_nano_usd // TURN_COSTS for scope in under] == [3, 1, 2]


@pytest.mark.parametrize("ahead_s", [600.0, -7200.0])
async def test_a_clock_that_is_set_right_after_the_start_counts_nothing_twice_and_nothing_not_at_all(
    tmp_path: Path, ahead_s: float
) -> None:
    clock = Clock("2026-11-21 12:00:00")
    writer = LedgerWriter(tmp_path / "ledger.sqlite3")
    writer.start()
    writer.record(msgspec.structs.replace(ended(clock, 0), outcome="served", started_at=clock.now - 60))
    writer.flush()
    clock.now += ahead_s
    reader, amounts = LedgerReader(tmp_path / "ledger.sqlite3"), BudgetSettings()
    budgets = Budgets(tmp_path / "budget.json", amounts, reader, writer.flush, clock, lambda _: None)
    clock.now -= ahead_s
    for number in (1, 2, 3):
        request = msgspec.structs.replace(ended(clock, number), outcome="served")
        writer.record(request)
        budgets.ended(request)

    budgets.set("day", None, DOLLAR)
    await budgets.know([budgets.today()])
    learned = budgets.view(budgets.today()).spent_nano_usd
    budgets.ended(ended(clock, 4))
    writer.close()

    assert (learned, budgets.view(budgets.today()).spent_nano_usd) == (4 * TURN_COSTS, 5 * TURN_COSTS)


async def test_what_ends_while_the_ledger_is_asked_counts_once(tmp_path: Path) -> None:
    clock = Clock("2026-11-21 12:00:00")
    writer = LedgerWriter(tmp_path / "ledger.sqlite3")
    writer.start()

    def another(number: int) -> None:
        request = msgspec.structs.replace(ended(clock, number), outcome="served")
        writer.record(request)
        budgets.ended(request)

    class Busy(LedgerReader):
        asked = 0

        def spent(self, since: float, until: float, **choice: Any) -> tuple[int, int]:
            self.asked += 1
            if self.asked == 1:
                another(1)
                writer.flush()
            return super().spent(since, until, **choice)

    reader = Busy(tmp_path / "ledger.sqlite3")
    amounts = BudgetSettings(day_usd=Decimal(1))
    budgets = Budgets(tmp_path / "budget.json", amounts, reader, writer.flush, clock, lambda _: None)
    await budgets.know([budgets.today()])
    writer.close()
    assert (reader.asked, budgets.view(budgets.today()).spent_nano_usd) == (2, TURN_COSTS)


async def test_a_threshold_that_an_ended_request_crosses_while_the_ledger_is_asked_is_told_once(tmp_path: Path) -> None:
    clock = Clock("2026-11-21 12:00:00")

    class Busy(LedgerReader):
        asked = 0

        def spent(self, since: float, until: float, **choice: Any) -> tuple[int, int]:
            self.asked += 1
            if self.asked == 2:
                budgets.ended(ended(clock, 1))
            return super().spent(since, until, **choice)

    told: list[str] = []
    amounts = BudgetSettings(day_usd=Decimal("0.01"))
    budgets = Budgets(tmp_path / "budget.json", amounts, Busy(tmp_path / "none"), lambda: True, clock, told.append)
    await budgets.know([budgets.today()])

    await budgets.ask_again()

    assert len(told) == 1


async def test_a_session_that_is_gone_is_asked_for_when_somebody_wants_to_know_it(tmp_path: Path) -> None:
    clock = Clock("2026-11-21 12:00:00")
    writer = LedgerWriter(tmp_path / "ledger.sqlite3")
    writer.start()

    class Counting(LedgerReader):
        asked = 0

        def spent(self, since: float, until: float, **choice: Any) -> tuple[int, int]:
            self.asked += 1
            return super().spent(since, until, **choice)

    reader, amounts = Counting(tmp_path / "ledger.sqlite3"), BudgetSettings(session_usd=Decimal(1))
    budgets = Budgets(tmp_path / "budget.json", amounts, reader, writer.flush, clock, lambda _: None)
    gone, present = Scope("session", "s1"), Scope("session", "s2")
    await budgets.know([gone, present])
    request = msgspec.structs.replace(ended(clock, 1), outcome="served")
    writer.record(request)
    budgets.ended(request)

    await budgets.forget_all_but([present])
    asked = reader.asked
    await budgets.ask_again()

    assert (reader.asked - asked, budgets.known(gone), budgets.known(present)) == (1, False, True)
    await budgets.know([gone])
    assert budgets.view(gone).spent_nano_usd == TURN_COSTS
    writer.close()


async def test_what_the_ledger_has_not_got_yet_is_not_forgotten(tmp_path: Path) -> None:
    clock = Clock("2026-11-21 12:00:00")
    reader, amounts = LedgerReader(tmp_path / "none"), BudgetSettings(session_usd=Decimal(1))
    budgets = Budgets(tmp_path / "budget.json", amounts, reader, lambda: False, clock, lambda _: None)
    budgets.ended(ended(clock, 1))

    await budgets.forget_all_but([])

    assert budgets.view(Scope("session", "s1")).spent_nano_usd == TURN_COSTS


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
