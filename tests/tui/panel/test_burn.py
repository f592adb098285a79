"""How fast tokens and money go."""

import msgspec
import pytest

from proxy.contract import Usage
from tests.tui.scenes import NOW, live, served
from tui.state.burn import RATE_WINDOW_S, SPAN_S, burn

DOLLAR = 10**9


def test_tokens_are_spread_over_the_life_of_a_request() -> None:
    request = served(1, 120, duration_ms=120_000.0, usage=Usage(input_tokens=1200))
    columns = burn([request], NOW, columns=10).columns
    assert columns[:8] == (0.0,) * 8
    assert columns[8:] == pytest.approx((600.0, 600.0))


def test_every_token_inside_the_span_is_in_a_column() -> None:
    requests = [served(n, 60.0 * n + 30, duration_ms=45_000.0, usage=Usage(output_tokens=100)) for n in range(1, 9)]
    width_min = SPAN_S / 60 / 37
    assert sum(burn(requests, NOW, 37).columns) * width_min == pytest.approx(800)


def test_a_rate_is_what_the_last_two_minutes_cost() -> None:
    request = served(
        1, RATE_WINDOW_S, duration_ms=RATE_WINDOW_S * 1000, cost_nano_usd=DOLLAR, usage=Usage(input_tokens=240)
    )
    found = burn([request], NOW, 10)
    assert found.nano_usd_per_hour == pytest.approx(30 * DOLLAR)
    assert found.tokens_per_min == pytest.approx(120)


def test_simulated_money_has_its_own_rate() -> None:
    found = burn([served(1, 10, duration_ms=5000.0, simulated=True, cost_nano_usd=DOLLAR)], NOW, 10)
    assert found.nano_usd_per_hour == 0
    assert found.simulated_nano_usd_per_hour > 0


def test_columns_move_on_as_they_are() -> None:
    requests = [served(n, 17.0 * n, duration_ms=4000.0, usage=Usage(output_tokens=100 * n)) for n in range(1, 12)]
    width_s = SPAN_S / 20
    before, after = burn(requests, NOW + 0.2 * width_s, 20).columns, burn(requests, NOW + 0.9 * width_s, 20).columns
    moved_on = burn(requests, NOW + 1.2 * width_s, 20).columns
    assert before[:-1] == pytest.approx(after[:-1])
    assert moved_on[:-2] == pytest.approx(before[1:-1])


def test_the_column_that_is_not_over_grows_and_never_shrinks() -> None:
    width_s = SPAN_S / 20
    now = NOW // width_s * width_s + width_s / 2
    request = msgspec.structs.replace(
        served(1, 0, duration_ms=1000.0, usage=Usage(output_tokens=300)), started_at=now - 5
    )
    last = [burn([request], now + later_s, 20).columns[-1] for later_s in (0, width_s / 4, width_s / 2)]
    assert last == [pytest.approx(300 * 60 / width_s)] * 3


@pytest.mark.parametrize("into_the_column_s", [0.0, 1.0, 599.0])
def test_a_rate_does_not_depend_on_where_columns_begin(into_the_column_s: float) -> None:
    now = NOW // SPAN_S * SPAN_S + into_the_column_s
    request = msgspec.structs.replace(served(1, 0, duration_ms=5000.0), started_at=now - 60, cost_nano_usd=DOLLAR)
    assert burn([request], now, 1).nano_usd_per_hour == pytest.approx(30 * DOLLAR)


def test_another_session_is_left_out() -> None:
    assert burn([served(1, 10)], NOW, 10, session="another").tokens_per_min == 0


def test_a_request_in_flight_counts_so_far_and_an_unknown_cost_is_not_a_cost() -> None:
    found = burn([live(1, 20)], NOW, 10)
    assert found.tokens_per_min > 0
    assert found.nano_usd_per_hour == 0


def test_what_ended_before_the_span_counts_nowhere() -> None:
    found = burn([served(1, SPAN_S + 60, duration_ms=5000.0, cost_nano_usd=DOLLAR)], NOW, 10)
    assert (found.tokens_per_min, found.nano_usd_per_hour, sum(found.columns)) == (0.0, 0.0, 0.0)


def test_what_began_after_now_by_another_clock_counts_nowhere() -> None:
    assert burn([served(1, -60)], NOW, 10).columns == (0.0,) * 10
