"""How many requests of a choice have counts that are the engine's estimates: answers that broke off, or told nothing.

They are counted from rows. Those whose rows are removed are counted into ``removed_estimates`` then, by quarter of an
hour, thread and cell; of rows that an earlier form of the ledger removed nobody knows.
"""

import sqlite3
from typing import Any

from proxy.ledger.cells import OF_REQUEST, Face
from proxy.ledger.choices import Chosen, both
from proxy.ledger.rollups import QUARTER_S
from proxy.ledger.spans import widened

_TOLD = {
    "slot": f"CAST(started_at AS INTEGER) / {QUARTER_S}",
    "session": "coalesce(session_id, '')",
    "agent": "coalesce(agent_id, '')",
    **OF_REQUEST,
}
_SAME_CELL = " AND ".join(f"cells.{name} = gone.{name}" for name in OF_REQUEST)


def estimated_requests(db: sqlite3.Connection, what: Chosen) -> int:
    """Exact, but that of removed rows a quarter of an hour counts wholly in which a border lies."""
    return _of_rows(db, what) + _of_removed(db, what)


def keep_estimates(connection: sqlite3.Connection, rowids: str, values: tuple[Any, ...]) -> None:
    """Count the estimates among the rows that will be removed: those whose numbers the query ``rowids`` finds."""
    columns = ", ".join(f"{source} AS {name}" for name, source in _TOLD.items())
    connection.execute(
        f"""
        INSERT INTO removed_estimates
        SELECT slot, sessions.id AS its_session, agents.id AS its_agent, cells.id, count(*)
        FROM (SELECT {columns} FROM requests NOT INDEXED
              WHERE usage_estimated = 1 AND kind = 'messages' AND requests.rowid IN ({rowids})) AS gone
        CROSS JOIN names AS sessions ON sessions.name = gone.session
        CROSS JOIN names AS agents ON agents.name = gone.agent
        CROSS JOIN cells ON cells.face = 0 AND {_SAME_CELL}
        GROUP BY slot, its_session, its_agent, cells.id
        ON CONFLICT DO UPDATE SET requests = requests + excluded.requests
        """,
        values,
    )


def _of_rows(db: sqlite3.Connection, what: Chosen) -> int:
    where, values = what.of_requests(what.when)
    query = f"SELECT count(*) FROM requests INDEXED BY requests_estimated WHERE usage_estimated = 1 AND {where}"
    found: int = db.execute(query, values).fetchone()[0]
    return found


def _of_removed(db: sqlite3.Connection, what: Chosen) -> int:
    where, values = both(what.of_threads(), what.of_cells(Face.WHOLE))
    slots = widened(what.when, int(what.when.until) + 1, QUARTER_S)
    query = f"""
        SELECT coalesce(sum(threads.requests), 0)
        FROM removed_estimates AS threads CROSS JOIN cells ON cells.id = threads.cell
        WHERE {where} AND slot >= ? AND slot < ?
    """
    found: int = db.execute(query, (*values, slots.since // QUARTER_S, slots.until // QUARTER_S)).fetchone()[0]
    return found
