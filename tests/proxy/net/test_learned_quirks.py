"""What a model or an account refuses of a translated request is left out from then on, as a field of Anthropic's is."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from proxy import contract as c
from proxy.lessons import lesson_of
from tests.proxy.conftest import StartEngine
from tests.proxy.dialects.grammar import checked
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import (
    Answer,
    Call,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    message_stream,
    models_body,
)
from tests.upstreams.deepseek import refusal_of
from tests.upstreams.dialects import Name, Said, answer
from tests.upstreams.scripted import Script

TOOLS = [{"name": "now", "input_schema": {"type": "object", "properties": {}}}]
WISHES: Mapping[str, Any] = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}, "tools": TOOLS}
Test = Callable[[dict[str, Any]], bool]


def refuses(dialect: Name, *faults: tuple[Test, str, str | None]) -> Callable[[Call], Answer]:
    """A server that refuses each request that ``faults`` tell of, in their words and with their ``param``."""

    def script(call: Call) -> Answer:
        if not call.body:
            return as_json(b'{"data":[]}')
        body = json.loads(call.body)
        for is_at_fault, words, param in faults:
            if is_at_fault(body):
                code = "unsupported_parameter" if param else None
                error = {"message": words, "type": "invalid_request_error", "param": param, "code": code}
                return as_json(json.dumps({"error": error}).encode(), 400)
        return answer(dialect, call, Said("Served."))

    return script


def summary(body: dict[str, Any]) -> bool:
    return "summary" in body.get("reasoning", {})


def effort(body: dict[str, Any]) -> bool:
    return "effort" in body.get("reasoning", {}) or "reasoning_effort" in body


def has(name: str) -> Test:
    return lambda body: name in body


UNVERIFIED = "Your organization must be verified to generate reasoning summaries. Please go to: https://example.com"
NO_EFFORT = "Unsupported parameter: 'reasoning.effort' is not supported with this model."
ENCRYPTED = "Encrypted content is not supported with this model."
RENAMED = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
WITH_TOOLS = "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions."
BUSY: dict[str, tuple[str, tuple[Test, str, str | None], str]] = {
    "summaries of an account that is not verified": (
        "openai",
        (summary, UNVERIFIED, "reasoning.summary"),
        "reasoning.summary",
    ),
    "effort of a model that does not reason": ("openai", (effort, NO_EFFORT, "reasoning.effort"), "effort"),
    "encrypted reasoning": ("openai", (has("include"), ENCRYPTED, "include"), "include"),
    "effort of Grok": ("xai", (effort, "Model grok-4 does not support parameter reasoningEffort.", None), "effort"),
    "the wish for usage": (
        "openai-compatible",
        (has("stream_options"), "Unrecognized request argument supplied: stream_options", None),
        "stream_options",
    ),
    "the old name of the answer's length": (
        "openai-compatible",
        (has("max_tokens"), RENAMED, "max_tokens"),
        "max_tokens",
    ),
    "effort with tools": (
        "gemini-openai",
        (lambda body: body.get("reasoning_effort") != "none", WITH_TOOLS, "reasoning_effort"),
        "effort with tools",
    ),
}


def dialect_of(preset: str) -> Name:
    return "openai-responses" if preset in ("openai", "xai") else "openai-chat"


async def abroad(start: StartEngine, upstream: ScriptedUpstream, preset: str, script: Script) -> RunningEngine:
    upstream.script = script
    first = {"preset": preset, "base_url": upstream.url, "api_key": "k", "models": ["m-1", "m-2"]}
    return await start(settings(first, route={"default": "first/m-1"}))


def asked(upstream: ScriptedUpstream) -> list[dict[str, Any]]:
    """The bodies that reached the provider."""
    return [json.loads(call.body) for call in upstream.calls if call.body]


async def rejects(engine: RunningEngine) -> list[str]:
    first = next(each for each in (await engine.snapshot()).providers if each.name == "first")
    return [line.rpartition(", since ")[0] for line in first.rejects]


@pytest.mark.parametrize("case", BUSY)
async def test_it_is_left_out_at_once_remembered_shown_and_forgotten_on_request(
    start: StartEngine, upstream: ScriptedUpstream, case: str
) -> None:
    preset, fault, name = BUSY[case]
    engine = await abroad(start, upstream, preset, refuses(dialect_of(preset), fault))

    assert checked((await engine.ask(message(**WISHES))).content).text == "Served."
    assert [each.outcome for each in (await engine.record()).attempts] == ["invalid_request", "served"]
    assert await rejects(engine) == [f"m-1: {name}"]

    await engine.ask(message(**WISHES))
    assert [each.outcome for each in (await engine.record(2)).attempts] == ["served"]

    await engine.command("forget", c.ForgetRejections(provider="first"))
    await engine.ask(message(**WISHES))
    assert [each.outcome for each in (await engine.record(3)).attempts] == ["invalid_request", "served"]


async def test_it_survives_a_restart(start: StartEngine, upstream: ScriptedUpstream) -> None:
    script = refuses("openai-responses", (summary, UNVERIFIED, "reasoning.summary"))
    engine = await abroad(start, upstream, "openai", script)
    await engine.ask(message(**WISHES))
    await engine.stop()

    again = await abroad(start, upstream, "openai", script)
    await again.ask(message(**WISHES))

    assert [each.outcome for each in (await again.record()).attempts] == ["served"]


async def test_a_model_that_refuses_several_things_is_asked_until_none_is_left(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    faults = (effort, NO_EFFORT, None), (summary, UNVERIFIED, None), (has("include"), ENCRYPTED, None)
    engine = await abroad(start, upstream, "openai", refuses("openai-responses", *faults))

    assert (await engine.ask(message(**WISHES))).status_code == 200

    record = await engine.record()
    assert [each.outcome for each in record.attempts] == [*["invalid_request"] * 3, "served"]
    assert record.attempts[-1].changed == (
        "effort high left out: the provider does not take it",
        "no summaries of its reasoning asked for: the provider grants none",
    )
    assert await rejects(engine) == ["m-1: effort", "m-1: reasoning.summary", "m-1: include"]


async def test_another_model_of_the_provider_is_asked_for_everything(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    fault = (lambda body: body["model"] == "m-1" and effort(body), NO_EFFORT, None)
    engine = await abroad(start, upstream, "openai", refuses("openai-responses", fault))
    await engine.ask(message(**WISHES))

    await engine.command("use", c.Use(target="first/m-2"))
    await engine.ask(message(**WISHES))

    assert asked(upstream)[-1]["reasoning"] == {"effort": "high", "summary": "auto"}


async def test_what_does_not_help_is_asked_once_more_and_no_further(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await abroad(start, upstream, "openai", refuses("openai-responses", (has("input"), NO_EFFORT, None)))

    assert (await engine.ask(message(**WISHES))).status_code == 400

    assert len(asked(upstream)) == 2


@pytest.mark.parametrize(
    "words", ["messages.0: an image is too large", "Unsupported parameter: 'top_k' is not supported with this model."]
)
async def test_what_the_request_can_do_nothing_about_reaches_the_client_at_once(
    start: StartEngine, upstream: ScriptedUpstream, words: str
) -> None:
    engine = await abroad(start, upstream, "openai", refuses("openai-responses", (has("input"), words, None)))

    response = await engine.ask(message(**WISHES))

    assert (response.status_code, response.json()["error"]["message"], len(asked(upstream))) == (400, words, 1)


async def test_an_effort_that_a_model_has_not_becomes_the_nearest_that_it_has(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    words = "Unsupported value: 'reasoning.effort' does not support 'high'. Supported values are: 'low' and 'medium'."
    fault = (lambda body: body.get("reasoning", {}).get("effort") == "high", words, None)
    engine = await abroad(start, upstream, "openai", refuses("openai-responses", fault))

    await engine.ask(message(**WISHES))

    assert [body["reasoning"]["effort"] for body in asked(upstream)] == ["high", "medium"]
    assert await rejects(engine) == ["m-1: effort other than low, medium"]


LENGTH = (
    "max_tokens is too large: 64000. This model supports at most 16384 completion tokens, whereas you provided 64000."
)


@pytest.mark.parametrize("dialect", ["openai-chat", "anthropic"])
async def test_the_most_that_a_model_answers_with_is_learned_from_its_refusal(
    start: StartEngine, upstream: ScriptedUpstream, dialect: str
) -> None:
    def script(call: Call) -> Answer:
        if json.loads(call.body)["max_tokens"] > 16384:
            return as_json(error_body("invalid_request_error", LENGTH), 400)
        return answer("openai-chat", call, Said("ok")) if dialect == "openai-chat" else as_stream(message_stream())

    upstream.script = script
    engine = await start(
        settings(provider(upstream, dialect=dialect, auth="bearer", models=["m-1"]), route={"default": "first/m-1"})
    )

    for _ in range(2):
        assert (await engine.ask(message(max_tokens=64_000))).status_code == 200

    assert [body["max_tokens"] for body in asked(upstream)] == [64_000, 16_384, 16_384]
    assert await rejects(engine) == ["m-1: max_tokens above 16,384"]


CALLED = {"type": "tool_use", "id": "toolu_0000000000001", "name": "now", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_0000000000001", "content": "12:00"}
LOOP = [
    {"role": "user", "content": "a"},
    {"role": "assistant", "content": [{"type": "text", "text": "let me see"}, CALLED]},
    {"role": "user", "content": [RESULT]},
]


def deepseek(call: Call) -> Answer:
    """Refuses as DeepSeek's server of Anthropic's format does."""
    if not call.body:
        return as_json(models_body("deepseek-v4-pro"))
    return refusal_of(call) or as_stream(message_stream())


@pytest.mark.parametrize(("preset", "tries"), [("deepseek", 1), ("custom", 2)])
@pytest.mark.parametrize(
    "asking",
    [
        {"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}},
        {"thinking": {"type": "adaptive"}, "messages": LOOP, "tools": TOOLS},
    ],
    ids=["a sub-agent", "a tool loop of another model"],
)
async def test_deepseek_s_terms_are_known_of_its_preset_and_learned_of_others(
    start: StartEngine, upstream: ScriptedUpstream, preset: str, tries: int, asking: dict[str, Any]
) -> None:
    upstream.script = deepseek
    first = {"preset": preset, "base_url": upstream.url, "api_key": "k", "models": ["deepseek-v4-pro"]}
    engine = await start(settings(first, route={"default": "first/deepseek-v4-pro"}))

    assert (await engine.ask(message(**asking))).status_code == 200

    assert len([body for body in asked(upstream) if "messages" in body]) == tries


async def test_claude_s_own_api_teaches_nothing(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(provider(upstream)))
    await engine.ask(message(max_tokens=64_000))
    real = engine.engine.providers["anthropic"]

    assert lesson_of(LENGTH, await engine.engine.arrived(), real, ()) is None
