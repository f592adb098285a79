"""The screen of sessions, by hand of a pilot."""

import msgspec

from proxy import contract as c
from tests.tui import scenes, scenes_sessions
from tests.tui.fake_engine import FakeEngine
from tests.tui.panel.screen_text import screen_text, settled, shown, until
from tui.screens.model_picker import ModelPicker
from tui.screens.sessions import SessionsScreen

SHOP = scenes_sessions.session().id


def working() -> FakeEngine:
    engine = FakeEngine(scenes_sessions.scene())
    engine.models = scenes.models()
    engine.session_reports = {SHOP: scenes_sessions.report()}
    return engine


async def test_the_busy_session_is_shown_in_full_at_first() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: "By 09:00 about $9.22" in screen_text(app))
        assert "─ shop-api · 5e551011" in screen_text(app)
        assert '⤷1 Explore "' in screen_text(app)


async def test_enter_narrows_the_panel_to_the_session_and_all_widens_it() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("s", "enter")
        await until(pilot, lambda: app.screen is app.main and app.state.scope == SHOP)
        await pilot.press("s", "k", "k", "k", "enter")
        await until(pilot, lambda: app.screen is app.main and app.state.scope is None)


async def test_the_session_in_view_is_highlighted_when_the_screen_opens_again() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("s", "up", "enter")
        await until(pilot, lambda: app.state.scope == "d0c5d0c5-bbbb")
        await pilot.press("s")
        await until(pilot, lambda: "─ docs-site · d0c5d0c5" in screen_text(app))


async def test_escape_changes_nothing() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("s", "k", "escape")
        await until(pilot, lambda: app.screen is app.main)
        assert app.state.scope is None


async def test_tab_moves_into_the_tree_and_space_folds_there() -> None:
    async with working() as engine, shown(engine, (160, 46)) as (app, pilot):
        await pilot.press("s", "tab", "j")
        await until(pilot, lambda: "▾ ⤷1 Explore" in screen_text(app))
        await pilot.press("space")
        await until(pilot, lambda: '▸ ⤷1 Explore "find the handlers" +1' in screen_text(app))
        assert "general-purpose" not in screen_text(app)
        await pilot.press("space")
        await until(pilot, lambda: "general-purpose" in screen_text(app))


async def test_left_closes_then_climbs_then_leaves_the_tree_and_right_comes_back() -> None:
    async with working() as engine, shown(engine, (160, 46)) as (app, pilot):
        await pilot.press("s", "right", "j", "j")
        screen = app.screen
        assert isinstance(screen, SessionsScreen)
        await until(pilot, lambda: screen.agents.agent is not None and screen.agents.agent.key == "a3")
        await pilot.press("left")
        assert screen.agents.agent is not None
        assert screen.agents.agent.key == "a1"
        await pilot.press("left")
        assert screen.agents.agent.closed
        assert "▸ ⤷1" in screen_text(app)
        await pilot.press("right", "left", "left")
        assert screen.agents.agent.key == "main"
        await pilot.press("left", "left")
        assert not screen.in_tree
        assert "▸ main +4" in screen_text(app)


async def test_a_narrow_screen_shows_the_tree_in_place_of_the_costs() -> None:
    async with working() as engine, shown(engine, (64, 30)) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: "pace over the last" in screen_text(app))
        assert "background" not in screen_text(app)
        await pilot.press("tab")
        await until(pilot, lambda: "background" in screen_text(app))
        assert "pace over the last" not in screen_text(app)


async def test_a_model_is_picked_for_the_sub_agents_of_one_session() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("s", "tab", "j", "m")
        await until(pilot, lambda: isinstance(app.screen, ModelPicker) and "gpt-5.5" in screen_text(app))
        assert "‹sub-agents of shop-api›" in screen_text(app)
        await pilot.press(*"gpt", "enter")
        assert await engine.told(c.Use) == [c.Use(target="openrouter/openai/gpt-5.5", session=SHOP, slot="subagent")]
        await until(pilot, lambda: "Next requests of sub-agents of shop-api go to gpt-5.5" in screen_text(app))


async def test_a_model_picked_in_the_table_is_for_the_session() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("s", "m")
        await until(pilot, lambda: isinstance(app.screen, ModelPicker) and "gpt-5.5" in screen_text(app))
        await pilot.press(*"gpt", "enter")
        assert await engine.told(c.Use) == [c.Use(target="openrouter/openai/gpt-5.5", session=SHOP)]


async def test_sums_move_while_the_screen_is_open() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: "$4.12  89 requests" in screen_text(app))
        before = scenes_sessions.session()
        tally = msgspec.structs.replace(before.tally, requests=90, cost_nano_usd=5 * scenes.DOLLAR)
        engine.emit(c.SessionChanged(session=msgspec.structs.replace(before, tally=tally), today=tally))
        await until(pilot, lambda: "$5.00  90 requests" in screen_text(app))


async def test_the_highlight_stays_on_its_session_when_rows_move() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("s")
        screen = app.screen
        assert isinstance(screen, SessionsScreen)
        await until(pilot, lambda: screen.highlighted is not None)
        newer = msgspec.structs.replace(scenes.docs_session(), id="f00d", project="third", started_at=scenes.NOW - 5)
        engine.emit(c.SessionChanged(session=newer, today=newer.tally))
        await until(pilot, lambda: "third" in screen_text(app))
        assert screen.highlighted is not None
        assert screen.highlighted.id == SHOP


async def test_what_does_not_move_is_not_worded_again() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: "By 09:00 about $9.22" in screen_text(app))
        screen = app.screen
        assert isinstance(screen, SessionsScreen)
        ordered, told = screen._shown, screen.report._lines
        await settled(pilot)
        assert screen._shown is ordered
        assert screen.report._lines is told


async def test_an_engine_that_does_not_tell_is_said() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await engine.stop()
        await pilot.press("s")
        await until(pilot, lambda: "does not answer" in screen_text(app) or "No engine is running" in screen_text(app))


async def test_a_click_chooses_a_session_or_an_agent() -> None:
    async with working() as engine, shown(engine, (160, 46)) as (app, pilot):
        await pilot.press("s")
        screen = app.screen
        assert isinstance(screen, SessionsScreen)
        await until(pilot, lambda: screen.highlighted is not None)
        await pilot.click("#tree", offset=(5, 1))
        await until(pilot, lambda: screen.agents.agent is not None and screen.agents.agent.key == "a1")
        await pilot.click("#table", offset=(5, 1))
        await until(pilot, lambda: screen.highlighted is not None and screen.highlighted.project == "docs-site")
        assert not screen.in_tree
