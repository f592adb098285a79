"""``GET /_cctui/metrics``, read as Prometheus reads it."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from proxy import contract as c
from proxy.metrics import CONTENT_TYPE, SERIES_MAX, Present, Totals, exposition
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import Hold, ScriptedUpstream, as_json, as_stream, error_body, message_events, message_stream
from tests.upstreams.priced import OPUS_NANO_USD, USAGE

PRESENT = Present(
    engine=c.Engine(pid=1, url="http://127.0.0.1:1", version="0.1.0", contract=2, started_at=1.0, home="/"),
    providers=(),
    in_flight=0,
    problems=0,
    unrecorded=0,
)


def samples(text: str) -> Iterator[Sample]:
    for family in text_string_to_metric_families(text):
        yield from family.samples


def value(text: str, name: str, **labels: str) -> float:
    """Of the one sample with that name and those labels."""
    (found,) = [each for each in samples(text) if each.name == name and labels.items() <= each.labels.items()]
    return found.value


async def scraped(engine: RunningEngine) -> str:
    answer = await engine.look("metrics")
    assert (answer.status_code, answer.headers["content-type"]) == (200, CONTENT_TYPE)
    return answer.text


async def test_what_was_served_is_counted_by_provider_model_and_outcome(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(message_stream(usage=USAGE))
    await engine.ask()
    await engine.ask()
    upstream.script = as_json(error_body("overloaded_error", "Overloaded"), 529)
    await engine.ask()
    await engine.record(3)

    text = await scraped(engine)
    of = {"provider": "first", "model": "claude-opus-4-8"}
    assert value(text, "cctui_requests_total", outcome="served", **of) == 2
    assert value(text, "cctui_requests_total", outcome="failed", **of) == 1
    kinds = {"input": 24, "output": 84, "cache_read": 40_000, "cache_write_5m": 1_200, "cache_write_1h": 800}
    assert {kind: value(text, "cctui_tokens_total", kind=kind, **of) for kind in kinds} == kinds
    assert value(text, "cctui_time_to_first_event_seconds_count", **of) == 2
    assert value(text, "cctui_time_to_first_event_seconds_bucket", le="+Inf", **of) == 2
    assert (
        value(text, "cctui_provider_health", provider="first", state="limited")
        + value(text, "cctui_provider_health", provider="first", state="failing")
        == 1
    )


async def test_dollars_are_exact_to_the_nano_dollar(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(message_stream(usage=USAGE))
    await engine.ask()
    await engine.record()
    line = next(each for each in (await scraped(engine)).splitlines() if each.startswith("cctui_cost_usd_total{"))
    assert line.split()[-1] == f"0.{OPUS_NANO_USD:09d}"


async def test_an_unknown_price_is_counted_and_is_no_zero(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(message_stream(model="my-finetune"))
    await engine.ask(message("my-finetune"))
    await engine.record()
    text = await scraped(engine)
    assert value(text, "cctui_unpriced_requests_total", model="my-finetune") == 1
    assert not [each for each in samples(text) if each.name == "cctui_cost_usd_total"]


async def test_simulated_dollars_are_apart(start: StartEngine) -> None:
    engine = await start({"route": {"default": "simulator"}, "engine": {"local_servers": False}})
    await engine.ask()
    await engine.record()
    text = await scraped(engine)
    assert value(text, "cctui_simulated_cost_usd_total", provider="simulator") > 0
    assert not [each for each in samples(text) if each.name == "cctui_cost_usd_total"]


async def test_what_runs_is_in_flight(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(*message_events()[:3], Hold(), *message_events()[3:])
    async with engine.asking() as answer:
        await engine.engine.arrived()
        assert value(await scraped(engine), "cctui_requests_in_flight") == 1
        upstream.release()
        await answer.aread()
    await engine.record()
    assert value(await scraped(engine), "cctui_requests_in_flight") == 0
    assert value(await scraped(engine), "cctui_engine_resident_bytes") > 1_000_000


async def test_prometheus_comes_in_with_the_token_as_bearer_and_nobody_without(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream)))
    engine.http.headers.pop(c.TOKEN_HEADER)
    assert (await engine.look("metrics")).status_code == 401
    engine.http.headers["authorization"] = f"Bearer {engine.token}"
    assert (await engine.look("metrics")).status_code == 200


@given(st.text(), st.text(max_size=20))
def test_any_name_survives_as_a_label(model: str, provider_name: str) -> None:
    totals = Totals()
    totals.add(c.Request(id="1", started_at=0.0, provider=provider_name, target_model=model, outcome="served"))
    (found,) = [each for each in samples(exposition(totals, PRESENT)) if each.name == "cctui_requests_total"]
    assert found.labels == {"provider": provider_name, "model": model, "outcome": "served"}


def test_names_without_end_are_summed_up() -> None:
    totals = Totals()
    for number in range(SERIES_MAX + 5):
        totals.add(c.Request(id="1", started_at=0.0, provider="p", target_model=f"m{number}", outcome="served"))
    text = exposition(totals, PRESENT)
    assert value(text, "cctui_requests_total", provider="other", model="other") == 5
    assert sum(each.value for each in samples(text) if each.name == "cctui_requests_total") == SERIES_MAX + 5


@pytest.mark.parametrize("kind", ["count_tokens", "other"])
def test_only_messages_count(kind: str) -> None:
    totals = Totals()
    totals.add(c.Request(id="1", started_at=0.0, kind=kind, outcome="served"))  # type: ignore[arg-type]
    assert totals.requests == {}
