"""Rates over the last minutes, and the forecast made of them."""

import pytest

from proxy import contract as c
from proxy.protocol.pace import Ends, Life, forecast, pace

NOW = 1_800_000_000.0
ENDS = Ends(hour=NOW + 1800, day=NOW + 3600, month=NOW + 86_400)
DOLLAR = 10**9
TALLY = c.Tally(requests=3, cost_nano_usd=4 * DOLLAR)


def life(before_s: float = 120.0, length_s: float = 10.0, nano_usd: int = DOLLAR, **more: object) -> Life:
    began = NOW - before_s
    return Life(began, began + length_s, 1000, nano_usd, session=more.pop("session", "s-1"), **more)  # type: ignore[arg-type]


def budget(kind: c.BudgetKind, name: str, left: int) -> c.Budget:
    return c.Budget(kind=kind, name=name, limit_nano_usd=left + DOLLAR, spent_nano_usd=DOLLAR)


def test_a_request_within_the_span_counts_whole() -> None:
    rate = pace([life()], NOW, 300.0)
    assert (rate.tokens_per_min, rate.nano_usd_per_hour) == (200.0, 12 * DOLLAR)


def test_of_a_request_that_began_before_the_span_the_rest_counts() -> None:
    assert pace([life(before_s=80.0, length_s=40.0)], NOW, 60.0).nano_usd_per_hour == pytest.approx(30 * DOLLAR)


def test_simulated_money_is_told_apart() -> None:
    rate = pace([life(simulated=True)], NOW, 300.0)
    assert (rate.nano_usd_per_hour, rate.simulated_nano_usd_per_hour) == (0, 12 * DOLLAR)


def test_what_has_no_known_price_is_counted_beside_the_rate() -> None:
    lives = [life(), life(nano_usd=0, priced=False), life(before_s=4000.0, priced=False)]
    assert [(pace(lives, NOW, span).unpriced_requests) for span in (60.0, 300.0, 3600.0)] == [0, 1, 1]
    assert pace(lives, NOW, 300.0).nano_usd_per_hour == 12 * DOLLAR


def test_the_forecast_goes_on_at_the_rate_of_five_minutes() -> None:
    found = forecast([life()], "s-1", TALLY, (), ENDS, NOW)
    assert found is not None
    assert (found.hour_ends_at, found.hour_nano_usd) == (ENDS.hour, 10 * DOLLAR)


def test_nothing_is_foretold_where_nothing_was_spent_in_five_minutes() -> None:
    assert forecast([life(before_s=400.0)], "s-1", TALLY, (budget("session", "s-1", 1),), ENDS, NOW) is None
    assert forecast([life(session="other")], "s-1", TALLY, (), ENDS, NOW) is None


def test_the_budget_that_ends_first_is_told_with_its_time() -> None:
    budgets = (budget("session", "s-1", 6 * DOLLAR), budget("day", "2027-01-15", 3 * DOLLAR))
    found = forecast([life()], "s-1", TALLY, budgets, ENDS, NOW)
    assert found is not None
    assert found.budget == budgets[1]
    assert found.budget_at == pytest.approx(NOW + 900)


def test_a_budget_of_the_day_is_used_up_by_all_sessions() -> None:
    day = budget("day", "2027-01-15", 6 * DOLLAR)
    found = forecast([life(), life(session="other")], "s-1", TALLY, (day,), ENDS, NOW)
    assert found is not None
    assert found.budget_at == pytest.approx(NOW + 900)


def test_a_day_that_ends_before_its_budget_does_is_no_matter() -> None:
    found = forecast([life()], "s-1", TALLY, (budget("day", "2027-01-15", 20 * DOLLAR),), ENDS, NOW)
    assert found is not None
    assert found.budget is None
    assert found.budget_at is None


def test_money_that_budgets_do_not_count_uses_none_up() -> None:
    found = forecast([life(counts=False)], "s-1", TALLY, (budget("session", "s-1", DOLLAR),), ENDS, NOW)
    assert found is not None
    assert found.budget is None


def test_a_project_s_budget_looks_at_the_project_alone() -> None:
    lives = [life(project="shop"), life(project="blog", session="other")]
    found = forecast(lives, "s-1", TALLY, (budget("project", "shop", 12 * DOLLAR),), ENDS, NOW)
    assert found is not None
    assert found.budget_at == pytest.approx(NOW + 3600)


@pytest.mark.parametrize(
    ("left", "told"), [(12 * 24 * 29 * DOLLAR, True), (12 * 24 * 31 * DOLLAR, False), (10**18, False)]
)
def test_the_end_of_a_budget_is_foretold_for_a_month_at_most(left: int, told: bool) -> None:
    for kind, name in (("session", "s-1"), ("project", "shop")):
        lives = [life(project="shop")]
        found = forecast(lives, "s-1", TALLY, (budget(kind, name, left),), ENDS, NOW)  # type: ignore[arg-type]
        assert found is not None
        assert (found.budget is not None, found.budget_at is not None) == (told, told)
