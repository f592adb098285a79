"""Streams of other dialects that do not go well: clients that leave or stop reading, and what is left of them."""

import asyncio
import gc
from dataclasses import replace

import pytest

from proxy import board
from proxy import contract as c
from proxy.dialects.reading import AnswerReader
from proxy.net.attempt import Attempt
from proxy.net.exchange import Exchange
from tests.proxy.conftest import StartEngine
from tests.proxy.dialects.grammar import checked
from tests.proxy.net.test_dialects import foreign
from tests.proxy.running_engine import TIMEOUT_S, RunningEngine, encoded, message, provider, settings
from tests.upstreams import Answer, Call, Hold, Reply, ScriptedUpstream, as_stream, message_stream
from tests.upstreams.dialects import NAMES, Name, Said, answer

each = pytest.mark.parametrize("dialect", NAMES)
LONG = "one two three four five six seven eight nine ten " * 4
MB = 2**20


async def abroad(start: StartEngine, upstream: ScriptedUpstream, dialect: Name) -> RunningEngine:
    return await start(settings(foreign(upstream, dialect), route={"default": "first/foreign-1"}))


def held(dialect: Name, call: Call, at: int = 9) -> Answer:
    """An answer that stops in its midst until the test lets it go on."""
    whole = answer(dialect, call, Said(LONG))
    assert isinstance(whole, Reply)
    steps = [whole.body] if isinstance(whole.body, bytes) else list(whole.body)
    return replace(whole, body=[*steps[:at], Hold(), *steps[at:]])


async def start_and_leave(engine: RunningEngine) -> None:
    """Read the first text of an answer and close the connection."""
    body = encoded(message())
    reader, writer = await asyncio.open_connection("127.0.0.1", engine.port)
    head = f"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n{c.TOKEN_HEADER}: {engine.token}\r\n"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    await reader.readuntil(b"content_block_delta")
    writer.close()
    await writer.wait_closed()


def left(kind: type) -> int:
    gc.collect()
    return sum(isinstance(found, kind) for found in gc.get_objects())


@each
async def test_hundreds_of_aborted_answers_close_their_connections_and_leave_nothing(
    start: StartEngine, upstream: ScriptedUpstream, dialect: Name
) -> None:
    upstream.script = lambda call: held(dialect, call)
    engine = await abroad(start, upstream, dialect)
    engine.engine.exchanges = _Forgetting()
    for _ in range(8):
        await asyncio.gather(*(start_and_leave(engine) for _ in range(40)))
    await engine.record(320)
    for order in range(320):
        await upstream.wait_closed(order)
    kept = engine.engine
    assert (kept._relay._trying, len(kept.board.live), len(kept.app.running)) == (set(), 0, 0)
    assert {record.outcome for record in kept.records} == {"cancelled"}
    assert (left(Attempt), left(AnswerReader)) == (0, 0)
    assert left(Exchange) <= board.CAPTURES_KEPT + 1


class _Forgetting(list[Exchange]):
    """Counts what arrived and keeps none of it."""

    def append(self, _: Exchange) -> None:
        super().append(None)  # type: ignore[arg-type]


@each
async def test_a_client_that_stops_reading_holds_the_provider_back(
    start: StartEngine, upstream: ScriptedUpstream, dialect: Name
) -> None:
    def endless(call: Call) -> Answer:
        whole = answer(dialect, call, Said("x" * 70_000))
        assert isinstance(whole, Reply)
        steps = list(whole.body) if not isinstance(whole.body, bytes) else [whole.body]
        return replace(whole, body=[*steps[:9], *(steps[8:9] * 400_000), Hold()])

    upstream.script = endless
    engine = await abroad(start, upstream, dialect)
    async with engine.asking() as response:
        await anext(response.aiter_raw())
        for _ in range(20):
            await engine.look("state")
        exchange = engine.engine.exchanges[0]
        assert (upstream.calls[0].sent_bytes < 32 * MB, exchange.capture.size < MB) == (True, True)
    await upstream.wait_closed(0)
    assert (await engine.record()).outcome == "cancelled"


@each
async def test_an_engine_that_stops_in_mid_stream_ends_it_with_an_error_that_the_client_reads(
    start: StartEngine, upstream: ScriptedUpstream, dialect: Name
) -> None:
    upstream.script = lambda call: held(dialect, call)
    engine = await abroad(start, upstream, dialect)
    async with engine.asking() as response:
        await engine.engine.arrived()
        chunks = response.aiter_raw()
        got = await anext(chunks)
        engine.engine.stop(0.0)
        async with asyncio.timeout(TIMEOUT_S):
            got += b"".join([chunk async for chunk in chunks])
    await engine.running
    assert (checked(got).error is not None, (await engine.record()).outcome) == (True, "broken")


@each
async def test_many_at_once_over_two_dialects_arrive_whole_and_are_recorded_once(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, dialect: Name
) -> None:
    upstream.script = lambda call: answer(dialect, call, Said(LONG))
    second.script = as_stream(message_stream(LONG))
    engine = await start(settings(foreign(upstream, dialect), provider(second, models=["claude-opus-4-8"])))
    models = ["first/foreign-1", "second/claude-opus-4-8"] * 20
    await engine.command("use", c.Use(target="second/claude-opus-4-8"))
    await engine.command("use", c.Use(target="first/foreign-1", slot="haiku"))

    asked = [engine.ask(message("claude-haiku-4-5" if "first" in each else "claude-opus-4-8")) for each in models]
    answers = await asyncio.gather(*asked)

    assert {checked(each.content).text for each in answers} == {LONG}
    await engine.record(len(models))
    rows = (await engine.look("requests", limit="999")).json()
    assert (len(rows), len({row["id"] for row in rows})) == (len(models), len(models))
    assert sorted(row["provider"] for row in rows) == sorted(each.split("/")[0] for each in models)
