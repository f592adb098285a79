"""What Bedrock and Vertex refuse, and what becomes of it: left out, estimated, tried elsewhere."""

import json
from typing import Any

import pytest

from tests.proxy.conftest import StartEngine
from tests.proxy.dialects.grammar import checked
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import Answer, Call, ScriptedUpstream, as_json
from tests.upstreams.clouds import CLOUDS, KEY, NO_MODEL, UNCOUNTED, Cloud, body_of, refusal
from tests.upstreams.dialects import Said, answer, error

MODELS = {"bedrock": "eu.anthropic.claude-opus-4-6-v1", "vertex": "claude-opus-4-6"}
EDITS = {"edits": [{"type": "clear_tool_uses_20250919"}]}
BETA = "context-management-2025-06-27"

each = pytest.mark.parametrize("cloud", CLOUDS)


def cloud_provider(upstream: ScriptedUpstream, cloud: Cloud) -> dict[str, Any]:
    own = {"base_url": upstream.url, "auth": "bearer", "api_key": KEY}
    return {"preset": cloud, **own, "models": [MODELS[cloud]]}


async def on(start: StartEngine, upstream: ScriptedUpstream, cloud: Cloud, *others: dict[str, Any]) -> RunningEngine:
    route = {"default": f"first/{MODELS[cloud]}"}
    providers = (cloud_provider(upstream, cloud), *others)
    return await start(settings(*providers, fallback=bool(others), route=route))


def rejecting(cloud: Cloud, words: str) -> Any:
    """A cloud that says ``words`` to whatever holds a context edit."""

    def script(call: Call) -> Answer:
        if wrong := refusal(cloud, call, MODELS[cloud]):
            return wrong
        if "context_management" in body_of(cloud, call):
            return error(cloud, 400, words)
        return answer(cloud, call, Said("Hello."))

    return script


@each
@pytest.mark.parametrize(
    "words",
    [
        "context_management: Extra inputs are not permitted",
        "Malformed input request: #: extraneous key [context_management] is not permitted, please reformat your input",
        "invalid beta flag",
    ],
)
async def test_a_field_that_a_cloud_rejects_is_left_out_with_its_beta_from_then_on(
    start: StartEngine, upstream: ScriptedUpstream, cloud: Cloud, words: str
) -> None:
    engine = await on(start, upstream, cloud)
    upstream.script = rejecting(cloud, words)

    for _ in range(2):
        response = await engine.ask(message(context_management=EDITS), anthropic_beta=BETA)
        assert checked(response.content).text == "Hello."

    assert len(upstream.calls) == 3
    kept = [json.loads(call.body) for call in upstream.calls[1:]]
    assert [{"context_management", "anthropic_beta"} & set(body) for body in kept] == [set(), set()]
    (attempt,) = (await engine.record(2)).attempts
    assert attempt.changed == ("context_management left out: the provider rejects it",)


@each
async def test_a_model_that_a_cloud_does_not_know_leaves_the_request_to_the_next_target(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, cloud: Cloud
) -> None:
    engine = await on(start, upstream, cloud, provider(second, models=["claude-opus-4-8"]))
    upstream.script = error(cloud, *NO_MODEL[cloud])

    assert checked((await engine.ask()).content).text == "Hello from the second."

    assert [attempt.outcome for attempt in (await engine.record()).attempts] == ["model_unknown", "served"]


async def test_a_model_for_which_bedrock_does_not_count_is_estimated(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, "bedrock")
    upstream.script = error("bedrock", 400, UNCOUNTED)

    responses = [await engine.http.post("/v1/messages/count_tokens", json=message()) for _ in range(2)]

    assert [response.status_code for response in responses] == [200, 200]
    assert all(response.json()["input_tokens"] > 0 for response in responses)
    assert len(upstream.calls) == 1


@each
async def test_a_cloud_counts_a_conversation_with_thinking(
    start: StartEngine, upstream: ScriptedUpstream, cloud: Cloud
) -> None:
    engine = await on(start, upstream, cloud)
    counted = as_json(b'{"inputTokens": 77, "input_tokens": 77}')
    upstream.script = lambda call: refusal(cloud, call, MODELS[cloud]) or counted

    body = {name: value for name, value in message().items() if name != "max_tokens"}
    thinking = {"type": "enabled", "budget_tokens": 1024}
    response = await engine.http.post("/v1/messages/count_tokens", json={**body, "thinking": thinking})

    assert response.json() == {"input_tokens": 77}
