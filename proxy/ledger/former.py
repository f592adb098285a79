"""Roll-ups as ledgers of versions 2 to 5 had them, on their way into the present ones.

They are moved in steps while the engine runs, the oldest first and every quarter of an hour wholly; a fact says up to
which moment. What lies after it is in the former tables and, as far as it was written since, in the present ones too:
sums are those of both together. After the last step the former tables are gone.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any

from proxy.ledger.choices import Chosen
from proxy.ledger.retention import rows_since
from proxy.ledger.rollups import DAY_S, HOUR_S, MEASURES, NAMES, QUARTER_S, add_taken, begin_taking
from proxy.ledger.rows import SPLIT_COLUMNS
from proxy.ledger.spans import Slots, Span, cut

MOVED_ROWS = 1000
CLEARED_ROWS = 20_000
"""In a step: some 30 ms."""
_LEVELS = {(QUARTER_S, True): 0, (QUARTER_S, False): 1, (DAY_S, True): 2, (DAY_S, False): 3, (HOUR_S, False): 4}
"""By the length of a slot, and whether sessions and sub-agents are told apart."""
_LACKING = (*SPLIT_COLUMNS, "divided_nano_usd")
"""Measures that the former roll-ups have not."""
_KEPT = ", ".join("0" if name in _LACKING else name for name in MEASURES)
_CELL = """former_series.role, former_series.project, former_series.provider, former_series.model,
    former_series.session_id != '', former_series.agent_id != '', former_series.simulated, former_series.subscription"""
_JOINED = "former_rollups CROSS JOIN former_series ON former_series.id = former_rollups.series"
_MEANT = "level = 0 AND slot >= ? AND slot < ?"


def moved_up_to(connection: sqlite3.Connection) -> int | None:
    """Former roll-ups of what began before this moment (Unix seconds) were moved; None: there are none any more."""
    found = connection.execute("SELECT value FROM facts WHERE name = 'moved up to'").fetchone()
    return int(found[0]) if found else None


def move(connection: sqlite3.Connection) -> bool:
    """Move some, or clear away some of what was moved; False where nothing is left. A transaction of its own."""
    if not _left(connection):
        return False
    connection.execute("BEGIN IMMEDIATE")
    if _left(connection):  # another engine of this home may have done the same meanwhile
        _step(connection)
    connection.execute("COMMIT")
    return True


def slots(db: sqlite3.Connection, when: Span, coarse_s: int | None) -> Iterator[tuple[int, Slots]]:
    """What of ``when`` is still in the former tables: quarters, and slots of ``coarse_s``, each with its length."""
    moved = moved_up_to(db)
    if moved is None:
        return
    rest = Span(max(when.since, moved), max(when.until, moved))
    parts = cut(rest, rows_since(db), QUARTER_S, coarse_s)
    yield from ((QUARTER_S, each) for each in parts.fine)
    yield from ((coarse_s or 0, each) for each in parts.coarse)


def rolled(what: Chosen, grain_s: int, slots: Slots, *, threads: bool) -> tuple[str, str, tuple[Any, ...]]:
    """Tables, condition and values for the sums in which ``what`` is."""
    named = [
        *(f"former_series.{name} = ?" for name in what.texts),
        *(f"former_series.{name} <= ?" for name in what.most),
    ]
    where = " AND ".join(["level = ?", "slot >= ?", "slot < ?", *named])
    values = (_LEVELS[grain_s, threads], *slots, *what.texts.values(), *what.most.values())
    if not what.texts or (threads and not what.threads):
        return _JOINED, where, values
    if not threads:
        where = f"former_series.session_id = '' AND former_series.agent_id = '' AND {where}"
    tables = "former_series CROSS JOIN former_rollups INDEXED BY rollups_by_series ON series = former_series.id"
    return tables, where, values


def bounds(db: sqlite3.Connection) -> str:
    """SQL that adds a row with the first and the last moment of the former roll-ups, where there are some."""
    if moved_up_to(db) is None:
        return ""
    ends = (f"(SELECT {which}(slot) * {QUARTER_S} FROM former_rollups WHERE level = 0)" for which in ("min", "max"))
    return f"UNION ALL SELECT {', '.join(ends)}"


def of_session(db: sqlite3.Connection, session: str, until: int) -> list[tuple[Any, ...]]:
    """What of ``session`` began before ``until`` (Unix seconds) and was not moved yet: for each quarter, sub-agent and
    cell what ``removed`` asks for."""
    moved = moved_up_to(db)
    if moved is None:
        return []
    query = f"""
        SELECT role, nullif(agent_id, ''), NULL, nullif(project, ''), provider, model, simulated,
               slot * {QUARTER_S}, (slot + 1) * {QUARTER_S}, {_KEPT}
        FROM former_series CROSS JOIN former_rollups INDEXED BY rollups_by_series ON series = former_series.id
        WHERE session_id = ? AND level = 0 AND slot >= ? AND slot < ? AND requests > 0
    """
    return db.execute(query, (session, moved // QUARTER_S, until // QUARTER_S)).fetchall()


def _left(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'former_rollups'").fetchone()
    return found is not None


def _step(connection: sqlite3.Connection) -> None:
    moved = moved_up_to(connection)
    if moved is None:
        _clear(connection)
        return
    slots = _next(connection, moved // QUARTER_S)
    if slots is None:
        connection.execute("DELETE FROM facts WHERE name = 'moved up to'")
        return
    _move(connection, slots)
    connection.execute("UPDATE facts SET value = ? WHERE name = 'moved up to'", (str(slots[1] * QUARTER_S),))


def _next(connection: sqlite3.Connection, begin: int) -> Slots | None:
    """Some quarters that come next, with no more than ``MOVED_ROWS`` in them unless one alone has more."""
    query = "SELECT slot FROM former_rollups WHERE level = 0 AND slot >= ? ORDER BY slot LIMIT 1 OFFSET ?"
    first, last = (connection.execute(query, (begin, offset)).fetchone() for offset in (0, MOVED_ROWS))
    if first is None:
        return None
    if last is None:
        last = connection.execute("SELECT max(slot) + 1 FROM former_rollups WHERE level = 0").fetchone()
    return first[0], max(last[0], first[0] + 1)


def _move(connection: sqlite3.Connection, slots: Slots) -> None:
    columns = "face, role, project, provider, model, in_session, by_agent, simulated, subscription"
    connection.execute(
        f"INSERT OR IGNORE INTO cells ({columns}) SELECT DISTINCT 0, {_CELL} FROM {_JOINED} WHERE {_MEANT}", slots
    )
    for name in ("session_id", "agent_id"):
        connection.execute(
            f"INSERT OR IGNORE INTO names (name) SELECT DISTINCT {name} FROM {_JOINED} WHERE {_MEANT}", slots
        )
    begin_taking(connection)
    connection.execute(
        f"""
        INSERT INTO temp.taken (session, agent, cell, slot, first_at, last_at, ended_at, {NAMES})
        SELECT sessions.id, agents.id, cells.id, slot,
               slot * {QUARTER_S}, (slot + 1) * {QUARTER_S}, (slot + 1) * {QUARTER_S}, {_KEPT}
        FROM {_JOINED} CROSS JOIN cells ON (cells.{columns.replace(", ", ", cells.")}) = (0, {_CELL})
        CROSS JOIN names AS sessions ON sessions.name = former_series.session_id
        CROSS JOIN names AS agents ON agents.name = former_series.agent_id
        WHERE {_MEANT}
        """,
        slots,
    )
    add_taken(connection)


def _clear(connection: sqlite3.Connection) -> None:
    """Delete some of the former rows; to drop them all at once would hold the writer up for a second."""
    connection.execute("DROP INDEX IF EXISTS rollups_by_series")
    key = "SELECT level, slot, series FROM former_rollups ORDER BY level, slot, series LIMIT 1 OFFSET ?"
    end = connection.execute(key, (CLEARED_ROWS,)).fetchone()
    if end is not None:
        connection.execute("DELETE FROM former_rollups WHERE (level, slot, series) < (?, ?, ?)", end)
    else:
        connection.execute("DROP TABLE former_rollups")
        connection.execute("DROP TABLE former_series")
