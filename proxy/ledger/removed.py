"""What is still known of a session's requests whose rows were removed: their sums by quarter, agent and cell."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy import contract as c
from proxy.ledger import former
from proxy.ledger.retention import rows_since
from proxy.ledger.rollups import MEASURES, QUARTER_S

_COLUMNS = ("role", "agent_id", "parent_agent_id", "project", "provider", "model", "simulated", "began", "ended")
_END = f"(slot + 1) * {QUARTER_S}"
_SUMS = ", ".join(f"thread_sums.{name}" for name in MEASURES)
_QUERY = f"""
    SELECT cells.role, nullif(agents.name, ''), parent_agent_id, nullif(cells.project, ''), cells.provider, cells.model,
           cells.simulated, max(first_at, slot * {QUARTER_S}), CASE WHEN last_at < {_END} THEN ended_at ELSE {_END} END,
           {_SUMS}
    FROM threads CROSS JOIN cells ON cells.id = threads.cell CROSS JOIN names AS agents ON agents.id = threads.agent
    CROSS JOIN thread_sums USING (session, agent, cell)
    WHERE threads.session = (SELECT id FROM names WHERE name = ?) AND grain_s = {QUARTER_S} AND slot < ?
      AND thread_sums.requests > 0
"""


@dataclass(frozen=True, slots=True)
class Quarter:
    """What an agent asked of one model within a quarter of an hour."""

    role: c.Role
    agent_id: str | None
    parent_agent_id: str | None
    project: str | None
    provider: str
    model: str
    simulated: bool
    began: float
    """Bounds, Unix seconds: of the requests themselves where these are known, else of the quarter."""
    ended: float
    sums: Mapping[str, int]
    """By the names of ``MEASURES``."""


def removed(db: sqlite3.Connection, session: str) -> list[Quarter]:
    """Of ``session``, which is empty for requests that name none; none of it is in rows any more that count."""
    since = rows_since(db)
    if since == 0:
        return []
    rows: list[tuple[Any, ...]] = db.execute(_QUERY, (session, since // QUARTER_S)).fetchall()
    rows += former.of_session(db, session, since)
    width = len(_COLUMNS)
    return [
        Quarter(**dict(zip(_COLUMNS, row[:width], strict=True)), sums=dict(zip(MEASURES, row[width:], strict=True)))
        for row in map(tuple, rows)
    ]
