"""Rows and notes that are older than the user keeps: removed in small steps by the writer; sums in the roll-ups stay.

After each step the pages that became free go back to the disk, a few at a time (SQLite's incremental vacuum). A file
from before that was set has its free pages used again by new rows instead and does not shrink: a full ``VACUUM``
would hold up the writer for as long as copying the file takes, so it is left to the user.
"""

import sqlite3

from proxy.ledger.notes import remove_notes
from proxy.ledger.rollups import DAY_S

STEP_ROWS = 1000
FREED_PAGES = 2000
"""Given back after a step: 8 MB, more than a step's rows fill."""


def rows_since(connection: sqlite3.Connection) -> int:
    """Rows of requests that began before this moment (Unix seconds, a midnight of UTC) were removed."""
    found = connection.execute("SELECT value FROM facts WHERE name = 'rows since'").fetchone()
    return int(found[0]) if found else 0


def remove_old(connection: sqlite3.Connection, keep_days: int, now: float) -> bool:
    """Remove some rows of days that ended ``keep_days`` ago; False where there are none. A transaction of its own."""
    before = max((int(now) // DAY_S - keep_days) * DAY_S, rows_since(connection))
    if connection.execute("SELECT 1 FROM requests WHERE started_at < ? LIMIT 1", (before,)).fetchone() is None:
        return False
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT OR REPLACE INTO facts VALUES ('rows since', ?)", (str(before),))
    oldest = "SELECT rowid FROM requests WHERE started_at < ? ORDER BY started_at LIMIT ?"
    connection.execute(f"DELETE FROM requests WHERE rowid IN ({oldest})", (before, STEP_ROWS))
    remove_notes(connection, before)
    connection.execute("COMMIT")
    connection.executescript(f"PRAGMA incremental_vacuum({FREED_PAGES})")  # ``execute`` would free one page and stop
    return True
