"""Counts that nobody gives us, from counts that were given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.estimate import BYTES_PER_TOKEN, Estimator
from proxy.protocol import answer_text


def test_without_experience_the_estimate_is_rather_too_high() -> None:
    assert Estimator({}).tokens("m", 33_000) == 10_000
    assert BYTES_PER_TOKEN < 3.4


def test_a_real_count_is_learned_for_its_model_under_every_spelling() -> None:
    estimator = Estimator({})
    estimator.learn("claude-opus-4-8", 4500, 1000)
    assert estimator.tokens("anthropic/claude-opus-4.8[1m]", 45_000) == 10_000
    assert estimator.tokens("other", 33_000) == 10_000


def test_a_later_count_moves_what_was_learned_and_does_not_replace_it() -> None:
    estimator = Estimator({"m": 4.0})
    estimator.learn("m", 5000, 1000)
    assert estimator.tokens("m", 42_000) == 10_000


@pytest.mark.parametrize(("size_bytes", "tokens"), [(5000, 0), (100, 1000)])
def test_nothing_is_learned_from_scraps(size_bytes: int, tokens: int) -> None:
    estimator = Estimator({"m": 4.0})
    estimator.learn("m", size_bytes, tokens)
    assert estimator.tokens("m", 40_000) == 10_000


def test_the_text_of_answers_has_a_ratio_of_its_own() -> None:
    estimator = Estimator({"claude-opus-4-8": 3.5})
    assert estimator.answer_ratio("claude-opus-4-8") == answer_text.BYTES_PER_TOKEN
    estimator.learn_answer("claude-opus-4-8", 3_000, 1_000)
    assert estimator.answer_ratio("anthropic/claude-opus-4.8") == 3.0
    estimator.learn_answer("claude-opus-4-8", 4_000, 1_000)
    assert estimator.answer_ratio("claude-opus-4-8") == pytest.approx(3.2)


@pytest.mark.parametrize(("text_bytes", "tokens"), [(30, 10), (100, 1000), (9000, 1000), (0, 0)])
def test_a_short_answer_and_one_billed_for_more_than_was_shown_teach_nothing(text_bytes: int, tokens: int) -> None:
    estimator = Estimator({})
    estimator.learn_answer("m", text_bytes, tokens)
    assert estimator.answer_ratio("m") == answer_text.BYTES_PER_TOKEN


@pytest.mark.parametrize("ratio", [float("nan"), float("inf"), -1.0, 0.0, 1e300])
def test_nonsense_that_was_kept_does_not_break_an_estimate(ratio: float) -> None:
    assert 1 <= Estimator({"m": ratio}).tokens("m", 60_000) <= 60_000


@given(st.integers(1, 10**9), st.integers(0, 10**8))
def test_an_estimate_stays_within_what_text_can_be(tokens: int, size_bytes: int) -> None:
    estimator = Estimator({})
    estimator.learn("claude-opus-4-8", size_bytes, tokens)
    assert 1 <= estimator.tokens("claude-opus-4-8", 60_000) <= 60_000


def test_even_an_empty_body_has_a_token() -> None:
    assert Estimator({}).tokens("m", 0) == 1
