"""How a ledger's sums are held against plain sums over rows."""

import sqlite3
from collections.abc import Sequence

import msgspec

from proxy import contract as c
from proxy.ledger.queries import LedgerReader
from proxy.ledger.rollups import MEASURES
from proxy.ledger.rows import SPLIT_COLUMNS, SPLIT_FIELDS, USAGE_COLUMNS
from tests.proxy.ledger import generated


def assert_exact(
    reader: LedgerReader, rows: Sequence[c.Request], choice: c.Choice, by: c.UsageGroup, limit: int | None
) -> None:
    """What the ledger tells is what anybody would sum up; of groups that are not times the ``limit`` costliest."""
    told, plain = reader.usage(choice, by, limit), generated.report(rows, choice, by)
    if told.others is None:
        assert without_order(told) == plain
        return
    groups = {row.key: row.tally for row in plain.rows}
    assert told.total == plain.total
    assert all(groups[row.key] == row.tally for row in told.rows)
    assert [rank(row.tally) for row in told.rows] == sorted(map(rank, groups.values()), reverse=True)[:limit]
    whole = told.others
    for row in told.rows:
        whole += row.tally
    assert whole == told.total


def rank(tally: c.Tally) -> tuple[int, int, int]:
    return tally.cost_nano_usd, tally.simulated_nano_usd, tally.requests


def without_order(report: c.UsageReport) -> c.UsageReport:
    return msgspec.structs.replace(report, rows=tuple(sorted(report.rows, key=lambda row: row.key)))


def assert_sums_agree(connection: sqlite3.Connection, rows: Sequence[c.Request], *, whole: bool) -> None:
    """Every kind of sum adds up to ``rows``; those by kind of token only where ``whole`` says that they are known."""
    plain = {name: sum(measured(each)[name] for each in rows if each.kind == "messages") for name in MEASURES}
    names = [name for name in MEASURES if whole or name not in (*SPLIT_COLUMNS, "divided_nano_usd")]
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in names)
    faces = "cell_sums JOIN cells ON cells.id = cell AND face ="
    sources = [
        "threads",
        *(f"thread_sums WHERE grain_s = {grain_s}" for grain_s in (900, 86_400)),
        *(f"{faces} {face} WHERE grain_s = 900" for face in range(6)),
        *(f"{faces} {face} WHERE grain_s = {grain_s}" for face in (0, 1) for grain_s in (1800, 86_400)),
    ]
    for source in sources:
        found = connection.execute(f"SELECT {sums} FROM {source}").fetchone()
        assert dict(zip(names, found, strict=True)) == {name: plain[name] for name in names}, source


def measured(each: c.Request) -> dict[str, int]:
    """What a request adds to each measure."""
    split = each.cost_split or c.CostSplit()
    parts = {column: getattr(split, name) for column, name in zip(SPLIT_COLUMNS, SPLIT_FIELDS, strict=True)}
    return {
        "requests": 1,
        **{name: getattr(each.usage, name) for name in USAGE_COLUMNS},
        "cost_nano_usd": each.cost_nano_usd or 0,
        **parts,
        "divided_nano_usd": (each.cost_nano_usd or 0) if split.divided else 0,
        "unpriced_requests": int(each.cost_nano_usd is None),
        "failed": int(each.outcome == "failed"),
    }
