"""The board over days, changes of the clock and sessions that start sub-agents without end."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from proxy import board
from proxy import contract as c
from proxy.board import Board
from proxy.ledger.sessions import AgentSum
from proxy.net.exchange import Exchange
from proxy.protocol.identity import Identity
from tests.conftest import InZone


@pytest.fixture
def berlin(in_zone: InZone) -> None:
    in_zone("Europe/Berlin")


def at(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def ended(began: float, name: str = "r1", **fields: Any) -> c.Request:
    cost = c.Usage(input_tokens=10)
    given = {"id": name, "started_at": began, "session_id": "s", "usage": cost, "cost_nano_usd": 5, **fields}
    return c.Request(phase="done", outcome="served", **given)


def arriving(session: str, at: float = 0.0) -> Exchange:
    return Exchange("r0", at, 0.0, "/v1/messages", "messages", Identity(session, None, None, None, None, "main"), [])


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_the_sums_of_today_outlast_a_change_of_the_clocks(berlin: None, day: str) -> None:
    kept = Board(at(f"{day}T00:30:00"))
    kept.restore(ended(at(f"{day}T00:40:00")), None)
    turned = [kept.turn_day(at(f"{day}T{hour:02}:30:00")) for hour in range(1, 24)]
    assert (any(turned), kept.today.requests) == (False, 1)


def test_a_day_with_a_change_of_the_clocks_ends_at_midnight(berlin: None) -> None:
    kept = Board(at("2026-03-29T12:00:00"))
    kept.restore(ended(at("2026-03-29T12:00:00")), None)
    assert not kept.turn_day(at("2026-03-29T23:59:59"))
    assert kept.turn_day(at("2026-03-30T00:00:00"))
    assert kept.today == c.Tally()


def test_what_ended_before_anybody_saw_that_the_day_turned_is_of_the_new_day(berlin: None) -> None:
    kept = Board(at("2026-05-01T23:00:00"))
    kept.restore(ended(at("2026-05-01T23:59:59"), "r1"), None)
    kept.restore(ended(at("2026-05-02T00:00:00.250"), "r2"), None)
    kept.restore(ended(at("2026-05-02T00:00:00.500"), "r3", kind="count_tokens"), None)
    assert kept.turn_day(at("2026-05-02T00:00:01"))
    assert (kept.today.requests, kept.today.cost_nano_usd) == (1, 5)


def test_a_clock_that_is_set_back_over_midnight_brings_the_old_day_s_sums_back(berlin: None) -> None:
    kept = Board(at("2026-05-01T23:00:00"))
    kept.restore(ended(at("2026-05-01T23:59:00"), "r1"), None)
    assert kept.turn_day(at("2026-05-02T00:00:01"))
    assert kept.turn_day(at("2026-05-01T23:58:00"))
    assert kept.today.requests == 1


def test_of_sub_agents_without_end_the_latest_are_kept_and_the_session_counts_all() -> None:
    kept, many = Board(0.0), board.AGENTS_KEPT + 50
    for number in range(many):
        kept.restore(ended(float(number), f"r{number}", role="agent", agent_id=f"a-{number}"), None)
    session = kept.session("s")
    assert session is not None
    assert (len(session.agents), session.tally.requests) == (board.AGENTS_KEPT, many)
    assert [each.agent_id for each in session.agents][-1] == f"a-{many - 1}"
    assert [each.ordinal for each in session.agents] == list(range(51, many + 1))


def test_of_sessions_without_end_the_latest_are_kept_and_those_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "SESSIONS_KEPT", 3)
    kept = Board(0.0)
    kept.opened(arriving("s-0"))
    for number in range(1, 6):
        kept.restore(ended(float(number), f"r{number}", session_id=f"s-{number}"), None)
    assert kept.session_ids() == ["s-0", "s-4", "s-5"]


def test_a_session_that_was_let_go_lacks_its_past_when_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "SESSIONS_KEPT", 1)
    kept = Board(0.0)
    kept.restore(ended(1.0, "r1", session_id="s-1"), None)
    kept.restore(ended(2.0, "r2", session_id="s-2"), None)
    assert kept.lacking() == {}
    kept.opened(arriving("s-1", at=3.0))
    assert kept.lacking() == {"s-1": 3.0}


def test_what_is_imported_before_a_session_s_past_is_known_comes_with_that_past() -> None:
    kept = Board(0.0)
    kept.opened(arriving("s", at=3.0))
    kept.imported(ended(1.0, "r1"))
    kept.imported(ended(4.0, "r4"))
    tally = c.Tally(requests=7, cost_nano_usd=70)
    kept.add_past("s", [AgentSum("s", "shop", "main", None, None, "m", 0.5, 2.0, tally)])
    kept.imported(ended(1.5, "r2"))
    session = kept.session("s")
    assert session is not None
    assert (session.tally.requests, session.tally.cost_nano_usd, session.project) == (9, 80, "shop")
    assert (session.started_at, session.last_at, session.models) == (0.5, 3.0, {"m": 7})


def test_an_agent_has_the_outcome_of_its_last_request() -> None:
    kept = Board(0.0)
    for number, outcome in enumerate(("served", "failed", "cancelled")):
        asked = ended(float(number), f"r{number}", role="agent", agent_id="a-1", stop_reason="tool_use")
        kept.restore(msgspec.structs.replace(asked, outcome=outcome), None)
        session = kept.session("s")
        assert session is not None
        assert (session.agents[0].outcome, session.agents[0].done) == (outcome, False)


def test_the_conversation_itself_is_never_let_go() -> None:
    kept = Board(0.0)
    kept.restore(ended(0.0, "main", role="main"), None)
    for number in range(board.AGENTS_KEPT + 5):
        kept.restore(ended(1.0 + number, f"r{number}", role="agent", agent_id=f"a-{number}"), None)
    session = kept.session("s")
    assert session is not None
    assert (session.agents[0].role, len(session.agents)) == ("main", board.AGENTS_KEPT)
