"""What an answer of OpenAI's Responses API tells of tokens and cost."""

from typing import Any

import pytest

from tests.proxy.dialects.chunking import read
from tests.proxy.dialects.grammar import checked
from tests.proxy.dialects.responses_events import CREATED, USAGE, answer, completed, reader, streamed_message, wire


def test_usage_tells_uncached_input_and_the_cache_apart() -> None:
    assert answer(*streamed_message(), completed()).usage == {
        "input_tokens": 30,
        "cache_read_input_tokens": 60,
        "cache_creation_input_tokens": 10,
        "output_tokens": 20,
        "output_tokens_details": {"thinking_tokens": 5},
    }


def test_more_cached_than_told_leaves_no_negative_input() -> None:
    usage = {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 60}, "output_tokens": 1}
    assert answer(completed(usage=usage)).usage["input_tokens"] == 0


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"input_tokens": "10", "output_tokens": "3"}, (10, 3)),
        ({"output_tokens": 3}, (70, 3)),
        ({"input_tokens": 0, "output_tokens": 3}, (70, 3)),
        ({"input_tokens": 10}, (10, 2)),
        ({"prompt_tokens": 10, "completion_tokens": 3}, (10, 3)),
    ],
)
def test_what_usage_does_not_tell_stays_an_estimate(usage: Any, counts: tuple[int, int]) -> None:
    for end in (completed(usage=usage), {**completed(usage=None), "usage": usage}):
        got = answer(*streamed_message("12345678"), end).usage
        assert (got["input_tokens"], got["output_tokens"]) == counts


@pytest.mark.parametrize("details", [None, {}, {"cached_tokens": None}, {"cached_tokens": "many"}, 7])
def test_usage_without_details_counts_all_input_as_uncached(details: Any) -> None:
    usage = {"input_tokens": 10, "input_tokens_details": details, "output_tokens": 1}
    got = answer(completed(usage=usage)).usage
    assert (got["input_tokens"], got["cache_read_input_tokens"], got["output_tokens"]) == (10, 0, 1)


@pytest.mark.parametrize("usage", [None, {}, "none", {"input_tokens": None}, {"input_tokens": True}])
def test_without_usage_the_counts_are_marked_as_estimated(usage: Any) -> None:
    asked = reader()
    got = checked(read(asked, [wire(CREATED, *streamed_message("x" * 40), completed(usage=usage))]))
    assert asked.estimated
    assert got.usage["output_tokens"] == 10


def test_the_provider_s_own_cost_is_passed_on() -> None:
    assert answer(completed(usage={**USAGE, "cost": 0.0123})).usage["cost"] == 0.0123
