"""Which imported requests the ledger has already, so that nothing is counted twice."""

import sqlite3
from collections.abc import Sequence

from proxy import contract as c
from proxy.ledger.retention import rows_since
from proxy.ledger.rows import SELECT, USAGE_COLUMNS, from_row

NEAR_S = 3600.0
"""A request began at most so long before its answer stood in a transcript."""

_BY_ID = "SELECT 1 FROM requests WHERE id = ?"
_LESS = f"{SELECT} WHERE id = ? AND imported = 1 AND output_tokens < ?"
_BY_MESSAGE = "SELECT 1 FROM requests WHERE message_id = ? AND imported = 0"
_BY_USAGE = f"""
    SELECT 1 FROM requests WHERE session_id = ? AND started_at BETWEEN ? AND ? AND imported = 0 AND message_id IS NULL
      AND kind = 'messages' AND {" AND ".join(f"{name} = ?" for name in USAGE_COLUMNS)}
"""
"""For rows of versions that did not keep the answer's id: same session, same time, same counts."""


def outgrown(connection: sqlite3.Connection, requests: Sequence[c.Request]) -> list[c.Request]:
    """Rows that were imported when the client had not written all of the answer, by what ``requests`` tell now."""
    found = (connection.execute(_LESS, (request.id, request.usage.output_tokens)).fetchone() for request in requests)
    return [from_row(row) for row in found if row is not None]


def known_ids(connection: sqlite3.Connection, requests: Sequence[c.Request]) -> frozenset[str]:
    """Ids of those of ``requests`` that were imported before or passed through the engine."""
    return frozenset(request.id for request in requests if _known(connection, request))


def rows_begin(connection: sqlite3.Connection) -> float:
    """What began before it (Unix seconds) is kept in sums only: nobody can tell whether it is in them."""
    return float(rows_since(connection))


def _known(connection: sqlite3.Connection, request: c.Request) -> bool:
    counts = [getattr(request.usage, name) for name in USAGE_COLUMNS]
    near = (request.session_id, request.started_at - NEAR_S, request.started_at, *counts)
    found = (
        connection.execute(query, values).fetchone()
        for query, values in (
            (_BY_ID, (request.id,)),
            (_BY_MESSAGE, (request.message_id,)),
            (_BY_USAGE, near),
        )
    )
    return any(row is not None for row in found)
