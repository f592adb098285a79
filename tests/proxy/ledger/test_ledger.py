"""The ledger: what is written, how it is read, what happens to a damaged or locked file."""

import sqlite3
from pathlib import Path

import pytest

from proxy import contract as c
from proxy.ledger import schema, writer
from proxy.ledger.notes import AgentName
from proxy.ledger.queries import LedgerReader
from proxy.ledger.writer import LedgerWriter
from tests.proxy.ledger.rows import NOON, ended


def test_a_request_comes_back_as_it_was_written(ledger: LedgerWriter, file: Path) -> None:
    request = ended(
        error="oops", headers_ms=1.25, streaming=True, simulated=True, stop_reason="end_turn", why="as asked"
    )
    ledger.record(request)
    assert ledger.flush()
    assert LedgerReader(file).find(request.id) == request


@pytest.mark.parametrize("split", [None, c.CostSplit(), c.CostSplit(input=60, output=40), c.CostSplit(divided=True)])
def test_the_parts_of_a_cost_come_back(ledger: LedgerWriter, file: Path, split: c.CostSplit | None) -> None:
    ledger.record(ended(cost_split=split))
    assert ledger.flush()
    assert LedgerReader(file).last(1)[0].cost_split == split


def test_an_unknown_cost_stays_unknown(ledger: LedgerWriter, file: Path) -> None:
    ledger.record(ended(cost_nano_usd=None, cost_source="unknown"))
    ledger.flush()
    report = LedgerReader(file).usage(c.Choice(), "model")
    assert (report.total.cost_nano_usd, report.total.unpriced_requests) == (0, 1)


def test_the_newest_come_first_and_a_session_can_be_chosen(ledger: LedgerWriter, file: Path) -> None:
    for number in range(4):
        ledger.record(ended(number, session_id=f"s-{number % 2}"))
    ledger.flush()
    reader = LedgerReader(file)
    assert [each.id[-1] for each in reader.last(3)] == ["3", "2", "1"]
    assert [each.id[-1] for each in reader.last(9, "s-0")] == ["2", "0"]
    assert [each.id[-1] for each in reader.since(NOON + 2)] == ["2", "3"]


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("session", {"s-1", "s-2"}),
        ("agent", {"a-1", ""}),
        ("model", {"claude-opus-4-8", "gpt-5.5"}),
        ("provider", {"first", "second"}),
        ("project", {"shop", ""}),
        ("role", {"main"}),
        ("hour", {"2026-03-01 12:00", "2026-03-02 12:00"}),
        ("day", {"2026-03-01", "2026-03-02"}),
        ("week", {"2026-W09", "2026-W10"}),
        ("month", {"2026-03"}),
        ("hour_of_day", {"12"}),
    ],
)
def test_usage_is_summed_by_each_group(ledger: LedgerWriter, file: Path, by: c.UsageGroup, keys: set[str]) -> None:
    other = {"session_id": "s-2", "agent_id": None, "served_model": "gpt-5.5", "provider": "second", "project": None}
    ledger.record(ended(0))
    ledger.record(ended(1))
    ledger.record(ended(86_400, cost_nano_usd=1000, **other))
    ledger.record(ended(2, kind="count_tokens"))
    ledger.flush()
    report = LedgerReader(file).usage(c.Choice(), by)
    assert {row.key for row in report.rows} == keys
    assert (report.total.requests, report.total.cost_nano_usd, report.total.usage.input_tokens) == (3, 1200, 30)
    assert sum(row.tally.requests for row in report.rows) == 3


def test_simulated_money_is_summed_apart(ledger: LedgerWriter, file: Path) -> None:
    ledger.record(ended(0))
    ledger.record(ended(1, simulated=True, cost_nano_usd=7))
    ledger.flush()
    total = LedgerReader(file).usage(c.Choice(), "day").total
    assert (total.cost_nano_usd, total.simulated_nano_usd) == (100, 7)


def test_twenty_thousand_requests_are_all_there_after_a_flush(ledger: LedgerWriter, file: Path) -> None:
    for number in range(20_000):
        ledger.record(ended(number))
    assert ledger.flush(60)
    assert (LedgerReader(file).usage(c.Choice(), "day").total.requests, ledger.dropped) == (20_000, 0)


def test_when_the_disk_does_not_keep_up_the_loss_is_bounded_and_counted(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "WAITING_MAX", 10)
    waiting = LedgerWriter(file)
    waiting.note(AgentName("s-1", "a-1", "Reviewer", 0.0))
    for number in range(25):
        waiting.record(ended(number))
    assert (waiting.dropped, waiting.unfit) == (15, 0)


def test_requests_with_estimated_counts_are_told_within_a_choice(ledger: LedgerWriter, file: Path) -> None:
    ledger.record(ended(0))
    ledger.record(ended(1, usage_estimated=True, output_estimated=True))
    ledger.record(ended(2, usage_estimated=True, session_id="s-2"))
    ledger.flush()
    reader = LedgerReader(file)
    choices = (c.Choice(), c.Choice(session="s-1"), c.Choice(agent="a-1", until=NOON + 1), c.Choice(model="gpt-5.5"))
    assert [reader.usage(choice, "day").estimated_requests for choice in choices] == [2, 1, 0, 0]
    found = reader.find(ended(1).id)
    assert found is not None
    assert found.output_estimated


def test_answers_that_are_paid_for_one_by_one_are_kept(ledger: LedgerWriter, file: Path) -> None:
    first = c.Pass(provider="first", target_model="m-1", usage=c.Usage(input_tokens=7), reported_nano_usd=5)
    second = c.Pass(provider="second", served_model="m-2", usage=c.Usage(output_tokens=3), searched_here=True)
    one = ended(1, usage=first.usage + second.usage, passes=(first, second))
    ledger.record(one)
    ledger.record(ended(2))
    ledger.flush()
    reader = LedgerReader(file)
    assert reader.find(one.id) == one
    alone = reader.find(ended(2).id)
    assert alone is not None
    assert (alone.passes, [each.usage for each in alone.paid]) == ((), [ended(2).usage])


def test_answers_that_cannot_be_read_hide_nothing_else(ledger: LedgerWriter, file: Path) -> None:
    ledger.record(ended(1, passes=(c.Pass(), c.Pass())))
    ledger.flush()
    connection = schema.connect(str(file))
    connection.execute("UPDATE requests SET passes = 'x'")
    connection.close()
    found = LedgerReader(file).find(ended(1).id)
    assert found is not None
    assert (found.passes, found.usage) == ((), ended(1).usage)


@pytest.mark.parametrize("query", ["session_id = 's' ORDER BY started_at DESC", "started_at >= 1", "id = 'r1'"])
def test_what_is_asked_often_has_an_index(ledger: LedgerWriter, file: Path, query: str) -> None:
    connection = schema.connect(str(file), read_only=True)
    plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM requests WHERE {query}").fetchall()
    connection.close()
    assert "USING INDEX" in plan[0][3]


def test_an_empty_file_becomes_a_ledger_of_the_present_version(file: Path) -> None:
    file.parent.mkdir()
    file.touch()
    running = LedgerWriter(file)
    running.start()
    running.record(ended())
    running.close()
    connection = sqlite3.connect(file)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    assert (version, len(LedgerReader(file).last(9))) == (schema.VERSION, 1)


def test_a_migration_that_fails_leaves_the_version_before_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.parent.mkdir()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "CREATE TABLE half (x); SELECT nonsense;"))
    monkeypatch.setattr(schema, "VERSION", len(schema.MIGRATIONS))
    connection = schema.connect(str(file))
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(connection)
    connection.rollback()
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone()[0]
    connection.close()
    assert (version, tables) == (len(schema.MIGRATIONS) - 1, 0)


def test_a_ledger_of_a_newer_version_is_left_alone(file: Path) -> None:
    file.parent.mkdir()
    connection = sqlite3.connect(file)
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    running = LedgerWriter(file)
    running.start()
    running.record(ended())
    running.close()
    assert (file.exists(), "newer" in (running.problem or "")) == (True, True)


def test_readers_cannot_write(ledger: LedgerWriter, file: Path) -> None:
    ledger.record(ended())
    ledger.flush()
    connection = schema.connect(str(file), read_only=True)
    with pytest.raises(sqlite3.OperationalError):
        connection.execute("DELETE FROM requests")
    connection.close()


def test_a_missing_ledger_reads_as_empty(file: Path) -> None:
    reader = LedgerReader(file)
    assert (reader.last(9), reader.find("r"), reader.usage(c.Choice(), "day").rows, file.exists()) == (
        [],
        None,
        (),
        False,
    )


def test_the_file_is_for_its_owner_alone(ledger: LedgerWriter, file: Path) -> None:
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def full_of_rows(file: Path) -> None:
    running = LedgerWriter(file)
    running.start()
    for number in range(2000):
        running.record(ended(number))
    running.close()


def overwrite(file: Path, start: int, size: int) -> None:
    with file.open("r+b") as damaged:
        damaged.seek(start)
        damaged.write(b"\xa5" * size)


@pytest.mark.parametrize("start", [0, 8192], ids=["at its beginning", "in the middle"])
def test_a_damaged_file_is_moved_aside_and_a_new_one_begun(file: Path, start: int) -> None:
    full_of_rows(file)
    overwrite(file, start, 40_000)
    running = LedgerWriter(file)
    running.start()
    running.record(ended(1))
    assert running.flush()
    running.close()
    aside = list(file.parent.glob("ledger.damaged-*.sqlite3"))
    assert (len(aside), len(LedgerReader(file).last(9)), running.problem) == (1, 1, None)
    assert aside[0].name in (running.remark or "")


def test_a_second_damaged_file_does_not_replace_the_first(file: Path) -> None:
    for _ in range(2):
        full_of_rows(file)
        overwrite(file, 0, 4096)
        running = LedgerWriter(file)
        running.start()
        running.close()
    assert len(list(file.parent.glob("ledger.damaged-*.sqlite3"))) == 2


def test_a_locked_file_is_a_problem_that_passes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full_of_rows(file)
    monkeypatch.setattr(writer, "RETRY_S", 0.01)
    monkeypatch.setattr(schema, "LOCK_PATIENCE_S", 0.01)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    running = LedgerWriter(file)
    running.start()
    running.record(ended(9000))
    assert (running.flush(0.1), "tried again" in (running.problem or "")) == (False, True)
    other.execute("COMMIT")
    other.close()
    assert (running.flush(), running.problem) == (True, None)
    running.close()
    assert LedgerReader(file).find(ended(9000).id) == ended(9000)


def test_a_value_that_the_ledger_cannot_hold_costs_that_request_and_no_other(ledger: LedgerWriter, file: Path) -> None:
    ledger.record(ended(0, cost_nano_usd=2**70))
    ledger.flush()
    ledger.record(ended(1))
    ledger.flush()
    assert ([each.id for each in LedgerReader(file).last(9)], ledger.unfit, ledger.dropped) == ([ended(1).id], 1, 0)
    assert list(file.parent.glob("ledger.damaged-*")) == []


def test_a_proper_end_is_not_taken_for_a_crash(file: Path) -> None:
    for _ in range(2):
        running = LedgerWriter(file)
        running.start()
        running.close()
    assert running.remark is None


def test_a_crash_is_told_at_the_next_start(file: Path) -> None:
    crashed = LedgerWriter(file)
    crashed.start()
    running = LedgerWriter(file)
    running.start()
    running.close()
    crashed.close()
    assert "last second may be missing" in (running.remark or "")


def test_a_job_is_done_by_the_writer_after_what_was_recorded_before(ledger: LedgerWriter) -> None:
    ledger.record(ended(1))
    count = ledger.submit(lambda db: db.execute("SELECT count(*) FROM requests").fetchone()[0])
    assert count.result(20) == 1


def test_a_job_that_fails_writes_nothing_and_stops_nobody(ledger: LedgerWriter, file: Path) -> None:
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM requests")
        raise KeyError("half")

    ledger.record(ended(1))
    with pytest.raises(KeyError):
        ledger.submit(half).result(20)
    ledger.record(ended(2))
    ledger.flush()
    assert [each.id for each in LedgerReader(file).last(9)] == [ended(2).id, ended(1).id]


def test_a_job_for_a_ledger_that_cannot_be_opened_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite3").mkdir()
    running = LedgerWriter(tmp_path / "ledger.sqlite3")
    running.start()
    with pytest.raises(writer.LedgerUnusable, match="unable to open"):
        running.submit(lambda _: None).result(20)
    running.close()
    with pytest.raises(writer.LedgerUnusable, match="ending"):
        running.submit(lambda _: None).result(20)


def test_how_long_text_is_is_read_from_requests_that_can_be_text(ledger: LedgerWriter, file: Path) -> None:
    usage = c.Usage(input_tokens=1000)
    for number, size in enumerate((4000, 5000, 900_000)):
        ledger.record(ended(number, usage=usage, request_bytes=size))
    assert ledger.flush()
    assert LedgerReader(file).bytes_per_token() == {"claude-opus-4-8": 4.5}
