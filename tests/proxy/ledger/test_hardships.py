"""What a ledger lives through: full disks, values that fit nowhere, damaged rows, panels that ask all the while."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy import contract as c
from proxy.ledger import rollups, schema, writer
from proxy.ledger.queries import LedgerReader
from proxy.ledger.writer import LedgerWriter
from tests.proxy.ledger import generated
from tests.proxy.ledger.former import old_ledger
from tests.proxy.ledger.rows import ended
from tests.proxy.ledger.sums import assert_exact

TOO_MUCH = 2**62
"""One fits into 64 bits; the sum of two does not."""


@pytest.fixture
def ledger(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LedgerWriter]:
    monkeypatch.setattr(writer, "RETRY_S", 0.01)
    running = LedgerWriter(file)
    running.start()
    assert running.flush()
    yield running
    running.close()


@pytest.fixture
def small_disk(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every ledger that is opened may have so many pages; 0: as many as it likes."""
    pages = [0]
    connect = schema.connect

    def limited(file: str, *, read_only: bool = False) -> sqlite3.Connection:
        connection = connect(file, read_only=read_only)
        if pages[0] and not read_only:
            connection.execute(f"PRAGMA max_page_count = {pages[0]}")
        return connection

    monkeypatch.setattr(writer, "connect", limited)
    return pages


@pytest.mark.parametrize("bad", [{"cost_nano_usd": 2**70}, {"error": "\ud800"}, {"status": 2**64}], ids=str)
def test_a_value_that_no_ledger_can_hold_costs_nobody_else_in_its_batch(
    ledger: LedgerWriter, file: Path, bad: dict[str, object]
) -> None:
    with sqlite3.connect(file) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(9):
            ledger.record(ended(number, **(bad if number == 4 else {})))
        other.execute("ROLLBACK")
    other.close()
    assert ledger.flush()
    kept = [each.id for each in LedgerReader(file).last(99)]
    assert (kept, ledger.unfit) == ([ended(n).id for n in (8, 7, 6, 5, 3, 2, 1, 0)], 1)


def test_a_sum_that_overflows_does_not_end_all_recording(ledger: LedgerWriter, file: Path) -> None:
    with sqlite3.connect(file) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(2):
            ledger.record(ended(number, cost_nano_usd=TOO_MUCH))
        other.execute("ROLLBACK")
    other.close()
    assert ledger.flush()
    ledger.record(ended(2))
    assert (ledger.flush(), ledger.problem) == (True, None)
    assert ended(2).id in [each.id for each in LedgerReader(file).last(9)]


def test_who_waits_for_the_ledger_takes_no_request_s_place(
    ledger: LedgerWriter, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(5):
            ledger.record(ended(number))
        for _ in range(writer.WAITING_MAX + 10):
            assert not ledger.flush(0.0)
        other.execute("ROLLBACK")
    other.close()
    assert ledger.flush()
    assert (len(LedgerReader(file).last(99)), ledger.dropped, len(ledger._asking)) == (5, 0, 0)


def test_a_row_whose_attempts_are_damaged_hides_no_other(ledger: LedgerWriter, file: Path) -> None:
    for number in range(2):
        ledger.record(ended(number))
    ledger.flush()
    with sqlite3.connect(file) as other:
        other.execute("UPDATE requests SET attempts = '[{\"provider\":' WHERE id = ?", (ended(0).id,))
    other.close()
    assert [(each.id, len(each.attempts)) for each in LedgerReader(file).last(9)] == [
        (ended(1).id, 1),
        (ended(0).id, 0),
    ]


def test_on_a_full_disk_requests_wait_and_are_written_when_there_is_room(
    small_disk: list[int], ledger: LedgerWriter, file: Path
) -> None:
    small_disk[0] = 1
    with sqlite3.connect(file) as other:
        other.execute("BEGIN IMMEDIATE")  # makes the writer open the file anew
        ledger.record(ended(0))
        while ledger.problem is None:
            ledger.flush(0.05)
        other.execute("ROLLBACK")
    other.close()
    for number in range(1, 2000):
        ledger.record(ended(number, error="x" * 500))
    while "full" not in (ledger.problem or ""):
        ledger.flush(0.05)
    assert (ledger.dropped, list(file.parent.glob("*damaged*"))) == (0, [])
    small_disk[0] = 0
    assert ledger.flush(20)
    assert (len(LedgerReader(file).last(9999)), ledger.dropped) == (2000, 0)
    assert ledger.problem is None


def test_two_engines_on_one_home_roll_an_old_ledger_up_once(tmp_path: Path) -> None:
    rows = generated.requests(3, 1000, 30)
    old_ledger(tmp_path / "ledger.sqlite3", rows)
    first, second = (schema.connect(str(tmp_path / "ledger.sqlite3")) for _ in range(2))
    schema.migrate(first)
    others = iter([lambda: rollups.catch_up(second)])

    def between(statement: str) -> None:
        if statement.startswith("BEGIN"):
            next(others, bool)()

    first.set_trace_callback(between)
    while rollups.catch_up(first):
        pass
    first.close()
    second.close()
    for by in generated.KEYS:
        assert_exact(LedgerReader(tmp_path / "ledger.sqlite3"), rows, c.Choice(), by, None)
