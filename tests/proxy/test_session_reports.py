"""Where a session's money goes: the engine's report beside the session's own sums, before and after a restart."""

import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from proxy import contract as c
from proxy.ledger.sessions import SessionLedger
from proxy.ledger.writer import LedgerWriter
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, forget_rows, message, provider, settings
from tests.upstreams import (
    Answer,
    Call,
    Hold,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    message_events,
    message_stream,
)

SESSION: dict[str, Any] = {"x_claude_code_session_id": "5e551011-aaaa", "x_cctui_project": "shop"}
USAGE = {"input_tokens": 1000, "cache_read_input_tokens": 20_000, "output_tokens": 200}
COST = 1000 * 5_000 + 20_000 * 500 + 200 * 25_000
"""Nano-dollars of ``USAGE`` at the prices of the model that is asked for."""


def as_asked(call: Call) -> Answer:
    return as_stream(message_stream(usage=USAGE, model=msgspec.json.decode(call.body)["model"]))


async def report(engine: RunningEngine, session: str = "5e551011") -> c.SessionReport:
    return msgspec.json.decode((await engine.look("session", session=session)).content, type=c.SessionReport)


async def session_of(engine: RunningEngine, id_: str = "5e551011-aaaa") -> c.Session:
    return next(each for each in (await engine.snapshot()).sessions if each.id == id_)


async def ask_much(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    """Two models, sub-agents, a failure, an unknown price, and another session."""
    upstream.script = as_asked
    await engine.ask(**SESSION)
    await engine.ask(message("claude-haiku-4-5"), **SESSION, x_claude_code_agent_id="a-1")
    await engine.ask(message("nobody-knows-it"), **SESSION, x_claude_code_agent_id="a-2")
    await engine.ask(x_claude_code_session_id="other")
    upstream.script = as_json(error_body("invalid_request_error", "no"), 400)
    await engine.ask(**SESSION)
    await engine.record(5)


async def test_the_parts_of_a_report_add_up_to_the_session(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    await ask_much(engine, upstream)
    told, session = await report(engine), await session_of(engine)
    assert told.tally == session.tally
    assert sum(one.nano_usd for one in told.by_kind) == session.tally.cost_nano_usd
    assert sum(one.tally.cost_nano_usd for one in told.by_model) == session.tally.cost_nano_usd
    assert sum(agent.tally.cost_nano_usd for agent in session.agents) == session.tally.cost_nano_usd
    assert (session.tally.requests, session.tally.unpriced_requests, session.tally.failed) == (4, 1, 1)
    assert session.models == {"claude-opus-4-8": 2, "claude-haiku-4-5": 1, "nobody-knows-it": 1}


async def test_the_pace_and_the_status_line_tell_of_requests_without_a_price(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_asked
    await engine.ask(message("nobody-knows-it"), **SESSION)
    await engine.record()
    told = await report(engine)
    assert ([each.unpriced_requests for each in told.paces], told.forecast) == ([1, 1, 1], None)
    answer = await engine.look("statusline", session="5e551011-aaaa")
    facts = msgspec.json.decode(answer.content, type=c.StatusFacts)
    assert (facts.cost_nano_usd, facts.unpriced_requests) == (0, 1)


async def test_kinds_are_told_to_the_nano_dollar(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_asked
    await engine.ask(**SESSION)
    await engine.record()
    told = await report(engine)
    assert {one.kind: one.nano_usd for one in told.by_kind} == {
        "input": 5_000_000,
        "cache_read": 10_000_000,
        "output": 5_000_000,
    }
    assert (told.tally.cost_nano_usd, told.in_proportion_nano_usd) == (COST, 0)
    assert sum(told.by_model[0].over_time) == COST


async def test_a_restart_changes_no_sum(start: StartEngine, upstream: ScriptedUpstream) -> None:
    first = await start(settings(provider(upstream)))
    await ask_much(first, upstream)
    before, session = await report(first), await session_of(first)
    await first.stop()
    second = await start(settings(provider(upstream)))
    after = await report(second)
    assert (after.tally, after.by_model, after.by_kind) == (before.tally, before.by_model, before.by_kind)
    assert (await session_of(second)).tally == session.tally


async def test_a_session_older_than_a_day_is_whole_after_a_restart(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    first = await start(settings(provider(upstream)))
    await ask_much(first, upstream)
    await first.stop()
    aged(first.paths.ledger_file, days=3)
    second = await start(settings(provider(upstream)))
    upstream.script = as_asked
    await second.ask(**SESSION, x_claude_code_agent_id="a-3")
    await second.record()
    await second.stop()
    third = await start(settings(provider(upstream)))
    told, session = await report(third), await session_of(third)
    assert told.tally == session.tally
    assert session.tally.requests == 5
    assert [(agent.role, agent.agent_id, agent.ordinal) for agent in session.agents] == [
        ("main", None, 0),
        ("agent", "a-1", 1),
        ("agent", "a-2", 2),
        ("agent", "a-3", 3),
    ]
    assert sum(agent.tally.requests for agent in session.agents) == 5


async def test_a_session_whose_rows_were_removed_is_whole(start: StartEngine, upstream: ScriptedUpstream) -> None:
    first = await start(settings(provider(upstream)))
    await ask_much(first, upstream)
    before = await report(first)
    await first.stop()
    forget_rows(first.paths.ledger_file)
    second = await start(settings(provider(upstream)))
    upstream.script = as_asked
    await second.ask(**SESSION, x_claude_code_agent_id="a-3")
    await second.record()
    after = await report(second)
    assert (after.tally.requests, after.tally.cost_nano_usd) == (5, before.tally.cost_nano_usd + COST)
    kinds = {one.kind: one.nano_usd for one in before.by_kind}
    assert {one.kind: one.nano_usd for one in after.by_kind} == {
        "input": kinds["input"] + 5_000_000,
        "cache_read": kinds["cache_read"] + 10_000_000,
        "output": kinds["output"] + 5_000_000,
    }
    assert after.in_proportion_nano_usd == 0
    assert sum(sum(one.over_time) for one in after.by_model) == after.tally.cost_nano_usd
    agents = [(agent.agent_id, agent.ordinal, agent.tally.requests) for agent in after.agents]
    assert agents == [(None, 0, 2), ("a-1", 1, 1), ("a-2", 2, 1), ("a-3", 3, 1)]


async def test_kinds_do_not_follow_later_prices(start: StartEngine, upstream: ScriptedUpstream) -> None:
    first = await start(settings(provider(upstream)))
    upstream.script = as_asked
    await first.ask(**SESSION)
    await first.record()
    before = await report(first)
    await first.stop()
    dearer = {"claude-opus-4-8": {"input": 9, "output": 1, "cache_read": 8}}
    after = await report(await start(settings(provider(upstream), prices=dearer)))
    assert (after.by_kind, after.in_proportion_nano_usd) == (before.by_kind, 0)


def aged(file: Path, *, days: int) -> None:
    """Make all that the ledger has older."""
    with sqlite3.connect(file) as db:
        db.execute("UPDATE requests SET started_at = started_at - ?", (days * 86_400,))
    db.close()


async def test_the_forecast_names_the_budget_that_ends_first(start: StartEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_asked
    budget = {"session_usd": Decimal("0.05"), "day_usd": Decimal(50)}
    engine = await start(settings(provider(upstream), budget=budget))
    await engine.ask(**SESSION)
    await engine.record()
    told = await report(engine)
    assert told.forecast is not None
    assert told.forecast.budget is not None
    assert (told.forecast.budget.kind, told.forecast.budget.name) == ("session", "5e551011-aaaa")
    assert told.forecast.hour_nano_usd > COST
    assert [pace.span_s for pace in told.paces] == [60.0, 300.0, 3600.0]
    assert told.paces[1].nano_usd_per_hour > 0


async def test_requests_in_flight_count_in_the_pace(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    events = message_events("one two three", usage=USAGE)
    upstream.script = as_stream(*events[:5], Hold(), *events[5:])
    async with engine.asking(**SESSION) as response:
        chunks = response.aiter_raw()
        await anext(chunks)
        told = await report(engine)
        upstream.release()
    assert told.paces[0].tokens_per_min > 0
    assert told.forecast is None


async def test_requests_without_a_session_have_a_report_of_their_own(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    await ask_much(engine, upstream)
    await engine.ask()
    await engine.record(6)
    assert (await report(engine, "")).tally.requests == 1


async def test_a_session_that_nobody_knows_is_refused_in_words(engine: RunningEngine) -> None:
    response = await engine.look("session", session="nobody")
    assert (response.status_code, "No session begins with" in response.json()["message"]) == (404, True)


def test_requests_that_ended_before_the_span_are_not_read(tmp_path: Path) -> None:
    file = tmp_path / "state" / "ledger.sqlite3"
    writer = LedgerWriter(file)
    writer.start()
    for number, (session, began) in enumerate((("s", 1000.0), ("s", 4000.0), ("s", 5000.0), ("o", 4900.0))):
        ended: dict[str, Any] = {"phase": "done", "outcome": "served", "duration_ms": 10.0}
        writer.record(c.Request(id=f"r{number}", started_at=began, session_id=session, **ended))
    writer.close()
    lives = SessionLedger(file).lives("s", 4000.0, 4950.0)
    assert [life.began for life, _ in lives] == [4000.0, 5000.0]
