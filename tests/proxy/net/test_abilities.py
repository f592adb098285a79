"""A target that lists what it cannot do is skipped, with its reason, where another one follows."""

from typing import Any

import pytest

from proxy import contract as c
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import Answer, Call, ScriptedUpstream, as_json, as_stream, message_stream, models_body

TOOLS = [{"name": "Read", "description": "Reads.", "input_schema": {"type": "object"}}]
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
CLAUDE = "claude-opus-4-8"


def weak(call: Call) -> Answer:
    if call.path.endswith("/models"):
        return as_json(models_body(CLAUDE, supports_tools=False, supports_image=False))
    return as_stream(message_stream())


async def with_weak_first(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, *, fallback: bool
) -> RunningEngine:
    upstream.script = weak
    first = {"base_url": upstream.url, "auth": "bearer", "api_key": "key-of-the-first"}
    engine = await start(settings(first, provider(second, api_key="key-of-the-second"), fallback=fallback))
    await engine.look("models", refresh="1")
    return engine


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        (message(tools=TOOLS), "tools"),
        (message(messages=[{"role": "user", "content": [PICTURE]}]), "images"),
    ],
)
async def test_the_next_target_serves_what_the_first_lists_as_missing(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, body: dict[str, Any], missing: str
) -> None:
    engine = await with_weak_first(start, upstream, second, fallback=True)

    assert (await engine.ask(body)).status_code == 200

    skipped, served = (await engine.record()).attempts
    assert (skipped.outcome, served.provider) == ("skipped", "second")
    assert f"{CLAUDE} has no {missing}" in (skipped.reason or "")


async def test_a_plain_request_is_served_by_it(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    engine = await with_weak_first(start, upstream, second, fallback=True)

    await engine.ask(message())

    assert [attempt.provider for attempt in (await engine.record()).attempts] == ["first"]


async def test_the_only_target_judges_for_itself(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    engine = await with_weak_first(start, upstream, second, fallback=False)

    assert (await engine.ask(message(tools=TOOLS))).status_code == 200

    record: c.Request = await engine.record()
    assert [attempt.outcome for attempt in record.attempts] == ["served"]
