"""What the ledger tells of a session's prompt caches: requests, sums of those without rows, and breaks."""

import sqlite3
from typing import NamedTuple

from proxy import contract as c
from proxy.ledger.notes import Losses, losses
from proxy.ledger.queries import LedgerReader
from proxy.ledger.removed import removed
from proxy.ledger.retention import rows_since
from proxy.ledger.rows import SELECT, from_row
from proxy.protocol.session_bill import Sum


class CacheKept(NamedTuple):
    """Everything that is kept of a session's caches."""

    rows: tuple[c.Request, ...] = ()
    """``messages`` requests, the newest first."""
    older: tuple[Sum, ...] = ()
    """Of requests that are in no row any more."""
    losses: Losses = Losses()


class CacheLedger(LedgerReader):
    """Reads what became of caches."""

    def kept(self, session: str, limit: int) -> CacheKept:
        """With the newest ``limit`` rows."""
        query = f"""{SELECT} WHERE session_id = ? AND started_at >= ? AND kind = 'messages'
                    ORDER BY started_at DESC LIMIT ?"""

        def read(db: sqlite3.Connection) -> CacheKept:
            rows = db.execute(query, (session, rows_since(db), limit))
            older = (each.sum_in(0) for each in removed(db, session))
            return CacheKept(tuple(map(from_row, rows)), tuple(older), losses(db, session))

        return self._read(read, CacheKept())
