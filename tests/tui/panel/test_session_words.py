"""The table of sessions, one in full, and the budgets, in words."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import contract as c
from tests.tui.scenes import DOLLAR, NOW, docs_session, live, served
from tests.tui.scenes_sessions import budgets, report, scene, session
from tui import actions
from tui.state import budget_view as view
from tui.state.lines import Line, line_cells, line_text
from tui.state.panel import PanelState
from tui.state.session_detail import detail_lines, detail_title, forecast_words, resampled
from tui.state.sessions import Rate, all_row, mix, ordered, rates, session_row, session_titles
from tui.state.trouble import troubles

KEYS = actions.first_keys(actions.effective_keys())
URL = "http://127.0.0.1:8787"


def text(lines: list[Line]) -> str:
    return "\n".join(line_text(each) for each in lines)


def state() -> PanelState:
    made = PanelState(URL)
    made.apply(scene().snapshot(URL))
    return made


def test_the_latest_activity_stands_first() -> None:
    quiet = msgspec.structs.replace(docs_session(), last_at=NOW - 300)
    assert [one.project for one in ordered([quiet, session()], NOW)] == ["shop-api", "docs-site"]


def test_two_busy_sessions_do_not_change_places_with_each_request() -> None:
    for shop_s, docs_s in ((1, 22), (22, 1)):
        shop = msgspec.structs.replace(session(), last_at=NOW - shop_s, in_flight=0)
        docs = msgspec.structs.replace(docs_session(), last_at=NOW - docs_s)
        assert [one.project for one in ordered([shop, docs], NOW)] == ["docs-site", "shop-api"]


@pytest.mark.parametrize("width", [40, 64, 80, 100, 180])
def test_rows_and_titles_stand_below_each_other(width: int) -> None:
    rows = [session_row(session(), "shop-api", Rate(DOLLAR), width, NOW), all_row(state(), {}, width)]
    assert len({line_cells(each) for each in (*rows, session_titles(width))}) == 1
    assert line_cells(rows[0]) <= width


def test_a_narrow_table_keeps_cost_and_pace_and_drops_the_models() -> None:
    row = line_text(session_row(session(), "shop-api", Rate(6.3 * DOLLAR), 64, NOW))
    assert "$4.12" in row
    assert "$6.30/h" in row
    assert "64%" in row
    assert "opus" not in row


def test_the_models_are_told_with_their_shares_as_far_as_there_is_room() -> None:
    models = {"claude-opus-4-8": 60, "claude-sonnet-5-20260101": 30, "claude-haiku-4-5": 10}
    assert mix(models, 60) == "opus-4-8 60% sonnet-5 30% haiku-4-5 10%"
    assert mix(models, 20) == "opus-4-8 60% +2"
    assert mix({"claude-opus-4-8": 3}, 20) == "opus-4-8"
    assert mix({}, 20) == ""


def test_each_session_has_the_pace_of_its_own_requests() -> None:
    cost = DOLLAR
    found = rates([live(3, 5.0), served(2, 60.0, session_id="other"), served(1, 90.0, cost_nano_usd=cost)], NOW)
    assert found["5e551011-aaaa"].words == "$30.00/h"
    assert found["other"].words == "$6.40/h"


def test_simulated_money_keeps_its_mark() -> None:
    assert Rate(0.0, 3.0 * DOLLAR).words == "~$3.00/h"


def test_one_session_in_full_tells_models_kinds_pace_and_forecast() -> None:
    told = text(detail_lines(session(), report(), 80, NOW))
    for words in (
        "$4.12   89 requests",
        "context 128k of 200k",
        "peak $0.2",
        "opus-4-8 · anthropic            $2.60     60×",
        "cache read                      $1.51     37%",
        "tokens/min                          18k      15k     9.2k",
        "By 09:00 about $9.22",
        "The session budget of $10 will be used up at 09:09, in 69 min.",
        "$0.9800 of it was split in the proportion of prices",
    ):
        assert words in told, told


@pytest.mark.parametrize("width", [30, 48, 64, 100, 180])
def test_the_whole_fits_its_width(width: int) -> None:
    assert max(line_cells(each) for each in detail_lines(session(), report(), width, NOW)) <= width


def test_a_session_whose_report_has_not_come_is_told_by_what_is_known() -> None:
    told = text(detail_lines(session(), None, 80, NOW))
    assert "$4.12" in told
    assert "Reading the ledger" in told


def test_without_traffic_nothing_is_foretold() -> None:
    assert forecast_words(None, NOW) == [("Nothing was spent in the last 5 minutes, so there is no forecast.", "dim")]
    quiet = msgspec.structs.replace(report(), forecast=None, paces=(c.Pace(span_s=60.0),))
    assert "pace" not in text(detail_lines(session(), quiet, 80, NOW))


def test_requests_that_the_ledger_lost_are_owned_up_to() -> None:
    assert "9 requests are not in the ledger" in text(detail_lines(session(), report(), 80, NOW, missing=9))
    assert detail_title(c.Session(id="3f9c2b1a-0000")) == "3f9c2b1a"
    assert "1 request is not in the ledger" in text(detail_lines(session(), report(), 80, NOW, missing=1))


def test_a_model_without_a_known_price_costs_a_question_mark() -> None:
    unknown = c.ModelCost(provider="x", model="nobody", tally=c.Tally(requests=2, unpriced_requests=2), over_time=(0,))
    told = msgspec.structs.replace(report(), by_model=(unknown,))
    lines = [line_text(each).split()[:5] for each in detail_lines(session(), told, 80, NOW)]
    assert ["nobody", "·", "x", "?", "2×"] in lines


def test_simulated_sessions_are_told_in_simulated_money() -> None:
    kinds = (c.KindCost(kind="output", nano_usd=DOLLAR, simulated=True, over_time=(DOLLAR,)),)
    told = c.SessionReport(
        session_id="s", tally=c.Tally(requests=1, simulated_nano_usd=DOLLAR), by_kind=kinds, steps=1, begins_at=NOW
    )
    words = text(detail_lines(session(), told, 80, NOW))
    assert "output                         ~$1.00    100%" in words
    assert "~ marks simulated money" in words


@given(st.lists(st.integers(0, 10**9), max_size=120), st.integers(1, 200))
def test_a_course_in_other_columns_has_the_same_sum(values: list[int], columns: int) -> None:
    drawn = resampled(values, columns)
    assert len(drawn) == columns
    assert sum(drawn) == pytest.approx(sum(values))


def test_a_budget_s_bar_says_by_sign_and_number_how_full_it_is() -> None:
    rows = [line_text(view.budget_row(each, 80)) for each in budgets().budgets]
    assert rows[0].startswith("   session")
    assert rows[0].endswith("$4.12    $10.00   41%")
    assert rows[1].startswith(" ✗ project shop-api")
    assert rows[1].endswith("100%")
    assert rows[2].startswith(" ▲ today")
    assert rows[3].endswith("no limit")


def test_one_budget_in_full_tells_what_is_left_and_what_runs() -> None:
    told = text(view.budget_detail(budgets(), budgets().budgets[0], 64, KEYS))
    for words in ("spent      $4.12", "in flight  about $0.2100", "left       $5.88", "$10.00, of which $2.00 granted"):
        assert words in told, told


def test_a_session_that_passes_is_told_so() -> None:
    assert view.rule_words(budgets(passing=True)) == "No budget stops this session; what it spends still counts."
    widths = (100, 64, 52, 40, 10)
    titles = [line_text(view.budget_title(budgets(passing=True), "shop-api 5e55", width)) for width in widths]
    assert titles == [
        " budgets   of session shop-api 5e55   the session passes every budget",
        " budgets   of session shop-api 5e55   passes every budget",
        " budgets   of session shop-ap…   passes every budget",
        " budgets   passes every budget",
        " budgets…",
    ]


def test_the_default_grant_is_half_of_the_limit() -> None:
    session_budget, project, *_ = budgets().budgets
    assert (view.default_grant(session_budget), view.default_grant(project)) == ("5", "10")
    assert view.default_amount(session_budget) == "8"


@pytest.mark.parametrize("words", ["", "many", "-1", "0", "nan", "inf", "2000000"])
def test_what_is_no_amount_is_refused_in_words(words: str) -> None:
    with pytest.raises(view.NotAnAmount, match=r"amount"):
        view.amount(words)


def test_amounts_are_exact() -> None:
    assert (view.amount("0.1"), view.amount(" $20 ")) == (100_000_000, 20 * DOLLAR)


def test_a_budget_that_refuses_requests_names_the_key_that_helps() -> None:
    made = state()
    engine = scene().engine(URL)
    made.apply(c.EngineChanged(engine=engine, used_up=("the session budget of $10.00 is used up",)))
    expected = "The session budget of $10.00 is used up. Press b for more."
    assert troubles(made, NOW, KEYS)[0].text == expected
    made.apply(c.EngineChanged(engine=engine))
    assert "budget" not in troubles(made, NOW, KEYS)[0].text
