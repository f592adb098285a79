"""The comparison of prices by a running engine."""

from typing import Any

import msgspec
import pytest

from proxy import contract as c
from proxy.ledger import portions
from proxy.protocol.listing import ListedModel
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.proxy.test_imports import answer, bring
from tests.upstreams import ScriptedUpstream, as_stream, message_stream

PRICES: dict[str, Any] = {
    "claude-opus-4-8": {"input": 5, "output": 25, "cache_read": 0.5},
    "vendor/cheap": {"input": 1, "output": 2},
}
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}


USED = {"input_tokens": 100, "cache_read_input_tokens": 1000, "output_tokens": 10}


@pytest.fixture
async def engine(start: StartEngine, upstream: ScriptedUpstream) -> RunningEngine:
    upstream.script = as_stream(message_stream(usage=USED, model="claude-opus-4-8"))
    models = ["claude-opus-4-8", "vendor/cheap", "vendor/dark", "claude-opus-5"]
    listed = provider(upstream, models=models, context_windows={"vendor/cheap": 1000})
    return await start(settings(listed, prices=PRICES))


async def what_if(engine: RunningEngine, **query: str) -> c.WhatIf:
    response = await engine.look("whatif", **query)
    assert response.status_code == 200, response.text
    return msgspec.json.decode(response.content, type=c.WhatIf)


def row(report: c.WhatIf, model: str) -> c.WhatIfRow:
    return next(each for each in report.rows if each.model == model)


async def asked(engine: RunningEngine, number: int = 1, session: str = "s-1", **fields: Any) -> c.Request:
    await engine.ask(message("claude-opus-4-8", **fields), x_claude_code_session_id=session)
    return await engine.record(number)


async def test_the_model_that_served_would_have_cost_what_it_did(engine: RunningEngine) -> None:
    record = await asked(engine)
    report = await what_if(engine)
    assert record.cost_nano_usd == 100 * 5_000 + 1000 * 500 + 10 * 25_000
    assert row(report, "claude-opus-4-8").cost_nano_usd == report.list_nano_usd == record.cost_nano_usd
    assert report.total.cost_nano_usd == record.cost_nano_usd
    assert report.longest_prompt == 1100


async def test_what_answers_under_a_name_of_its_own_costs_what_it_was_asked_for(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(message_stream(usage=USED, model="prod-deployment-eu"))
    record = await asked(engine)
    report = await what_if(engine)
    assert record.served_model == "prod-deployment-eu"
    assert report.list_nano_usd == record.cost_nano_usd == 100 * 5_000 + 1000 * 500 + 10 * 25_000
    found = row(report, "prod-deployment-eu")
    assert (found.cost_nano_usd, found.price_source) == (record.cost_nano_usd, "settings")


async def test_one_name_for_two_models_is_priced_by_what_each_request_asked_for(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(message_stream(usage=USED, model="prod-deployment-eu"))
    first = await asked(engine)
    await engine.ask(message("vendor/cheap"), x_claude_code_session_id="s-1")
    second = await engine.record(2)
    report = await what_if(engine)
    assert first.cost_nano_usd != second.cost_nano_usd
    assert report.list_nano_usd == (first.cost_nano_usd or 0) + (second.cost_nano_usd or 0)
    assert row(report, "prod-deployment-eu").cost_nano_usd is None


@pytest.mark.parametrize("model", ["claude-opus-4-8", "claude-haiku-4-5"])
async def test_what_was_imported_is_compared_by_the_same_price(engine: RunningEngine, model: str) -> None:
    await bring(engine, answer(session_id="s-9", model=model))
    report = await what_if(engine, session="s-9")
    assert report.list_nano_usd
    assert report.list_nano_usd == report.total.cost_nano_usd


async def test_a_model_without_prices_for_its_cache_takes_the_price_of_input(engine: RunningEngine) -> None:
    await asked(engine)
    found = row(await what_if(engine), "vendor/cheap")
    assert (found.cost_nano_usd, found.price_source) == (1100 * 1_000 + 10 * 2_000, "settings")
    assert found.misfit == "a prompt of 1,100 tokens is longer than its window of 1,000"


async def test_the_tokenizer_is_told(engine: RunningEngine) -> None:
    await asked(engine)
    report = await what_if(engine)
    assert row(report, "claude-opus-5").same_tokenizer
    assert not row(report, "vendor/cheap").same_tokenizer


async def test_without_a_choice_it_is_the_session_that_was_active_last(engine: RunningEngine) -> None:
    await asked(engine, 1, "s-1")
    await asked(engine, 2, "s-2")
    report = await what_if(engine)
    assert (report.choice, report.total.requests) == (c.Choice(session="s-2"), 1)


async def test_a_span_of_time_holds_all_sessions(engine: RunningEngine) -> None:
    await asked(engine, 1, "s-1")
    await asked(engine, 2, "s-2")
    assert (await what_if(engine, since="0")).total.requests == 2


async def test_no_simulator_is_compared_with_real_models(engine: RunningEngine) -> None:
    await asked(engine)
    assert {each.provider for each in (await what_if(engine)).rows} == {"first"}


async def test_what_a_simulator_served_has_a_list_price_of_its_own(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(message_stream(usage=USED, model="claude-opus-4-8"))
    engine = await start(settings(provider(upstream, models=["claude-opus-4-8"]), prices=PRICES))
    await asked(engine, 1)
    await engine.command("use", c.Use(target="simulator"))
    await asked(engine, 2)
    report = await what_if(engine)
    assert report.list_nano_usd == report.total.cost_nano_usd == 100 * 5_000 + 1000 * 500 + 10 * 25_000
    assert report.list_simulated_nano_usd
    assert report.list_simulated_nano_usd == report.total.simulated_nano_usd


async def test_too_much_to_read_is_priced_by_its_sums_and_says_so(
    engine: RunningEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asked(engine)
    monkeypatch.setattr(portions, "ROWS_MAX", 0)
    report = await what_if(engine)
    assert report.rough
    assert report.longest_prompt == 0
    assert row(report, "vendor/cheap").cost_nano_usd == 1100 * 1_000 + 10 * 2_000
    assert row(report, "vendor/cheap").misfit is None


async def test_pictures_in_the_last_prompt_are_a_need(engine: RunningEngine) -> None:
    await asked(engine, messages=[{"role": "user", "content": [PICTURE, {"type": "text", "text": "What is this?"}]}])
    listing = (ListedModel("vendor/blind", input=1, output=1, images=False),)
    engine.engine.catalog.fetched("first", listing, 0.0)
    assert row(await what_if(engine), "vendor/blind").misfit == "it takes no images"


async def test_what_cannot_be_chosen_by_is_refused_by_name(engine: RunningEngine) -> None:
    response = await engine.look("whatif", mood="good")
    assert response.status_code == 400
    assert "'mood'" in response.text


async def test_an_engine_that_served_nothing_compares_nothing(engine: RunningEngine) -> None:
    report = await what_if(engine)
    assert (report.total.requests, report.list_nano_usd) == (0, 0)
