"""One model under many spellings, and many models that only look alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.naming import canonical, closest, family_of, match, published_id, published_target, stand_in

SPELLINGS = (
    "claude-opus-4-8",
    "claude-opus-4-8[1m]",
    "anthropic/claude-opus-4.8",
    "anthropic/claude-opus-4-8",
    "claude-opus-4-8@20260101",
    "claude-opus-4-8-20260101",
    "anthropic.claude-opus-4-8-v1:0",
    "anthropic.claude-opus-4-8-v1",
    "us.anthropic.claude-opus-4-8-v1:0",
    "us-gov.anthropic.claude-opus-4-8-20260101-v1:0",
    "jp.anthropic.claude-opus-4-8-20260101-v2:0",
    "global.anthropic.claude-opus-4-8",
    "bedrock/eu.anthropic.claude-opus-4-8-v1:0",
    "CLAUDE-OPUS-4.8",
)
DISTINCT = (
    ("gpt-5", "gpt-5-mini"),
    ("gpt-5", "gpt-5.1"),
    ("claude-opus-4", "claude-opus-4-8"),
    ("claude-opus-4-8", "claude-sonnet-4-8"),
    ("deepseek/deepseek-r1", "deepseek/deepseek-r1:free"),
    ("anthropic/claude-opus-4.8", "anthropic/claude-opus-4.8:thinking"),
    ("deepseek-v3", "deepseek-v4"),
    ("deepseek-v3", "deepseek"),
    ("deepseek/deepseek-v4-pro", "deepseek/deepseek-v4-flash"),
    ("llama3:8b", "llama3:70b"),
    ("qwen2.5-coder:7b", "qwen2.5-coder:32b"),
    ("claude-v1", "claude-v2"),
    ("gemini-2.5-pro", "gemini-2.5-pro-preview"),
)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_a_model_is_the_same_model(spelling: str) -> None:
    assert canonical(spelling) == "claude-opus-4-8"


@pytest.mark.parametrize(("one", "other"), DISTINCT)
def test_models_that_only_look_alike_stay_apart(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)
    assert match(one, [other]) is None
    assert match(other, [one]) is None


@given(st.sampled_from([*SPELLINGS, *(name for pair in DISTINCT for name in pair)]) | st.text(max_size=20))
def test_a_canonical_name_is_its_own(name: str) -> None:
    assert canonical(canonical(name)) == canonical(name) or "/" in name or not name.isascii() or name not in SPELLINGS


@pytest.mark.parametrize(
    ("asked", "listed", "found"),
    [
        ("claude-opus-4-8", ["claude-opus-4-8"], "claude-opus-4-8"),
        ("claude-opus-4-8[1m]", ["claude-opus-4-8"], "claude-opus-4-8"),
        (
            "claude-opus-4-8",
            ["anthropic/claude-opus-4.8:thinking", "anthropic/claude-opus-4.8"],
            "anthropic/claude-opus-4.8",
        ),
        ("gpt-5", ["gpt-5-mini", "gpt-5", "openai/gpt-5"], "gpt-5"),
        ("gpt-5", ["openai/gpt-5-mini"], None),
        ("claude-haiku-4-5-20251001", ["claude-haiku-4-5"], "claude-haiku-4-5"),
        ("claude-haiku-4-5", ["claude-haiku-4-5-20251001"], "claude-haiku-4-5-20251001"),
        ("claude-haiku-4-5", ["claude-haiku-4-5-20251001", "claude-haiku-4-5-20260301"], "claude-haiku-4-5-20260301"),
        ("claude-haiku-4-5", ["claude-haiku-4-5@20251001", "anthropic/claude-haiku-4.5"], "anthropic/claude-haiku-4.5"),
        (
            "claude-haiku-4-5-20251001",
            ["claude-haiku-4-5@20260301", "claude-haiku-4-5@20251001", "x/claude-haiku-4.5"],
            "claude-haiku-4-5@20251001",
        ),
        (
            "anthropic/claude-3-5-sonnet-20240620",
            ["us.anthropic.claude-3-5-sonnet-20241022-v2:0", "us.anthropic.claude-3-5-sonnet-20240620-v1:0"],
            "us.anthropic.claude-3-5-sonnet-20240620-v1:0",
        ),
        (
            "claude-3-5-sonnet",
            ["us.anthropic.claude-3-5-sonnet-20240620-v1:0", "us.anthropic.claude-3-5-sonnet-20241022-v2:0"],
            "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
        ),
        ("claude-opus-4-8", [], None),
        ("", ["claude-opus-4-8"], None),
        ("deepseek/deepseek-r1", ["deepseek/deepseek-r1:free"], None),
    ],
)
def test_an_asked_name_finds_the_listed_id(asked: str, listed: list[str], found: str | None) -> None:
    assert match(asked, listed) == found


@pytest.mark.parametrize(
    ("asked", "listed", "found"),
    [
        ("claude-haiku-4-5", ["claude-opus-4-8", "claude-sonnet-4-6"], "claude-sonnet-4-6"),
        ("claude-opus-9", ["claude-opus-4-1-20250805", "claude-opus-4-8", "claude-3-opus-20240229"], "claude-opus-4-8"),
        ("claude-sonnet-9", ["claude-haiku-4-5", "claude-opus-4-8"], "claude-opus-4-8"),
        (
            "claude-haiku-9",
            ["anthropic/claude-haiku-4.5:free", "anthropic/claude-opus-4.8"],
            "anthropic/claude-opus-4.8",
        ),
        ("opus", ["anthropic/claude-opus-4.8"], "anthropic/claude-opus-4.8"),
        ("claude-opus-4-10", ["claude-opus-4-9", "claude-opus-4-11"], "claude-opus-4-11"),
        ("claude-fable-5-2", ["claude-opus-5-5", "claude-sonnet-5"], "claude-opus-5-5"),
        ("gpt-5", ["claude-opus-4-8"], None),
        ("claude-haiku-4-5", ["gpt-5", "sonnet-of-shakespeare"], None),
    ],
)
def test_a_background_model_that_a_provider_lacks_has_a_stand_in(
    asked: str, listed: list[str], found: str | None
) -> None:
    assert stand_in(asked, listed) == found


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("claude-opus-4-8[1m]", "opus"),
        ("anthropic/claude-haiku-4.5", "haiku"),
        ("claude-3-5-sonnet-20241022", "sonnet"),
        ("opus", "opus"),
        ("magnum-opus-72b", None),
        ("claude-fable-5", None),
        ("gpt-5", None),
        ("", None),
        (None, None),
    ],
)
def test_only_claude_models_have_a_family(model: str | None, family: str | None) -> None:
    assert family_of(model) == family


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openrouter", "deepseek/deepseek-r1:free"), ("ollama", "llama3.1:8b"), ("anthropic", "claude-opus-4-8"),
        ("team.eu", "a/b/c"),
    ],
)  # fmt: skip
def test_a_published_id_maps_back_to_exactly_its_target(provider: str, model: str) -> None:
    published = published_id(provider, model)
    assert published.startswith("anthropic")
    assert published_target(published, ["other", provider]) == (provider, model)
    assert published_target(published + "[1m]", [provider]) == (provider, model)


@pytest.mark.parametrize(
    "asked",
    [
        "claude-opus-4-8",
        "anthropic/claude-opus-4.8",
        "anthropic/gone/model",
        "anthropic/openrouter/",
        "anthropic/",
        "",
        "openrouter/x",
    ],
)
def test_any_other_id_is_not_taken_for_a_published_one(asked: str) -> None:
    assert published_target(asked, ["openrouter", "anthropic"]) is None


def test_names_that_may_have_been_meant_come_nearest_first() -> None:
    assert closest("opnerouter", ["anthropic", "openrouter", "ollama"])[0] == "openrouter"
    assert closest("opus", ["anthropic/claude-opus-4-8", "gpt-5"]) == ["anthropic/claude-opus-4-8"]
    assert closest("zzz", ["anthropic"]) == []
