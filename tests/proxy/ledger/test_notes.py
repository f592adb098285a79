"""Names of sub-agents and breaks of caches: kept over restarts, bounded by retention."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from proxy import contract as c
from proxy.ledger import schema
from proxy.ledger.caches import CacheLedger
from proxy.ledger.notes import BREAKS_TOLD, AgentName, CacheLoss, Losses
from proxy.ledger.queries import LedgerReader
from proxy.ledger.retention import remove_old
from proxy.ledger.sessions import SessionLedger
from proxy.ledger.writer import LedgerWriter
from tests.proxy.ledger.rows import NOON, ended


def broken(number: int, **fields: object) -> c.CacheBreak:
    plain = c.CacheBreak(
        at=NOON + number,
        request_id=f"r{number}",
        reason="tool Bash changed",
        lost_tokens=30_000,
        lost_nano_usd=100,
        read_before=0.9,
        read_after=0.1,
    )
    return msgspec.structs.replace(plain, **fields)


def losses(file: Path, session: str = "s-1") -> Losses:
    return CacheLedger(file).kept(session, 99).losses


def test_a_break_comes_back_as_it_was_noted(ledger: LedgerWriter, file: Path) -> None:
    one = broken(1, agent_id="a-1", simulated=True, lost_nano_usd=None)
    ledger.note(CacheLoss("s-1", one))
    assert ledger.flush()
    assert losses(file).breaks == (one,)


def test_the_last_ten_breaks_are_told_and_all_are_summed(ledger: LedgerWriter, file: Path) -> None:
    for number in range(13):
        ledger.note(CacheLoss("s-1", broken(number)))
    ledger.note(CacheLoss("s-2", broken(99)))
    ledger.flush()
    told = losses(file)
    assert [each.request_id for each in told.breaks] == [f"r{number}" for number in range(12, 12 - BREAKS_TOLD, -1)]
    assert (told.lost_nano_usd, told.simulated_nano_usd) == (1300, 0)


def test_simulated_losses_stand_apart_and_an_unknown_price_makes_the_sum_unknown(
    ledger: LedgerWriter, file: Path
) -> None:
    ledger.note(CacheLoss("s-1", broken(1, simulated=True)))
    ledger.flush()
    assert losses(file)[1:] == (0, 100)
    ledger.note(CacheLoss("s-1", broken(2, lost_nano_usd=None)))
    ledger.flush()
    assert losses(file)[1:] == (None, 100)


def test_a_name_that_is_learned_again_takes_the_old_one_s_place(ledger: LedgerWriter, file: Path) -> None:
    for session, agent, name in (
        ("s-1", "a-1", "old"),
        ("s-1", "a-1", "new"),
        ("s-1", "a-2", "two"),
        ("s-2", "a-1", "x"),
    ):
        ledger.note(AgentName(session, agent, name, NOON))
    ledger.flush()
    assert SessionLedger(file).agent_names(["s-1"]) == {("s-1", "a-1"): "new", ("s-1", "a-2"): "two"}


def test_sums_by_sub_agent_have_the_names_that_are_known(ledger: LedgerWriter, file: Path) -> None:
    for number, agent in enumerate(("a-1", "a-2", None)):
        ledger.record(ended(number, session_id="s-1", agent_id=agent))
    ledger.note(AgentName("s-1", "a-1", "Explore", NOON))
    ledger.flush()
    reader = LedgerReader(file)
    assert {row.key: row.name for row in reader.usage(c.Choice(), "agent").rows} == {
        "a-1": "Explore",
        "a-2": "",
        "": "",
    }
    assert {row.name for row in reader.usage(c.Choice(), "session").rows} == {""}


def test_notes_go_with_the_rows_of_their_days(ledger: LedgerWriter, file: Path) -> None:
    day = 86_400
    for number in (0, 3 * day):
        ledger.record(ended(number))
        ledger.note(AgentName("s-1", f"a-{number}", "Explore", NOON + number))
        ledger.note(CacheLoss("s-1", broken(number)))
    ledger.flush()
    connection = schema.connect(str(file))
    while remove_old(connection, 1, NOON + 3 * day):
        pass
    connection.close()
    assert list(SessionLedger(file).agent_names(["s-1"])) == [("s-1", f"a-{3 * day}")]
    assert [each.request_id for each in losses(file).breaks] == [f"r{3 * day}"]


def test_a_note_that_no_ledger_can_hold_costs_nobody_else(ledger: LedgerWriter, file: Path) -> None:
    with sqlite3.connect(file) as other:
        other.execute("BEGIN IMMEDIATE")
        ledger.record(ended(1))
        ledger.note(AgentName("s-1", "a-1", "\ud800", NOON))
        ledger.note(CacheLoss("s-1", broken(2)))
        other.execute("ROLLBACK")
    other.close()
    assert ledger.flush()
    assert (len(SessionLedger(file).last(9)), len(losses(file).breaks)) == (1, 1)
    assert (ledger.dropped, ledger.unfit) == (0, 0)  # no request is missing


@pytest.mark.parametrize("query", ["agent_names WHERE session_id = 's'", "cache_breaks WHERE session_id = 's'"])
def test_notes_of_a_session_are_found_by_an_index(ledger: LedgerWriter, file: Path, query: str) -> None:
    assert ledger.flush()
    connection = schema.connect(str(file), read_only=True)
    plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM {query}").fetchall()
    connection.close()
    assert plan[0][3].startswith("SEARCH")


def test_a_missing_ledger_has_no_notes(tmp_path: Path) -> None:
    assert losses(tmp_path / "none") == Losses()
    assert SessionLedger(tmp_path / "none").agent_names(["s-1"]) == {}
