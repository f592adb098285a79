"""The tree of agents: places, sums, states, words."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import contract as c
from tests.tui.scenes import NOW
from tests.tui.scenes_sessions import AGENTS, agent, session
from tui.state.agents import agent_line, agent_rows, agent_state, scope_of, sum_line, told_line, tree_titles
from tui.state.choices import Scope
from tui.state.lines import line_cells, line_text
from tui.state.who import agent_row_name


def keys(*agents: c.AgentTally, closed: frozenset[str] = frozenset()) -> list[tuple[str, int]]:
    return [(row.key, row.depth) for row in agent_rows(agents, closed)]


def test_sub_agents_stand_below_whoever_sent_them() -> None:
    expected = [("main", 0), ("a1", 1), ("a3", 2), ("a2", 1), ("a4", 2), ("background", 0)]
    assert keys(*AGENTS) == expected


def test_a_closed_agent_hides_what_is_below_and_counts_it() -> None:
    rows = agent_rows(AGENTS, frozenset({"a1"}))
    closed = next(row for row in rows if row.key == "a1")
    assert [row.key for row in rows] == ["main", "a1", "a2", "a4", "background"]
    assert (closed.below, closed.tally.requests, closed.tally.cost_nano_usd) == (1, 12, 21 * 10**7)


@pytest.mark.parametrize("closed", [frozenset(), frozenset({"a1"}), frozenset({"main"}), frozenset({"main", "a2"})])
def test_the_rows_add_up_to_the_session_however_they_are_folded(closed: frozenset[str]) -> None:
    rows, whole = agent_rows(AGENTS, closed), session().tally
    assert sum(row.tally.cost_nano_usd for row in rows) == whole.cost_nano_usd
    assert sum(row.tally.requests for row in rows) == whole.requests
    assert sum(row.tally.usage.total_tokens for row in rows) == whole.usage.total_tokens
    assert sum(row.in_flight for row in rows) == 2


def test_the_child_of_an_agent_that_nobody_knows_hangs_on_the_conversation() -> None:
    assert keys(AGENTS[0], agent(1, 1, 0, parent_agent_id="gone")) == [("main", 0), ("a1", 1)]


def test_agents_stand_on_top_where_the_conversation_was_not_seen() -> None:
    assert keys(agent(1, 1, 0), agent(2, 1, 0, parent_agent_id="a1")) == [("a1", 0), ("a2", 1)]


@given(st.lists(st.integers(0, 6), min_size=6, max_size=6))
def test_every_agent_has_one_place_whoever_names_whom_as_parent(parents: list[int]) -> None:
    agents = [
        agent(number, 1, 0, parent_agent_id=f"a{parent}" if parent else None)
        for number, parent in enumerate(parents, 1)
    ]
    assert sorted(key for key, _ in keys(AGENTS[0], *agents)) == ["a1", "a2", "a3", "a4", "a5", "a6", "main"]


def test_an_agent_is_named_by_its_number_its_kind_and_its_errand() -> None:
    assert [agent_row_name(each) for each in AGENTS] == [
        "main",
        '⤷1 Explore "find the handlers"',
        '⤷2 Plan "the smallest safe change"',
        '⤷3 general-purpose "count what calls them"',
        "⤷4",
        "background",
    ]


def test_states_are_told_in_words() -> None:
    states = [agent_state(row, NOW)[0] for row in agent_rows(AGENTS)]
    assert states == ["● working", "✓ done", "✓ done", "● working", "… tool 25 s", "idle 4 s"]


@pytest.mark.parametrize(
    ("outcome", "told"), [("cancelled", "⊘ cancelled"), ("failed", "✗ failed"), ("broken", "✗ broken")]
)
def test_a_sub_agent_whose_last_request_ended_badly_runs_no_tool(outcome: c.Outcome, told: str) -> None:
    for quiet_s in (5, 300, 4000):
        (row,) = agent_rows([agent(1, 1, quiet_s, done=False, outcome=outcome)])
        assert agent_state(row, NOW)[0] == told
    (again,) = agent_rows([agent(1, 1, 5, done=False, outcome=outcome, in_flight=1)])
    assert agent_state(again, NOW)[0] == "● working"


def test_a_sub_agent_that_was_quiet_for_long_is_not_waited_for() -> None:
    (row,) = agent_rows([agent(1, 1, 1200, done=False)])
    assert agent_state(row, NOW)[0] == "idle 20 min"


@pytest.mark.parametrize("width", [44, 48, 64, 100])
def test_rows_titles_and_sums_stand_below_each_other(width: int) -> None:
    lines = [agent_line(row, width, NOW) for row in agent_rows(AGENTS)]
    assert {line_cells(each) for each in (*lines, sum_line(session(), width, NOW))} <= {width, width - 1}
    assert line_cells(tree_titles(width)) <= width


def test_a_narrow_tree_keeps_cost_and_state() -> None:
    text = line_text(agent_line(agent_rows(AGENTS)[1], 40, NOW))
    assert "$0.1200" in text
    assert "✓ done" in text


def test_a_row_is_told_in_full_where_there_is_no_room_in_it() -> None:
    first, explorer, *_ = agent_rows(AGENTS, frozenset({"a1"}))
    told = '⤷1 Explore "find the handlers" and 1 below it  12 requests · 2.1M tokens · $0.2100 · 26 min'
    assert line_text(told_line(explorer, 120, NOW)).strip() == told
    assert line_cells(told_line(first, 40, NOW)) <= 40
    assert line_text(told_line(explorer, 80, NOW)).strip() == told.removesuffix(" · $0.2100 · 26 min")


def test_on_the_simulator_what_cost_nothing_has_its_mark_too() -> None:
    free = c.Tally(requests=2, usage=c.Usage(output_tokens=90))
    agents = (c.AgentTally(role="main", tally=free, started_at=NOW - 9, last_at=NOW), agent(1, 0, 9))
    whole = msgspec.structs.replace(session(), agents=agents, tally=free, simulated=True)
    main, _ = agent_rows(agents, simulated=True)
    for each in (agent_line(main, 80, NOW), told_line(main, 80, NOW), sum_line(whole, 80, NOW)):
        assert " ~$0.00" in line_text(each)


def test_on_the_simulator_an_agent_that_asked_for_real_money_tells_that() -> None:
    mixed = agent_rows([agent(1, 7, 9)], simulated=True)
    assert " $0.0700 " in line_text(agent_line(mixed[0], 80, NOW))


def test_a_model_chosen_on_a_row_is_for_that_kind_of_agent() -> None:
    shop, id_ = session(), session().id
    assert scope_of(shop, None) == Scope("session shop-api", id_)
    assert scope_of(shop, AGENTS[0]) == Scope("session shop-api", id_)
    assert scope_of(shop, AGENTS[1]) == Scope("sub-agents of shop-api", id_, "subagent")
    assert scope_of(shop, AGENTS[-1]) == Scope("haiku/background of shop-api", id_, "haiku")


def test_a_foreign_name_cannot_move_the_cursor() -> None:
    nasty = msgspec.structs.replace(AGENTS[1], name="Ex\x1b[2Jplore\nall")
    assert agent_row_name(nasty) == "⤷1 Explore all"
