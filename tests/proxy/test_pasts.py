"""Sessions that the board meets anew: what the ledger has of them is in their sums, once."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from proxy import contract as c
from proxy.ledger.writer import LedgerWriter
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, provider, settings
from tests.proxy.test_imports import answer, bring
from tests.upstreams import Gate, Pause, ScriptedUpstream, as_stream, message_stream

SESSION = "5e551011-aaaa-4aaa-8aaa-000000000001"
DAY_S = 86_400.0
COST = 12 * 5_000 + 42 * 25_000
"""Nano-dollars of what the upstream answers."""


def past(number: int, **fields: Any) -> c.Request:
    """A request of three days ago that cost 1000 nano-dollars."""
    given: dict[str, Any] = {
        "id": f"r{number:08}",
        "started_at": time.time() - 3 * DAY_S + number,
        "session_id": SESSION,
        "project": "shop",
        "provider": "first",
        "served_model": "claude-opus-4-8",
        "usage": c.Usage(input_tokens=10),
        "cost_nano_usd": 1000,
    }
    return c.Request(phase="done", outcome="served", **{**given, **fields})


def recorded(engine: RunningEngine, requests: Sequence[c.Request]) -> None:
    """Have the ledger hold them before the engine serves."""
    writer = LedgerWriter(engine.paths.ledger_file)
    writer.start()
    for request in requests:
        writer.record(request)
    writer.close()


async def settled(engine: RunningEngine) -> c.Session:
    """The session, when nothing is read for it any more."""
    await asyncio.gather(*(task for task in engine.engine.chores.tasks if task.get_name() == "past of a session"))
    found = engine.engine.board.session(SESSION)
    assert found is not None
    return found


async def resumed(start: StartEngine, upstream: ScriptedUpstream, requests: Sequence[c.Request]) -> RunningEngine:
    """An engine that began after ``requests`` and served one more."""
    earlier = await start(settings(provider(upstream)))
    await earlier.look("usage")
    await earlier.stop()
    recorded(earlier, requests)
    engine = await start(settings(provider(upstream)))
    await engine.ask(x_claude_code_session_id=SESSION)
    await engine.record()
    return engine


async def test_a_resumed_session_has_all_that_it_cost(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await resumed(start, upstream, [past(number) for number in range(5)])
    session = await settled(engine)
    assert (session.tally.requests, session.tally.cost_nano_usd) == (6, 5 * 1000 + COST)
    assert (session.project, session.started_at < time.time() - 2 * DAY_S) == ("shop", True)
    (state,) = (await engine.snapshot()).sessions
    assert state == session
    assert (await engine.snapshot()).today.requests == 1


async def test_its_agents_are_those_of_before_and_keep_their_numbers(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    agents = [past(number, role="agent", agent_id=f"a-{number}") for number in (1, 2)]
    engine = await resumed(start, upstream, [past(0), *agents])
    await engine.ask(x_claude_code_session_id=SESSION, x_claude_code_agent_id="a-2")
    await engine.ask(x_claude_code_session_id=SESSION, x_claude_code_agent_id="a-3")
    await engine.record(3)
    session = await settled(engine)
    told = [(each.agent_id, each.ordinal, each.tally.requests) for each in session.agents]
    assert told == [(None, 0, 2), ("a-1", 1, 1), ("a-2", 2, 2), ("a-3", 3, 1)]
    assert sum(each.tally.cost_nano_usd for each in session.agents) == session.tally.cost_nano_usd


async def test_what_is_repriced_or_imported_while_the_past_is_read_counts_once(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    held = Gate("the answer")
    upstream.script = as_stream(Pause(held), message_stream())
    engine = await start(settings(provider(upstream), prices={"house-7": {"input": 1, "output": 1}}))
    engine.engine.writer.record(past(0, served_model="house-7", cost_nano_usd=None, cost_source="unknown"))
    async with engine.engine._past_turn:
        asked = asyncio.create_task(engine.ask(x_claude_code_session_id=SESSION))
        await engine.engine.arrived()
        changes = asyncio.gather(
            bring(engine, answer(session_id=SESSION, at=time.time() - DAY_S / 2)),
            engine.command("reprice", c.Reprice(dry_run=False)),
        )
    await changes
    held.open()
    await asked
    await engine.record()
    session = await settled(engine)
    report = msgspec.json.decode((await engine.look("usage", session=SESSION)).content, type=c.UsageReport)
    assert session.tally == report.total
    assert (session.tally.requests, session.tally.unpriced_requests) == (3, 0)


async def test_a_session_of_today_that_was_imported_is_on_the_list(engine: RunningEngine) -> None:
    await bring(engine, answer(session_id=SESSION, at=time.time() - 60), answer("msg_2", session_id=SESSION))
    session = await settled(engine)
    assert (session.tally.requests, session.last_at < time.time() - 50) == (2, True)


async def test_a_session_that_was_only_imported_from_long_ago_is_not(engine: RunningEngine) -> None:
    await bring(engine, answer(session_id=SESSION))
    assert (await engine.snapshot()).sessions == ()
