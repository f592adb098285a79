"""What an answer tells of itself: the last word counts, nonsense does not, and nothing raises."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.contract import Usage
from proxy.protocol.pricing import Price, cost
from proxy.protocol.usage import TOKENS_MAX, AnswerFacts, nano_usd, read_message
from tests.proxy.protocol.events import STOP, block, delta, start, tapped, text


def usage_of(*usages: dict[str, Any]) -> Usage:
    facts = AnswerFacts()
    for usage in usages:
        facts.see_usage(usage)
    return facts.usage


class TestCounts:
    def test_a_later_count_replaces_an_earlier_one_and_is_not_added(self) -> None:
        tap = tapped(
            start(input_tokens=100, output_tokens=1), delta(None, output_tokens=20), delta(output_tokens=45), STOP
        )
        assert tap.facts.usage == Usage(input_tokens=100, output_tokens=45)

    def test_a_count_that_only_the_end_tells_is_taken(self) -> None:
        tap = tapped(
            start(input_tokens=0, output_tokens=0), delta(input_tokens=90, cache_read_input_tokens=7, output_tokens=4)
        )
        assert tap.facts.usage == Usage(input_tokens=90, cache_read_tokens=7, output_tokens=4)

    def test_a_doubled_message_start_counts_once(self) -> None:
        tap = tapped(
            start(input_tokens=17, output_tokens=1), start(input_tokens=17, output_tokens=1), delta(output_tokens=227)
        )
        assert tap.facts.usage == Usage(input_tokens=17, output_tokens=227)

    def test_a_spliced_message_start_takes_the_word_of_the_later_one(self) -> None:
        other = {"type": "message_start", "message": {"id": "msg_2", "model": "other", "usage": {"input_tokens": 20}}}
        facts = tapped(start(input_tokens=17, output_tokens=3), text(), other, delta(output_tokens=5)).facts
        assert (facts.usage, facts.model) == (Usage(input_tokens=20, output_tokens=5), "other")

    def test_thinking_tokens_are_part_of_the_output_and_not_added_to_it(self) -> None:
        assert usage_of({"output_tokens": 50, "output_tokens_details": {"thinking_tokens": 40}}) == Usage(
            output_tokens=50
        )

    def test_an_aborted_stream_keeps_the_usage_that_it_had(self) -> None:
        tap = tapped(start(input_tokens=100, output_tokens=1), block(), text())
        assert (tap.ended, tap.facts.usage) == (False, Usage(input_tokens=100, output_tokens=1))

    def test_null_and_absent_fields_keep_their_last_value(self) -> None:
        first = {"input_tokens": 5, "cache_read_input_tokens": 6, "cache_creation_input_tokens": 7, "output_tokens": 1}
        nulls = {**dict.fromkeys(first), "cache_creation": None, "server_tool_use": None, "service_tier": None}
        expected = Usage(input_tokens=5, cache_read_tokens=6, cache_write_5m_tokens=7, output_tokens=1)
        assert usage_of(first, nulls, {}) == expected

    @pytest.mark.parametrize(
        "absurd", [-1, -0.5, 1e300, TOKENS_MAX + 1, 2**63, 10**300, True, "12", [], {}, float("inf"), float("nan")]
    )
    def test_a_count_that_cannot_be_true_is_not_believed(self, absurd: object) -> None:
        assert usage_of({"input_tokens": 9}, {"input_tokens": absurd}) == Usage(input_tokens=9)

    def test_a_count_in_decimals_is_an_integer(self) -> None:
        assert usage_of({"input_tokens": 12.0, "output_tokens": 3.9}) == Usage(input_tokens=12, output_tokens=3)

    def test_the_largest_believed_usage_at_an_absurd_price_still_fits_into_the_ledger(self) -> None:
        most = Usage(input_tokens=TOKENS_MAX, output_tokens=TOKENS_MAX, cache_read_tokens=TOKENS_MAX)
        assert cost(most, Price(input=10**14, output=10**14)) < 2**63

    def test_web_searches_are_counted(self) -> None:
        assert usage_of({"server_tool_use": {"web_search_requests": 3}}) == Usage(web_searches=3)

    @pytest.mark.parametrize(
        "usage", [None, [], "x", 5, {"cache_creation": [], "server_tool_use": 5, "iterations": {}}]
    )
    def test_a_usage_of_another_shape_is_no_usage(self, usage: object) -> None:
        facts = AnswerFacts()
        facts.see_usage(usage)
        assert facts.usage == Usage()


class TestCacheWrites:
    def test_five_minute_and_one_hour_writes_are_told_apart_and_neither_twice(self) -> None:
        split = {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 700}
        got = usage_of({"cache_creation_input_tokens": 1000, "cache_creation": split})
        assert (got.cache_write_5m_tokens, got.cache_write_1h_tokens) == (300, 700)

    def test_writes_without_a_split_are_five_minute_ones(self) -> None:
        assert usage_of({"cache_creation_input_tokens": 40}) == Usage(cache_write_5m_tokens=40)

    def test_a_later_total_without_a_split_keeps_the_one_hour_share(self) -> None:
        split = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 700}
        got = usage_of(
            {"cache_creation_input_tokens": 700, "cache_creation": split}, {"cache_creation_input_tokens": 700}
        )
        assert got == Usage(cache_write_1h_tokens=700)

    def test_a_later_smaller_total_is_never_exceeded_by_its_parts(self) -> None:
        split = {"ephemeral_1h_input_tokens": 700}
        assert usage_of({"cache_creation": split}, {"cache_creation_input_tokens": 500}) == Usage(
            cache_write_1h_tokens=500
        )

    def test_a_split_alone_is_enough(self) -> None:
        split = {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4}
        assert usage_of({"cache_creation": split}) == Usage(cache_write_5m_tokens=3, cache_write_1h_tokens=4)

    def test_what_the_split_leaves_out_of_the_total_is_five_minutes(self) -> None:
        got = usage_of({"cache_creation_input_tokens": 10, "cache_creation": {"ephemeral_1h_input_tokens": 4}})
        assert got == Usage(cache_write_5m_tokens=6, cache_write_1h_tokens=4)

    def test_an_empty_split_beside_a_later_total_forgets_nothing(self) -> None:
        first = {"cache_creation_input_tokens": 700, "cache_creation": {"ephemeral_1h_input_tokens": 700}}
        nulls = {"ephemeral_5m_input_tokens": None, "ephemeral_1h_input_tokens": None}
        for empty in ({}, nulls):
            later = {"cache_creation_input_tokens": 700, "cache_creation": empty}
            assert usage_of(first, later) == Usage(cache_write_1h_tokens=700)


def iterations() -> st.SearchStrategy[dict[str, Any]]:
    counts = st.integers(0, 1000)
    lifetimes = st.fixed_dictionaries(
        {}, optional={"ephemeral_5m_input_tokens": counts, "ephemeral_1h_input_tokens": counts}
    )
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    kinds = st.sampled_from(("message", "compaction", "advisor_message"))
    return st.fixed_dictionaries(
        {"type": kinds}, optional={"cache_creation": lifetimes, **dict.fromkeys(names, counts)}
    )


class TestIterations:
    PASSES = (
        {"type": "compaction", "input_tokens": 180, "output_tokens": 3, "cache_creation_input_tokens": 600},
        {"type": "message", "input_tokens": 23, "output_tokens": 10, "cache_creation_input_tokens": 400},
    )

    def test_several_passes_are_billed_together(self) -> None:
        got = usage_of({"input_tokens": 23, "output_tokens": 10, "iterations": list(self.PASSES)})
        assert (got.input_tokens, got.output_tokens, got.cache_write_5m_tokens) == (203, 13, 1000)

    def test_the_last_of_several_passes_is_known_by_itself(self) -> None:
        facts = AnswerFacts()
        facts.see_usage({"input_tokens": 23, "output_tokens": 10, "iterations": list(self.PASSES)})
        assert facts.in_window(facts.usage) == Usage(input_tokens=23, output_tokens=10, cache_write_5m_tokens=400)
        assert not facts.in_one_pass

    @pytest.mark.parametrize("iterations", [[], [{"input_tokens": 23}], [None, 5], "x", [{}, {}]])
    def test_a_single_pass_or_nonsense_is_one_pass(self, iterations: object) -> None:
        facts = AnswerFacts()
        facts.see_usage({"input_tokens": 23, "output_tokens": 10, "iterations": iterations})
        assert facts.in_one_pass

    @given(
        st.lists(iterations(), max_size=5),
        st.one_of(st.none(), st.integers(0, 1000)),
        st.integers(0, 1000),
        st.integers(0, 3),
    )
    def test_what_is_paid_for_one_by_one_is_all_of_it(
        self, passes: list[dict[str, Any]], long: int | None, written: int, searched: int
    ) -> None:
        """Whatever was told before of the cache, and whatever came after the last count."""
        facts = AnswerFacts()
        if long is not None:
            facts.see_usage({"cache_creation": {"ephemeral_1h_input_tokens": long}})
        facts.see_usage({"input_tokens": 5, "iterations": passes, "server_tool_use": {"web_search_requests": searched}})
        counted = facts.usage + Usage(output_tokens=written)

        paid = facts.paid_for(counted)

        assert sum((each.usage for each in paid), Usage()) == counted
        assert [each.usage.input_tokens for each in paid[:-1]] == [
            each.usage.input_tokens for each in facts.iterations[:-1]
        ]

    def test_advice_of_another_model_is_paid_for_at_its_price_and_is_not_in_the_window(self) -> None:
        facts = AnswerFacts(model="claude-sonnet-4-5")
        advice = {"type": "advisor_message", "model": "claude-opus-4-8", "input_tokens": 30, "output_tokens": 4}
        own = {"type": "message", "input_tokens": 20, "output_tokens": 3}
        for order in ([own, advice, own], [own, own, advice]):
            facts.see_usage({"input_tokens": 40, "output_tokens": 6, "iterations": order})
            models = [each.model for each in facts.paid_for(facts.usage)]
            assert models == ["claude-opus-4-8" if each is advice else "claude-sonnet-4-5" for each in order]
            assert facts.in_window(facts.usage) == Usage(input_tokens=20, output_tokens=3)
        assert facts.usage == Usage(input_tokens=70, output_tokens=10)

    def test_one_cost_for_all_passes_is_not_divided(self) -> None:
        facts = AnswerFacts()
        facts.see_usage({"cost": 0.5, "iterations": list(self.PASSES)})
        assert [each.usage for each in facts.paid_for(facts.usage)] == [facts.usage]

    def test_passes_that_come_twice_are_counted_once(self) -> None:
        one = {"input_tokens": 23, "output_tokens": 10, "iterations": list(self.PASSES)}
        assert usage_of(one, one) == usage_of(one)

    def test_passes_without_a_split_keep_the_one_hour_share(self) -> None:
        first = {"cache_creation_input_tokens": 1000, "cache_creation": {"ephemeral_1h_input_tokens": 1000}}
        got = usage_of(
            first, {"output_tokens": 10, "cache_creation_input_tokens": 1000, "iterations": list(self.PASSES)}
        )
        assert (got.cache_write_5m_tokens, got.cache_write_1h_tokens) == (0, 1000)

    def test_passes_with_a_split_are_added_by_lifetime(self) -> None:
        each = {"cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 10}}
        got = usage_of({"iterations": [each, each]})
        assert (got.cache_write_5m_tokens, got.cache_write_1h_tokens) == (2, 20)

    @pytest.mark.parametrize("iterations", [[], [{"input_tokens": 7}], [None, 5], "x", [{}, {}]])
    def test_a_single_pass_or_nonsense_changes_nothing(self, iterations: object) -> None:
        assert usage_of({"input_tokens": 9, "iterations": iterations}) == Usage(input_tokens=9)

    def test_passes_within_passes_do_not_run_away(self) -> None:
        nested: dict[str, Any] = {"input_tokens": 1}
        for _ in range(100):
            nested = {"input_tokens": 1, "iterations": [nested, nested]}
        assert usage_of(nested) == Usage(input_tokens=2)


class TestWholeAnswers:
    def test_a_message_is_read(self) -> None:
        body = {
            "type": "message",
            "model": "m",
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 3, "output_tokens": 4},
        }
        facts = read_message(json.dumps(body).encode())
        assert facts is not None
        assert (facts.model, facts.stop_reason, facts.usage) == (
            "m",
            "end_turn",
            Usage(input_tokens=3, output_tokens=4),
        )

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html>",
            b"[]",
            b"null",
            b"{}",
            b'{"data":[]}',
            b'{"type":"error","error":null}',
            b'{"choices":[]}',
            b"\xff",
        ],
    )
    def test_what_is_no_message_is_none(self, body: bytes) -> None:
        assert read_message(body) is None

    @pytest.mark.parametrize(
        ("body", "kind", "words"),
        [
            ({"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}, "rate_limit_error", "slow"),
            ({"error": {"message": "no"}}, "api_error", "no"),
            ({"error": "plain words"}, "api_error", "plain words"),
            ({"error": {"type": 5, "code": 401}}, "api_error", "{'type': 5, 'code': 401}"),
        ],
    )
    def test_errors_of_every_shape_are_read(self, body: dict[str, Any], kind: str, words: str) -> None:
        facts = read_message(json.dumps(body).encode())
        assert facts is not None
        assert (facts.error_type, facts.error_message) == (kind, words)


class TestReportedCost:
    @pytest.mark.parametrize(
        ("amount", "nano"),
        [
            (0.01736, 17_360_000),
            ("0.000000001", 1),
            (0, 0),
            (1, 10**9),
            (1e-7, 100),
            ("1e-3", 1_000_000),
            (0.1 + 0.2, 300_000_000),
            (None, None),
            (True, None),
            (-0.01, None),
            ("", None),
            ("free", None),
            ("NaN", None),
            ("sNaN", None),
            ("Infinity", None),
            (float("nan"), None),
            (10**6, None),
            (10**300, None),
            ([], None),
        ],
    )
    def test_dollars_become_nano_dollars_and_nonsense_nothing(self, amount: object, nano: int | None) -> None:
        assert nano_usd(amount) == nano

    def test_the_cost_in_the_last_usage_counts(self) -> None:
        assert tapped(start(cost=0.5), delta(cost=0.25)).facts.reported_nano_usd == 250_000_000
