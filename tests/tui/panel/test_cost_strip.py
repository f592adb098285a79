"""The cost strip in words: budgets as the engine judges by them, never cut."""

import msgspec
import pytest

from proxy import contract as c
from tests.tui.scenes import DOLLAR, NOW, blank
from tui.state.burn import Burn
from tui.state.cost import cost_lines
from tui.state.lines import line_text
from tui.state.panel import PanelState

SESSION = c.Session(
    id="s", last_at=NOW, tally=c.Tally(requests=1, cost_nano_usd=DOLLAR), context_tokens=1000, context_window=10_000
)


def strip(*budgets: c.Budget, width: int = 46, session: c.Session | None = SESSION, passing: bool = False) -> str:
    """The line about the budget."""
    state = PanelState()
    scene = blank()
    scene.sessions = {session.id: session} if session is not None else {}
    told = scene.snapshot("http://127.0.0.1:8787")
    state.apply(msgspec.structs.replace(told, budgets=budgets, passing=("s",) if passing else ()))
    lines = [line_text(one) for one in cost_lines(state, Burn(), width, 24, NOW)]
    assert all(len(one) <= width for one in lines)
    return next(one for one in lines if one.startswith(" budget"))


def budget(spent: int, limit: int, kind: c.BudgetKind = "session", name: str = "s") -> c.Budget:
    return c.Budget(kind=kind, name=name, limit_nano_usd=limit, spent_nano_usd=spent)


@pytest.mark.parametrize(
    ("spent", "limit", "words"),
    [
        (120 * DOLLAR, 1000 * DOLLAR, " 12% of $1,000"),
        (25 * DOLLAR // 2, 25 * DOLLAR // 2, " 100% of $12.50"),
        (DOLLAR // 100, DOLLAR // 100, " 100% of $0.0100"),
        (1049 * DOLLAR, 123_450 * DOLLAR // 100, " 85% of $1,234.50"),
    ],
)
def test_what_is_used_of_a_budget_is_told_in_full(spent: int, limit: int, words: str) -> None:
    assert strip(budget(spent, limit)).endswith(words)


def test_the_engine_s_word_counts_and_not_what_the_session_cost() -> None:
    assert strip(budget(0, DOLLAR)).endswith(" 0% of $1")
    assert strip(budget(4 * DOLLAR, DOLLAR)).endswith(" 400% of $1")


def test_a_budget_of_something_else_that_has_less_left_is_named() -> None:
    whole = budget(0, 10 * DOLLAR)
    assert strip(whole, budget(59 * DOLLAR, 60 * DOLLAR, "day", "2027-01-15")).endswith(" 98% of $60 today")
    assert strip(whole, budget(59 * DOLLAR, 60 * DOLLAR, "month", "2027-01")).endswith(" 98% of $60 month")
    day = budget(59 * DOLLAR, 60 * DOLLAR, "day", "2027-01-15")
    assert strip(day, session=None).endswith(" 98% of $60")


def test_a_narrow_strip_tells_less_of_it_and_cuts_nothing() -> None:
    one = budget(1049 * DOLLAR, 123_450 * DOLLAR // 100, "month", "2027-01")
    told = [strip(one, width=width).split("─")[-1].strip() for width in (42, 36, 26)]
    assert told == ["85% of $1,234.50 month", "85% of $1,234.50", "85%"]


def test_a_session_that_passes_its_budgets_says_so() -> None:
    assert strip(budget(2 * DOLLAR, DOLLAR), passing=True).endswith(" passes budgets")
