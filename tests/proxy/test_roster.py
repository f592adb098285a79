"""The providers in force, renewed in place."""

from pathlib import Path
from typing import Any

import pytest

from proxy.presets import BY_NAME
from proxy.providers import ProviderConfig, local_provider, resolve_providers
from proxy.roster import Changes, Roster
from proxy.settings import Settings, load_settings

SETTINGS = load_settings(Path("/nonexistent/config.toml"), {}, {})
OLLAMA = local_provider(BY_NAME["ollama"], SETTINGS, {})


def resolved(**providers: Any) -> dict[str, ProviderConfig]:
    settings: Settings = load_settings(Path("/nonexistent/config.toml"), {"providers": providers}, {})
    return resolve_providers(settings, {})


def groq(**more: Any) -> dict[str, Any]:
    return {"preset": "groq", "api_key": "k-1", **more}


def test_what_came_went_and_changed_is_told_by_name() -> None:
    roster = Roster(resolved(a=groq(), b=groq(), c=groq()))
    changes = roster.renew(resolved(b=groq(api_key="k-2"), c=groq(), d=groq()), ("b", "c", "d"))
    assert changes == Changes(added=("d",), changed=("b",), removed=("a",))
    assert changes.words == "added d; changed b; removed a"
    assert list(roster) == ["b", "c", "d", "anthropic", "simulator"]


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({"base_url": "https://groq.example/v1"}, {"a"}),
        ({"dialect": "openai-responses"}, {"a"}),
        ({"models": ["x"]}, set()),
    ],
)
def test_another_address_or_format_is_another_place(change: dict[str, Any], moved: set[str]) -> None:
    assert Roster(resolved(a=groq())).renew(resolved(a=groq(**change)), ("a",)).moved == moved


def test_one_that_is_as_it_was_stays_the_same_object() -> None:
    roster = Roster(resolved(a=groq(), b=groq()))
    a, b = roster["a"], roster["b"]
    roster.renew(resolved(a=groq(), b=groq(api_key="k-2")), ("a", "b"))
    assert (roster["a"] is a, roster["b"] is b) == (True, False)


def test_one_that_is_gone_is_found_by_those_who_are_on_their_way_to_it_alone() -> None:
    roster = Roster(resolved(a=groq()))
    gone = roster["a"]
    roster.renew(resolved(), ())
    assert (roster["a"], roster.known("a")) == (gone, gone)
    assert ("a" in roster, roster.get("a"), "a" in list(roster)) == (False, None, False)
    with pytest.raises(KeyError):
        roster["never"]


def test_a_generation_stays_as_it_was() -> None:
    roster = Roster(resolved(a=groq()))
    before = roster.generation
    roster.renew(resolved(a=groq(api_key="k-2"), b=groq()), ("a", "b"))
    assert [key.get_secret_value() for key in before["a"].keys] == ["k-1"]
    assert ("b" in before, "b" in roster.generation) == (False, True)


def test_a_local_server_stays_until_the_settings_name_it() -> None:
    roster = Roster(resolved())
    roster.meet(OLLAMA)
    assert roster.renew(resolved(), ()) == Changes()
    assert roster["ollama"] is OLLAMA
    assert roster.renew(resolved(ollama={"enabled": False}), ("ollama",)).removed == ("ollama",)
    assert roster.renew(resolved(), ()) == Changes()
