"""What other providers left in a conversation becomes legal where it goes next; what rests stays at rest."""

import json
from typing import Any

from proxy import contract as c
from proxy.protocol.sse import write_event
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import (
    Answer,
    Call,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    message_events,
    message_stream,
)

SESSION = "0f0e0d0c-0000-4000-8000-000000000001"
ODD = "functions.Read:0"


def calling(tool_id: str) -> Answer:
    """A stream that calls a tool under ``tool_id``."""
    start, _, _, *_ = message_events("x")
    block = {"type": "tool_use", "id": tool_id, "name": "Read", "input": {}}
    events: list[tuple[str, dict[str, Any]]] = [
        ("content_block_start", {"index": 0, "content_block": block}),
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}}),
        ("message_stop", {}),
    ]
    return as_stream(start, *(write_event(name, {"type": name, **payload}) for name, payload in events))


def with_call(tool_id: str, **fields: Any) -> dict[str, Any]:
    call = {"type": "tool_use", "id": tool_id, "name": "Read", "input": {}}
    result = {"type": "tool_result", "tool_use_id": tool_id, "content": "x"}
    turns = [{"role": "user", "content": "Go."}, {"role": "assistant", "content": [call]}]
    return message(messages=[*turns, {"role": "user", "content": [result]}], **fields)


async def test_a_call_under_an_odd_id_is_legal_when_the_route_goes_to_claude(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    chosen = settings(
        provider(upstream, models=["kimi-k2"]), provider(second, api_key="k"), route={"default": "first/kimi-k2"}
    )
    engine = await start(chosen)
    upstream.script = calling(ODD)
    await engine.ask(message(), x_claude_code_session_id=SESSION)
    await engine.command("use", c.Use(target="second"))

    await engine.ask(with_call(ODD), x_claude_code_session_id=SESSION)

    turns = json.loads(second.calls[-1].body)["messages"]
    sent = turns[1]["content"][0]["id"]
    assert sent == turns[2]["content"][0]["tool_use_id"] != ODD
    assert (await engine.record(2)).attempts[-1].changed == ("2 ids of tool calls made legal for Claude",)


async def test_the_provider_that_gave_the_odd_id_gets_it_back_as_it_was(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream, models=["kimi-k2"]), route={"default": "first/kimi-k2"}))
    upstream.script = calling(ODD)
    await engine.ask(message(), x_claude_code_session_id=SESSION)

    await engine.ask(with_call(ODD), x_claude_code_session_id=SESSION)

    assert json.loads(upstream.calls[-1].body)["messages"][1]["content"][0]["id"] == ODD


def refuses_cache_marks(call: Call) -> Answer:
    words = "messages.0.content.0.text.cache_control: Extra inputs are not permitted"
    refused = b"cache_control" in call.body
    return as_json(error_body("invalid_request_error", words), 400) if refused else as_stream(message_stream())


async def test_cache_marks_that_a_provider_refuses_are_left_out_from_then_on(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = refuses_cache_marks
    marked = {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}
    body = message(messages=[{"role": "user", "content": [marked]}])

    first, again = await engine.ask(body), await engine.ask(body)

    assert (first.status_code, again.status_code, len(upstream.calls)) == (200, 200, 3)


async def test_a_provider_that_rests_still_rests_after_a_restart(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream)))
    await engine.command("rest", c.RestProvider(provider="first", resting=True))
    await engine.stop()

    engine = await start(settings(provider(upstream)))

    first = next(each for each in (await engine.snapshot()).providers if each.name == "first")
    assert first.resting
