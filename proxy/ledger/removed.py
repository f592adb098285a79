"""What is still known of a session's requests whose rows were removed: their sums by quarter, agent and cell."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy import contract as c
from proxy.ledger import former
from proxy.ledger.retention import rows_since
from proxy.ledger.rollups import MEASURES, QUARTER_S
from proxy.ledger.rows import split_of, usage_of
from proxy.protocol.session_bill import Sum, kinds_of

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
    measures: Mapping[str, int]

    @property
    def tally(self) -> c.Tally:
        return tally_of(self.measures, simulated=self.simulated)

    def sum_in(self, step: int) -> Sum:
        """As what began in ``step``."""
        return Sum(
            step=step,
            provider=self.provider,
            model=self.model,
            target_model="",
            simulated=self.simulated,
            tally=self.tally,
            kinds=kinds_in(self.measures),
            divided_nano_usd=self.measures["divided_nano_usd"],
        )


def removed(db: sqlite3.Connection, session: str) -> list[Quarter]:
    """Of ``session``, which is empty for requests that name none; none of it is in rows any more that count."""
    since = rows_since(db)
    if since == 0:
        return []
    rows: list[tuple[Any, ...]] = db.execute(_QUERY, (session, since // QUARTER_S)).fetchall()
    rows += former.of_session(db, session, since)
    return [_quarter(tuple(row)) for row in rows]


def _quarter(row: tuple[Any, ...]) -> Quarter:
    role, agent, parent, project, provider, model, simulated, began, ended, *counts = row
    measures = dict(zip(MEASURES, counts, strict=True))
    return Quarter(role, agent, parent, project, provider, model, bool(simulated), began, ended, measures)


def kinds_in(measures: Mapping[str, int]) -> Mapping[c.CostKind, int]:
    """What of a sum's cost was recorded by kind; ``measures`` go by the names of ``MEASURES``."""
    return kinds_of(split_of({**measures, "divided": False}) or c.CostSplit())


def tally_of(measures: Mapping[str, int], *, simulated: bool) -> c.Tally:
    """A sum whose money is all real or all simulated."""
    nano_usd = measures["cost_nano_usd"]
    return c.Tally(
        requests=measures["requests"],
        usage=usage_of(measures),
        cost_nano_usd=0 if simulated else nano_usd,
        simulated_nano_usd=nano_usd if simulated else 0,
        unpriced_requests=measures["unpriced_requests"],
        failed=measures["failed"],
    )
