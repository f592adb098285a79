"""The upstreams' own books against every figure that the engine gives: they agree to the nano-dollar.

Caches of both lifetimes, prompts beyond the long-context tiers, broken and cancelled streams, fallbacks, two
providers, sub-agents, several sessions at once; then the same again after a restart. One figure nobody tells: the
output of an answer that was interrupted. The engine's estimate of it is marked as one and within ``NEAR`` of what the
upstream billed; with it in the books, they too agree to the nano-dollar.
"""

import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from proxy import contract as c
from tests.proxy.booked import HOUR_S, Run, rows_of, usage
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import ScriptedUpstream
from tests.upstreams.books import ENOUGH, BillingUpstream, Books, nano_usd, plan

ROOT = Path(__file__).parents[2]
SESSIONS = tuple(f"0d9f1c2e-8a43-4f0e-9f7e-00000000000{number}" for number in range(3))
MODELS = ("claude-opus-4-8", "claude-sonnet-4-5", "claude-haiku-4-5")
BUDGETS = {"session_usd": 10_000, "project_usd": 10_000, "day_usd": 10_000, "month_usd": 10_000}
ROUNDS = 2
NEAR = 0.25
"""Of the output of an interrupted answer: the upstreams' tokens are shorter than those that the engine expects."""


@pytest.fixture
async def run(start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream) -> Run:
    """An engine that served the whole plan: two providers, the second with another maker's model."""
    books = Books()
    upstream.script = BillingUpstream("first", books, fails=lambda fate: fate == "overloaded")
    second.script = BillingUpstream("second", books)
    chosen = settings(
        provider(upstream), provider(second), fallback=True, route={"fallback": ["second/gpt-5.4"]}, budget=BUDGETS
    )
    patient = itertools.count(time.time(), HOUR_S)
    engine = await start(chosen, None, lambda: next(patient))
    await serve(engine)
    return Run(engine, books, chosen, start)


async def serve(engine: RunningEngine) -> None:
    """The plan, over three sessions; every third request is a sub-agent's. The last session has the second provider."""
    await engine.command("use", c.Use(target="second/gpt-5.4", session=SESSIONS[2]))
    requests = plan(ROUNDS, MODELS)
    waiting = []
    for number, (fate, model) in enumerate(requests):
        headers = {"x_claude_code_session_id": SESSIONS[number % 3], c.PROJECT_HEADER: f"project-{number % 2}"}
        if number % 9 >= 6:
            headers["x_claude_code_agent_id"] = f"agent-{number % 3}"
        body = message(model, stream=fate != "at once", messages=[{"role": "user", "content": f"{fate} #{number}"}])
        waiting.append(ask(engine, body, fate, headers))
    await asyncio.gather(*waiting)
    await engine.record(len(requests))


async def ask(engine: RunningEngine, body: Mapping[str, Any], fate: str, headers: Mapping[str, str]) -> None:
    if fate != "cancelled":
        await engine.ask(body, **headers)
        return
    seen = b""
    async with engine.asking(body, **headers) as answer:
        async for chunk in answer.aiter_bytes():
            seen += chunk
            if ENOUGH.encode() in seen:
                return


async def command(engine: RunningEngine, *arguments: str) -> Any:
    """What ``cctui`` prints as JSON, run as a program beside the engine."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(engine.paths.state_dir.parent),
        "CCTUI_HOME": str(engine.paths.state_dir.parent),
        "PYTHONPATH": str(ROOT),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "tui", *arguments, "--json", env=environ, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(printed, parse_float=Decimal)


async def measured(run: Run) -> Books:
    """The books with the output of interrupted answers as the engine estimated it; all else is theirs alone."""
    output = {row.message_id: row.usage.output_tokens for row in await rows_of(run.engine) if row.output_estimated}
    entries = run.books.entries
    return Books([each.with_output(output[each.message_id]) if each.interrupted else each for each in entries])


async def agrees(engine: RunningEngine, books: Books) -> None:
    """Ledger rows, sums by every group and the panel's figures are the books'."""
    rows = await rows_of(engine)
    billed = {row.message_id: row.cost_nano_usd for row in rows if row.cost_nano_usd}
    assert billed == {entry.message_id: entry.nano_usd for entry in books.entries}
    assert sum(row.cost_nano_usd or 0 for row in rows) == books.total()
    assert await usage(engine, "session") == books.by(lambda entry: entry.session)
    assert await usage(engine, "agent") == books.by(lambda entry: entry.agent)
    assert await usage(engine, "model") == books.by(lambda entry: entry.model)
    assert await usage(engine, "provider") == books.by(lambda entry: entry.provider)
    state = await engine.snapshot()
    assert (state.today.cost_nano_usd, state.today.unpriced_requests) == (books.total(), 0)
    assert {each.id: each.tally.cost_nano_usd for each in state.sessions} == books.by(lambda entry: entry.session)
    for session in state.sessions:
        assert sum(agent.tally.cost_nano_usd for agent in session.agents) == session.tally.cost_nano_usd


async def spent(engine: RunningEngine, session: str) -> dict[str, int]:
    report = msgspec.json.decode((await engine.look("budget", session=session)).content, type=c.BudgetReport)
    return {budget.kind: budget.spent_nano_usd for budget in report.budgets}


async def test_what_was_streamed_before_an_interruption_is_near_what_was_billed(run: Run) -> None:
    rows = {row.message_id: row for row in await rows_of(run.engine) if row.message_id}
    interrupted = [(entry, rows[entry.message_id]) for entry in run.books.entries if entry.interrupted]
    assert {row.outcome for _, row in interrupted} == {"broken", "cancelled"}
    for entry, row in interrupted:
        assert (row.usage_estimated, row.output_estimated) == (True, True)
        assert row.usage.output_tokens == pytest.approx(entry.usage["output_tokens"], rel=NEAR)
    assert not any(rows[entry.message_id].usage_estimated for entry in run.books.entries if not entry.interrupted)


async def test_ledger_sums_and_panel_agree_with_the_books(run: Run) -> None:
    outcomes = {record.outcome for record in run.engine.engine.records}
    assert outcomes == {"served", "broken", "cancelled", "failed"}
    assert any(record.fell_back and record.outcome == "served" for record in run.engine.engine.records)
    assert run.books.total() > 10**9
    await agrees(run.engine, await measured(run))


async def test_they_agree_after_a_restart(run: Run) -> None:
    books = await measured(run)
    again = await run.again()
    await agrees(again, books)
    day = (await spent(again, SESSIONS[0]))["day"]
    assert day == books.total()


async def test_each_budget_has_spent_what_the_books_say(run: Run) -> None:
    books = await measured(run)
    sums = books.by(lambda entry: entry.session)
    for session in SESSIONS:
        budgets = await spent(run.engine, session)
        assert budgets["session"] == sums[session]
        assert (budgets["day"], budgets["month"]) == (books.total(), books.total())


async def test_the_command_line_prints_what_the_books_say(run: Run) -> None:
    books = await measured(run)
    printed = await command(run.engine, "usage", "--by", "model")
    nano = {row["key"]: int(Decimal(str(row["cost_usd"])) * 10**9) for row in printed["rows"] if row["cost_usd"]}
    assert nano == books.by(lambda entry: entry.model)
    assert int(Decimal(str(printed["total"]["cost_usd"])) * 10**9) == books.total()
    assert printed["estimated_requests"] == sum(entry.interrupted for entry in books.entries)


async def test_prometheus_scrapes_what_the_books_say(run: Run) -> None:
    text = (await run.engine.look("metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    lines = [line for line in text.splitlines() if line.startswith("cctui_cost_usd_total{")]
    assert len(lines) == len(families["cctui_cost_usd"].samples)
    assert sum(Decimal(line.split()[-1]) for line in lines) * 10**9 == (await measured(run)).total()


def test_the_books_are_those_that_one_would_keep_by_hand() -> None:
    usage = {
        "input_tokens": 12,
        "cache_read_input_tokens": 20_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 400},
        "output_tokens": 42,
        "server_tool_use": {"web_search_requests": 1},
    }
    by_hand = 12 * 5_000 + 20_000 * 500 + 600 * 6_250 + 400 * 10_000 + 42 * 25_000 + 10_000_000
    assert nano_usd("claude-opus-4-8", usage) == by_hand
    assert nano_usd("claude-sonnet-4-5", {**usage, "input_tokens": 200_000}) == (
        200_000 * 6_000 + 20_000 * 600 + 600 * 7_500 + 400 * 12_000 + 42 * 22_500 + 10_000_000
    )
