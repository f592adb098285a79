"""Sums by session or by sub-agent, of which a year has tens of thousands: from what each thread did over its life.

A thread that lived wholly within the time chosen is in it with the sums of its life; only of those that were alive at
one of its borders the quarters and days are looked at. Ranking is SQLite's work, and where only the costliest are asked
for nothing else is read of the others. What belongs to no session, or to no sub-agent, is one group and comes from
cells.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from proxy.ledger.cells import OF_REQUEST, Face
from proxy.ledger.choices import NUMBER_OF, Chosen, Condition, both
from proxy.ledger.retention import rows_since
from proxy.ledger.rollups import DAY_S, MEASURES, QUARTER_S
from proxy.ledger.spans import FOREVER, Span, cut, widened
from proxy.ledger.sums import NEVER, WITH_SUMS, Grouping, Groups, Sums, added, collected, money_of, named, sums_of

LONG_S = DAY_S
"""Threads that lived as long have an index of their own."""


def lives(db: sqlite3.Connection, what: Chosen, column: str, limit: int | None) -> Groups:
    """The sums of ``what`` by ``column``, session or sub-agent, the ``limit`` costliest among them."""
    found: Groups = {}
    if what.texts.get(column) != "":
        when = widened(what.when, rows_since(db), QUARTER_S)
        asked = _Asked(db, what, NUMBER_OF[column], when, _simulated(db))
        for key, more in asked.at_borders():
            found[key] = added((found[key], more)) if key in found else more
        for key, more in asked.inside(limit, list(found)):
            found[key] = added((found[key], more)) if key in found else more
    nobody = replace(what, texts={**what.texts, column: ""})
    return found | collected(db, nobody, Grouping())


def _simulated(db: sqlite3.Connection) -> str:
    """Whether a thread's money is simulated, as SQL without a join."""
    cells = [str(cell) for (cell,) in db.execute("SELECT id FROM cells WHERE face = 0 AND simulated")]
    return f"threads.cell IN ({', '.join(cells)})" if cells else NEVER


@dataclass(frozen=True, slots=True)
class _Asked:
    db: sqlite3.Connection
    what: Chosen
    number: str
    """The column of ``threads`` that makes the groups."""
    when: Span
    simulated: str

    @property
    def meant(self) -> Condition:
        """Threads that have a group, as far as their cells tell."""
        grouped: Condition = (f"threads.{self.number} > 0", ())
        if not self.what.things and not self.what.most:
            return grouped
        where, values = self.what.of_cells(Face.WHOLE)
        return both(grouped, (f"threads.cell IN (SELECT id FROM cells WHERE {where})", values))

    @property
    def lived_inside(self) -> Condition:
        parts = [("threads.first_at >= ?", self.when.since)] * (self.when.since > 0)
        parts += [("threads.last_at < ?", self.when.until)] * (self.when.until < FOREVER)
        return " AND ".join(where for where, _ in parts) or "true", tuple(moment for _, moment in parts)

    def inside(self, limit: int | None, others: Sequence[str]) -> Iterator[tuple[str, Sums]]:
        """Sums over the threads that lived within the time: of the costliest groups, and of ``others``."""
        where, values = both(self.meant, self.lived_inside)
        asked = f"SELECT threads.{self.number} AS key, {sums_of('threads', self.simulated)}"
        grouped = f"WHERE {where} GROUP BY key"
        if limit is None:
            yield from self._groups(f"{asked} FROM threads {grouped}", values)
            return
        chosen = f"""
            (SELECT value AS number FROM json_each(?)
             UNION SELECT id FROM names WHERE name IN (SELECT value FROM json_each(?))) AS chosen
            CROSS JOIN threads ON threads.{self.number} = chosen.number
        """
        keys = (json.dumps(self._costliest(limit)), json.dumps(others))
        yield from self._groups(f"{asked} FROM {chosen} {grouped}", (*keys, *values))

    def _costliest(self, limit: int) -> list[int]:
        """By real money alone, which takes half as long, where that tells them from the next one or there is none."""
        real, simulated = money_of("threads", self.simulated)
        first = self._ranked([real], limit + 1)
        if len(first) <= limit or first[limit - 1][1] > first[limit][1]:
            return [number for number, _ in first[:limit]]
        return [number for number, *_ in self._ranked([real, simulated, "requests"], limit)]

    def _ranked(self, by: Sequence[str], limit: int) -> list[tuple[int, ...]]:
        where, values = both(self.meant, self.lived_inside)
        sums = ", ".join(f"sum({each})" for each in by)
        order = ", ".join(f"{2 + place} DESC" for place in range(len(by)))
        query = f"""
            SELECT {self.number}, {sums} FROM threads WHERE {where} GROUP BY {self.number} ORDER BY {order} LIMIT ?
        """
        return self.db.execute(query, (*values, limit)).fetchall()

    def at_borders(self) -> Iterator[tuple[str, Sums]]:
        """What the threads did within the time that were alive when it began or ended, in parts."""
        borders = [moment for moment in (self.when.since, self.when.until) if 0 < moment < FOREVER]
        if not borders:
            return
        alive, values = self._alive(borders)
        parts = cut(self.when, 0, QUARTER_S, DAY_S)
        query = f"""
            SELECT alive.{self.number} AS key, {sums_of("thread_sums")} FROM ({alive}) AS alive
            CROSS JOIN cells ON cells.id = alive.cell {WITH_SUMS}
            WHERE grain_s = ? AND slot >= ? AND slot < ? GROUP BY key
        """
        for grain_s, each in ((QUARTER_S, parts.fine), (DAY_S, parts.coarse)):
            for slots in each:
                yield from self._groups(query, (*values, grain_s, *slots))
        for span in parts.rows:
            yield from self._rows(span)

    def _alive(self, moments: Sequence[float]) -> Condition:
        """Threads that were alive at one of ``moments``, as a query for their numbers."""
        where, values = both(self.meant, ("threads.first_at < ? AND threads.last_at >= ?", ()))
        queries: list[str] = []
        taken: list[float] = []
        for moment in moments:
            for index, more in (("threads_by_begin", "first_at >= ?"), ("threads_long", "last_at - first_at >= 86400")):
                queries.append(f"SELECT session, agent, cell FROM threads INDEXED BY {index} WHERE {where} AND {more}")
                taken += (*values, moment, moment, *([moment - LONG_S] if "?" in more else ()))
        return " UNION ".join(queries), tuple(taken)

    def _rows(self, when: Span) -> Iterator[tuple[str, Sums]]:
        """What began in ``when``, where no whole quarter fits, of threads that did not live within the time."""
        where, values = self.what.of_requests(when)
        lived, borders = self.lived_inside
        names = {"session": "coalesce(session_id, '')", "agent": "coalesce(agent_id, '')"}
        columns = {**OF_REQUEST, **MEASURES, **{f"{key}_name": source for key, source in names.items()}}
        taken = ", ".join(f"{source} AS {name}" for name, source in columns.items())
        same = " AND ".join(f"cells.{name} = counted.{name}" for name in OF_REQUEST)
        numbers = " ".join(f"CROSS JOIN names AS {key}s ON {key}s.name = {key}_name" for key in names)
        query = f"""
            SELECT threads.{self.number} AS key, {sums_of("counted")}
            FROM (SELECT {taken} FROM requests WHERE {where}) AS counted
            CROSS JOIN cells ON cells.face = 0 AND {same} {numbers}
            CROSS JOIN threads ON (session, agent, cell) = (sessions.id, agents.id, cells.id)
            WHERE threads.{self.number} > 0 AND NOT ({lived}) GROUP BY key
        """
        yield from self._groups(query, (*values, *borders))

    def _groups(self, query: str, values: Sequence[object]) -> Iterator[tuple[str, Sums]]:
        return ((key, tuple(sums)) for key, *sums in self.db.execute(named(query), values))
