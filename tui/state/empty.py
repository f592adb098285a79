"""What stands on the screen while no request has ever arrived: how to start Claude Code so that one does."""

from tui.state.formats import short_model
from tui.state.lines import EMPTY, Line, Piece, Tone, cut, line
from tui.state.panel import PanelState
from tui.state.text import clean_line, left, wrap
from tui.state.trouble import health_words, providers_in_force, target_in_force

LAUNCH = "cctui claude"
BY_HAND = 'eval "$(cctui env)" && claude'
"""The line that ``copy`` copies: it works in the shell that is open already."""
PROMISE = "Every request will appear here as it happens."


def empty_lines(state: PanelState, width: int, now: float, keys: dict[str, str]) -> list[Line]:
    """The empty state in ``width`` cells."""
    if state.link == "gone":
        return [EMPTY, line("  ", Piece("No engine is running.", "strong"))]
    if state.engine is None:
        return []
    by_hand = line("  or, by hand:             ", Piece(BY_HAND, "accent"))
    hint = Piece(f"press {keys['copy']} to copy this line", "dim", "app.copy")
    narrow = width < 92
    if narrow:
        by_hand = line("  or, by hand:   ", Piece(BY_HAND, "accent"))
    return [
        EMPTY,
        line("  ", Piece("Waiting for Claude Code.", "strong"), "" if narrow else f"  {PROMISE}"),
        *([line(f"  {PROMISE}")] if narrow else []),
        EMPTY,
        line("  in another terminal:" + ("" if narrow else "     "), " " * narrow, Piece(LAUNCH, "accent")),
        *([by_hand, line(" " * 17, hint)] if narrow else [line(*by_hand, "   ", hint)]),
        EMPTY,
        *_providers(state, width, now, keys),
    ]


def _providers(state: PanelState, width: int, now: float, keys: dict[str, str]) -> list[Line]:
    if not state.providers:
        return [
            line("  ", Piece("No provider was found.", "warn")),
            *_told("Set a key such as OPENROUTER_API_KEY and start again, or write one into config.toml.", width),
        ]
    model, provider = target_in_force(state)
    goes = "the model that Claude Code asks for" if model == "as-asked" else short_model(model)
    lines = [line(Piece("  providers found", "strong"))]
    for one in state.providers:
        glyph, word, tone = health_words(one, now)
        name = Piece(left(clean_line(one.name), 14), "strong" if one.name in providers_in_force(state) else "plain")
        told = ", ".join(filter(None, (word if one.health != "unused" else "", _origin(one.origin, one.key))))
        lines.append(cut(line("    ", Piece(glyph, tone), " ", name, Piece(clean_line(told), "dim")), width - 1))
    told = f"Requests will go to {clean_line(provider)}, for {goes}."
    hint = f"Press {keys['model']} for another model, {keys['provider']} for a provider."
    return [*lines, EMPTY, *_told(told, width), *_told(hint, width, "dim")]


def _told(text: str, width: int, tone: Tone = "plain") -> list[Line]:
    return [line("  ", Piece(row, tone)) for row in wrap(text, max(20, width - 3))]


def _origin(origin: str, key: str | None) -> str:
    return ", ".join(filter(None, (origin, f"key {key}" if key else "")))
