"""Costs computed anew: what changes, what stays, and that sums, budgets and panels follow."""

import asyncio
import threading
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest

from proxy import contract as c
from proxy.protocol.listing import ListedModel
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.proxy.test_imports import answer, bring
from tests.upstreams import ScriptedUpstream, as_stream, message_stream

HOUSE = "house-model-7"
TURN = {"input_tokens": 1000, "output_tokens": 100}
SESSION: dict[str, Any] = {
    "x_claude_code_session_id": "5e551011-aaaa-4bbb-8ccc-123456789012",
    "x_cctui_project": "shop",
}
AT_ONE_DOLLAR = {HOUSE: {"input": 1, "output": 1}}
"""1100 tokens for 1 100 000 nano-dollars."""


@pytest.fixture
def unpriced(upstream: ScriptedUpstream) -> ScriptedUpstream:
    upstream.script = as_stream(message_stream(model=HOUSE, usage=TURN))
    return upstream


async def reprice(engine: RunningEngine, **fields: Any) -> c.RepriceReport:
    response = await engine.command("reprice", c.Reprice(**fields))
    assert response.status_code == httpx.codes.OK, response.text
    return msgspec.json.decode(response.content, type=c.RepriceReport)


async def usage(engine: RunningEngine) -> c.Tally:
    return msgspec.json.decode((await engine.look("usage")).content, type=c.UsageReport).total


async def served_once(start: StartEngine, upstream: ScriptedUpstream) -> c.Request:
    engine = await start(settings(provider(upstream)))
    await engine.ask(message(HOUSE), **SESSION)
    record = await engine.record()
    await engine.stop()
    return record


async def test_a_dry_run_tells_what_would_change_and_changes_nothing(
    start: StartEngine, unpriced: ScriptedUpstream
) -> None:
    await served_once(start, unpriced)
    again = await start(settings(provider(unpriced), prices=AT_ONE_DOLLAR))
    report = await reprice(again)
    assert report == c.RepriceReport(
        looked_at=1,
        rows=(
            c.RepricedModel(
                provider="first",
                model=HOUSE,
                requests=1,
                old_nano_usd=0,
                new_nano_usd=1_100_000,
                old_unpriced=1,
                old_sources=("unknown",),
                new_sources=("settings",),
            ),
        ),
    )
    assert (await usage(again)).unpriced_requests == 1


async def test_rows_sums_and_panels_follow_new_costs(start: StartEngine, unpriced: ScriptedUpstream) -> None:
    await served_once(start, unpriced)
    again = await start(settings(provider(unpriced), prices=AT_ONE_DOLLAR))
    report = await reprice(again, dry_run=False)
    rows = msgspec.json.decode((await again.look("requests")).content, type=list[c.Request])
    snapshot = await again.snapshot()
    tallies = (await usage(again), snapshot.sessions[0].tally, snapshot.sessions[0].agents[0].tally, snapshot.today)
    assert report.written
    assert [(row.cost_nano_usd, row.cost_source) for row in (*rows, *snapshot.requests)] == [
        (1_100_000, "settings")
    ] * 2
    assert [row.cost_split for row in (*rows, *snapshot.requests)] == [c.CostSplit(input=1_000_000, output=100_000)] * 2
    assert [(each.cost_nano_usd, each.unpriced_requests) for each in tallies] == [(1_100_000, 0)] * 4
    assert (await reprice(again)).rows == ()


async def test_budgets_follow_new_costs_of_this_engine_and_of_earlier_ones(
    start: StartEngine, unpriced: ScriptedUpstream
) -> None:
    await served_once(start, unpriced)
    engine = await start(settings(provider(unpriced), budget={"session_usd": Decimal(1), "day_usd": Decimal(1)}))
    await engine.ask(message(HOUSE), **SESSION)
    await engine.record()
    listed = ListedModel(HOUSE, input=10**9, output=10**9)
    engine.engine.catalog.fetched("first", (listed,), 1.0)
    await reprice(engine, dry_run=False)
    answer = await engine.look("budget", session="5e551011")
    spent = {each.kind: each for each in msgspec.json.decode(answer.content, type=c.BudgetReport).budgets}
    assert [(spent[kind].spent_nano_usd, spent[kind].unpriced_requests) for kind in ("session", "day")] == [
        (2_200_000, 0),
        (2_200_000, 0),
    ]


async def test_what_the_provider_reported_stays(start: StartEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(message_stream(model=HOUSE, usage={**TURN, "cost": 0.5}))
    record = await served_once(start, upstream)
    again = await start(settings(provider(upstream), prices=AT_ONE_DOLLAR))
    report = await reprice(again, dry_run=False)
    assert (record.cost_source, report.looked_at, report.rows) == ("reported", 0, ())


async def test_a_price_that_is_forgotten_leaves_the_cost_as_it_was(
    start: StartEngine, unpriced: ScriptedUpstream
) -> None:
    first = await start(settings(provider(unpriced), prices=AT_ONE_DOLLAR))
    await first.ask(message(HOUSE))
    await first.record()
    await first.stop()
    again = await start(settings(provider(unpriced)))
    assert ((await reprice(again, dry_run=False)).rows, (await usage(again)).cost_nano_usd) == ((), 1_100_000)


async def test_what_was_imported_is_priced_by_the_user_s_prices_and_the_list(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream)))
    await bring(engine, answer(model=HOUSE, usage=TURN), answer("msg_2"))
    before = await usage(engine)
    await engine.stop()
    again = await start(settings(provider(upstream), prices=AT_ONE_DOLLAR))
    report = await reprice(again, dry_run=False)
    (row,) = report.rows
    assert (report.looked_at, report.unknown_providers) == (2, ())
    assert (row.provider, row.model, row.old_unpriced, row.new_nano_usd) == ("", HOUSE, 1, 1_100_000)
    after = await usage(again)
    assert (before.unpriced_requests, after.unpriced_requests) == (1, 0)
    assert after.cost_nano_usd == before.cost_nano_usd + 1_100_000


async def test_requests_of_a_provider_that_is_gone_keep_their_costs(
    start: StartEngine, unpriced: ScriptedUpstream
) -> None:
    await served_once(start, unpriced)
    chosen = {"providers": {"other": provider(unpriced)}, "route": {"default": "other"}, "prices": AT_ONE_DOLLAR}
    report = await reprice(await start({**chosen, "engine": {"local_servers": False}}), dry_run=False)
    assert (report.unknown_providers, report.looked_at, report.rows) == (("first",), 0, ())


async def test_only_requests_of_the_span_are_repriced(start: StartEngine, unpriced: ScriptedUpstream) -> None:
    record = await served_once(start, unpriced)
    again = await start(settings(provider(unpriced), prices=AT_ONE_DOLLAR))
    assert (await reprice(again, since=record.started_at + 1)).rows == ()
    assert (await reprice(again, until=record.started_at)).rows == ()
    assert len((await reprice(again, since=record.started_at, until=record.started_at + 1)).rows) == 1


async def test_more_requests_than_a_page_holds_are_all_repriced(start: StartEngine, unpriced: ScriptedUpstream) -> None:
    record = await served_once(start, unpriced)
    again = await start(settings(provider(unpriced), prices=AT_ONE_DOLLAR))
    for number in range(250):
        again.engine.writer.record(msgspec.structs.replace(record, id=f"{record.id}-{number}"))
    report = await reprice(again, dry_run=False)
    assert (report.looked_at, (await usage(again)).cost_nano_usd) == (251, 251 * 1_100_000)


async def test_a_second_repricing_at_the_same_time_is_refused(start: StartEngine, unpriced: ScriptedUpstream) -> None:
    await served_once(start, unpriced)
    again = await start(settings(provider(unpriced), prices=AT_ONE_DOLLAR))
    released = threading.Event()
    again.engine.writer.submit(lambda _: released.wait(20))
    commands = {asyncio.create_task(again.command("reprice", c.Reprice())) for _ in range(2)}
    (refused,), (other,) = await asyncio.wait(commands, return_when=asyncio.FIRST_COMPLETED)
    released.set()
    answer = refused.result()
    assert (answer.status_code, "already" in answer.json()["message"]) == (409, True)
    assert (await other).status_code == httpx.codes.OK
