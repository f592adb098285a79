"""Budgets: which ones a request falls under, whether it may go, and the sentences about them. Pure.

A budget bounds what is spent in a session, on a project, on a day or in a month. A request may go while something
is left. What is in flight counts with its estimate: where only that fills a budget, the next request waits until
something ended and its real cost is known, so that many at once cannot run far past the limit and nobody is refused
because of an estimate. All amounts are nano-dollars.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from proxy.contract import Budget, BudgetKind, Usage
from proxy.protocol.pricing import Price, cost

WARN_AT = (80, 90, 100)
"""Per cent of a budget at which the user is told, once each."""

TYPICAL_OUTPUT_TOKENS = 1000
"""Assumed of an answer that is not there yet. Most turns of a coding session write between 200 and 2 000."""

Verdict = Literal["free", "wait", "spent"]


class Scope(NamedTuple):
    """What a budget is for."""

    kind: BudgetKind
    name: str
    """Session id, project, ISO date, or ISO month."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """The budgets that are set; None and absent: none."""

    session: int | None = None
    project: int | None = None
    """For each project without an amount of its own."""
    day: int | None = None
    month: int | None = None
    projects: Mapping[str, int | None] = field(default_factory=dict)

    def of(self, scope: Scope) -> int | None:
        match scope.kind:
            case "session":
                return self.session
            case "project":
                return self.projects.get(scope.name, self.project)
            case "day":
                return self.day
            case "month":
                return self.month


class OverBudget(Exception):
    """A request may not go. ``str()`` tells the user which budget stands against it and how to go on."""


def scopes(session: str | None, project: str | None, day: str) -> tuple[Scope, ...]:
    """What a request of ``day`` (ISO date) falls under, the narrowest first."""
    of_session = (Scope("session", session),) if session else ()
    of_project = (Scope("project", project),) if project else ()
    return (*of_session, *of_project, Scope("day", day), Scope("month", day[:7]))


def judge(budgets: Iterable[Budget]) -> tuple[Verdict, Budget | None]:
    """Whether a request under ``budgets`` may go, and the budget that stands against it."""
    waiting: Budget | None = None
    for budget in budgets:
        if budget.limit_nano_usd is None:
            continue
        if budget.spent_nano_usd >= budget.limit_nano_usd:
            return "spent", budget
        if budget.in_flight_nano_usd and budget.spent_nano_usd + budget.in_flight_nano_usd >= budget.limit_nano_usd:
            waiting = waiting or budget
    return ("free", None) if waiting is None else ("wait", waiting)


def estimate(prompt_tokens: int, price: Price | None) -> int:
    """What a request may cost that has not been answered; nothing where its price is unknown."""
    usage = Usage(input_tokens=prompt_tokens, output_tokens=TYPICAL_OUTPUT_TOKENS)
    return 0 if price is None else cost(usage, price)


def crossed(limit: int | None, before: int, after: int) -> int | None:
    """The highest of ``WARN_AT`` that ``limit`` passed between the two amounts; None: none."""
    if limit is None:
        return None
    passed = [each for each in WARN_AT if before * 100 < limit * each <= after * 100]
    return passed[-1] if passed else None


def tightest(budgets: Sequence[Budget]) -> Budget | None:
    """The budget with the least left."""
    limited = [each for each in budgets if each.limit_nano_usd is not None]
    return min(limited, key=lambda each: each.left_nano_usd or 0, default=None)


def named(budget: Budget) -> str:
    """``the day budget of $20.00``"""
    whose = f" of {budget.name}" if budget.kind == "project" else ""
    return f"the {budget.kind} budget{whose} of {dollars(budget.limit_nano_usd or 0)}"


def grant_command(budget: Budget) -> str:
    """The command that grants a quarter of the amount more, at least a dollar."""
    more = max(1, round((budget.limit_nano_usd or 0) / 4e9))
    where = {"session": f" --session {budget.name[:8]}", "project": f" --project {_word(budget.name)}"}
    return f"cctui budget grant {budget.kind} {more}{where.get(budget.kind, '')}"


def refusal(budget: Budget, session: str | None) -> str:
    """What the client shows: which budget, how much, how to go on."""
    passing = f", or `cctui budget pass --session {session[:8]}` lets this session pass every budget" if session else ""
    return (
        f"cctui: {named(budget)} is used up: {dollars(budget.spent_nano_usd)} spent. "
        f"In another terminal, `{grant_command(budget)}` grants more{passing}. Then send the message again."
    )


def warning(budget: Budget, per_cent: int, consequence: str) -> str:
    """The notice for a budget that passed ``per_cent``; ``consequence`` is what follows at 100."""
    spent = dollars(budget.spent_nano_usd)
    if per_cent < 100:
        return f"{per_cent} % of {named(budget)} is used: {spent}"
    return f"The {named(budget).removeprefix('the ')} is used up: {spent}. {consequence}"


def dollars(nano_usd: int) -> str:
    """To the cent from a dollar on, to the hundredth of a cent below; halves go up, as in the panel."""
    hundredths_of_cents = (nano_usd + 50_000) // 100_000
    if hundredths_of_cents < 10_000:
        return f"$0.{hundredths_of_cents:04d}".removesuffix("00")
    cents = (nano_usd + 5_000_000) // 10_000_000
    return f"${cents // 100}.{cents % 100:02d}"


def _word(text: str) -> str:
    """``text`` as one word of a shell."""
    plain = all(letter.isalnum() or letter in "._-/" for letter in text)
    return text if plain else "'" + text.replace("'", "'\\''") + "'"
