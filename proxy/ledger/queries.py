"""What is asked of the ledger: lists of requests, sums by group, speeds. Each has an index or roll-ups behind it."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import msgspec

from proxy import contract as c
from proxy.estimate import RATIO_MAX
from proxy.ledger.choices import Chosen, chosen
from proxy.ledger.estimates import estimated_requests
from proxy.ledger.known import known_ids, outgrown, rows_begin
from proxy.ledger.latencies import latency_report
from proxy.ledger.reports import usage_report
from proxy.ledger.retention import rows_since
from proxy.ledger.rollups import DAY_S, QUARTER_S
from proxy.ledger.rows import PROMPT, SELECT, from_row
from proxy.ledger.schema import connect
from proxy.ledger.spans import Slots, Span, cut, span
from proxy.ledger.sums import money_spent, rolled, settled

T = TypeVar("T")

_SESSIONS_OF_AGENT = """
    SELECT name FROM names
    WHERE id IN (SELECT session FROM threads WHERE agent > 0 AND agent = (SELECT id FROM names WHERE name = ?)) LIMIT 2
"""
NAMED_MAX = 5
"""Sessions that are named where the start of an id fits several."""


class LedgerReader:
    """Reads the ledger. Every method blocks: call it in a thread. A missing or damaged file reads as empty."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def last(self, limit: int, session: str | None = None) -> list[c.Request]:
        """The newest ended requests of every kind, newest first."""
        where, values = ("WHERE session_id = ?", (session,)) if session else ("", ())
        query = f"{SELECT} {where} ORDER BY started_at DESC LIMIT ?"
        return self._read(lambda db: [from_row(row) for row in db.execute(query, (*values, limit))], [])

    def requests(self, choice: c.Choice, limit: int) -> list[c.Request]:
        """The newest of those that ``usage`` sums, newest first; rows that were removed are not among them."""

        def query(db: sqlite3.Connection) -> list[c.Request]:
            what = _with_session(db, chosen(choice))
            found: list[c.Request] = []
            for when in _spans_with_rows(db, what):
                where, values = what.of_requests(when)
                rows = db.execute(
                    f"{SELECT} WHERE {where} ORDER BY started_at DESC LIMIT ?", (*values, limit - len(found))
                )
                found += map(from_row, rows)
                if len(found) >= limit:
                    break
            return found

        return self._read(query, [])

    def find(self, request_id: str) -> c.Request | None:
        def query(db: sqlite3.Connection) -> c.Request | None:
            row = db.execute(f"{SELECT} WHERE id = ?", (request_id,)).fetchone()
            return from_row(row) if row else None

        return self._read(query, None)

    def known(self, requests: Sequence[c.Request]) -> tuple[frozenset[str], float] | None:
        """Ids of those of ``requests`` that are here already, and since when rows are kept; None: it cannot be told."""
        return self._read(lambda db: (known_ids(db, requests), rows_begin(db)), None)

    def outgrown(self, requests: Sequence[c.Request]) -> list[c.Request]:
        """What was imported with less output than ``requests`` have under the same ids."""
        return self._read(lambda db: outgrown(db, requests), [])

    def since(self, moment: float) -> list[c.Request]:
        """Requests that began at or after ``moment`` (Unix seconds), oldest first."""
        query = f"{SELECT} WHERE started_at >= ? ORDER BY started_at"
        return self._read(lambda db: [from_row(row) for row in db.execute(query, (moment,))], [])

    def sessions(self, start: str) -> list[str]:
        """Sessions whose id begins with ``start``, or is it; a few at most."""
        query = """
            SELECT name FROM names WHERE name >= ?1 AND name < ?1 || char(0x10ffff)
              AND EXISTS (SELECT 1 FROM threads WHERE session = names.id)
            UNION SELECT session_id FROM requests WHERE session_id >= ?1 AND session_id < ?1 || char(0x10ffff)
            ORDER BY 1 LIMIT ?2
        """
        if not start:
            return []
        found: list[str] = self._read(lambda db: [row[0] for row in db.execute(query, (start, NAMED_MAX))], [])
        return [start] if start in found else found

    def usage(self, choice: c.Choice, by: c.UsageGroup, limit: int | None = None) -> c.UsageReport:
        """Sums of the ``messages`` requests of ``choice``, in total and by group; of groups that are not times the
        ``limit`` costliest alone, if one is given.

        Exact, but that before the oldest row that is kept a quarter of an hour counts wholly in which a border lies.
        """

        def report(db: sqlite3.Connection) -> c.UsageReport:
            what = _with_session(db, chosen(choice))
            sums = usage_report(db, choice, what, by, limit)
            return msgspec.structs.replace(sums, estimated_requests=estimated_requests(db, what))

        return self._read(report, c.UsageReport(total=c.Tally(), rows=(), choice=choice))

    def latency(self, choice: c.Choice) -> c.LatencyReport:
        """Percentiles of the served and streamed requests of ``choice``, right to 7 %."""
        return self._read(
            lambda db: latency_report(db, choice, _with_session(db, chosen(choice))),
            c.LatencyReport(rows=(), choice=choice),
        )

    def spent(
        self,
        since: float,
        until: float,
        *,
        where: tuple[str, str] | None = None,
        simulated: bool,
        subscription: bool,
    ) -> tuple[int, int]:
        """Nano-dollars of the requests that began from ``since`` to before ``until``, and how many have no price.

        ``where`` is a session or a project. Simulated and subscribers' requests are in it if so told.
        """
        named = chosen(c.Choice(**{where[0]: where[1]})).texts if where else {}  # type: ignore[arg-type]
        what = Chosen(span(since, until), named, {"simulated": int(simulated), "subscription": int(subscription)})
        return self._read(lambda db: money_spent(db, what), (0, 0))

    def bytes_per_token(self) -> dict[str, float]:
        """Bytes of a request body for each prompt token, by model, from what providers counted lately of text."""
        query = f"""
            SELECT coalesce(target_model, served_model) AS model,
                   sum(request_bytes) * 1.0 / sum({PROMPT})
            FROM (SELECT * FROM requests WHERE kind = 'messages' AND outcome = 'served' AND usage_estimated = 0
                    AND imported = 0 AND web_searches = 0
                  ORDER BY started_at DESC LIMIT 500)
            WHERE request_bytes < ? * {PROMPT}
            GROUP BY 1
        """
        found = (RATIO_MAX,)
        return self._read(lambda db: {model: ratio for model, ratio in db.execute(query, found) if model and ratio}, {})

    def _read(self, query: Callable[[sqlite3.Connection], T], nothing: T) -> T:
        """What ``query`` finds in one state of the file, whatever is written meanwhile."""
        try:
            connection = connect(str(self._file), read_only=True)
        except sqlite3.OperationalError:
            return nothing
        try:
            connection.execute("BEGIN")
            return query(connection)
        except sqlite3.DatabaseError:
            return nothing
        finally:
            connection.close()


def _with_session(db: sqlite3.Connection, what: Chosen) -> Chosen:
    """``what`` with the session of the agent that it names: rows are found by session."""
    agent = what.texts.get("agent_id")
    if not agent or "session_id" in what.texts or not settled(db):
        return what
    sessions = db.execute(_SESSIONS_OF_AGENT, (agent,)).fetchall()
    return replace(what, texts={"session_id": sessions[0][0], **what.texts}) if len(sessions) == 1 else what


def _spans_with_rows(db: sqlite3.Connection, what: Chosen) -> Iterator[Span]:
    """Spans that hold all rows of ``what``, the newest first: quarters, where something is named that has no index."""
    if not what.texts or what.texts.get("session_id") or not settled(db):
        yield what.when
        return
    parts = cut(what.when, rows_since(db), QUARTER_S)
    yield from (end for end in parts.rows if end.until == what.when.until)
    a_day = DAY_S // QUARTER_S
    for first, last in parts.fine:
        for day in _slots(db, what, DAY_S, (first // a_day, -(-last // a_day))):
            quarters = (max(first, day * a_day), min(last, (day + 1) * a_day))
            for quarter in _slots(db, what, QUARTER_S, quarters):
                yield Span(quarter * QUARTER_S, (quarter + 1) * QUARTER_S)
    yield from (end for end in parts.rows if end.until != what.when.until)


def _slots(db: sqlite3.Connection, what: Chosen, grain_s: int, slots: Slots) -> list[int]:
    """The slots in which there is something of ``what``, the last first."""
    _, joined, where, values = rolled(what, grain_s)
    query = f"SELECT DISTINCT slot FROM {joined} WHERE {where} AND grain_s = ? AND slot >= ? AND slot < ?"
    return sorted((slot for (slot,) in db.execute(query, (*values, grain_s, *slots))), reverse=True)
