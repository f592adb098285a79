"""How fast models were: from counts by speed, and from rows only where no whole day of UTC is chosen.

Of whole days the speeds are known to four significant bits, so that a percentile over them is right to 7 %. A session's
and an agent's speeds come from rows alone.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence

from proxy import contract as c
from proxy.ledger.cells import MODEL, Face
from proxy.ledger.choices import Chosen
from proxy.ledger.retention import rows_since
from proxy.ledger.rollups import BLOCK_S, DAY_S, TELLS_LATENCY, TOKENS_PER_S, TTFT, Measure, waiting_rows
from proxy.ledger.spans import Cut, Slots, Span, cut

Counted = list[tuple[float, int]]
"""Values, each with how often it occurs."""
_Found = tuple[str, str, Measure, float, int]
"""Provider, model, what was measured, value, how often."""


def latency_report(db: sqlite3.Connection, choice: c.Choice, what: Chosen) -> c.LatencyReport:
    """Percentiles for each model at each provider, the most used first."""
    speeds: defaultdict[tuple[str, str], dict[Measure, Counted]] = defaultdict(lambda: {each: [] for each in Measure})
    for provider, model, measure, value, times in _found(db, what):
        speeds[provider, model][measure].append((value, times))
    rows = [_latency(*who, found) for who, found in speeds.items()]
    rows.sort(key=lambda row: (-row.requests, row.provider, row.model))
    return c.LatencyReport(rows=tuple(row for row in rows if row.requests), choice=choice)


def percentile(counted: Sequence[tuple[float, int]], share: float) -> float | None:
    """The smallest value that at least ``share`` of all do not exceed; None of nothing."""
    total = sum(times for _, times in counted)
    seen = 0
    for value, times in sorted(counted):
        seen += times
        if seen >= share * total and seen > 0:
            return round(value, 3)
    return None


def _latency(provider: str, model: str, found: dict[Measure, Counted]) -> c.Latency:
    ttft = found[Measure.TTFT_MS]
    rates = [(tenths / 10, times) for tenths, times in found[Measure.TENTHS_OF_TOKENS_PER_S]]
    return c.Latency(
        provider=provider,
        model=model,
        requests=sum(times for _, times in ttft),
        ttft_p50_ms=percentile(ttft, 0.5),
        ttft_p95_ms=percentile(ttft, 0.95),
        tokens_per_s_p50=percentile(rates, 0.5),
        tokens_per_s_p5=percentile(rates, 0.05),
    )


def _found(db: sqlite3.Connection, what: Chosen) -> Iterator[_Found]:
    parts = Cut((what.when,))
    if waiting_rows(db) is None and not what.texts.get("agent_id") and "session_id" not in what.texts:
        parts = cut(what.when, rows_since(db), DAY_S, BLOCK_S)
    for span in parts.rows:
        yield from _of_rows(db, what, span)
    for grain_s, slots in ((DAY_S, parts.fine), (BLOCK_S, parts.coarse)):
        for each in slots:
            yield from _of_slots(db, what, grain_s, each)


def _of_rows(db: sqlite3.Connection, what: Chosen, when: Span) -> Iterator[_Found]:
    where, values = what.of_requests(when)
    query = f"""
        SELECT coalesce(provider, ''), coalesce({MODEL}, ''), {TTFT}, ({TOKENS_PER_S}) * 10
        FROM requests WHERE {where} AND {TELLS_LATENCY}
    """
    for provider, model, ttft_ms, tenths in db.execute(query, values):
        yield provider, model, Measure.TTFT_MS, ttft_ms, 1
        if tenths is not None:
            yield provider, model, Measure.TENTHS_OF_TOKENS_PER_S, tenths, 1


def _of_slots(db: sqlite3.Connection, what: Chosen, grain_s: int, slots: Slots) -> Iterator[_Found]:
    where, values = what.of_cells(Face.WHOLE)
    query = f"""
        SELECT provider, model, measure, value, sum(requests)
        FROM (SELECT cell, measure, value, sum(requests) AS requests FROM speeds
              WHERE grain_s = ? AND slot >= ? AND slot < ? GROUP BY cell, measure, value) AS counted
        CROSS JOIN cells ON cells.id = counted.cell
        WHERE {where} GROUP BY provider, model, measure, value
    """
    for provider, model, measure, value, times in db.execute(query, (grain_s, *slots, *values)):
        yield provider, model, Measure(measure), value, times
