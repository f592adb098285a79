"""The board over days, changes of the clock and sessions that start sub-agents without end."""

from datetime import datetime
from typing import Any

import pytest

from proxy import board
from proxy import contract as c
from proxy.board import Board
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


def test_the_conversation_itself_is_never_let_go() -> None:
    kept = Board(0.0)
    kept.restore(ended(0.0, "main", role="main"), None)
    for number in range(board.AGENTS_KEPT + 5):
        kept.restore(ended(1.0 + number, f"r{number}", role="agent", agent_id=f"a-{number}"), None)
    session = kept.session("s")
    assert session is not None
    assert (session.agents[0].role, len(session.agents)) == ("main", board.AGENTS_KEPT)
