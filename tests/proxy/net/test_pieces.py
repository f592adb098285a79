"""An answer in many pieces: read without asking for more each time, and put off while the client does not read."""

import asyncio

import pytest
from aiohttp.client_proto import ResponseHandler

from tests.proxy.running_engine import RunningEngine
from tests.upstreams import Raw, Reply, ScriptedUpstream, message_stream
from tests.upstreams.answers import as_chunk, head_of

LARGE = 16 * 1024 * 1024
"""Bytes that the buffers between a provider and its client do not hold."""


def at_once(stream: bytes) -> Raw:
    """``stream`` sent in one go, each event a chunk of its own."""
    events = [event + b"\n\n" for event in stream.split(b"\n\n") if event]
    head = head_of(Reply(headers=(("content-type", "text/event-stream"),)), ())
    return Raw((head + b"".join(map(as_chunk, events)) + b"0\r\n\r\n",))


async def test_an_answer_in_many_pieces_is_taken_in_one_go(
    engine: RunningEngine, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(ResponseHandler, "resume_reading", lambda _self, resume=True: asked.append(resume))
    stream = message_stream("one two three four " * 100)
    upstream.script = at_once(stream)
    response = await engine.ask()
    assert (response.content, asked) == (stream, [])


async def test_reading_that_was_put_off_goes_on_when_the_client_reads(
    engine: RunningEngine, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_off = asyncio.Event()
    pause = ResponseHandler.pause_reading

    def paused(connection: ResponseHandler) -> None:
        pause(connection)
        put_off.set()

    monkeypatch.setattr(ResponseHandler, "pause_reading", paused)
    stream = message_stream("x" * LARGE)
    upstream.script = at_once(stream)
    async with engine.asking() as response:
        await put_off.wait()
        assert await response.aread() == stream
