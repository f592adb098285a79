"""Integer money: exact products, one rounding, whole requests in one tier."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.contract import Usage
from proxy.protocol.pricing import MILLION, Price, bill, cost, split_cost

OPUS = Price(
    input=5 * 10**9,
    output=25 * 10**9,
    cache_read=5 * 10**8,
    cache_write_5m=6_250_000_000,
    cache_write_1h=10 * 10**9,
    search=10 * 10**9,
)
COUNTS = st.integers(0, 10**9)
USAGES = st.builds(
    Usage,
    input_tokens=COUNTS,
    output_tokens=COUNTS,
    cache_read_tokens=COUNTS,
    cache_write_5m_tokens=COUNTS,
    cache_write_1h_tokens=COUNTS,
    web_searches=st.integers(0, 1000),
)


def test_the_figure_that_the_client_itself_shows_is_ours_too() -> None:
    usage = Usage(input_tokens=12, cache_write_5m_tokens=1000, cache_read_tokens=20_000, output_tokens=42)
    assert cost(usage, OPUS) == 17_360_000


@given(USAGES)
def test_the_cost_is_the_exact_sum_rounded_half_up_once(usage: Usage) -> None:
    exact = (
        Fraction(usage.input_tokens * 5 * 10**9 + usage.output_tokens * 25 * 10**9, MILLION)
        + Fraction(usage.cache_read_tokens * 5 * 10**8, MILLION)
        + Fraction(usage.cache_write_5m_tokens * 6_250_000_000 + usage.cache_write_1h_tokens * 10 * 10**9, MILLION)
        + Fraction(usage.web_searches * 10 * 10**9, 1000)
    )
    assert cost(usage, OPUS) == (exact + Fraction(1, 2)).__floor__()


@pytest.mark.parametrize(("rate", "nano"), [(499_999, 0), (500_000, 1), (500_001, 1), (1_499_999, 1), (1_500_000, 2)])
def test_half_a_nano_dollar_is_rounded_up(rate: int, nano: int) -> None:
    assert cost(Usage(input_tokens=1), Price(input=rate, output=0)) == nano


def test_parts_below_a_nano_dollar_are_summed_before_they_are_rounded() -> None:
    third = Price(input=400_000, output=400_000, cache_read=400_000)
    assert cost(Usage(input_tokens=1, output_tokens=1, cache_read_tokens=1), third) == 1


@given(USAGES, USAGES)
def test_more_tokens_never_cost_less(one: Usage, other: Usage) -> None:
    assert cost(one + other, OPUS) >= max(cost(one, OPUS), cost(other, OPUS))


def test_nothing_costs_nothing() -> None:
    assert cost(Usage(), OPUS) == 0


def test_cached_tokens_without_a_price_of_their_own_cost_what_input_costs() -> None:
    plain = Price(input=10**9, output=0)
    assert cost(Usage(cache_read_tokens=7, cache_write_5m_tokens=8, cache_write_1h_tokens=9), plain) == 24_000


def test_an_hour_without_a_price_of_its_own_costs_what_five_minutes_cost() -> None:
    assert cost(Usage(cache_write_1h_tokens=10), Price(input=1, output=1, cache_write_5m=10**9)) == 10_000


def test_a_cache_that_is_free_costs_nothing_and_not_what_input_costs() -> None:
    free = Price(input=10**9, output=10**9, cache_read=0, cache_write_5m=0, cache_write_1h=0)
    assert cost(Usage(cache_read_tokens=5, cache_write_5m_tokens=5, cache_write_1h_tokens=5), free) == 0


def test_five_minute_and_one_hour_writes_have_their_own_prices() -> None:
    assert cost(Usage(cache_write_5m_tokens=500, cache_write_1h_tokens=1500), OPUS) == 3_125_000 + 15_000_000


TIERED = Price(input=3, output=15, tiers=((200_000, Price(input=6, output=22)), (400_000, Price(input=9, output=30))))


@pytest.mark.parametrize(("prompt", "rate"), [(0, 3), (200_000, 3), (200_001, 6), (400_000, 6), (400_001, 9)])
def test_above_a_tier_s_start_the_whole_request_costs_the_other_price(prompt: int, rate: int) -> None:
    assert TIERED.at(prompt).input == rate


def test_cached_tokens_count_for_the_tier_and_output_does_not() -> None:
    assert bill(Usage(cache_read_tokens=200_000, input_tokens=1), TIERED).input == 6
    assert bill(Usage(output_tokens=900_000, input_tokens=1), TIERED).input == 3


def test_the_parts_of_a_bill_are_its_sum() -> None:
    usage = Usage(input_tokens=3, output_tokens=5, cache_read_tokens=7, cache_write_1h_tokens=11, web_searches=1)
    parts = bill(usage, OPUS)
    total = parts.input + parts.output + parts.cache_read + parts.cache_write + parts.search
    assert parts.nano_usd * MILLION == total


@given(USAGES)
def test_a_cost_s_parts_add_up_to_it(usage: Usage) -> None:
    split = split_cost(cost(usage, OPUS), bill(usage, OPUS))
    assert split is not None
    assert (split.nano_usd, split.divided) == (cost(usage, OPUS), False)
    assert abs(split.output - usage.output_tokens * 25_000) <= 4


@given(USAGES, st.integers(0, 10**15))
def test_a_reported_sum_is_divided_without_a_rest(usage: Usage, reported: int) -> None:
    split = split_cost(reported, bill(usage, OPUS))
    if split is None:
        assert (usage.total_tokens, usage.web_searches) == (0, 0)
        return
    assert split.nano_usd == reported
    assert split.divided == (reported not in (0, cost(usage, OPUS)))


def test_where_the_price_is_nothing_a_reported_sum_has_no_parts() -> None:
    assert split_cost(7, bill(Usage(input_tokens=9), Price(0, 0))) is None
