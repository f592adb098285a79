"""Model lists, published ids and token counts."""

import json
from typing import Any

import pytest

from proxy import contract as c
from proxy.net.discovery import Discovery
from proxy.providers import ProviderConfig
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import TIMEOUT_S, RunningEngine, message, provider, settings
from tests.upstreams import (
    SILENCE,
    Answer,
    Call,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    message_body,
    message_stream,
    models_body,
)


def with_list(upstream: ScriptedUpstream, *models: str) -> dict[str, object]:
    """A provider that lists ``models`` and answers everything else with a stream."""
    upstream.script = lambda call: (
        as_json(models_body(*models)) if call.path == "/v1/models" else as_stream(message_stream())
    )
    return {"base_url": upstream.url, "api_key": "key"}


async def published(engine: RunningEngine) -> list[str]:
    return [each["id"] for each in (await engine.http.get("/v1/models?limit=1000")).json()["data"]]


async def test_the_client_s_list_is_answered_while_the_provider_hangs(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = SILENCE
    engine = await start(settings({"base_url": upstream.url, "api_key": "key", "models": ["claude-opus-4-8"]}))
    await upstream.arrived(1)
    response = await engine.http.get("/v1/models?limit=1000")
    assert (response.status_code, response.json()["has_more"]) == (200, False)


async def test_an_empty_list_has_the_shape_of_a_list(engine: RunningEngine) -> None:
    payload = (await engine.http.get("/v1/models")).json()
    assert payload == {"data": [], "has_more": False, "first_id": None, "last_id": None}


async def test_all_foreign_models_are_published_on_demand(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(with_list(upstream, "gpt-5.5", "claude-opus-4.8"), engine={"publish": "all"}))
    await engine.look("models", refresh="1")
    assert "anthropic/first/gpt-5.5" in await published(engine)


async def test_a_favourite_is_published_and_one_that_served_too(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(with_list(upstream, "gpt-5.5", "gpt-5.4", "gpt-5")))
    await engine.look("models", refresh="1")
    await engine.command("favourite", c.SetFavourite(provider="first", model="gpt-5.5", favourite=True))
    await engine.ask(message("anthropic/first/gpt-5.4"))
    await engine.record()
    assert await published(engine) == ["anthropic/first/gpt-5.5", "anthropic/first/gpt-5.4"]


async def test_a_published_id_routes_to_its_one_target(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream), provider(second)))
    await engine.ask(message("anthropic/second/vendor/gpt-5.5[1m]"))
    record = await engine.record()
    assert json.loads(second.calls[0].body)["model"] == "vendor/gpt-5.5"
    assert (record.provider, record.target_model, upstream.calls) == ("second", "vendor/gpt-5.5", [])
    assert record.asked_model == "anthropic/second/vendor/gpt-5.5[1m]"


async def test_one_model_is_found_by_its_published_id(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(with_list(upstream, "gpt-5.5"), engine={"publish": "all"}))
    await engine.look("models", refresh="1")
    response = await engine.http.get("/v1/models/anthropic/first/gpt-5.5")
    assert (response.status_code, response.json()["id"]) == (200, "anthropic/first/gpt-5.5")


async def test_a_model_that_is_not_published_is_asked_of_the_provider(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_json(b'{"id":"claude-x"}')
    response = await engine.http.get("/v1/models/claude-x")
    assert (response.json(), upstream.calls[0].path) == ({"id": "claude-x"}, "/v1/models/claude-x")


async def test_a_list_of_several_pages_is_read_to_its_end(start: StartEngine, upstream: ScriptedUpstream) -> None:
    def pages(call: Call) -> Answer:
        last = "after_id=m-2" in call.query
        return as_json(models_body("m-3") if last else models_body("m-1", "m-2", has_more=True))

    upstream.script = pages
    engine = await start(settings({"base_url": upstream.url, "api_key": "key"}))
    listed = (await engine.look("models", refresh="1")).json()["models"]
    assert [each["id"] for each in listed if each["provider"] == "first"] == ["m-1", "m-2", "m-3"]


async def test_a_list_that_fails_keeps_the_last_good_one_with_the_error(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(with_list(upstream, "m-1")))
    await engine.look("models", refresh="1")
    upstream.script = as_json(error_body("api_error", "oops"), 500)
    answer = (await engine.look("models", refresh="1")).json()
    first = next(each for each in answer["providers"] if each["name"] == "first")
    assert ([each["id"] for each in answer["models"] if each["provider"] == "first"], first["models"]) == (["m-1"], 1)
    assert (first["models_at"] is not None, "oops" in first["models_error"]) == (True, True)


async def test_a_list_from_a_dead_provider_does_not_keep_the_others_from_answering(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Discovery._listed

    async def soon_tired_of_the_first(self: Discovery, config: ProviderConfig, headers: Any, _: float) -> Any:
        return await listed(self, config, headers, 0.05 if config.name == "first" else TIMEOUT_S)

    monkeypatch.setattr(Discovery, "_listed", soon_tired_of_the_first)
    upstream.script = SILENCE
    engine = await start(settings({"base_url": upstream.url, "api_key": "k"}, with_list(second, "m-2")))
    answer = (await engine.look("models", refresh="1")).json()
    providers = {each["name"]: each for each in answer["providers"]}
    assert (providers["second"]["models"], "no answer within" in providers["first"]["models_error"]) == (1, True)


async def test_the_last_good_list_survives_a_restart(start: StartEngine, upstream: ScriptedUpstream) -> None:
    chosen = settings(with_list(upstream, "m-1"))
    engine = await start(chosen)
    await engine.look("models", refresh="1")
    await engine.stop()
    upstream.script = SILENCE
    again = await start(chosen)
    listed = (await again.look("models")).json()["models"]
    assert [each["id"] for each in listed if each["provider"] == "first"] == ["m-1"]


async def test_a_list_that_is_no_list_is_told_in_words(start: StartEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_json(b"<html>")
    engine = await start(settings({"base_url": upstream.url, "api_key": "key"}))
    answer = (await engine.look("models", refresh="1")).json()
    first = next(each for each in answer["providers"] if each["name"] == "first")
    assert "not JSON" in first["models_error"]


async def test_a_count_passes_to_a_provider_that_counts(start: StartEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_json(b'{"input_tokens": 4711}')
    engine = await start(settings(provider(upstream, count_tokens=True)))
    body = message()
    response = await engine.http.post("/v1/messages/count_tokens?beta=true", json=body)
    record = await engine.record()
    assert (response.content, upstream.calls[0].target) == (
        b'{"input_tokens": 4711}',
        "/v1/messages/count_tokens?beta=true",
    )
    assert (record.kind, record.outcome, record.usage_estimated) == ("count_tokens", "served", False)


async def test_openai_counts_in_its_own_format(start: StartEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_json(b'{"object": "response.input_tokens", "input_tokens": 4711}')
    openai = {"preset": "openai", "base_url": upstream.url, "api_key": "k", "models": ["gpt-5.5"]}
    engine = await start(settings(openai, route={"default": "first/gpt-5.5"}))
    body = message(thinking={"type": "adaptive"}, output_config={"effort": "high"})
    response = await engine.http.post("/v1/messages/count_tokens", json=body)
    counted = next(call for call in upstream.calls if call.body)
    assert (response.json(), counted.path) == ({"input_tokens": 4711}, "/v1/responses/input_tokens")
    assert "reasoning" not in json.loads(counted.body)


async def test_a_count_is_estimated_where_the_provider_does_not_count(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    response = await engine.http.post("/v1/messages/count_tokens", content=message_of(3300))
    record = await engine.record()
    assert (response.json(), upstream.calls) == ({"input_tokens": 1000}, [])
    assert (record.usage_estimated, record.outcome, record.cost_source) == (True, "served", "free")


async def test_an_estimate_goes_by_what_was_counted_under_the_target_s_name(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    body = message_of(4400)
    upstream.script = as_stream(message_stream(usage={"input_tokens": 1000}, model="gpt-5-2025-08-07"))
    chosen = settings(provider(upstream, models=["my-deployment"]), route={"default": "first/my-deployment"})
    engine = await start(chosen)
    await engine.ask(body)
    await engine.record()
    assert (await engine.http.post("/v1/messages/count_tokens", content=body)).json() == {"input_tokens": 1000}
    await engine.stop()
    again = await start(chosen)
    assert (await again.http.post("/v1/messages/count_tokens", content=body)).json() == {"input_tokens": 1000}


@pytest.mark.parametrize(("status", "asked"), [(404, 1), (405, 1), (501, 1), (429, 2), (500, 2)])
async def test_a_count_that_fails_upstream_is_estimated_and_who_cannot_count_is_not_asked_again(
    start: StartEngine, upstream: ScriptedUpstream, status: int, asked: int
) -> None:
    kind = {404: "not_found_error", 429: "rate_limit_error"}.get(status, "api_error")
    upstream.script = as_json(error_body(kind, "no such path"), status)
    engine = await start(settings(provider(upstream, count_tokens=True)))
    for _ in range(2):
        response = await engine.http.post("/v1/messages/count_tokens", content=message_of(3300))
        assert (response.status_code, response.json()) == (200, {"input_tokens": 1000})
    assert len(upstream.calls) == asked


async def test_a_count_of_a_wrong_body_is_refused_by_the_provider(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    body = error_body("invalid_request_error", "messages: field required")
    upstream.script = as_json(body, 400)
    engine = await start(settings(provider(upstream, count_tokens=True)))
    response = await engine.http.post("/v1/messages/count_tokens", json=message())
    assert (response.status_code, response.content) == (400, body)


async def test_an_answer_that_counts_nothing_is_replaced_by_an_estimate(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_json(b"<html>welcome</html>")
    engine = await start(settings(provider(upstream, count_tokens=True)))
    response = await engine.http.post("/v1/messages/count_tokens", content=message_of(3300))
    assert response.json() == {"input_tokens": 1000}


async def test_the_estimate_learns_from_what_the_provider_counted(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_json(message_body(usage={"input_tokens": 500}))
    await engine.ask(message_of(2000, stream=False))
    await engine.record()
    response = await engine.http.post("/v1/messages/count_tokens", content=message_of(4000))
    assert response.json() == {"input_tokens": 1000}


async def test_what_was_learned_survives_a_restart(start: StartEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_json(message_body(usage={"input_tokens": 500}))
    engine = await start(settings(provider(upstream)))
    await engine.ask(message_of(2000, stream=False))
    await engine.stop()
    again = await start(settings(provider(upstream)))
    response = await again.http.post("/v1/messages/count_tokens", content=message_of(4000))
    assert response.json() == {"input_tokens": 1000}


def message_of(size_bytes: int, *, stream: bool = True) -> bytes:
    """A body of exactly that size."""
    bare = json.dumps(message(stream=stream, system="")).encode()
    return json.dumps(message(stream=stream, system="x" * (size_bytes - len(bare)))).encode()
