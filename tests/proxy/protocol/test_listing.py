"""Model lists in every shape that providers have, and in none."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.listing import ListedModel, NotAList, Page, read_page
from proxy.protocol.pricing import Price


def page(payload: Any) -> Page:
    return read_page(json.dumps(payload).encode())


def only(entry: Any) -> ListedModel:
    [model] = page({"data": [entry]}).models
    return model


def test_anthropic_s_pages_name_the_next_one() -> None:
    entry = {
        "type": "model",
        "id": "claude-opus-4-8",
        "display_name": "Claude Opus 4.8",
        "max_input_tokens": 1000000,
        "max_tokens": 128000,
    }
    got = page({"data": [entry], "has_more": True, "first_id": "claude-opus-4-8", "last_id": "claude-opus-4-8"})
    assert got.next_query == {"after_id": "claude-opus-4-8"}
    [model] = got.models
    assert (model.name, model.context_window, model.max_output_tokens) == ("Claude Opus 4.8", 1_000_000, 128_000)


@pytest.mark.parametrize(
    "more", [{"has_more": False, "last_id": "x"}, {"has_more": True}, {"has_more": True, "last_id": None}, {}]
)
def test_a_last_page_has_no_next_one(more: dict[str, Any]) -> None:
    assert page({"data": [], **more}).next_query is None


def test_openai_s_list_has_ids_alone() -> None:
    assert only({"id": "gpt-5", "object": "model", "created": 1, "owned_by": "openai"}) == ListedModel("gpt-5")


def test_openrouter_s_prices_are_dollars_per_token_in_text() -> None:
    model = only(
        {
            "id": "anthropic/claude-opus-4.8",
            "name": "Anthropic: Claude Opus 4.8",
            "context_length": 1000000,
            "top_provider": {"max_completion_tokens": 128000},
            "architecture": {"input_modalities": ["text", "image"]},
            "supported_parameters": ["tools", "reasoning"],
            "pricing": {
                "prompt": "0.000005",
                "completion": "0.000025",
                "input_cache_read": "0.0000005",
                "input_cache_write": "0.00000625",
            },
        }
    )
    assert model.price == Price(5 * 10**9, 25 * 10**9, 5 * 10**8, 6_250_000_000, 10 * 10**9)
    assert (model.context_window, model.max_output_tokens) == (1_000_000, 128_000)
    assert (model.tools, model.images, model.thinking) == (True, True, True)


def test_requesty_s_prices_are_dollars_per_token_in_floats() -> None:
    entry = {"id": "openai/gpt-5", "input_price": 1.25e-06, "output_price": 1e-05, "cached_price": 1.25e-07,
    "caching_price": 0.0,
             "context_window": 400000, "supports_vision": True, "supports_reasoning": False}  # fmt: skip
    model = only(entry)
    assert model.price == Price(1_250_000_000, 10 * 10**9, 125_000_000, 0)
    assert (model.images, model.thinking, model.tools) == (True, False, None)


def test_gemini_s_names_lose_their_folder() -> None:
    entry = {
        "name": "models/gemini-2.5-pro",
        "displayName": "Gemini 2.5 Pro",
        "inputTokenLimit": 1048576,
        "outputTokenLimit": 65536,
    }
    got = page({"models": [entry], "nextPageToken": "t2"})
    assert got.models[0] == ListedModel("gemini-2.5-pro", "Gemini 2.5 Pro", 1_048_576, 65_536)
    assert got.next_query == {"pageToken": "t2"}


def test_ollama_s_tags_are_models() -> None:
    assert [
        model.id for model in page({"models": [{"name": "llama3.1:8b", "model": "llama3.1:8b", "size": 4}]}).models
    ] == ["llama3.1:8b"]


def test_xai_s_prices_are_cents_per_hundred_million_tokens() -> None:
    entry = {"id": "grok-4", "object": "model", "owned_by": "xai", "input_modalities": ["text", "image"],
             "prompt_text_token_price": 30000, "cached_prompt_text_token_price": 7500,
             "prompt_image_token_price": 0, "completion_text_token_price": 150000, "search_price": 250000000,
             "aliases": ["grok-4-latest"]}  # fmt: skip
    [model] = page({"models": [entry]}).models
    assert model.price == Price(3 * 10**9, 15 * 10**9, 750_000_000)
    assert (model.id, model.images) == ("grok-4", True)
    text_only = {**entry, "input_modalities": ["text"], "completion_text_token_price": None}
    [other] = page({"models": [text_only]}).models
    assert (other.images, other.price) == (False, None)


def test_mistral_s_models_tell_window_tools_and_eyes() -> None:
    entry = {"id": "mistral-medium-latest", "object": "model", "name": "mistral-medium-2508",
             "max_context_length": 131072, "aliases": ["mistral-medium"],
             "capabilities": {"completion_chat": True, "function_calling": True, "vision": False}}  # fmt: skip
    model = only(entry)
    assert (model.id, model.context_window) == ("mistral-medium-latest", 131_072)
    assert (model.tools, model.images, model.thinking) == (True, False, None)


def test_groq_s_models_tell_their_window_and_the_longest_answer() -> None:
    entry = {"id": "openai/gpt-oss-120b", "object": "model", "owned_by": "OpenAI", "active": True,
             "context_window": 131072, "public_apps": None, "max_completion_tokens": 65536}  # fmt: skip
    assert only(entry) == ListedModel("openai/gpt-oss-120b", context_window=131_072, max_output_tokens=65_536)


def test_a_bare_array_is_a_list() -> None:
    assert [model.id for model in page(["a", {"id": "b"}, None, 5, {}, {"id": ""}, {"id": 7}]).models] == ["a", "b"]


def test_the_window_of_a_local_server_is_read() -> None:
    assert only({"id": "m", "max_model_len": 32768}).context_window == 32_768


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Sign in</html>", b"null", b"5", b'"x"', b"{}", b'{"data":null}', b'{"data":{"id":"x"}}',
    b'{"error":"no"}',
     b"\xff\xfe", b"[" * 100_000, b'{"data":["\xff"]}', b'{"data":[' + b"9" * 5000 + b"]}"],
)  # fmt: skip
def test_what_is_no_list_is_said_in_words(body: bytes) -> None:
    with pytest.raises(NotAList, match="the answer "):
        read_page(body)


def test_the_words_about_a_page_quote_its_start() -> None:
    with pytest.raises(NotAList, match="it starts with '<html>"):
        read_page(b"<html>Sign in</html>")


@pytest.mark.parametrize(
    "prices",
    [
        {},
        {"prompt": "0.1"},
        {"completion": "0.1"},
        {"prompt": "-1", "completion": "-1"},
        {"prompt": "x", "completion": None},
        [],
    ],
)
def test_half_a_price_is_no_price(prices: Any) -> None:
    assert only({"id": "m", "pricing": prices}).price is None


def test_a_free_model_costs_nothing_and_is_not_unknown() -> None:
    assert only({"id": "m:free", "pricing": {"prompt": "0", "completion": "0"}}).price == Price(0, 0)


@pytest.mark.parametrize(
    ("model", "write", "expected"),
    [
        ("anthropic/claude-opus-4.8", "0.00000625", 10 * 10**9),
        ("openai/gpt-5.5", "0.00000625", None),
        ("anthropic/claude-opus-4.8", "0", None),
        ("anthropic/claude-opus-4.8", None, None),
        ("claude-haiku-4-5", "0.00002", 20 * 10**9),
    ],
)
def test_an_hour_in_claude_s_cache_costs_twice_the_input_where_writing_to_it_costs(
    model: str, write: str | None, expected: int | None
) -> None:
    prices = {"prompt": "0.000005", "completion": "0.000025", "input_cache_write": write}
    price = only({"id": model, "pricing": prices}).price
    assert price is not None
    assert price.cache_write_1h == expected


@pytest.mark.parametrize("price", [3.0, "15", 0.5, 1e300, "Infinity", "NaN"])
def test_a_price_that_cannot_be_for_one_token_is_unknown(price: object) -> None:
    assert only({"id": "m", "input_price": price, "output_price": price}).price is None


@pytest.mark.parametrize("window", [0, -1, 0.5, 1e308, 10**30, "128000", True, None, [], {}])
def test_a_window_that_cannot_be_is_unknown(window: object) -> None:
    assert only({"id": "m", "context_length": window}).context_window is None


@pytest.mark.parametrize(
    ("entry", "tools"),
    [
        ({"supports_tools": True}, True),
        ({"supports_tools": False}, False),
        ({"capabilities": {"tool_calling": {"supported": False}}}, False),
        ({"capabilities": {"tools": {"supported": True}}}, True),
        ({"capabilities": {"tools": True}}, True),
        ({"supported_parameters": ["temperature"]}, False),
        ({"capabilities": ["completion"]}, None),
        ({}, None),
    ],
)
def test_an_ability_is_claimed_denied_or_unknown(entry: dict[str, Any], tools: bool | None) -> None:
    assert only({"id": "m", **entry}).tools is tools


NAMES = ["id", "name", "data", "models", "pricing", "prompt", "completion", "context_length", "capabilities",
"tools", "has_more",
         "last_id", "top_provider", "architecture", "input_modalities", "max_tokens", "supported",
         "input_price"]  # fmt: skip


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
        max_leaves=20,
    )
)
def test_any_json_is_a_list_that_can_be_kept_or_no_list(payload: object) -> None:
    try:
        models = page(payload).models
    except NotAList:
        return
    assert msgspec.json.decode(msgspec.json.encode(models), type=tuple[ListedModel, ...]) == models


@given(st.binary(max_size=60))
def test_any_bytes_are_a_list_or_no_list(body: bytes) -> None:
    with contextlib.suppress(NotAList):
        read_page(body)
