"""Sums of ``messages`` requests, kept exactly, in the transaction that writes the requests.

A ``series`` is everything that a choice can name but time: session, agent, role, project, provider, model, and whose
money it is. ``rollups`` has a row for each series and slot of time, at several levels: quarters of an hour and days
of UTC, each once with sessions and agents and once without them, which is far fewer rows, and hours without them.
Every time zone in use today has its hours begin at a quarter of UTC, so local hours, days and months are whole
quarters; in most zones they are whole hours. ``speeds`` counts requests by how fast they were, to four significant
bits, by day and by block of 32 days of UTC, without sessions.

All of it is made from the rows by SQL alone, the same for a batch of the writer, for an old ledger and for a change
of costs; a row that is replaced or repriced is taken out first. A ledger from before the roll-ups is rolled up in
steps while the engine runs; until that is done two facts name the rows that wait, and readers sum rows.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from proxy.ledger.rows import INSERT, SPLIT_COLUMNS, USAGE_COLUMNS, split_values
from proxy.protocol.pricing import Settled

QUARTER_S = 15 * 60
HOUR_S = 3600
DAY_S = 24 * HOUR_S
BLOCK_S = 32 * DAY_S

CAUGHT_UP_ROWS = 2000
"""Of an old ledger, in a step: some 30 ms."""


class Level(IntEnum):
    """What a slot of time is, and whether sessions and agents are told apart."""

    QUARTER_THREADS = 0
    QUARTER = 1
    DAY_THREADS = 2
    DAY = 3
    HOUR = 4

    @property
    def grain_s(self) -> int:
        match self:
            case Level.QUARTER_THREADS | Level.QUARTER:
                return QUARTER_S
            case Level.HOUR:
                return HOUR_S
            case Level.DAY_THREADS | Level.DAY:
                return DAY_S

    @property
    def threads(self) -> bool:
        return self in (Level.QUARTER_THREADS, Level.DAY_THREADS)


class Measure(IntEnum):
    """What ``speeds`` counts by."""

    TTFT_MS = 0
    TENTHS_OF_TOKENS_PER_S = 1


MODEL = "coalesce(served_model, target_model, asked_model)"
"""The model of a row of ``requests``, as everybody names it."""

COLUMN_OF = {
    "session_id": "session_id",
    "agent_id": "agent_id",
    "role": "role",
    "project": "project",
    "provider": "provider",
    "model": MODEL,
    "simulated": "simulated",
    "subscription": "subscription",
}
"""Columns of ``series``, and where a row of ``requests`` has them."""

MEASURES = (
    ("requests", "1"),
    *((name, name) for name in USAGE_COLUMNS),
    ("cost_nano_usd", "coalesce(cost_nano_usd, 0)"),
    ("unpriced_requests", "cost_nano_usd IS NULL"),
    ("failed", "outcome = 'failed'"),
)
"""Columns of ``rollups``, and what a row of ``requests`` adds to them."""

TTFT = "ttft_ms"
TOKENS_PER_S = """CASE WHEN output_tokens > 0 AND duration_ms > ttft_ms
    THEN output_tokens * 1000.0 / (duration_ms - ttft_ms) END"""
TELLS_LATENCY = "kind = 'messages' AND outcome = 'served' AND streaming = 1 AND ttft_ms IS NOT NULL"
"""Which rows of ``requests``."""

_SPEEDS = ((Measure.TTFT_MS, TTFT), (Measure.TENTHS_OF_TOKENS_PER_S, f"({TOKENS_PER_S}) * 10"))


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of ``requests``, as a condition in SQL."""

    where: str
    values: tuple[Any, ...] = ()


def record(connection: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> None:
    """Write ``rows`` (values of ``COLUMNS``) and roll them up; a row whose id is known takes the old one's place."""
    batch = _batch(connection, (row[0] for row in rows))
    roll_up(connection, _rolled(connection, batch), -1)
    connection.executemany(INSERT, rows)
    roll_up(connection, batch, 1)


def reprice(connection: sqlite3.Connection, costs: Mapping[str, Settled]) -> None:
    """Give rows, by id, another cost."""
    batch = _rolled(connection, _batch(connection, costs))
    roll_up(connection, batch, -1)
    columns = ("cost_nano_usd", "cost_source", *SPLIT_COLUMNS, "divided")
    connection.executemany(
        f"UPDATE requests SET {', '.join(f'{name} = ?' for name in columns)} WHERE id = ?",
        [(cost.nano_usd, cost.source, *split_values(cost.split), name) for name, cost in costs.items()],
    )
    roll_up(connection, batch, 1)


def roll_up(connection: sqlite3.Connection, rows: Rows, sign: int) -> None:
    """Add ``rows`` to the sums, or take them out of them where ``sign`` is -1."""
    if connection.execute(f"SELECT 1 FROM requests WHERE {rows.where} LIMIT 1", rows.values).fetchone() is None:
        return
    for threads in (True, False):
        connection.execute(_add_series(rows.where, threads=threads), rows.values)
    for level in Level:
        connection.execute(_add_sums(rows.where, level, sign), rows.values)
    for grain_s in (DAY_S, BLOCK_S):
        for measure, value in _SPEEDS:
            connection.execute(_add_speeds(rows.where, grain_s, measure, value, sign), rows.values)


def catch_up(connection: sqlite3.Connection) -> bool:
    """Roll up some more rows of a ledger from before the roll-ups; False where none waits. A transaction of its own."""
    if waiting_rows(connection) is None:
        return False
    connection.execute("BEGIN IMMEDIATE")
    done, last = waiting_rows(connection) or (0, 0)  # another engine of this home may have rolled up meanwhile
    upto = min(done + CAUGHT_UP_ROWS, last)
    roll_up(connection, Rows("requests.rowid > ? AND requests.rowid <= ?", (done, upto)), 1)
    if upto < last:
        connection.execute("UPDATE facts SET value = ? WHERE name = 'rolled up to row'", (str(upto),))
    else:
        connection.execute("DELETE FROM facts WHERE name IN ('rolled up to row', 'roll up to row')")
    connection.execute("COMMIT")
    return True


def waiting_rows(connection: sqlite3.Connection) -> tuple[int, int] | None:
    """The rows that are not rolled up yet: those after the first number up to the second; None: all are."""
    facts = dict(connection.execute("SELECT name, value FROM facts WHERE name LIKE '% to row'"))
    return (int(facts["rolled up to row"]), int(facts["roll up to row"])) if facts else None


def _batch(connection: sqlite3.Connection, ids: Iterable[str]) -> Rows:
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS batch (id TEXT PRIMARY KEY) WITHOUT ROWID")
    connection.execute("DELETE FROM temp.batch")
    connection.executemany("INSERT OR IGNORE INTO temp.batch VALUES (?)", ((each,) for each in ids))
    return Rows("requests.id IN (SELECT id FROM temp.batch)")


def _rolled(connection: sqlite3.Connection, rows: Rows) -> Rows:
    """Those of ``rows`` that are in the sums."""
    waiting = waiting_rows(connection)
    if waiting is None:
        return rows
    return Rows(f"{rows.where} AND NOT (requests.rowid > ? AND requests.rowid <= ?)", (*rows.values, *waiting))


def _add_series(where: str, *, threads: bool) -> str:
    dimensions = _dimensions(threads=threads)
    return f"""
        INSERT OR IGNORE INTO series ({", ".join(dimensions)})
        SELECT DISTINCT {", ".join(dimensions.values())} FROM requests WHERE kind = 'messages' AND {where}
    """


def _add_sums(where: str, level: Level, sign: int) -> str:
    names = [name for name, _ in MEASURES]
    sums = ", ".join(f"{sign} * sum({name})" for name in names)
    return f"""
        INSERT INTO rollups (level, slot, series, {", ".join(names)})
        SELECT {int(level)}, moment / {level.grain_s} AS slot, series.id, {sums}
        FROM {_with_series(where, dict(MEASURES), threads=level.threads)} GROUP BY slot, series.id
        ON CONFLICT DO UPDATE SET {", ".join(f"{name} = {name} + excluded.{name}" for name in names)}
    """


def _add_speeds(where: str, grain_s: int, measure: Measure, value: str, sign: int) -> str:
    fast = f"{where} AND {TELLS_LATENCY} AND {value} IS NOT NULL"
    taken = _with_series(fast, {"speed": _four_bits(f"CAST({value} AS INTEGER)")}, threads=False)
    return f"""
        INSERT INTO speeds (grain_s, slot, series, measure, value, requests)
        SELECT {grain_s}, moment / {grain_s} AS slot, series.id, {int(measure)}, speed, {sign} * count(*)
        FROM {taken} GROUP BY slot, series.id, speed
        ON CONFLICT DO UPDATE SET requests = requests + excluded.requests
    """


def _with_series(where: str, columns: Mapping[str, str], *, threads: bool) -> str:
    """Rows of ``requests`` with ``columns``, each with its series; the order of the join is ours, not the planner's."""
    dimensions = _dimensions(threads=threads)
    taken = ", ".join(f"{source} AS {name}" for name, source in (*dimensions.items(), *columns.items()))
    same = " AND ".join(f"series.{name} = taken.{name}" for name in dimensions)
    return f"""
        (SELECT CAST(started_at AS INTEGER) AS moment, {taken}
         FROM requests WHERE kind = 'messages' AND {where}) AS taken
        CROSS JOIN series ON {same} WHERE true
    """


def _dimensions(*, threads: bool) -> dict[str, str]:
    """The columns of a series as SQL over ``requests``; without threads no session and no agent."""
    kept = {name: f"coalesce({source}, '')" for name, source in COLUMN_OF.items()}
    return kept if threads else {**kept, "session_id": "''", "agent_id": "''"}


def _four_bits(whole: str) -> str:
    """A whole number by its first four bits, as SQL: the middle of what they stand for, at most 7 % off."""
    steps = " ".join(f"WHEN {whole} < {16 << n} THEN ({whole} >> {n} << {n}) + {(1 << n) // 2}" for n in range(24))
    return f"CASE {steps} ELSE {16 << 23} END"
