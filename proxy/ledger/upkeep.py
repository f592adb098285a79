"""What the ledger's writer does between batches, a little at a time: roll up an old ledger, move former sums, remove
old rows."""

import sqlite3

from proxy.ledger.former import move
from proxy.ledger.retention import mend_clock, remove_old
from proxy.ledger.rollups import catch_up

STEP_PAUSE_S = 0.02
LOOK_AGAIN_S = 600.0
"""Days end while the engine runs."""


class Upkeep:
    """The chores of one ledger."""

    def __init__(self, keep_days: int | None) -> None:
        """``keep_days`` None: rows are kept for ever."""
        self._keep_days = keep_days

    def step(self, connection: sqlite3.Connection, now: float) -> float:
        """Do a little, some 50 ms; how many seconds may pass until the next step."""
        if catch_up(connection) or move(connection):
            return STEP_PAUSE_S
        mend_clock(connection, now)
        if self._keep_days is not None and remove_old(connection, self._keep_days, now):
            return STEP_PAUSE_S
        return LOOK_AGAIN_S
