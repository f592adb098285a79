"""A stream that has gone silent gets signs of life of our own, as long as its provider's connection lives."""

import json
from dataclasses import replace

import pytest

from proxy.net import attempt as attempts
from tests.proxy.conftest import StartEngine
from tests.proxy.dialects.grammar import checked
from tests.proxy.running_engine import RunningEngine, provider, settings
from tests.upstreams import Break, Hold, ScriptedUpstream, as_stream, message_events

PING = b'event: ping\ndata: {"type":"ping"}\n\n'


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every silence is a long one."""
    monkeypatch.setattr(attempts, "PING_S", 0.0)


def chunk(content: str | None, reason: str | None = None) -> bytes:
    delta = {"content": content} if content else {}
    return (
        b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}).encode() + b"\n\n"
    )


async def abroad(start: StartEngine, upstream: ScriptedUpstream) -> RunningEngine:
    first = {"preset": "openai-compatible", "base_url": upstream.url, "api_key": "k", "models": ["m"]}
    return await start(settings(first, route={"default": "first/m"}))


async def read_until(engine: RunningEngine, upstream: ScriptedUpstream, mark: bytes) -> bytes:
    """The whole answer to a request whose upstream goes on when ``mark`` has reached the client."""
    got = b""
    async with engine.asking() as response:
        async for piece in response.aiter_raw():
            got += piece
            if mark in got:
                upstream.release()
    return got


async def test_inside_a_block_it_is_a_delta_of_nothing(start: StartEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(chunk("Hel"), Hold(), chunk("lo."), chunk(None, "stop"))
    engine = await abroad(start, upstream)

    got = await read_until(engine, upstream, b'"text":""}}')

    assert checked(got).text == "Hello."


async def test_a_stream_of_anthropic_s_format_gets_a_ping_between_two_events(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    events = message_events("one two", ping=False)
    upstream.script = as_stream(*events[:3], Hold(), *events[3:])

    got = await read_until(engine, upstream, PING)

    assert got.replace(PING, b"") == b"".join(events)


async def test_never_in_the_middle_of_an_event(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    events = message_events("one two", ping=False)
    upstream.script = as_stream(*events[:3], events[3][:20], Hold(), events[3][20:], Hold(), *events[4:])
    got, released = b"", 0
    async with engine.asking() as response:
        async for piece in response.aiter_raw():
            got += piece
            if released == 0 and got.replace(PING, b"").endswith(events[3][:20]):
                engine.engine._relay.keep_alive()
                released = 1
                upstream.release()
            elif released == 1 and events[3] in got and got.endswith(PING):
                released = 2
                upstream.release()

    assert events[3] in got
    assert got.replace(PING, b"") == b"".join(events)


async def test_a_provider_that_broke_off_is_not_hidden_behind_them(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(chunk("Hel"), Hold(), Break())
    engine = await abroad(start, upstream)

    got = await read_until(engine, upstream, b'"text":""}}')

    assert checked(got).error is not None


async def test_claude_itself_gets_none(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(provider(upstream)))
    config = engine.engine.providers["first"]
    real = replace(config, base_url="https://api.anthropic.com")
    stream = attempts.Attempt.__new__(attempts.Attempt)
    stream.provider, stream.quiet_since = real, 0.0
    assert not stream.silent(1e9)
    stream.provider = config
    assert stream.silent(1e9)
