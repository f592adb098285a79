"""A session's bill: its parts add up, whatever the prices say."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from proxy import contract as c
from proxy.protocol.pricing import Price, cost
from proxy.protocol.session_bill import STEPS_MAX, Sum, axis, session_bill, split

PRICE = Price(input=5_000_000_000, output=25_000_000_000, cache_read=500_000_000, cache_write_5m=6_250_000_000)
USAGE = c.Usage(input_tokens=12, output_tokens=42, cache_read_tokens=20_000, cache_write_5m_tokens=600)

counts = st.integers(0, 10**7)
usages = st.builds(
    c.Usage,
    input_tokens=counts,
    output_tokens=counts,
    cache_read_tokens=counts,
    cache_write_5m_tokens=counts,
    cache_write_1h_tokens=counts,
)
sums = st.builds(
    lambda step, model, simulated, usage, paid, requests, known: replace(
        summed(paid, usage, step=step, model=model, simulated=simulated, requests=requests),
        kinds={"input": paid * known // 200, "output": paid * known // 300},
    ),
    step=st.integers(0, 5),
    model=st.sampled_from(["opus", "sonnet", "unpriced"]),
    simulated=st.booleans(),
    usage=usages,
    paid=st.integers(0, 10**12),
    requests=st.integers(1, 9),
    known=st.sampled_from([0, 50, 120]),
)


def summed(
    paid: int,
    usage: c.Usage = USAGE,
    *,
    step: int = 0,
    model: str = "opus",
    simulated: bool = False,
    requests: int = 1,
) -> Sum:
    tally = c.Tally(
        requests=requests,
        usage=usage,
        cost_nano_usd=0 if simulated else paid,
        simulated_nano_usd=paid if simulated else 0,
    )
    return Sum(step, "gateway", model, model, simulated, tally)


def price_of(_provider: str, models: tuple[str, ...]) -> Price | None:
    return None if "unpriced" in models else PRICE


@given(st.lists(sums, max_size=12))
def test_models_kinds_and_steps_each_add_up_to_the_whole(all_sums: list[Sum]) -> None:
    bill = session_bill(all_sums, 6, price_of)
    for made_up, whole in ((False, bill.tally.cost_nano_usd), (True, bill.tally.simulated_nano_usd)):
        models = [one for one in bill.by_model if one.simulated is made_up]
        kinds = [one for one in bill.by_kind if one.simulated is made_up]
        money = [one.tally.simulated_nano_usd if made_up else one.tally.cost_nano_usd for one in models]
        assert sum(money) == sum(one.nano_usd for one in kinds) == whole
        assert [sum(one.over_time) for one in models] == money
        assert all(sum(one.over_time) == one.nano_usd for one in kinds)
    assert sum(one.tally.requests for one in bill.by_model) == bill.tally.requests


def test_a_cost_at_the_present_price_is_split_exactly() -> None:
    assert split(summed(cost(USAGE, PRICE)), PRICE) == (
        {"input": 60_000, "output": 1_050_000, "cache_read": 10_000_000, "cache_write": 3_750_000},
        0,
    )


def test_a_reported_cost_is_split_in_the_proportion_of_the_price_and_marked() -> None:
    paid = 2 * cost(USAGE, PRICE)
    parts, in_proportion = split(summed(paid), PRICE)
    assert (parts["cache_read"], parts["output"], in_proportion) == (20_000_000, 2_100_000, paid)


def test_a_cost_without_a_price_stays_in_one_piece() -> None:
    assert split(summed(700), None) == ({"unsplit": 700}, 0)


def test_the_mean_request_decides_the_tier() -> None:
    dear = Price(input=10**12, output=10**12)
    tiered = Price(input=10**9, output=10**9, tiers=((200_000, dear),))
    usage = c.Usage(input_tokens=300_000)
    two = c.Tally(requests=2, usage=usage, cost_nano_usd=300_000 * 1000)
    assert split(Sum(0, "gateway", "opus", "opus", simulated=False, tally=two), tiered)[1] == 0


def test_kinds_that_were_recorded_stay_whatever_prices_say_now() -> None:
    then: dict[c.CostKind, int] = {"input": 500, "output": 200}
    assert split(replace(summed(700), kinds=then), PRICE) == (then, 0)


def test_what_was_not_recorded_by_kind_is_split_beside_what_was() -> None:
    recorded = replace(summed(700 + cost(USAGE, PRICE)), kinds={"input": 500, "output": 200})
    parts, in_proportion = split(recorded, PRICE)
    assert (sum(parts.values()), in_proportion) == (recorded.nano_usd, cost(USAGE, PRICE))
    assert parts["output"] == 200 + 1_050_000


def test_what_was_divided_when_it_was_recorded_is_told() -> None:
    one = replace(summed(700), kinds={"input": 500, "output": 200}, divided_nano_usd=300)
    assert session_bill([one], 1, price_of).in_proportion_nano_usd == 300


@given(st.floats(0, 2e9), st.floats(0, 2e8))
def test_an_axis_covers_its_time_in_few_steps(begin: float, length: float) -> None:
    assert axis(begin, begin + length, 900).step_s >= 900
    over = axis(begin, begin + length)
    assert over.begins_at <= begin
    assert over.begins_at + over.steps * over.step_s > begin + length
    assert 1 <= over.steps <= STEPS_MAX + 1
