"""The panel on a fake engine, by hand of a pilot."""

import asyncio

import msgspec
import pytest

from proxy import contract as c
from tests.tui import scenes
from tests.tui.fake_engine import FakeEngine
from tests.tui.panel.screen_text import panel_on, screen_text, settled, shown, until
from tests.tui.scenes import NOW, live, served
from tui import actions
from tui.screens.budget import BudgetScreen
from tui.screens.chain import ChainScreen
from tui.screens.detail import DetailScreen
from tui.screens.help import HelpScreen
from tui.screens.leave import LeaveScreen
from tui.screens.model_picker import ModelPicker
from tui.screens.providers import ProvidersScreen
from tui.screens.sessions import SessionsScreen
from tui.screens.spend import SpendScreen
from tui.screens.whatif import WhatIfScreen


def working() -> FakeEngine:
    engine = FakeEngine(scenes.at_work())
    engine.models = scenes.models()
    row = c.UsageRow(key="claude-opus-4-8", tally=c.Tally(requests=3, cost_nano_usd=10**9))
    engine.report = c.UsageReport(total=row.tally, rows=(row,))
    return engine


@pytest.mark.parametrize(
    ("key", "screen"),
    [
        ("m", ModelPicker),
        ("p", ProvidersScreen),
        ("F", ChainScreen),
        ("s", SessionsScreen),
        ("b", BudgetScreen),
        ("dollar_sign", SpendScreen),
        ("w", WhatIfScreen),
        ("question_mark", HelpScreen),
        ("enter", DetailScreen),
        ("q", LeaveScreen),
    ],
)
async def test_a_key_opens_its_screen_and_escape_closes_it(key: str, screen: type) -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, screen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)


@pytest.mark.parametrize(
    "action", [one for one in actions.ACTIONS if one.place in ("panel", "list")], ids=lambda one: one.id
)
async def test_every_key_of_the_panel_does_something_and_breaks_nothing(action: actions.Action) -> None:
    for key in action.keys:
        async with working() as engine, shown(engine) as (app, pilot):
            await pilot.press(key)
            await settled(pilot)
            assert app.is_running


@pytest.mark.parametrize(
    ("opener", "places"),
    [
        ("m", ("picker", "models")),
        ("p", ("entries", "providers")),
        ("F", ("entries", "chain")),
        ("s", ("sessions",)),
        ("b", ("entries", "budget")),
        ("dollar_sign", ("rows", "spend")),
        ("w", ("rows", "whatif")),
    ],
)
async def test_every_key_of_the_other_screens_breaks_nothing(opener: str, places: tuple[actions.Place, ...]) -> None:
    found = [key for action in actions.ACTIONS if action.place in places for key in action.keys]
    async with working() as engine, shown(engine) as (app, pilot):
        for key in found:
            await pilot.press(opener)
            await settled(pilot)
            await pilot.press(key)
            await settled(pilot)
            while app.screen is not app.main:
                app.pop_screen()
                await pilot.pause()
        assert app.is_running


@pytest.mark.parametrize(("key", "words"), [("d", "the drawer is for narrow ones"), ("r", "The engine runs already")])
async def test_a_key_that_has_nothing_to_do_says_so(key: str, words: str) -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: words in screen_text(app))


async def test_the_palette_knows_every_action_of_the_panel() -> None:
    from tui.commands import ActionCommands

    async with working() as engine, shown(engine) as (app, _pilot):
        names = {command.help for command in ActionCommands(app.screen)._commands()}
        assert {action.help for action in actions.of_place("panel") if action.id != "palette"} <= names


async def test_the_palette_of_another_screen_knows_what_its_keys_do_and_nothing_that_works_elsewhere() -> None:
    from tui.commands import ActionCommands

    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("s")
        names = {command.help for command in ActionCommands(app.screen)._commands()}
        assert {action.help for action in actions.of_place("sessions")} <= names
        elsewhere = {action.help for action in actions.of_place("panel") if action.id not in actions.OF_APP}
        assert not names & elsewhere


async def test_f_turns_fallback_off_and_the_header_says_so() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("f")
        assert await engine.told(c.SetFallback) == [c.SetFallback(enabled=False)]
        await until(pilot, lambda: "fallback off" in screen_text(app))


async def test_a_model_is_picked_for_a_slot() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: "gpt-5.5" in screen_text(app))
        await pilot.press("tab", "tab", *"gpt")
        await until(pilot, lambda: "‹opus›" in screen_text(app))
        await pilot.press("enter")
        assert await engine.told(c.Use) == [c.Use(target="openrouter/openai/gpt-5.5", slot="opus")]
        await until(pilot, lambda: app.screen is app.main and "opus ▸ gpt-5.5" in screen_text(app))


async def test_enter_where_nothing_matches_changes_nothing_and_says_why() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: "gpt-5.5" in screen_text(app))
        await pilot.press(*"zzz", "enter")
        await until(pilot, lambda: "Nothing matches" in screen_text(app))
        assert isinstance(app.screen, ModelPicker)
        assert not [command for command in engine.commands if isinstance(command, c.Use)]


async def test_a_target_that_no_list_has_is_used_as_typed() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: "gpt-5.5" in screen_text(app))
        await pilot.press(*"ollama/own-1", "enter")
        assert await engine.told(c.Use) == [c.Use(target="ollama/own-1")]
        await until(pilot, lambda: "go to ollama/own-1" in screen_text(app))


async def test_the_end_of_the_list_says_where_older_requests_are() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        app.state.add_history([], more=True)
        await pilot.press("G")
        await until(pilot, lambda: "older ones, which no filter here sees: $ r" in screen_text(app))
        await pilot.press("down", "slash", *"zzz", "enter")
        await until(pilot, lambda: "0 found" in screen_text(app))
        assert "older ones, which no filter here sees: $ r" in screen_text(app)


async def test_escape_in_the_picker_changes_nothing() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("m", *"gpt", "escape")
        await until(pilot, lambda: app.screen is app.main)
        assert not [command for command in engine.commands if isinstance(command, c.Use)]


async def test_what_the_engine_refuses_is_said_in_the_picker() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("p", "down", "down")
        engine.refusal = c.Refusal(code="no_match", message="ollama has no model like claude-opus-4-8")
        await pilot.press("enter")
        await until(pilot, lambda: "Ollama has no model like" in screen_text(app))
        assert isinstance(app.screen, ProvidersScreen)


async def test_a_favourite_is_starred_and_stays_under_the_cursor() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: "gpt-5.5" in screen_text(app))
        await pilot.press("down", "down", "ctrl+s")
        told = await engine.told(c.SetFavourite)
        assert told == [c.SetFavourite(provider="anthropic", model="claude-opus-4-8", favourite=True)]
        await until(pilot, lambda: screen_text(app).count("★") == 2)


async def test_providers_are_asked_again_on_request() -> None:
    async with working() as engine, shown(engine) as (_app, pilot):
        await pilot.press("m", "ctrl+r")
        await until(pilot, lambda: True in engine.model_calls)


async def test_a_session_narrows_the_list() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("s", "k", "enter")
        await until(pilot, lambda: "session docs-site" in screen_text(app))
        assert len(app.state.requests) == 2


async def test_a_filter_narrows_the_list_and_escape_widens_it() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("slash", *"qwen", "enter")
        await until(pilot, lambda: len(app.state.requests) == 1)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.state.requests) == 13)


async def test_two_panels_stay_in_step() -> None:
    async with working() as engine, shown(engine) as (one, first), shown(engine) as (other, second):
        await engine.attached(2)
        await first.press("f")
        await until(first, lambda: "fallback off" in screen_text(one))
        await until(second, lambda: "fallback off" in screen_text(other))


async def test_the_panel_attaches_again_by_itself_when_an_engine_is_back() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await engine.told(c.Watch)
        await engine.stop()
        await until(pilot, lambda: "The engine stopped" in screen_text(app))
        await engine.start()
        app.attachment._wake.set()
        await until(pilot, lambda: app.state.link == "up")
        await engine.told(c.Watch, 2)


async def test_r_starts_an_engine_that_is_gone() -> None:
    engine = working()
    started: list[str] = []

    def start() -> tuple[str, str]:
        asyncio.run_coroutine_threadsafe(engine.start(), loop).result()
        started.append("once")
        return engine.address

    loop = asyncio.get_running_loop()
    async with engine, shown(engine, start=start) as (app, pilot):
        await engine.stop()
        await until(pilot, lambda: app.state.link == "gone")
        await pilot.press("r")
        await until(pilot, lambda: app.state.link == "up")
        assert started == ["once"]


async def test_an_engine_that_does_not_start_is_said() -> None:
    def start() -> tuple[str, str]:
        raise RuntimeError("port 8787 is taken by nginx (pid 12)")

    async with working() as engine, shown(engine, start=start) as (app, pilot):
        await engine.stop()
        await until(pilot, lambda: app.state.link == "gone")
        await pilot.press("r")
        await until(pilot, lambda: "port 8787 is taken by nginx" in screen_text(app))


async def test_leaving_in_the_middle_of_answers_asks_and_keeps_the_engine() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, LeaveScreen))
        await pilot.press("enter")
        await until(pilot, lambda: app.return_value == "kept")
        assert not [command for command in engine.commands if isinstance(command, c.Stop)]


async def test_leaving_can_stop_the_engine() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("q", "x")
        assert await engine.told(c.Stop) == [c.Stop()]
        await until(pilot, lambda: app.return_value == "stopped")


async def test_leaving_at_rest_asks_nothing() -> None:
    async with FakeEngine() as engine, shown(engine) as (app, pilot):
        await pilot.press("q")
        await until(pilot, lambda: app.return_value == "kept")


async def test_a_panel_whose_engine_ends_with_it_asks_nothing() -> None:
    async with working() as engine, shown(engine, asks_to_leave=False) as (app, pilot):
        await pilot.press("q")
        await until(pilot, lambda: app.return_value == "kept")


async def test_a_panel_with_an_end_leaves_by_itself_and_keeps_the_engine() -> None:
    async with working() as engine:
        app = panel_on(engine, ends_after_s=0.01)
        async with app.run_test() as pilot:
            await until(pilot, lambda: app.return_value == "kept")
        assert not [command for command in engine.commands if isinstance(command, c.Stop)]


async def test_a_frozen_view_stands_still_and_goes_on_later() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("space")
        before = app.main.rows.total
        engine.emit(c.RequestChanged(request=served(99, 0)))
        await until(pilot, lambda: "1 new request" in screen_text(app))
        assert app.main.rows.total == before
        await pilot.press("space")
        await until(pilot, lambda: app.main.rows.total == before + 1)


async def test_the_cursor_follows_the_newest_until_the_user_moves_and_again_from_the_top() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        engine.emit(c.RequestChanged(request=served(50, 0)))
        await until(pilot, lambda: app.main.selected is not None and app.main.selected.id == "r00000050")
        await pilot.press("j", "j")
        chosen = app.main.selected
        engine.emit(c.RequestChanged(request=served(51, 0)))
        await until(pilot, lambda: app.main.rows.total == 15)
        assert app.main.selected is chosen
        await pilot.press("g")
        engine.emit(c.RequestChanged(request=served(52, 0)))
        await until(pilot, lambda: app.main.selected is not None and app.main.selected.id == "r00000052")


async def test_a_click_selects_and_a_second_one_opens() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.click("#rows", offset=(5, 3))
        await until(pilot, lambda: app.main.rows.cursor == 3)
        await pilot.click("#rows", offset=(5, 3))
        await until(pilot, lambda: isinstance(app.screen, DetailScreen))


async def test_the_selected_request_is_watched_and_a_finished_one_is_read_whole() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        watch = (await engine.told(c.Watch))[-1]
        assert isinstance(watch, c.Watch)
        assert watch.request_id == "r00000012"
        answer = c.StreamPart(request_id="r00000010", kind="text", block=0, text="finished words")
        engine.details["r00000010"] = c.Detail(request=engine.scene.requests["r00000010"], answer=(answer,))
        await pilot.press("j", "j", "j")
        await until(pilot, lambda: "finished words" in screen_text(app))


async def test_keys_can_be_remapped_and_the_footer_says_so() -> None:
    async with working() as engine, shown(engine, keymap={"model": "x"}) as (app, pilot):
        assert "x model" in screen_text(app)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ModelPicker))


@pytest.mark.parametrize("size", [(20, 5), (10, 3), (60, 20), (89, 24), (90, 24), (139, 40), (140, 40), (240, 70)])
async def test_every_size_of_terminal_shows_something(size: tuple[int, int]) -> None:
    async with working() as engine, shown(engine, size) as (app, pilot):
        assert screen_text(app).strip()
        await pilot.press("m")
        await settled(pilot)
        assert screen_text(app).strip()


async def test_a_resize_in_mid_stream_wraps_the_text_anew() -> None:
    async with working() as engine, shown(engine, (100, 40)) as (app, pilot):
        watched = str(app.state.stream.request_id)
        engine.emit(c.StreamPart(request_id=watched, kind="text", block=0, text="word " * 40))
        await until(pilot, lambda: len(app.state.stream.rows) > 2)
        wide = len(app.state.stream.rows)
        await pilot.resize_terminal(60, 24)
        engine.emit(c.StreamPart(request_id=watched, kind="text", block=0, text="last"))
        await until(pilot, lambda: "last" in screen_text(app))
        assert len(app.state.stream.rows) > wide


async def test_names_from_outside_are_shown_as_they_are_and_never_obeyed() -> None:
    scene = scenes.blank()
    evil = "[red]x[/red]\x1b[31m模型"
    scene.requests = {"r1": served(1, 5, id="r1", asked_model=evil, served_model=None, target_model=None, error=evil)}
    async with FakeEngine(scene) as engine, shown(engine, (120, 30)) as (app, pilot):
        await until(pilot, lambda: "[red]x[" in screen_text(app) or "red]" in screen_text(app))
        assert "\x1b" not in screen_text(app)
        assert "模型" in screen_text(app)


async def test_a_hundred_thousand_rows_scroll_to_both_ends() -> None:
    async with FakeEngine() as engine:
        from tui.state.panel import PanelState

        state = PanelState(engine.url, request_limit=200_000)
        plain = served(1, 5)
        for number in range(100_000):
            state.requests.put(msgspec.structs.replace(plain, id=f"r{number:08d}", started_at=NOW))
        async with shown(engine, state=state) as (app, pilot):
            await pilot.press("G")
            await until(pilot, lambda: app.main.rows.cursor == 99_999)
            assert app.main.selected is not None
            assert app.main.selected.id == "r00000000"
            await pilot.press("g", "j", "pagedown")
            await until(pilot, lambda: 0 < (app.main.rows.cursor or 0) < 100)


@pytest.mark.parametrize("theme", ["dark", "light", "terminal", "terminal-light", "nord", "no such theme"])
async def test_every_theme_paints(theme: str) -> None:
    async with working() as engine, shown(engine, theme=theme) as (app, _pilot):
        assert "requests" in screen_text(app)


async def test_without_colour_everything_is_still_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with working() as engine, shown(engine) as (app, _pilot):
        text = screen_text(app)
        assert "529 overloaded" in text
        assert "limited" in text


async def test_a_notice_of_the_engine_is_told() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        engine.emit(c.NoticePosted(notice=c.Notice(at=NOW, level="warning", text="the ledger is locked")))
        await until(pilot, lambda: "the ledger is locked" in screen_text(app))


async def test_history_of_the_ledger_is_shown_on_start() -> None:
    async with FakeEngine() as engine:
        engine.history = (served(1, 500),)
        async with shown(engine) as (app, pilot):
            await until(pilot, lambda: app.state.requests.total == 1)


async def test_an_engine_of_another_version_is_said() -> None:
    async with FakeEngine() as engine:
        engine.contract = c.CONTRACT + 1
        async with shown(engine, expect="gone") as (app, pilot):
            await until(pilot, lambda: "cctui stop" in screen_text(app))


async def test_live_rows_move_while_nothing_is_told() -> None:
    scene = scenes.blank()
    scene.requests = {"r1": live(1, 3, id="r1")}
    async with FakeEngine(scene) as engine, shown(engine) as (app, pilot):
        before = screen_text(app)
        await until(pilot, lambda: screen_text(app) != before)


async def test_a_notice_waits_for_the_answer_to_what_the_user_did() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("f")
        await until(pilot, lambda: "Fallback off: errors" in screen_text(app))
        engine.emit(c.NoticePosted(notice=c.Notice(at=NOW, level="warning", text="the ledger is locked")))
        await until(pilot, lambda: bool(app.state.unread))
        assert "Fallback off: errors" in screen_text(app)
        app.clock = lambda: NOW + 60
        await until(pilot, lambda: "the ledger is locked" in screen_text(app))


async def test_a_question_mark_explains_the_keys_of_the_screen_that_is_open() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("$")
        await settled(pilot)
        await pilot.press("question_mark")
        await settled(pilot)
        text = screen_text(app)
        assert text.index("On the spend screen") < text.index("On a screen of rows")
        assert "Signs" not in text or text.index("On a screen of rows") < text.index("Signs")
        await pilot.press("question_mark", "escape")
        await until(pilot, lambda: " spend " in screen_text(app))


async def test_news_in_the_footer_gives_way_to_the_keys_when_a_key_is_pressed() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        engine.emit(c.NoticePosted(notice=c.Notice(at=NOW, level="warning", text="openrouter serves instead")))
        await until(pilot, lambda: "openrouter serves instead" in screen_text(app))
        assert "? help" in screen_text(app)
        await pilot.press("down")
        await until(pilot, lambda: "openrouter serves instead" not in screen_text(app))


async def test_news_that_is_longer_than_the_footer_has_two_lines_while_it_stands() -> None:
    text = "claude-sim: overloaded; next try in 3 s. local-sim serves the traffic instead"
    async with working() as engine, shown(engine, (78, 30)) as (app, pilot):
        engine.emit(c.NoticePosted(notice=c.Notice(at=NOW, level="warning", text=text)))
        await until(pilot, lambda: text in " ".join(screen_text(app).split()))
        assert screen_text(app).rstrip().endswith("q leave")
        await pilot.press("down")
        await until(pilot, lambda: app.main.keys_bar.size.height == 1)


async def test_while_words_are_typed_the_footer_shows_what_ends_it() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("slash", *"zzz")
        await until(pilot, lambda: "0 found, esc shows all" in screen_text(app))
        assert "⏎ show these  esc show all" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: "m model" in screen_text(app))
