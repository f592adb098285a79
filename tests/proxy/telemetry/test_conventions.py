"""Names of OpenTelemetry's conventions for what the engine knows under names of its own."""

import pytest
from opentelemetry.semconv._incubating.attributes.gen_ai_attributes import GenAiProviderNameValues

from proxy import contract as c
from proxy.presets import PRESETS
from proxy.providers import ProviderConfig
from proxy.telemetry.conventions import PROVIDER_NAMES, span_of

WELL_KNOWN = {each.value for each in GenAiProviderNameValues} | {"moonshot_ai"}
"""The installed package's list is from before the conventions moved to a repository of their own and grew."""
UNKNOWN = {
    *("openrouter", "requesty", "respan", "flo2", "litellm", "ollama", "lmstudio", "llamacpp", "vllm"),
    *("zai", "minimax", "qwen", "cerebras", "github-models", "simulator"),
}
"""Presets for which the conventions have no value."""


def named(preset: str) -> object:
    url = "https://example.com"
    provider = ProviderConfig("mine", preset, "anthropic", url, "none", keys=(), origin="config.toml")
    request = c.Request(id="r", started_at=0.0, provider="mine", phase="done", outcome="served")
    return span_of(request, provider).attributes["gen_ai.provider.name"]


@pytest.mark.parametrize(
    ("preset", "name"),
    [
        ("azure-openai", "azure.ai.openai"),
        ("gemini-openai", "gcp.gemini"),
        ("bedrock-mantle", "aws.bedrock"),
        ("claude-aws", "anthropic"),
        ("google-cloud", "gcp.gen_ai"),
        ("kimi-coding", "moonshot_ai"),
        ("anthropic", "anthropic"),
        ("groq", "groq"),
        ("custom", "mine"),
        ("openai-compatible", "mine"),
    ],
)
def test_a_provider_has_the_name_of_the_conventions(preset: str, name: str) -> None:
    assert named(preset) == name


def test_every_preset_has_a_well_known_name_or_none_is_known() -> None:
    presets = {each.name for each in PRESETS} - {"custom", "openai-compatible"}
    assert {preset for preset in presets if named(preset) not in WELL_KNOWN} == UNKNOWN
    assert set(PROVIDER_NAMES) <= presets
