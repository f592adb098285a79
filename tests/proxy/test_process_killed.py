"""An engine that is killed while it rolls up an old ledger: the sums are exact before, during and after it."""

import sqlite3

import httpx
import msgspec

from proxy import contract as c
from tests.proxy.engine_process import MESSAGE, TIMEOUT_S, EngineProcess, Stage
from tests.proxy.ledger import generated
from tests.proxy.ledger.former import old_ledger

DAYS = 30.0
ROWS = generated.requests(11, 24_000, DAYS)
KILLS = 2
HELD = """CREATE TRIGGER held BEFORE UPDATE ON facts WHEN NEW.name = 'rolled up to row' AND NEW.value + 0 > {}
    BEGIN SELECT RAISE(ABORT, 'held'); END"""


def waiting(engine: EngineProcess) -> int:
    """Rows that are not rolled up yet."""
    connection = sqlite3.connect(engine.paths.ledger_file, timeout=TIMEOUT_S)
    try:
        facts = dict(connection.execute("SELECT name, value FROM facts WHERE name LIKE '% to row'"))
    finally:
        connection.close()
    return int(facts["roll up to row"]) - int(facts["rolled up to row"]) if facts else 0


def hold(engine: EngineProcess, row: int | None) -> None:
    """Nothing after ``row`` is rolled up until the next call; None: all may be."""
    connection = sqlite3.connect(engine.paths.ledger_file)
    connection.execute("DROP TRIGGER IF EXISTS held")
    if row is not None:
        connection.execute(HELD.format(row))
    connection.close()


def ask(client: httpx.Client) -> None:
    assert client.post("/v1/messages", json=MESSAGE).status_code == 200


def sums(client: httpx.Client) -> tuple[int, int, int]:
    """Of all the ledger has but what the test asked for itself: requests, cost, tokens."""
    theirs = {"since": str(generated.BEGIN), "until": str(generated.BEGIN + (DAYS + 1) * 86400)}
    total = msgspec.json.decode(client.get(f"{c.DOOR}/usage", params=theirs).content, type=c.UsageReport).total
    return total.requests, total.cost_nano_usd, total.usage.total_tokens


def test_killed_in_the_midst_of_rolling_up_it_goes_on_where_it_was(stage: Stage) -> None:
    whole = generated.report(ROWS, c.Choice(), "role").total
    exact = (whole.requests, whole.cost_nano_usd, whole.usage.total_tokens)
    engine = stage.start()
    engine.started()
    engine.process.kill()
    engine.process.wait(TIMEOUT_S)
    engine.paths.ledger_file.unlink()
    old_ledger(engine.paths.ledger_file, ROWS)
    left = [len(ROWS)]
    for kill in range(1, KILLS + 1):
        hold(engine, len(ROWS) * kill // (KILLS + 1))
        engine = stage.start().started()
        with engine.client() as client:
            ask(client)
            while (now := waiting(engine)) >= left[-1]:
                assert sums(client) == exact
            left.append(now)
        engine.process.kill()
        engine.process.wait(TIMEOUT_S)
    assert left == sorted(set(left), reverse=True)
    assert left[-1] > 0
    hold(engine, None)
    engine = stage.start().started()
    with engine.client() as client:
        while waiting(engine):
            assert sums(client) == exact
        assert sums(client) == exact
