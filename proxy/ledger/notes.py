"""What the ledger keeps beside requests: what sub-agents are called, and which prompt caches broke.

A name is a few words, those that the panel shows; of a break there are its place, counts and cost. They are removed
with the rows of their days.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from proxy import contract as c

BREAKS_TOLD = 10
"""Of a session, the last ones; the sums have all."""


@dataclass(frozen=True, slots=True)
class AgentName:
    """What a sub-agent is called."""

    session: str
    agent: str
    name: str
    at: float
    """When that was learned, Unix seconds."""


@dataclass(frozen=True, slots=True)
class CacheLoss:
    """A prompt cache of a session broke."""

    session: str
    broken: c.CacheBreak


Note = AgentName | CacheLoss


class Losses(NamedTuple):
    """The breaks of a session that are kept."""

    breaks: tuple[c.CacheBreak, ...] = ()
    """The last ones, newest first."""
    lost_nano_usd: int | None = 0
    """Of all; None where the price of one is not known."""
    simulated_nano_usd: int = 0


_BREAK_COLUMNS = (
    "at",
    "request_id",
    "reason",
    "agent_id",
    "lost_tokens",
    "lost_nano_usd",
    "read_before",
    "read_after",
    "simulated",
)


def write_notes(connection: sqlite3.Connection, notes: Iterable[Note]) -> None:
    """The same note again takes the place of the first."""
    for note in notes:
        match note:
            case AgentName():
                values = (note.session, note.agent, note.name, note.at)
                connection.execute("INSERT OR REPLACE INTO agent_names VALUES (?, ?, ?, ?)", values)
            case CacheLoss():
                marks = ", ".join("?" * (1 + len(_BREAK_COLUMNS)))
                columns = ", ".join(("session_id", *_BREAK_COLUMNS))
                told = [getattr(note.broken, name) for name in _BREAK_COLUMNS]
                connection.execute(
                    f"INSERT OR REPLACE INTO cache_breaks ({columns}) VALUES ({marks})", (note.session, *told)
                )


def remove_notes(connection: sqlite3.Connection, before: float) -> None:
    """Those from before that moment (Unix seconds)."""
    for table in ("agent_names", "cache_breaks"):
        connection.execute(f"DELETE FROM {table} WHERE at < ?", (before,))


def agent_names(db: sqlite3.Connection, sessions: Sequence[str]) -> dict[tuple[str, str], str]:
    """Names by session and sub-agent."""
    query = "SELECT agent_id, name FROM agent_names WHERE session_id = ?"
    return {(session, agent): name for session in sessions for agent, name in db.execute(query, (session,))}


def names_of_agents(db: sqlite3.Connection, agents: Sequence[str]) -> dict[str, str]:
    """Names by sub-agent, whatever the session: an id is nobody else's."""
    query = "SELECT agent_id, name FROM agent_names WHERE agent_id IN (SELECT value FROM json_each(?))"
    return dict(db.execute(query, (json.dumps(agents),)))


def losses(db: sqlite3.Connection, session: str) -> Losses:
    """What is known of the caches of ``session``."""
    last = f"""
        SELECT {", ".join(_BREAK_COLUMNS)} FROM cache_breaks WHERE session_id = ? ORDER BY at DESC LIMIT {BREAKS_TOLD}
    """
    whole = """
        SELECT coalesce(sum(lost_nano_usd IS NULL), 0),
               coalesce(sum(CASE WHEN simulated THEN 0 ELSE lost_nano_usd END), 0),
               coalesce(sum(CASE WHEN simulated THEN lost_nano_usd ELSE 0 END), 0)
        FROM cache_breaks WHERE session_id = ?
    """
    rows = [dict(zip(_BREAK_COLUMNS, row, strict=True)) for row in db.execute(last, (session,))]
    unpriced, real, simulated = db.execute(whole, (session,)).fetchone()
    breaks = tuple(c.CacheBreak(**{**row, "simulated": bool(row["simulated"])}) for row in rows)
    return Losses(breaks, None if unpriced else real, simulated)
