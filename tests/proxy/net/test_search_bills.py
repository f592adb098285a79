"""What searches that the engine makes are billed: every round and search, and nothing twice."""

import asyncio

import msgspec

from proxy import contract as c
from proxy.estimate import BYTES_PER_TOKEN
from tests.proxy.conftest import StartEngine
from tests.proxy.net.foreign_models import by, foreign, speaks
from tests.proxy.net.searching import CALL, READ, SEARCH, TEXT, on, searches_once, wish
from tests.proxy.running_engine import RunningEngine, settings
from tests.upstreams import (
    HANG_UP,
    SILENCE,
    Answer,
    Call,
    ScriptedUpstream,
    as_json,
    error_body,
    message_body,
    tool_call,
)
from tests.upstreams.dialects import OUTPUT, PROMPT, Said


async def test_the_record_has_all_rounds_the_searches_and_their_cost(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    upstream.script = searches_once("anthropic")
    prices = {"foreign-1": {"input": 1, "output": 10, "cache_read": 0}}
    route = {"default": "first/foreign-1"}
    engine = await start(settings(foreign(upstream), route=route, search=by(service), prices=prices))

    await engine.ask(wish())

    record = await engine.record()
    usage = c.Usage(input_tokens=2 * (PROMPT - 200), cache_read_tokens=400, output_tokens=2 * OUTPUT, web_searches=1)
    assert (record.usage, record.outcome, record.served_model) == (usage, "served", "foreign-1")
    assert record.cost_nano_usd == 2000 * 1000 + 68 * 10_000 + 5_000_000
    [attempt] = record.attempts
    assert attempt.changed == ("1 search by brave ($0.0050)",)


async def test_searches_of_unknown_price_are_told_as_such_and_the_model_s_cost_stays(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    upstream.script = searches_once("anthropic")
    unpriced = {name: value for name, value in by(service).items() if name != "usd_per_search"}
    prices = {"foreign-1": {"input": 1, "output": 0, "cache_read": 0}}
    route = {"default": "first/foreign-1"}
    engine = await start(settings(foreign(upstream), route=route, search=unpriced, prices=prices))

    await engine.ask(wish())

    record = await engine.record()
    assert record.cost_nano_usd == 2000 * 1000
    assert record.attempts[0].changed == ("1 search by brave, unpriced: set usd_per_search in [search]",)


async def test_what_the_searches_brought_in_is_not_taken_for_the_size_of_the_request(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, service, searches_once("anthropic"))

    await engine.ask(wish(metadata={"user_id": "a long label " * 20}))

    await engine.record()
    assert engine.engine._fitting.estimator.ratio("foreign-1") == BYTES_PER_TOKEN


async def test_what_the_provider_reports_as_cost_is_summed_over_the_rounds(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    def script(call: Call) -> Answer:
        said = [] if b"tool_result" in call.body else [tool_call("web_search", {"query": "q"})]
        return as_json(message_body("Done.", usage={"cost": 0.25}, tools=said))

    engine = await on(start, upstream, service, script)

    await engine.ask(wish())

    record = await engine.record()
    assert (record.cost_nano_usd, record.cost_source) == (505_000_000, "reported")


def fails_after_two(call: Call) -> Answer:
    """A model that searches twice; the third round fails."""
    if call.body.count(b"tool_result") == 2:
        return as_json(error_body("overloaded_error", "Overloaded"), 529)
    return speaks("anthropic", call, CALL)


PRICES = {"foreign-1": {"input": 1, "output": 10, "cache_read": 0}}
TWO_ROUNDS = c.Usage(input_tokens=2 * (PROMPT - 200), cache_read_tokens=400, output_tokens=2 * OUTPUT, web_searches=2)
COST_OF_TWO = 2 * ((PROMPT - 200) * 1000 + OUTPUT * 10_000 + 5_000_000)
"""At ``PRICES``, with a search in each."""


async def test_rounds_before_a_failure_are_billed_with_their_searches(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    upstream.script = fails_after_two
    route = {"default": "first/foreign-1"}
    engine = await start(settings(foreign(upstream), route=route, search=by(service), prices=PRICES))

    response = await engine.ask(wish())

    record = await engine.record()
    assert (response.status_code, record.outcome, record.usage) == (529, "failed", TWO_ROUNDS)
    assert (record.cost_nano_usd, record.cost_source) == (COST_OF_TWO, "settings")
    assert record.cost_split is not None
    assert (record.cost_split.searches, record.cost_split.nano_usd) == (10_000_000, COST_OF_TWO)


async def test_rounds_before_a_fallback_are_billed_beside_the_answer(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    upstream.script, second.script = fails_after_two, lambda call: speaks("anthropic", call, Said(TEXT))
    route = {"default": "first/foreign-1", "fallback": ["second/foreign-1"], "fallback_enabled": True}
    targets = foreign(upstream), foreign(second)
    engine = await start(settings(*targets, route=route, search=by(service), prices=PRICES))

    await engine.ask(wish(tools=[SEARCH, READ], tool_choice={"type": "auto"}))

    record = await engine.record()
    once = c.Usage(input_tokens=PROMPT - 200, cache_read_tokens=200, output_tokens=OUTPUT)
    assert (record.outcome, record.provider, record.usage) == ("served", "second", TWO_ROUNDS + once)
    assert record.cost_nano_usd == COST_OF_TWO + (PROMPT - 200) * 1000 + OUTPUT * 10_000
    (session,) = (await engine.snapshot()).sessions
    assert session.context_tokens == once.total_tokens


async def test_rounds_before_the_client_left_are_billed(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    upstream.script = lambda call: SILENCE if b"tool_result" in call.body else speaks("anthropic", call, CALL)
    route = {"default": "first/foreign-1"}
    engine = await start(settings(foreign(upstream), route=route, search=by(service), prices=PRICES))
    leaving = asyncio.create_task(engine.ask(wish()))
    await upstream.arrived(2)

    leaving.cancel()

    await asyncio.gather(leaving, return_exceptions=True)
    record = await engine.record()
    assert (record.outcome, record.usage.total_tokens, record.usage.web_searches) == ("cancelled", PROMPT + OUTPUT, 1)
    assert record.cost_nano_usd == COST_OF_TWO // 2


async def test_rounds_that_are_done_count_under_a_budget_while_the_request_runs(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    upstream.script = lambda call: SILENCE if call.body.count(b"tool_result") == 2 else speaks("anthropic", call, CALL)
    route, bounds = {"default": "first/foreign-1"}, {"day_usd": 100}
    chosen = settings(foreign(upstream), route=route, search=by(service), prices=PRICES, budget=bounds)
    engine = await start(chosen)
    asking = asyncio.create_task(engine.ask(wish()))

    await upstream.arrived(3)

    assert await in_flight(engine) > COST_OF_TWO
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await engine.record()
    assert await in_flight(engine) == 0


async def in_flight(engine: RunningEngine) -> int:
    """Nano-dollars, under the budget of the day."""
    report = msgspec.json.decode((await engine.look("budget")).content, type=c.BudgetReport)
    [day] = [each for each in report.budgets if each.kind == "day"]
    return day.in_flight_nano_usd


async def test_a_round_s_reported_cost_counts_though_the_next_one_fails(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    def script(call: Call) -> Answer:
        if b"tool_result" in call.body:
            return HANG_UP
        return as_json(message_body("", usage={"cost": 0.25}, tools=[tool_call("web_search", {"query": "q"})]))

    engine = await on(start, upstream, service, script)

    await engine.ask(wish())

    record = await engine.record()
    assert (record.outcome, record.cost_nano_usd, record.cost_source) == ("failed", 255_000_000, "reported")


async def test_the_window_holds_the_last_round_and_not_all_of_them(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, service, searches_once("anthropic"))

    await engine.ask(wish(tools=[SEARCH, READ], tool_choice={"type": "auto"}))

    await engine.record()
    (session,) = (await engine.snapshot()).sessions
    assert session.tally.usage.total_tokens == 2 * (PROMPT + OUTPUT)
    assert session.context_tokens == PROMPT + OUTPUT
