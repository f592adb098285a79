"""How many requests of a choice have counts that are the engine's estimates: answers that broke off, or told nothing.

Counted from rows, of which few are such; of rows that were removed nobody knows.
"""

import sqlite3

from proxy.ledger.choices import Chosen


def estimated_requests(db: sqlite3.Connection, what: Chosen) -> int:
    where, values = what.of_requests(what.when)
    query = f"SELECT count(*) FROM requests INDEXED BY requests_estimated WHERE usage_estimated = 1 AND {where}"
    found: int = db.execute(query, values).fetchone()[0]
    return found
