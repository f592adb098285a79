"""Many requests at once before a budget that has no room for all of them."""

import asyncio
from decimal import Decimal

from tests.proxy.budgeting import SESSION, TURN, TURN_COSTS, budgeted, report
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine
from tests.upstreams import Hold, ScriptedUpstream, as_json, as_stream, error_body, message_events


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


async def one_after_the_other(engine: RunningEngine, upstream: ScriptedUpstream) -> list[int]:
    """The statuses of two requests for both of which there is no room at once: the second one says that it waits."""
    events = message_events(usage={"input_tokens": 10, "output_tokens": 1})
    upstream.script = as_stream(*events[:2], Hold(), *events[2:])
    first = asyncio.create_task(engine.ask(**SESSION))
    await upstream.arrived(1)
    second = asyncio.create_task(engine.ask(**SESSION))
    exchange = await engine.engine.arrived(2)
    while not exchange.why.startswith("waits"):
        await engine.look("state")
    upstream.release()
    return [(await each).status_code for each in (first, second)]


async def test_who_waits_for_the_budget_says_so_and_goes_on_when_there_is_room(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(budgeted(upstream, day_usd=Decimal("0.025")))
    assert await one_after_the_other(engine, upstream) == [200, 200]


async def test_who_waited_for_the_budget_is_recorded_with_why_it_went_where_it_went(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(budgeted(upstream, day_usd=Decimal("0.025")))
    await one_after_the_other(engine, upstream)
    assert (await engine.record(2)).why == (await engine.record(1)).why


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
