"""Roll-ups are exact: whatever is chosen and however it is grouped, they tell the plain sums of the rows."""

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from proxy import contract as c
from proxy.ledger import rollups, schema
from proxy.ledger.choices import chosen
from proxy.ledger.queries import LedgerReader
from proxy.ledger.retention import remove_old, rows_since
from proxy.ledger.rows import to_row
from proxy.ledger.sums import TIMES, rolled
from proxy.ledger.upkeep import LOOK_AGAIN_S, Upkeep
from proxy.ledger.writer import LedgerWriter
from proxy.protocol.pricing import Settled
from tests.proxy.ledger import generated
from tests.proxy.ledger.filled import filled_ledger
from tests.proxy.ledger.former import old_ledger
from tests.proxy.ledger.generated import BEGIN
from tests.proxy.ledger.sums import assert_exact, assert_sums_agree

DAYS = 12.0
ROWS = generated.requests(1, 4000, DAYS)
BY: tuple[c.UsageGroup, ...] = get_args(c.UsageGroup)
LONG_AGO = 400 * 86400
SetZone = Callable[[str], None]


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[SetZone]:
    """Sets the local time zone of the process."""

    def set_zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of ``ROWS``, in which many took the place of others with the same id."""
    file = tmp_path_factory.mktemp("ledger") / "ledger.sqlite3"
    running = LedgerWriter(file)
    running.start()
    others = generated.requests(2, 4000, DAYS)
    for at in range(0, len(ROWS), 500):
        for row, other in zip(ROWS[at : at + 500], others[at : at + 500], strict=True):
            running.record(msgspec.structs.replace(other, id=row.id))
            running.record(row)
        assert running.flush(30)
        for row in ROWS[at : at + 500 : 7]:
            running.record(row)
    running.close()
    return file


@pytest.mark.parametrize("name", ["UTC", "Asia/Kathmandu", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"])
@pytest.mark.parametrize("by", BY)
def test_every_group_of_everything_is_exact_in_every_time_zone(
    written: Path, zone: SetZone, by: c.UsageGroup, name: str
) -> None:
    zone(name)
    assert_exact(LedgerReader(written), ROWS, c.Choice(), by, None)


@pytest.mark.parametrize("seed", range(60))
def test_any_choice_is_exact(written: Path, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(10):
        limit = chance.choice([None, None, 1, 2, 3])
        assert_exact(LedgerReader(written), ROWS, generated.choice(chance, DAYS), chance.choice(BY), limit)


@pytest.mark.parametrize("name", ["Asia/Kathmandu", "Europe/Berlin", "Australia/Lord_Howe"])
def test_any_choice_is_exact_in_any_time_zone(written: Path, zone: SetZone, name: str) -> None:
    zone(name)
    chance = random.Random(name)
    for _ in range(100):
        choice = generated.choice(chance, DAYS)
        assert_exact(LedgerReader(written), ROWS, choice, chance.choice([*TIMES]), None)


def test_every_kind_of_sum_adds_up_to_the_rows(written: Path) -> None:
    connection = schema.connect(str(written), read_only=True)
    assert_sums_agree(connection, ROWS, whole=True)
    connection.close()


def test_sums_of_new_costs_add_up_and_old_ones_are_gone(tmp_path: Path) -> None:
    file, chance, known = tmp_path / "ledger.sqlite3", random.Random(11), list(ROWS[:1500])
    connection = schema.connect(str(file))
    schema.migrate(connection)
    connection.execute("BEGIN")
    rollups.record(connection, [to_row(each) for each in known])
    for _ in range(5):
        costs: dict[str, Settled] = {}
        for place in chance.sample(range(len(known)), 200):
            nano_usd = chance.choice([None, chance.randrange(10**9)])
            split = generated.split(chance, nano_usd)
            costs[known[place].id] = Settled(nano_usd, "settings", split)
            known[place] = msgspec.structs.replace(known[place], cost_nano_usd=nano_usd, cost_split=split)
        rollups.reprice(connection, costs)
    connection.execute("COMMIT")
    assert_sums_agree(connection, known, whole=True)
    while remove_old(connection, 30, BEGIN + 35 * 86400):
        pass
    assert_sums_agree(connection, known, whole=True)
    connection.close()
    for by in BY:
        assert_exact(LedgerReader(file), known, c.Choice(), by, None)


def test_the_costliest_of_many_sessions_are_found_over_any_time(tmp_path: Path) -> None:
    """Most of them are short, some are alive at a border, and some have the same cost."""
    file, chance = tmp_path / "ledger.sqlite3", random.Random(12)
    rows = [
        msgspec.structs.replace(
            generated.request(chance, f"m-{number}-{place}", 0.0),
            started_at=BEGIN + number * 7000 + place * chance.choice([60, 60, 60, 9000, 90_000]) + chance.random(),
            session_id=f"s-{number}",
            agent_id=chance.choice([None, f"a-{number}", "everywhere"]),
            cost_nano_usd=chance.choice([None, 100, 100, 5000]),
            cost_split=None,
        )
        for number in range(150)
        for place in range(6)
    ]
    filled_ledger(file, rows).close()
    groups: tuple[c.UsageGroup, ...] = ("session", "agent")
    for _ in range(60):
        choice = msgspec.structs.replace(generated.choice(chance, DAYS), session=None, agent=None)
        for by in groups:
            assert_exact(LedgerReader(file), rows, choice, by, chance.choice([None, 1, 5, 40]))


@pytest.mark.parametrize("seed", range(40))
def test_the_requests_of_a_choice_are_those_that_were_summed(written: Path, seed: int) -> None:
    chance = random.Random(seed)
    choice, limit = generated.choice(chance, DAYS), chance.choice([0, 1, 20, 9000])
    meant = sorted(generated.chosen(ROWS, choice), key=lambda each: each.started_at, reverse=True)
    found = LedgerReader(written).requests(choice, limit)
    assert [each.started_at for each in found] == [each.started_at for each in meant[:limit]]
    assert {each.id for each in found} <= {each.id for each in meant}


@pytest.mark.parametrize("by", BY)
def test_time_comes_in_its_order_and_everything_else_the_costliest_first(written: Path, by: c.UsageGroup) -> None:
    rows = LedgerReader(written).usage(c.Choice(), by).rows
    if by in ("hour", "day", "week", "month", "hour_of_day"):
        assert [row.key for row in rows] == sorted(row.key for row in rows)
    else:
        costs = [row.tally.cost_nano_usd for row in rows]
        assert costs == sorted(costs, reverse=True)


@pytest.mark.parametrize("simulated", [True, False])
@pytest.mark.parametrize("subscription", [True, False])
@pytest.mark.parametrize("where", [None, ("session", "s-1"), ("project", "shop")])
def test_what_budgets_ask_is_exact(
    written: Path, simulated: bool, subscription: bool, where: tuple[str, str] | None
) -> None:
    since, until = BEGIN + 3 * 86400 + 1.5, BEGIN + 9 * 86400 + 77.25
    choice = c.Choice(since=since, until=until, **{where[0]: where[1]} if where else {})  # type: ignore[arg-type]
    meant = [
        each
        for each in generated.chosen(ROWS, choice)
        if (simulated or not each.simulated) and (subscription or not each.subscription)
    ]
    spent = LedgerReader(written).spent(since, until, where=where, simulated=simulated, subscription=subscription)
    assert spent == (sum(each.cost_nano_usd or 0 for each in meant), sum(each.cost_nano_usd is None for each in meant))


def test_an_old_ledger_is_exact_before_during_and_after_it_is_rolled_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollups, "CAUGHT_UP_ROWS", 300)
    old_ledger(tmp_path / "ledger.sqlite3", ROWS[:1000])
    reader, connection = LedgerReader(tmp_path / "ledger.sqlite3"), schema.connect(str(tmp_path / "ledger.sqlite3"))
    schema.migrate(connection)
    known, chance, steps = ROWS[:1000], random.Random(7), 0
    while True:
        assert_exact(reader, known, generated.choice(chance, DAYS), chance.choice(BY), chance.choice([None, 2]))
        replaced = msgspec.structs.replace(chance.choice(known), cost_nano_usd=chance.randrange(10**9))
        added = generated.request(chance, f"new-{steps}", DAYS)
        connection.execute("BEGIN")
        rollups.record(connection, [to_row(replaced), to_row(added)])
        connection.execute("COMMIT")
        known = [replaced if each.id == replaced.id else each for each in (*known, added)]
        if not rollups.catch_up(connection):
            break
        steps += 1
    assert (steps, rollups.waiting_rows(connection)) == (4, None)
    for by in BY:
        assert_exact(reader, known, c.Choice(), by, None)
    connection.close()


def test_the_writer_rolls_an_old_ledger_up_by_itself(tmp_path: Path) -> None:
    old_ledger(tmp_path / "ledger.sqlite3", ROWS[:1000])
    rolled_up = sqlite3.connect(tmp_path / "ledger.sqlite3")
    running = LedgerWriter(tmp_path / "ledger.sqlite3")
    running.start()
    while running.submit(rollups.waiting_rows).result(20) is not None:
        assert running.problem is None
    running.close()
    assert rolled_up.execute("SELECT sum(requests) FROM threads").fetchone()[0] == sum(
        each.kind == "messages" for each in ROWS[:1000]
    )
    rolled_up.close()
    assert_exact(LedgerReader(tmp_path / "ledger.sqlite3"), ROWS[:1000], c.Choice(), "day", None)


@pytest.fixture
def thinned(tmp_path: Path) -> tuple[LedgerReader, int]:
    """A ledger whose first five days are kept as sums only, and when its rows begin."""
    file = tmp_path / "ledger.sqlite3"
    connection = filled_ledger(file, ROWS)
    while remove_old(connection, 7, BEGIN + 12 * 86400 + 5000):
        pass
    begin = rows_since(connection)
    connection.close()
    return LedgerReader(file), begin


def test_removed_rows_stay_in_the_sums(thinned: tuple[LedgerReader, int]) -> None:
    reader, begin = thinned
    assert begin == BEGIN + 5 * 86400
    assert len(reader.since(0)) == sum(each.started_at >= begin for each in ROWS)
    for by in BY:
        assert_exact(reader, ROWS, c.Choice(), by, None)


def test_where_rows_were_removed_a_quarter_counts_wholly_in_which_a_border_lies(
    thinned: tuple[LedgerReader, int],
) -> None:
    reader, _ = thinned
    cut = c.Choice(since=BEGIN + 86400 + 901, until=BEGIN + 2 * 86400 + 899)
    whole = c.Choice(since=BEGIN + 86400 + 900, until=BEGIN + 2 * 86400 + 900)
    assert reader.usage(cut, "model").total == generated.report(ROWS, whole, "model").total


def test_a_session_of_removed_rows_is_still_known(thinned: tuple[LedgerReader, int]) -> None:
    reader, _ = thinned
    assert (reader.sessions("s-"), reader.sessions("s-2"), reader.sessions("x"), reader.sessions("")) == (
        ["s-1", "s-2", "s-3"], ["s-2"], [], [],
    )  # fmt: skip


def test_days_are_kept_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)  # the day of UTC does not end meanwhile
    running = LedgerWriter(tmp_path / "ledger.sqlite3", keep_days=3)
    midnight = now - now % 86400
    running.start()
    for number, began in enumerate((midnight - 3 * 86400 - 1, midnight - 3 * 86400, now)):
        running.record(msgspec.structs.replace(ROWS[0], id=str(number), kind="messages", started_at=began))
    running.flush()
    running.close()
    again = LedgerWriter(tmp_path / "ledger.sqlite3", keep_days=3)
    again.start()
    reader = LedgerReader(tmp_path / "ledger.sqlite3")
    while len(reader.last(9)) > 2:
        assert again.flush()
    again.close()
    assert [each.id for each in reader.last(9)] == ["2", "1"]
    assert reader.usage(c.Choice(), "day").total.requests == 3


def plain_ledger(tmp_path: Path, *began: float) -> sqlite3.Connection:
    """A ledger with a request of each of these times."""
    rows = [msgspec.structs.replace(ROWS[0], id=str(at), kind="messages", started_at=at) for at in began]
    return filled_ledger(tmp_path / "ledger.sqlite3", rows)


def test_a_clock_that_runs_ahead_removes_no_row(tmp_path: Path) -> None:
    connection = plain_ledger(tmp_path, BEGIN - 40 * 86400.0, BEGIN - 3600.0, BEGIN + 60.0)
    while remove_old(connection, 30, BEGIN + 365 * 86400):
        pass
    connection.close()
    kept = [each.started_at for each in LedgerReader(tmp_path / "ledger.sqlite3").since(0)]
    assert kept == [BEGIN - 3600, BEGIN + 60]


@pytest.mark.parametrize("keep_days", [None, 30])
def test_a_removal_of_days_to_come_is_taken_back(tmp_path: Path, keep_days: int | None) -> None:
    connection = plain_ledger(tmp_path, BEGIN - 3600.0, BEGIN + 60.0)
    connection.execute("INSERT INTO facts VALUES ('rows since', ?)", (str(int(BEGIN) + 335 * 86400),))
    upkeep = Upkeep(keep_days)
    while upkeep.step(connection, BEGIN + 90.0) < LOOK_AGAIN_S:
        pass
    assert rows_since(connection) == BEGIN
    Upkeep(keep_days).step(connection, BEGIN + 3 * 86400.0)
    assert (rows_since(connection), connection.execute("SELECT count(*) FROM requests").fetchone()[0]) == (BEGIN, 2)
    connection.close()


def test_the_file_of_a_ledger_shrinks_with_its_rows(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    connection = filled_ledger(file, [msgspec.structs.replace(row, why="x" * 500) for row in ROWS])
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    while remove_old(connection, 1, BEGIN + LONG_AGO):
        pass
    assert connection.execute("PRAGMA page_count").fetchone()[0] < pages / 2
    connection.close()


@pytest.mark.parametrize(
    "what", [c.Choice(session="s-1"), c.Choice(agent="a-1"), c.Choice(project="shop"), c.Choice()], ids=str
)
@pytest.mark.parametrize("column", [None, "model"])
def test_sums_are_found_by_indexes(written: Path, what: c.Choice, column: str | None) -> None:
    connection = schema.connect(str(written), read_only=True)
    _, joined, where, values = rolled(chosen(what), 900, column)
    query = f"EXPLAIN QUERY PLAN SELECT * FROM {joined} WHERE {where} AND grain_s = 900 AND slot > 0"
    plan = [row[3] for row in connection.execute(query, values)]
    connection.close()
    assert not [step for step in plan if step.startswith("SCAN")]
