"""What is wrong, in one sentence with the next step."""

from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from proxy.contract import AS_ASKED, Provider
from tui.state import formats as f
from tui.state.detour import Detour, detours, takes_requests, without_name
from tui.state.limits import limit_warning
from tui.state.lines import Tone
from tui.state.panel import PanelState
from tui.state.route import (
    behind,
    chosen,
    first_choices,
    first_providers,
    followers,
    following,
    in_force,
    in_turn,
    siblings,
)
from tui.state.text import clean_line

HEALTH: dict[str, tuple[str, str, Tone]] = {
    "unused": ("○", "not used yet", "dim"),
    "ok": ("●", "ok", "good"),
    "limited": ("▲", "limited", "warn"),
    "failing": ("▲", "failing", "warn"),
    "refused": ("✗", "refused", "bad"),
}
"""Glyph, word and tone of a provider's health."""


KEY_REFUSED = 401
"""The status that says so."""
GRAVEST_FIRST = ("refused", "failing", "limited", "unused", "ok")


class Trouble(NamedTuple):
    """Text of a trouble and how grave it is."""

    text: str
    tone: Tone
    step: str = ""
    """The sentence at the end of ``text`` that says what to do."""
    shorter: tuple[str, ...] = ()
    """The same in fewer words, the fullest first."""

    @property
    def glyph(self) -> str:
        return {"bad": "✗", "warn": "▲"}.get(self.tone, "⇄")


def troubles(
    state: PanelState, now: float, keys: dict[str, str], lasting: Sequence[Detour] | None = None
) -> list[Trouble]:
    """All that is wrong now, the gravest first. ``keys``: action id → key to press; ``lasting``: ``detours_of`` now,
    where they are known."""
    if state.link == "gone":
        return [_gone(state, keys["restart"])]
    if state.engine is None:
        return []
    found = [Trouble(clean_line(problem), "bad") for problem in state.problems]
    found += [Trouble(f"{_sentence(text)} Press {keys['budget']} for more.", "bad") for text in state.used_up]
    if state.engine.draining:
        found.append(Trouble("The engine is stopping: running answers finish, new requests are refused.", "warn"))
    around = {one.first_choice: one for one in (detours_of(state, now) if lasting is None else lasting)}
    used = [one for one in state.providers if one.name in {*_in_use(state), *around}]
    used.sort(key=lambda one: GRAVEST_FIRST.index(one.health))
    found += [it for one in used if (it := _of_provider(state, one, around.get(one.name), now, keys))]
    found += [_passed_by(one) for one in around.values() if one.passed_by]
    first = first_choices(state.route, state.providers)
    return found + [_of_limit(one, text) for one in used if one.name in first and (text := limit_warning(one, now))]


def detours_of(state: PanelState, now: float) -> list[Detour]:
    """The detours that last: what an engine before this one did is over."""
    begun = state.engine.started_at if state.engine is not None else now
    present = takewhile(lambda request: request.started_at >= begun, state.requests.newest())
    return detours(present, state.providers, state.route, now)


def health_words(provider: Provider, now: float) -> tuple[str, str, Tone]:
    """Glyph, words and tone of a provider's health."""
    if not provider.enabled:
        return "○", "off", "dim"
    if provider.resting:
        return "‖", "resting", "warn"
    if provider.key_error:
        return "✗", "no key", "bad"
    glyph, word, tone = HEALTH[provider.health]
    if provider.retry_at is not None and provider.retry_at > now:
        word = f"{word}, {f.age(provider.retry_at - now)}"
    return glyph, word, tone


def provider_in_force(state: PanelState) -> str:
    """The provider or the group of the conversation's traffic where nothing more specific decides."""
    return in_force(state.route, state.providers).provider


def providers_in_force(state: PanelState) -> tuple[str, ...]:
    """The same, of a group its providers."""
    return first_providers(state.route, state.providers)


def target_in_force(state: PanelState) -> tuple[str, str]:
    """The model (or "as asked") and the provider or the group that the conversation's traffic goes to."""
    target = in_force(state.route, state.providers)
    return target.model or AS_ASKED, target.provider


def next_in_line(state: PanelState) -> str:
    """Who serves where what is in force fails; empty where nobody does."""
    if siblings(state.route, state.providers):
        return f"others of {provider_in_force(state)}"
    entries = followers(state.route, state.providers)
    if not entries or entries[0] in state.route.groups:
        return entries[0] if entries else ""
    [name, *_] = behind(entries[0], state.route, state.providers)
    return entries[0] if name in providers_in_force(state) else name


def _in_use(state: PanelState) -> set[str]:
    route, providers = state.route, state.providers
    names = {name for one in chosen(route, providers) for name in behind(one.provider, route, providers)}
    names.update(first_providers(route, providers))
    if route.fallback_enabled:
        names.update(following(route, providers))
    return names


def _of_provider(
    state: PanelState, provider: Provider, detour: Detour | None, now: float, keys: dict[str, str]
) -> Trouble | None:
    name = clean_line(provider.name)
    present = provider.name in providers_in_force(state)
    instead = f"Serving from {clean_line(detour.serving)} since {f.clock(detour.since)}. " if detour else ""
    if provider.resting:
        text = f"{name} rests. Press {keys['provider']} to take it back. {instead}"
        return Trouble(text.rstrip(), "warn") if present else None
    if provider.key_error:
        switch = f"Press {keys['provider']} to switch provider."
        return Trouble(f"{name}: {_sentence(provider.key_error)} {switch}", "bad", switch)
    if provider.health in ("ok", "unused"):
        return None
    step = (instead or _next_step(state, provider, keys)) if present else instead
    step = step.rstrip()
    happened = f"{name}: {_what_happened(provider)}."
    shorter = tuple(f"{happened} {each}".rstrip() for each in (step, *_brief_step(state, provider, detour)))
    return Trouble(f"{name}: {trouble_words(provider, now)} {step}".rstrip(), _tone(provider), step, shorter)


def trouble_words(provider: Provider, now: float) -> str:
    """The last trouble of a provider and when it is tried next."""
    text = _what_happened(provider)
    if provider.retry_at is not None and provider.retry_at > now and not provider.resting:
        text += f", next try in {f.age(max(1.0, provider.retry_at - now))}"
    return text + "."


def _brief_step(state: PanelState, provider: Provider, detour: Detour | None) -> list[str]:
    """Who serves, in the fewest words."""
    if detour is not None:
        return [f"{clean_line(detour.serving)} serves."]
    next_one = _next_in_chain(state, provider) if state.route.fallback_enabled else ""
    return [f"{next_one} serves next."] if next_one else []


def _what_happened(provider: Provider) -> str:
    text = clean_line(provider.health_text or HEALTH[provider.health][1]).rstrip(".")
    return without_name(text, provider.name)


def _next_step(state: PanelState, provider: Provider, keys: dict[str, str]) -> str:
    if state.route.fallback_enabled and (next_one := _next_in_chain(state, provider)):
        if provider.retry_at is None:
            return f"{next_one} serves if it fails again."
        return f"{next_one} serves the next request."
    if provider.health == "refused" or state.route.fallback_enabled or not next_in_line(state):
        return f"{_hanging(state)}Press {keys['provider']} to switch provider."
    return f"Press {keys['fallback']} to turn fallback on."


def _next_in_chain(state: PanelState, provider: Provider) -> str:
    """Who serves where ``provider`` does not; empty where nobody does."""
    for name in in_turn(state.route, state.providers):
        known = state.provider(name)
        if name != provider.name and known is not None and takes_requests(known):
            return clean_line(name)
    return ""


def _hanging(state: PanelState) -> str:
    """Claude Code repeats a request with a refused key without a word, which looks like a hang."""
    newest = next((one for one in state.requests.newest() if one.kind == "messages"), None)
    return "Claude Code keeps retrying. " if newest is not None and newest.status == KEY_REFUSED else ""


def _passed_by(detour: Detour) -> Trouble:
    first, serving = clean_line(detour.first_choice), clean_line(detour.serving)
    text = f"{first} is passed by since {f.clock(detour.since)}, {serving} serves: {detour.why}."
    return Trouble(text, "plain", shorter=(f"{first} is passed by: {serving} serves.",))


def _of_limit(provider: Provider, text: str) -> Trouble:
    return Trouble(f"{clean_line(provider.name)}: {text}", "warn")


def _tone(provider: Provider) -> Tone:
    return "bad" if provider.health == "refused" else "warn"


def _gone(state: PanelState, key: str) -> Trouble:
    if why := clean_line(state.link_text):
        return Trouble(f"{_sentence(why)} Press {key} to start an engine.", "bad")
    short = f"The engine stopped. Press {key} to start it again"
    return Trouble(f"{short}; Claude Code gets no answers until then.", "bad", shorter=(f"{short}.",))


def _sentence(text: str) -> str:
    text = clean_line(text).rstrip(".")
    return text[:1].upper() + text[1:] + "."
