"""Budgets along a chain: a target that costs nothing first, then one that a budget bounds."""

import asyncio
from decimal import Decimal
from typing import Any

from proxy import contract as c
from tests.proxy.budgeting import LOGIN, TURN, TURN_COSTS, report
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import passthrough, provider, settings
from tests.upstreams import Hold, ScriptedUpstream, as_json, as_stream, error_body, message_events, message_stream


def subscription_first(upstream: ScriptedUpstream, second: ScriptedUpstream, **budget: Any) -> dict[str, Any]:
    """A subscription that does not count is first in the chain; what follows costs a cent."""
    second.script = as_stream(message_stream(usage=TURN))
    amounts = {"day_usd": Decimal("0.01"), "count_subscription": False, **budget}
    return settings(passthrough(upstream), provider(second), fallback=True, budget=amounts)


async def test_a_budget_bounds_what_follows_a_target_that_costs_nothing(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_json(error_body("rate_limit_error", "limit"), 429, headers=[("retry-after", "3600")])
    engine = await start(subscription_first(upstream, second))
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
    engine = await start(subscription_first(upstream, second))
    assert [(await engine.ask(**LOGIN)).status_code for _ in range(2)] == [200, 200]
    assert [(await engine.record(number)).provider for number in (1, 2)] == ["second", "first"]


async def test_ten_at_once_that_fall_back_do_not_run_past_the_limit(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_json(error_body("overloaded_error", "Overloaded"), 529)
    engine = await start(subscription_first(upstream, second, day_usd=Decimal("0.03")))
    asked = await asyncio.gather(*(engine.ask(**LOGIN) for _ in range(10)))
    assert sum(each.status_code == 200 for each in asked) == 3
    assert (await report(engine))["day"].spent_nano_usd == 3 * TURN_COSTS


async def test_what_costs_nothing_waits_for_no_budget_and_holds_none(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    events = message_events(usage=TURN)
    upstream.script = as_stream(*events[:2], Hold(), *events[2:])
    engine = await start(subscription_first(upstream, second))
    asking = [asyncio.create_task(engine.ask(**LOGIN)) for _ in range(4)]
    await upstream.arrived(4)
    in_flight = (await report(engine))["day"].in_flight_nano_usd
    upstream.release()
    assert [(await each).status_code for each in asking] == [200] * 4
    assert (in_flight, (await engine.record(4)).why) == (0, (await engine.record(1)).why)


async def test_a_target_that_answers_with_an_error_before_the_budget_stands_in_the_way_has_the_last_word(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    engine = await start(subscription_first(upstream, second, day_usd=Decimal("0.000001")))
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
    engine = await start(subscription_first(upstream, second, **rule))
    assert [(await engine.ask(**LOGIN)).status_code for _ in range(2)] == [200, 200]
    record = await engine.record(2)
    assert (record.provider, record.target_model) == ("second", "claude-haiku-4-5")
    assert record.why == "the day budget of $0.01 is used up: downgraded to second/claude-haiku-4-5"
