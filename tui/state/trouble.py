"""What is wrong, in one sentence with the next step."""

from itertools import takewhile
from typing import NamedTuple

from proxy.contract import AS_ASKED, Provider
from tui.state import formats as f
from tui.state.detour import Detour, detours, first_choices, takes_requests, without_name
from tui.state.limits import limit_warning
from tui.state.lines import Tone
from tui.state.panel import PanelState
from tui.state.text import clean_line

HEALTH: dict[str, tuple[str, str, Tone]] = {
    "unused": ("○", "not used yet", "dim"),
    "ok": ("●", "ok", "good"),
    "limited": ("▲", "limited", "warn"),
    "failing": ("▲", "failing", "warn"),
    "refused": ("✗", "refused", "bad"),
}
"""Glyph, word and tone of a provider's health."""


GRAVEST_FIRST = ("refused", "failing", "limited", "unused", "ok")


class Trouble(NamedTuple):
    """Text of a trouble and how grave it is."""

    text: str
    tone: Tone
    step: str = ""
    """The sentence at the end of ``text`` that says what to do."""

    @property
    def glyph(self) -> str:
        return {"bad": "✗", "warn": "▲"}.get(self.tone, "⇄")


def troubles(state: PanelState, now: float, keys: dict[str, str]) -> list[Trouble]:
    """All that is wrong now, the gravest first. ``keys``: action id → key to press."""
    if state.link == "gone":
        return [Trouble(_gone(state, keys["restart"]), "bad")]
    if state.engine is None:
        return []
    found = [Trouble(clean_line(problem), "bad") for problem in state.problems]
    found += [Trouble(f"{_sentence(text)} Press {keys['budget']} for more.", "bad") for text in state.used_up]
    if state.engine.draining:
        found.append(Trouble("The engine is stopping: running answers finish, new requests are refused.", "warn"))
    around = {one.first_choice: one for one in detours_of(state, now)}
    used = [one for one in state.providers if one.name in _in_use(state)]
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
    """The provider of the conversation's traffic where nothing more specific decides."""
    for override in state.route.overrides:
        if override.session is None and override.slot is None:
            return override.provider
    names = {provider.name for provider in state.providers}
    default = state.route.default
    return default if default in names else default.split("/", 1)[0]


def target_in_force(state: PanelState) -> tuple[str, str]:
    """The model (or "as asked") and the provider that the conversation's traffic goes to."""
    for override in state.route.overrides:
        if override.session is None and override.slot is None:
            return override.model or AS_ASKED, override.provider
    provider = provider_in_force(state)
    model = state.route.default.removeprefix(provider).removeprefix("/")
    return model or AS_ASKED, provider


def chain_heads(state: PanelState) -> list[str]:
    """The providers of the fallback chain, in order, each once."""
    names = {provider.name for provider in state.providers}
    heads = (target if target in names else target.split("/", 1)[0] for target in state.route.chain)
    return list(dict.fromkeys(heads))


def _in_use(state: PanelState) -> set[str]:
    names = {provider_in_force(state)} | {override.provider for override in state.route.overrides}
    if state.route.fallback_enabled:
        names.update(chain_heads(state))
    return names


def _of_provider(
    state: PanelState, provider: Provider, detour: Detour | None, now: float, keys: dict[str, str]
) -> Trouble | None:
    name = clean_line(provider.name)
    present = provider.name == provider_in_force(state)
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
    return Trouble(f"{name}: {trouble_words(provider, now)} {step}".rstrip(), _tone(provider), step)


def trouble_words(provider: Provider, now: float) -> str:
    """The last trouble of a provider and when it is tried next."""
    text = clean_line(provider.health_text or HEALTH[provider.health][1]).rstrip(".")
    text = without_name(text, provider.name)
    if provider.retry_at is not None and provider.retry_at > now and not provider.resting:
        text += f", next try in {f.age(provider.retry_at - now)}"
    return text + "."


def _next_step(state: PanelState, provider: Provider, keys: dict[str, str]) -> str:
    if state.route.fallback_enabled and (next_one := _next_in_chain(state, provider)):
        if provider.retry_at is None:
            return f"{next_one} serves if it fails again."
        return f"{next_one} serves the next request."
    if provider.health == "refused" or state.route.fallback_enabled or not state.route.chain:
        return f"Press {keys['provider']} to switch provider."
    return f"Press {keys['fallback']} to turn fallback on."


def _next_in_chain(state: PanelState, provider: Provider) -> str:
    """Who the chain has after ``provider`` that can serve; empty where nobody does. A group is somebody."""
    for name in chain_heads(state):
        known = state.provider(name)
        if name != provider.name and (takes_requests(known) if known is not None else name in state.route.groups):
            return clean_line(name)
    return ""


def _passed_by(detour: Detour) -> Trouble:
    first, serving = clean_line(detour.first_choice), clean_line(detour.serving)
    return Trouble(f"{first} is passed by since {f.clock(detour.since)}, {serving} serves: {detour.why}.", "plain")


def _of_limit(provider: Provider, text: str) -> Trouble:
    return Trouble(f"{clean_line(provider.name)}: {text}", "warn")


def _tone(provider: Provider) -> Tone:
    return "bad" if provider.health == "refused" else "warn"


def _gone(state: PanelState, key: str) -> str:
    if why := clean_line(state.link_text):
        return f"{_sentence(why)} Press {key} to start an engine."
    return f"The engine stopped. Press {key} to start it again; Claude Code gets no answers until then."


def _sentence(text: str) -> str:
    text = clean_line(text).rstrip(".")
    return text[:1].upper() + text[1:] + "."
