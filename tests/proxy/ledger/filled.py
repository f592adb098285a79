"""Ledgers on the disk that hold given requests."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from proxy import contract as c
from proxy.ledger import rollups, schema
from proxy.ledger.rows import to_row


def filled_ledger(file: Path, requests: Iterable[c.Request]) -> sqlite3.Connection:
    """The ledger at ``file``, a new one where there is none, after it took ``requests``; open."""
    connection = schema.connect(str(file))
    schema.migrate(connection)
    connection.execute("BEGIN")
    rollups.record(connection, [to_row(each) for each in requests])
    connection.execute("COMMIT")
    return connection
