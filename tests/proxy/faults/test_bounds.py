"""Our tries are bounded, in number and in time: the client tries again too, and the two multiply."""

import asyncio

import pytest

from proxy import contract as c
from proxy.net.attempt import CLIENT_WAITS_S, granted
from proxy.net.relay import ATTEMPTS_MAX, TRYING_S
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import message, provider, settings
from tests.upstreams import Hold, Reply, ScriptedUpstream, as_json, error_body

LIMITED = as_json(error_body("rate_limit_error", "slow down"), 429)
OVERLOADED = as_json(error_body("overloaded_error", "Overloaded"), 529)
HELD = Reply(529, OVERLOADED.headers, OVERLOADED.body, "length", before_head=(Hold(),))


@pytest.mark.parametrize("stream", [True, False], ids=["streaming", "whole"])
async def test_keys_times_targets_stay_within_the_bound(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, stream: bool
) -> None:
    upstream.script = second.script = LIMITED
    keys = [f"key-number-{number}" for number in range(6)]
    engine = await start(settings(provider(upstream, api_key=keys), provider(second, api_key=keys), fallback=True))
    response = await engine.ask(message(stream=stream))
    assert len(upstream.calls) + len(second.calls) == ATTEMPTS_MAX
    assert (response.status_code, response.content) == (429, LIMITED.body)
    assert len((await engine.record()).attempts) == ATTEMPTS_MAX


async def test_many_targets_stay_within_the_bound(start: StartEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = OVERLOADED
    chosen = settings(provider(upstream), fallback=True)
    chosen["route"]["fallback"] = [f"first/model-{number}" for number in range(12)]
    engine = await start(chosen)
    await engine.ask()
    assert len(upstream.calls) == ATTEMPTS_MAX


async def test_targets_that_rest_do_not_use_up_the_tries(start: StartEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = OVERLOADED
    chosen = settings(provider(upstream), fallback=True)
    chosen["route"]["fallback"] = [f"first/model-{number}" for number in range(12)]
    engine = await start(chosen)
    for _ in range(2):
        await engine.ask()
    assert [each.skipped for each in (await engine.record(2)).attempts] == [True] * 8 + [False] * 5


@pytest.mark.parametrize("keys", [["key-number-1"], ["key-number-1", "key-number-2"]], ids=["one key", "two keys"])
async def test_after_a_long_time_nobody_else_is_tried(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, keys: list[str]
) -> None:
    upstream.script = HELD if len(keys) == 1 else Reply(429, LIMITED.headers, LIMITED.body, before_head=(Hold(),))
    engine = await start(settings(provider(upstream, api_key=keys), provider(second), fallback=True))
    asking = asyncio.create_task(engine.ask())
    await upstream.arrived(1)
    (await engine.engine.arrived()).started -= TRYING_S
    upstream.release()
    assert (await asking).status_code in (429, 529)
    assert (len(upstream.calls), len(second.calls)) == (1, 0)


async def test_a_later_target_s_patience_ends_before_the_client_s(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream, first_event_timeout_s=200)))
    await engine.ask()
    relay, exchange = engine.engine.app._relay, await engine.engine.arrived()
    config = engine.engine.providers["first"]
    exchange.attempts.clear()
    assert relay._patience_s(exchange, config) == 200
    exchange.attempts.append(c.Attempt(provider="first", model="m", outcome="overloaded"))
    exchange.started -= TRYING_S - 1
    assert relay._patience_s(exchange, config) <= CLIENT_WAITS_S - TRYING_S + 1
    exchange.streaming = False
    assert relay._patience_s(exchange, config) == engine.engine.settings.engine.answer_timeout_s


@pytest.mark.parametrize(
    ("spent_s", "waited_s", "deadline"),
    [
        (30.0, 10.0, 180.0),
        (3600.0, CLIENT_WAITS_S - 100.0, 200.0),
        (3600.0, CLIENT_WAITS_S - 10.0, 150.0),
        (3600.0, CLIENT_WAITS_S + 10.0, 150.0),
        (3600.0, None, 3750.0),
    ],
    ids=["it waits", "up to its patience's end", "no earlier for that", "nor when it is over", "no stream"],
)
def test_time_spent_elsewhere_is_not_the_target_s_as_long_as_the_client_waits(
    spent_s: float, waited_s: float | None, deadline: float
) -> None:
    assert granted(150.0, spent_s, now=100.0, waited_s=waited_s) == deadline
