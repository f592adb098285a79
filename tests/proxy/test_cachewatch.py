"""The watch of the caches: what it looks at, what it leaves out, and that it is never in anybody's way."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from proxy import cachewatch
from proxy import contract as c
from proxy.cachewatch import CacheWatch
from proxy.net.exchange import Exchange
from proxy.protocol.identity import identify
from proxy.protocol.messages import Body
from proxy.protocol.pricing import Price
from tests.proxy.protocol.prompts import TALK, TOOLS, body_of, grown, request, tool

NOW = 1_800_000_000.0
CHANGED = [tool("Bash", "Other words."), *TOOLS[1:]]


class Stage:
    """A watch, and requests that end at the times that a test says."""

    def __init__(self, price: Callable[[c.Request], Price | None] = lambda _: None) -> None:
        self.found: list[tuple[str, c.CacheBreak]] = []
        self.watch = CacheWatch(price, lambda _: True, lambda session, broken: self.found.append((session, broken)))
        self._numbers = iter(range(10_000))

    def end(self, at: float, read: int, written: int, body: Body | None = None, **more: Any) -> None:
        body = body or body_of(request())
        fields: dict[str, Any] = {"session_id": "s1", "provider": "first", "target_model": "opus"}
        usage = c.Usage(cache_read_tokens=read, cache_write_5m_tokens=written)
        fields |= {"usage": usage, "request_bytes": len(body.raw), "phase": "done", "outcome": "served"}
        name = f"r{next(self._numbers)}"
        ended = c.Request(id=name, started_at=NOW + at, **(fields | more))
        identity = identify({}, body)
        self.watch.ended(Exchange(name, NOW + at, 0.0, "/v1/messages", "messages", identity, [], body=body), ended)

    async def reasons(self, session: str = "s1") -> list[str]:
        """Of the breaks, in their order."""
        await self.watch.settled()
        return [broken.reason for where, broken in self.found if where == session]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    async with running(made.watch):
        yield made


@contextlib.asynccontextmanager
async def running(watch: CacheWatch) -> AsyncIterator[None]:
    task = asyncio.create_task(watch.run(), name="watch")
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_pause_longer_than_the_caches_life_is_the_reason(stage: Stage) -> None:
    stage.end(0, 0, 30_000)
    stage.end(420, 0, 30_500, body_of(request(grown())))
    assert await stage.reasons() == ["the cache's 5 minutes had passed: 7 minutes since the last request"]


async def test_each_use_lets_the_cache_live_anew(stage: Stage) -> None:
    for number in range(4):
        stage.end(number * 200, 30_000 if number else 0, 0 if number else 30_000)
    assert await stage.reasons() == []


async def test_the_life_begins_with_the_answer_not_with_the_question(stage: Stage) -> None:
    stage.end(0, 0, 30_000, ttft_ms=60_000.0)
    stage.end(340, 0, 30_500, body_of(request(grown())))
    assert await stage.reasons() == ["the prompt began as before; the provider no longer had it"]


@pytest.mark.parametrize(
    "more",
    [
        {"role": "background"},
        {"kind": "count_tokens"},
        {"usage_estimated": True},
        {"session_id": None},
        {"usage": c.Usage()},
    ],
)
async def test_what_is_no_turn_of_a_conversation_is_not_looked_at(stage: Stage, more: dict[str, Any]) -> None:
    stage.end(0, 0, 30_000)
    stage.end(1, 0, 31_000, body_of(request(tools=CHANGED)), **more)
    assert await stage.reasons() == []


async def test_a_break_is_told_with_what_it_cost_and_whose_money_it_was() -> None:
    stage = Stage(lambda _: Price(5 * 10**9, 10**9, cache_read=10**9, cache_write_5m=6 * 10**9))
    async with running(stage.watch):
        stage.end(0, 0, 30_000, simulated=True)
        stage.end(1, 0, 30_000, body_of(request(tools=CHANGED)), simulated=True)
        await stage.watch.settled()
    ((session, broken),) = stage.found
    assert (session, broken.request_id, broken.lost_tokens) == ("s1", "r1", 30_000)
    assert (broken.lost_nano_usd, broken.simulated) == (30_000 * 5_000, True)


async def test_a_body_that_cannot_be_read_ends_nothing(stage: Stage) -> None:
    stage.end(0, 0, 30_000, Body(b'{"model":"opus","messages":[1]}'))
    stage.end(1, 0, 30_000)
    stage.end(2, 0, 30_000, body_of(request(tools=CHANGED)))
    assert await stage.reasons() == ["tool Bash changed"]


async def test_a_fault_inside_is_logged_and_the_next_request_is_looked_at(caplog: pytest.LogCaptureFixture) -> None:
    faults = iter([1])

    def price(_: c.Request) -> Price | None:
        if next(faults, None):
            raise RuntimeError("broken price")
        return None

    stage = Stage(price)
    async with running(stage.watch):
        for number in range(3):
            stage.end(number, 0, 30_000, body_of(request(tools=[tool("Bash", f"{number}"), *TOOLS[1:]])))
        assert await stage.reasons() == ["tool Bash changed"]
    assert "could not be looked at" in caplog.text


async def test_more_than_the_queue_holds_is_left_out_at_once() -> None:
    stage = Stage()
    for number in range(cachewatch.WAITING_MAX + 5):
        stage.end(number, 0, 30_000)
    assert stage.watch.left_out == 5


async def test_bodies_that_wait_are_bounded_by_their_size() -> None:
    stage = Stage()
    for number in range(3):
        stage.end(number, 0, 30_000, request_bytes=cachewatch.WAITING_BYTES // 2)
    assert stage.watch.left_out == 1


async def test_threads_are_bounded(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cachewatch, "THREADS_KEPT", 3)
    for number in range(5):
        stage.end(2, 0, 30_000, session_id=f"t{number}")
    await stage.watch.settled()
    assert len(stage.watch._threads) == 3


async def test_the_event_loop_goes_on_while_a_large_body_is_read(stage: Stage) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(tick(), name="beside")
    messages = [*TALK, *({"role": "user", "content": "x" * 4_000} for _ in range(1_000))]
    stage.end(0, 0, 30_000, body_of(request(messages)))
    await stage.watch.settled()
    beside.cancel()
    assert ticks > 20


def test_the_reader_sleeps_when_its_turn_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    now = iter([0.0, 0.0005, 0.002, 0.002, 0.0025])
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    monkeypatch.setattr(time, "sleep", slept.append)
    turns = cachewatch._Turns()
    for _ in range(3):
        turns.pause()
    assert slept == [cachewatch.PAUSE_S]
