"""Events in, state out."""

import msgspec

from proxy import contract as c
from tests.tui.scenes import NOW, at_work, blank, live, one_session, served
from tui.state.panel import Dirty, PanelState
from tui.state.watching import choose_watched

URL = "http://127.0.0.1:8787"


def state_of(scene: object = None) -> PanelState:
    state = PanelState(URL)
    state.apply((scene or at_work()).snapshot(URL))  # type: ignore[attr-defined]
    state.dirty = Dirty.NOTHING
    return state


def test_a_snapshot_is_the_whole_state() -> None:
    state = state_of()
    assert (state.link, state.in_flight, len(state.sessions), len(state.requests)) == ("up", 3, 2, 13)


def test_each_event_marks_only_what_it_moved() -> None:
    state = state_of()
    state.apply(c.RouteChanged(route=c.Route(default="ollama")))
    assert state.dirty == Dirty.ROUTE
    state.dirty = Dirty.NOTHING
    state.apply(c.StreamPart(request_id="not watched", kind="text", block=0, text="x"))
    assert state.dirty == Dirty.NOTHING


def test_a_request_in_flight_that_the_engine_forgot_is_gone_after_the_next_snapshot() -> None:
    state = state_of()
    scene = at_work()
    scene.requests = {}
    state.apply(scene.snapshot(URL))
    assert state.in_flight == 0
    assert len(state.requests) == 10


def test_another_installation_brings_its_own_requests_only() -> None:
    state = state_of()
    scene = blank()
    scene.home = "/elsewhere"
    state.apply(scene.snapshot(URL))
    assert state.requests.total == 0


def test_sub_agents_are_numbered_as_their_session_says() -> None:
    state = state_of()
    assert state.ordinal(served(1, 1, role="agent", agent_id="a2")) == 2
    assert state.ordinal(served(1, 1, role="agent", agent_id="unheard of")) is None


def test_costs_are_of_the_only_session_at_work_and_of_all_when_there_are_more() -> None:
    assert state_of().session_in_view(NOW) is None
    assert state_of(one_session()).session_in_view(NOW) is not None
    chosen = state_of()
    chosen.look_at("d0c5d0c5-bbbb")
    session = chosen.session_in_view(NOW)
    assert session is not None
    assert session.project == "docs-site"
    assert {chosen.requests.row(index).session_id for index in range(len(chosen.requests))} == {"d0c5d0c5-bbbb"}


def test_the_newest_live_request_is_watched_and_kept_until_it_ends() -> None:
    state = state_of()
    first = choose_watched(state.requests, state.requests, None, None)
    assert first == "r00000012"
    state.apply(c.RequestChanged(request=live(20, 0)))
    assert choose_watched(state.requests, state.requests, None, first) == first
    state.apply(c.RequestChanged(request=served(12, 9)))
    assert choose_watched(state.requests, state.requests, None, first) == "r00000020"


def test_what_is_not_of_the_session_in_view_is_neither_watched_nor_counted() -> None:
    state = state_of()
    state.look_at("d0c5d0c5-bbbb")
    watched = choose_watched(state.requests, state.requests, None, "r00000012")
    assert watched is not None
    assert watched != "r00000012"
    assert state.requests.find(watched) is not None
    assert (state.in_flight, state.shown_in_flight) == (3, 0)
    state.search("no such words")
    assert choose_watched(state.requests, state.requests, None, watched) is None


def test_with_nothing_alive_the_last_one_stays_until_another_began_and_ended_after_it() -> None:
    state = state_of(blank())
    for request in (served(1, 30, duration_ms=10_000.0), served(2, 25, duration_ms=1000.0)):
        state.apply(c.RequestChanged(request=request))
    assert choose_watched(state.requests, state.requests, None, "r00000001") == "r00000001"
    state.apply(c.RequestChanged(request=served(3, 15, role="background")))
    assert choose_watched(state.requests, state.requests, None, "r00000001") == "r00000001"
    state.apply(c.RequestChanged(request=served(4, 12)))
    assert choose_watched(state.requests, state.requests, None, "r00000001") == "r00000004"


def test_a_selected_request_is_watched_whatever_lives() -> None:
    state = state_of()
    assert choose_watched(state.requests, state.requests, "r00000001", "r00000012") == "r00000001"


def test_notices_are_told_once() -> None:
    state = state_of()
    state.apply(c.NoticePosted(notice=c.Notice(at=NOW, level="info", text="hello")))
    assert [notice.text for notice in state.unread] == ["hello"]


def test_sessions_are_bounded() -> None:
    state = state_of(blank())
    for number in range(1000):
        session = c.Session(
            id=f"s{number}", last_at=float(number), agents=(c.AgentTally(role="agent", agent_id="a", ordinal=1),)
        )
        state.apply(c.SessionChanged(session=session, today=c.Tally()))
    assert len(state.sessions) == 300
    assert "s999" in state.sessions


def budget(kind: c.BudgetKind, name: str, spent: int, limit: int = 100) -> c.Budget:
    return c.Budget(kind=kind, name=name, limit_nano_usd=limit, spent_nano_usd=spent)


def test_the_budget_in_view_is_the_one_with_the_least_left() -> None:
    state = state_of(blank())
    session = c.Session(id="s", project="shop")
    told = (budget("session", "s", 10), budget("project", "shop", 50), budget("day", "2027-01-15", 30))
    others = (budget("session", "other", 99), budget("project", "blog", 99))
    state.apply(c.SessionChanged(session=session, today=c.Tally(), budgets=(*told, *others)))
    assert (state.budget_in_view(session), state.budget_in_view(None)) == (told[1], told[2])
    assert state.budget_in_view(c.Session(id="s2")) == told[2]


def test_a_new_day_s_budget_takes_the_place_of_yesterday_s() -> None:
    state = state_of(blank())
    session = c.Session(id="s")
    yesterday, today = budget("day", "2027-01-14", 99), budget("day", "2027-01-15", 1)
    for one in (yesterday, today):
        state.apply(c.SessionChanged(session=session, today=c.Tally(), budgets=(one,)))
    assert state.budget_in_view(None) == today
    state.apply(blank().snapshot(URL))
    assert state.budget_in_view(None) is None


def test_the_engines_death_keeps_what_it_said() -> None:
    state = state_of()
    state.lost("")
    assert (state.link, len(state.requests)) == ("gone", 13)
    assert state.dirty == Dirty.ALL
    state.apply(msgspec.structs.replace(at_work().snapshot(URL)))
    assert state.link == "up"
