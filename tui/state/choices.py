"""The entries of the pickers: what can be chosen, in which order, and how an entry reads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from proxy import contract as c
from tui.state import formats as f
from tui.state.check import mark_sentence, mark_words
from tui.state.fuzzy import score
from tui.state.lines import EMPTY, Line, Piece, Tone, cut, line
from tui.state.text import cells, clean_line, fit, left, right
from tui.state.who import session_name

STAR = "★"
FAVOURITE_WORTH = 5.0
"""What being a favourite adds to a match: it wins among near ones."""
SLOT_NAMES: dict[c.Slot, str] = {
    "opus": "opus",
    "sonnet": "sonnet",
    "haiku": "haiku/background",
    "subagent": "sub-agents",
}


Compared = Mapping[tuple[str, str], str]
"""What the session would have cost, in words, by provider and model."""
NOT_COMPARED: Compared = {}
COMPARED_FROM = 84
"""Cells of an entry from which on there is room for it: a terminal of 100 columns."""
COMPARED = 13
ROOMY = 104
CHECKED_FROM, CHECKED = 90, 20
"""Cells of an entry from which on there is room for words on its check, where nothing is compared."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The traffic that a choice is for."""

    label: str
    session: str | None = None
    slot: c.Slot | None = None


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model, or "as asked" (no model)."""

    model: c.Model | None

    @property
    def target(self) -> str:
        return c.AS_ASKED if self.model is None else f"{self.model.provider}/{self.model.id}"


@dataclass(frozen=True, slots=True)
class SessionChoice:
    """A session to look at, or all (None)."""

    session: str | None


def scopes(session: c.Session | None, name: str = "") -> list[Scope]:
    """What a model can be chosen for; ``session`` is the one at hand, ``name`` what it is called."""
    found = [Scope("all traffic")]
    if session is not None and session.id:
        found.append(Scope(f"session {name or session_name(session)}", session=session.id))
    return found + [Scope(name, slot=slot) for slot, name in SLOT_NAMES.items()]


def model_choices(models: Iterable[c.Model], query: str) -> list[ModelChoice]:
    """ "As asked", then the models that answer ``query``, best first; favourites and used ones before the rest."""
    ranked: list[tuple[float, bool, float, str, ModelChoice]] = []
    for model in models:
        worth = score(query, f"{model.provider}/{model.id} {model.name or ''}") if query.strip() else 0.0
        if worth is not None:
            key = (
                -worth - FAVOURITE_WORTH * model.favourite,
                not model.favourite,
                -(model.used_at or 0.0),
                f"{model.provider}/{model.id}",
            )
            ranked.append((*key, ModelChoice(model)))
    ranked.sort(key=lambda entry: entry[:4])
    return [ModelChoice(None), *(entry[-1] for entry in ranked)]


def present_override(route: c.Route, scope: Scope) -> c.Override | None:
    """The override in force for exactly ``scope``."""
    matching = (one for one in route.overrides if (one.session, one.slot) == (scope.session, scope.slot))
    return next(matching, None)


def is_present(choice: ModelChoice, override: c.Override | None) -> bool:
    """Whether ``choice`` is what is in force."""
    if choice.model is None or override is None:
        return choice.model is None and override is None
    return (choice.model.provider, choice.model.id) == (override.provider, override.model)


def too_small(model: c.Model, context_tokens: int) -> bool:
    """The session's present context does not fit into the model's window."""
    return model.context_window is not None and model.context_window < context_tokens


def would_cost(report: c.WhatIf) -> Compared:
    """What the session would have cost at each target."""
    return {(row.provider, row.model): f.money(row.cost_nano_usd, simulated=row.simulated) for row in report.rows}


def model_line(
    choice: ModelChoice,
    width: int,
    *,
    present: bool,
    context_tokens: int,
    compared: Compared = NOT_COMPARED,
    now: float = 0.0,
) -> Line:
    """An entry of the model picker in ``width`` cells."""
    mark = Piece("● " if present else "  ", "accent")
    if choice.model is None:
        told = Piece("   each request goes to the model that Claude Code asks for", "dim")
        return cut(line(" ", mark, "  ", Piece("As asked", "strong"), told), width)
    model = choice.model
    star = Piece(f"{STAR} " if model.favourite else "  ", "warn")
    small = too_small(model, context_tokens)
    tail = [*_figures(model, width, compared, warn=small), *_checked(model, width, compared, now)]
    room = width - 5 - sum(cells(piece.text) for piece in tail)
    provider_width = 12 if width >= 60 else 0
    name = Piece(left(clean_line(model.id), max(8, room - provider_width)), "plain")
    provider = Piece(left(fit(clean_line(model.provider), provider_width - 1), provider_width), "dim")
    return cut(line(" ", mark, star, provider, name, *tail), width)


def _checked(model: c.Model, width: int, compared: Compared, now: float) -> list[Piece]:
    if width < CHECKED_FROM or compared:
        return []
    words, tone = mark_words(model.check, now) if model.check is not None else ("", "plain")
    return [Piece(left(fit(words, CHECKED - 1), CHECKED), tone)]


def check_line(model: c.Model, width: int, now: float) -> list[Line]:
    """What the model's checks found; empty where it was never checked."""
    if model.check is None:
        return []
    tone = mark_words(model.check, now)[1]
    return [line(" ", Piece(fit(mark_sentence(model.check, now), max(1, width - 1)), tone))]


def _figures(model: c.Model, width: int, compared: Compared, *, warn: bool) -> list[Piece]:
    tone: Tone = "bad" if warn else "dim"
    window = Piece(f" {'▲' if warn else ' '}{right(f.window(model.context_window), 5)}", tone)
    if width < 50:
        return [window]
    prices = Piece(f" {right(f.price(model.input_nano_usd), 7)} {right(f.price(model.output_nano_usd), 7)}")
    if width < 72:
        return [window, prices]
    if width < COMPARED_FROM or not compared:
        return [window, prices, Piece("  "), *_can_do(model, 22)]
    cost = Piece(f.aligned(compared.get((model.provider, model.id), ""), COMPARED))
    return [window, prices, cost, Piece("  "), *_can_do(model, 22 if width >= ROOMY else 16)]


def model_titles(width: int, compared: Compared = NOT_COMPARED) -> Line:
    """The titles over the entries of the model picker."""
    tail = f"  {right('ctx', 5)}"
    if width >= 50:
        tail += f" {right('in/M', 7)} {right('out/M', 7)}"
    if width >= COMPARED_FROM and compared:
        tail += right("this session", COMPARED) + "  " + left("can do", 22 if width >= ROOMY else 16)
    elif width >= 72:
        tail += "  " + left("can do", 22)
    tail += left("checked", CHECKED) if width >= CHECKED_FROM and not compared else ""
    provider = left("provider", 12) if width >= 60 else ""
    room = width - 5 - cells(tail) - cells(provider)
    return line(Piece(f"     {provider}{left('model', max(8, room))}{tail}", "dim"))


def _can_do(model: c.Model, width: int) -> list[Piece]:
    """What the model can do, before it the sign of its check where it was checked."""
    if model.check is None:
        return [Piece(left(_abilities(model, short=width < 22), width), "dim")]
    words, tone = mark_words(model.check, 0.0)
    return [Piece(words[:2], tone), Piece(left(_abilities(model, short=True), width - 2), "dim")]


def _abilities(model: c.Model, *, short: bool = False) -> str:
    known = (
        ("tools", "tools", model.tools),
        ("images", "img", model.images),
        ("thinking", "think", model.thinking),
    )
    return " ".join(brief if short else name for name, brief, able in known if able)


def small_warning(model: c.Model, session: c.Session | None) -> str:
    """Why the model may not do for the session; empty where it does."""
    if session is None or not too_small(model, session.context_tokens):
        return ""
    return (
        f"▲ Session {session_name(session)} holds {f.count(session.context_tokens)} tokens, "
        f"more than this window of {f.window(model.context_window)}."
    )


def list_states(providers: Iterable[c.Provider], width: int, now: float) -> list[Line]:
    """When each provider was last asked for its models, and why it failed."""
    lines: list[Line] = []
    fine: list[str] = []
    for one in providers:
        name = clean_line(one.name)
        if one.models_error:
            age = f", list of {f.age(now - one.models_at)} ago" if one.models_at else ""
            text = f" ▲ {name}: {clean_line(one.models_error)}{age}"
            lines.append(line(Piece(fit(text, width), "warn")))
        elif one.models_at:
            fine.append(f"{name} {one.models}, {f.age(now - one.models_at)} ago")
    if fine:
        lines.append(line(Piece(fit(" asked: " + " · ".join(fine), width), "dim")))
    return lines or [EMPTY]
