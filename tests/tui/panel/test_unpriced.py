"""What nobody knows the price of is never shown as nothing, wherever money is shown."""

import json
from collections.abc import Callable

import msgspec
import pytest

from proxy import contract as c
from tests.tui.scenes import DOLLAR, NOW, blank, served
from tui import statusline
from tui.cli import budget_output, json_output, text_output, usage_output
from tui.report.facts import session_facts
from tui.report.markdown import markdown_page
from tui.state import budget_view, formats, unpriced
from tui.state.agents import agent_line, agent_rows, sum_line, told_line
from tui.state.burn import Burn, burn
from tui.state.cost import cost_lines, rate_of
from tui.state.header import header
from tui.state.lines import Line, line_text
from tui.state.panel import PanelState
from tui.state.session_detail import detail_lines, forecast_words
from tui.state.sessions import NO_RATE, all_row, rates, session_row
from tui.state.spend_lines import SpendTable
from tui.state.whatif import spent
from tui.state.year import day_line, year, year_facts

DAY = "2027-01-15"
UNKNOWN = c.Tally(requests=3, usage=c.Usage(input_tokens=900, output_tokens=100), unpriced_requests=3)
PARTLY = msgspec.structs.replace(UNKNOWN, requests=4, cost_nano_usd=412 * DOLLAR // 100)
KNOWN = msgspec.structs.replace(PARTLY, unpriced_requests=0)


def session(tally: c.Tally) -> c.Session:
    agents = (
        c.AgentTally(role="main", tally=tally, started_at=NOW - 60, last_at=NOW),
        c.AgentTally(role="agent", agent_id="a", ordinal=1, tally=tally, started_at=NOW - 60, last_at=NOW),
    )
    return c.Session(id="s", project="shop", started_at=NOW - 60, last_at=NOW, tally=tally, agents=agents)


def snapshot(tally: c.Tally) -> c.Snapshot:
    scene = blank()
    scene.sessions, scene.today = {"s": session(tally)}, tally
    return scene.snapshot("http://127.0.0.1:8787")


def panel(tally: c.Tally) -> PanelState:
    state = PanelState()
    state.apply(snapshot(tally))
    return state


def report(tally: c.Tally) -> c.SessionReport:
    models = (c.ModelCost(provider="team", model="house-7", tally=tally, over_time=(0,)),)
    return c.SessionReport(session_id="s", tally=tally, by_model=models, steps=1, begins_at=NOW - 60)


def usage(tally: c.Tally) -> c.UsageReport:
    return c.UsageReport(total=tally, rows=(c.UsageRow(key=DAY, tally=tally),))


def budget(tally: c.Tally) -> c.BudgetReport:
    amounts = {"limit_nano_usd": 9 * DOLLAR, "spent_nano_usd": tally.cost_nano_usd}
    one = c.Budget(kind="day", name=DAY, unpriced_requests=tally.unpriced_requests, **amounts)
    return c.BudgetReport(action="block", budgets=(one,))


def requests(tally: c.Tally) -> list[c.Request]:
    costs = [*[None] * tally.unpriced_requests, *([tally.cost_nano_usd] if tally.cost_nano_usd else [])]
    return [
        served(number, 30, session_id="s", project="shop", cost_nano_usd=cost, usage=c.Usage(input_tokens=9))
        for number, cost in enumerate(costs)
    ]


def words(*lines: Line) -> str:
    return "\n".join(map(line_text, lines))


PLACES: dict[str, Callable[[c.Tally], str]] = {
    "strip of a session": lambda tally: words(*cost_lines(panel(tally), Burn(unpriced=1), 46, 30, NOW)[:1]),
    "threads in the strip": lambda tally: words(
        *(one for one in cost_lines(panel(tally), Burn(unpriced=1), 46, 30, NOW) if "main" in line_text(one))
    ),
    "today in the strip": lambda tally: words(
        *(one for one in cost_lines(panel(tally), Burn(unpriced=1), 46, 30, NOW) if "today" in line_text(one))
    ),
    "narrow header": lambda tally: words(header(panel(tally), Burn(unpriced=1), 64, NOW, {})[0]),
    "session list": lambda tally: words(session_row(session(tally), "shop", NO_RATE, 120, NOW)),
    "sums of the session list": lambda tally: words(all_row(panel(tally), {}, 120)),
    "agent tree": lambda tally: words(agent_line(agent_rows(session(tally).agents)[1], 80, NOW)),
    "sums of the agent tree": lambda tally: words(sum_line(session(tally), 80, NOW)),
    "words on an agent": lambda tally: words(told_line(agent_rows(session(tally).agents)[1], 80, NOW)),
    "session in full": lambda tally: words(detail_lines(session(tally), report(tally), 80, NOW)[0]),
    "models of a session": lambda tally: words(
        *(one for one in detail_lines(session(tally), report(tally), 80, NOW) if "house" in line_text(one))
    ),
    "spend": lambda tally: words(SpendTable(usage(tally), "day", {}, 100).row(usage(tally).rows[0])),
    "total of spend": lambda tally: words(SpendTable(usage(tally), "day", {}, 100).sums()[-1]),
    "day of the year": lambda tally: words(day_line(year(usage(tally), NOW), year(usage(tally), NOW).today, 100)),
    "the year": lambda tally: words(year_facts(year(usage(tally), NOW))),
    "what if": lambda tally: words(*spent(c.WhatIf(total=tally), 100)),
    "budget screen": lambda tally: words(budget_view.budget_row(budget(tally).budgets[0], 100)),
    "budget in full": lambda tally: words(
        budget_view.budget_detail(budget(tally), budget(tally).budgets[0], 80, {"budget_amount": "e"})[0]
    ),
    "cctui status, sessions": lambda tally: next(
        each for each in text_output.status(snapshot(tally), NOW) if each.startswith("sessions")
    ),
    "cctui status, today": lambda tally: next(
        each for each in text_output.status(snapshot(tally), NOW) if each.startswith("today")
    ),
    "cctui usage": lambda tally: "\n".join(usage_output.usage(usage(tally), "day", 140)[1:3]),
    "cctui budget": lambda tally: budget_output.as_lines(budget(tally), 100)[1].split("$9.00")[0],
    "status line": lambda tally: statusline.line(
        {},
        {
            "provider": "p",
            "known": True,
            "cost_nano_usd": tally.cost_nano_usd,
            "unpriced_requests": tally.unpriced_requests,
        },
    ),
    "report": lambda tally: markdown_page(session_facts(report(tally), requests(tally)), "1").split("## The costliest")[
        0
    ],
}


@pytest.mark.parametrize("place", PLACES)
def test_where_nothing_is_known_a_question_mark_stands(place: str) -> None:
    text = PLACES[place](UNKNOWN)
    assert unpriced.UNKNOWN in text
    assert "$0" not in text


@pytest.mark.parametrize("place", PLACES)
def test_where_a_part_is_known_the_question_mark_stands_beside_it(place: str) -> None:
    assert "$4.12 + ?" in PLACES[place](PARTLY).replace("$4.12+?", "$4.12 + ?")


@pytest.mark.parametrize("place", PLACES)
def test_where_all_is_known_there_is_none(place: str) -> None:
    known = msgspec.structs.replace(PARTLY, unpriced_requests=0)
    text = PLACES[place](known)
    assert "$4.12" in text
    assert "$4.12 + ?" not in text.replace("$4.12+?", "$4.12 + ?")


@pytest.mark.parametrize(("tally", "share"), [(UNKNOWN, "?"), (PARTLY, "≥45%"), (KNOWN, "46%")])
def test_the_share_of_a_budget_says_what_it_does_not_know(tally: c.Tally, share: str) -> None:
    report = budget(tally)
    assert line_text(budget_view.budget_row(report.budgets[0], 100)).split()[-1] == share
    state = panel(tally)
    state.budgets = {("day", DAY): report.budgets[0]}
    gauge = next(one for one in map(line_text, cost_lines(state, Burn(), 46, 30, NOW)) if "budget" in one)
    assert gauge.rstrip().endswith(f" {share} of $9 today")


def test_scripts_get_null_where_nothing_is_known_and_the_number_of_requests_beside_it() -> None:
    found = [json_output.tally(tally) for tally in (UNKNOWN, PARTLY, c.Tally())]
    assert [(one["cost_usd"], one["unpriced_requests"]) for one in found] == [(None, 3), (4.12, 3), (0.0, 0)]
    budgets = json.loads(json.dumps(budget_output.as_json(budget(UNKNOWN))))["budgets"]
    assert (budgets[0]["spent_usd"], budgets[0]["unpriced_requests"]) == (None, 3)


def test_a_rate_says_that_it_does_not_know_what_was_asked_lately() -> None:
    live = msgspec.structs.replace(requests(UNKNOWN)[0], phase="streaming")
    assert rate_of(PanelState(), burn(requests(UNKNOWN), NOW, 4), None) == "?/h"
    assert rate_of(PanelState(), burn(requests(PARTLY), NOW, 4), None) == "$123.60/h + ?"
    failed = msgspec.structs.replace(requests(UNKNOWN)[0], outcome="failed")
    assert rate_of(PanelState(), burn([live, failed], NOW, 4), None) == "$0.00/h"
    assert rates(requests(UNKNOWN), NOW)["s"].words == "?/h"
    assert rates(requests(PARTLY), NOW)["s"].words == "$123.60/h+?"


def test_the_pace_and_the_forecast_of_a_session_say_what_they_do_not_know() -> None:
    paces = tuple(c.Pace(span_s=span, tokens_per_min=9.0, unpriced_requests=2) for span in (60.0, 300.0, 3600.0))
    told = msgspec.structs.replace(report(UNKNOWN), paces=paces)
    text = words(*detail_lines(session(UNKNOWN), told, 80, NOW))
    assert "What the last 5 minutes cost is not known, so there is no forecast." in text
    assert "$0" not in text
    forecast = c.Forecast(hour_ends_at=NOW + 60, hour_nano_usd=5 * DOLLAR)
    assert forecast_words(forecast, NOW, 2)[0][0].startswith("By 08:01 about $5.00 + ?,")


@pytest.mark.parametrize(("tally", "text"), [(UNKNOWN, "≤$9.00"), (PARTLY, "≤$4.88"), (KNOWN, "$4.88")])
def test_of_a_budget_at_most_so_much_is_left_where_a_part_of_what_was_spent_is_not_known(
    tally: c.Tally, text: str
) -> None:
    detail = budget_view.budget_detail(budget(tally), budget(tally).budgets[0], 80, {"budget_amount": "e"})
    assert [line_text(one).split() for one in detail][2] == ["left", text]


@pytest.mark.parametrize(
    ("nano_usd", "text"),
    [(0, "?"), (41 * DOLLAR // 1000, "$0.0410+?"), (99_999 * DOLLAR // 100, "$999.99+?"), (1234 * DOLLAR, "$1,234+?")],
)
def test_in_a_column_an_amount_is_never_cut(nano_usd: int, text: str) -> None:
    assert formats.spent(msgspec.structs.replace(UNKNOWN, cost_nano_usd=nano_usd), 9) == text
    assert formats.spent(c.Tally(cost_nano_usd=123_456 * DOLLAR // 10), 9) == "$12,346"
