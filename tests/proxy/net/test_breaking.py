"""Streams that break after they began: the client gets an error event that it understands."""

import json

import anthropic
import pytest

from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, provider, settings
from tests.upstreams import (
    Break,
    Hold,
    Raw,
    Reply,
    ScriptedUpstream,
    as_stream,
    error_event,
    message_events,
)
from tests.upstreams.answers import Step

EVENTS = message_events("one two three")
STARTED = b"".join(EVENTS[:5])
NEXT = EVENTS[5]
"""The event in which a stream is broken off."""

ENDINGS: dict[str, list[Step]] = {
    "between two events": [Break()],
    "in the middle of an event": [NEXT[:-20], Break()],
    "after an event's first line": [NEXT[: NEXT.index(b"\n") + 1], Break()],
    "before an event's blank line": [NEXT[:-1], Break()],
    "in an event's first word": [NEXT[:3], Break()],
    "by a clean end": [],
    "by a clean end in the middle of an event": [NEXT[:-20]],
}


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("ending", list(ENDINGS))
async def test_a_stream_that_breaks_off_ends_with_an_error_event(
    engine: RunningEngine, upstream: ScriptedUpstream, ending: str, line_end: bytes
) -> None:
    steps = [STARTED, *ENDINGS[ending]]
    upstream.script = as_stream(*(each.replace(b"\n", line_end) if isinstance(each, bytes) else each for each in steps))
    response = await engine.ask()
    record = await engine.record()
    last = response.content.decode().replace("\r\n", "\n").strip().split("\n\n")[-1]
    assert ("event: error" in last, "message_stop" in response.text) == (True, False)
    assert json.loads(last.rsplit("data: ", 1)[1])["error"]["type"] == "api_error"
    assert (record.outcome, record.attempts[-1].outcome, record.usage.input_tokens) == ("broken", "broken", 12)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("ending", list(ENDINGS))
async def test_the_sdk_raises_its_own_error_where_a_stream_breaks_off(
    engine: RunningEngine, upstream: ScriptedUpstream, ending: str, line_end: bytes
) -> None:
    steps = [STARTED, *ENDINGS[ending]]
    upstream.script = as_stream(*(each.replace(b"\n", line_end) if isinstance(each, bytes) else each for each in steps))
    async with anthropic.AsyncAnthropic(
        base_url=engine.url, auth_token=engine.token, max_retries=0, http_client=None
    ) as client:
        with pytest.raises(anthropic.APIStatusError):
            await read_all(client)


async def test_an_error_event_in_mid_stream_reaches_the_client_as_it_is(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    stream = STARTED + error_event("overloaded_error", "Overloaded in the middle")
    upstream.script = as_stream(stream)
    response = await engine.ask()
    record = await engine.record()
    assert (response.content, record.outcome) == (stream, "broken")
    assert "Overloaded in the middle" in (record.error or "")


async def test_a_broken_stream_is_not_tried_elsewhere(
    with_fallback: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_stream(STARTED, Break())
    await with_fallback.ask()
    assert ((await with_fallback.record()).outcome, len(second.calls)) == ("broken", 0)


async def test_a_broken_stream_counts_against_its_provider(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(STARTED, Break())
    await engine.ask()
    await engine.record()
    first = next(each for each in (await engine.snapshot()).providers if each.name == "first")
    assert (first.health, first.requests) == ("failing", 0)


async def test_the_connection_of_the_client_lives_on_after_a_broken_stream(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = [as_stream(STARTED, Break()), as_stream(*EVENTS)]
    await engine.ask()
    response = await engine.ask()
    assert (response.status_code, (await engine.record(2)).outcome) == (200, "served")


async def test_an_answer_cut_below_its_told_length_is_broken(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99999\r\n\r\n"
    upstream.script = Raw([head + STARTED])
    response = await engine.ask()
    assert ("event: error" in response.text, (await engine.record()).outcome) == (True, "broken")


async def test_silence_in_mid_stream_ends_in_an_error_event(start: StartEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(STARTED, Hold())
    engine = await start(settings(provider(upstream, idle_timeout_s=0.05)))
    response = await engine.ask()
    await upstream.wait_closed(0)
    record = await engine.record()
    assert ("event: error" in response.text, record.outcome) == (True, "broken")
    assert "silent" in (record.error or "")


async def test_another_path_that_breaks_off_breaks_the_client_s_connection(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    import httpx

    upstream.script = Reply(200, (), [b"half of", Break()])
    with pytest.raises(httpx.RemoteProtocolError):
        await engine.http.get("/v1/files/f1")
    assert (await engine.record()).outcome == "broken"


async def read_all(client: anthropic.AsyncAnthropic) -> None:
    turn = {"role": "user", "content": "hi"}
    async with client.messages.stream(model="claude-opus-4-8", max_tokens=64, messages=[turn]) as stream:  # type: ignore[list-item]
        async for _ in stream:
            pass
