"""Sums of ``messages`` requests, kept exactly, in the transaction that writes the requests.

``cell_sums`` has a row for each cell and quarter of an hour, and for some faces each half hour and day of UTC.
``threads`` has a row for what a conversation or a sub-agent did in one cell, over its whole life, with bounds of that;
``thread_sums`` the same by quarter and day. ``names`` numbers sessions and sub-agents. Every time zone in use today has
its hours begin at a quarter of UTC, most of them at a half, so local hours, days and months are whole slots. ``speeds``
counts requests by how fast they were, to four significant bits, by cell, and by day and block of 32 days of UTC.

All of it is made from the rows by SQL alone, the same for a batch of the writer, for an old ledger and for a change
of costs; a row that is replaced or repriced is taken out first. A ledger from before the roll-ups is rolled up in
steps while the engine runs; until that is done two facts name the rows that wait, and readers sum rows. Roll-ups of an
earlier form become these in the same way: ``former`` does that.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any

from proxy.ledger import cells
from proxy.ledger.rows import INSERT, SPLIT_COLUMNS, USAGE_COLUMNS, split_values
from proxy.protocol.pricing import Settled

QUARTER_S = 15 * 60
HALF_HOUR_S = 30 * 60
HOUR_S = 3600
DAY_S = 24 * HOUR_S
BLOCK_S = 32 * DAY_S

CAUGHT_UP_ROWS = 2000
"""Of an old ledger, in a step: some 30 ms."""


class Measure(IntEnum):
    """What ``speeds`` counts by."""

    TTFT_MS = 0
    TENTHS_OF_TOKENS_PER_S = 1


MEASURES: Mapping[str, str] = {
    "requests": "1",
    **{name: name for name in USAGE_COLUMNS},
    "cost_nano_usd": "coalesce(cost_nano_usd, 0)",
    **{name: f"coalesce({name}, 0)" for name in SPLIT_COLUMNS},
    "divided_nano_usd": "CASE WHEN divided THEN coalesce(cost_nano_usd, 0) ELSE 0 END",
    "unpriced_requests": "cost_nano_usd IS NULL",
    "failed": "outcome = 'failed'",
}
"""Columns of sums, and what a row of ``requests`` adds to them."""
NAMES = ", ".join(MEASURES)
ENDED_AT = "started_at + coalesce(duration_ms, 0) / 1000"
"""Of a row of ``requests``, Unix seconds."""

TTFT = "ttft_ms"
TOKENS_PER_S = """CASE WHEN output_tokens > 0 AND duration_ms > ttft_ms
    THEN output_tokens * 1000.0 / (duration_ms - ttft_ms) END"""
TELLS_LATENCY = "kind = 'messages' AND outcome = 'served' AND streaming = 1 AND ttft_ms IS NOT NULL"
"""Which rows of ``requests``."""


def _four_bits(number: str) -> str:
    """The whole part of a number by its first four bits, as SQL: the middle of what they stand for, at most 7 % off."""
    whole = f"CAST({number} AS INTEGER)"
    steps = " ".join(f"WHEN {whole} < {16 << n} THEN ({whole} >> {n} << {n}) + {(1 << n) // 2}" for n in range(24))
    return f"CASE WHEN {whole} IS NULL THEN NULL {steps} ELSE {16 << 23} END"


_COUNTED: Mapping[str, str] = {
    "session": "coalesce(session_id, '')",
    "agent": "coalesce(agent_id, '')",
    "parent_agent_id": "parent_agent_id",
    "began_at": "started_at",
    "ended_at": ENDED_AT,
    "ttft_ms": f"CASE WHEN {TELLS_LATENCY} THEN {_four_bits(TTFT)} END",
    "tenths_of_tokens_per_s": f"CASE WHEN {TELLS_LATENCY} THEN {_four_bits(f'({TOKENS_PER_S}) * 10')} END",
    **cells.OF_REQUEST,
    **MEASURES,
}
"""What of a row of ``requests`` is summed."""
_THREAD = "session, agent, cell"
TEMPORARY = {
    "counted": ", ".join(_COUNTED),
    "taken": f"{_THREAD}, slot, parent_agent_id, first_at, last_at, ended_at, {NAMES}",
    "faced": f"cell, slot, {NAMES}",
}
"""Tables of a transaction and their columns. ``counted``: its requests; ``taken``: those by thread, cell and quarter,
below 0 where they are taken out; ``faced``: the same by cell of each face."""


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
    begin_taking(connection)
    if connection.execute(_count(rows.where), rows.values).rowcount == 0:
        return
    for statement in (_ADD_NAMES, _ADD_CELLS):
        connection.execute(statement)
    connection.execute(_TAKE, [sign] * len(MEASURES))
    add_taken(connection)
    connection.execute(_ADD_SPEEDS, (sign,))


def begin_taking(connection: sqlite3.Connection) -> None:
    """Empty tables for what ``add_taken`` adds."""
    for name, columns in TEMPORARY.items():
        connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {name} ({columns})")
        connection.execute(f"DELETE FROM temp.{name}")


def add_taken(connection: sqlite3.Connection) -> None:
    """Add ``temp.taken`` to all sums; its cells are there, but may be new."""
    lacking = "SELECT 1 FROM temp.taken WHERE cell NOT IN (SELECT cell FROM cell_faces) LIMIT 1"
    if connection.execute(lacking).fetchone() is not None:
        cells.add_faces(connection)
    for statement in _ADD_TAKEN:
        connection.execute(statement)


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


@cache
def _count(where: str) -> str:
    columns = ", ".join(_COUNTED.values())
    return f"INSERT INTO temp.counted SELECT {columns} FROM requests WHERE kind = 'messages' AND {where}"


def _add_sums(table: str, of: str, grains_s: Sequence[int], source: str) -> str:
    grains = " UNION ALL ".join(f"SELECT {grain_s} AS grain_s" for grain_s in grains_s)
    return f"""
        INSERT INTO {table} ({of}, grain_s, slot, {NAMES})
        SELECT {of}, grain_s, slot * {QUARTER_S} / grain_s AS its_slot, {_SUMMED}
        FROM {source} CROSS JOIN ({grains}) GROUP BY {of}, grain_s, its_slot
        ON CONFLICT DO UPDATE SET {_GROWN}
    """


_GROWN = ", ".join(f"{name} = {name} + excluded.{name}" for name in MEASURES)
_SUMMED = ", ".join(f"sum({name}) AS {name}" for name in MEASURES)
_ADD_NAMES = "INSERT OR IGNORE INTO names (name) SELECT session FROM temp.counted UNION SELECT agent FROM temp.counted"
_ADD_CELLS = f"""
    INSERT OR IGNORE INTO cells ({cells.COLUMNS}) SELECT DISTINCT 0, {", ".join(cells.OF_REQUEST)} FROM temp.counted
"""
_WITH_CELLS = f"""temp.counted CROSS JOIN cells ON cells.face = 0
    AND {" AND ".join(f"cells.{name} = counted.{name}" for name in cells.OF_REQUEST)}"""
_TAKE = f"""
    INSERT INTO temp.taken
    SELECT sessions.id AS its_session, agents.id AS its_agent, cells.id,
           CAST(began_at AS INTEGER) / {QUARTER_S} AS slot,
           max(parent_agent_id), min(began_at), max(began_at), max(ended_at),
           {", ".join(f"? * sum({name})" for name in MEASURES)}
    FROM {_WITH_CELLS} CROSS JOIN names AS sessions ON sessions.name = counted.session
    CROSS JOIN names AS agents ON agents.name = counted.agent GROUP BY its_session, its_agent, cells.id, slot
"""
_LONG_FACED = f"""(SELECT faced.* FROM temp.faced CROSS JOIN cells ON cells.id = faced.cell
    AND face IN ({", ".join(str(int(face)) for face in cells.LONG)}))"""
_ADD_TAKEN = (
    f"""
    INSERT INTO threads ({_THREAD}, parent_agent_id, first_at, last_at, ended_at, {NAMES})
    SELECT {_THREAD}, max(parent_agent_id), min(first_at), max(last_at), max(ended_at), {_SUMMED}
    FROM temp.taken WHERE true GROUP BY {_THREAD}
    ON CONFLICT DO UPDATE SET
        parent_agent_id = coalesce(parent_agent_id, excluded.parent_agent_id),
        first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at),
        ended_at = max(ended_at, excluded.ended_at), {_GROWN}
    """,
    _add_sums("thread_sums", _THREAD, (QUARTER_S, DAY_S), "temp.taken"),
    f"""
    INSERT INTO temp.faced SELECT part, slot, {_SUMMED}
    FROM (SELECT cell, slot, {_SUMMED} FROM temp.taken GROUP BY cell, slot) JOIN cell_faces USING (cell)
    GROUP BY part, slot
    """,
    _add_sums("cell_sums", "cell", (QUARTER_S,), "temp.faced"),
    _add_sums("cell_sums", "cell", (HALF_HOUR_S, DAY_S), _LONG_FACED),
)
_ADD_SPEEDS = f"""
    INSERT INTO speeds (grain_s, slot, cell, measure, value, requests)
    SELECT grain_s, CAST(began_at AS INTEGER) / grain_s AS slot, cells.id, measure,
           CASE measure WHEN {Measure.TTFT_MS.value} THEN ttft_ms ELSE tenths_of_tokens_per_s END AS value, ? * count(*)
    FROM {_WITH_CELLS} CROSS JOIN (SELECT {DAY_S} AS grain_s UNION ALL SELECT {BLOCK_S})
    CROSS JOIN ({" UNION ALL ".join(f"SELECT {each.value} AS measure" for each in Measure)})
    WHERE value IS NOT NULL GROUP BY grain_s, slot, cells.id, measure, value
    ON CONFLICT DO UPDATE SET requests = requests + excluded.requests
"""
