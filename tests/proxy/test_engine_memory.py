"""Nothing grows: stalled clients, aborted answers, ended requests."""

import asyncio

import httpx

from proxy import board
from proxy import contract as c
from tests.proxy.running_engine import RunningEngine, encoded, message
from tests.upstreams import Hold, ScriptedUpstream, as_stream, message_events

EVENTS = message_events("one two three")
MB = 2**20


async def test_a_client_that_stops_reading_does_not_grow_the_engine(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    filler = b": " + b"x" * (MB - 4) + b"\n\n"
    upstream.script = as_stream(*EVENTS[:4], *([filler] * 256), *EVENTS[4:])
    async with engine.asking() as response:
        await anext(response.aiter_raw())
        for _ in range(20):
            await engine.look("state")
        exchange = engine.engine.exchanges[0]
        assert (upstream.calls[0].sent_bytes < 64 * MB, exchange.capture.size < 2 * MB) == (True, True)
    assert (await engine.record()).outcome == "cancelled"


async def test_two_thousand_aborted_answers_leave_nothing_behind(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(*EVENTS[:4], Hold())
    for _ in range(40):
        await asyncio.gather(*(start_and_leave(engine) for _ in range(50)))
    await engine.record(2000)
    for order in range(2000):
        await upstream.wait_closed(order)
    snapshot = await engine.snapshot()
    kept = engine.engine.board
    assert (len(kept.live), len(engine.engine.app.running), len(kept.recent)) == (0, 0, board.RECENT_KEPT)
    assert len(kept._captures) <= board.CAPTURES_KEPT
    assert {session.in_flight for session in snapshot.sessions} == {0}
    assert {record.outcome for record in engine.engine.records} == {"cancelled"}


async def test_large_bodies_are_let_go_after_their_answers(engine: RunningEngine) -> None:
    for _ in range(12):
        await engine.ask(message(system="x" * 3 * MB))
    await engine.record(12)
    kept = engine.engine.board._captures.values()
    assert sum(len(exchange.raw_body) + exchange.capture.size for exchange in kept) <= board.CAPTURES_BYTES


async def start_and_leave(engine: RunningEngine) -> None:
    """Read the first bytes of an answer and close the connection."""
    body = encoded(message())
    reader, writer = await asyncio.open_connection("127.0.0.1", engine.port)
    head = (
        f"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n{c.TOKEN_HEADER}: {engine.token}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await reader.readuntil(b"content_block_delta")
    writer.close()
    await writer.wait_closed()


async def test_a_session_that_fell_off_counts_nothing_below_zero(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(*EVENTS[:4], Hold(), *EVENTS[4:])
    async with engine.asking(x_claude_code_session_id="old") as response:
        engine.engine.board._sessions.clear()
        upstream.release()
        await response.aread()
    await engine.record()
    assert [session.in_flight for session in (await engine.snapshot()).sessions] == [0]


async def test_a_read_of_the_state_does_not_wait_for_a_stalled_client(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(*EVENTS[:4], Hold())
    async with engine.asking():
        response: httpx.Response = await engine.look("state")
    assert response.status_code == 200
