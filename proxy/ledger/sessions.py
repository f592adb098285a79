"""What the ledger tells of single sessions: sums by model over time, lives of requests for rates, sums by agent."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from proxy import contract as c
from proxy.ledger.queries import LedgerReader
from proxy.ledger.rows import SUMS, usage_of
from proxy.protocol.pace import Life
from proxy.protocol.session_bill import Axis, Sum

LONG_PROMPT_TOKENS = 200_000
"""Where price lists begin their tiers for long prompts: such requests are summed apart."""

LONGEST_S = 1800.0
"""What began earlier than a time of interest and this is not looked at."""

_MODEL = "coalesce(served_model, target_model, asked_model, '')"
_PROMPT = "input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens"
_MONEY = "coalesce(sum(cost_nano_usd), 0)"
_COUNTS = f"""
    count(*) AS requests, {SUMS}, {_MONEY} AS nano_usd, coalesce(sum(cost_nano_usd IS NULL), 0) AS unpriced_requests,
    coalesce(sum(outcome = 'failed'), 0) AS failed
"""


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


class SessionLedger(LedgerReader):
    """Reads sessions. A session's key is empty for requests that name none."""

    def span(self, session: str) -> tuple[float, float] | None:
        """When the session's first request began and its last one ended; None: it has none."""
        query = """SELECT min(started_at), max(started_at + coalesce(duration_ms, 0) / 1000) FROM requests
                   WHERE session_id IS ? AND kind = 'messages'"""

        def read(db: sqlite3.Connection) -> tuple[float, float] | None:
            began, ended = db.execute(query, (session or None,)).fetchone()
            return None if began is None else (began, ended)

        return self._read(read, None)

    def sums(self, session: str, axis: Axis) -> list[Sum]:
        """The session's requests by step, model and tier of price."""
        query = f"""
            SELECT CAST((started_at - ?) / ? AS INTEGER) AS step, coalesce(provider, '') AS provider, {_MODEL} AS model,
                   coalesce(target_model, '') AS target_model, simulated, {_COUNTS}
            FROM requests WHERE session_id IS ? AND kind = 'messages'
            GROUP BY 1, 2, 3, 4, 5, cost_source = 'reported', {_PROMPT} > {LONG_PROMPT_TOKENS}
        """

        def read(db: sqlite3.Connection) -> list[Sum]:
            db.row_factory = sqlite3.Row
            rows = db.execute(query, (axis.begins_at, axis.step_s, session or None))
            return [
                Sum(
                    step=row["step"],
                    provider=row["provider"],
                    model=row["model"],
                    target_model=row["target_model"],
                    simulated=bool(row["simulated"]),
                    tally=_tally(row),
                )
                for row in rows
            ]

        return self._read(read, [])

    def lives(self, session: str, since: float, others_since: float) -> list[tuple[Life, bool]]:
        """Requests of ``session`` that ended after ``since``, of the others after ``others_since``.

        The flag says that a subscription pays.
        """
        query = f"""
            SELECT started_at, coalesce(duration_ms, 0) / 1000 AS length_s, {_PROMPT} + output_tokens,
                   cost_nano_usd, simulated, coalesce(session_id, ''), project, subscription
            FROM requests WHERE started_at >= ? AND kind = 'messages'
              AND started_at + coalesce(duration_ms, 0) / 1000 >= CASE WHEN session_id IS ? THEN ? ELSE ? END
        """
        values = (since - LONGEST_S, session or None, since, others_since)

        def read(db: sqlite3.Connection) -> list[tuple[Life, bool]]:
            return [
                (_life(began, length_s, tokens, nano_usd, bool(made_up), name, project), bool(paid))
                for began, length_s, tokens, nano_usd, made_up, name, project, paid in db.execute(query, values)
            ]

        return self._read(read, [])

    def agents_before(self, moment: float, sessions: Sequence[str]) -> list[AgentSum]:
        """What the agents of ``sessions`` did before ``moment``, in the order in which they appeared."""
        query = f"""
            SELECT session_id, max(project) AS project, role, agent_id, max(parent_agent_id) AS parent_agent_id,
                   {_MODEL} AS model, simulated, min(started_at) AS began,
                   max(started_at + coalesce(duration_ms, 0) / 1000) AS ended, {_COUNTS}
            FROM requests WHERE session_id = ? AND kind = 'messages' AND started_at < ?
            GROUP BY role, agent_id, {_MODEL}, simulated ORDER BY began
        """

        def read(db: sqlite3.Connection) -> list[AgentSum]:
            db.row_factory = sqlite3.Row
            return [_agent_sum(row) for session in sessions if session for row in db.execute(query, (session, moment))]

        return self._read(read, [])


def _life(
    began: float, length_s: float, tokens: int, nano_usd: int | None, made_up: bool, session: str, project: str | None
) -> Life:
    ended, priced = began + length_s, nano_usd is not None
    return Life(began, ended, tokens, nano_usd or 0, made_up, session, project, priced=priced)


def _agent_sum(row: sqlite3.Row) -> AgentSum:
    return AgentSum(
        session=row["session_id"],
        project=row["project"],
        role=row["role"],
        agent_id=row["agent_id"],
        parent_agent_id=row["parent_agent_id"],
        model=row["model"],
        began=row["began"],
        ended=row["ended"],
        tally=_tally(row),
    )


def _tally(row: sqlite3.Row) -> c.Tally:
    values = dict(row)
    made_up = values["simulated"]
    return c.Tally(
        requests=values["requests"],
        usage=usage_of(values),
        cost_nano_usd=0 if made_up else values["nano_usd"],
        simulated_nano_usd=values["nano_usd"] if made_up else 0,
        unpriced_requests=values["unpriced_requests"],
        failed=values["failed"],
    )
