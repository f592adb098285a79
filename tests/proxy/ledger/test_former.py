"""Roll-ups of earlier versions become the present ones while the engine runs, and every sum is right all the while."""

import random
from pathlib import Path

import msgspec
import pytest

from proxy import contract as c
from proxy.ledger import former, rollups, schema
from proxy.ledger.queries import LedgerReader
from proxy.ledger.rows import to_row
from proxy.ledger.sessions import SessionLedger
from proxy.ledger.writer import LedgerWriter
from proxy.protocol.pricing import Settled
from proxy.session_reports import agent_tallies
from tests.proxy.ledger import generated
from tests.proxy.ledger.former import former_ledger
from tests.proxy.ledger.generated import BEGIN
from tests.proxy.ledger.sums import assert_exact, assert_sums_agree

DAYS = 12.0
ROWS = generated.requests(6, 1500, DAYS)
DAY_S = 86_400


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


@pytest.mark.parametrize("removed_before", [0.0, BEGIN + 5 * DAY_S], ids=["all rows", "rows removed"])
def test_sums_are_exact_before_while_and_after_they_are_moved(
    file: Path, removed_before: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(former, "MOVED_ROWS", 120)
    monkeypatch.setattr(former, "CLEARED_ROWS", 4000)
    former_ledger(file, ROWS, removed_before)
    connection, reader = schema.connect(str(file)), LedgerReader(file)
    schema.migrate(connection)
    known, chance, steps = list(ROWS), random.Random(8), 0
    kept = [each.id for each in known if each.started_at >= removed_before]
    while True:
        for _ in range(3):
            choice = generated.choice(chance, DAYS)
            choice = whole_quarters(choice) if removed_before else choice
            assert_exact(reader, known, choice, chance.choice(list(generated.KEYS)), chance.choice([None, 3]))
        name = chance.choice(kept)
        taken = next(each for each in known if each.id == name)
        changed = [
            msgspec.structs.replace(taken, cost_nano_usd=chance.randrange(10**9), cost_split=None),
            msgspec.structs.replace(generated.request(chance, f"new-{steps}", DAYS), started_at=BEGIN + 11 * DAY_S),
        ]
        connection.execute("BEGIN")
        rollups.record(connection, [to_row(each) for each in changed])
        connection.execute("COMMIT")
        known = [*(each for each in known if each.id != taken.id), *changed]
        if not former.move(connection):
            break
        steps += 1
    assert steps > 10
    assert_sums_agree(connection, known, whole=False)
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert not {name for name in tables if name.startswith("former")}
    connection.close()


def whole_quarters(choice: c.Choice) -> c.Choice:
    """Borders where a quarter begins: before the oldest row that is kept a quarter counts wholly."""
    borders = {name: getattr(choice, name) for name in ("since", "until")}
    return msgspec.structs.replace(choice, **{name: at and at - at % 900 for name, at in borders.items()})


def test_requests_are_listed_alike_while_sums_are_moved(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(former, "MOVED_ROWS", 400)
    former_ledger(file, ROWS)
    connection, reader, chance = schema.connect(str(file)), LedgerReader(file), random.Random(9)
    schema.migrate(connection)
    while former.move(connection):
        choice = generated.choice(chance, DAYS)
        meant = sorted((each.started_at for each in generated.chosen(ROWS, choice)), reverse=True)
        assert [each.started_at for each in reader.requests(choice, 50)] == meant[:50]
    connection.close()


def test_a_session_is_whole_while_its_sums_are_moved(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(former, "MOVED_ROWS", 300)
    former_ledger(file, ROWS, BEGIN + 5 * DAY_S)
    connection, ledger = schema.connect(str(file)), SessionLedger(file)
    schema.migrate(connection)
    more = True
    while more:
        for session in ("s-1", ""):
            told = agent_tallies(ledger.agents(session), {})
            plain = generated.report(ROWS, c.Choice(session=session), "agent").rows
            assert {each.agent_id or "": each.tally for each in told if each.agent_id} == {
                row.key: row.tally for row in plain if row.key
            }
            extent = ledger.extent(session)
            assert extent is not None
            assert extent.by_quarter
        more = former.move(connection)
    connection.close()


def test_a_cost_can_change_while_sums_are_moved(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(former, "MOVED_ROWS", 300)
    former_ledger(file, ROWS)
    connection, known = schema.connect(str(file)), list(ROWS)
    schema.migrate(connection)
    more, place = True, 0
    while more:
        split = c.CostSplit(input=40, output=2)
        costs = {each.id: Settled(42, "settings", split) for each in known[place : place + 100]}
        connection.execute("BEGIN")
        rollups.reprice(connection, costs)
        connection.execute("COMMIT")
        known = [
            msgspec.structs.replace(each, cost_nano_usd=42, cost_split=split) if each.id in costs else each
            for each in known
        ]
        place += 100
        assert_exact(LedgerReader(file), known, c.Choice(), "session", None)
        more = former.move(connection)
    for by in generated.KEYS:
        assert_exact(LedgerReader(file), known, c.Choice(), by, None)
    connection.close()


def test_the_start_does_not_wait_and_the_writer_moves_them_by_itself(file: Path) -> None:
    former_ledger(file, ROWS)
    running = LedgerWriter(file)
    running.start()
    while not running.submit(lambda db: former.moved_up_to(db) is None).result(20):
        assert running.problem is None
    running.close()
    for by in generated.KEYS:
        assert_exact(LedgerReader(file), ROWS, c.Choice(), by, None)


def test_two_engines_on_one_home_move_them_once(file: Path) -> None:
    former_ledger(file, ROWS)
    first, second = (schema.connect(str(file)) for _ in range(2))
    schema.migrate(first)
    others = iter([lambda: former.move(second)])

    def between(statement: str) -> None:
        if statement.startswith("BEGIN"):
            next(others, bool)()

    first.set_trace_callback(between)
    while former.move(first):
        pass
    first.set_trace_callback(None)
    assert_sums_agree(first, ROWS, whole=False)
    first.close()
    second.close()


def test_speeds_are_told_as_before(file: Path, tmp_path: Path) -> None:
    """Those are kept as they were, by the numbers that cells took over from their series."""
    former_ledger(file, ROWS)
    connection = schema.connect(str(file))
    series = connection.execute("SELECT id, provider, model FROM series WHERE session_id = '' AND agent_id = ''")
    numbers = {row[0]: row[1:] for row in series.fetchall()}
    connection.executemany(
        "INSERT INTO speeds VALUES (86400, ?, ?, 0, ?, 3)",
        [(int(BEGIN) // DAY_S + place % 12, number, 100 + place) for place, number in enumerate(numbers)],
    )
    schema.migrate(connection)
    while former.move(connection):
        pass
    connection.close()
    rows = LedgerReader(file).latency(c.Choice(since=BEGIN, until=BEGIN + 12 * DAY_S)).rows
    assert sum(row.requests for row in rows) == 3 * len(numbers)
    assert {(row.provider, row.model) for row in rows} == set(numbers.values())
