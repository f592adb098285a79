"""What is asked of the ledger: lists of requests, sums by group. Each query has an index behind it."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from proxy import contract as c
from proxy.ledger.rows import SELECT, SUMS, from_row, usage_of
from proxy.ledger.schema import connect

T = TypeVar("T")

GROUPS = {
    "session": "session_id",
    "agent": "agent_id",
    "model": "coalesce(served_model, target_model, asked_model)",
    "provider": "provider",
    "project": "project",
    "day": "date(started_at, 'unixepoch', 'localtime')",
}
"""What ``usage`` groups by, as SQL."""

_TALLY = f"""
    count(*) AS requests, {SUMS},
    coalesce(sum(CASE WHEN simulated = 0 THEN cost_nano_usd END), 0) AS cost_nano_usd,
    coalesce(sum(CASE WHEN simulated = 1 THEN cost_nano_usd END), 0) AS simulated_nano_usd,
    coalesce(sum(cost_nano_usd IS NULL), 0) AS unpriced_requests,
    coalesce(sum(outcome = 'failed'), 0) AS failed
"""


class LedgerReader:
    """Reads the ledger. Every method blocks: call it in a thread. A missing or damaged file reads as empty."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def last(self, limit: int, session: str | None = None) -> list[c.Request]:
        """The newest ended requests, newest first."""
        where, values = ("WHERE session_id = ?", (session,)) if session else ("", ())
        query = f"{SELECT} {where} ORDER BY started_at DESC LIMIT ?"
        return self._read(lambda db: [from_row(row) for row in db.execute(query, (*values, limit))], [])

    def find(self, request_id: str) -> c.Request | None:
        def query(db: sqlite3.Connection) -> c.Request | None:
            row = db.execute(f"{SELECT} WHERE id = ?", (request_id,)).fetchone()
            return from_row(row) if row else None

        return self._read(query, None)

    def since(self, moment: float) -> list[c.Request]:
        """Requests that began at or after ``moment`` (Unix seconds), oldest first."""
        query = f"{SELECT} WHERE started_at >= ? ORDER BY started_at"
        return self._read(lambda db: [from_row(row) for row in db.execute(query, (moment,))], [])

    def usage(self, since: float | None, by: str) -> c.UsageReport:
        """Sums of the ``messages`` requests since ``since``, in total and by group, the costliest first."""
        group = GROUPS[by]
        where = "WHERE kind = 'messages' AND started_at >= ?"
        order = "key" if by == "day" else "cost_nano_usd DESC, simulated_nano_usd DESC, requests DESC"

        def query(db: sqlite3.Connection) -> c.UsageReport:
            db.row_factory = sqlite3.Row
            values = (since or 0.0,)
            total = db.execute(f"SELECT {_TALLY} FROM requests {where}", values).fetchone()
            rows = db.execute(
                f"SELECT coalesce({group}, '') AS key, {_TALLY} FROM requests {where} GROUP BY 1 ORDER BY {order}",
                values,
            )
            return c.UsageReport(
                total=tally_of(dict(total)),
                rows=tuple(c.UsageRow(key=row["key"], tally=tally_of(dict(row))) for row in rows),
            )

        return self._read(query, c.UsageReport(total=c.Tally(), rows=()))

    def spent(
        self,
        since: float,
        until: float,
        *,
        where: tuple[str, str] | None = None,
        simulated: bool,
        subscription: bool,
    ) -> tuple[int, int]:
        """Nano-dollars of the requests that began from ``since`` to before ``until``, and how many have no price.

        ``where`` is a group of ``GROUPS`` and its key. Simulated and subscribers' requests are in it if so told.
        """
        more, values = (f"AND {GROUPS[where[0]]} = ?", [where[1]]) if where else ("", [])
        query = f"""
            SELECT coalesce(sum(cost_nano_usd), 0), coalesce(sum(cost_nano_usd IS NULL), 0) FROM requests
            WHERE kind = 'messages' AND started_at >= ? AND started_at < ?
              AND simulated <= ? AND subscription <= ? {more}
        """

        def summed(db: sqlite3.Connection) -> tuple[int, int]:
            nano_usd, unpriced = db.execute(query, (since, until, simulated, subscription, *values)).fetchone()
            return nano_usd, unpriced

        return self._read(summed, (0, 0))

    def bytes_per_token(self) -> dict[str, float]:
        """Bytes of a request body for each prompt token, by model, from what providers counted lately."""
        query = """
            SELECT coalesce(served_model, target_model) AS model,
                   sum(request_bytes) * 1.0 / sum(input_tokens + cache_read_tokens + cache_write_5m_tokens
                                                  + cache_write_1h_tokens)
            FROM (SELECT * FROM requests WHERE kind = 'messages' AND outcome = 'served' AND usage_estimated = 0
                  ORDER BY started_at DESC LIMIT 500)
            WHERE input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens > 0
            GROUP BY 1
        """
        return self._read(lambda db: {model: ratio for model, ratio in db.execute(query) if model and ratio}, {})

    def _read(self, query: Callable[[sqlite3.Connection], T], nothing: T) -> T:
        try:
            connection = connect(str(self._file), read_only=True)
        except sqlite3.OperationalError:
            return nothing
        try:
            return query(connection)
        except sqlite3.DatabaseError:
            return nothing
        finally:
            connection.close()


def tally_of(values: dict[str, Any]) -> c.Tally:
    """A row of sums as a tally."""
    return c.Tally(
        requests=values["requests"],
        usage=usage_of(values),
        cost_nano_usd=values["cost_nano_usd"],
        simulated_nano_usd=values["simulated_nano_usd"],
        unpriced_requests=values["unpriced_requests"],
        failed=values["failed"],
    )
