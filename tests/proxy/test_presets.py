"""Known providers as data: nothing in the table may contradict another line of it."""

import json
from collections import Counter
from urllib.parse import urlsplit

import pytest

from proxy.addresses import normal_base_url
from proxy.dialects.dialect import Occasion
from proxy.dialects.openai_chat import OpenAIChat
from proxy.presets import BY_NAME, PRESETS, Preset
from proxy.prices import list_price

WANTED = (
    "anthropic", "openrouter", "requesty", "respan", "flo2", "litellm", "ollama", "lmstudio", "llamacpp", "vllm",
    "deepseek", "moonshot", "kimi-coding", "zai", "minimax", "qwen", "azure", "custom", "simulator", "openai", "gemini",
    "gemini-openai", "bedrock", "bedrock-mantle", "claude-aws", "vertex", "google-cloud", "azure-openai", "groq",
    "mistral", "xai", "cerebras", "github-models", "openai-compatible",
)  # fmt: skip


def test_every_promised_provider_is_there_once() -> None:
    assert sorted(preset.name for preset in PRESETS) == sorted(WANTED)
    assert len(BY_NAME) == len(PRESETS)


def test_no_variable_and_no_port_stands_for_two_providers() -> None:
    variables = Counter(name for preset in PRESETS for name in preset.key_variables)
    ports = Counter(preset.local_port for preset in PRESETS if preset.local_port)
    assert set(variables.values()) | set(ports.values()) == {1}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_an_address_is_in_its_normal_form_and_guarded_by_https(preset: Preset) -> None:
    if preset.base_url is None:
        assert preset.hint
        return
    address = preset.base_url.format(region="us-east-1", host="aiplatform.googleapis.com", project="p")
    parts = urlsplit(address)
    assert normal_base_url(address, preset.dialect) == address
    assert parts.scheme == "https" or parts.hostname in ("localhost", "simulator.invalid")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_key_never_strays_to_the_host_of_a_list(preset: Preset) -> None:
    if preset.models_url and preset.base_url:
        listed, base = urlsplit(preset.models_url), urlsplit(preset.base_url)
        assert (listed.scheme, listed.netloc) == (base.scheme, base.netloc)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_only_anthropic_gets_the_client_s_own_credential(preset: Preset) -> None:
    assert (preset.auth == "passthrough") is (preset.name == "anthropic")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_local_server_listens_where_its_address_says(preset: Preset) -> None:
    if preset.local_port:
        assert urlsplit(preset.base_url or "").port == preset.local_port


@pytest.mark.parametrize(
    ("preset", "model"),
    [
        ("anthropic", "claude-opus-4-8"), ("openrouter", "anthropic/claude-opus-4.8"), ("deepseek", "deepseek-v4-pro"),
        ("zai", "glm-4.7"), ("litellm", "anthropic/claude-opus-4-8"), ("azure", "claude-opus-4-8"),
    ],
)  # fmt: skip
def test_the_price_list_knows_the_provider_by_the_name_that_we_give_it(preset: str, model: str) -> None:
    assert list_price(BY_NAME[preset].price_catalog, model, "2026-11-20") is not None


@pytest.mark.parametrize(
    ("name", "back"),
    [
        ("deepseek", "reasoning_content"),
        ("moonshot", "reasoning_content"),
        ("kimi-coding", "reasoning_content"),
        ("zai", "reasoning_content"),
        ("minimax", "inline"),
    ],
)
def test_models_that_must_get_their_reasoning_back_get_it_in_the_chat_format_too(name: str, back: str) -> None:
    assert BY_NAME[name].quirks.reasoning_back == back


def test_deepseek_s_anthropic_format_has_terms_of_its_own() -> None:
    quirks = BY_NAME["deepseek"].quirks
    assert (quirks.effort_without_thinking, quirks.thinking_back) == (False, True)


@pytest.mark.parametrize("name", ["openai", "azure-openai"])
def test_openai_s_models_take_tools_in_the_chat_format_without_effort_only(name: str) -> None:
    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9, "output_config": {"effort": "high"}}
    tool = {"name": "now", "input_schema": {"type": "object"}}
    occasion = Occasion("gpt-5.5", "msg_1", quirks=BY_NAME[name].quirks)
    sent = json.loads(OpenAIChat().request({**body, "tools": [tool]}, occasion).body)
    assert (sent["reasoning_effort"], sent["max_completion_tokens"]) == ("none", 9)
    assert "max_tokens" not in sent


def test_openai_counts_tokens() -> None:
    preset = BY_NAME["openai"]
    assert (preset.count_tokens, preset.quirks.counts_tokens) == (True, True)
