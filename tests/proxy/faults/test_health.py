"""When a target that failed is tried again, by whom, and what the client is told meanwhile."""

import asyncio
from typing import Any

import pytest

from proxy import contract as c
from proxy.net.attempt import Parcel
from proxy.net.exchange import Exchange
from proxy.parcels import Parcels
from proxy.protocol.routing import Target
from proxy.providers import ProviderConfig
from tests.proxy.conftest import StartEngine
from tests.proxy.faults.clock import Clock
from tests.proxy.faults.lines import UNIFIED, serving
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import (
    Break,
    Gate,
    Hold,
    Pause,
    Reply,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    message_events,
    message_stream,
)

EVENTS = message_events("one two three")


class Translating(Parcels):
    """A translation that takes as long as the test wants."""

    def __init__(self) -> None:
        self.began = asyncio.Event()

    async def of(self, exchange: Exchange, target: Target, provider: ProviderConfig) -> Parcel:
        self.began.set()
        await asyncio.Event().wait()
        raise AssertionError(exchange, target, provider)


def overloaded(*headers: tuple[str, str]) -> Reply:
    return as_json(error_body("overloaded_error", "Overloaded"), 529, headers)


def limited(*headers: tuple[str, str]) -> Reply:
    return as_json(error_body("rate_limit_error", "slow down"), 429, headers)


@pytest.fixture
async def pair(start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, clock: Clock) -> RunningEngine:
    """Two providers, fallback on; health goes by ``clock``."""
    serving(second)
    chosen = settings(provider(upstream), provider(second), fallback=True)
    return await start(chosen, None, clock)


async def outcomes(engine: RunningEngine) -> list[str]:
    """The trail of a new request."""
    before = len(engine.engine.records)
    await engine.ask()
    return [each.outcome for each in (await engine.record(before + 1)).attempts]


async def trail_of(engine: RunningEngine) -> list[tuple[str, str]]:
    """The trail of a new request, with the providers, while others may be running."""
    before = len(engine.engine.records)
    await engine.ask()
    return [(each.provider, each.outcome) for each in (await engine.record(before + 1)).attempts]


async def view(engine: RunningEngine, name: str = "first") -> c.Provider:
    return next(each for each in (await engine.snapshot()).providers if each.name == name)


async def test_a_closed_target_is_tried_again_when_the_time_that_it_named_is_over(
    pair: RunningEngine, upstream: ScriptedUpstream, clock: Clock
) -> None:
    upstream.script = overloaded(("retry-after", "30"))
    assert await outcomes(pair) == ["overloaded", "served"]
    assert ((await view(pair)).health, (await view(pair)).retry_at) == ("limited", clock.now + 30)
    serving(upstream)
    clock.passes(29)
    assert await outcomes(pair) == ["skipped", "served"]
    clock.passes(2)
    assert await outcomes(pair) == ["served"]
    assert ((await view(pair)).health, (await view(pair)).retry_at) == ("ok", None)


async def test_the_reset_of_a_plan_s_window_is_waited_for(
    pair: RunningEngine, upstream: ScriptedUpstream, clock: Clock
) -> None:
    headers = dict(UNIFIED) | {"anthropic-ratelimit-unified-5h-reset": str(int(clock.now) + 7200)}
    upstream.script = limited(*headers.items())
    assert await outcomes(pair) == ["quota_spent", "served"]
    clock.passes(7000)
    assert await outcomes(pair) == ["skipped", "served"]
    serving(upstream)
    clock.passes(250)
    assert await outcomes(pair) == ["served"]


async def test_a_window_that_is_not_used_up_does_not_lengthen_a_limit_per_minute(
    pair: RunningEngine, upstream: ScriptedUpstream, clock: Clock
) -> None:
    allowed = {
        "anthropic-ratelimit-unified-status": "allowed",
        "anthropic-ratelimit-unified-representative-claim": "five_hour",
        "anthropic-ratelimit-unified-5h-utilization": "0.3",
        "anthropic-ratelimit-unified-5h-reset": str(int(clock.now) + 7200),
    }
    upstream.script = limited(*allowed.items())
    assert await outcomes(pair) == ["rate_limited", "served"]
    serving(upstream)
    clock.passes(60)
    assert await outcomes(pair) == ["served"]


async def test_failures_in_a_row_close_a_target_for_longer_each_time(
    pair: RunningEngine, upstream: ScriptedUpstream, clock: Clock
) -> None:
    upstream.script = overloaded()
    waits = []
    for _ in range(8):
        await outcomes(pair)
        opened = next(iter(pair.engine.health.open_places()))[1]
        waits.append(opened.wait_s(clock.now))
        clock.passes(waits[-1] + 0.01)
    assert all(3 * 2**n <= wait <= 5 * 2**n for n, wait in enumerate(waits[:4]))
    assert 90 <= waits[-1] <= 150


async def test_at_half_open_one_of_fifty_is_the_probe(
    pair: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, clock: Clock
) -> None:
    upstream.script = overloaded()
    await pair.ask()
    clock.passes(10)
    gate = Gate("release of the probe")
    upstream.script = as_stream(EVENTS[0], Pause(gate), *EVENTS[1:])
    asking = [asyncio.create_task(pair.ask()) for _ in range(50)]
    await second.arrived(1 + 49)
    assert len(upstream.calls) == 1 + 1
    gate.open()
    assert {(await each).status_code for each in asking} == {200}
    assert await outcomes(pair) == ["served"]


async def test_nobody_waits_for_the_end_of_a_probe_whose_answer_has_begun(
    pair: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, clock: Clock
) -> None:
    upstream.script = overloaded()
    await pair.ask()
    clock.passes(10)
    upstream.script = as_stream(*EVENTS[:4], Hold(), *EVENTS[4:])
    async with pair.asking() as probe:
        answer = probe.aiter_raw()
        await anext(answer)
        serving(upstream)
        assert await trail_of(pair) == [("first", "served")]
        upstream.script = overloaded()
        assert await trail_of(pair) == [("first", "overloaded"), ("second", "served")]
        assert await trail_of(pair) == [("first", "skipped"), ("second", "served")]
    assert len(second.calls) == 3


async def test_what_becomes_of_a_probe_is_judged_at_its_end_though_others_went_on(
    pair: RunningEngine, upstream: ScriptedUpstream, clock: Clock
) -> None:
    upstream.script = overloaded()
    await pair.ask()
    clock.passes(10)
    upstream.script = as_stream(*EVENTS[:4], Hold(), Break())
    async with pair.asking() as probe:
        answer = probe.aiter_raw()
        await anext(answer)
        upstream.release()
        assert b"event: error" in b"".join([chunk async for chunk in answer])
    assert [each.outcome for each in (await pair.record(2)).attempts] == ["broken"]
    assert await outcomes(pair) == ["skipped", "served"]
    assert next(iter(pair.engine.health.open_places()))[1].failures == 2


async def test_a_probe_whose_client_leaves_while_its_body_is_translated_is_given_back(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, clock: Clock
) -> None:
    upstream.script = as_json(b'{"error":{"message":"overloaded","type":"server_error"}}', 503)
    chat = {"preset": "custom", "base_url": upstream.url, "dialect": "openai-chat", "auth": "bearer", "api_key": "k"}
    engine = await start(settings(chat, provider(second), fallback=True), None, clock)
    assert await outcomes(engine) == ["overloaded", "served"]
    clock.passes(10)
    parcels, translating = engine.engine.dispatch.parcels, Translating()
    engine.engine.dispatch.parcels = translating
    asking = asyncio.create_task(engine.ask())
    await translating.began.wait()
    asking.cancel()
    assert (await engine.record(2)).outcome == "cancelled"
    engine.engine.dispatch.parcels = parcels
    assert await outcomes(engine) == ["overloaded", "served"]


async def test_a_probe_that_fails_closes_the_target_again(
    pair: RunningEngine, upstream: ScriptedUpstream, clock: Clock
) -> None:
    upstream.script = overloaded()
    await pair.ask()
    clock.passes(10)
    assert await outcomes(pair) == ["overloaded", "served"]
    assert await outcomes(pair) == ["skipped", "served"]


async def test_a_probe_whose_client_leaves_tells_nothing_and_the_next_one_goes(
    pair: RunningEngine, upstream: ScriptedUpstream, clock: Clock
) -> None:
    upstream.script = overloaded()
    await pair.ask()
    clock.passes(10)
    upstream.script = as_stream(*EVENTS[:4], Hold())
    async with pair.asking() as response:
        await anext(response.aiter_raw())
    assert (await pair.record(2)).attempts[-1].outcome == "client_left"
    serving(upstream)
    assert await outcomes(pair) == ["served"]


async def test_a_probe_that_meets_another_trouble_leaves_the_way_free(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, clock: Clock
) -> None:
    serving(second)
    keys = ["key-number-one", "key-number-two"]
    engine = await start(settings(provider(upstream, api_key=keys), provider(second), fallback=True), None, clock)
    upstream.script = overloaded()
    await engine.ask()
    clock.passes(10)
    upstream.script = limited(("retry-after", "600"))
    assert await outcomes(engine) == ["rate_limited", "rate_limited", "served"]
    clock.passes(601)
    serving(upstream)
    assert await outcomes(engine) == ["served"]


@pytest.mark.parametrize("steps", [[Hold()], [EVENTS[0], Hold()], [*EVENTS[:4], Hold()]], ids=["head", "start", "mid"])
async def test_a_client_that_leaves_counts_against_nobody(
    pair: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, steps: list[Any]
) -> None:
    upstream.script = Reply(200, before_head=steps) if len(steps) == 1 else as_stream(*steps)
    asking = asyncio.create_task(pair.ask())
    await upstream.arrived(1)
    asking.cancel()
    await upstream.wait_closed(0)
    record = await pair.record()
    assert (record.outcome, len(second.calls)) == ("cancelled", 0)
    assert list(pair.engine.health.open_places()) == []
    assert (await view(pair)).health == "unused"


async def test_an_answer_that_began_before_a_limit_was_told_does_not_lift_it(
    pair: RunningEngine, upstream: ScriptedUpstream, clock: Clock
) -> None:
    upstream.script = as_stream(*EVENTS[:4], Hold(), *EVENTS[4:])
    early = asyncio.create_task(pair.ask())
    await upstream.arrived(1)
    clock.passes(1)
    upstream.script = limited(("retry-after", "600"))
    assert await outcomes_after(pair) == ["rate_limited", "served"]
    upstream.release()
    assert (await early).status_code == 200
    await pair.record(2)
    told = await view(pair)
    assert (told.health, told.retry_at) == ("limited", clock.now + 600)
    assert await outcomes(pair) == ["skipped", "served"]


async def outcomes_after(engine: RunningEngine) -> list[str]:
    """The trail of a new request while another one is still running."""
    await engine.ask()
    return [each.outcome for each in (await engine.record(1)).attempts]


async def test_when_all_rest_the_client_is_asked_back_at_the_earliest_time(
    pair: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script, second.script = overloaded(("retry-after", "90")), limited(("retry-after", "40"))
    first = await pair.ask()
    again = await pair.ask()
    assert (first.status_code, first.json()["error"]["type"]) == (529, "overloaded_error")
    assert (again.status_code, again.json()["error"]["type"]) == (529, "overloaded_error")
    assert (first.headers["retry-after"], again.headers["retry-after"]) == ("40", "40")
    assert [each.outcome for each in (await pair.record(2)).attempts] == ["skipped", "skipped"]


async def test_when_all_are_limited_it_is_a_429(
    pair: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script, second.script = limited(("retry-after", "90")), limited(("retry-after", "1800"))
    await pair.ask()
    response = await pair.ask()
    assert (response.status_code, response.json()["error"]["type"]) == (429, "rate_limit_error")
    assert response.headers["retry-after"] == "60"  # the longest that the client waits


async def test_where_the_engine_only_guesses_that_all_are_down_it_asks_the_one_that_opens_first(
    pair: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script, second.script = overloaded(), limited(("retry-after", "300"))
    assert await outcomes(pair) == ["overloaded", "rate_limited"]
    assert await outcomes(pair) == ["skipped", "skipped", "overloaded"]
    serving(upstream)
    assert await outcomes(pair) == ["skipped", "skipped", "served"]
    assert await outcomes(pair) == ["served"]


@pytest.mark.parametrize(
    ("first_says", "second_says", "status", "wait"),
    [
        (overloaded(), as_json(error_body("invalid_request_error", "no images"), 400), 529, None),
        (overloaded(("retry-after", "6")), as_json(error_body("invalid_request_error", "no"), 400), 529, "6"),
        (as_json(error_body("billing_error", "pay"), 402), overloaded(("retry-after", "2")), 529, "2"),
        (as_json(error_body("not_found_error", "model: m"), 404), limited(), 429, None),
        (overloaded(("retry-after", "300")), limited(("retry-after", "500")), 529, "60"),
        (limited(("x-should-retry", "false")), overloaded(("retry-after", "9")), 529, "9"),
        (
            as_json(error_body("billing_error", "pay"), 402),
            limited(("retry-after", "7200"), ("anthropic-ratelimit-unified-status", "rejected")),
            402,
            None,
        ),
    ],
)
async def test_the_turn_ends_only_where_no_trouble_passes(
    pair: RunningEngine,
    upstream: ScriptedUpstream,
    second: ScriptedUpstream,
    first_says: Reply,
    second_says: Reply,
    status: int,
    wait: str | None,
) -> None:
    upstream.script, second.script = first_says, second_says
    response = await pair.ask()
    assert (response.status_code, response.headers.get("retry-after")) == (status, wait)
    assert "x-should-retry" not in response.headers


async def test_a_refusal_by_the_next_target_waits_for_a_first_one_that_opens_soon(
    pair: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = overloaded(("retry-after", "6"))
    assert await outcomes(pair) == ["overloaded", "served"]
    second.script = as_json(error_body("invalid_request_error", "no images"), 400)
    response = await pair.ask()
    assert (response.status_code, response.headers["retry-after"]) == (529, "6")


async def test_a_refusal_by_the_next_target_counts_where_the_first_one_rests_for_long(
    pair: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = limited(("retry-after", "1800"))
    assert await outcomes(pair) == ["rate_limited", "served"]
    second.script = as_json(error_body("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"), 400)
    response = await pair.ask()
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_an_only_target_is_never_held_back_by_its_failures(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = overloaded(("retry-after", "3600"))
    engine = await start(settings(provider(upstream)))
    for _ in range(3):
        assert await outcomes(engine) == ["overloaded"]
    serving(upstream)
    assert await outcomes(engine) == ["served"]


async def test_a_long_limit_survives_a_restart_and_is_shown(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    serving(second)
    upstream.script = limited(("retry-after", "7200"))
    chosen = settings(provider(upstream), provider(second), fallback=True)
    before = await start(chosen)
    assert await outcomes(before) == ["rate_limited", "served"]
    told = await view(before)
    await before.stop()
    after = await start(chosen)
    assert await outcomes(after) == ["skipped", "served"]
    again = await view(after)
    assert (again.health, again.retry_at, again.health_text) == ("limited", told.retry_at, told.health_text)


async def test_a_provider_that_was_put_aside_gets_nothing_until_it_is_taken_back(
    pair: RunningEngine, upstream: ScriptedUpstream
) -> None:
    serving(upstream)
    await pair.command("rest", c.RestProvider(provider="first", resting=True))
    assert await outcomes(pair) == ["skipped", "served"]
    assert ((await view(pair)).resting, len(upstream.calls)) == (True, 0)
    await pair.command("rest", c.RestProvider(provider="first", resting=False))
    assert await outcomes(pair) == ["served"]


async def test_an_only_provider_that_was_put_aside_gets_nothing_either(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream, count_tokens=True)))
    await engine.command("rest", c.RestProvider(provider="first", resting=True))
    response = await engine.ask()
    counted = await engine.http.post("/v1/messages/count_tokens", json=message())
    other = await engine.http.get("/v1/files")
    assert [each.status_code for each in (response, counted, other)] == [529, 200, 529]
    assert ("put it aside" in response.text, response.headers["retry-after"]) == (True, "30")
    assert len(upstream.calls) == 0


async def test_taking_a_provider_back_forgets_its_failures(pair: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = overloaded(("retry-after", "3600"))
    await pair.ask()
    serving(upstream)
    await pair.command("rest", c.RestProvider(provider="first", resting=False))
    assert await outcomes(pair) == ["served"]


async def test_a_token_count_tells_nothing_of_messages(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    serving(second)
    engine = await start(settings(provider(upstream, count_tokens=True), provider(second), fallback=True))
    upstream.script = as_json(error_body("api_error", "broken"), 500)
    await engine.http.post("/v1/messages/count_tokens", json=message())
    serving(upstream)
    assert await outcomes(engine) == ["served"]
    upstream.script = overloaded(("retry-after", "600"))
    await engine.ask()
    upstream.script = as_json(b'{"input_tokens":7}')
    counted = await engine.http.post("/v1/messages/count_tokens", json=message())
    assert counted.json() == {"input_tokens": 7}
    assert await outcomes(engine) == ["skipped", "served"]


async def test_the_repeat_after_a_broken_answer_goes_to_the_next_target(
    pair: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(*EVENTS[:5])
    broken = await pair.ask()
    repeat = await pair.ask(message(stream=False))
    assert ("event: error" in broken.text, repeat.json()["type"]) == (True, "message")
    assert [each.outcome for each in (await pair.record(2)).attempts] == ["skipped", "served"]


async def test_what_the_user_reads_of_a_broken_answer_says_it_once(
    pair: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(*EVENTS[:5])
    await pair.ask()
    record = await pair.record()
    text = (await view(pair)).health_text or ""
    assert (text.count("broke off"), text) == (1, record.attempts[0].reason)


async def test_one_model_s_trouble_leaves_the_provider_s_other_models_alone(
    pair: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = [overloaded(("retry-after", "60")), as_stream(message_stream())]
    await pair.ask()
    await pair.ask(message("claude-haiku-4-5"))
    assert [each.outcome for each in (await pair.record(2)).attempts] == ["served"]


async def test_the_time_to_a_first_event_begins_with_the_attempt_and_not_with_what_was_lost_elsewhere(
    pair: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = Reply(529, before_head=(Hold(),))
    asking = asyncio.create_task(pair.ask())
    await upstream.arrived(1)
    pair.engine.exchanges[0].started -= 60
    upstream.release()
    await asking
    record = await pair.record()
    told = (await view(pair, "second")).ttft_p50_ms
    assert record.ttft_ms is not None
    assert told is not None
    assert (record.ttft_ms > 60_000, told <= record.attempts[-1].duration_ms) == (True, True)
