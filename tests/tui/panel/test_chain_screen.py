"""The editor of the chains, by hand of a pilot."""

import pytest

from proxy import contract as c
from tests.tui import scenes
from tests.tui.fake_engine import FakeEngine
from tests.tui.panel.screen_text import screen_text, shown, until
from tui.screens.chain import ChainScreen
from tui.screens.chain_picker import ChainPicker

CHAIN = scenes.with_chains().route.chain


def chained() -> FakeEngine:
    engine = FakeEngine(scenes.with_chains())
    engine.models = scenes.models()
    return engine


@pytest.mark.parametrize("key", ["J", "shift+down"])
async def test_an_entry_is_moved_down_and_the_engine_told_at_once(key: str) -> None:
    async with chained() as engine, shown(engine) as (app, pilot):
        await pilot.press("F", key)
        assert await engine.told(c.SetFallback) == [c.SetFallback(chain=(CHAIN[1], CHAIN[0], *CHAIN[2:]))]
        await until(pilot, lambda: app.state.route.chain[1] == "openrouter")


async def test_quick_changes_arrive_in_their_order() -> None:
    async with chained() as engine, shown(engine) as (app, pilot):
        await pilot.press("F", "J", "J", "J", "x")
        last = (await engine.told(c.SetFallback, 4))[-1]
        assert last == c.SetFallback(chain=CHAIN[1:])
        await until(pilot, lambda: app.state.route.chain == CHAIN[1:])


async def test_the_ends_of_the_chain_hold() -> None:
    async with chained() as engine, shown(engine) as (_app, pilot):
        await pilot.press("F", "K", "j", "x")
        assert await engine.told(c.SetFallback) == [c.SetFallback(chain=(CHAIN[0], *CHAIN[2:]))]


async def test_a_model_is_added_below_the_entry() -> None:
    async with chained() as engine, shown(engine) as (app, pilot):
        await pilot.press("F")
        await until(pilot, lambda: "too small" in screen_text(app))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChainPicker))
        await pilot.press(*"gpt-5.5", "enter")
        added = (CHAIN[0], "openrouter/openai/gpt-5.5", *CHAIN[1:])
        assert await engine.told(c.SetFallback) == [c.SetFallback(chain=added)]
        await until(pilot, lambda: isinstance(app.screen, ChainScreen) and "always gpt-5.5" in screen_text(app))


async def test_a_provider_is_added_by_its_name_before_any_of_its_models() -> None:
    async with chained() as engine, shown(engine) as (app, pilot):
        await pilot.press("F")
        await until(pilot, lambda: "too small" in screen_text(app))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChainPicker))
        await pilot.press(*"ollama", "enter")
        assert await engine.told(c.SetFallback) == [c.SetFallback(chain=(CHAIN[0], "ollama", *CHAIN[1:]))]


async def test_a_slot_has_a_chain_of_its_own_and_gives_it_up() -> None:
    async with chained() as engine, shown(engine) as (app, pilot):
        await pilot.press("F", "tab", "tab", "tab")
        await until(pilot, lambda: "‹haiku/background›" in screen_text(app) and "not used yet" in screen_text(app))
        await pilot.press("c")
        assert await engine.told(c.SetFallback) == [c.SetFallback(chain=(), slot="haiku")]
        await until(pilot, lambda: "haiku/background follows the chain of all traffic." in screen_text(app))


async def test_where_no_chain_can_be_given_up_the_key_says_so() -> None:
    async with chained() as engine, shown(engine) as (app, pilot):
        await pilot.press("F", "c")
        await until(pilot, lambda: "This is the common chain." in screen_text(app))
        await pilot.press("tab", "c")
        await until(pilot, lambda: "opus has no chain of its own to give up." in screen_text(app))
        assert not [command for command in engine.commands if isinstance(command, c.SetFallback)]


async def test_a_change_for_a_slot_leaves_the_common_chain_alone() -> None:
    async with chained() as engine, shown(engine) as (app, pilot):
        await pilot.press("F", "tab", "x")
        assert await engine.told(c.SetFallback) == [c.SetFallback(chain=CHAIN[1:], slot="opus")]
        await until(pilot, lambda: app.state.route.slot_chains.get("opus") == CHAIN[1:])
        assert app.state.route.chain == CHAIN


async def test_what_the_engine_refuses_is_said_and_taken_back() -> None:
    async with chained() as engine, shown(engine) as (app, pilot):
        await pilot.press("F")
        engine.refusal = c.Refusal(code="no_target", message="no provider is called gone")
        await pilot.press("J")
        await until(pilot, lambda: "No provider is called gone" in screen_text(app))
        assert app.state.route.chain == CHAIN
        assert isinstance(app.screen, ChainScreen)
        assert app.screen.chain == CHAIN


async def test_fallback_is_switched_and_what_that_means_is_said() -> None:
    async with chained() as engine, shown(engine) as (app, pilot):
        await pilot.press("F", "f")
        await until(pilot, lambda: "Fallback off: errors of anthropic reach Claude Code" in screen_text(app))
        await pilot.press("f")
        await until(pilot, lambda: "Fallback on: if anthropic fails, openrouter serves" in screen_text(app))


async def test_an_empty_chain_says_how_to_fill_it() -> None:
    scene = scenes.blank()
    scene.route = c.Route(default="anthropic")
    async with FakeEngine(scene) as engine, shown(engine) as (app, pilot):
        await pilot.press("F")
        await until(pilot, lambda: "Nothing follows. Press a to add" in screen_text(app))
        await pilot.press("x", "J", "K")
        await until(pilot, lambda: "there is no entry to remove" in screen_text(app))
        assert not [command for command in engine.commands if isinstance(command, c.SetFallback)]


async def test_the_f_key_on_the_panel_names_the_key_for_an_empty_chain() -> None:
    scene = scenes.blank()
    scene.route = c.Route(default="anthropic", fallback_enabled=False)
    async with FakeEngine(scene) as engine, shown(engine) as (app, pilot):
        await pilot.press("f")
        await until(pilot, lambda: "Fallback on, but no target follows: press F to choose." in screen_text(app))
