"""The screens of what was spent, by hand of a pilot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from textual.pilot import Pilot

from proxy import contract as c
from tests.tui import scenes_spend
from tests.tui.fake_engine import FakeEngine
from tests.tui.panel.screen_text import screen_text, settled, shown, until
from tests.tui.scenes import NOW
from tui import actions
from tui.app import Left, PanelApp
from tui.screens.chosen_requests import ChosenRequestsScreen
from tui.screens.detail import DetailScreen
from tui.screens.latency import LatencyScreen
from tui.screens.spend import SpendScreen
from tui.screens.whatif import WhatIfScreen
from tui.screens.year import YearScreen

Panel = tuple[FakeEngine, PanelApp, Pilot[Left]]
TODAY = NOW - 8 * 3600


@asynccontextmanager
async def opened(*keys: str, size: tuple[int, int] = (100, 34)) -> AsyncIterator[Panel]:
    """The panel on a ledger of a year, after ``keys``, each once the screen has its answer."""
    async with scenes_spend.ledger() as engine, shown(engine, size) as (app, pilot):
        for key in keys:
            await press(pilot, key)
        yield engine, app, pilot


async def press(pilot: Pilot[Left], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await until(pilot, lambda: "Reading the ledger" not in screen_text(pilot.app))  # type: ignore[arg-type]
        await settled(pilot)


def shows(app: PanelApp, kind: type) -> bool:
    return isinstance(app.screen, kind)


async def test_the_screen_sums_today_by_model_at_first() -> None:
    async with opened("dollar_sign") as (engine, app, _pilot):
        assert engine.usage_calls[-1] == {"by": "model", "limit": "500", "since": repr(TODAY)}
        assert "opus-4-8" in screen_text(app)
        assert "$175.66" in screen_text(app)


@pytest.mark.parametrize(("keys", "by"), [(("tab",), "provider"), (("tab", "shift+tab", "shift+tab"), "hour_of_day")])
async def test_tab_sums_by_something_else(keys: tuple[str, ...], by: str) -> None:
    async with opened("dollar_sign", *keys) as (engine, _app, _pilot):
        assert engine.usage_calls[-1]["by"] == by


async def test_p_changes_the_period_and_back() -> None:
    async with opened("dollar_sign", "p") as (engine, _app, pilot):
        assert engine.usage_calls[-1]["since"] == repr(TODAY - 6 * 86_400)
        await press(pilot, "P", "P")
        assert "since" not in engine.usage_calls[-1]


async def test_a_click_on_a_grouping_chooses_it() -> None:
    async with opened("dollar_sign") as (engine, app, pilot):
        column = screen_text(app).splitlines()[1].index("project")
        await pilot.click("#title", offset=(column, 1))
        await until(pilot, lambda: engine.usage_calls[-1]["by"] == "project")


async def test_a_sub_agent_that_the_panel_never_saw_has_the_name_that_the_ledger_knows() -> None:
    async with opened("dollar_sign") as (engine, app, pilot):
        row = c.UsageRow(key="a0c4f1d2e3b4a5968", tally=c.Tally(requests=1), name='Explore "find it"')
        engine.reports["agent"] = c.UsageReport(total=row.tally, rows=(row,))
        while engine.usage_calls[-1]["by"] != "agent":
            await press(pilot, "tab")
        await until(pilot, lambda: 'Explore "find it"' in screen_text(app))


async def test_enter_opens_the_row_and_backspace_returns_to_it() -> None:
    async with opened("dollar_sign", "down", "enter") as (engine, app, pilot):
        assert engine.usage_calls[-1]["model"] == "anthropic/claude-sonnet-5"
        assert "of      model sonnet-5" in screen_text(app)
        await press(pilot, "backspace")
        assert "model" not in engine.usage_calls[-1]
        assert shows(app, SpendScreen)
        screen = app.screen
        row = screen.highlighted if isinstance(screen, SpendScreen) else None
        assert row is not None
        assert row.key == "anthropic/claude-sonnet-5"


async def test_escape_goes_up_and_at_last_back_to_the_panel() -> None:
    async with opened("dollar_sign", "enter", "escape") as (_engine, app, pilot):
        assert shows(app, SpendScreen)
        await press(pilot, "escape")
        assert app.screen is app.main


async def test_q_closes_at_once() -> None:
    async with opened("dollar_sign", "enter", "q") as (_engine, app, _pilot):
        assert app.screen is app.main


async def test_the_deepest_level_is_a_list_of_requests_and_enter_shows_one() -> None:
    async with opened("dollar_sign", *["shift+tab"] * 4, "enter") as (engine, app, pilot):
        assert shows(app, SpendScreen)
        assert engine.usage_calls[-1]["since"] == repr(TODAY)
        engine.reports["hour"] = scenes_spend.report(
            [c.UsageRow(key="2027-01-15 07:00", tally=scenes_spend.tally(4, 77))]
        )
        await press(pilot, "tab", "shift+tab", "enter")
        assert shows(app, ChosenRequestsScreen)
        assert engine.asked[-1] == ("requests", {"limit": "500", "since": repr(NOW - 3600), "until": repr(NOW)})
        await press(pilot, "down", "enter")
        assert shows(app, DetailScreen)
        await press(pilot, "escape", "escape")
        assert shows(app, SpendScreen)


async def test_r_lists_the_requests_of_a_row_at_any_level() -> None:
    async with opened("dollar_sign", "r") as (engine, app, _pilot):
        assert engine.asked[-1][1]["model"] == "claude-opus-4-8"
        assert "requests   today · model opus-4-8" in screen_text(app)
        assert "2027-01-14" in screen_text(app)


async def test_an_hour_of_many_days_says_why_it_cannot_be_opened() -> None:
    async with opened("dollar_sign", "shift+tab", "enter") as (_engine, app, pilot):
        assert "cannot be opened" in screen_text(app)
        assert "15:00" in screen_text(app)
        await press(pilot, "r", "down")
        assert shows(app, SpendScreen)


async def test_the_cursor_reaches_both_ends() -> None:
    async with opened("dollar_sign", "p", "p", "p", "p", *["shift+tab"] * 4) as (_engine, app, pilot):
        screen = app.screen
        assert isinstance(screen, SpendScreen)
        await press(pilot, "G")
        assert screen.rows.cursor == len(scenes_spend.by_day().rows) - 1
        await press(pilot, "pageup", "k", "g", "j", "pagedown")
        assert (screen.rows.cursor or 0) > 1


async def test_y_shows_the_year_and_enter_opens_a_day() -> None:
    async with opened("dollar_sign", "y", "left", "up") as (engine, app, pilot):
        assert shows(app, YearScreen)
        assert engine.usage_calls[-1]["by"] == "day"
        assert "◆ Thu 2027-01-07" in screen_text(app)
        await press(pilot, "enter")
        assert shows(app, SpendScreen)
        assert "day 2027-01-07  Thu" in screen_text(app)
        assert engine.usage_calls[-1]["since"] == repr(TODAY - 8 * 86_400)


async def test_the_keys_of_the_year_move_the_day() -> None:
    async with opened("dollar_sign", "y") as (_engine, app, pilot):
        for key, day in {
            "h": "2027-01-08",
            "l": "2027-01-15",
            "k": "2027-01-14",
            "j": "2027-01-15",
            "pageup": "2026-12-18",
            "pagedown": "2027-01-15",
            "g": "2026-01-12",
            "end": "2027-01-15",
        }.items():
            await press(pilot, key)
            assert day in screen_text(app)


async def test_escape_leaves_the_year_where_one_was() -> None:
    async with opened("dollar_sign", "enter", "y", "escape") as (_engine, app, _pilot):
        assert shows(app, SpendScreen)
        assert "of      model opus-4-8" in screen_text(app)


async def test_l_compares_speeds_and_enter_lists_the_requests() -> None:
    async with opened("dollar_sign", "l") as (engine, app, pilot):
        assert shows(app, LatencyScreen)
        assert engine.asked[-1] == ("latency", {"since": repr(TODAY)})
        await press(pilot, "down", "enter")
        assert engine.asked[-1][1]["model"] == "anthropic/claude-opus-4.8"
        assert engine.asked[-1][1]["provider"] == "openrouter"


async def test_w_compares_the_selection_at_hand() -> None:
    async with opened("dollar_sign", "enter", "w") as (engine, app, _pilot):
        assert shows(app, WhatIfScreen)
        assert "‹today · model opus-4-8›" in screen_text(app)
        assert engine.asked[-1] == ("whatif", {"since": repr(TODAY), "model": "claude-opus-4-8"})


async def test_w_of_everything_does_not_mean_the_last_session() -> None:
    async with opened("dollar_sign", "P", "w") as (engine, _app, _pilot):
        assert engine.asked[-1] == ("whatif", {"since": "0.0"})


async def test_w_on_the_panel_compares_the_session_and_tab_the_periods() -> None:
    async with opened("w") as (engine, app, pilot):
        assert engine.asked[-1] == ("whatif", {"session": "5e551011-aaaa"})
        assert "$4.12" in screen_text(app)
        await press(pilot, "tab")
        assert engine.asked[-1] == ("whatif", {"since": repr(TODAY)})
        await press(pilot, "shift+tab", "shift+tab")
        assert engine.asked[-1] == ("whatif", {"since": repr(TODAY - 29 * 86_400)})


async def test_the_foot_tells_of_the_highlighted_model() -> None:
    async with opened("w", "down") as (_engine, app, pilot):
        assert "▲ Not all of it could have gone there" in screen_text(app)
        await press(pilot, "down")
        assert "Not all of it" not in screen_text(app)
        assert "claude-haiku-4-5 at anthropic: at list price." in screen_text(app)


async def test_the_model_picker_tells_what_the_session_would_have_cost() -> None:
    async with opened() as (engine, app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: "this session" in screen_text(app))
        assert "$2.47" in screen_text(app)
        assert engine.asked[-1] == ("whatif", {"session": "5e551011-aaaa"})


async def test_an_empty_time_says_so() -> None:
    async with opened() as (engine, app, pilot):
        engine.report, engine.latencies = c.UsageReport(total=c.Tally(), rows=()), c.LatencyReport(rows=())
        engine.comparison = c.WhatIf(total=c.Tally())
        await press(pilot, "dollar_sign")
        assert "Nothing was asked in this time." in screen_text(app)
        await press(pilot, "l")
        assert "Nothing was streamed in this time." in screen_text(app)
        await press(pilot, "q", "w")
        assert "Nothing was asked here." in screen_text(app)


async def test_what_the_engine_says_is_shown_in_place_of_sums() -> None:
    async with opened() as (engine, app, pilot):
        await engine.stop()
        await press(pilot, "dollar_sign")
        assert "No engine is running" in screen_text(app)


async def test_names_from_outside_are_shown_and_never_obeyed() -> None:
    async with opened() as (engine, app, pilot):
        row = c.UsageRow(key="[red]x[/red]\x1b[31m模型", tally=scenes_spend.tally(1, 3))
        engine.report = scenes_spend.report([row])
        latency = msgspec.structs.replace(scenes_spend.latencies().rows[0], model="[b]y\x1b[31m")
        engine.latencies = c.LatencyReport(rows=(latency,))
        await press(pilot, "dollar_sign")
        assert "模型" in screen_text(app)
        await press(pilot, "l")
        assert "[b]y" in screen_text(app)
        assert "\x1b" not in screen_text(app)


async def test_every_key_of_the_year_does_no_harm() -> None:
    found = [key for action in actions.ACTIONS if action.place in actions.SHARED["year"] for key in action.keys]
    async with opened(size=(64, 20)) as (_engine, app, pilot):
        for key in found:
            await press(pilot, "dollar_sign", "y", key)
            while app.screen is not app.main:
                app.pop_screen()
                await pilot.pause()
        assert app.is_running


@pytest.mark.parametrize("keys", [("dollar_sign", "y"), ("dollar_sign", "l"), ("dollar_sign", "r"), ("w",)], ids=str)
async def test_a_tiny_terminal_breaks_nothing(keys: tuple[str, ...]) -> None:
    async with opened(*keys, "down", size=(20, 6)) as (_engine, app, _pilot):
        assert screen_text(app).strip()


async def test_the_sums_follow_what_is_spent_and_the_cursor_stays() -> None:
    async with opened("dollar_sign", "down") as (engine, app, pilot):
        screen = app.screen
        assert isinstance(screen, SpendScreen)
        asked, chosen = len(engine.usage_calls), screen.highlighted
        app.clock = lambda: NOW + 10
        engine.emit(c.SessionChanged(session=c.Session(id="5e55-9", last_at=NOW), today=c.Tally()))
        await until(pilot, lambda: len(engine.usage_calls) > asked)
        await settled(pilot)
        assert chosen is not None
        assert screen.highlighted == chosen


async def test_today_is_the_new_day_after_midnight_though_nothing_is_spent() -> None:
    now = [NOW]
    async with scenes_spend.ledger() as engine, shown(engine, (100, 34), clock=lambda: now[0]) as (_app, pilot):
        await press(pilot, "dollar_sign")
        asked = len(engine.usage_calls)
        now[0] = TODAY + 86_400 + 1
        await until(pilot, lambda: len(engine.usage_calls) > asked)
        await settled(pilot)
        assert engine.usage_calls[asked:] == [{"by": "model", "limit": "500", "since": repr(TODAY + 86_400)}]


async def test_a_comparison_of_nothing_lists_no_model() -> None:
    async with opened() as (engine, app, pilot):
        engine.comparison = msgspec.structs.replace(scenes_spend.comparison(), total=c.Tally())
        await press(pilot, "w")
        assert "Nothing was asked here." in screen_text(app)
        assert "would cost" not in screen_text(app)


async def test_a_period_is_offered_once() -> None:
    async with opened("dollar_sign", "w") as (_engine, app, _pilot):
        assert "‹today› 7 days  30 days" in screen_text(app).split("\n")[0]
