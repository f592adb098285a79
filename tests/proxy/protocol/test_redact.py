"""Secrets do not leave the engine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.redact import mask, redact

KEYS = (
    "sk-ant-api03-abcdefghijklmnopqrstuvwxyz-0123456789_AA",
    "sk-ant-oat01-abcdefghijklmnopqrstuvwxyz",
    "sk-or-v1-0123456789abcdef0123456789abcdef",
    "sk-proj-abcdefghijklmnopqrstuv",
    "gsk_abcdefghijklmnopqrstuvwxyz",
    "xai-abcdefghijklmnopqrstuvwxyz",
    "AIzaSyAbcdefghijklmnopqrstuvwxyz",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.signature",
    "cctui-abcdefghijklmnopqrstuvwxyz",
)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "around", ["{}", "key={}", "https://x/?key={}&a=b", 'Incorrect API key provided: "{}".', "({})", "a\n{}\nb"]
)
def test_anything_that_looks_like_a_key_is_taken_out(key: str, around: str) -> None:
    assert key not in redact(around.format(key))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_what_follows_bearer_is_taken_out(scheme: str) -> None:
    assert "hush-hush-hush" not in redact(f"authorization: {scheme} hush-hush-hush")


def test_a_known_secret_of_any_look_is_taken_out() -> None:
    assert redact("password is hunter2hunter2!", ("hunter2hunter2!",)) == "password is …2!"


def test_a_secret_that_begins_like_another_leaves_no_tail_of_it() -> None:
    for secrets in (("abcdef", "abcdefghijklmnop"), ("abcdefghijklmnop", "abcdef")):
        assert "ghijkl" not in redact("x abcdefghijklmnop y", secrets)


@given(
    st.text(st.characters(categories=["L", "N"]), min_size=6, max_size=60), st.text(max_size=20), st.text(max_size=20)
)
def test_a_known_secret_never_stands_in_the_text(secret: str, before: str, after: str) -> None:
    assert secret not in redact(before, (secret,)) + "|" + redact(secret, (secret,)) + "|" + redact(after, (secret,))


@pytest.mark.parametrize(
    "text", ["", "claude-opus-4-8", "openrouter: rate limit reached, try again in 30 s", "connection refused"]
)
def test_ordinary_words_stay(text: str) -> None:
    assert redact(text) == text


@given(st.text(max_size=80))
def test_a_mask_shows_too_little_to_use(secret: str) -> None:
    shown = mask(secret)
    assert len(shown) <= 10
    assert len(secret.strip()) < 8 or shown != secret


def test_a_mask_is_recognised() -> None:
    assert mask("sk-ant-api03-abcdefghijklmnop") == "sk-an…mnop"
    assert mask("short") == "…"
