"""Pitfall 26: the reset that a provider names decides how long a limit lasts."""

from proxy.protocol.limits import read_limits, reset_after_s
from proxy.protocol.outcome import Seen, judge

NOW = 1_000_000.0
UNIFIED = {
    "anthropic-ratelimit-unified-status": "rejected",
    "anthropic-ratelimit-unified-representative-claim": "five_hour",
    "anthropic-ratelimit-unified-5h-utilization": "1.02",
    "anthropic-ratelimit-unified-5h-reset": str(int(NOW + 900)),
    "anthropic-ratelimit-unified-7d-utilization": "0.4",
    "anthropic-ratelimit-unified-7d-reset": str(int(NOW + 90_000)),
}


def test_the_representative_claim_names_the_window_that_rules() -> None:
    assert [(limit.name, limit.rules) for limit in read_limits(UNIFIED, NOW)] == [("5h", True), ("week", False)]


def test_a_spent_window_rests_until_its_own_reset() -> None:
    outcome = judge(Seen("headers", status=429, headers=UNIFIED, error_type="rate_limit_error"), NOW)

    assert (outcome.name, outcome.retry_after_s) == ("quota_spent", 900)


def test_retry_after_beats_the_resets() -> None:
    headers = {**UNIFIED, "retry-after": "30"}

    assert judge(Seen("headers", status=429, headers=headers), NOW).retry_after_s == 30


def test_a_limit_per_minute_rests_until_the_used_up_one_resets() -> None:
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "1970-01-12T13:47:00Z",
        "anthropic-ratelimit-tokens-limit": "1000",
        "anthropic-ratelimit-tokens-remaining": "900",
        "anthropic-ratelimit-tokens-reset": "1970-01-12T14:47:00Z",
    }

    assert reset_after_s(headers, NOW) == 20


def test_a_claim_about_a_window_that_is_not_told_has_its_reset_beside() -> None:
    headers = {
        **UNIFIED,
        "anthropic-ratelimit-unified-representative-claim": "seven_day_opus",
        "anthropic-ratelimit-unified-reset": str(int(NOW + 2 * 86_400)),
        "anthropic-ratelimit-unified-7d-reset": str(int(NOW + 6 * 86_400)),
        "anthropic-ratelimit-unified-5h-utilization": "0.1",
    }

    outcome = judge(Seen("headers", status=429, headers=headers, error_type="rate_limit_error"), NOW)

    assert (outcome.name, outcome.retry_after_s) == ("model_quota_spent", 2 * 86_400)


def test_a_reset_that_is_over_is_nobody_s() -> None:
    assert reset_after_s({**UNIFIED, "anthropic-ratelimit-unified-reset": "0"}, NOW) == 900


def test_of_other_providers_limits_those_used_up_are_waited_for() -> None:
    headers = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "6m0s",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "900",
        "x-ratelimit-reset-tokens": "23h",
    }

    assert judge(Seen("headers", status=429, headers=headers), NOW).retry_after_s == 360
    assert judge(Seen("headers", status=503, headers=headers), NOW).retry_after_s is None


def test_without_any_reset_nothing_is_invented() -> None:
    assert reset_after_s({}, NOW) is None
    assert judge(Seen("headers", status=429), NOW).retry_after_s is None


def test_an_overload_is_not_a_quota_whatever_the_windows_say() -> None:
    allowed = {**UNIFIED, "anthropic-ratelimit-unified-status": "allowed"}

    outcome = judge(Seen("headers", status=529, headers=allowed, error_type="overloaded_error"), NOW)

    assert (outcome.name, outcome.retry_after_s) == ("overloaded", None)
