"""Ledgers as earlier versions left them: without roll-ups, or with the former kind, computed here in plain Python."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from proxy import contract as c
from proxy.ledger import schema
from proxy.ledger.rows import COLUMNS, to_row
from tests.proxy.ledger.generated import KEYS

VERSION = 4
"""The last one with such roll-ups alone."""
GRAINS_S = {0: 900, 1: 900, 2: 86_400, 3: 86_400, 4: 3600}
"""Of each level; those of 0 and 2 tell sessions and sub-agents apart."""

Series = tuple[str, str, str, str, str, str, int, int]


def old_ledger(file: Path, rows: list[c.Request]) -> None:
    """A ledger as it was before there were roll-ups."""
    connection = schema.connect(str(file))
    connection.executescript(f"BEGIN; {schema.MIGRATIONS[0]} PRAGMA user_version = 1; COMMIT;")
    insert(connection, rows)
    connection.close()


def former_ledger(file: Path, rows: Sequence[c.Request], removed_before: float = 0.0) -> None:
    """A ledger of ``VERSION`` in which ``rows`` are, or their sums alone where they began before that moment."""
    connection = schema.connect(str(file))
    for version in range(VERSION):
        connection.executescript(f"BEGIN; {schema.MIGRATIONS[version]} PRAGMA user_version = {version + 1}; COMMIT;")
    connection.execute("BEGIN")
    insert(connection, [row for row in rows if row.started_at >= removed_before])
    _roll_up(connection, [row for row in rows if row.kind == "messages"])
    if removed_before:
        connection.execute("INSERT INTO facts VALUES ('rows since', ?)", (str(int(removed_before)),))
    connection.execute("COMMIT")
    connection.close()


def insert(connection: sqlite3.Connection, rows: Iterable[c.Request]) -> None:
    """Write ``rows`` as far as there are columns for them."""
    known = {row[1] for row in connection.execute("PRAGMA table_info(requests)")}
    kept = [place for place, name in enumerate(COLUMNS) if name in known]
    names = ", ".join(COLUMNS[place] for place in kept)
    connection.executemany(
        f"INSERT INTO requests ({names}) VALUES ({', '.join('?' * len(kept))})",
        [[to_row(row)[place] for place in kept] for row in rows],
    )


def _roll_up(connection: sqlite3.Connection, rows: Iterable[c.Request]) -> None:
    numbers: dict[Series, int] = {}
    sums: dict[tuple[int, int, int], Counter[str]] = {}
    for row in rows:
        for level, grain_s in GRAINS_S.items():
            number = numbers.setdefault(_series(row, threads=level in (0, 2)), len(numbers) + 1)
            key = (level, int(row.started_at) // grain_s, number)
            sums.setdefault(key, Counter()).update(_measures(row))
    marks = ", ".join("?" * 9)
    connection.executemany(
        f"INSERT INTO series VALUES ({marks})", [(number, *each) for each, number in numbers.items()]
    )
    for (level, slot, number), measures in sums.items():
        names = ", ".join(measures)
        connection.execute(
            f"INSERT INTO rollups (level, slot, series, {names}) VALUES ({', '.join('?' * (3 + len(measures)))})",
            (level, slot, number, *measures.values()),
        )


def _series(row: c.Request, *, threads: bool) -> Series:
    session, agent = (row.session_id or "", row.agent_id or "") if threads else ("", "")
    project, provider = row.project or "", row.provider or ""
    return session, agent, row.role, project, provider, KEYS["model"](row), int(row.simulated), int(row.subscription)


def _measures(row: c.Request) -> Mapping[str, int]:
    usage = row.usage
    return {
        "requests": 1,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_5m_tokens": usage.cache_write_5m_tokens,
        "cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "web_searches": usage.web_searches,
        "cost_nano_usd": row.cost_nano_usd or 0,
        "unpriced_requests": int(row.cost_nano_usd is None),
        "failed": int(row.outcome == "failed"),
    }
