"""What an answer in OpenAI's chat format costs: tokens under all their names, each counted once."""

from typing import Any

import pytest

from proxy.dialects.dialect import Occasion
from proxy.dialects.quirks import Quirks
from tests.proxy.dialects.chat_streams import ASKED, CHAT, Payload, answer, counted, delta, finish, stream_of
from tests.proxy.dialects.chunking import read
from tests.proxy.dialects.grammar import checked


class TestUsage:
    @pytest.mark.parametrize(
        ("details", "read", "written"),
        [
            ({"prompt_tokens_details": {"cached_tokens": 60}}, 60, 0),
            ({"prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 20}}, 60, 20),
            ({"prompt_tokens_details": {"cached_tokens": 60, "caching_tokens": 20}}, 60, 20),
            ({"cached_tokens": 60}, 60, 0),
            ({"prompt_cache_hit_tokens": 60, "prompt_cache_miss_tokens": 40}, 60, 0),
            ({"cache_read_input_tokens": 60, "cache_creation_input_tokens": 20}, 60, 20),
            (
                {"prompt_tokens_details": {"cached_tokens": 60}, "cached_tokens": 60, "prompt_cache_hit_tokens": 60},
                60,
                0,
            ),
            ({"prompt_tokens_details": None, "cached_tokens": "x"}, 0, 0),
        ],
    )
    def test_cached_tokens_are_part_of_the_prompt_under_every_name(
        self, details: Payload, read: int, written: int
    ) -> None:
        usage = answer(delta(content="a"), finish(), counted(100, 7, **details)).usage
        assert usage["cache_read_input_tokens"] == read
        assert usage["cache_creation_input_tokens"] == written
        assert usage["input_tokens"] == 100 - read - written
        assert usage["output_tokens"] == 7

    def test_more_cached_than_there_is_leaves_nothing_and_not_less(self) -> None:
        usage = answer(delta(content="a"), finish(), counted(10, 7, cached_tokens=60)).usage
        assert usage["input_tokens"] == 0

    @pytest.mark.parametrize(("outside", "output"), [(False, 7), (True, 27)])
    def test_reasoning_is_part_of_the_output_and_added_only_where_it_is_not(self, outside: bool, output: int) -> None:
        usage = answer(
            delta(content="a"),
            finish(),
            counted(10, 7, completion_tokens_details={"reasoning_tokens": 20}),
            quirks=Quirks(reasoning_outside_output=outside),
        ).usage
        assert usage["output_tokens"] == output
        assert usage["output_tokens_details"] == {"thinking_tokens": 20}

    def test_the_last_count_replaces_the_earlier(self) -> None:
        seen = answer(
            counted(10, 1, cached_tokens=4),
            {**delta(content="a"), "usage": counted(10, 2)["usage"]},
            finish(),
            counted(10, 3),
        )
        assert seen.usage["output_tokens"] == 3
        assert (seen.usage["input_tokens"], seen.usage["cache_read_input_tokens"]) == (10, 0)

    @pytest.mark.parametrize("where", ["top", "choice", "groq"])
    def test_usage_is_found_wherever_a_server_puts_it(self, where: str) -> None:
        usage = {"prompt_tokens": 8, "completion_tokens": 2}
        last = finish()
        match where:
            case "top":
                last["usage"] = usage
            case "choice":
                last["choices"][0]["usage"] = usage
            case _:
                last |= {"usage": None, "x_groq": {"usage": usage}}
        assert answer(delta(content="a"), last).usage["input_tokens"] == 8

    def test_the_providers_own_cost_is_passed_on(self) -> None:
        assert answer(delta(content="a"), finish(), counted(cost=0.00123)).usage["cost"] == 0.00123

    @pytest.mark.parametrize(
        "last", [finish(), finish(usage={"prompt_tokens": 0, "completion_tokens": 0}), finish(usage=None)]
    )
    def test_usage_that_nobody_told_is_estimated_and_said_to_be(self, last: Payload) -> None:
        told = Occasion("m", "msg_1", 42)
        reader = CHAT.reader(CHAT.request(ASKED, told), told)
        seen = checked(read(reader, [stream_of(delta(content="x" * 400), last)]))
        assert (seen.usage["input_tokens"], seen.usage["output_tokens"]) == (42, 100)
        assert reader.estimated

    def test_told_usage_is_no_estimate(self) -> None:
        told = Occasion("m", "msg_1", 42)
        reader = CHAT.reader(CHAT.request(ASKED, told), told)
        read(reader, [stream_of(delta(content="a"), finish(), counted())])
        assert not reader.estimated

    @pytest.mark.parametrize("count", [-5, True, "many", "-1", "1" * 40, "²", 1e12, None, 0, [], {}])
    def test_counts_that_cannot_be_true_leave_the_estimate(self, count: Any) -> None:
        usage = answer(delta(content="a" * 40), finish(), counted(count, 3)).usage
        assert (usage["input_tokens"], usage["output_tokens"]) == (42, 3)
        if count != 0:
            assert answer(delta(content="a" * 40), finish(), counted(7, count)).usage["output_tokens"] == 10

    def test_counts_may_be_written_as_texts(self) -> None:
        told: Payload = {"prompt": "12", "completion": "3", "total_tokens": "15"}
        usage = answer(delta(content="a"), finish(), counted(**told)).usage
        assert (usage["input_tokens"], usage["output_tokens"]) == (12, 3)

    def test_usage_without_the_prompt_leaves_the_estimate(self) -> None:
        usage = answer(delta(content="a"), {"choices": [], "usage": {"completion_tokens": 5}}, finish()).usage
        assert (usage["input_tokens"], usage["output_tokens"]) == (42, 5)

    def test_names_of_other_formats_are_known(self) -> None:
        told = {"input_tokens": 12, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 4}}
        usage = answer(delta(content="a"), {"choices": [], "usage": told}, finish()).usage
        assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (8, 4, 3)

    @pytest.mark.parametrize(
        ("details", "output", "thought"),
        [
            ({"completion_tokens_details": {"reasoning_tokens": 320}}, 321, 320),
            ({"prompt_tokens_details": {"cached_tokens": 6}, "reasoning_tokens": 320}, 321, 320),
            ({}, 321, 320),
        ],
        ids=["told in the details", "beside a cache", "told by the total alone"],
    )
    def test_a_total_tells_that_reasoning_is_outside_of_the_output(
        self, details: Payload, output: int, thought: int
    ) -> None:
        usage = answer(delta(content="x"), finish(), counted(12, 1, total_tokens=333, **details)).usage
        assert usage["output_tokens"] == output
        assert usage["output_tokens_details"] == {"thinking_tokens": thought}

    def test_a_total_tells_that_reasoning_is_within_the_output(self) -> None:
        details = {"completion_tokens_details": {"reasoning_tokens": 5}}
        assert (
            answer(delta(content="x"), finish(), counted(12, 8, total_tokens=20, **details)).usage["output_tokens"] == 8
        )

    @pytest.mark.parametrize("reasoned", [0, 2])
    def test_a_total_tells_that_the_cache_is_outside_of_the_prompt(self, reasoned: int) -> None:
        details = {"completion_tokens_details": {"reasoning_tokens": reasoned}}
        usage = answer(
            delta(content="x"), finish(), counted(10, 3, total_tokens=1013, cache_read_input_tokens=1000, **details)
        ).usage
        assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (10, 1000, 3)
