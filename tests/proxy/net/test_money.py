"""What a request cost, in the record: usage and price of what was served."""

import asyncio
import json
from decimal import Decimal

import msgspec
import pytest

from proxy import contract as c
from proxy.contract import CostSplit
from proxy.estimate import BYTES_PER_TOKEN
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, passthrough, provider, settings
from tests.upstreams import (
    SILENCE,
    Break,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    message_body,
    message_events,
    message_stream,
    tool_call,
)
from tests.upstreams.anthropic import event
from tests.upstreams.priced import OPUS_NANO_USD, USAGE


@pytest.mark.parametrize("stream", [True, False])
async def test_usage_and_cost_are_recorded(engine: RunningEngine, upstream: ScriptedUpstream, stream: bool) -> None:
    upstream.script = as_stream(message_stream(usage=USAGE)) if stream else as_json(message_body(usage=USAGE))
    await engine.ask(message(stream=stream))
    record = await engine.record()
    usage = record.usage
    counts = (usage.input_tokens, usage.cache_write_5m_tokens, usage.cache_write_1h_tokens, usage.cache_read_tokens)
    assert (counts, usage.output_tokens) == ((12, 600, 400, 20_000), 42)
    assert (record.cost_nano_usd, record.cost_source) == (OPUS_NANO_USD, "genai-prices")
    assert record.cost_split == CostSplit(
        input=12 * 5_000, cache_read=20_000 * 500, cache_write=600 * 6_250 + 400 * 10_000, output=42 * 25_000
    )


async def test_the_served_model_decides_the_price(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(message_stream(usage={"input_tokens": 1_000_000, "output_tokens": 0}, model="gpt-5"))
    await engine.ask(message("claude-opus-4-8"))
    record = await engine.record()
    assert (record.asked_model, record.served_model, record.cost_nano_usd) == (
        "claude-opus-4-8",
        "gpt-5",
        1_250_000_000,
    )


async def test_a_broken_stream_keeps_the_usage_that_it_had_and_its_text_is_measured(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(*message_events("word " * 2000, usage=USAGE)[:-3], Break())
    await engine.ask()
    record = await engine.record()
    assert (record.outcome, record.usage.cache_read_tokens, record.usage.output_tokens) == ("broken", 20_000, 2500)
    assert (record.usage_estimated, record.output_estimated) == (True, True)
    assert record.cost_nano_usd == OPUS_NANO_USD + (2500 - 42) * 25_000


async def test_the_size_of_tokens_is_learned_from_answers_that_were_counted(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(message_stream("word " * 1000, usage={**USAGE, "output_tokens": 2000}))
    await engine.ask()
    upstream.script = as_stream(*message_events("word " * 300, usage=USAGE)[:-3], Break())
    await engine.ask()
    assert (await engine.record(2)).usage.output_tokens == 600


async def test_all_that_was_thought_said_and_called_is_measured(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    call = tool_call("Write", {"content": 'a line\n"quoted"\n' * 100})
    events = message_events("Said. " * 100, usage=USAGE, thinking="Thought. " * 100, tools=[call])
    upstream.script = as_stream(*events[:-2], Break())
    await engine.ask()
    arguments = json.dumps(call["input"], separators=(",", ":"))
    assert (await engine.record()).usage.output_tokens == round((600 + 900 + len(arguments)) / 4)


async def test_an_answer_that_was_counted_before_it_broke_is_not_estimated(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(*message_events("word " * 2000, usage=USAGE)[:-1], Break())
    await engine.ask()
    record = await engine.record()
    assert (record.outcome, record.usage.output_tokens, record.usage_estimated) == ("broken", 42, False)
    assert record.cost_nano_usd == OPUS_NANO_USD


async def test_a_prompt_that_was_not_counted_before_the_answer_broke_is_estimated_too(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    start = event("message_start", {"message": {"id": "msg_1", "model": "claude-opus-4-8", "content": []}})
    upstream.script = as_stream(start, *message_events("word " * 80)[1:-3], Break())
    await engine.ask(message(system="Be brief. " * 330))
    record = await engine.record()
    assert (record.usage.output_tokens, record.usage_estimated, record.output_estimated) == (100, True, False)
    assert record.usage.input_tokens == round(record.request_bytes / BYTES_PER_TOKEN)


async def test_an_answer_that_was_left_before_its_first_byte_is_no_unknown_price(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = SILENCE
    asked = asyncio.create_task(engine.ask())
    await upstream.arrived(1)
    asked.cancel()
    record = await engine.record()
    assert (record.outcome, record.cost_nano_usd, record.cost_source) == ("cancelled", 0, "free")
    assert (await engine.snapshot()).today.unpriced_requests == 0


async def test_a_cost_that_was_reported_before_the_answer_ended_is_not_believed(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    start, *rest = message_events("word " * 80, usage={**USAGE, "cost": 0.000001})
    upstream.script = as_stream(start, *rest[:-3], Break())
    await engine.ask()
    record = await engine.record()
    assert (record.cost_nano_usd, record.cost_source) == (OPUS_NANO_USD + (100 - 42) * 25_000, "genai-prices")


async def test_usage_says_how_much_of_it_is_estimated(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = [as_stream(message_stream()), as_stream(*message_events("word " * 80)[:-3], Break())]
    await engine.ask()
    await engine.ask()
    await engine.record(2)
    report = msgspec.json.decode((await engine.look("usage", by="model")).content, type=c.UsageReport)
    assert (report.total.requests, report.estimated_requests) == (2, 1)


async def test_a_refused_request_costs_nothing(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_json(error_body("overloaded_error", "Overloaded"), 529)
    await engine.ask()
    record = await engine.record()
    assert (record.cost_nano_usd, record.cost_source, record.usage.total_tokens) == (0, "free", 0)


async def test_an_unknown_price_is_unknown_and_not_zero(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(message_stream(model="house-model-7"))
    await engine.ask(message("house-model-7"))
    record = await engine.record()
    assert (record.cost_nano_usd, record.cost_source) == (None, "unknown")
    assert (await engine.snapshot()).today.unpriced_requests == 1


async def test_the_user_s_own_price_counts_for_a_model_that_nobody_lists(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(
        message_stream(model="house-model-7", usage={"input_tokens": 1000, "output_tokens": 10})
    )
    prices = {"house-model-7": {"input": Decimal("1.5"), "output": Decimal(4)}}
    engine = await start(settings(provider(upstream), prices=prices))
    await engine.ask(message("house-model-7"))
    record = await engine.record()
    assert (record.cost_nano_usd, record.cost_source) == (1000 * 1500 + 10 * 4000, "settings")


@pytest.mark.parametrize("stream", [True, False])
async def test_the_cost_that_the_provider_reports_in_its_usage_wins(
    engine: RunningEngine, upstream: ScriptedUpstream, stream: bool
) -> None:
    usage = {**USAGE, "cost": 0.0123456}
    upstream.script = as_stream(message_stream(usage=usage)) if stream else as_json(message_body(usage=usage))
    await engine.ask(message(stream=stream))
    record = await engine.record()
    assert (record.cost_nano_usd, record.cost_source) == (12_345_600, "reported")
    split = record.cost_split
    assert split is not None
    assert (split.nano_usd, split.divided) == (12_345_600, True)
    assert split.output == 12_345_600 * 42 * 25_000 // OPUS_NANO_USD


async def test_a_reported_cost_without_a_price_has_no_parts(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(message_stream(usage={**USAGE, "cost": 0.01}, model="house-model-7"))
    await engine.ask(message("house-model-7"))
    record = await engine.record()
    assert (record.cost_nano_usd, record.cost_split) == (10_000_000, None)


async def test_the_cost_that_a_gateway_reports_in_a_header_wins(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_json(message_body(), headers=(("x-litellm-response-cost", "0.0042"),))
    await engine.ask(message(stream=False))
    record = await engine.record()
    assert (record.cost_nano_usd, record.cost_source) == (4_200_000, "reported")


async def test_a_cost_that_was_told_before_the_stream_began_is_not_believed(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(message_stream(), headers=(("x-litellm-response-cost", "0.0"),))
    await engine.ask()
    record = await engine.record()
    assert (bool(record.cost_nano_usd), record.cost_source) == (True, "genai-prices")


@pytest.mark.parametrize("cost", ["1e400", "-1", "NaN", "1e12"])
async def test_a_cost_that_cannot_be_is_not_believed(
    engine: RunningEngine, upstream: ScriptedUpstream, cost: str
) -> None:
    upstream.script = as_stream(message_stream(usage={**USAGE, "cost": cost}))
    await engine.ask()
    record = await engine.record()
    assert (record.cost_nano_usd, record.cost_source) == (OPUS_NANO_USD, "genai-prices")


async def test_listed_prices_come_before_the_bundled_ones(start: StartEngine, upstream: ScriptedUpstream) -> None:
    listing = b'{"data":[{"id":"claude-opus-4-8","pricing":{"prompt":"0.000001","completion":"0.000002"}}]}'
    upstream.script = lambda call: as_json(listing) if call.method == "GET" else as_stream(message_stream())
    engine = await start(settings({"base_url": upstream.url, "api_key": "key"}))
    await engine.look("models", refresh="1")
    await engine.ask()
    record = await engine.record()
    assert (record.cost_nano_usd, record.cost_source) == (12 * 1000 + 42 * 2000, "listed")


async def test_a_local_server_costs_nothing(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings({"preset": "llamacpp", "base_url": upstream.url, "models": ["claude-opus-4-8"]}))
    await engine.ask()
    record = await engine.record()
    assert (record.cost_nano_usd, record.cost_source) == (0, "free")


async def test_a_subscriber_s_traffic_is_priced_and_marked(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(passthrough(upstream)))
    await engine.ask(authorization="Bearer sk-ant-oat01-login", anthropic_beta="oauth-2025-04-20")
    record = await engine.record()
    assert (record.subscription, bool(record.cost_nano_usd)) == (True, True)


async def test_simulated_money_is_kept_apart(start: StartEngine) -> None:
    chosen = settings({"preset": "simulator", "simulator": {"first_event_s": 0, "tokens_per_s": 1e9}})
    engine = await start(chosen)
    await engine.ask()
    record, today = await engine.record(), (await engine.snapshot()).today
    assert (record.outcome, record.simulated, bool(record.cost_nano_usd)) == ("served", True, True)
    assert (today.cost_nano_usd, today.simulated_nano_usd) == (0, record.cost_nano_usd)


async def test_times_come_in_the_order_in_which_things_happen(engine: RunningEngine) -> None:
    await engine.ask()
    record = await engine.record()
    times = [record.headers_ms, record.ttft_ms, record.first_text_ms, record.duration_ms]
    assert times == sorted(each for each in times if each is not None)
    assert record.output_bytes == len(message_stream())
