"""Sums of the requests of a choice, by group: from roll-ups, and from rows only at the ends of the time chosen."""

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from proxy import contract as c
from proxy.ledger.choices import Chosen
from proxy.ledger.retention import rows_since
from proxy.ledger.rollups import COLUMN_OF, DAY_S, HOUR_S, MEASURES, Level, waiting_rows
from proxy.ledger.rows import USAGE_COLUMNS
from proxy.ledger.spans import Cut, Slots, Span, cut

_TEXT_GROUPS: dict[c.UsageGroup, str] = {
    "session": "session_id",
    "agent": "agent_id",
    "role": "role",
    "model": "model",
    "provider": "provider",
    "project": "project",
}
"""Columns of ``series``."""
_TIME_GROUPS: dict[c.UsageGroup, str] = {
    "hour": "%Y-%m-%d %H:00",
    "day": "%Y-%m-%d",
    "week": "%Y-%m-%d",
    "month": "%Y-%m",
    "hour_of_day": "%H",
}
"""Keys as SQLite writes them; weeks are made of days, for it does not know ISO's."""

_SUM_OF = {
    **{name: name for name in ("requests", *USAGE_COLUMNS)},
    "real": "CASE WHEN simulated THEN 0 ELSE cost_nano_usd END",
    "simulated": "CASE WHEN simulated THEN cost_nano_usd ELSE 0 END",
    "unpriced_requests": "unpriced_requests",
    "failed": "failed",
}
_SUM_NAMES = tuple(f"{name}_sum" for name in _SUM_OF)
_SUMS = ", ".join(f"sum({source}) AS {name}_sum" for name, source in _SUM_OF.items())
ZONE_STEP_S = 14 * DAY_S
"""No zone keeps its summer time for a shorter time."""

Sums = tuple[int, ...]
"""The columns of ``_SUMS``."""


@dataclass(frozen=True, slots=True)
class _Grouping:
    """What a key is made of."""

    column: str | None = None
    """Of ``series``; None: all is one group, or time makes the groups."""
    form: str | None = None

    def key(self, column_of: dict[str, str], moment: str) -> str:
        """The key as SQL; ``moment`` is whole Unix seconds."""
        if self.form:
            return f"strftime('{self.form}', {moment}, 'unixepoch', 'localtime')"
        return f"coalesce({column_of[self.column]}, '')" if self.column else "''"


def usage_report(db: sqlite3.Connection, choice: c.Choice, what: Chosen, by: c.UsageGroup) -> c.UsageReport:
    """The sums of ``choice``, which is ``what``: by time in its order, else the costliest first."""
    groups = _collected(db, what, _Grouping(_TEXT_GROUPS.get(by), _TIME_GROUPS.get(by)), _week if by == "week" else str)
    rows = [c.UsageRow(key=key, tally=_tally(sums)) for key, sums in groups.items() if sums[0]]
    rows.sort(key=lambda row: row.key)
    if by in _TEXT_GROUPS:
        rows.sort(key=_costliest_first)
    total = _tally(_added(groups.values()))
    return c.UsageReport(total=total, rows=tuple(rows), choice=choice)


def money_spent(db: sqlite3.Connection, what: Chosen) -> tuple[int, int]:
    """Nano-dollars, simulated ones too, and how many requests have no price."""
    tally = _tally(_added(_collected(db, what, _Grouping(), str).values()))
    return tally.cost_nano_usd + tally.simulated_nano_usd, tally.unpriced_requests


def _collected(db: sqlite3.Connection, what: Chosen, group: _Grouping, name: Any) -> dict[str, Sums]:
    found: dict[str, Sums] = {}
    for key, *sums in _parts(db, what, group):
        named = name(key)
        found[named] = _added((found[named], sums)) if named in found else tuple(sums)
    return found


def _parts(db: sqlite3.Connection, what: Chosen, group: _Grouping) -> Iterator[tuple[Any, ...]]:
    threads = what.threads or group.column in ("session_id", "agent_id")
    fine, coarse = Level.QUARTER_THREADS if threads else Level.QUARTER, _coarse(db, what, group, threads=threads)
    parts = Cut((what.when,))
    if waiting_rows(db) is None:
        parts = cut(what.when, rows_since(db), fine.grain_s, coarse.grain_s if coarse else None)
    for span in parts.rows:
        yield from _of_rows(db, what, group, span)
    for level, each in ((fine, parts.fine), (coarse or fine, parts.coarse)):
        for slots in each:
            yield from _of_rollups(db, what, group, level, slots)


def _coarse(db: sqlite3.Connection, what: Chosen, group: _Grouping, *, threads: bool) -> Level | None:
    """The level that has the longest slots of which none belongs to two groups."""
    if group.form is None:
        return Level.DAY_THREADS if threads else Level.DAY
    return Level.HOUR if not threads and _whole_hours(db, what.when) else None


def _whole_hours(db: sqlite3.Connection, when: Span) -> bool:
    """Whether local hours were whole hours of UTC, as far as there is something to sum."""
    day = f"FROM rollups WHERE level = {int(Level.DAY)}"
    first, last = db.execute(f"SELECT (SELECT min(slot) {day}), (SELECT max(slot) {day})").fetchone()
    if first is None:
        return True
    begin, end = max(when.since, first * DAY_S), min(when.until, (last + 1) * DAY_S)
    moments = (*range(int(begin), int(end), ZONE_STEP_S), begin, end)
    return all(time.localtime(moment).tm_gmtoff % HOUR_S == 0 for moment in moments)


def _of_rows(db: sqlite3.Connection, what: Chosen, group: _Grouping, when: Span) -> sqlite3.Cursor:
    where, values = what.of_requests(when)
    columns = ", ".join(f"{source} AS {name}" for name, source in (*MEASURES, ("simulated", "simulated")))
    key = group.key(COLUMN_OF, "CAST(started_at AS INTEGER)")
    query = f"SELECT key, {_SUMS} FROM (SELECT {key} AS key, {columns} FROM requests WHERE {where}) GROUP BY key"
    return db.execute(query, values)


def _of_rollups(db: sqlite3.Connection, what: Chosen, group: _Grouping, level: Level, slots: Slots) -> sqlite3.Cursor:
    joined, where, values = rolled(what, level, slots)
    key = group.key({name: f"series.{name}" for name in COLUMN_OF}, f"slot * {level.grain_s}")
    if group.form is None:
        return db.execute(f"SELECT {key} AS key, {_SUMS} FROM {joined} WHERE {where} GROUP BY key", values)
    by_slot = f"SELECT slot, {_SUMS} FROM {joined} WHERE {where} GROUP BY slot"
    again = ", ".join(f"sum({name})" for name in _SUM_NAMES)
    return db.execute(f"SELECT {key} AS key, {again} FROM ({by_slot}) GROUP BY key", values)


def rolled(what: Chosen, level: Level, slots: Slots) -> tuple[str, str, tuple[Any, ...]]:
    """Tables, condition and values for the roll-ups of a level in which ``what`` is.

    The order of the join is fixed. Where few series are meant they come first and lead to their roll-ups: those of a
    session or an agent, and those without sessions. Otherwise the time does.
    """
    where = f"rollups.level = ? AND rollups.slot >= ? AND rollups.slot < ? AND {what.of_series()}"
    values = (int(level), *slots, *what.values)
    if not what.texts or (level.threads and not what.threads):
        return "rollups CROSS JOIN series ON series.id = rollups.series", where, values
    if not level.threads:
        where = f"series.session_id = '' AND series.agent_id = '' AND {where}"
    return "series CROSS JOIN rollups INDEXED BY rollups_by_series ON rollups.series = series.id", where, values


def _added(each: Any) -> Sums:
    return tuple(map(sum, zip(*each, strict=True)))


def _tally(sums: Sums) -> c.Tally:
    if not sums:
        return c.Tally()
    requests, *usage = sums[: 1 + len(USAGE_COLUMNS)]
    real, simulated, unpriced, failed = sums[1 + len(USAGE_COLUMNS) :]
    return c.Tally(
        requests=requests,
        usage=c.Usage(**dict(zip(USAGE_COLUMNS, usage, strict=True))),
        cost_nano_usd=real,
        simulated_nano_usd=simulated,
        unpriced_requests=unpriced,
        failed=failed,
    )


def _costliest_first(row: c.UsageRow) -> tuple[int, int, int]:
    return -row.tally.cost_nano_usd, -row.tally.simulated_nano_usd, -row.tally.requests


def _week(day: str) -> str:
    year, week, _ = date.fromisoformat(day).isocalendar()
    return f"{year}-W{week:02}"
