"""The entries of the pickers: what can be chosen, in which order, and how an entry reads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from proxy import contract as c
from tui.state import formats as f
from tui.state.check import mark_sentence, mark_words
from tui.state.fuzzy import score
from tui.state.lines import EMPTY, Line, Piece, Tone, cut, line
from tui.state.text import ELLIPSIS, cells, clean_line, fit, left, right
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
ALWAYS = 12
"""Cells of the marks before an entry and of the context window."""
PROVIDER, PROVIDER_MORE = 12, 4
"""Cells of the provider's name, and further ones where there is room."""
NAME_LEAST, NAME_MORE = 22, 6
"""Cells that a model's name keeps before a figure is taken in, and what it gets more before anything else."""
PRICES = 16
COST = 13
CAN_DO = (24, 18)
"""Cells of what a model can do, in full and in short."""
CHECKED = 20


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
    model, plan = choice.model, _columns(width, compared)
    small = too_small(model, context_tokens)
    sign = _check_sign(model) if not plan.can_do else []
    room = plan.name - 2 * len(sign)
    name = Piece(left(_name(model.id, room - 1), room), "plain")
    provider = Piece(left(fit(clean_line(model.provider), plan.provider - 1), plan.provider), "dim")
    star = Piece(f"{STAR} " if model.favourite else "  ", "warn")
    figures = _figures(model, plan, compared, now, warn=small)
    return cut(line(" ", mark, star, provider, *sign, name, *figures), width)


def _name(identifier: str, width: int) -> str:
    """A model's id; where it does not fit, its vendor gives way before what tells it from the others."""
    name = clean_line(identifier)
    vendor, slash, tail = name.rpartition("/")
    return fit(f"{ELLIPSIS}/{tail}" if slash and vendor and cells(name) > width else name, width)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Cells of each column of the model picker; 0: it is left out."""

    name: int
    provider: int = 0
    prices: int = 0
    cost: int = 0
    can_do: int = 0
    checked: int = 0


def _columns(width: int, compared: Compared) -> _Columns:
    """What fits into ``width`` cells, in order of importance; the model's name keeps ``NAME_LEAST``."""
    provider = PROVIDER if width >= 60 else 0
    prices = PRICES if width >= 50 else 0
    spare = width - ALWAYS - provider - prices - NAME_LEAST
    cost = COST if compared and spare >= COST else 0
    spare -= cost
    can_do = next((size for size in CAN_DO if spare >= size + NAME_MORE), 0)
    spare -= can_do
    checked = CHECKED if not compared and can_do and spare >= CHECKED else 0
    spare -= checked
    wider = min(PROVIDER_MORE, max(0, spare - NAME_MORE)) if provider else 0
    name = width - ALWAYS - provider - wider - prices - cost - can_do - checked
    return _Columns(max(8, name), provider + wider, prices, cost, can_do, checked)


def check_line(model: c.Model, width: int, now: float) -> list[Line]:
    """What the model's checks found; empty where it was never checked."""
    if model.check is None:
        return []
    tone = mark_words(model.check, now)[1]
    return [line(" ", Piece(fit(mark_sentence(model.check, now), max(1, width - 1)), tone))]


def _figures(model: c.Model, plan: _Columns, compared: Compared, now: float, *, warn: bool) -> list[Piece]:
    tone: Tone = "bad" if warn else "dim"
    pieces = [Piece(f" {'▲' if warn else ' '}{right(f.window(model.context_window), 5)}", tone)]
    if plan.prices:
        pieces.append(Piece(f" {right(f.price(model.input_nano_usd), 7)} {right(f.price(model.output_nano_usd), 7)}"))
    if plan.cost:
        pieces.append(Piece(f.aligned(compared.get((model.provider, model.id), ""), plan.cost)))
    if plan.can_do:
        pieces += [Piece("  "), *_can_do(model, plan.can_do - 2)]
    if plan.checked:
        words, tone = mark_words(model.check, now) if model.check is not None else ("", "plain")
        pieces.append(Piece(left(fit(words, plan.checked - 1), plan.checked), tone))
    return pieces


def model_titles(width: int, compared: Compared = NOT_COMPARED) -> Line:
    """The titles over the entries of the model picker."""
    plan = _columns(width, compared)
    tail = f"  {right('ctx', 5)}"
    tail += f" {right('in/M', 7)} {right('out/M', 7)}" if plan.prices else ""
    tail += right("this session", plan.cost) if plan.cost else ""
    tail += "  " + left("can do", plan.can_do - 2) if plan.can_do else ""
    tail += left("checked", plan.checked) if plan.checked else ""
    return line(Piece(f"     {left('provider', plan.provider)}{left('model', plan.name)}{tail}", "dim"))


def _can_do(model: c.Model, width: int) -> list[Piece]:
    """What the model can do, before it the sign of its check where it was checked."""
    sign = _check_sign(model)
    short = bool(sign) or width < CAN_DO[0] - 2
    return [*sign, Piece(left(_abilities(model, short=short), width - 2 * len(sign)), "dim")]


def _check_sign(model: c.Model) -> list[Piece]:
    """What its last check came to, as a sign of two cells; nothing where it was never checked."""
    if model.check is None:
        return []
    words, tone = mark_words(model.check, 0.0)
    return [Piece(words[:2], tone)]


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
