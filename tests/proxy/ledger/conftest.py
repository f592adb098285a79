"""A ledger that is written while a test runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.ledger.writer import LedgerWriter


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite3"


@pytest.fixture
def ledger(file: Path) -> Iterator[LedgerWriter]:
    running = LedgerWriter(file)
    running.start()
    yield running
    running.close()
