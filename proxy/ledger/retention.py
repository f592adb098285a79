"""Rows and notes that are older than the user keeps: removed in small steps by the writer; sums in the roll-ups stay.

After each step the pages that became free go back to the disk, a few at a time (SQLite's incremental vacuum). A file
from before that was set has its free pages used again by new rows instead and does not shrink: a full ``VACUUM``
would hold up the writer for as long as copying the file takes, so it is left to the user.

What is removed is gone for good, so a clock alone is not believed: days are counted back from the newest row's at most.
"""

import sqlite3

from proxy.ledger.estimates import keep_estimates
from proxy.ledger.notes import remove_notes
from proxy.ledger.rollups import DAY_S

STEP_ROWS = 1000
FREED_PAGES = 2000
"""Given back after a step: 8 MB, more than a step's rows fill."""


def rows_since(connection: sqlite3.Connection) -> int:
    """Rows of requests that began before this moment (Unix seconds, a midnight of UTC) were removed."""
    found = connection.execute("SELECT value FROM facts WHERE name = 'rows since'").fetchone()
    return int(found[0]) if found else 0


def mend_clock(connection: sqlite3.Connection, now: float) -> None:
    """Take back that rows of days to come were removed, as a clock that ran ahead may have said.

    Rows are then kept from the day on that follows the oldest one's: of that day some may be missing.
    """
    if rows_since(connection) <= now:
        return
    oldest = connection.execute("SELECT min(started_at) FROM requests").fetchone()[0]
    first = int(min(now, now if oldest is None else oldest)) // DAY_S + 1
    connection.execute("UPDATE facts SET value = ? WHERE name = 'rows since'", (str(first * DAY_S),))


def remove_old(connection: sqlite3.Connection, keep_days: int, now: float) -> bool:
    """Remove some rows of days that ended ``keep_days`` ago; False where there are none. A transaction of its own.

    It is no later than the day after the newest row's: neither a clock that runs ahead nor an engine that nobody used
    for long removes more.
    """
    newest = connection.execute("SELECT max(started_at) FROM requests").fetchone()[0]
    if newest is None:
        return False
    today = int(min(now, newest + DAY_S)) // DAY_S
    before = (today - keep_days) * DAY_S
    if connection.execute("SELECT 1 FROM requests WHERE started_at < ? LIMIT 1", (before,)).fetchone() is None:
        return False
    since = str(max(before, rows_since(connection)))
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT OR REPLACE INTO facts VALUES ('rows since', ?)", (since,))
    oldest = "SELECT rowid FROM requests WHERE started_at < ? ORDER BY started_at LIMIT ?"
    keep_estimates(connection, oldest, (before, STEP_ROWS))
    connection.execute(f"DELETE FROM requests WHERE rowid IN ({oldest})", (before, STEP_ROWS))
    remove_notes(connection, before)
    connection.execute("COMMIT")
    connection.executescript(f"PRAGMA incremental_vacuum({FREED_PAGES})")  # ``execute`` would free one page and stop
    return True
