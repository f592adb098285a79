"""The same tokens at other prices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.contract import Usage
from proxy.protocol.pricing import Price, cost
from proxy.protocol.tokenizer import tokenizer
from proxy.protocol.whatif import ROWS_MAX, Candidate, Needs, Portion, list_cost, portions_cost, rows, steps

CLAUDE = Price(5 * 10**9, 25 * 10**9, cache_read=5 * 10**8, cache_write_5m=625 * 10**7, cache_write_1h=10**10)
PLAIN = Price(2 * 10**9, 8 * 10**9)
TIERED = Price(10**9, 4 * 10**9, tiers=((1000, Price(2 * 10**9, 8 * 10**9)), (5000, Price(3 * 10**9, 9 * 10**9))))
USED = Usage(
    input_tokens=1_000,
    output_tokens=2_000,
    cache_read_tokens=90_000,
    cache_write_5m_tokens=3_000,
    cache_write_1h_tokens=4_000,
)
ONE = Portion("anthropic", "claude-opus-4-8", USED, longest=98_000, requests=1)

counts = st.integers(0, 9_000)
usages = st.builds(Usage, input_tokens=counts, output_tokens=counts, cache_read_tokens=counts)


def candidate(model: str = "gpt-5", price: Price | None = PLAIN, **more: object) -> Candidate:
    return Candidate("elsewhere", model, price, "listed", **more)  # type: ignore[arg-type]


class TestPricesOfTheCache:
    def test_a_provider_without_prices_for_the_cache_takes_what_input_costs(self) -> None:
        (row,) = rows([ONE], [candidate()], Needs())
        assert row.cost_nano_usd == 98_000 * 2_000 + 2_000 * 8_000

    def test_a_provider_that_caches_by_itself_has_its_own_price_for_reading_and_none_for_writing(self) -> None:
        price = Price(2 * 10**9, 8 * 10**9, cache_read=2 * 10**8)
        (row,) = rows([ONE], [candidate(price=price)], Needs())
        assert row.cost_nano_usd == 8_000 * 2_000 + 90_000 * 200 + 2_000 * 8_000

    def test_writes_for_an_hour_have_their_own_price_where_there_is_one(self) -> None:
        (row,) = rows([ONE], [candidate("claude-opus-4-8", CLAUDE)], Needs())
        assert row.cost_nano_usd == 1_000 * 5_000 + 2_000 * 25_000 + 90_000 * 500 + 3_000 * 6_250 + 4_000 * 10_000


@given(st.lists(usages, min_size=1, max_size=30))
def test_sums_between_two_steps_cost_what_the_requests_cost_one_by_one(requests: list[Usage]) -> None:
    brackets: dict[int, list[Usage]] = {}
    for usage in requests:
        brackets.setdefault(sum(usage.prompt_tokens > start for start in steps([TIERED])), []).append(usage)
    portions = [
        Portion("p", "m", sum(each, Usage()), max(usage.prompt_tokens for usage in each)) for each in brackets.values()
    ]
    assert abs(portions_cost(portions, TIERED) - sum(cost(usage, TIERED) for usage in requests)) <= len(requests)


def test_steps_of_several_prices_are_each_told_once() -> None:
    other = Price(1, 1, tiers=((1000, Price(2, 2)), (200_000, Price(3, 3))))
    assert steps([TIERED, None, other, PLAIN]) == (1000, 5000, 200_000)


class TestTheListPrice:
    def test_is_the_sum_over_what_served(self) -> None:
        both = [ONE, Portion("elsewhere", "gpt-5", USED)]
        prices = {"anthropic": CLAUDE, "elsewhere": PLAIN}
        expected = portions_cost([ONE], CLAUDE) + portions_cost([ONE], PLAIN)
        assert list_cost(both, lambda portion: prices[portion.provider]) == expected

    def test_is_unknown_where_something_that_served_has_no_price(self) -> None:
        assert list_cost([ONE], lambda *_: None) is None

    def test_does_not_need_the_price_of_what_served_nothing(self) -> None:
        assert list_cost([Portion("", "refused", Usage(), requests=3)], lambda *_: None) == 0


class TestTheOrder:
    def test_is_by_cost_and_unknown_prices_come_last(self) -> None:
        dear, dark = candidate("dear", Price(10**10, 10**10)), candidate("dark", None, wanted=True)
        found = rows([ONE], [dark, dear, candidate("cheap")], Needs())
        assert [row.model for row in found] == ["cheap", "dear", "dark"]

    def test_an_unknown_price_is_told_only_where_it_is_wanted(self) -> None:
        found = rows([ONE], [candidate("dark", None), candidate("star", None, wanted=True)], Needs())
        assert [(row.model, row.cost_nano_usd) for row in found] == [("star", None)]

    def test_of_very_many_the_cheapest_are_told_and_those_that_are_wanted(self) -> None:
        many = [candidate(f"m{number:04d}", Price(number + 1, number + 1)) for number in range(ROWS_MAX + 50)]
        found = rows([ONE], [*many, candidate("dear star", CLAUDE, wanted=True)], Needs())
        assert len(found) == ROWS_MAX + 1
        assert found[0].model == "m0000"
        assert found[-1].model == "dear star"

    def test_what_costs_nothing_is_free_and_not_unknown(self) -> None:
        (row,) = rows([ONE], [candidate(price=Price(0, 0))], Needs())
        assert row.cost_nano_usd == 0


class TestMisfits:
    def test_a_window_smaller_than_the_longest_prompt_is_said(self) -> None:
        (row,) = rows([ONE], [candidate(window=64_000)], Needs())
        assert row.misfit == "a prompt of 98,000 tokens is longer than its window of 64,000"

    def test_a_window_that_holds_the_longest_prompt_is_no_misfit(self) -> None:
        (row,) = rows([ONE], [candidate(window=98_000)], Needs())
        assert row.misfit is None

    def test_what_was_needed_and_is_known_to_be_missing_is_said(self) -> None:
        (row,) = rows([ONE], [candidate(tools=False, images=False)], Needs(tools=True, images=True))
        assert row.misfit == "it takes no tools; it takes no images"

    def test_what_nobody_knows_is_no_misfit(self) -> None:
        (row,) = rows([ONE], [candidate()], Needs(tools=True, images=True))
        assert row.misfit is None


class TestTokenizers:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("claude-opus-4-8", "anthropic/claude-opus-4.8"),
            ("claude-opus-4-8-20260401", "claude-opus-4-7"),
            ("claude-opus-4-8", "claude-opus-5-5"),
            ("claude-opus-5", "claude-sonnet-5"),
            ("claude-opus-4-6", "claude-haiku-4-5-20251001"),
            ("claude-sonnet-4-20250514", "claude-3-5-haiku-20241022"),
            ("openai/gpt-5-mini", "gpt-4o"),
            ("mystery-1", "elsewhere/mystery-1"),
            ("claude-opus-4.8:beta", "claude-opus-4-8"),
        ],
    )
    def test_of_one_family_are_the_same(self, one: str, other: str) -> None:
        assert tokenizer(one) == tokenizer(other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("claude-opus-4-6", "claude-opus-4-7"),
            ("claude-sonnet-4-6", "claude-sonnet-5"),
            ("claude-opus-4-8", "gpt-5"),
            ("gpt-4", "gpt-4o"),
            ("mystery-1", "mystery-2"),
            ("claude-haiku-5-5", "claude-haiku-4-5"),
        ],
    )
    def test_of_different_families_or_unknown_ones_differ(self, one: str, other: str) -> None:
        assert tokenizer(one) != tokenizer(other)

    def test_the_share_that_was_counted_alike_is_one_of_tokens(self) -> None:
        mixed = [*[ONE] * 3, Portion("openrouter", "gpt-5", USED)]
        (row,) = rows(mixed, [candidate("claude-opus-5")], Needs())
        assert row.same_tokenizer == 0.75
        (row,) = rows([ONE], [candidate("claude-opus-5")], Needs())
        assert row.same_tokenizer == 1
        (row,) = rows([ONE], [candidate("gpt-5")], Needs())
        assert row.same_tokenizer == 0
