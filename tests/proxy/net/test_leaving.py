"""The client leaves: upstream ends at once, the record says cancelled, nobody is blamed and nothing falls back."""

import asyncio

import pytest

from proxy import contract as c
from tests.proxy.running_engine import RunningEngine, encoded, message
from tests.upstreams import (
    HALF_A_HEAD,
    SILENCE,
    Answer,
    Hold,
    Reply,
    ScriptedUpstream,
    as_stream,
    message_body,
    message_events,
)

EVENTS = message_events("one two three", usage={"input_tokens": 100, "output_tokens": 42})
BEFORE_HEADERS: dict[str, Answer] = {"silence": SILENCE, "half a head": HALF_A_HEAD}
IN_THE_HELD_PHASE = {
    "after the headers": as_stream(Hold(), *EVENTS),
    "after message_start": as_stream(EVENTS[0], Hold(), *EVENTS[1:]),
    "after a ping": as_stream(*EVENTS[:2], Hold(), *EVENTS[2:]),
}
IN_MID_STREAM = as_stream(*EVENTS[:5], Hold(), *EVENTS[5:])


@pytest.mark.parametrize("when", [*BEFORE_HEADERS, *IN_THE_HELD_PHASE])
async def test_a_client_that_leaves_before_the_answer_closes_the_upstream(
    with_fallback: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, when: str
) -> None:
    upstream.script = {**BEFORE_HEADERS, **IN_THE_HELD_PHASE}[when]
    await ask_and_leave(with_fallback, upstream)
    await upstream.wait_closed(0)
    record = await with_fallback.record()
    assert (record.outcome, len(record.attempts), len(second.calls)) == ("cancelled", 1, 0)
    assert (record.attempts[0].outcome, record.attempts[0].reason, record.error) == ("client_left", None, None)


async def test_a_client_that_leaves_in_mid_stream_closes_the_upstream(
    with_fallback: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = IN_MID_STREAM
    await read_some_and_leave(with_fallback)
    await upstream.wait_closed(0)
    record = await with_fallback.record()
    assert (record.outcome, record.status, len(second.calls)) == ("cancelled", 200, 0)


async def test_a_cancelled_stream_keeps_the_usage_that_it_had_and_its_text_is_measured(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = IN_MID_STREAM
    await read_some_and_leave(engine)
    record = await engine.record()
    assert (record.usage.input_tokens, record.usage.output_tokens) == (100, len("one two ") // 4)
    assert record.output_estimated
    assert (record.cost_source, bool(record.cost_nano_usd)) == ("genai-prices", True)


async def test_a_client_that_leaves_counts_against_no_provider(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = IN_MID_STREAM
    await read_some_and_leave(engine)
    await engine.record()
    assert health(await engine.snapshot()) == ("unused", None)


async def test_an_answer_that_does_not_stream_is_given_up_when_the_client_leaves(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = Reply(200, (), [message_body()[:20], Hold()])
    await ask_and_leave(engine, upstream, stream=False)
    await upstream.wait_closed(0)
    assert (await engine.record()).outcome == "cancelled"


async def test_a_client_that_stops_reading_and_leaves_closes_the_upstream(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(*EVENTS[:4], *([b": " + b"x" * 60_000 + b"\n\n"] * 400), Hold())
    async with engine.asking() as response:
        await anext(response.aiter_raw())
    await upstream.wait_closed(0)
    assert (await engine.record()).outcome == "cancelled"


async def test_a_client_that_leaves_another_path_closes_the_upstream(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = Reply(200, (), [b"some", Hold()])
    async with engine.http.stream("GET", "/v1/files/large") as response:
        await anext(response.aiter_raw())
    await upstream.wait_closed(0)
    assert (await engine.record()).outcome == "cancelled"


async def test_a_client_that_leaves_while_it_sends_its_request_leaves_no_trace(
    engine: RunningEngine, upstream: ScriptedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", engine.port)
    head = f"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n{c.TOKEN_HEADER}: {engine.token}\r\n"
    writer.write(f"{head}content-length: 999\r\n\r\n{{".encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await engine.ask()
    assert (len(engine.engine.records), len(upstream.calls), caplog.messages) == (1, 1, [])


async def test_a_client_that_left_leaves_nothing_in_the_log(
    engine: RunningEngine, upstream: ScriptedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.script = IN_MID_STREAM
    await read_some_and_leave(engine)
    await upstream.wait_closed(0)
    await engine.record()
    assert [each for each in caplog.records if each.levelname in ("WARNING", "ERROR")] == []


async def test_the_connection_to_the_provider_is_used_again_after_a_whole_answer(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    for _ in range(3):
        await engine.ask()
    assert upstream.connections == 1


async def ask_and_leave(engine: RunningEngine, upstream: ScriptedUpstream, *, stream: bool = True) -> None:
    """Send a request and close the connection before anything of the answer came."""
    body = encoded(message(stream=stream))
    _, writer = await asyncio.open_connection("127.0.0.1", engine.port)
    head = (
        f"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n{c.TOKEN_HEADER}: {engine.token}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await upstream.arrived(1)
    writer.close()
    await writer.wait_closed()


async def read_some_and_leave(engine: RunningEngine) -> None:
    """Close the connection when all that came before the answer was held is read."""
    read = b""
    async with engine.asking() as response:
        async for chunk in response.aiter_raw():
            read += chunk
            if read.endswith(EVENTS[4]):
                break


def health(snapshot: c.Snapshot) -> tuple[str, str | None]:
    first = next(each for each in snapshot.providers if each.name == "first")
    return first.health, first.health_text
