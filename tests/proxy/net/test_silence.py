"""A stream that began and then is silent, and one of which only signs of life come, reach the client all the same."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import pytest

from proxy.net import answers
from proxy.net import attempt as attempts
from proxy.net.awaited import Awaited
from proxy.net.client import Client
from proxy.protocol.answer_tap import AnswerTap
from proxy.protocol.routing import Target
from tests.proxy.conftest import StartEngine
from tests.proxy.dialects.grammar import checked
from tests.proxy.running_engine import TIMEOUT_S, RunningEngine, message, provider, settings
from tests.upstreams import Break, Gate, Hold, ScriptedUpstream, as_stream, error_event, message_events

EVENTS = message_events("one two", ping=False)
COMMENT = b": keep-alive\n\n"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every silence is a long one, and a stream that brings nothing is passed on soon."""
    monkeypatch.setattr(attempts, "PING_S", 0.0)
    monkeypatch.setattr(answers, "HOLD_S", 0.05)


def data(payload: object) -> bytes:
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


def chunk(content: str | None, reason: str | None = None, **fields: str) -> bytes:
    delta = {"content": content} if content else {"role": "assistant"}
    return data({**fields, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})


def responses() -> tuple[bytes, bytes]:
    """The beginning of an answer of OpenAI's that is thinking, and the rest of it."""
    text = {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Hi."}]}
    start = data({"type": "response.created", "response": {"id": "resp_1", "model": "m", "status": "in_progress"}})
    thinking = data(
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {"type": "reasoning", "id": "rs", "summary": []},
        }
    )
    rest = data({"type": "response.output_item.done", "output_index": 1, "item": text})
    last = {"id": "resp_1", "model": "m", "status": "completed", "output": [text]}
    return start + thinking, rest + data({"type": "response.completed", "response": last})


async def abroad(start: StartEngine, upstream: ScriptedUpstream, dialect: str = "openai-chat") -> RunningEngine:
    first = provider(upstream, dialect=dialect, auth="bearer", models=["m"])
    return await start(settings(first, route={"default": "first/m"}))


async def released_by(engine: RunningEngine, upstream: ScriptedUpstream, mark: bytes) -> bytes:
    """The whole answer to a request whose upstream goes on when ``mark`` has reached the client."""
    got = b""
    async with engine.asking() as response:
        async for piece in response.aiter_raw():
            if mark in got + piece and mark not in got:
                upstream.release()
            got += piece
    return got


async def test_a_model_that_thinks_in_silence_is_passed_on_and_pinged(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    began, rest = responses()
    upstream.script = as_stream(began, Hold(), rest)
    engine = await abroad(start, upstream, "openai-responses")

    got = await released_by(engine, upstream, b"event: ping")

    assert got.startswith(b"event: message_start")
    assert checked(got).text == "Hi."
    assert (await engine.record()).outcome == "served"


async def test_so_is_a_stream_of_anthropic_s_format(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(EVENTS[0], Hold(), *EVENTS[1:])

    got = await released_by(engine, upstream, b"event: ping")

    assert checked(got).text == "one two"


async def test_comments_alone_begin_the_answer(
    start: StartEngine, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "HOLD_S", 0.0)
    upstream.script = as_stream(COMMENT, Hold(), COMMENT, chunk("Hel"), chunk("lo."), chunk(None, "stop"))
    engine = await abroad(start, upstream)

    got = await released_by(engine, upstream, b"event: message_start")

    assert (checked(got).text, checked(got).error) == ("Hello.", None)


async def test_who_answers_is_known_though_the_answer_began_before_it_was_told(
    start: StartEngine, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "HOLD_S", 0.0)
    upstream.script = as_stream(COMMENT, Hold(), chunk("Hello.", "stop", model="m-by-another"))
    engine = await abroad(start, upstream)

    await released_by(engine, upstream, b"event: message_start")

    assert (await engine.record()).served_model == "m-by-another"


async def test_what_ends_before_it_is_passed_on_is_not(
    start: StartEngine, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "HOLD_S", TIMEOUT_S)
    upstream.script = as_stream(chunk(None), Break())
    engine = await abroad(start, upstream)

    assert (await engine.ask()).status_code == 502

    assert (await engine.record()).attempts[0].outcome == "connection_lost"


async def test_an_error_after_the_silence_ends_the_stream(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(EVENTS[0], Hold(), error_event())

    got = await released_by(engine, upstream, b"event: ping")

    assert checked(got).error is not None
    assert (await engine.record()).outcome == "broken"


async def test_a_client_that_leaves_in_the_silence_ends_it(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(EVENTS[0], Hold())
    async with engine.asking() as response:
        await anext(response.aiter_raw())

    await upstream.wait_closed(0)

    assert (await engine.record()).outcome == "cancelled"


async def test_signs_of_life_prolong_the_patience_as_far_as_the_client_s_own(engine: RunningEngine) -> None:
    await engine.ask(message())
    made = attempts.Attempt.__new__(attempts.Attempt)
    made.exchange, made.provider = await engine.engine.arrived(), engine.engine.providers["first"]
    now = asyncio.get_running_loop().time()
    async with asyncio.timeout_at(now + 60) as made.timer:
        await asyncio.sleep(0)
        made.live(now)
        prolonged = made.timer.when()
        made.exchange.started = time.monotonic() - attempts.CLIENT_WAITS_S
        made.live(now + 500)

        assert prolonged == pytest.approx(now + made.provider.first_event_timeout_s)
        assert made.timer.when() == pytest.approx(now + 500, abs=0.5)


async def test_no_sign_of_life_goes_into_an_event_whose_beginning_waited_beside_the_last_one(
    engine: RunningEngine,
) -> None:
    await engine.ask(message())
    exchange, first = await engine.engine.arrived(), engine.engine.providers["first"]
    reads, written, silent = Gate(), list[bytes](), list[bool]()

    async def send(sent: MutableMapping[str, Any]) -> None:
        await reads.wait()
        written.append(sent["body"])

    async def halves() -> AsyncIterator[bytes]:
        yield EVENTS[1][:10]
        silent.append(made.silent(now + 60))

    parcel = attempts.Parcel("", b"")
    made = attempts.Attempt(exchange, Client(send), first, Target("first", "m"), 0.0, parcel)
    now, tap = asyncio.get_running_loop().time(), AnswerTap()
    tap.feed(EVENTS[0])
    sign = asyncio.create_task(made.keep_alive(now))
    pump = asyncio.create_task(answers._pump(made, halves(), tap))
    await asyncio.sleep(0)
    reads.open()
    await asyncio.gather(sign, pump)

    assert written[1:] == [EVENTS[1][:10]]
    assert silent == [False]


class TestAwaited:
    async def test_a_late_chunk_is_not_lost(self) -> None:
        gate = Gate()

        async def chunks() -> AsyncIterator[bytes]:
            yield b"1"
            await gate.wait()
            yield b"2"
            yield b"3"

        awaited = Awaited(chunks())
        assert [await awaited.next(), await awaited.next(0.0)] == [b"1", "late"]
        gate.open()
        assert [each async for each in awaited.rest()] == [b"2", b"3"]
        await awaited.close()

    async def test_the_end_is_told_whether_it_comes_in_time_or_late(self) -> None:
        gate = Gate()

        async def chunks() -> AsyncIterator[bytes]:
            await gate.wait()
            for each in list[bytes]():
                yield each

        awaited = Awaited(chunks())
        assert await awaited.next(0.0) == "late"
        gate.open()
        assert await awaited.next(5.0) is None
        assert [each async for each in awaited.rest()] == []
