"""Budgets as tables: scopes, verdicts, warnings, sentences."""

import pytest

from proxy.contract import Budget, BudgetKind
from proxy.protocol import budget as b
from proxy.protocol.pricing import Price

DOLLAR = 10**9


def of(
    limit: int | None, spent: int = 0, in_flight: int = 0, kind: BudgetKind = "day", name: str = "2026-11-21"
) -> Budget:
    return Budget(kind=kind, name=name, limit_nano_usd=limit, spent_nano_usd=spent, in_flight_nano_usd=in_flight)


def test_a_request_falls_under_its_session_project_day_and_month() -> None:
    assert b.scopes("s1", "shop", "2026-11-21") == (
        ("session", "s1"),
        ("project", "shop"),
        ("day", "2026-11-21"),
        ("month", "2026-11"),
    )


def test_without_session_and_project_day_and_month_remain() -> None:
    assert [scope.kind for scope in b.scopes(None, "", "2026-11-21")] == ["day", "month"]


@pytest.mark.parametrize(
    ("limit", "spent", "in_flight", "verdict"),
    [
        (None, 9, 9, "free"),
        (10, 0, 0, "free"),
        (10, 9, 0, "free"),
        (10, 10, 0, "spent"),
        (10, 11, 5, "spent"),
        (10, 5, 4, "free"),
        (10, 5, 5, "wait"),
        (10, 0, 50, "wait"),
    ],
)
def test_a_budget_lets_go_until_it_is_spent_and_waits_where_only_estimates_fill_it(
    limit: int | None, spent: int, in_flight: int, verdict: b.Verdict
) -> None:
    assert b.judge([of(limit, spent, in_flight)])[0] == verdict


def test_a_spent_budget_counts_more_than_one_that_has_to_be_waited_for() -> None:
    spent = of(10, 10, kind="month", name="2026-11")
    assert b.judge([of(10, 5, 9), spent]) == ("spent", spent)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (0, 79, None),
        (0, 80, 80),
        (79, 85, 80),
        (80, 85, None),
        (85, 90, 90),
        (0, 95, 90),
        (90, 100, 100),
        (100, 130, None),
    ],
)
def test_a_threshold_is_told_when_it_is_passed_and_only_then(before: int, after: int, told: int | None) -> None:
    assert b.crossed(100, before, after) == told


def test_no_limit_is_never_passed() -> None:
    assert b.crossed(None, 0, 10**12) is None


@pytest.mark.parametrize(
    ("scope", "amount"),
    [
        (b.Scope("session", "s1"), 1),
        (b.Scope("project", "shop"), 9),
        (b.Scope("project", "blog"), 2),
        (b.Scope("project", "free"), None),
        (b.Scope("day", "2026-11-21"), 3),
        (b.Scope("month", "2026-11"), None),
    ],
)
def test_a_project_has_its_own_amount_or_that_of_each(scope: b.Scope, amount: int | None) -> None:
    amounts = b.Amounts(session=1, project=2, day=3, month=None, projects={"shop": 9, "free": None})
    assert amounts.of(scope) == amount


def test_an_estimate_is_the_prompt_and_a_typical_answer_at_the_price() -> None:
    price = Price(input=5 * DOLLAR, output=25 * DOLLAR)
    assert b.estimate(20_000, price) == 20_000 * 5_000 + b.TYPICAL_OUTPUT_TOKENS * 25_000


def test_an_unknown_price_gives_no_estimate() -> None:
    assert b.estimate(20_000, None) == 0


def test_the_tightest_budget_has_the_least_left() -> None:
    tight = of(5 * DOLLAR, 4 * DOLLAR, kind="session", name="s1")
    assert b.tightest([of(20 * DOLLAR, 3 * DOLLAR), tight, of(None)]) == tight
    assert b.tightest([of(None)]) is None


def test_a_refusal_says_which_budget_how_much_and_how_to_go_on() -> None:
    budget = of(10 * DOLLAR, 10_120_000_000, kind="session", name="5e551011-0000")
    assert b.refusal(budget, "5e551011-0000") == (
        "cctui: the session budget of $10.00 is used up: $10.12 spent. In another terminal, "
        "`cctui budget grant session 2 --session 5e551011` grants more, or `cctui budget pass --session 5e551011` "
        "lets this session pass every budget. Then send the message again."
    )


def test_a_project_s_name_is_one_word_of_the_command() -> None:
    budget = of(DOLLAR, 2 * DOLLAR, kind="project", name="my shop")
    assert b.grant_command(budget) == "cctui budget grant project 1 --project 'my shop'"


@pytest.mark.parametrize(
    ("nano_usd", "shown"),
    [
        (10**7, "$0.01"),
        (13_400_000, "$0.0134"),
        (12 * DOLLAR, "$12.00"),
        (0, "$0.00"),
        (20_550_000, "$0.0206"),
        (999_950_000, "$1.00"),
    ],
)
def test_dollars_are_exact_enough_to_tell_small_amounts_apart(nano_usd: int, shown: str) -> None:
    assert b.dollars(nano_usd) == shown


def test_a_warning_at_the_end_says_what_follows() -> None:
    assert b.warning(of(DOLLAR, 850_000_000), 80, "Stop.") == "80 % of the day budget of $1.00 is used: $0.85"
    assert b.warning(of(DOLLAR, DOLLAR), 100, "Stop.") == "The day budget of $1.00 is used up: $1.00. Stop."
