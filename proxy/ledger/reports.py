"""What is told of sums: the groups in their order, as many as are asked for, and the whole."""

import sqlite3

from proxy import contract as c
from proxy.ledger.choices import Chosen
from proxy.ledger.lives import lives
from proxy.ledger.notes import names_of_agents
from proxy.ledger.rows import USAGE_COLUMNS
from proxy.ledger.sums import THREAD_GROUPS, TIMES, Groups, Sums, added, collected, grouping, settled, tally, total

_MONEY = 1 + len(USAGE_COLUMNS)
"""The place of real money in ``Sums``; simulated money follows."""


def usage_report(
    db: sqlite3.Connection, choice: c.Choice, what: Chosen, by: c.UsageGroup, limit: int | None
) -> c.UsageReport:
    """The sums of ``choice``, which is ``what``: by time in its order, else the costliest first, ``limit`` of them."""
    if by in THREAD_GROUPS and not what.threads and settled(db):
        groups = lives(db, what, THREAD_GROUPS[by], limit)
        whole = added(groups.values()) if limit is None else total(db, what)
    else:
        groups = collected(db, what, grouping(by))
        whole = added(groups.values())
    rows = _in_time(groups) if by in TIMES else _costliest(groups)[:limit]
    others = tally(_less(whole, added(sums for _, sums in rows)))
    names = names_of_agents(db, [key for key, _ in rows if key]) if by == "agent" else {}
    return c.UsageReport(
        total=tally(whole),
        rows=tuple(c.UsageRow(key=key, tally=tally(sums), name=names.get(key, "")) for key, sums in rows),
        others=others if others.requests else None,
        choice=choice,
    )


def _in_time(groups: Groups) -> list[tuple[str, Sums]]:
    return sorted((key, sums) for key, sums in groups.items() if sums[0])


def _costliest(groups: Groups) -> list[tuple[str, Sums]]:
    """Where two cost the same, the one with more requests, then by key."""
    kept = _in_time(groups)
    kept.sort(key=lambda each: (-each[1][_MONEY], -each[1][_MONEY + 1], -each[1][0]))
    return kept


def _less(whole: Sums, part: Sums) -> Sums:
    return tuple(one - other for one, other in zip(whole, part, strict=True)) if part else whole
