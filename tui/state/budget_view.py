"""Budgets as bars, and the sentences about granting, passing and setting them."""

from decimal import Decimal, InvalidOperation

from proxy.contract import Budget, BudgetReport
from tui.state import formats as f
from tui.state.lines import EMPTY, Line, Piece, cut, first_that_fits, joined, line, line_cells, wrapped
from tui.state.shares import budget_share, budget_words, share_tone
from tui.state.text import clean_line, fit, left, right

DOLLARS_MAX = 1_000_000
NAME = 18
NAME_LEAST = 6
FIGURES = 26
BAR_MAX = 40


class NotAnAmount(ValueError):
    """``str()`` says what an amount is."""


def budget_title(report: BudgetReport | None, session_name: str, width: int) -> Line:
    """The line on top: whose budgets these are, and whether they stop it; a long name gives way to that."""
    passing = report is not None and report.passing
    told = ("the session passes every budget", "passes every budget") if passing else ("",)
    room = width - line_cells(_title("", told[-1])) - len("   of session ")
    names = [session_name, fit(session_name, room)] if room >= NAME_LEAST else [""]
    return first_that_fits([*(_title(names[0], words) for words in told), _title(names[-1], told[-1])], width)


def _title(session_name: str, words: str) -> Line:
    whose = line(Piece(f"of session {session_name}", "dim")) if session_name else EMPTY
    return joined([line(" ", Piece("budgets", "strong")), whose, line(Piece(words, "warn")) if words else EMPTY])


def budget_titles(width: int) -> Line:
    room = _bar_room(width)
    columns = f"   {left('', NAME)}{left('', room)}{right('spent', 10)}{right('of', 10)}{right('used', 6)}"
    return cut(line(Piece(columns, "dim")), width)


def budget_row(budget: Budget, width: int) -> Line:
    """A budget in ``width`` cells."""
    name = left(budget_name(budget), NAME - 1)
    if budget.limit_nano_usd is None:
        return cut(line("   ", Piece(f"{name} ", "dim"), Piece("no limit", "dim")), width)
    share = budget_share(budget)
    tone = share_tone(share, 1.0)
    filled, rest = f.bar(share, _bar_room(width))
    figures = f"{right(f.used(budget, 10), 10)}{right(_limit(budget), 10)}{right(budget_words(budget), 6)}"
    glyph = {"bad": "✗ ", "warn": "▲ "}.get(tone, "  ")
    return cut(line(" ", Piece(glyph, tone), f"{name} ", Piece(filled, tone), Piece(rest, "dim"), figures), width)


def budget_detail(report: BudgetReport, budget: Budget, width: int, keys: dict[str, str]) -> list[Line]:
    """Everything about one budget. ``keys``: action id → key to press."""
    lines: list[Line] = []
    if budget.limit_nano_usd is None:
        text = f"Nothing bounds what {_whose(budget)} may cost. {keys['budget_amount']} sets an amount."
        return wrapped(text, width)
    facts = [
        ("spent", f.used(budget)),
        ("in flight", f"about {f.money(budget.in_flight_nano_usd)}" if budget.in_flight_nano_usd else "nothing"),
        ("left", f.left_of(budget)),
        ("limit", _limit(budget) + _granted(budget)),
    ]
    lines += [cut(line(" ", Piece(left(name, 11), "dim"), text), width) for name, text in facts]
    if budget.unpriced_requests:
        many = "s" * (budget.unpriced_requests > 1)
        lines += wrapped(f"{budget.unpriced_requests} request{many} without a known price, in no sum.", width, "warn")
    return [*lines, EMPTY, *wrapped(rule_words(report), width, "dim")]


def rule_words(report: BudgetReport) -> str:
    """What happens to a request over budget."""
    if report.passing:
        return "No budget stops this session; what it spends still counts."
    match report.action:
        case "block":
            return "A request over budget is refused until more is granted."
        case "downgrade":
            return clean_line(f"A request over budget goes to {report.downgrade_to}.")
        case "warn":
            return "A request over budget goes on; the panel warns."


def budget_name(budget: Budget) -> str:
    """``session``, ``project shop-api``, ``today``, ``month 2026-11``."""
    match budget.kind:
        case "session":
            return "session"
        case "project":
            return clean_line(f"project {budget.name}")
        case "day":
            return "today"
        case "month":
            return f"month {budget.name}"


def default_grant(budget: Budget) -> str:
    """Half of the limit, as the amount is typed."""
    cents = max(1, round((budget.limit_nano_usd or 0) / 2 / 10**7))
    return f"{cents / 100:.2f}".removesuffix(".00")


def default_amount(budget: Budget) -> str:
    """The present limit, as the amount is typed; empty where there is none."""
    limit = budget.limit_nano_usd
    return "" if limit is None else f"{Decimal(limit - budget.granted_nano_usd) / 10**9:.2f}".removesuffix(".00")


def amount(text: str) -> int:
    """Nano-dollars of ``20``, ``$20`` or ``0.5``. Raises ``NotAnAmount``."""
    try:
        dollars = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        raise NotAnAmount(f"{clean_line(text) or 'Nothing'} is no amount of dollars such as 20 or 0.5.") from None
    if not (dollars.is_finite() and 0 < dollars <= DOLLARS_MAX):
        raise NotAnAmount(f"An amount is more than 0 and at most {DOLLARS_MAX:,} dollars.")
    return int(dollars * 10**9)


def _bar_room(width: int) -> int:
    return max(4, min(BAR_MAX, width - NAME - FIGURES - 5))


def _limit(budget: Budget) -> str:
    return f.limit(budget.limit_nano_usd)


def _granted(budget: Budget) -> str:
    return f", of which {f.limit(budget.granted_nano_usd)} granted" if budget.granted_nano_usd else ""


def _whose(budget: Budget) -> str:
    match budget.kind:
        case "session":
            return "a session"
        case "project":
            return clean_line(f"project {budget.name}")
        case "day":
            return "a day"
        case "month":
            return "a month"
