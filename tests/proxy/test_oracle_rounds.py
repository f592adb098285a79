"""Requests that take several answers against the upstreams' own books: each pass costs what its own length does."""

import itertools
import time
from collections.abc import AsyncIterator

import msgspec
import pytest

from proxy import contract as c
from tests.proxy.booked import HOUR_S, Run, rows_of, usage
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import ScriptedUpstream
from tests.upstreams.books import Books
from tests.upstreams.rounds import FATES, ITERATED, LONGEST, SEARCHED, SEARCHES_USD, RoundsUpstream
from tests.upstreams.searches import brave

ASKED = "claude-sonnet-4-5"
OTHER = "gpt-5.4"
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
READ = {"name": "Read", "description": "Reads.", "input_schema": {"type": "object", "properties": {}}}
ALONE = {"quirks": {"server_search": False}}
"""A provider that does not search."""


@pytest.fixture
async def service() -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream(brave()) as running:
        yield running


@pytest.fixture
async def run(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, service: ScriptedUpstream
) -> Run:
    books = Books()
    upstream.script, second.script = RoundsUpstream("first", books), RoundsUpstream("second", books)
    chosen = settings(
        provider(upstream, **ALONE),
        provider(second, **ALONE),
        fallback=True,
        route={"fallback": [f"second/{OTHER}"]},
        search={"backend": "brave", "api_key": "k", "base_url": service.url, "usd_per_search": SEARCHES_USD},
    )
    patient = itertools.count(time.time(), HOUR_S)
    engine = await start(chosen, None, lambda: next(patient))
    for number, (fate, streaming) in enumerate(itertools.product(FATES, (True, False))):
        tools = [READ] if fate in ITERATED else [SEARCH, READ]
        turn = {"role": "user", "content": f"{fate} #{number}"}
        await engine.ask(
            message(ASKED, stream=streaming, messages=[turn], tools=tools), x_claude_code_session_id=session(fate)
        )
    await engine.record(2 * len(FATES))
    return Run(engine, books, chosen, start)


def session(fate: str) -> str:
    return f"0d9f1c2e-8a43-4f0e-9f7e-00000000000{FATES.index(fate)}"


async def agrees(engine: RunningEngine, books: Books) -> None:
    """Rows, sums and the panel's figures are the books'."""
    by_session = books.by(lambda entry: entry.session)
    assert set(by_session) == {session(fate) for fate in FATES}
    sums = dict.fromkeys(by_session, 0)
    for row in await rows_of(engine):
        assert row.outcome == "served"
        assert row.cost_split is not None
        assert row.cost_split.nano_usd == row.cost_nano_usd
        sums[row.session_id or ""] += row.cost_nano_usd or 0
    assert sums == by_session
    assert await usage(engine, "session") == by_session
    state = await engine.snapshot()
    assert (state.today.cost_nano_usd, state.today.unpriced_requests) == (books.total(), 0)
    assert {each.id: each.tally.cost_nano_usd for each in state.sessions} == by_session


async def repriced(engine: RunningEngine, *, dry_run: bool) -> c.RepriceReport:
    response = await engine.command("reprice", c.Reprice(dry_run=dry_run))
    return msgspec.json.decode(response.content, type=c.RepriceReport)


async def held(engine: RunningEngine) -> dict[str, int]:
    """Tokens in the window, by session."""
    return {each.id: each.context_tokens for each in (await engine.snapshot()).sessions}


async def what_if(engine: RunningEngine, fate: str) -> c.WhatIf:
    return msgspec.json.decode((await engine.look("whatif", session=session(fate))).content, type=c.WhatIf)


async def test_each_pass_is_billed_by_its_own_length(run: Run) -> None:
    await agrees(run.engine, run.books)
    await agrees(await run.again(), run.books)


async def test_what_was_used_is_all_that_the_books_have(run: Run) -> None:
    fields = ("input_tokens", "cache_read_input_tokens", "output_tokens")
    for fate in FATES:
        entries = [entry.usage for entry in run.books.entries if entry.session == session(fate)]
        booked = tuple(sum(each[name] for each in entries) for name in fields)
        used = sum((row.usage for row in await rows_of(run.engine) if row.session_id == session(fate)), c.Usage())
        assert (used.input_tokens, used.cache_read_tokens, used.output_tokens) == booked
        assert used.web_searches == sum(each["server_tool_use"]["web_search_requests"] for each in entries)


async def test_computed_anew_they_cost_the_same(run: Run) -> None:
    report = await repriced(run.engine, dry_run=True)
    assert (report.looked_at, report.rows) == (2 * len(FATES), ())


async def test_another_price_holds_for_the_passes_of_its_model_alone(run: Run) -> None:
    """Two dollars a million more for each kind of token of the model that served in the end."""
    dear = {"input": "4.50", "output": "17", "cache_read": "2.25", "cache_write_5m": "4.50", "cache_write_1h": "4.50"}
    again = await run.again(prices={OTHER: dear})

    await repriced(again, dry_run=False)

    booked = [entry for entry in run.books.entries if entry.model == OTHER]
    counted = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
    more = sum(entry.usage[name] for entry in booked for name in counted) * 2000
    sums = run.books.by(lambda entry: entry.session)
    sums[session("in vain")] += more
    assert more > 10**9
    assert await usage(again, "session") == sums


@pytest.mark.parametrize("fate", FATES)
async def test_a_comparison_takes_each_pass_at_its_own_length_and_model(run: Run, fate: str) -> None:
    told = await what_if(run.engine, fate)

    assert told.list_nano_usd == run.books.by(lambda entry: entry.session)[session(fate)]
    assert told.longest_prompt == LONGEST[fate]
    assert told.total.requests == 2
    assert not told.rough


async def test_the_window_holds_what_the_last_pass_read_and_wrote(run: Run) -> None:
    before = await held(run.engine)
    for fate, prompts in SEARCHED.items():
        assert before[session(fate)] == pytest.approx(prompts[-1], abs=600)
    for fate, passes in ITERATED.items():
        assert before[session(fate)] == pytest.approx(passes[-1][1], abs=600)
    assert await held(await run.again()) == before
