"""The two lines on top: to whom traffic goes, and what is wrong or how the providers are."""

from collections.abc import Sequence

from proxy.contract import AS_ASKED, Override
from tui.state import formats as f
from tui.state.burn import Burn
from tui.state.cost import money_of, rate_of
from tui.state.detour import Detour
from tui.state.limits import all_limits, limit_tone, standing
from tui.state.lines import EMPTY, Line, Piece, cut, joined, line, line_cells, spread
from tui.state.panel import PanelState
from tui.state.route import chosen
from tui.state.text import cells, clean_line, fit
from tui.state.trouble import (
    Trouble,
    detours_of,
    health_words,
    next_in_line,
    providers_in_force,
    target_in_force,
    troubles,
)
from tui.state.who import told_apart

LIMIT_TOLD = 0.1
"""The share from which a provider's limit is told in the header."""
WORDS_LEAST = 24
"""Cells of what happened that are worth more than the whole of what to do."""
NARROW = 90
"""Below this width there is no cost strip beside the list, so the header carries the money."""


def header(
    state: PanelState, burn: Burn, width: int, now: float, keys: dict[str, str], *, frozen_new: int | None = None
) -> list[Line]:
    """The header in ``width`` cells. ``frozen_new``: how many requests came since the view was frozen."""
    around = detours_of(state, now)
    found = troubles(state, now, keys, around)
    serving = _serving_instead(state, around)
    first = _narrow(state, burn, width, now, serving) if width < NARROW else _full(state, width, now, serving)
    if frozen_new is not None:
        second = _frozen(frozen_new, width, keys)
    else:
        second = _trouble(found, width) if found else _healthy(state, width, now)
    return [first, second]


def _narrow(state: PanelState, burn: Burn, width: int, now: float, serving: str) -> Line:
    """``serving``: ``_serving_instead``."""
    model, provider = target_in_force(state)
    link = line(" ", _link(state), " ")
    target = line(Piece(clean_line(provider if model == AS_ASKED else f.short_model(model)), "strong"))
    toggle = line(Piece(" ⇄on" if state.route.fallback_enabled else " ⇄off", "dim"))
    follower = next_in_line(state) if state.route.fallback_enabled else ""
    chain = line(Piece(f" ▸ {clean_line(follower)}", "dim")) if follower else EMPTY
    if serving:
        chain, toggle = EMPTY, line(Piece(f" ⇄ {serving}", "warn"))
    several = len(_specific_words(state))
    more = line(Piece(f" +{several}", "accent")) if several else EMPTY
    chained, toggled, plain = link + target + chain + toggle + more, link + target + toggle + more, link + target + more
    full, short, least = _narrow_money(state, burn, now)
    for start, end in ((chained, full), (toggled, full), (chained, short), (toggled, short), (plain, short)):
        if line_cells(start) + line_cells(end) < width:
            return spread(start, end, width)
    return spread(plain, least, width)


def _narrow_money(state: PanelState, burn: Burn, now: float) -> tuple[Line, Line, Line]:
    """Whose money it is, with its pace, that of tokens, or neither: the fullest first."""
    session = state.session_in_view(now)
    whose = Piece("session " if session is not None else "today ", "dim")
    money = line(whose, Piece(money_of(state, session), "strong"))
    least = line(whose, Piece(money_of(state, session, tight=True), "strong"), " ")
    rate = Piece(rate_of(state, burn, session), "accent")
    tokens = Piece(f"{f.count(burn.tokens_per_min)}/min", "dim")
    return line(*money, "  ", rate, "  ", tokens, " "), line(*money, "  ", rate, " "), least


def _full(state: PanelState, width: int, now: float, serving: str) -> Line:
    """The fullest form that fits: what the user chose stays longest, the address goes first."""
    link = line(Piece("cctui", "strong"), "  ", _link(state))
    address = line(*link, " ", Piece(_address(state), "dim"))
    flow = [part for part in (_target(state), _fallback(state, serving), _specific(state)) if part]
    limits = _limits(state, now)
    for head, end in ((address, limits), (link, limits), (link, EMPTY)):
        start = line(" ", *joined([head, *flow]))
        if line_cells(start) + line_cells(end) < width:
            return spread(start, end, width)
    return cut(line(" ", *joined([link, *flow])), width)


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


def _fallback(state: PanelState, serving: str) -> Line:
    if state.engine is None:
        return EMPTY
    if serving:
        return line("⇄ now ", Piece(serving, "warn"))
    if not state.route.fallback_enabled:
        return line(Piece("⇄ fallback off", "dim"))
    follower = next_in_line(state)
    if not follower:
        return line(Piece("⇄ fallback on, no other provider", "dim"))
    return line("⇄ fallback on", Piece(" ▸ ", "dim"), clean_line(follower))


def _serving_instead(state: PanelState, around: Sequence[Detour]) -> str:
    """Who serves in the place of a provider in force; empty where that serves itself."""
    present = providers_in_force(state)
    return next((clean_line(one.serving) for one in around if one.first_choice in present), "")


def _specific(state: PanelState) -> Line:
    words = _specific_words(state)
    return line(Piece("  ".join(words), "accent")) if words else EMPTY


def _specific_words(state: PanelState) -> list[str]:
    """Overrides that hold for some traffic only."""
    return [
        clean_line(f"{_traffic(state, override)} ▸ {f.short_model(override.model or override.provider)}")
        for override in chosen(state.route, state.providers)
        if override.session is not None or override.slot is not None
    ]


def _traffic(state: PanelState, override: Override) -> str:
    if override.session is None:
        return override.slot or ""
    name = told_apart(state.sessions.get(override.session), state.sessions, override.session)
    return f"{name} {override.slot}" if override.slot else name


def _limits(state: PanelState, now: float) -> Line:
    """The two limits that are nearest, where one is near enough to matter."""
    present = [one for one in state.providers if one.name in providers_in_force(state)]
    known = [(provider, limit) for provider in present for limit in standing(all_limits(provider), now)]
    told = [(provider, limit) for provider, limit in known if limit.used >= LIMIT_TOLD]
    nearest = sorted(told, key=lambda each: -each[1].used)[:2]
    pieces: list[Piece] = []
    for provider, limit in nearest:
        tone = limit_tone(limit)
        whose = f"{clean_line(provider.name)} " if len(present) > 1 else ""
        text = f"{whose}{clean_line(limit.name)} {f.percent(limit.used)}"
        pieces += [Piece(" · ", "dim")] * bool(pieces) + [Piece(text, "dim" if tone == "accent" else tone)]
    return (*pieces, Piece(" ")) if pieces else EMPTY


def _trouble(found: list[Trouble], width: int) -> Line:
    first = found[0]
    more = line(Piece(f" +{len(found) - 1} more ", "dim")) if len(found) > 1 else EMPTY
    room = width - 3 - (line_cells(more) + 1 if more else 0)
    return spread(line(" ", Piece(f"{first.glyph} {_shortened(first, room)}", first.tone)), more, width)


def _shortened(trouble: Trouble, room: int) -> str:
    """Its text in ``room`` cells, in fewer words if need be; where those do not fit either, what to do stays and what
    happened is cut, as long as enough of it is left."""
    for text in (trouble.text, *trouble.shorter):
        if cells(text) <= room:
            return text
    words = room - cells(trouble.step) - 1
    if not trouble.step or words < WORDS_LEAST:
        return trouble.text
    return f"{fit(trouble.text.removesuffix(trouble.step), words)} {trouble.step}"


def _healthy(state: PanelState, width: int, now: float) -> Line:
    if state.engine is None:
        return line(Piece(" Looking for the engine …", "dim"))
    parts = []
    for provider in state.providers:
        glyph, word, tone = health_words(provider, now)
        if provider.health == "unused" and provider.name not in providers_in_force(state):
            continue
        words = Piece(f" {clean_line(provider.name)} {word}", "dim")
        parts.append(line(Piece(glyph, tone), words))
    return cut(line(" ", *joined(parts)), width)


def _frozen(new: int, width: int, keys: dict[str, str]) -> Line:
    since = "nothing new yet" if not new else f"{new} new request{'s' * (new > 1)}"
    text = f" ‖ View frozen, traffic goes on: {since}. Press {keys['freeze']} to go on."
    return cut(line(Piece(text, "accent")), width)
