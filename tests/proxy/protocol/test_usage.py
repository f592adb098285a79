"""What a stream or a body tells of itself: the last word counts, nonsense does not, and nothing raises."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.contract import Usage
from proxy.protocol.outcome import WORDS_MAX
from proxy.protocol.pricing import Price, cost
from proxy.protocol.usage import TOKENS_MAX, AnswerFacts, AnswerTap, nano_usd, read_message
from tests.upstreams import message_stream


def event(payload: dict[str, Any], *, named: bool = True) -> bytes:
    name = f"event: {payload['type']}\n" if named else ""
    return f"{name}data: {json.dumps(payload)}\n\n".encode()


def start(**usage: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {"id": "msg_1", "model": "claude-opus-4-8", "usage": usage}}


def block() -> dict[str, Any]:
    return {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}


def text(words: str = "hello") -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": words}}


def delta(reason: str | None = "end_turn", **usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


STOP = {"type": "message_stop"}
PING = {"type": "ping"}
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def tapped(*payloads: dict[str, Any], named: bool = True) -> AnswerTap:
    tap = AnswerTap()
    for payload in payloads:
        tap.feed(event(payload, named=named))
    tap.end()
    return tap


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


class TestStream:
    @pytest.mark.parametrize("size", [1, 7, 100_000])
    @pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
    @pytest.mark.parametrize("named", [True, False])
    def test_the_facts_do_not_depend_on_chunks_names_or_line_ends(
        self, size: int, line_end: bytes, named: bool
    ) -> None:
        payloads = (start(input_tokens=3), PING, block(), text("é🐟"), text(), delta("tool_use", output_tokens=8), STOP)
        body = b"".join(event(each, named=named) for each in payloads).replace(b"\n", line_end)
        tap = AnswerTap()
        for at in range(0, len(body), size):
            tap.feed(body[at : at + size])
        assert tap.facts.usage == Usage(input_tokens=3, output_tokens=8)
        assert (tap.facts.stop_reason, tap.ended, tap.deltas) == ("tool_use", True, 2)

    def test_the_last_event_counts_without_its_blank_line(self) -> None:
        tap = AnswerTap()
        tap.feed(event(start(input_tokens=3)) + event(delta(output_tokens=8)) + event(STOP).rstrip())
        assert not tap.ended
        tap.end()
        assert tap.ended

    @pytest.mark.parametrize("payload", [start(input_tokens=3), PING, OVERLOADED])
    def test_nothing_before_the_answer_commits_a_stream(self, payload: dict[str, Any]) -> None:
        assert not tapped(payload).meaningful

    @pytest.mark.parametrize("payload", [block(), text(), delta(), STOP, {"type": "something_new"}])
    def test_every_other_event_commits_it(self, payload: dict[str, Any]) -> None:
        assert tapped(start(), PING, payload).meaningful

    @pytest.mark.parametrize("raw", [b": alive\n\n", b"\n\n", b"retry: 5\n\n", b"data: \n\n", b"event: ping\n\n"])
    def test_comments_and_empty_events_do_not_commit_it(self, raw: bytes) -> None:
        tap = AnswerTap()
        tap.feed(raw)
        assert not tap.meaningful

    def test_an_error_as_first_event_is_seen_and_commits_nothing(self) -> None:
        tap = tapped(start(input_tokens=3), OVERLOADED)
        assert (tap.failed, tap.meaningful) == (True, False)
        assert (tap.facts.error_type, tap.facts.error_message) == ("overloaded_error", "Overloaded")

    def test_an_error_midway_is_seen_and_the_usage_kept(self) -> None:
        tap = tapped(start(input_tokens=3), block(), text(), text(), OVERLOADED)
        assert (tap.failed, tap.meaningful, tap.ended) == (True, True, False)
        assert tap.facts.usage == Usage(input_tokens=3)

    @pytest.mark.parametrize(
        "error", [None, "boom", 5, [], {}, {"type": None, "message": None}, {"type": 5, "message": 6}]
    )
    def test_an_error_of_another_shape_is_still_an_error(self, error: object) -> None:
        assert tapped({"type": "error", "error": error}).failed

    @pytest.mark.parametrize("error", [{"message": "echo " * 10_000}, "echo " * 10_000, [["echo"] * 10_000]])
    def test_of_an_error_that_echoes_a_request_the_beginning_is_kept(self, error: object) -> None:
        assert len(tapped({"type": "error", "error": error}).facts.error_message or "") == WORDS_MAX

    def test_an_error_named_only_by_its_event_line_is_an_error(self) -> None:
        tap = AnswerTap()
        tap.feed(b'event: error\ndata: {"error":{"type":"overloaded_error","message":"later"}}\n\n')
        assert tap.facts.error_type == "overloaded_error"

    def test_a_message_start_is_no_text_and_a_delta_is(self) -> None:
        assert not tapped(start(), block()).text_seen
        assert tapped(start(), block(), text()).text_seen

    def test_events_after_the_end_do_not_reopen_it(self) -> None:
        assert tapped(start(), block(), STOP, PING).ended

    @pytest.mark.parametrize(
        ("sent", "inside"),
        [
            (b"", False),
            (b"event: ping\ndata: {}\n\n", False),
            (b"event: ping\ndata: {", True),
            (b"event: ping\n", False),
            (b"event: ping\r\n", False),
            (b"event: ping\r", True),
            (b"eve", True),
        ],
    )
    def test_a_stream_knows_whether_it_stands_inside_a_line(self, sent: bytes, inside: bool) -> None:
        tap = AnswerTap()
        tap.feed(sent)
        assert tap.mid_line is inside

    def test_what_is_no_stream_of_events_is_given_up_without_a_fault(self) -> None:
        tap = AnswerTap()
        for _ in range(18):
            tap.feed(b"x" * 2**20)
        tap.end()
        assert (tap.broken, tap.meaningful, tap.mid_line) == (True, False, False)

    @given(st.lists(st.binary(max_size=40), max_size=10))
    def test_no_bytes_make_it_raise(self, chunks: list[bytes]) -> None:
        tap = AnswerTap()
        for chunk in chunks:
            tap.feed(chunk)
        tap.end()

    @given(
        st.sampled_from(["message_start", "message_delta", "content_block_delta", "error", "ping", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["type", "message", "usage", "delta", "error", "iterations", "cost", "cache_creation"]
                    )
                    | st.text(max_size=3),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=12,
        ),
    )
    def test_no_payload_makes_it_raise(self, name: str, payload: object) -> None:
        tap = AnswerTap()
        tap.feed(f"event: {name}\ndata: {json.dumps(payload)}\n\n".encode())
        whole = json.dumps(payload).encode()
        read_message(whole)

    @pytest.mark.parametrize(
        "data",
        [
            b"[" * 200_000,
            b'{"type":"message_start","message":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001,
            b'{"type":"\xff"}',
            b'{"type":"message_delta","usage":{"output_tokens":' + b"9" * 6000 + b"}}",
            b'{"type":"message_delta","usage":{"cost":' + b"9" * 4000 + b"}}",
            b'{"type":"message_delta","usage":{"cost":"' + b"9" * 90_000 + b'"}}',
            b'{"type":"message_delta","usage":{"cost":"1e999999999999999999999"}}',
            b'{"type":["message_start"]}',
            b"[DONE]",
            b"<html>",
        ],
        ids=[
            "deep",
            "deep object",
            "utf-8",
            "long count",
            "long cost",
            "cost text",
            "huge cost",
            "type list",
            "done",
            "html",
        ],
    )
    def test_hostile_data_does_not_make_it_raise(self, data: bytes) -> None:
        tap = AnswerTap()
        tap.feed(b"data: " + data + b"\n\n" + event(delta(output_tokens=4)))
        assert tap.facts.usage == Usage(output_tokens=4)
        read_message(data)


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


@pytest.mark.parametrize("size", [1, 40, 10_000])
def test_the_length_of_an_answer_is_known_while_it_is_written(size: int) -> None:
    stream = message_stream("Words of an answer, one after the other. " * 20, thinking="Some thought first. " * 20)
    tap = AnswerTap()

    for start in range(0, len(stream), size):
        tap.feed(stream[start : start + size])

    assert abs(tap.text_bytes - 20 * (41 + 20)) < 60
