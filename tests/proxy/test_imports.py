"""Answers of Claude Code's transcripts in the ledger: priced, marked, never counted twice."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proxy import contract as c
from proxy.ledger.queries import LedgerReader
from proxy.ledger.rows import INSERT, to_row
from proxy.ledger.schema import connect, migrate
from proxy.prices import list_price
from proxy.protocol.pricing import cost
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.tui.transcripts.lines import NANO_USD, USAGE
from tests.upstreams import Hold, ScriptedUpstream, as_stream, message_events, message_stream

SESSION = "0d9f1c2e-8a43-4f0e-9f7e-0a1b2c3d4e5f"
LAST_YEAR = datetime(2025, 12, 1, 12, tzinfo=UTC).timestamp()


def answer(message_id: str = "msg_1", **fields: Any) -> c.Transcribed:
    usage = fields.pop("usage", USAGE)
    plain: dict[str, Any] = {"at": LAST_YEAR, "model": "claude-opus-4-8", "session_id": SESSION, "project": "shop-api"}
    return c.Transcribed(message_id=message_id, usage=msgspec.Raw(msgspec.json.encode(usage)), **{**plain, **fields})


async def bring(engine: RunningEngine, *answers: c.Transcribed, **fields: bool) -> c.ImportReport:
    reply = await engine.command("import", c.ImportAnswers(answers=answers, **fields))
    assert reply.status_code == 200, reply.text
    return msgspec.json.decode(reply.content, type=c.ImportReport)


async def rows(engine: RunningEngine) -> list[c.Request]:
    return msgspec.json.decode((await engine.look("requests")).content, type=list[c.Request])


async def total(engine: RunningEngine) -> c.Tally:
    return msgspec.json.decode((await engine.look("usage")).content, type=c.UsageReport).total


async def test_an_answer_becomes_a_row_that_says_where_it_comes_from(engine: RunningEngine) -> None:
    report = await bring(engine, answer(client="claude-cli/2.1.329"))
    assert (report.added.requests, report.added.cost_nano_usd) == (1, NANO_USD)
    (row,) = await rows(engine)
    assert (row.imported, row.message_id, row.served_model, row.session_id) == (
        True,
        "msg_1",
        "claude-opus-4-8",
        SESSION,
    )
    assert (row.provider, row.cost_source, row.subscription) == (None, "genai-prices", False)
    assert (row.usage.cache_write_5m_tokens, row.usage.cache_write_1h_tokens) == (600, 400)
    assert (row.cost_split is not None and row.cost_split.nano_usd) == NANO_USD


async def test_what_was_imported_is_not_imported_again(engine: RunningEngine) -> None:
    await bring(engine, answer(), answer("msg_2"))
    again = await bring(engine, answer(), answer("msg_2"), answer("msg_3"))
    assert (again.added.requests, again.known) == (1, 2)
    assert (await total(engine)).requests == 3


async def test_what_passed_through_the_engine_is_known(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(message_stream(usage=USAGE))
    await engine.ask(message(), x_claude_code_session_id=SESSION)
    live = await engine.record()
    report = await bring(engine, answer("msg_scripted01", at=time.time(), request_id="req_1"))
    assert (live.message_id, report.known, report.added.requests) == ("msg_scripted01", 1, 0)
    assert (await total(engine)).cost_nano_usd == NANO_USD


async def test_a_row_without_the_answer_s_id_is_known_by_session_time_and_counts(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream)))
    await engine.look("usage")
    old = c.Request(
        id="r0",
        started_at=LAST_YEAR - 20,
        phase="done",
        outcome="served",
        session_id=SESSION,
        usage=c.Usage(
            input_tokens=12,
            cache_read_tokens=20_000,
            cache_write_5m_tokens=600,
            cache_write_1h_tokens=400,
            output_tokens=42,
        ),
    )
    engine.engine.writer.record(old)
    report = await bring(engine, answer(), answer("msg_2", session_id="another"))
    assert (report.known, report.added.requests) == (1, 1)


async def test_an_answer_that_runs_now_is_known(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    events = message_events(usage=USAGE)
    upstream.script = as_stream(*events[:-2], Hold(), *events[-2:])
    async with engine.asking(x_claude_code_session_id=SESSION) as running:
        chunks = running.aiter_bytes()
        await anext(chunks)
        report = await bring(engine, answer("msg_scripted01", at=time.time(), usage={**USAGE, "output_tokens": 1}))
        upstream.release()
        assert [chunk async for chunk in chunks]
    await engine.record()
    assert (report.known, report.added.requests) == (1, 0)
    assert (await total(engine)).cost_nano_usd == NANO_USD


@pytest.mark.parametrize("at", [LAST_YEAR, None])
async def test_an_answer_that_was_imported_before_it_was_whole_grows(engine: RunningEngine, at: float | None) -> None:
    began = at or time.time() - 60
    await bring(engine, answer(at=began, usage={**USAGE, "output_tokens": 3}))
    whole = answer(at=began)
    foreseen = await bring(engine, whole, dry_run=True)
    report = await bring(engine, whole)
    again = await bring(engine, whole)
    assert [(each.grown, each.known, each.added.requests) for each in (foreseen, report, again)] == [
        *((1, 0, 0), (1, 0, 0), (0, 1, 0))
    ]
    summed = await total(engine)
    assert (summed.requests, summed.usage.output_tokens, summed.cost_nano_usd) == (1, 42, NANO_USD)
    today = (await engine.snapshot()).today
    assert today == (c.Tally() if at else summed)


async def test_the_user_s_own_price_counts_for_a_model_that_the_list_does_not_have(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream), prices={"brand-new-model-9": {"input": 5, "output": 25}}))
    report = await bring(engine, answer(model="brand-new-model-9", usage={"input_tokens": 1000, "output_tokens": 200}))
    assert (report.added.cost_nano_usd, report.added.unpriced_requests) == (10_000_000, 0)
    assert (await rows(engine))[0].cost_source == "settings"


async def test_a_dry_run_tells_and_writes_nothing(engine: RunningEngine) -> None:
    report = await bring(engine, answer(), dry_run=True)
    assert report.added.requests == 1
    assert await rows(engine) == []


async def test_the_price_is_that_of_the_answer_s_day(engine: RunningEngine) -> None:
    model, counts = "deepseek-chat", {"input_tokens": 1_000_000, "output_tokens": 0}
    days = [datetime(2025, 8, 1, 12, tzinfo=UTC), datetime(2026, 11, 1, 12, tzinfo=UTC)]
    prices = [list_price(None, model, day.date().isoformat()) for day in days]
    for number, (day, price) in enumerate(zip(days, prices, strict=True)):
        report = await bring(engine, answer(f"msg_{number}", model=model, usage=counts, at=day.timestamp()))
        assert price is not None
        assert report.added.cost_nano_usd == cost(c.Usage(input_tokens=1_000_000), price)


@pytest.mark.parametrize(
    "change", [{"model": "my-finetune"}, {"model": "claude-haiku-4-5", "usage": {**USAGE, "speed": "fast"}}]
)
async def test_what_the_list_does_not_price_is_unknown_and_not_zero(
    engine: RunningEngine, change: dict[str, Any]
) -> None:
    report = await bring(engine, answer(**change))
    assert (report.added.unpriced_requests, report.added.cost_nano_usd) == (1, 0)
    (row,) = await rows(engine)
    assert (row.cost_nano_usd, row.cost_source) == (None, "unknown")


async def test_answers_that_were_billed_nothing_are_left_out(engine: RunningEngine) -> None:
    report = await bring(engine, answer(usage={}), answer("msg_2", usage=[1]), answer("msg_3"))
    assert (report.empty, report.added.requests) == (2, 1)


async def test_a_subscription_s_answers_are_marked(engine: RunningEngine) -> None:
    await bring(engine, answer(), subscription=True)
    assert [row.subscription for row in await rows(engine)] == [True]


async def test_today_and_the_session_s_sums_have_the_imported_in_them(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    await engine.ask(message(), x_claude_code_session_id=SESSION)
    live = await engine.record()
    await bring(engine, answer(at=time.time()))
    state = await engine.snapshot()
    both = (live.cost_nano_usd or 0) + NANO_USD
    assert (state.today.cost_nano_usd, state.sessions[0].tally.cost_nano_usd) == (both, both)
    assert len(state.requests) == 1


async def test_after_a_restart_the_sums_are_the_same_and_the_list_shows_what_was_served(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream)))
    await engine.ask(message(), x_claude_code_session_id=SESSION)
    await engine.record()
    await bring(engine, answer(at=time.time()))
    before = await engine.snapshot()
    await engine.stop()
    after = await (await start(settings(provider(upstream)))).snapshot()
    assert after.today == before.today
    assert [each.tally for each in after.sessions] == [each.tally for each in before.sessions]
    assert [each.imported for each in after.requests] == [False]


@pytest.mark.parametrize("at", [time.time, lambda: time.time() - 40], ids=["since the start", "before it"])
async def test_a_month_s_budget_has_the_imported_in_it(
    start: StartEngine, upstream: ScriptedUpstream, at: Callable[[], float]
) -> None:
    engine = await start(settings(provider(upstream), budget={"month_usd": 50}))
    await bring(engine, answer(at=at()))
    report = msgspec.json.decode((await engine.look("budget")).content, type=c.BudgetReport)
    assert {each.kind: each.spent_nano_usd for each in report.budgets}["month"] == NANO_USD


async def test_days_whose_rows_were_removed_take_nothing_more(engine: RunningEngine) -> None:
    await engine.look("usage")
    with connect(str(engine.paths.ledger_file)) as db:
        db.execute("INSERT OR REPLACE INTO facts VALUES ('rows since', ?)", (str(int(LAST_YEAR) + 86400),))
    report = await bring(engine, answer(), answer("msg_2", at=time.time()))
    assert (report.too_old, report.added.requests) == (1, 1)


def test_an_answer_is_found_by_an_index(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    with connect(str(file)) as db:
        migrate(db)
        db.execute(INSERT, to_row(c.Request(id="r1", started_at=1.0, message_id="m", outcome="served", phase="done")))
        plan = db.execute("EXPLAIN QUERY PLAN SELECT 1 FROM requests WHERE message_id = ? AND imported = 0", ("m",))
        assert "requests_by_message" in plan.fetchall()[0][3]
    assert LedgerReader(file).known([c.Request(id="r1", started_at=1.0)]) == (frozenset({"r1"}), 0.0)
