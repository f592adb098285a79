"""A provider that rejects a field or a beta is asked again without it, once, and from then on spared it."""

import json
from dataclasses import replace

from proxy import contract as c
from proxy.protocol.routing import Target
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import (
    CLAUDE,
    Answer,
    Call,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    message_stream,
    models_body,
)

BETAS = "claude-code-20250219,context-management-2025-06-27"
REFUSAL = as_json(error_body("invalid_request_error", "context_management: Extra inputs are not permitted"), 400)


def refuses_context_management(call: Call) -> Answer:
    return REFUSAL if "context_management" in json.loads(call.body) else as_stream(message_stream())


async def ask(engine: RunningEngine) -> int:
    body = message(context_management={"edits": []}, metadata={"user_id": "u"})
    return (await engine.ask(body, anthropic_beta=BETAS)).status_code


async def test_field_and_beta_are_dropped_as_a_pair_and_the_request_repeated_once(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = refuses_context_management

    assert await ask(engine) == 200

    assert [attempt.outcome for attempt in (await engine.record()).attempts] == ["invalid_request", "served"]
    assert upstream.calls[1].header("anthropic-beta") == "claude-code-20250219"
    assert json.loads(upstream.calls[1].body)["metadata"] == {"user_id": "u"}


async def test_it_is_remembered_shown_and_forgotten_on_request(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = refuses_context_management
    await ask(engine)

    await ask(engine)

    assert len(upstream.calls) == 3
    changed = (await engine.record(2)).attempts[0].changed
    assert changed == ("context_management left out: the provider rejects it",)
    first = next(each for each in (await engine.snapshot()).providers if each.name == "first")
    assert first.rejects[0].startswith("claude-opus-4-8: context_management, since ")
    await engine.command("forget", c.ForgetRejections(provider="first"))
    await ask(engine)
    assert len(upstream.calls) == 5


async def test_what_a_gateway_rejected_is_kept_from_nobody_who_is_claude_under_the_same_name(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = refuses_context_management
    await ask(engine)
    running, target = engine.engine, Target("first", CLAUDE)
    assert running.dispatch.rejections(target) != ()
    running.providers["first"] = replace(running.providers["first"], base_url="https://api.anthropic.com")
    assert running.dispatch.rejections(target) == ()


async def test_what_does_not_help_is_not_repeated(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = REFUSAL

    assert await ask(engine) == 400

    assert len(upstream.calls) == 2


async def test_other_rejections_reach_the_client_at_once(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_json(error_body("invalid_request_error", "max_tokens: must be at least 1"), 400)

    assert await ask(engine) == 400

    assert len(upstream.calls) == 1


async def test_max_tokens_is_lowered_to_what_another_target_allows(
    start: StartEngine, second: ScriptedUpstream, upstream: ScriptedUpstream
) -> None:
    def lists(call: Call) -> Answer:
        if call.path.endswith("/models"):
            return as_json(models_body("small", max_tokens=8192))
        return as_stream(message_stream())

    second.script = lists
    other = {"base_url": second.url, "auth": "bearer", "api_key": "key-of-the-second"}
    engine = await start(settings(provider(upstream), other))
    await engine.look("models", refresh="1")
    await engine.command("use", c.Use(target="second/small"))

    await engine.ask(message(max_tokens=64_000, thinking={"type": "enabled", "budget_tokens": 32_000}))

    sent = json.loads(next(call for call in second.calls if call.path.endswith("/messages")).body)
    assert (sent["max_tokens"], sent["thinking"]["budget_tokens"]) == (8192, 4096)
    assert (await engine.record()).attempts[0].changed == (
        "max_tokens lowered from 64000 to 8192, the most that the target allows",
        "its thinking budget was lowered too",
    )
