"""A session's own view is whole, whether its rows are kept, were removed, or in part."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from proxy import contract as c
from proxy.board import add
from proxy.ledger.retention import remove_old
from proxy.ledger.sessions import Extent, SessionLedger
from proxy.protocol.session_bill import Sum, axis, kinds_of, session_bill
from proxy.session_reports import agent_tallies
from tests.proxy.ledger import generated
from tests.proxy.ledger.filled import filled_ledger
from tests.proxy.ledger.generated import BEGIN, KEYS

DAYS = 12.0
ROWS = [each for each in generated.requests(4, 3000, DAYS) if each.kind == "messages"]
SESSIONS = ("s-1", "s-2", "")
DAY_S = 86_400


@pytest.fixture(params=[0, 5, 13], ids=["all rows", "five days removed", "no rows"], scope="module")
def ledger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SessionLedger:
    file = tmp_path_factory.mktemp("ledger") / "ledger.sqlite3"
    connection = filled_ledger(file, ROWS)
    while request.param and remove_old(connection, 30, BEGIN + (30 + request.param) * DAY_S):
        pass
    connection.close()
    return SessionLedger(file)


def of_session(session: str) -> list[c.Request]:
    rows = [each for each in ROWS if (each.session_id or "") == session]
    return sorted(rows, key=lambda each: each.started_at)


def summed(rows: Iterable[c.Request]) -> c.Tally:
    whole = c.Tally()
    for each in rows:
        whole = add(whole, each)
    return whole


def quarterly(ledger: SessionLedger, session: str) -> list[Sum]:
    known = ledger.extent(session)
    assert known is not None
    return ledger.sums(session, axis(known.began, known.ended, 900))


@pytest.mark.parametrize("session", SESSIONS)
def test_models_have_their_plain_sums(ledger: SessionLedger, session: str) -> None:
    plain: dict[tuple[str, str, bool], c.Tally] = defaultdict(c.Tally)
    for each in of_session(session):
        who = (each.provider or "", KEYS["model"](each), each.simulated)
        plain[who] = add(plain[who], each)
    found: dict[tuple[str, str, bool], c.Tally] = defaultdict(c.Tally)
    for one in quarterly(ledger, session):
        found[one.provider, one.model, one.simulated] += one.tally
    assert found == plain


@pytest.mark.parametrize("session", SESSIONS)
def test_kinds_are_those_of_the_time_of_the_requests(ledger: SessionLedger, session: str) -> None:
    plain: dict[tuple[str, bool], int] = defaultdict(int)
    for each in of_session(session):
        parts = kinds_of(each.cost_split) if each.cost_split else {"unsplit": each.cost_nano_usd or 0}
        for kind, nano_usd in parts.items():
            plain[kind, each.simulated] += nano_usd
    bill = session_bill(quarterly(ledger, session), 200, lambda _provider, _models: None)
    found = {(one.kind, one.simulated): one.nano_usd for one in bill.by_kind}
    assert found == {key: nano_usd for key, nano_usd in plain.items() if nano_usd}
    divided = [each.cost_nano_usd or 0 for each in of_session(session) if each.cost_split and each.cost_split.divided]
    assert bill.in_proportion_nano_usd == sum(divided)


@pytest.mark.parametrize("session", SESSIONS)
def test_costs_over_time_are_the_plain_ones(ledger: SessionLedger, session: str) -> None:
    known = ledger.extent(session)
    assert known is not None
    over = axis(known.began, known.ended, 900)
    plain = [0] * over.steps
    for each in of_session(session):
        plain[int((each.started_at - over.begins_at) // over.step_s)] += each.cost_nano_usd or 0
    bill = session_bill(ledger.sums(session, over), over.steps, lambda _provider, _models: None)
    assert [sum(step) for step in zip(*(one.over_time for one in bill.by_model), strict=True)] == plain


@pytest.mark.parametrize("session", SESSIONS)
def test_agents_have_their_plain_sums_now_and_before_a_moment(ledger: SessionLedger, session: str) -> None:
    def plain(rows: Iterable[c.Request]) -> dict[tuple[str, str | None], c.Tally]:
        found: dict[tuple[str, str | None], c.Tally] = defaultdict(c.Tally)
        for each in rows:
            found[each.role, each.agent_id] = add(found[each.role, each.agent_id], each)
        return found

    agents = agent_tallies(ledger.agents(session), {})
    assert {(each.role, each.agent_id): each.tally for each in agents} == plain(of_session(session))
    moment = BEGIN + 8 * DAY_S + (0 if not ledger.last(1) else 1234.5)
    before = agent_tallies(ledger.agents_before(moment, [session]), {})
    earlier = [each for each in of_session(session) if each.started_at < moment]
    assert {(each.role, each.agent_id): each.tally for each in before} == plain(earlier)
    assert sorted(each.ordinal for each in before if each.role == "agent") == [1, 2]


@pytest.mark.parametrize("session", SESSIONS)
def test_an_extent_is_that_of_the_requests(ledger: SessionLedger, session: str) -> None:
    rows = of_session(session)
    ended = max(each.started_at + (each.duration_ms or 0) / 1000 for each in rows)
    known = ledger.extent(session)
    assert known is not None
    assert known.began == rows[0].started_at
    assert abs(known.ended - ended) <= (900 if known.by_quarter else 0)


def test_nobody_knows_a_session_that_never_was(ledger: SessionLedger) -> None:
    assert (ledger.extent("nobody"), ledger.agents("nobody"), ledger.sums("nobody", axis(0, 1))) == (None, [], [])


def test_a_short_session_without_rows_is_told_by_quarters(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    rows = [
        c.Request(id=f"r{number}", started_at=BEGIN + 100 + 60 * number, duration_ms=5000.0, phase="done",
                  outcome="served", session_id="s", cost_nano_usd=7)
        for number in range(3)
    ]  # fmt: skip
    later = c.Request(id="later", started_at=BEGIN + 9 * DAY_S, phase="done", outcome="served", session_id="t")
    connection = filled_ledger(file, (*rows, later))
    assert SessionLedger(file).extent("s") == Extent(BEGIN + 100, BEGIN + 225)
    while remove_old(connection, 1, BEGIN + 9 * DAY_S):
        pass
    connection.close()
    known = SessionLedger(file).extent("s")
    assert known == Extent(BEGIN + 100, BEGIN + 225, by_quarter=True)
    (one,) = SessionLedger(file).sums("s", axis(known.began, known.ended, 900))
    assert (one.step, one.tally) == (0, summed(rows))
