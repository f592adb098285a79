"""When a cache broke, why, and what it cost."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from proxy.contract import Usage
from proxy.protocol.cachebreak import LOOKBACK_BLOCKS, Seen, judge, lost, saved
from proxy.protocol.divergence import COMPACTED
from proxy.protocol.prefix import read_prefix
from proxy.protocol.pricing import Price
from tests.proxy.protocol.prompts import ATTRIBUTION, HOUR, TALK, TOOLS, body_of, grown, request, said, text, tool

OPUS = Price(
    input=5_000_000_000,
    output=25_000_000_000,
    cache_read=500_000_000,
    cache_write_5m=6_250_000_000,
    cache_write_1h=10_000_000_000,
)
FULL = Usage(input_tokens=10, cache_read_tokens=30_000, cache_write_5m_tokens=1_000)
"""After it 31 000 tokens are in the cache."""


def seen(usage: Usage = FULL, at: float = 0.0, provider: str = "first", **fields: object) -> Seen:
    given = {"messages": TALK} | fields
    return Seen(read_prefix(body_of(request(**given)), provider, "opus"), usage, at)  # type: ignore[arg-type]


def after(read: int, written: int = 0, fresh: int = 0, **fields: object) -> Seen:
    usage = Usage(input_tokens=fresh, cache_read_tokens=read, cache_write_5m_tokens=written)
    return seen(usage, **({"messages": grown()} | fields))  # type: ignore[arg-type]


def test_a_cache_that_is_read_to_its_end_did_not_break() -> None:
    assert judge(seen(), after(31_000, 500), 60.0) is None


def test_a_changed_tool_and_what_it_lost() -> None:
    broken = judge(seen(), after(0, 31_500, tools=[tool("Bash", "New."), *TOOLS[1:]]), 60.0)
    assert broken is not None
    assert (broken.reason, broken.lost_tokens) == ("tool Bash changed", 31_000)


def test_few_tokens_are_not_worth_a_word() -> None:
    assert judge(seen(), after(30_100, 1_400), 60.0) is None


def test_a_conversation_that_went_back_lost_only_what_it_sent_again() -> None:
    assert judge(seen(), after(20_000, 900, messages=TALK[:3]), 60.0) is None


def test_a_provider_that_caches_nothing_breaks_nothing() -> None:
    assert judge(seen(Usage(input_tokens=40_000)), after(0, 0, 41_000), 60.0) is None


def test_five_minutes_pass_and_the_next_request_says_so() -> None:
    broken = judge(seen(), after(0, 31_500), 301.0)
    assert broken is not None
    assert broken.reason == "the cache's 5 minutes had passed: 5 minutes since the last request"


def test_a_mark_of_an_hour_keeps_the_cache_for_an_hour() -> None:
    hour = seen(messages=[*TALK[:-1], said("user", text("Thanks.", **HOUR))])
    unexplained = judge(hour, after(0, 31_500), 3_000.0)
    assert unexplained is not None
    assert unexplained.reason == "the prompt began as before; the provider no longer had it"
    passed = judge(hour, after(0, 31_500), 5_400.0)
    assert passed is not None
    assert passed.reason == "the cache's 1 hour had passed: 90 minutes since the last request"


def test_an_hours_write_that_the_provider_billed_counts_as_its_mark() -> None:
    written = replace(seen(), usage=Usage(cache_write_1h_tokens=31_000))
    broken = judge(written, after(0, 31_500), 400.0)
    assert broken is not None
    assert "passed" not in broken.reason


MIXED = (text(ATTRIBUTION), text("You help.", **HOUR), text("Rules."))
"""A system that is kept for an hour before messages that are kept for five minutes."""


def test_of_two_lifetimes_the_shorter_passed_where_the_other_part_was_read() -> None:
    broken = judge(seen(system=MIXED), after(5_000, 26_500, system=MIXED), 600.0)
    assert broken is not None
    assert broken.reason == "the cache's 5 minutes had passed: 10 minutes since the last request"
    assert broken.lost_tokens == 26_000


def test_of_two_lifetimes_none_passed_where_the_longer_part_was_lost_too_or_the_pause_was_short() -> None:
    for read, began in ((0, 600.0), (5_000, 200.0)):
        broken = judge(seen(system=MIXED), after(read, 26_500, system=MIXED), began)
        assert broken is not None
        assert broken.reason == "the prompt began as before; the provider no longer had it"


def test_of_two_lifetimes_a_change_of_what_is_kept_for_the_longer_is_the_reason() -> None:
    changed = (*MIXED[:1], text("You help much.", **HOUR), MIXED[2])
    broken = judge(seen(system=MIXED), after(3_000, 28_500, system=changed), 600.0)
    assert broken is not None
    assert broken.reason == "system block 2 changed"


def test_another_provider_is_the_reason_however_long_the_pause_was() -> None:
    broken = judge(seen(), after(0, 31_500, provider="second"), 9_000.0)
    assert broken is not None
    assert broken.reason == "the provider changed from first to second"


def test_a_compaction_is_named_even_where_tools_and_system_were_read() -> None:
    summary = "This session is being continued from a previous conversation that ran out of context."
    broken = judge(seen(), after(18_000, 3_000, messages=[said("user", summary)]), 60.0)
    assert broken is not None
    assert (broken.reason, broken.lost_tokens) == (COMPACTED, 3_000)


def test_many_blocks_at_once_are_further_than_the_provider_looks_back() -> None:
    many = [*grown()[:-1], said("user", *(f"{number}" for number in range(LOOKBACK_BLOCKS)), text("!", **HOUR))]
    broken = judge(seen(), after(0, 40_000, messages=many), 60.0)
    assert broken is not None
    assert broken.reason == "22 blocks came at once: the provider looks back 20 from a cache mark"


def test_what_the_cache_saved_is_reading_less_the_extra_of_writing() -> None:
    usage = Usage(cache_read_tokens=1_000_000, cache_write_5m_tokens=100_000, cache_write_1h_tokens=10_000)
    assert saved(usage, OPUS) == 4_500_000_000 - 125_000_000 - 50_000_000


def test_writing_without_reading_costs_more_than_no_cache() -> None:
    assert saved(Usage(cache_write_5m_tokens=1_000_000), OPUS) == -1_250_000_000


def test_a_provider_without_prices_of_its_own_for_the_cache_saves_nothing() -> None:
    assert saved(Usage(cache_read_tokens=10**6, cache_write_5m_tokens=10**6), Price(10**9, 10**9)) == 0


def test_lost_tokens_cost_what_was_paid_for_them_less_what_reading_costs() -> None:
    assert lost(1_000_000, Usage(cache_write_5m_tokens=1_500_000), OPUS) == 6_250_000_000 - 500_000_000
    assert lost(1_000_000, Usage(input_tokens=2_000_000), OPUS) == 4_500_000_000


def test_the_price_is_that_of_so_long_a_prompt() -> None:
    tiered = replace(OPUS, tiers=((200_000, replace(OPUS, input=10_000_000_000, cache_read=1_000_000_000)),))
    assert saved(Usage(cache_read_tokens=1_000_000), tiered) == 9_000_000_000


COUNTS = st.integers(0, 2_000_000)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_no_break_loses_more_than_was_cached_or_than_was_sent(cached: int, read: int, written: int, fresh: int) -> None:
    before = seen(Usage(cache_write_5m_tokens=cached))
    broken = judge(before, after(read, written, fresh, tools=[]), 60.0)
    if broken is not None:
        assert 1_000 <= broken.lost_tokens <= min(cached, written + fresh)
