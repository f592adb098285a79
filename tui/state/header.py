"""The two lines on top: to whom traffic goes, and what is wrong or how the providers are."""

from proxy.contract import AS_ASKED
from tui.state import formats as f
from tui.state.burn import Burn
from tui.state.cost import money_of, rate_of
from tui.state.lines import EMPTY, Line, Piece, Tone, cut, first_that_fits, joined, line, spread
from tui.state.panel import PanelState
from tui.state.text import clean_line
from tui.state.trouble import (
    Trouble,
    chain_heads,
    health_words,
    provider_in_force,
    target_in_force,
    troubles,
)

NARROW = 90
"""Below this width there is no cost strip beside the list, so the header carries the money."""


def header(
    state: PanelState, burn: Burn, width: int, now: float, keys: dict[str, str], *, frozen_new: int | None = None
) -> list[Line]:
    """The header in ``width`` cells. ``frozen_new``: how many requests came since the view was frozen."""
    found = troubles(state, now, keys)
    first = _narrow(state, burn, width, now) if width < NARROW else _full(state, width)
    if frozen_new is not None:
        second = _frozen(frozen_new, width, keys)
    else:
        second = _trouble(found, width) if found else _healthy(state, width, now)
    return [first, second]


def _narrow(state: PanelState, burn: Burn, width: int, now: float) -> Line:
    model, provider = target_in_force(state)
    target = provider if model == AS_ASKED else f.short_model(model)
    heads = chain_heads(state)
    toggle = "⇄on" if state.route.fallback_enabled else "⇄off"
    start = [line(" ", _link(state), " ", Piece(clean_line(target), "strong"), " ", Piece(toggle, "dim"))]
    if heads and state.route.fallback_enabled:
        both = Piece(f" ▸ {clean_line(heads[0])} ", "dim")
        start.insert(0, (*start[0][:4], both, Piece(toggle, "dim")))
    money = Piece(money_of(state, state.session_in_view(now)), "strong")
    tokens = Piece(f"{f.count(burn.tokens_per_min)}/min", "dim")
    full = line(money, "  ", Piece(rate_of(burn), "accent"), "  ", tokens, " ")
    end = first_that_fits([full, full[:3] + line(" "), line(money, " ")], max(8, width // 2))
    return spread(first_that_fits(start, width - sum(len(piece.text) for piece in end)), end, width)


def _full(state: PanelState, width: int) -> Line:
    parts = [line(Piece("cctui", "strong"), "  ", _link(state), " ", Piece(_address(state), "dim"))]
    parts += [_target(state), _fallback(state), _specific(state)]
    start = line(" ", *joined([part for part in parts if part]))
    without = line(" ", *joined([part for part in parts[:3] if part]))
    end = _limits(state)
    return spread(first_that_fits([start, without], width - sum(len(p.text) for p in end)), end, width)


def _link(state: PanelState) -> Piece:
    if state.link == "up":
        return Piece("●", "good")
    return Piece("○", "dim") if state.link == "connecting" else Piece("✗", "bad")


def _address(state: PanelState) -> str:
    address = state.url.removeprefix("http://")
    return {"up": address, "connecting": f"{address} connecting", "gone": f"{address} no engine"}[state.link]


def _target(state: PanelState) -> Line:
    model, provider = target_in_force(state)
    if not provider:
        return EMPTY
    chosen = Piece("as asked") if model == AS_ASKED else Piece(f.short_model(model), "accent")
    return line(chosen, Piece(" ▸ ", "dim"), Piece(clean_line(provider), "strong"))


def _fallback(state: PanelState) -> Line:
    if state.engine is None:
        return EMPTY
    if not state.route.fallback_enabled:
        return line(Piece("⇄ fallback off", "dim"))
    heads = chain_heads(state)
    if not heads:
        return line(Piece("⇄ fallback on, no other provider", "dim"))
    return line("⇄ fallback on", Piece(" ▸ ", "dim"), clean_line(heads[0]))


def _specific(state: PanelState) -> Line:
    """Overrides that hold for some traffic only."""
    words = [
        f"{override.slot or 'session'} ▸ {f.short_model(override.model or override.provider)}"
        for override in state.route.overrides
        if override.session is not None or override.slot is not None
    ]
    return line(Piece(clean_line("  ".join(words)), "accent")) if words else EMPTY


def _limits(state: PanelState) -> Line:
    provider = state.provider(provider_in_force(state))
    if provider is None or not provider.limits:
        return EMPTY
    pieces: list[Piece] = []
    for limit in provider.limits[:2]:
        tone: Tone = "bad" if limit.used >= 1 else "warn" if limit.used >= 0.85 else "dim"
        text = f"{clean_line(limit.name)} {f.percent(limit.used)}"
        pieces += [Piece(" · ", "dim"), Piece(text, tone)] if pieces else [Piece(text, tone)]
    return (*pieces, Piece(" "))


def _trouble(found: list[Trouble], width: int) -> Line:
    first = found[0]
    more = line(Piece(f" +{len(found) - 1} more ", "dim")) if len(found) > 1 else EMPTY
    return spread(line(" ", Piece(f"{first.glyph} {first.text}", first.tone)), more, width)


def _healthy(state: PanelState, width: int, now: float) -> Line:
    if state.engine is None:
        return line(Piece(" Looking for the engine …", "dim"))
    parts = []
    for provider in state.providers:
        glyph, word, tone = health_words(provider, now)
        if provider.health == "unused" and provider.name != provider_in_force(state):
            continue
        words = Piece(f" {clean_line(provider.name)} {word}", "dim")
        parts.append(line(Piece(glyph, tone), words))
    return cut(line(" ", *joined(parts)), width)


def _frozen(new: int, width: int, keys: dict[str, str]) -> Line:
    since = "nothing new yet" if not new else f"{new} new request{'s' * (new > 1)}"
    text = f" ‖ View frozen, traffic goes on: {since}. Press {keys['freeze']} to go on."
    return cut(line(Piece(text, "accent")), width)
