"""The entries of the pickers: what can be chosen, in which order, and how an entry reads."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from proxy import contract as c
from tui.state import formats as f
from tui.state.check import mark_sentence, mark_word, mark_words
from tui.state.fuzzy import score
from tui.state.lines import EMPTY, Line, Piece, Tone, cut, first_that_fits, line, wrapped
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


AS_ASKED_WORDS = ("each request goes to the model that Claude Code asks for", "the model that Claude Code asks for")
"""What that entry means, the fullest first."""
Compared = Mapping[tuple[str, str], str]
"""What the session would have cost, in words, by provider and model."""
NOT_COMPARED: Compared = {}
ALWAYS = 12
"""Cells of the marks before an entry and of the context window."""
PROVIDER, PROVIDER_MORE = 12, 4
"""Cells of the provider's name, and further ones where there is room."""
PROVIDER_FROM = 42
"""Width from which on the provider is told: the same model is at several."""
NAME_TIGHT = 18
"""Cells that are left to a model's name beside its prices."""
NAME_LEAST, NAME_MORE = 22, 6
"""Cells that a model's name keeps before a figure is taken in, and what it gets more before anything else."""
PRICES = 16
PRICES_TIGHT = 11
"""Cells of both prices in one column, where two find no room."""
COST = 13
CAN_DO = (24, 18)
"""Cells of what a model can do, in full and in short."""
CHECKED = (22, 11)
"""Cells of what a model's check came to, in full and as a word."""
NAME_GIVES = 5
"""Cells that a model's name gives up so that the word has room."""
CHECK_LINES = 2


@dataclass(frozen=True, slots=True)
class Scope:
    """The traffic that a choice is for."""

    label: str
    session: str | None = None
    slot: c.Slot | None = None


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model, a target that no list has, or "as asked" (neither)."""

    model: c.Model | None
    typed: str = ""
    """The target as the user typed it."""

    @property
    def target(self) -> str:
        return self.typed or (c.AS_ASKED if self.model is None else f"{self.model.provider}/{self.model.id}")


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


def model_choices(models: Iterable[c.Model], query: str, providers: Collection[str] = ()) -> list[ModelChoice]:
    """The models that answer ``query``, best first; favourites and used ones before the rest.

    "As asked" is the first without a query, and with one that it begins with. A target at one of ``providers`` that no
    list has is the last, as typed.
    """
    models = tuple(models)
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
    asked = [ModelChoice(None)] if _means_as_asked(query) else []
    typed = [ModelChoice(None, typed)] if (typed := _typed_target(query, models, providers)) else []
    return [*asked, *(entry[-1] for entry in ranked), *typed]


def _means_as_asked(query: str) -> bool:
    """Nothing is typed, or the beginning of it; one letter is that of too much else."""
    words = " ".join(query.lower().replace("-", " ").split())
    return not words or (len(words) > 1 and any(name.startswith(words) for name in ("as asked", "asked")))


def _typed_target(query: str, models: Iterable[c.Model], providers: Collection[str]) -> str:
    """``query`` where it names a model at a provider that is there, and no list has it; else empty."""
    target = query.strip()
    provider, _, model = target.partition("/")
    listed = any(f"{one.provider}/{one.id}" == target for one in models)
    return target if model and provider in providers and not listed else ""


def with_checks(models: Iterable[c.Model], providers: Iterable[c.Provider]) -> list[c.Model]:
    """``models`` with what their checks found since they were listed."""
    marks = {(one.name, mark.model): mark for one in providers for mark in one.checks}
    return [
        model if mark is None or mark == model.check else msgspec.structs.replace(model, check=mark)
        for model in models
        for mark in (marks.get((model.provider, model.id)),)
    ]


def present_override(route: c.Route, scope: Scope) -> c.Override | None:
    """The override in force for exactly ``scope``."""
    matching = (one for one in route.overrides if (one.session, one.slot) == (scope.session, scope.slot))
    return next(matching, None)


def is_present(choice: ModelChoice, override: c.Override | None) -> bool:
    """Whether ``choice`` is what is in force."""
    if choice.model is None or override is None:
        return choice.model is None and override is None and not choice.typed
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
    checked: bool = False,
) -> Line:
    """An entry of the model picker in ``width`` cells; ``checked``: some model in the list was."""
    mark = Piece("● " if present else "  ", "accent")
    if choice.typed:
        told = Piece("   as typed; no list has it", "dim")
        return cut(line(" ", mark, "  ", "Use ", Piece(clean_line(choice.typed), "strong"), told), width)
    if choice.model is None:
        start = line(" ", mark, "  ", Piece("As asked", "strong"))
        return first_that_fits((line(*start, Piece(f"   {words}", "dim")) for words in AS_ASKED_WORDS), width)
    model, plan = choice.model, _columns(width, compared, checked=checked)
    small = too_small(model, context_tokens)
    sign = _check_sign(model) if not plan.checked else []
    room = plan.name - 2 * len(sign)
    name = Piece(left(_name(model.id, room - 1), room), "plain")
    provider = Piece(left(fit(clean_line(model.provider), plan.provider - 1), plan.provider), "dim")
    star = Piece(f"{STAR} " if model.favourite else "  ", "warn")
    figures = _figures(model, plan, compared, warn=small)
    return cut(line(" ", mark, star, provider, *sign, name, *figures), width)


def named_line(name: str, told: str, width: int) -> Line:
    """An entry that stands for more than one model: its name below those of providers, what it is below the models."""
    room = max(_columns(width, NOT_COMPARED, checked=False).provider, cells(clean_line(name)) + 1)
    return cut(line("     ", Piece(left(clean_line(name), room), "strong"), Piece(clean_line(told), "dim")), width)


def _name(identifier: str, width: int) -> str:
    """A model's id; where it does not fit, its vendor and region give way before what tells it from the others."""
    name = clean_line(identifier)
    start, mark, tail = name.rpartition("/" if "/" in name else "anthropic.")
    if cells(name) <= width or not mark:
        return fit(name, width)
    return fit(f"{ELLIPSIS}{'/' if mark == '/' else ''}{tail}" if start or mark != "/" else name, width)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Cells of each column of the model picker; 0: it is left out."""

    name: int
    provider: int = 0
    prices: int = 0
    cost: int = 0
    can_do: int = 0
    checked: int = 0


def _columns(width: int, compared: Compared, *, checked: bool) -> _Columns:
    """What fits into ``width`` cells, in order of importance; the model's name keeps ``NAME_LEAST``, or a little less
    beside the word of a check."""
    provider = PROVIDER if width >= PROVIDER_FROM else 0
    prices = next((size for size in (PRICES, PRICES_TIGHT) if width - ALWAYS - provider - size >= NAME_TIGHT), 0)
    spare = width - ALWAYS - provider - prices - NAME_LEAST
    cost = COST if compared and spare >= COST else 0
    spare -= cost
    can_do = next((size for size in CAN_DO if spare >= size + NAME_MORE), 0)
    spare -= can_do
    found = next((size for size in CHECKED if checked and prices == PRICES and spare + NAME_GIVES >= size), 0)
    spare -= found
    wider = min(PROVIDER_MORE, max(0, spare - NAME_MORE)) if provider else 0
    name = width - ALWAYS - provider - wider - prices - cost - can_do - found
    return _Columns(max(8, name), provider + wider, prices, cost, can_do, found)


def check_lines(model: c.Model, width: int, now: float) -> list[Line]:
    """What the model's checks found, and when; empty where it was never checked."""
    if model.check is None:
        return []
    return wrapped(mark_sentence(model.check, now), width, mark_word(model.check)[1])[:CHECK_LINES]


def _figures(model: c.Model, plan: _Columns, compared: Compared, *, warn: bool) -> list[Piece]:
    tone: Tone = "bad" if warn else "dim"
    pieces = [Piece(f" {'▲' if warn else ' '}{right(f.window(model.context_window), 5)}", tone)]
    if plan.prices == PRICES_TIGHT:
        pieces.append(Piece(right(f.prices(model.input_nano_usd, model.output_nano_usd), PRICES_TIGHT)))
    elif plan.prices:
        pieces.append(Piece(f" {right(f.price(model.input_nano_usd), 7)} {right(f.price(model.output_nano_usd), 7)}"))
    if plan.cost:
        pieces.append(Piece(f.aligned(compared.get((model.provider, model.id), ""), plan.cost)))
    if plan.can_do:
        short = plan.can_do < CAN_DO[0]
        pieces.append(Piece(f"  {left(_abilities(model, short=short), plan.can_do - 2)}", "dim"))
    if plan.checked:
        told = mark_words if plan.checked == CHECKED[0] else mark_word
        words, tone = told(model.check) if model.check is not None else ("", "plain")
        pieces.append(Piece(f" {left(fit(words, plan.checked - 1), plan.checked - 1)}", tone))
    return pieces


def model_titles(width: int, compared: Compared = NOT_COMPARED, *, checked: bool = False) -> Line:
    """The titles over the entries of the model picker."""
    plan = _columns(width, compared, checked=checked)
    tail = f"  {right('ctx', 5)}"
    if plan.prices:
        tail += right("$/M in/out", plan.prices) if plan.prices == PRICES_TIGHT else f" {'in/M':>7} {'out/M':>7}"
    tail += right("this session", plan.cost) if plan.cost else ""
    tail += "  " + left("can do", plan.can_do - 2) if plan.can_do else ""
    tail += f" {left('check', plan.checked - 1)}" if plan.checked else ""
    return line(Piece(f"     {left('provider', plan.provider)}{left('model', plan.name)}{tail}", "dim"))


def _check_sign(model: c.Model) -> list[Piece]:
    """What its last check came to, as a sign of two cells; nothing where it was never checked."""
    if model.check is None:
        return []
    word, tone = mark_word(model.check)
    return [Piece(word[:2], tone)]


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
    fine: list[tuple[str, str]] = []
    for one in providers:
        name = clean_line(one.name)
        if one.models_error:
            age = f", list of {f.age(now - one.models_at)} ago" if one.models_at else ""
            text = f" ▲ {name}: {clean_line(one.models_error)}{age}"
            lines.append(line(Piece(fit(text, width), "warn")))
        elif one.models_at:
            fine.append((f"{name} {one.models}", f"{f.age(now - one.models_at)} ago"))
    if fine:
        lines.append(line(Piece(fit(f" models: {_listed(fine)}", width), "dim")))
    return lines or [EMPTY]


def _listed(fine: Sequence[tuple[str, str]]) -> str:
    """How many each has and when it said so; one moment that is everybody's is told once."""
    if len({age for _, age in fine}) == 1:
        return f"{' · '.join(name for name, _ in fine)}, {fine[0][1]}"
    return " · ".join(f"{name}, {age}" for name, age in fine)
