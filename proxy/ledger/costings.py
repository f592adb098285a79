"""Rows whose cost can be computed anew, read in pages: what was used, at which provider, by which model, when."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from proxy import contract as c
from proxy.ledger.rows import USAGE_COLUMNS, passes_of, usage_of
from proxy.ledger.schema import connect
from proxy.ledger.spans import span

REPRICED: tuple[c.CostSource, ...] = ("listed", "settings", "genai-prices", "unknown")
"""Sources of costs that follow a price; what a provider reported, and what was free, is a fact. Where a request took
several answers, each has its own."""

_COLUMNS = """
    rowid, id, started_at, session_id, agent_id, project, role, coalesce(provider, ''), served_model, target_model,
    simulated, subscription, cost_nano_usd, cost_source, speed, geo, searched_here, passes
"""


class Costing(NamedTuple):
    """A request as far as its cost goes."""

    rowid: int
    id: str
    started_at: float
    session_id: str | None
    agent_id: str | None
    project: str | None
    role: c.Role
    provider: str
    """Empty where the request was imported."""
    served_model: str | None
    target_model: str | None
    simulated: int
    subscription: int
    cost_nano_usd: int | None
    cost_source: c.CostSource
    speed: str | None
    geo: str | None
    searched_here: int
    passes: str | None
    """As the row has them."""
    usage: c.Usage

    @property
    def paid(self) -> tuple[c.Pass, ...]:
        """Its answers, each as it is paid for."""
        return passes_of(self.passes) or (
            c.Pass(
                provider=self.provider,
                served_model=self.served_model,
                target_model=self.target_model,
                usage=self.usage,
                speed=self.speed,
                geo=self.geo,
                searched_here=bool(self.searched_here),
            ),
        )


class CostingPages:
    """The rows of a span of time, oldest first. Every page blocks: ask for it in a thread."""

    def __init__(self, file: Path, since: float | None, until: float | None, page_rows: int) -> None:
        whole = span(since, until)
        self._file, self._until, self._page_rows = file, whole.until, page_rows
        self._after: tuple[float, int] = (whole.since, -1)
        self._sources = ", ".join(f"'{each}'" for each in REPRICED)

    def next(self) -> list[Costing]:
        """Some more; empty after the last, and where there is no ledger. Raises ``sqlite3.DatabaseError``."""
        tokens = " + ".join(USAGE_COLUMNS)
        query = f"""
            SELECT {_COLUMNS}, {", ".join(USAGE_COLUMNS)} FROM requests
            WHERE (started_at, rowid) > (?, ?) AND started_at < ? AND kind = 'messages'
              AND (provider IS NOT NULL OR imported) AND {tokens} > 0
              AND (cost_source IN ({self._sources}) OR passes IS NOT NULL)
            ORDER BY started_at, rowid LIMIT ?
        """
        if not self._file.exists():
            return []
        connection = connect(str(self._file), read_only=True)
        try:
            rows = connection.execute(query, (*self._after, self._until, self._page_rows)).fetchall()
        finally:
            connection.close()
        width = len(Costing._fields) - 1
        found = [Costing._make((*row[:width], _usage(row[width:]))) for row in rows]
        if found:
            self._after = (found[-1].started_at, found[-1].rowid)
        return found


def _usage(counts: Sequence[int]) -> c.Usage:
    return usage_of(dict(zip(USAGE_COLUMNS, counts, strict=True)))
