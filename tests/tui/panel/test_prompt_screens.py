"""The screens of context and cache: their words, their keys, their pictures."""

import msgspec
import pytest

from proxy import contract as c
from tests.tui import scenes, scenes_context
from tests.tui.fake_engine import FakeEngine
from tests.tui.panel.screen_text import screen_text, settled, shown, until
from tests.tui.panel.test_pictures import compare
from tests.tui.scenes import NOW
from tui.screens.cache_health import CacheScreen
from tui.screens.context import OLDER, ContextScreen
from tui.state.cachehealth import NO_BREAK, amounts, cache_lines
from tui.state.context import ESTIMATED, NOT_KEPT, context_lines, context_title
from tui.state.lines import line_cells, line_text
from tui.state.shares import context_tone

WIDTHS = {64: 44, 100: 46, 180: 46}
SESSION = scenes_context.SESSION
REAL = c.Tally(cost_nano_usd=1)


def working() -> FakeEngine:
    engine = FakeEngine(scenes.one_session())
    engine.context, engine.cache = scenes_context.context(), scenes_context.cache()
    return engine


def context_text(report: c.ContextReport, width: int = 100) -> str:
    return "\n".join(line_text(each) for each in context_lines(report, width))


def cache_text(report: c.CacheReport, width: int = 100) -> str:
    return "\n".join(line_text(each) for each in cache_lines(report, scenes.shop_session(), width, NOW))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("key", ["x", "h"])
async def test_the_screens_look_like_their_pictures(key: str, width: int) -> None:
    async with working() as engine, shown(engine, (width, WIDTHS[width])) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: "Read src/big.json" in screen_text(app) or "message 12 edited" in screen_text(app))
        await settled(pilot)
        compare(f"{'context' if key == 'x' else 'cache'}_{width}", screen_text(app))


@pytest.mark.parametrize("width", [64, 80, 100, 180])
def test_nothing_is_wider_than_the_screen(width: int) -> None:
    lines = [
        *context_lines(scenes_context.context(), width),
        *cache_lines(scenes_context.cache(), scenes.shop_session(), width, NOW),
    ]
    assert max(line_cells(each) for each in lines) < width


def test_a_window_that_is_not_known_is_not_made_up() -> None:
    text = context_text(msgspec.structs.replace(scenes_context.context(), window=None))
    assert "128,000 tokens   of an unknown window" in text
    assert "of the prompt" in text


def test_an_estimate_is_called_one() -> None:
    assert ESTIMATED in context_text(msgspec.structs.replace(scenes_context.context(), counted=False))


def test_a_body_that_is_gone_is_said() -> None:
    assert NOT_KEPT in context_text(c.ContextReport(tokens=5_000, window=200_000), 200)
    narrow = context_text(c.ContextReport(tokens=5_000, window=200_000), 60)
    assert NOT_KEPT in " ".join(narrow.split())
    assert max(map(len, narrow.splitlines())) < 60


def test_an_empty_conversation_is_said() -> None:
    assert "Nothing was asked" in context_text(c.ContextReport())
    assert "Nothing was asked" in cache_text(c.CacheReport(session_id=SESSION))


def test_a_sub_agents_window_is_called_one() -> None:
    report = msgspec.structs.replace(scenes_context.context(), agent_id="a2")
    assert line_text(context_title(report, "shop-api")) == " context   shop-api   a sub-agent   opus-4.8"


def test_items_that_do_not_fit_are_summed() -> None:
    report = scenes_context.context()
    assert "more" not in context_text(report)
    assert "last answer" in context_text(report)
    longer = msgspec.structs.replace(report, items=(*report.items, c.ContextItem(kind="images", name="x", tokens=50)))
    assert "and 2 more, 250 tokens together" in context_text(longer)


def test_a_window_that_fills_up_warns() -> None:
    assert [context_tone(share) for share in (0.5, 0.8, 0.95)] == ["accent", "warn", "bad"]


def test_a_break_tells_who_what_and_how_much() -> None:
    text = cache_text(scenes_context.cache())
    assert "07:58:25  main     58k lost   $0.3335   read 98% → 55%\n             message 12 edited" in text
    assert "07:55:00  ⤷2       24k lost         ?   read 95% → 0%" in text


def test_a_cache_that_cost_more_than_it_saved_says_so_and_marks_simulated_money() -> None:
    text = cache_text(scenes_context.simulated_cache())
    assert "~-$0.0263" in text
    assert NO_BREAK in text


def test_money_is_signed_and_unknown_money_is_not_zero() -> None:
    def saved(real: int | None, simulated: int = 0, tally: c.Tally = REAL) -> str:
        told = c.CacheReport(
            session_id="", saved_nano_usd=real, simulated_saved_nano_usd=simulated, lost_nano_usd=0, tally=tally
        )
        return amounts(told)[0]

    assert (saved(None), saved(0), saved(-2 * 10**9)) == ("?", "$0.00", "-$2.00")
    assert saved(10**9, 10**9) == "$1.00 and ~$1.00"
    made_up = c.Tally(simulated_nano_usd=5)
    assert (saved(0, 0, made_up), saved(0, -(10**9), made_up)) == ("~$0.00", "~-$1.00")


def test_one_request_alone_draws_no_graph() -> None:
    assert "requests" not in cache_text(scenes_context.simulated_cache())


async def test_x_weighs_the_session_in_view() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("x")
        await until(pilot, lambda: "of 200k tokens" in screen_text(app))
        assert engine.prompt_calls == [{"session": SESSION}]
        assert "shop-api   opus-4.8" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)


async def test_x_on_a_selected_request_weighs_that_one() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("down", "down")
        chosen = app.main.rows.selected
        engine.context = msgspec.structs.replace(engine.context, request_id=chosen)
        await pilot.press("x")
        await until(pilot, lambda: "of 200k tokens" in screen_text(app))
        assert engine.prompt_calls == [{"request": chosen}]


async def test_a_selected_request_that_is_gone_gives_way_to_the_conversations_last() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        engine.context = msgspec.structs.replace(engine.context, request_id="another")
        await pilot.press("down", "down", "x")
        await until(pilot, lambda: OLDER in screen_text(app))
        assert engine.prompt_calls[-1] == {"session": SESSION}


async def test_h_asks_for_the_cache_of_the_session_in_view() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("h")
        await until(pilot, lambda: "message 12 edited" in screen_text(app))
        assert engine.prompt_calls == [{"session": SESSION}]


@pytest.mark.parametrize(("key", "screen"), [("x", ContextScreen), ("h", CacheScreen)])
async def test_the_screens_follow_a_session_that_goes_on(key: str, screen: type) -> None:
    now = [NOW]
    async with working() as engine, shown(engine, clock=lambda: now[0]) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: len(engine.prompt_calls) == 1 and isinstance(app.screen, screen))
        moved = msgspec.structs.replace(scenes.shop_session(), context_tokens=140_000)
        engine.emit(c.SessionChanged(session=moved, today=c.Tally()))
        await until(pilot, lambda: app.state.sessions[SESSION].context_tokens == 140_000)
        assert len(engine.prompt_calls) == 1
        now[0] += 3
        await until(pilot, lambda: len(engine.prompt_calls) == 2)
        await settled(pilot)
        assert len(engine.prompt_calls) == 2


@pytest.mark.parametrize("key", ["x", "h"])
async def test_an_engine_that_is_gone_is_said(key: str) -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await engine.stop()
        await pilot.press(key)
        await until(pilot, lambda: "No engine is running" in screen_text(app) or "does not answer" in screen_text(app))
