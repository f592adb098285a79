"""Sums of the requests of a choice, by group: from roll-ups, and from rows only at the ends of the time chosen."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from proxy import contract as c
from proxy.ledger import former, zones
from proxy.ledger.cells import LONG, OF_REQUEST, Face
from proxy.ledger.choices import NUMBER_OF, Chosen, both
from proxy.ledger.retention import rows_since
from proxy.ledger.rollups import DAY_S, HALF_HOUR_S, HOUR_S, MEASURES, QUARTER_S, waiting_rows
from proxy.ledger.rows import USAGE_COLUMNS
from proxy.ledger.spans import Cut, Slots, Span, cut
from proxy.ledger.zones import Offsets

THREAD_GROUPS: dict[c.UsageGroup, str] = {"session": "session_id", "agent": "agent_id"}
"""Columns of ``threads``."""
TEXT_GROUPS: dict[c.UsageGroup, str] = {
    **THREAD_GROUPS,
    "role": "role",
    "model": "model",
    "provider": "provider",
    "project": "project",
}
"""The others are columns of ``cells``."""

_SUM_NAMES = tuple(f"sum_of_{name}" for name in ("requests", *USAGE_COLUMNS, "real", "simulated", "unpriced", "failed"))
WITH_SUMS = "CROSS JOIN thread_sums USING (session, agent, cell)"

NEVER = "false"
"""Where no money is simulated, in SQL."""

Sums = tuple[int, ...]
"""The columns of ``sums_of``."""
Groups = dict[str, Sums]


@dataclass(frozen=True, slots=True)
class Grouping:
    """What a key is made of: a column, or the local time."""

    column: str | None = None
    unit_s: int = 0
    """Of the local clock; 0: time makes no groups."""
    turn: int | None = None
    """Units after which they begin anew."""
    name: Callable[[Any], str] = str
    """The key of what SQL found."""

    def key(self, column: str, moment: str, offsets: Offsets) -> str:
        """The group as SQL; ``moment`` is SQL for whole Unix seconds."""
        if not self.unit_s:
            return column if self.column else "''"
        unit = f"{zones.local(moment, offsets)} / {self.unit_s}"
        return f"{unit} % {self.turn}" if self.turn else unit


TIMES: dict[c.UsageGroup, Grouping] = {
    "hour": Grouping(unit_s=HOUR_S, name=zones.hour_key),
    "day": Grouping(unit_s=DAY_S, name=zones.day_key),
    "week": Grouping(unit_s=DAY_S, name=zones.week_key),
    "month": Grouping(unit_s=DAY_S, name=zones.month_key),
    "hour_of_day": Grouping(unit_s=HOUR_S, turn=24, name="{:02}".format),
}


def money_of(table: str, simulated: str = "cells.simulated") -> tuple[str, str]:
    """What ``table`` tells of real and of simulated money, as SQL."""
    cost = f"{table}.cost_nano_usd"
    if simulated == NEVER:
        return cost, "0"
    return f"CASE WHEN {simulated} THEN 0 ELSE {cost} END", f"CASE WHEN {simulated} THEN {cost} ELSE 0 END"


def sums_of(table: str, simulated: str = "cells.simulated") -> str:
    """The sums of a group of rows of ``table``, as SQL."""
    counts = [f"{table}.{name}" for name in ("requests", *USAGE_COLUMNS)]
    rest = [f"{table}.{name}" for name in ("unpriced_requests", "failed")]
    each = (*counts, *money_of(table, simulated), *rest)
    return ", ".join(f"sum({source}) AS {name}" for name, source in zip(_SUM_NAMES, each, strict=True))


def grouping(by: c.UsageGroup) -> Grouping:
    return Grouping(TEXT_GROUPS[by]) if by in TEXT_GROUPS else TIMES[by]


def money_spent(db: sqlite3.Connection, what: Chosen) -> tuple[int, int]:
    """Nano-dollars, simulated ones too, and how many requests have no price."""
    spent = tally(total(db, what))
    return spent.cost_nano_usd + spent.simulated_nano_usd, spent.unpriced_requests


def total(db: sqlite3.Connection, what: Chosen) -> Sums:
    """The sum of all of ``what``; empty where there is nothing."""
    return added(collected(db, what, Grouping()).values())


def collected(db: sqlite3.Connection, what: Chosen, group: Grouping) -> Groups:
    """The sums by key. What was taken out again may have left a group of zeros."""
    found: Groups = {}
    for key, *sums in _parts(db, what, group):
        named = group.name(key)
        found[named] = added((found[named], sums)) if named in found else tuple(sums)
    return found


def settled(db: sqlite3.Connection) -> bool:
    """Every row is in the roll-ups, and those are of the present form."""
    return waiting_rows(db) is None and former.moved_up_to(db) is None


def added(each: Iterable[Iterable[int]]) -> Sums:
    """Empty of nothing."""
    return tuple(map(sum, zip(*each, strict=True)))


def tally(sums: Sums) -> c.Tally:
    if not sums:
        return c.Tally()
    requests, sent, written, read, write_5m, write_1h, searches, real, simulated, unpriced, failed = sums
    return c.Tally(
        requests=requests,
        usage=c.Usage(
            input_tokens=sent,
            output_tokens=written,
            cache_read_tokens=read,
            cache_write_5m_tokens=write_5m,
            cache_write_1h_tokens=write_1h,
            web_searches=searches,
        ),
        cost_nano_usd=real,
        simulated_nano_usd=simulated,
        unpriced_requests=unpriced,
        failed=failed,
    )


def _parts(db: sqlite3.Connection, what: Chosen, group: Grouping) -> Iterator[tuple[Any, ...]]:
    unrolled = waiting_rows(db) is not None
    offsets = _offsets(db, what.when) if group.unit_s else []
    coarse_s = _coarse_s(what, offsets) if group.unit_s else DAY_S
    parts = Cut((what.when,)) if unrolled else cut(what.when, rows_since(db), QUARTER_S, coarse_s)
    for span in parts.rows:
        yield from _of_rows(db, what, group, offsets, span)
    for grain_s, each in ((QUARTER_S, parts.fine), (coarse_s or 0, parts.coarse)):
        for slots in each:
            yield from _of_sums(db, what, group, offsets, grain_s, slots)
    if not unrolled:
        yield from _of_former(db, what, group, offsets)


def _coarse_s(what: Chosen, offsets: Offsets) -> int | None:
    """The longest slots that belong to one local hour each, where quarters would be too many."""
    return HALF_HOUR_S if _whole(offsets, HALF_HOUR_S) and not what.threads and what.face() in LONG else None


def _whole(offsets: Offsets, unit_s: int) -> bool:
    return all(offset % unit_s == 0 for _, offset in offsets)


def _offsets(db: sqlite3.Connection, when: Span) -> Offsets:
    """Of the local clock, as far as there is something to sum."""
    quarters = f"FROM cell_sums WHERE cell = cells.id AND grain_s = {QUARTER_S}"
    query = f"""
        SELECT min(first), max(last) FROM (
            SELECT (SELECT min(slot) * {QUARTER_S} {quarters}) AS first,
                   (SELECT max(slot) * {QUARTER_S} {quarters}) AS last
            FROM cells WHERE face = 1
            UNION ALL SELECT (SELECT min(started_at) FROM requests), (SELECT max(started_at) FROM requests)
            {former.bounds(db)})
    """
    first, last = db.execute(query).fetchone()
    begin = max(when.since, first or 0.0)
    return zones.offsets(begin, max(begin, min(when.until, (last or 0.0) + QUARTER_S)))


def _of_rows(db: sqlite3.Connection, what: Chosen, group: Grouping, offsets: Offsets, when: Span) -> sqlite3.Cursor:
    where, values = what.of_requests(when)
    columns = ", ".join(f"{source} AS {name}" for name, source in (*MEASURES.items(), ("simulated", "simulated")))
    text = OF_REQUEST.get(group.column or "", f"coalesce({group.column}, '')")
    key = group.key(text, "CAST(started_at AS INTEGER)", offsets)
    asked = sums_of("asked", "asked.simulated")
    query = (
        f"SELECT key, {asked} FROM (SELECT {key} AS key, {columns} FROM requests WHERE {where}) AS asked GROUP BY key"
    )
    return db.execute(query, values)


def _of_sums(
    db: sqlite3.Connection,
    what: Chosen,
    group: Grouping,
    offsets: Offsets,
    grain_s: int,
    slots: Slots,
) -> sqlite3.Cursor:
    table, joined, where, values = rolled(what, grain_s, group.column)
    number = NUMBER_OF.get(group.column or "")
    column = f"threads.{number}" if number else f"cells.{group.column}"
    query = f"""
        SELECT {group.key(column, f"slot * {grain_s}", offsets)} AS key, {sums_of(table)} FROM {joined}
        WHERE {where} AND grain_s = ? AND slot >= ? AND slot < ? GROUP BY key
    """
    return db.execute(named(query) if number else query, (*values, grain_s, *slots))


def named(query: str) -> str:
    """``query`` for ``key`` and sums with a name in the place of each key, which is its number."""
    return f"SELECT name, {', '.join(_SUM_NAMES)} FROM ({query}) AS asked CROSS JOIN names ON names.id = asked.key"


def rolled(what: Chosen, grain_s: int, column: str | None = None) -> tuple[str, str, str, tuple[Any, ...]]:
    """The table of sums in which ``what`` is, told apart by ``column``; it joined, the condition and its values.

    The order of the join is fixed: the few threads or cells that are meant come first and lead to their sums.
    """
    if not what.threads and column not in THREAD_GROUPS.values():
        face = what.face(*([column] if column else []))
        where, values = what.of_cells(face if grain_s == QUARTER_S or face in LONG else Face.WHOLE)
        return "cell_sums", "cells CROSS JOIN cell_sums ON cell_sums.cell = cells.id", where, values
    where, values = both(what.of_threads(), what.of_cells(Face.WHOLE))
    return "thread_sums", f"threads CROSS JOIN cells ON cells.id = threads.cell {WITH_SUMS}", where, values


def _of_former(db: sqlite3.Connection, what: Chosen, group: Grouping, offsets: Offsets) -> Iterator[tuple[Any, ...]]:
    threads = any(name in what.texts for name in THREAD_GROUPS.values()) or group.column in THREAD_GROUPS.values()
    hours = HOUR_S if _whole(offsets, HOUR_S) and not threads else None
    for grain_s, slots in former.slots(db, what.when, hours if group.unit_s else DAY_S):
        key = group.key(f"former_series.{group.column}", f"slot * {grain_s}", offsets)
        tables, where, values = former.rolled(what, grain_s, slots, threads=threads)
        found = sums_of("former_rollups", "former_series.simulated")
        yield from db.execute(f"SELECT {key} AS key, {found} FROM {tables} WHERE {where} GROUP BY key", values)
