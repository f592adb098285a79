"""The screen of providers, by hand of a pilot."""

from collections import Counter

import msgspec
import pytest

from proxy import contract as c
from tests.tui import scenes
from tests.tui.fake_engine import FakeEngine
from tests.tui.panel.screen_text import screen_text, shown, until
from tui.screens.providers import ProvidersScreen
from tui.state.lines import line_text
from tui.state.provider_view import Traffic, provider_detail


def working() -> FakeEngine:
    return FakeEngine(scenes.at_work())


async def test_the_provider_in_force_is_highlighted_at_first() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("p")
        await until(pilot, lambda: "https://api.anthropic.com" in screen_text(app))


@pytest.mark.parametrize(("after_s", "words"), [(0, "62%  resets 08:01, in 60 s"), (61, "reset at 08:01")])
def test_a_limit_says_when_it_begins_or_began_anew(after_s: float, words: str) -> None:
    limit = c.Limit(name="5h", used=0.62, resets_at=scenes.NOW + 60)
    provider = msgspec.structs.replace(scenes.blank().providers[0], limits=(limit,))
    lines = [line_text(one) for one in provider_detail(provider, Traffic(Counter()), 100, scenes.NOW + after_s)]
    (told,) = [one for one in lines if "5h" in one]
    assert told.endswith(words)
    assert ("%" in told) == (after_s == 0)


async def test_enter_sends_all_traffic_to_the_provider() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("p", "j", "enter")
        assert await engine.told(c.Use) == [c.Use(target="openrouter")]
        await until(pilot, lambda: app.screen is app.main and "Next requests go to openrouter." in screen_text(app))


async def test_as_asked_takes_the_choice_back() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("p", "k", "enter")
        assert await engine.told(c.Use) == [c.Use(target=c.AS_ASKED)]
        await until(pilot, lambda: app.screen is app.main)


async def test_a_test_says_what_came_of_it() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        engine.tried = c.Tried(ok=False, text="401: the key was refused", duration_ms=412.0)
        await pilot.press("p", "j", "t")
        assert await engine.told(c.TryProvider) == [c.TryProvider(provider="openrouter")]
        await until(pilot, lambda: "✗ 401: the key was refused (0.4s)." in screen_text(app))


async def test_a_provider_is_put_aside_and_taken_back_without_a_question() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("p", "r")
        await until(pilot, lambda: "‖ resting" in screen_text(app) and "Press r to take it back" in screen_text(app))
        await pilot.press("r")
        await until(pilot, lambda: "anthropic takes requests again." in screen_text(app))
        assert await engine.told(c.RestProvider, 2) == [
            c.RestProvider(provider="anthropic", resting=True),
            c.RestProvider(provider="anthropic", resting=False),
        ]


async def test_what_the_engine_refuses_is_said() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("p")
        engine.refusal = c.Refusal(code="unknown", message="no provider is called anthropic")
        await pilot.press("r")
        await until(pilot, lambda: "No provider is called anthropic" in screen_text(app))
        assert isinstance(app.screen, ProvidersScreen)


async def test_health_moves_while_the_screen_is_open() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("p")
        await until(pilot, lambda: "overloaded (529)" in screen_text(app))
        well = msgspec.structs.replace(engine.scene.providers[0], health="ok", health_text=None, retry_at=None)
        engine.emit(c.ProvidersChanged(providers=(well, *engine.scene.providers[1:])))
        await until(pilot, lambda: "overloaded (529)" not in screen_text(app))


async def test_a_notice_waits_until_the_panel_is_seen_again() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("p")
        notice = c.Notice(at=scenes.NOW, level="info", text="anthropic serves again")
        engine.emit(c.NoticePosted(notice=notice))
        await until(pilot, lambda: app.state.unread)
        await pilot.press("escape")
        await until(pilot, lambda: "anthropic serves again" in screen_text(app))
