"""Limits that providers tell in headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.contract import Limit
from proxy.protocol.limits import read_limits

PREFIX = "anthropic-ratelimit-"
NOW = 1_799_999_000.0


def headers(**values: str) -> dict[str, str]:
    return {PREFIX + name.replace("_", "-"): value for name, value in values.items()}


def test_a_plan_s_windows_are_shares_with_their_end() -> None:
    told = headers(unified_5h_utilization="0.62", unified_5h_reset="1800000000", unified_5h_status="allowed_warning")
    assert read_limits(told, NOW) == (Limit(name="5h", used=0.62, resets_at=1_800_000_000.0, status="allowed_warning"),)


def test_the_windows_of_a_plan_keep_their_order() -> None:
    told = {f"{PREFIX}unified-{window}-utilization": "0.1" for window in ("7d_oi", "7d", "5h")}
    assert [limit.name for limit in read_limits(told, NOW)] == ["5h", "week", "week (extra)"]


@pytest.mark.parametrize(("text", "used"), [("1.02", 1.02), ("-0.0", 0.0), ("-1", 0.0), ("0", 0.0), ("1", 1.0)])
def test_a_share_may_exceed_one_but_is_never_negative(text: str, used: float) -> None:
    [limit] = read_limits(headers(unified_5h_utilization=text), NOW)
    assert limit.used == used


@pytest.mark.parametrize("text", ["", "much", "nan", "inf", "1e300"])
def test_a_share_that_is_no_number_is_no_limit(text: str) -> None:
    assert read_limits(headers(unified_5h_utilization=text), NOW) == ()


def test_a_minute_s_limit_is_the_share_that_is_used() -> None:
    told = headers(input_tokens_limit="1000", input_tokens_remaining="250", input_tokens_reset="2027-01-15T08:00:00Z")
    assert read_limits(told, NOW) == (Limit(name="input tokens", used=0.75, resets_at=1_800_000_000.0),)


@pytest.mark.parametrize(("limit", "remaining"), [("0", "0"), ("10", "x"), ("", "5"), ("nan", "5"), ("10", "inf")])
def test_a_minute_s_limit_without_two_numbers_is_none(limit: str, remaining: str) -> None:
    assert read_limits(headers(requests_limit=limit, requests_remaining=remaining), NOW) == ()


@pytest.mark.parametrize(
    ("reset", "at"),
    [
        ("2027-01-15T08:00:00+00:00", 1_800_000_000.0),
        ("2027-01-15T10:00:00+02:00", 1_800_000_000.0),
        ("2027-01-15T08:00:00", 1_800_000_000.0),
        ("2027-01-15T08:00:00.5Z", 1_800_000_000.5),
        ("soon", None),
        ("", None),
    ],
)
def test_the_end_of_a_minute_s_limit_is_read_in_utc(reset: str, at: float | None) -> None:
    [limit] = read_limits(headers(requests_limit="10", requests_remaining="5", requests_reset=reset), NOW)
    assert limit.resets_at == at


@pytest.mark.parametrize(
    ("reset", "at"),
    [
        ("6m0s", NOW + 360),
        ("1h2m3.5s", NOW + 3723.5),
        ("250ms", NOW + 0.25),
        ("1d", NOW + 86_400),
        ("12.5", NOW + 12.5),
        ("1800000000", 1_800_000_000.0),
        ("1800000000000", 1_800_000_000.0),
        ("2027-01-15T08:00:00Z", 1_800_000_000.0),
        ("-5", None),
        ("soon", None),
        ("9" * 400 + "d", None),
        (None, None),
    ],
)
def test_a_limit_of_other_providers_ends_after_a_wait_or_at_a_moment(reset: str | None, at: float | None) -> None:
    told = {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "3"}
    told |= {"x-ratelimit-reset-requests": reset} if reset is not None else {}
    assert read_limits(told, NOW) == (Limit(name="requests", used=0.95, resets_at=at),)


def test_limits_of_other_providers_have_the_names_that_they_give_them_or_none() -> None:
    told = {
        "x-ratelimit-limit": "20",
        "x-ratelimit-remaining": "5",
        "x-ratelimit-limit-tokens-minute": "100",
        "x-ratelimit-remaining-tokens-minute": "100",
        "x-ratelimit-limit-images": "9",
        "x-ratelimit-remaining-pages": "9",
    }
    assert [(limit.name, limit.used) for limit in read_limits(told, NOW)] == [("requests", 0.75), ("tokens minute", 0)]


def test_where_nothing_is_left_a_limit_is_used_up_however_high_it_is() -> None:
    told = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}
    assert read_limits(told, NOW) == (Limit(name="requests", used=1.0, resets_at=NOW + 360),)


def test_what_anthropic_tells_is_not_told_again_in_another_s_words() -> None:
    told = headers(requests_limit="10", requests_remaining="5")
    told |= {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "9"}
    assert [limit.used for limit in read_limits(told, NOW)] == [0.5]


def test_no_headers_no_limits() -> None:
    assert read_limits({}, NOW) == ()


@given(
    st.dictionaries(
        st.sampled_from(
            [f"{PREFIX}unified-5h-{part}" for part in ("utilization", "reset", "status")]
            + [f"{PREFIX}tokens-{part}" for part in ("limit", "remaining", "reset")]
            + [f"x-ratelimit-{part}-tokens" for part in ("limit", "remaining", "reset")]
        ),
        st.text(max_size=12)
        | st.sampled_from(["1", "0", "-1", "0001-01-01T00:00:00", "9999-12-31T23:59:59-23:59", "1e11", "9h", "1e12"]),
    )
)
def test_no_header_makes_it_raise(told: dict[str, str]) -> None:
    for limit in read_limits(told, NOW):
        assert limit.used >= 0
