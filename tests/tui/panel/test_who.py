"""Names and sums of sessions."""

from proxy import contract as c
from tests.tui.scenes import blank
from tui.state.burn import Burn
from tui.state.cost import SESSION_LIMIT, cost_lines
from tui.state.lines import line_text
from tui.state.panel import PanelState
from tui.state.who import agent_names, session_money, session_names, told_apart

SIMULATED = c.Session(id="5e55-1", project="shop", simulated=True)


def test_sessions_of_one_name_are_told_apart_by_their_ids() -> None:
    sessions = [c.Session(id="aaaa-1", project="shop"), c.Session(id="bbbb-2", project="shop"), c.Session(id="cccc-3")]
    assert session_names(sessions) == {"aaaa-1": "shop aaaa", "bbbb-2": "shop bbbb", "cccc-3": "cccc-3"}


def test_sub_agents_are_named_behind_their_session() -> None:
    agents = (c.AgentTally(role="main"), c.AgentTally(role="agent", agent_id="a7", ordinal=2, name="Plan"))
    assert agent_names([c.Session(id="aaaa-1", project="shop", agents=agents)]) == {"a7": "shop ⤷2 Plan"}


def test_a_simulated_session_has_its_mark_before_anything_is_counted() -> None:
    assert session_money(SIMULATED) == "~$0.00"
    assert session_money(c.Session(id="real")) == "$0.00"


def test_real_and_simulated_money_of_a_session_stand_apart() -> None:
    tally = c.Tally(cost_nano_usd=2 * 10**9, simulated_nano_usd=10**9)
    assert session_money(c.Session(id="both", simulated=True, tally=tally)) == "$2.00 and ~$1.00"


def test_many_sessions_leave_room_for_the_providers() -> None:
    state = PanelState("http://127.0.0.1:8787")
    state.apply(blank().snapshot("http://127.0.0.1:8787"))
    for number in range(SESSION_LIMIT + 5):
        session = c.Session(id=f"s{number:03}", last_at=1000.0)
        state.apply(c.SessionChanged(session=session, today=c.Tally()))
    texts = [line_text(one).strip() for one in cost_lines(state, Burn(), 44, 40, 1000.0)]
    assert "and 5 more" in texts
    assert any("anthropic" in text for text in texts)


def test_a_session_is_told_from_another_of_its_name_and_keeps_its_name_where_it_is_alone() -> None:
    known = {one: c.Session(id=one, project=project) for one, project in (("aaaa-1", "shop"), ("bbbb-2", "shop"))}
    alone = c.Session(id="cccc-3", project="docs")
    assert told_apart(known["aaaa-1"], known) == "shop aaaa"
    assert told_apart(alone, {**known, alone.id: alone}) == "docs"
    assert told_apart(None, known, "dddd-4444-5") == "dddd-444"


def test_the_strip_cuts_the_project_and_not_what_tells_sessions_apart() -> None:
    state = PanelState("http://127.0.0.1:8787")
    state.apply(blank().snapshot("http://127.0.0.1:8787"))
    for name in ("aaaa-1", "bbbb-2"):
        session = c.Session(id=name, project="long-project-name", last_at=1000.0)
        state.apply(c.SessionChanged(session=session, today=c.Tally()))
    texts = " ".join(line_text(one) for one in cost_lines(state, Burn(), 29, 40, 1000.0))
    assert "aaaa" in texts
    assert "bbbb" in texts


def test_an_agent_of_which_nothing_is_known_yet_has_no_cost() -> None:
    state = PanelState("http://127.0.0.1:8787")
    state.apply(blank().snapshot("http://127.0.0.1:8787"))
    agent = c.AgentTally(role="agent", agent_id="a", ordinal=1, in_flight=1)
    session = c.Session(id="aaaa-1", last_at=1000.0, in_flight=1, agents=(agent,))
    state.apply(c.SessionChanged(session=session, today=c.Tally()))
    row = next(text for one in cost_lines(state, Burn(), 44, 40, 1000.0) if "⤷1" in (text := line_text(one)))
    assert "$" not in row
