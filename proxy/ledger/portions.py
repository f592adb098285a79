"""What the ledger tells for a comparison of prices: sums by what served and by length of prompt.

Read from the rows themselves, in one pass that SQLite makes without Python. Of more rows than ``ROWS_MAX`` nothing is
read: the sums of ``LedgerReader.usage`` have to do.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from proxy import contract as c
from proxy.ledger.cells import MODEL
from proxy.ledger.choices import chosen
from proxy.ledger.queries import LedgerReader
from proxy.ledger.rows import PROMPT, SUMS, USAGE_COLUMNS, usage_of
from proxy.protocol.whatif import Portion

_NAMES = ("served_model", "target_model")

ROWS_MAX = 200_000
"""About half a second of reading."""


class PortionLedger(LedgerReader):
    """Reads portions."""

    def portions(self, choice: c.Choice, steps: Sequence[int]) -> list[Portion]:
        """The ``messages`` requests of ``choice``; in one portion no two prompts have a step between them.

        Empty where they are too many.
        """
        what = chosen(choice)
        where, values = what.of_requests(what.when)
        bracket = " + ".join(f"({PROMPT} > {int(step)})" for step in steps) or "0"
        queries = [
            f"""
            SELECT coalesce(provider, '') AS provider, coalesce({MODEL}, '') AS model, {bracket} AS bracket,
                   coalesce(target_model, '') AS target_model,
                   sum({first}) AS requests, max({PROMPT}) AS longest, max(stop_reason IS 'tool_use') AS tools, {SUMS}
            FROM {rows} GROUP BY 1, 2, 3, 4
            """
            for first, rows in (
                ("1", f"requests WHERE {where} AND passes IS NULL"),
                ("pass = 0", _each_pass(f"{where} AND passes IS NOT NULL")),
            )
        ]

        def read(db: sqlite3.Connection) -> list[Portion]:
            db.row_factory = sqlite3.Row
            counted = f"SELECT count(*) FROM (SELECT 1 FROM requests WHERE {where} LIMIT {ROWS_MAX + 1})"
            if db.execute(counted, values).fetchone()[0] > ROWS_MAX:
                return []
            return [_portion(dict(row)) for query in queries for row in db.execute(query, values)]

        return self._read(read, [])

    def targets(self, choice: c.Choice, provider: str, model: str) -> list[str]:
        """What ``provider`` was asked for when ``model`` served requests of ``choice``, by its newest rows."""
        what = chosen(choice)
        where, values = what.of_requests(what.when)
        newest = f"SELECT * FROM requests WHERE {where} ORDER BY started_at DESC LIMIT {ROWS_MAX}"
        query = f"""
            SELECT DISTINCT target_model FROM ({newest}) WHERE provider = ? AND {MODEL} = ? AND target_model IS NOT NULL
        """
        return self._read(lambda db: [name for (name,) in db.execute(query, (*values, provider, model))], [])

    def several(self, choice: c.Choice) -> list[tuple[str, str]]:
        """Providers and models of requests of ``choice`` that took several answers, each once."""
        what = chosen(choice)
        where, values = what.of_requests(what.when)
        each = _each_pass(f"{where} AND passes IS NOT NULL")
        query = f"SELECT DISTINCT coalesce(provider, ''), coalesce({MODEL}, '') FROM {each}"
        return self._read(lambda db: db.execute(query, values).fetchall(), [])


def _each_pass(where: str) -> str:
    """The rows in which several answers are paid for, as a table with a row for each of those, under who gave it."""
    names = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in ("provider", *_NAMES))
    counts = ", ".join(f"coalesce(json_extract(value, '$.usage.{name}'), 0) AS {name}" for name in USAGE_COLUMNS)
    return f"""
        (SELECT {names}, asked_model, stop_reason, {counts}, key AS pass
         FROM (SELECT * FROM requests WHERE {where} AND json_valid(passes)), json_each(passes))
    """


def _portion(row: dict[str, Any]) -> Portion:
    return Portion(
        row["provider"],
        row["model"],
        usage_of(row),
        row["longest"],
        row["requests"],
        tools=bool(row["tools"]),
        target_model=row["target_model"],
    )
