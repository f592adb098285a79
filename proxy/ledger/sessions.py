"""What the ledger tells of single sessions: sums by model over time, lives of requests for rates, sums by agent.

Read from rows, which know each request's moment and tier of price; of days whose rows were removed from sums by quarter
of an hour, so that a session's view is whole however old it is.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from proxy import contract as c
from proxy.ledger.cells import MODEL
from proxy.ledger.notes import agent_names
from proxy.ledger.queries import LedgerReader
from proxy.ledger.removed import Quarter, kinds_in, removed, tally_of
from proxy.ledger.retention import rows_since
from proxy.ledger.rollups import ENDED_AT, MEASURES
from proxy.ledger.rows import PROMPT
from proxy.ledger.spans import FOREVER
from proxy.ledger.sums import settled
from proxy.protocol.pace import Life
from proxy.protocol.session_bill import Axis, Sum

LONG_PROMPT_TOKENS = 200_000
"""Where price lists begin their tiers for long prompts: such requests are summed apart."""

LONGEST_S = 1800.0
"""What began earlier than a time of interest and this is not looked at."""

_MODEL = f"coalesce({MODEL}, '')"
_LIVES = f"""
    SELECT sessions.name AS session_id, nullif(cells.project, '') AS project, cells.role,
           nullif(agents.name, '') AS agent_id, parent_agent_id, cells.model, cells.simulated, first_at AS began,
           ended_at AS ended, {", ".join(f"threads.{name} AS sum_{name}" for name in MEASURES)}
    FROM names AS sessions CROSS JOIN threads ON threads.session = sessions.id
    CROSS JOIN cells ON cells.id = threads.cell CROSS JOIN names AS agents ON agents.id = threads.agent
    WHERE sessions.name = ? AND requests > 0 ORDER BY first_at
"""
_SUMS = ", ".join(f"coalesce(sum({source}), 0) AS sum_{name}" for name, source in MEASURES.items())


@dataclass(frozen=True, slots=True)
class AgentSum:
    """What an agent of a session did at one model."""

    session: str
    project: str | None
    role: c.Role
    agent_id: str | None
    parent_agent_id: str | None
    model: str
    began: float
    ended: float
    tally: c.Tally


@dataclass(frozen=True, slots=True)
class Extent:
    """When a session's first request began and its last one ended, Unix seconds."""

    began: float
    ended: float
    by_quarter: bool = False
    """Some of it is known by quarter of an hour only."""


class SessionLedger(LedgerReader):
    """Reads sessions. A session's key is empty for requests that name none."""

    def extent(self, session: str) -> Extent | None:
        """None: it has no request."""
        query = f"""SELECT min(started_at), max({ENDED_AT}) FROM requests
                    WHERE session_id IS ? AND started_at >= ? AND kind = 'messages'"""

        def read(db: sqlite3.Connection) -> Extent | None:
            old = [(each.began, each.ended) for each in removed(db, session)]
            began, ended = db.execute(query, (session or None, rows_since(db))).fetchone()
            bounds = old if began is None else [*old, (began, ended)]
            if not bounds:
                return None
            return Extent(min(first for first, _ in bounds), max(last for _, last in bounds), bool(old))

        return self._read(read, None)

    def sums(self, session: str, axis: Axis) -> list[Sum]:
        """The session's requests by step, model and tier of price."""
        query = f"""
            SELECT CAST((started_at - ?) / ? AS INTEGER) AS step, coalesce(provider, '') AS provider, {_MODEL} AS model,
                   coalesce(target_model, '') AS target_model, simulated, {_SUMS}
            FROM requests WHERE session_id IS ? AND started_at >= ? AND kind = 'messages'
            GROUP BY 1, 2, 3, 4, 5, cost_source = 'reported', {PROMPT} > {LONG_PROMPT_TOKENS}, input_nano_usd IS NULL
        """

        def read(db: sqlite3.Connection) -> list[Sum]:
            old = [each.sum_in(int((each.began - axis.begins_at) // axis.step_s)) for each in removed(db, session)]
            db.row_factory = sqlite3.Row
            rows = db.execute(query, (axis.begins_at, axis.step_s, session or None, rows_since(db)))
            return [*old, *map(_sum_of_rows, rows)]

        return self._read(read, [])

    def lives(self, session: str, since: float, others_since: float) -> list[tuple[Life, bool]]:
        """Requests of ``session`` that ended after ``since``, of the others after ``others_since``.

        The flag says that a subscription pays.
        """
        query = f"""
            SELECT started_at, coalesce(duration_ms, 0) / 1000 AS length_s, {PROMPT} + output_tokens,
                   cost_nano_usd, simulated, coalesce(session_id, ''), project, subscription
            FROM requests WHERE started_at >= ? AND kind = 'messages'
              AND {ENDED_AT} >= CASE WHEN session_id IS ? THEN ? ELSE ? END
        """
        values = (since - LONGEST_S, session or None, since, others_since)

        def read(db: sqlite3.Connection) -> list[tuple[Life, bool]]:
            return [
                (_life(began, length_s, tokens, nano_usd, bool(made_up), name, project), bool(paid))
                for began, length_s, tokens, nano_usd, made_up, name, project, paid in db.execute(query, values)
            ]

        return self._read(read, [])

    def agent_names(self, sessions: Sequence[str]) -> dict[tuple[str, str], str]:
        """What sub-agents are called, by session and sub-agent."""
        return self._read(lambda db: agent_names(db, sessions), {})

    def agents(self, session: str) -> list[AgentSum]:
        """What its agents did at each model, in the order in which they appeared."""

        def read(db: sqlite3.Connection) -> list[AgentSum] | None:
            if not settled(db):
                return None
            db.row_factory = sqlite3.Row
            return [_agent_of_rows(row) for row in db.execute(_LIVES, (session,))]

        nothing: list[AgentSum] | None = []
        found = self._read(read, nothing)
        return self.agents_before(FOREVER, [session]) if found is None else found

    def agents_before(self, moment: float, sessions: Sequence[str]) -> list[AgentSum]:
        """What the agents of ``sessions`` did before ``moment``, in the order in which they appeared."""
        query = f"""
            SELECT session_id, max(project) AS project, role, agent_id, max(parent_agent_id) AS parent_agent_id,
                   {_MODEL} AS model, simulated, min(started_at) AS began, max({ENDED_AT}) AS ended, {_SUMS}
            FROM requests WHERE session_id IS ? AND kind = 'messages' AND started_at >= ? AND started_at < ?
            GROUP BY role, agent_id, {_MODEL}, simulated
        """

        def of_session(db: sqlite3.Connection, session: str) -> Iterator[AgentSum]:
            yield from (_agent_of_quarter(session, each) for each in removed(db, session) if each.began < moment)
            yield from map(_agent_of_rows, db.execute(query, (session or None, rows_since(db), moment)))

        def read(db: sqlite3.Connection) -> list[AgentSum]:
            db.row_factory = sqlite3.Row
            return [one for session in sessions for one in sorted(of_session(db, session), key=lambda each: each.began)]

        return self._read(read, [])


def _life(
    began: float, length_s: float, tokens: int, nano_usd: int | None, made_up: bool, session: str, project: str | None
) -> Life:
    ended, priced = began + length_s, nano_usd is not None
    return Life(began, ended, tokens, nano_usd or 0, made_up, session, project, priced=priced)


def _sum_of_rows(row: sqlite3.Row) -> Sum:
    measures, simulated = _measures(row), bool(row["simulated"])
    return Sum(
        step=row["step"],
        provider=row["provider"],
        model=row["model"],
        target_model=row["target_model"],
        simulated=simulated,
        tally=tally_of(measures, simulated=simulated),
        kinds=kinds_in(measures),
        divided_nano_usd=measures["divided_nano_usd"],
    )


def _agent_of_rows(row: sqlite3.Row) -> AgentSum:
    return AgentSum(
        session=row["session_id"] or "",
        project=row["project"],
        role=row["role"],
        agent_id=row["agent_id"],
        parent_agent_id=row["parent_agent_id"],
        model=row["model"],
        began=row["began"],
        ended=row["ended"],
        tally=tally_of(_measures(row), simulated=bool(row["simulated"])),
    )


def _agent_of_quarter(session: str, quarter: Quarter) -> AgentSum:
    return AgentSum(
        session=session,
        project=quarter.project,
        role=quarter.role,
        agent_id=quarter.agent_id,
        parent_agent_id=quarter.parent_agent_id,
        model=quarter.model,
        began=quarter.began,
        ended=quarter.ended,
        tally=quarter.tally,
    )


def _measures(row: sqlite3.Row) -> Mapping[str, int]:
    return {name: row[f"sum_{name}"] for name in MEASURES}
