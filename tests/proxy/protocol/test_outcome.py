"""What was seen of an attempt decides what follows: one table, every row reached."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.outcome import STATUS_OF_TYPE, TABLE, Seen, error_body, in_words, judge, retry_after_s

NOW = 1_800_000_000.0
"""Fri, 15 Jan 2027 08:00:00 GMT."""


def judged(**seen: object) -> str:
    return judge(Seen(**{"phase": "headers", **seen}), NOW).name  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "invalid_request"), (401, "key_refused"), (402, "payment_required"), (403, "forbidden"),
        (404, "model_unknown"), (405, "invalid_request"), (408, "request_timeout"), (409, "conflict"),
        (413, "request_too_large"), (415, "invalid_request"), (422, "invalid_request"), (429, "rate_limited"),
        (451, "invalid_request"), (500, "server_error"), (502, "server_error"), (503, "overloaded"),
        (504, "server_error"), (520, "server_error"), (529, "overloaded"), (599, "server_error"),
        (301, "redirected"), (302, "redirected"), (307, "redirected"), (308, "redirected"),
    ],
)  # fmt: skip
def test_a_status_alone_decides(status: int, name: str) -> None:
    assert judged(status=status) == name


@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize(
    "message", [None, "", "prompt is too long: 213000 tokens > 200000 maximum", "bad field", "rate limit"]
)
def test_what_the_request_itself_is_to_blame_for_is_never_replayed(status: int, message: str | None) -> None:
    assert not judge(Seen("headers", status=status, error_message=message), NOW).row.next_target


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("invalid_request_error", "invalid_request"), ("authentication_error", "key_refused"),
        ("billing_error", "payment_required"), ("permission_error", "forbidden"), ("not_found_error", "model_unknown"),
        ("request_too_large", "request_too_large"), ("rate_limit_error", "rate_limited"),
        ("timeout_error", "request_timeout"), ("overloaded_error", "overloaded"), ("api_error", "server_error"),
        ("something_new", "server_error"), (None, "server_error"),
    ],
)  # fmt: skip
def test_an_error_as_first_event_is_judged_by_its_type(kind: str | None, name: str) -> None:
    assert judged(phase="first_event", status=200, cause="error_event", error_type=kind) == name


@pytest.mark.parametrize("kind", ["invalid_request_error", "api_error", None])
def test_a_prompt_that_is_too_long_is_known_under_every_type(kind: str | None) -> None:
    words = "the model is loaded with context length of only 4096 tokens: context the overflows"
    assert judged(phase="first_event", cause="error_event", error_type=kind, error_message=words) == "prompt_too_long"


@pytest.mark.parametrize(
    ("cause", "name"),
    [
        ("refused", "connect_refused"), ("dns", "dns_failed"), ("tls", "tls_failed"), ("connect_timeout",
        "connect_timeout"),
        ("reset", "connection_lost"), ("closed_early", "connection_lost"), ("first_event_timeout",
        "first_event_timeout"),
        ("empty", "empty_answer"), ("not_a_stream", "not_an_answer"), ("too_large", "not_an_answer"),
        ("redirect", "redirected"), ("no_credential", "no_credential"),
    ],
)  # fmt: skip
def test_a_failure_before_anything_reached_the_client_lets_the_next_target_try(cause: str, name: str) -> None:
    outcome = judge(Seen("first_event", cause=cause), NOW)  # type: ignore[arg-type]
    assert (outcome.name, outcome.row.next_target) == (name, True)


@pytest.mark.parametrize("phase", ["connect", "headers", "first_event", "mid_stream", "end"])
def test_a_cancel_by_the_client_counts_against_no_one_and_moves_nothing(phase: str) -> None:
    outcome = judge(Seen(phase, status=200, cause="client_left"), NOW)  # type: ignore[arg-type]
    assert (outcome.name, outcome.row.next_target, outcome.row.health) == ("client_left", False, None)


@pytest.mark.parametrize("phase", ["mid_stream", "end"])
@pytest.mark.parametrize("cause", ["reset", "error_event", "closed_early", "not_a_stream", "too_large", "tls", None])
@pytest.mark.parametrize("kind", [None, "overloaded_error", "rate_limit_error"])
def test_once_something_reached_the_client_no_other_target_is_tried(
    phase: str, cause: str | None, kind: str | None
) -> None:
    outcome = judge(Seen(phase, status=200, cause=cause, error_type=kind), NOW)  # type: ignore[arg-type]
    assert (outcome.name, outcome.row.next_target) == ("broken", False)


def test_silence_in_the_middle_is_told_apart_from_a_break() -> None:
    outcome = judge(Seen("mid_stream", status=200, cause="idle_timeout"), NOW)
    assert (outcome.name, outcome.row.next_target) == ("idle_timeout", False)


@pytest.mark.parametrize(
    ("status", "message", "headers", "name"),
    [
        (429, "Number of request tokens has exceeded your per-minute rate limit", {}, "rate_limited"),
        (429, "", {"anthropic-ratelimit-unified-status": "rejected"}, "quota_spent"),
        (429, "", {"anthropic-ratelimit-unified-status": "allowed_warning"}, "rate_limited"),
        (429, "You have reached your weekly limit", {}, "quota_spent"),
        (429, "Claude usage limit reached", {}, "quota_spent"),
        (429, "You exceeded your current quota, please check your plan", {}, "payment_required"),
        (429, "insufficient_quota", {}, "payment_required"),
        (400, "Your credit balance is too low to access the API", {}, "payment_required"),
        (400, "You have reached your specified API usage limits.", {}, "payment_required"),
        (400, "Insufficient Balance", {}, "payment_required"),
        (400, "prompt is too long: 1 tokens > 0 maximum", {}, "prompt_too_long"),
        (400, "This model's maximum context length is 8192 tokens", {}, "prompt_too_long"),
        (500, "the request exceeds the available context size", {}, "prompt_too_long"),
        (400, "input length and `max_tokens` exceed context limit: 9 + 9 > 10", {}, "output_too_long"),
        (413, "Prompt is too long", {}, "prompt_too_long"),
        (413, "Request exceeds the maximum size", {}, "request_too_large"),
        (429, "You exceeded your current quota. Please retry in 37.7s.", {}, "rate_limited"),
        (429, "You exceeded your current quota (RESOURCE_EXHAUSTED)", {}, "rate_limited"),
        (429, "You exceeded your current quota", {"retry-after": "26"}, "rate_limited"),
        (529, "usage limit", {}, "overloaded"),
    ],
)
def test_a_spent_quota_a_minute_s_limit_and_an_overload_are_three_things(
    status: int, message: str, headers: dict[str, str], name: str
) -> None:
    assert judged(status=status, error_message=message, headers=headers) == name


@pytest.mark.parametrize(
    "message",
    [
        "vendor/nope is not a valid model ID",
        "Model Not Exist",
        "Invalid model name passed in model=x",
        "unknown model x",
    ],
)
def test_an_unknown_model_is_one_under_400_too(message: str) -> None:
    assert judged(status=400, error_message=message) == "model_unknown"


@pytest.mark.parametrize(
    ("words", "wait_s"),
    [
        ("You will regain access on 2026-12-01 at 00:00 UTC.", 3600.0),
        ("You will regain access on 2026-12-01.", 3600.0),
        ("You will regain access on 2026-11-01 at 00:00 UTC.", 0.0),
        ("You will regain access on 2026-13-41.", None),
        ("You will regain access soon.", None),
    ],
)
def test_a_limit_of_the_user_s_own_is_closed_until_the_date_that_it_names(words: str, wait_s: float | None) -> None:
    seen = Seen("headers", status=400, error_message=f"You have reached your specified API usage limits. {words}")
    now = datetime(2026, 11, 30, 23, tzinfo=UTC).timestamp()
    assert judge(seen, now).retry_after_s == wait_s


def test_an_overload_under_another_status_is_an_overload() -> None:
    assert judged(status=500, error_type="overloaded_error") == "overloaded"


def test_every_row_has_words_for_the_user_and_fits_its_error_type() -> None:
    for name, row in TABLE.items():
        assert row.name == name
        if row.error_type in STATUS_OF_TYPE:
            assert row.status == STATUS_OF_TYPE[row.error_type]
        assert bool(row.advice) is (name != "served")


@given(
    st.sampled_from(["connect", "headers", "first_event", "mid_stream", "end"]),
    st.none() | st.integers(100, 999),
    st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "x"]), st.text(max_size=12), max_size=2),
    st.none() | st.text(max_size=20),
    st.none() | st.text(max_size=20),
    st.sampled_from([None, "reset", "error_event", "idle_timeout", "closed_early", "client_left"]),
)
def test_whatever_is_seen_has_an_outcome_and_a_sentence(
    phase: str, status: int | None, headers: dict[str, str], kind: str | None, words: str | None, cause: str | None
) -> None:
    outcome = judge(Seen(phase, status, headers, kind, words, cause), NOW)  # type: ignore[arg-type]
    assert TABLE[outcome.name] is outcome.row
    assert outcome.sentence("team").startswith("team: ")
    assert "\n" not in outcome.sentence("team")


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": " 7 "}, 7.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "", "retry-after": "9"}, 9.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:01:30 GMT"}, 90.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:01:30 -0000"}, 90.0),
        ({"retry-after": "Fri, 15 Jan 2027 10:01:30 +0200"}, 90.0),
        ({"retry-after": "Fri, 15 Jan 2027 07:00:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 99 Foo 2027 25:61:61 GMT"}, None),
        ({"retry-after": "Fri, 15 Jan 99999999999999999999 08:00:00 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after-ms": "inf"}, None),
    ],
)
def test_the_time_to_wait_is_read_in_every_form(headers: dict[str, str], wait_s: float | None) -> None:
    assert retry_after_s(headers, NOW) == wait_s


@given(st.text(max_size=40))
def test_no_time_to_wait_makes_it_raise_or_run_away(text: str) -> None:
    wait_s = retry_after_s({"retry-after": text, "retry-after-ms": text}, NOW)
    assert wait_s is None or 0 <= wait_s < float("inf")


def test_the_sentence_has_the_provider_s_own_words_and_the_wait() -> None:
    outcome = judge(Seen("headers", status=429, error_message="Slow\n down", headers={"retry-after": "30"}), NOW)
    assert outcome.sentence("team") == "team: rate limit reached (Slow down), try again in 30 s"


def test_endless_words_of_a_provider_are_cut() -> None:
    assert len(judge(Seen("headers", status=500, error_message="x" * 100_000), NOW).sentence("team")) < 400


def test_an_error_of_ours_has_anthropic_s_shape() -> None:
    assert json.loads(error_body("api_error", 'a "b"', "req_1")) == {
        "type": "error",
        "error": {"type": "api_error", "message": 'a "b"'},
        "request_id": "req_1",
    }
    assert "request_id" not in json.loads(error_body("api_error", "x"))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (45, "45 s"), (720, "12 min"), (12000, "3 h 20 min"), (7200, "2 h"), (172800, "2 days")],
)
def test_a_wait_is_told_as_people_say_it(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
