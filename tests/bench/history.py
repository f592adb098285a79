"""A ledger of a year's heavy use, made from generated rows: how fast it is rolled up, asked and written to.

Five million requests in sessions of some hours, in four projects, by five models of three providers, on weekdays and
in working hours, each session with a few sub-agents. Questions and writing are told in processor time: they are one
thread's work, and a shared machine says nothing of how long they take.
"""

import os
import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import get_args

import msgspec

from proxy import contract as c
from proxy.ledger.queries import LedgerReader
from proxy.ledger.rollups import catch_up, record
from proxy.ledger.rows import INSERT, to_row
from proxy.ledger.schema import connect, migrate

BEGIN = datetime.fromisoformat("2025-11-21T00:00:00").timestamp()
DAYS = 365
SESSION_REQUESTS = 150
"""On average, those of its sub-agents included."""
BATCH = 50
"""Rows of a batch of the writer, under heavy load."""
BATCHES = 100
SHOWN = 500
"""Groups that a screen shows."""
HALF_HOUR = "Asia/Kolkata"
"""A zone that is not whole hours ahead."""

PROJECTS = ("shop", "site", "infra", "paper")
TARGETS = (
    ("anthropic", "claude-opus-4-8"),
    ("anthropic", "claude-haiku-4-5"),
    ("openrouter", "anthropic/claude-opus-4.8"),
    ("openrouter", "openai/gpt-5.5"),
    ("team", "claude-sonnet-4-6"),
)
SHARES = (50, 20, 12, 8, 10)


def figures(file: Path, count: int, tell: Callable[[str], None]) -> dict[str, float]:
    """Seconds and milliseconds by what was done; ``file`` is made anew and left behind."""
    connection = connect(str(file))
    migrate(connection)
    tell(f"history: writing {count:,} rows")
    _write_unrolled(connection, count)
    tell("history: rolling up")
    took = _rolled_up(connection)
    found = {"roll-up of all rows s": sum(took), "longest step of it ms": max(took) * 1000}
    found |= _sizes(connection, file) | _writing(connection)
    connection.close()
    return found | questions(LedgerReader(file))


def _write_unrolled(connection: sqlite3.Connection, count: int) -> None:
    """As an engine from before the roll-ups would have left it."""
    connection.execute("PRAGMA synchronous = OFF")
    rows = _rows(random.Random(count), count)
    while batch := [to_row(row) for row, _ in zip(rows, range(20_000), strict=False)]:
        connection.execute("BEGIN")
        connection.executemany(INSERT, batch)
        connection.execute("COMMIT")
    last = connection.execute("SELECT max(rowid) FROM requests").fetchone()[0]
    facts = [("rolled up to row", "0"), ("roll up to row", str(last))]
    connection.executemany("INSERT INTO facts VALUES (?, ?)", facts)


def _rows(chance: random.Random, count: int) -> Iterator[c.Request]:
    """In order of time, as far as sessions do not overlap."""
    made = 0
    per_day = count / DAYS
    for day in range(DAYS):
        sessions = max(1, round((day + 1) * per_day / SESSION_REQUESTS) - round(day * per_day / SESSION_REQUESTS))
        for number in range(sessions):
            requests = min(count - made, round(per_day / sessions)) if day < DAYS - 1 else count - made
            yield from _session(chance, f"{day:03}-{number:03}", BEGIN + day * 86400, requests)
            made += requests


def _session(chance: random.Random, name: str, midnight: float, requests: int) -> Iterator[c.Request]:
    moment = midnight + chance.uniform(8, 20) * 3600
    session = f"{chance.getrandbits(32):08x}-0000-4000-8000-{chance.getrandbits(48):012x}"
    project = chance.choice(PROJECTS)
    agents: list[str | None] = [None, None, None, *(f"agent-{chance.getrandbits(32):08x}" for _ in range(3))]
    targets = chance.choices(TARGETS, SHARES, k=2)
    for number in range(requests):
        moment += chance.expovariate(1 / 40)
        yield _request(chance, f"{name}-{number}", moment, session, project, chance.choice(agents), targets)


def _request(
    chance: random.Random,
    name: str,
    moment: float,
    session: str,
    project: str,
    agent: str | None,
    targets: Sequence[tuple[str, str]],
) -> c.Request:
    provider, model = chance.choice(targets)
    ttft_ms, nano_usd = chance.lognormvariate(7, 0.6), chance.randrange(10**8)
    return c.Request(
        id=name,
        started_at=moment,
        phase="done",
        outcome="served" if chance.random() < 0.97 else "failed",
        status=200,
        session_id=session,
        agent_id=agent,
        project=project,
        role="agent" if agent else "main",
        asked_model="claude-opus-4-8",
        target_model=model,
        served_model=model,
        provider=provider,
        attempts=(c.Attempt(provider=provider, model=model, outcome="served", status=200, duration_ms=ttft_ms),),
        streaming=True,
        ttft_ms=ttft_ms,
        duration_ms=ttft_ms + chance.lognormvariate(9, 0.8),
        usage=c.Usage(input_tokens=400, output_tokens=chance.randrange(2000), cache_read_tokens=60_000),
        cost_nano_usd=nano_usd,
        cost_source="genai-prices",
        cost_split=c.CostSplit(
            input=nano_usd // 9, cache_read=nano_usd // 3, output=nano_usd - nano_usd // 9 - nano_usd // 3
        ),
    )


def _rolled_up(connection: sqlite3.Connection) -> list[float]:
    took = []
    more = True
    while more:
        began = time.perf_counter()
        more = catch_up(connection)
        took.append(time.perf_counter() - began)
    return took


def _sizes(connection: sqlite3.Connection, file: Path) -> dict[str, float]:
    counts = {
        f"{table} (thousands)": connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] / 1000
        for table in ("requests", "cell_sums", "threads", "thread_sums", "speeds")
    }
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return {**counts, "file MB": file.stat().st_size / 2**20}


def _writing(connection: sqlite3.Connection) -> dict[str, float]:
    """The writer's work for a batch, once the ledger is full: milliseconds."""
    after = BEGIN + DAYS * 86400
    one = list(_session(random.Random(1), "one", after, BATCHES * BATCH))
    many = [list(_session(random.Random(2 + number), f"many-{number}", after, BATCHES)) for number in range(BATCH)]
    at_once = [
        [msgspec.structs.replace(each, started_at=after + 40_000 + 20 * place) for each in batch]
        for place, batch in enumerate(zip(*many, strict=True))
    ]
    single = list(_session(random.Random(99), "single", after, BATCHES))
    batches = {
        "a batch of 50 rows": [one[at : at + BATCH] for at in range(0, len(one), BATCH)],
        "a batch of 50 sessions' rows": at_once,
        "a batch of one row": [[each] for each in single],
    }
    return {f"{words} ms": _batches_ms(connection, each) for words, each in batches.items()}


def _batches_ms(connection: sqlite3.Connection, batches: Sequence[Sequence[c.Request]]) -> float:
    took = []
    for batch in batches:
        rows = [to_row(each) for each in batch]
        began = time.process_time()
        connection.execute("BEGIN IMMEDIATE")
        record(connection, rows)
        connection.execute("COMMIT")
        took.append(time.process_time() - began)
    return statistics.median(took) * 1000


def questions(reader: LedgerReader) -> dict[str, float]:
    """Every grouping of many choices, as a screen asks for it, and some other things: milliseconds."""
    now = BEGIN + DAYS * 86400
    month, (last, *_) = c.Choice(since=now - 30 * 86400 - 1234.5, until=now - 321.5), reader.last(1)
    agent = next(each.agent_id for each in reader.last(500, last.session_id) if each.agent_id)
    choices = {
        "all": c.Choice(),
        "a year": c.Choice(since=now - 364 * 86400 - 25_200),
        "an odd month": month,
        "a project": c.Choice(project="shop"),
        "a provider": c.Choice(provider="anthropic"),
        "a model": c.Choice(model="claude-opus-4-8"),
        "sub-agents": c.Choice(role="agent"),
        "no sub-agent": c.Choice(agent=""),
        "a project's model": c.Choice(project="shop", model="claude-opus-4-8"),
        "a provider's sub-agents": c.Choice(provider="anthropic", role="agent"),
        "a model of a month": msgspec.structs.replace(month, model="openai/gpt-5.5"),
        "a session": c.Choice(session=last.session_id),
        "a sub-agent": c.Choice(agent=agent),
    }
    found = {}
    for words, choice in choices.items():
        for by in get_args(c.UsageGroup):
            found[f"{words} by {by} ms"] = _ms(lambda choice=choice, by=by: reader.usage(choice, by, SHOWN))  # type: ignore[misc]
        found[f"speeds of {words} ms"] = _ms(lambda choice=choice: reader.latency(choice))  # type: ignore[misc]
        found[f"50 requests of {words} ms"] = _ms(lambda choice=choice: reader.requests(choice, 50))  # type: ignore[misc]
    found["a project's spending so far ms"] = _ms(
        lambda: reader.spent(0, now + 0.5, where=("project", "shop"), simulated=False, subscription=True)
    )
    for by in ("session", "agent"):
        found[f"every {by} ms"] = _ms(lambda by=by: reader.usage(c.Choice(), by))  # type: ignore[misc]
    return found | _elsewhere(reader, choices)


def _elsewhere(reader: LedgerReader, choices: dict[str, c.Choice]) -> dict[str, float]:
    """Groups of time where the local clock is half an hour off."""
    before = os.environ.get("TZ")
    _set_zone(HALF_HOUR)
    found = {}
    for words in ("all", "a project", "a provider's sub-agents"):
        for by in ("hour", "day", "hour_of_day"):
            choice = choices[words]
            found[f"{words} by {by}, {HALF_HOUR} ms"] = _ms(lambda choice=choice, by=by: reader.usage(choice, by))  # type: ignore[misc]
    _set_zone(before)
    return found


def _set_zone(name: str | None) -> None:
    if name is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = name
    time.tzset()


def _ms(question: Callable[[], object]) -> float:
    took = []
    for _ in range(3):
        began = time.process_time()
        question()
        took.append(time.process_time() - began)
    return statistics.median(took) * 1000
