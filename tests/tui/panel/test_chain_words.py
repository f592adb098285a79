"""Chains in words."""

import msgspec
import pytest

from proxy import contract as c
from tests.tui import scenes
from tests.tui.scenes import NOW
from tui.state import chain as words
from tui.state.lines import line_cells, line_text
from tui.state.panel import PanelState

SHOP = words.session_of(scenes.shop_session())
WINDOWS = words.windows_of(scenes.models())


@pytest.fixture
def state() -> PanelState:
    state = PanelState()
    state.apply(scenes.with_chains().snapshot("http://127.0.0.1:8787"))
    return state


def entry(text: str, state: PanelState) -> words.Entry:
    return words.explain(text, state, WINDOWS, SHOP.asked_model)


def test_each_kind_of_entry_says_what_it_means(state: PanelState) -> None:
    meanings = [entry(text, state).meaning for text in state.route.chain]
    assert meanings == [
        "same model there",
        "always qwen3-coder",
        "one of the group: ollama, openrouter/openai/gpt-5.5",
        "nothing of this name is known",
    ]


def test_a_window_smaller_than_the_session_is_told(state: PanelState) -> None:
    assert entry("openrouter/qwen/qwen3-coder", state).window_too_small(SHOP) == 64_000
    assert entry("openrouter/qwen/qwen3-coder", state).window_too_small(words.Session()) is None


def test_the_same_model_elsewhere_is_found_under_its_name_there(state: PanelState) -> None:
    small = [c.Model(provider="openrouter", id="anthropic/claude-opus-4.8", context_window=100_000)]
    found = words.explain("openrouter", state, words.windows_of(small), "claude-opus-4-8")
    assert found.window_too_small(SHOP) == 100_000


def test_a_group_does_as_long_as_one_member_does_or_may(state: PanelState) -> None:
    assert entry("cheap", state).window_too_small(SHOP) is None


def test_a_group_whose_members_are_all_gone_is_not_said_to_list_no_model(state: PanelState) -> None:
    state.route = msgspec.structs.replace(state.route, groups={"cheap": ("gone", "lost/model")})
    found = entry("cheap", state)
    assert not found.known
    note = line_text(words.entry_note(found, SHOP, 100)[0])
    assert note.strip() == "▲ cheap: nobody in the group is known; the entry serves nothing."


@pytest.mark.parametrize("width", [30, 60, 100, 160])
def test_an_entry_stays_inside_its_width(state: PanelState, width: int) -> None:
    for place, text in enumerate(state.route.chain):
        assert line_cells(words.entry_line(place, entry(text, state), width, NOW, SHOP)) <= width


def test_entries_move_inside_the_chain() -> None:
    assert words.moved(("a", "b", "c"), 0, 1) == ("b", "a", "c")
    assert words.moved(("a", "b", "c"), 2, 5) == ("a", "b", "c")
    assert words.moved(("a", "b", "c"), 2, -2) == ("c", "a", "b")


def test_an_entry_added_twice_moves_to_its_new_place() -> None:
    assert words.with_added(("a", "b"), 1, "c") == ("a", "c", "b")
    assert words.with_added(("a", "b"), 2, "a") == ("b", "a")
    assert words.with_added((), 0, "a") == ("a",)


def test_a_slot_without_a_chain_follows_the_common_one(state: PanelState) -> None:
    assert words.chain_of(state.route, "opus") == state.route.chain
    assert words.chain_of(state.route, "haiku") == ("ollama",)
    assert "opus follows" in line_text(words.slot_note(state.route, "opus", 100)[0])
    assert line_text(words.slot_note(state.route, None, 100)[0]) == " haiku/background has a chain of its own."


def test_a_slots_own_target_is_the_first_of_its_chain(state: PanelState) -> None:
    override = c.Override(provider="openrouter", model="openai/gpt-5.5", slot="opus")
    state.apply(c.RouteChanged(route=c.Route(default="anthropic", overrides=(override,))))
    assert words.first_words(state, "opus") == "openrouter, gpt-5.5"
    assert words.first_words(state, None) == "anthropic, as asked"


@pytest.mark.parametrize(
    ("route", "text"),
    [
        (c.Route(default="anthropic", chain=("openrouter",)), "Fallback on: if anthropic fails, openrouter serves."),
        (
            c.Route(default="anthropic", chain=("openrouter", "cheap"), groups={"cheap": ("ollama",)}),
            "Fallback on: if anthropic fails, openrouter serves, then cheap.",
        ),
        (
            c.Route(default="anthropic", chain=("gone", "openrouter")),
            "Fallback on: if anthropic fails, openrouter serves.",
        ),
        (
            c.Route(default="pool", groups={"pool": ("anthropic", "openrouter")}),
            "Fallback on: if one of pool fails, another of it serves.",
        ),
        (
            c.Route(default="pool", chain=("ollama",), groups={"pool": ("anthropic", "openrouter")}),
            "Fallback on: if one of pool fails, another of it serves, then ollama.",
        ),
        (c.Route(default="anthropic", chain=("anthropic",)), "Fallback on, but no target follows: press F to choose."),
        (
            c.Route(default="anthropic", fallback_enabled=False),
            "Fallback off: errors of anthropic reach Claude Code.",
        ),
    ],
)
def test_the_switch_says_what_it_means(state: PanelState, route: c.Route, text: str) -> None:
    state.apply(c.RouteChanged(route=route))
    assert words.toggle_words(state, "F") == text


def idle(state: PanelState, name: str) -> None:
    """``name`` lists no model for anything that is asked for."""
    providers = (msgspec.structs.replace(one, serves_nothing=one.name == name) for one in state.providers)
    state.apply(c.ProvidersChanged(providers=tuple(providers)))


def test_the_switch_promises_nobody_who_cannot_serve(state: PanelState) -> None:
    idle(state, "openrouter")
    state.apply(c.RouteChanged(route=c.Route(default="anthropic", chain=("openrouter", "ollama"))))
    assert words.toggle_words(state, "F") == "Fallback on: if anthropic fails, ollama serves."
    state.apply(c.RouteChanged(route=c.Route(default="anthropic", chain=("openrouter",))))
    assert words.toggle_words(state, "F") == (
        "Fallback on, but nothing that follows lists what is asked for: press F to choose."
    )


def test_an_entry_that_lists_nothing_that_is_asked_for_says_so(state: PanelState) -> None:
    idle(state, "openrouter")
    found = entry("openrouter", state)
    assert (found.meaning, found.idle) == ("lists no such model", True)
    assert "serves nothing" in line_text(words.entry_note(found, SHOP, 120)[0])
    assert not entry("openrouter/qwen/qwen3-coder", state).idle


def test_a_choice_that_is_gone_is_not_the_first_of_a_chain(state: PanelState) -> None:
    gone = c.Override(provider="gone")
    state.apply(c.RouteChanged(route=c.Route(default="anthropic", overrides=(gone,))))
    assert words.first_words(state, None) == "anthropic, as asked"
