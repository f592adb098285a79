"""A random walk: hundreds of requests over three upstreams that fail, stall and recover, and what always holds."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import msgspec
import pytest

from proxy import contract as c
from tests.proxy.conftest import StartEngine
from tests.proxy.faults.clock import Clock
from tests.proxy.faults.grammar import Read, read_error, read_stream, read_whole
from tests.proxy.faults.weather import COMMITS, WEATHERS, Upstream
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import CLAUDE, Gate, ScriptedUpstream

WAVES, WAVE = 15, 20
INPUT_NANO, OUTPUT_NANO = 1_000, 4_000
"""Of a token, at the settings' price of 1 and 4 dollars for a million."""
NAMES = ("first", "second", "third")


@dataclass(slots=True)
class Walk:
    """The walk of one seed, with everything that was seen on the way."""

    engine: RunningEngine
    upstreams: list[Upstream]
    dice: random.Random
    clock: Clock
    answers: dict[int, httpx.Response] = field(default_factory=dict)
    left: set[int] = field(default_factory=set)
    streaming: dict[int, bool] = field(default_factory=dict)

    async def wave(self, first: int) -> None:
        """Requests ``first`` and those after it, at once, in a weather of their own."""
        gate = Gate("release of a wave")
        for upstream in self.upstreams:
            [upstream.weather], upstream.gate = self.dice.choices(list(WEATHERS), (5, 3, 2)), gate
        tasks = {asyncio.create_task(self.ask(number)): number for number in range(first, first + WAVE)}
        stuck = await self._settle(set(tasks))
        leaving = [task for task in stuck if self.dice.random() < 0.4]
        for task in leaving:
            task.cancel()
            self.left.add(tasks[task])
        await asyncio.gather(*leaving, return_exceptions=True)
        await self.engine.record(first + WAVE - len(stuck) + len(leaving))
        gate.open()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.engine.record(first + WAVE)
        self.clock.passes(self.dice.choice((1, 5, 30, 200)))

    async def _settle(self, pending: "set[asyncio.Task[None]]") -> "set[asyncio.Task[None]]":
        """Wait until every request is answered or stalled; those that stall."""
        stalls = {asyncio.create_task(upstream.stalled.get()): upstream for upstream in self.upstreams}
        stalled = 0
        while len(pending) > stalled:
            done, _ = await asyncio.wait({*pending, *stalls}, return_when=asyncio.FIRST_COMPLETED)
            pending -= done
            for stall in done & set(stalls):
                stalled += 1
                upstream = stalls.pop(stall)  # type: ignore[arg-type]
                stalls[asyncio.create_task(upstream.stalled.get())] = upstream
        for waiting in stalls:
            waiting.cancel()
        await asyncio.gather(*stalls, return_exceptions=True)
        return pending

    async def ask(self, number: int) -> None:
        stream = self.streaming[number] = self.dice.random() < 0.7
        body = message(stream=stream, system=f"request {number}")
        session = f"session-{self.dice.randrange(5)}"
        self.answers[number] = await self.engine.ask(body, x_claude_code_session_id=session)

    def read(self, number: int) -> Read:
        answer = self.answers[number]
        if answer.status_code != 200:
            return read_error(answer.content)
        return read_stream(answer.content) if self.streaming[number] else read_whole(answer.content)

    def pairs(self) -> list[tuple[bytes, c.Request]]:
        records = {record.id: record for record in self.engine.engine.records}
        return [(exchange.raw_body, records[exchange.id]) for exchange in self.engine.engine.exchanges]


@pytest.fixture(params=[1, 2, 3], ids=lambda seed: f"seed {seed}")
async def walked(request: pytest.FixtureRequest, start: StartEngine, clock: Clock) -> AsyncIterator[Walk]:
    """A walk to its end."""
    async with contextlib.AsyncExitStack() as running:
        upstreams = []
        for name in NAMES:
            upstream = Upstream(name, request.param, await running.enter_async_context(ScriptedUpstream()))
            upstream.server.script = upstream.answer
            upstreams.append(upstream)
        chosen = settings(
            *(provider(each.server, api_key=each.key) for each in upstreams),
            fallback=True,
            prices={CLAUDE: {"input": 1, "output": 4}},
        )
        walk = Walk(await start(chosen, None, clock), upstreams, random.Random(request.param), clock)
        for wave in range(WAVES):
            await walk.wave(wave * WAVE)
        yield walk


async def test_what_always_holds(walked: Walk) -> None:
    assert_each_request_has_one_readable_end(walked)
    assert_nothing_is_served_twice(walked)
    assert_no_upstream_gets_another_s_key(walked)
    await assert_the_ledger_has_what_was_billed(walked)
    await assert_everything_returned_to_the_start(walked)


def assert_each_request_has_one_readable_end(walk: Walk) -> None:
    assert sorted([*walk.answers, *walk.left]) == list(range(WAVES * WAVE))
    outcomes = Counter(record.outcome for record in walk.engine.engine.records)
    assert outcomes.total() == WAVES * WAVE
    assert outcomes["cancelled"] == len(walk.left)
    for number, record in enumerated(walk):
        if number in walk.left:
            assert record.outcome == "cancelled"
            continue
        read = walk.read(number)
        expected = "served" if read.error is None else "broken" if walk.answers[number].status_code == 200 else "failed"
        assert (number, record.outcome) == (number, expected)
        assert record.status == walk.answers[number].status_code
    assert outcomes["served"] > WAVES * WAVE / 3


def assert_nothing_is_served_twice(walk: Walk) -> None:
    """Of all that was sent upstream for a request at most one reached its client, and nothing was sent after it.

    A kept connection that was dropped is replaced once: the same is then sent twice there.
    """
    for number, record in enumerated(walk):
        sent = [
            (deed, upstream.name)
            for upstream in walk.upstreams
            for asked, deed in upstream.deeds.values()
            if asked == number
        ]
        committed = [name for deed, name in sent if deed in COMMITS]
        assert len(committed) <= 1
        assert len(set(sent)) == sum(not each.skipped for each in record.attempts)
        if committed:
            assert record.attempts[-1].provider == committed[0]
        if number in walk.answers and (text := walk.read(number).text):
            assert next(each for each in walk.upstreams if each.name == committed[0]).text(number).startswith(text)


def assert_no_upstream_gets_another_s_key(walk: Walk) -> None:
    for upstream in walk.upstreams:
        assert {call.header("authorization") for call in upstream.server.calls} <= {f"Bearer {upstream.key}"}
        strangers = [each.key.encode() for each in walk.upstreams if each is not upstream]
        told = b"".join(repr(call.headers).encode() + call.body for call in upstream.server.calls)
        assert not [key for key in strangers if key in told]


async def assert_the_ledger_has_what_was_billed(walk: Walk) -> None:
    ledger = msgspec.json.decode((await walk.engine.look("requests", limit="1000")).content, type=list[c.Request])
    kept = {record.id: record for record in ledger}
    assert len(kept) == WAVES * WAVE
    numbers = {record.id: number for number, record in enumerated(walk)}
    for upstream in walk.upstreams:
        billed = {number: upstream.usage(number) for number in upstream.billed()}
        served = {
            numbers[record.id]: record
            for record in kept.values()
            if record.provider == upstream.name and record.outcome == "served"
        }
        assert sorted(served) == sorted(billed)
        for number, usage in billed.items():
            told = served[number].usage
            assert (told.input_tokens, told.output_tokens) == (usage["input_tokens"], usage["output_tokens"])
            cost = usage["input_tokens"] * INPUT_NANO + usage["output_tokens"] * OUTPUT_NANO
            assert served[number].cost_nano_usd == cost


async def assert_everything_returned_to_the_start(walk: Walk) -> None:
    engine = walk.engine.engine
    for upstream in walk.upstreams:
        for call in upstream.server.calls:
            if not call.answered:
                await call.closed.wait()
    connector = engine.upstreams._session.connector
    assert connector is not None
    assert (len(engine.board.live), len(engine.app.running), len(connector._acquired)) == (0, 0, 0)
    assert [task for task in asyncio.all_tasks() if task.get_name() == "client watch" and not task.cancelling()] == []
    assert [place for place, each in engine.health._breakers.items() if each.probe is not None] == []
    walk.clock.passes(600)
    for upstream in walk.upstreams:
        upstream.weather, upstream.seed = "fine", -1
    assert (await walk.engine.ask(message(system="request 999"))).status_code == 200


def enumerated(walk: Walk) -> list[tuple[int, c.Request]]:
    """Each record with the number of its request."""
    return [(int(raw.split(b'"system":"request ', 1)[1].split(b'"', 1)[0]), record) for raw, record in walk.pairs()]
