"""What is wrong, in one sentence with the next step."""

from itertools import islice
from typing import NamedTuple

from proxy.contract import AS_ASKED, Provider
from tui.state import formats as f
from tui.state.lines import Tone
from tui.state.panel import PanelState
from tui.state.text import clean_line

LOOK_BACK = 200
"""Requests looked at to say since when another provider serves."""

HEALTH: dict[str, tuple[str, str, Tone]] = {
    "unused": ("○", "not used yet", "dim"),
    "ok": ("●", "ok", "good"),
    "limited": ("▲", "limited", "warn"),
    "failing": ("▲", "failing", "warn"),
    "refused": ("✗", "refused", "bad"),
}
"""Glyph, word and tone of a provider's health."""


class Trouble(NamedTuple):
    """Text of a trouble and how grave it is."""

    text: str
    tone: Tone

    @property
    def glyph(self) -> str:
        return "✗" if self.tone == "bad" else "▲"


def troubles(state: PanelState, now: float, keys: dict[str, str]) -> list[Trouble]:
    """All that is wrong now, the gravest first. ``keys``: action id → key to press."""
    if state.link == "gone":
        return [Trouble(_gone(state, keys["restart"]), "bad")]
    if state.engine is None:
        return []
    found = [Trouble(clean_line(problem), "bad") for problem in state.problems]
    if state.engine.draining:
        found.append(Trouble("The engine is stopping: running answers finish, new requests are refused.", "warn"))
    serving = [one for one in state.providers if one.name in _in_use(state)]
    serving.sort(key=lambda one: ("refused", "failing", "limited", "unused", "ok").index(one.health))
    found += [trouble for one in serving if (trouble := _of_provider(state, one, now, keys))]
    return found


def health_words(provider: Provider, now: float) -> tuple[str, str, Tone]:
    """Glyph, words and tone of a provider's health."""
    if not provider.enabled:
        return "○", "off", "dim"
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


def _of_provider(state: PanelState, provider: Provider, now: float, keys: dict[str, str]) -> Trouble | None:
    name = clean_line(provider.name)
    if provider.key_error:
        text = f"{name}: {_sentence(provider.key_error)} Press {keys['provider']} to switch provider."
        return Trouble(text, "bad")
    if provider.health in ("ok", "unused"):
        return None
    return Trouble(f"{name}: {_cause(provider, now)} {_next_step(state, provider, keys)}".rstrip(), _tone(provider))


def _cause(provider: Provider, now: float) -> str:
    text = clean_line(provider.health_text or HEALTH[provider.health][1]).rstrip(".")
    text = text.removeprefix(f"{clean_line(provider.name)}: ")
    if provider.retry_at is not None and provider.retry_at > now:
        text += f", next try in {f.age(provider.retry_at - now)}"
    return text + "."


def _next_step(state: PanelState, provider: Provider, keys: dict[str, str]) -> str:
    if provider.name != provider_in_force(state):
        return ""
    if since := _serving_instead(state, provider.name):
        other, at = since
        return f"Serving from {clean_line(other)} since {f.clock(at)}."
    if provider.health == "refused":
        return f"Press {keys['provider']} to switch provider."
    if not state.route.fallback_enabled and state.route.chain:
        return f"Press {keys['fallback']} to turn fallback on."
    return f"Press {keys['provider']} to switch provider."


def _serving_instead(state: PanelState, provider: str) -> tuple[str, float] | None:
    """Who serves in the provider's place, and since when."""
    found: tuple[str, float] | None = None
    for request in islice(state.requests.newest(), LOOK_BACK):
        if request.provider is None or request.phase == "waiting" or request.outcome not in (None, "served"):
            continue
        if request.provider == provider or (found and request.provider != found[0]):
            break
        if found is None and not request.fell_back:
            break
        found = (request.provider, request.started_at)
    return found


def _tone(provider: Provider) -> Tone:
    return "bad" if provider.health == "refused" else "warn"


def _gone(state: PanelState, key: str) -> str:
    if why := clean_line(state.link_text):
        return f"{_sentence(why)} Press {key} to start an engine."
    return f"The engine stopped. Press {key} to start it again; Claude Code gets no answers until then."


def _sentence(text: str) -> str:
    text = clean_line(text).rstrip(".")
    return text[:1].upper() + text[1:] + "."
