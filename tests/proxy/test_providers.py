"""Which providers there are, and that no credential is set up to go to a host that it is not meant for."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from proxy.catalog import Listing
from proxy.health import HealthView
from proxy.presets import BY_NAME, PRESETS
from proxy.protocol.breaker import CLOSED, Breaker
from proxy.providers import ProviderConfig, local_provider, resolve_providers
from proxy.settings import Settings, SettingsError, load_settings
from proxy.views import provider_view

SECRET = "sk-very-secret-0123456789"


def settings(**tables: Any) -> Settings:
    return load_settings(Path("/nonexistent/config.toml"), tables, {})


def resolved(environ: dict[str, str] | None = None, **providers: Any) -> dict[str, ProviderConfig]:
    return resolve_providers(settings(providers=providers), environ or {})


class TestPresence:
    def test_with_nothing_set_there_are_anthropic_and_the_simulator(self) -> None:
        assert set(resolved()) == {"anthropic", "simulator"}

    @pytest.mark.parametrize(
        ("preset", "variable"),
        [(preset.name, name) for preset in PRESETS if preset.base_url for name in preset.key_variables],
    )
    def test_a_provider_appears_when_its_key_is_in_the_environment(self, preset: str, variable: str) -> None:
        config = resolved({variable: SECRET})[preset]
        assert [key.get_secret_value() for key in config.keys] == [f"env:{variable}"]
        assert config.origin == variable

    def test_an_empty_key_is_no_key(self) -> None:
        assert "openrouter" not in resolved({"OPENROUTER_API_KEY": ""})

    @pytest.mark.parametrize(
        "preset",
        [each for each in PRESETS if not each.base_url and each.base_url_variable and each.key_variables],
    )
    def test_a_provider_without_a_known_address_appears_when_both_are_told(self, preset: Any) -> None:
        [variable] = preset.key_variables
        assert preset.name not in resolved({variable: SECRET})
        found = resolved({variable: SECRET, preset.base_url_variable: "https://x.example/anthropic/v1/"})
        assert found[preset.name].base_url == "https://x.example/anthropic"

    def test_a_disabled_provider_stays_away_even_if_its_key_is_there(self) -> None:
        found = resolved({"OPENROUTER_API_KEY": SECRET}, openrouter={"enabled": False}, anthropic={"enabled": False})
        assert set(found) == {"simulator"}

    def test_the_user_s_own_table_beats_the_environment(self) -> None:
        config = resolved({"OPENROUTER_API_KEY": SECRET}, openrouter={"api_key": "env:MINE"})["openrouter"]
        assert [key.get_secret_value() for key in config.keys] == ["env:MINE"]
        assert config.origin == "config.toml"

    def test_a_table_under_a_preset_s_name_starts_from_it(self) -> None:
        assert resolved(deepseek={"api_key": "env:X"})["deepseek"].base_url == BY_NAME["deepseek"].base_url

    def test_a_table_under_another_name_may_name_a_preset(self) -> None:
        config = resolved({"OPENROUTER_API_KEY": SECRET}, second={"preset": "openrouter"})["second"]
        assert (config.base_url, config.preset) == (BY_NAME["openrouter"].base_url, "openrouter")

    def test_an_address_that_has_to_be_told_is_asked_for_in_words(self) -> None:
        with pytest.raises(SettingsError, match=r"providers\.azure: base_url is missing\. base_url = "):
            resolved(azure={"api_key": "env:X"})

    def test_timeouts_of_a_provider_beat_the_engine_s(self) -> None:
        chosen = settings(
            engine={"idle_timeout_s": 7}, providers={"a": {"base_url": "https://x", "first_event_timeout_s": 9}}
        )
        config = resolve_providers(chosen, {})["a"]
        assert (config.idle_timeout_s, config.first_event_timeout_s) == (7, 9)

    def test_simulators_are_told_apart_by_their_host(self) -> None:
        found = resolved(one={"preset": "simulator"}, two={"preset": "simulator"})
        assert len({found[name].base_url for name in ("one", "two", "simulator")}) == 3


class TestCredentials:
    @pytest.mark.parametrize(
        "base_url",
        [
            "https://gateway.example.com", "https://api.anthropic.com.evil.example",
            "https://evil.example/api.anthropic.com",
            "https://anthropic.com", "https://eu.api.anthropic.com", "https://apixanthropic.com",
        ],
    )  # fmt: skip
    def test_the_client_s_login_goes_to_no_other_host(self, base_url: str) -> None:
        with pytest.raises(SettingsError, match=r"would send your Anthropic login to .* passthrough_host = "):
            resolved(anthropic={"base_url": base_url})
        with pytest.raises(SettingsError, match="passthrough"):
            resolved(team={"base_url": base_url, "auth": "passthrough"})

    def test_another_host_gets_it_only_if_the_user_names_that_host(self) -> None:
        team = {
            "base_url": "https://gateway.example.com/x",
            "auth": "passthrough",
            "passthrough_host": "Gateway.example.com",
        }
        assert resolved(team=team)["team"].auth == "passthrough"
        with pytest.raises(SettingsError, match="passthrough"):
            resolved(team={**team, "passthrough_host": "other.example.com"})
        with pytest.raises(SettingsError, match="passthrough"):
            resolved(team={**team, "passthrough_host": ""})

    def test_the_login_never_goes_in_the_clear(self) -> None:
        with pytest.raises(SettingsError, match="https only"):
            resolved(anthropic={"base_url": "http://api.anthropic.com"})

    def test_anthropic_s_own_host_needs_no_naming(self) -> None:
        assert resolved(anthropic={"base_url": "https://API.anthropic.com/v1"})["anthropic"].real_claude

    @pytest.mark.parametrize(
        "models_url", ["https://evil.example/v1/models", "https://h.example.evil.example/", "http://h.example/models"]
    )
    def test_a_list_elsewhere_would_take_the_key_with_it_and_is_refused(self, models_url: str) -> None:
        with pytest.raises(SettingsError, match="models_url must be"):
            resolved(team={"base_url": "https://h.example", "api_key": "k", "models_url": models_url})

    def test_a_list_on_the_same_host_may_have_another_path(self) -> None:
        team = {"base_url": "https://h.example/anthropic", "models_url": "https://h.example/v1/models?x=1"}
        assert resolved(team=team)["team"].models_url == "https://h.example/v1/models?x=1"

    def test_another_base_takes_the_preset_s_list_along(self) -> None:
        config = resolved(deepseek={"base_url": "https://proxy.example/anthropic", "api_key": "k"})["deepseek"]
        assert config.models_url == "https://proxy.example/anthropic/v1/models"

    def test_a_local_server_with_a_key_gets_it(self) -> None:
        assert resolved(ollama={"api_key": "k"})["ollama"].auth == "bearer"

    def test_no_key_is_in_what_a_provider_prints(self) -> None:
        config = resolved(team={"base_url": "https://x", "api_key": SECRET, "headers": {"X-Key": SECRET}})["team"]
        assert SECRET not in repr(config) + str(config)

    def test_who_needs_nothing_of_the_client(self) -> None:
        found = resolved({"OPENROUTER_API_KEY": SECRET}, local={"preset": "ollama"}, bare={"base_url": "https://x"})
        assert {name: config.own_credential for name, config in found.items()} == {
            "local": True, "bare": False, "anthropic": False, "openrouter": True, "simulator": True,
        }  # fmt: skip


class TestAddressVariables:
    @pytest.mark.parametrize(
        ("told", "base"),
        [
            ("0.0.0.0", "http://127.0.0.1:11434"),
            ("0.0.0.0:8080", "http://127.0.0.1:8080"),
            ("http://0.0.0.0:8080", "http://127.0.0.1:8080"),
            (":8080", "http://127.0.0.1:8080"),
            ("[::]:8080", "http://127.0.0.1:8080"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("box.lan", "http://box.lan:11434"),
            ("box.lan:8080", "http://box.lan:8080"),
            ("https://box.lan/ollama/", "https://box.lan/ollama"),
            ("10.0.0.10", "http://10.0.0.10:11434"),
        ],
    )
    def test_ollama_s_own_variable_is_read_as_ollama_reads_it(self, told: str, base: str) -> None:
        assert local_provider(BY_NAME["ollama"], settings(), {"OLLAMA_HOST": told}).base_url == base

    def test_a_wrong_address_in_a_variable_is_named(self) -> None:
        environ = {"RESPAN_API_KEY": SECRET, "RESPAN_BASE_URL": "gateway.example.com"}
        with pytest.raises(SettingsError, match=r"environment: RESPAN_BASE_URL: 'gateway\.example\.com' has no scheme"):
            resolved(environ)

    def test_a_local_server_says_where_it_was_found(self) -> None:
        assert local_provider(BY_NAME["lmstudio"], settings(), {}).origin == "port 1234"


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_preset_is_usable_as_it_stands(preset: Any) -> None:
    own = {"preset": preset.name} if preset.base_url else {"preset": preset.name, "base_url": "https://x.example"}
    own |= {"project": "p"} if preset.project_variables else {}
    config = resolved(mine=own)["mine"]
    assert urlsplit(config.base_url).scheme in ("http", "https")
    assert config.models_url is None or urlsplit(config.models_url).hostname == urlsplit(config.base_url).hostname
    assert preset.base_url is not None or preset.hint


class TestClouds:
    def test_the_region_is_the_user_s_then_the_environment_s_then_the_preset_s(self) -> None:
        host = "https://bedrock-runtime.{}.amazonaws.com"
        environ = {"AWS_REGION": "eu-west-1"}
        assert resolved(bedrock={"region": "us-west-2"})["bedrock"].base_url == host.format("us-west-2")
        assert resolved(environ, bedrock={})["bedrock"].base_url == host.format("eu-west-1")
        assert resolved(bedrock={})["bedrock"].base_url == host.format("us-east-1")

    def test_a_region_cannot_lead_requests_to_another_host(self) -> None:
        with pytest.raises(SettingsError, match="regions look like us-east-1"):
            resolved(bedrock={"region": "evil.example/x"})

    @pytest.mark.parametrize(
        ("region", "host"),
        [
            ("global", "aiplatform.googleapis.com"),
            ("eu", "aiplatform.eu.rep.googleapis.com"),
            ("europe-west1", "europe-west1-aiplatform.googleapis.com"),
        ],
    )
    def test_vertex_has_a_host_for_each_location(self, region: str, host: str) -> None:
        config = resolved(vertex={"region": region, "project": "p-1"})["vertex"]
        assert config.base_url == f"https://{host}/v1/projects/p-1/locations/{region}/publishers/anthropic/models"

    def test_a_bedrock_key_is_a_bearer_and_needs_no_signature(self) -> None:
        config = resolved({"AWS_BEARER_TOKEN_BEDROCK": "b"})["bedrock"]
        assert (config.auth, config.own_credential) == ("bearer", True)
        assert resolved(bedrock={})["bedrock"].auth == "aws"

    def test_vertex_without_a_project_says_what_is_missing(self) -> None:
        with pytest.raises(SettingsError, match=r"providers\.vertex: project is missing\. pip install"):
            resolved(vertex={})


class TestQuirks:
    def test_the_user_s_own_change_the_preset_s_one_by_one(self) -> None:
        config = resolved(mistral={"api_key": "k", "quirks": {"stop_max": 1}})["mistral"]
        assert (config.quirks.stop_max, config.quirks.tool_ids) == (1, "nine")

    @pytest.mark.parametrize(
        ("quirks", "words"),
        [
            ({"stopmax": 1}, r"providers\.x\.quirks: stopmax is no quirk; did you mean stop_max\?"),
            ({"tool_ids": "ten"}, r"providers\.x\.quirks\.tool_ids: "),
        ],
    )
    def test_a_wrong_one_is_refused_with_the_known_ones(self, quirks: dict[str, Any], words: str) -> None:
        with pytest.raises(SettingsError, match=words):
            resolved(x={"base_url": "https://x.example", "quirks": quirks})


def test_openai_s_addresses_keep_their_version_and_lose_what_requests_add() -> None:
    config = resolved(x={"dialect": "openai-chat", "base_url": "https://h.example/openai/v1/chat/completions"})["x"]
    assert (config.base_url, config.models_url) == ("https://h.example/openai/v1", "https://h.example/openai/v1/models")
    assert resolved(x={"dialect": "openai-chat", "base_url": "http://localhost:1234"})["x"].base_url.endswith("/v1")


def test_what_a_provider_cannot_take_is_known_before_anything_is_sent() -> None:
    config = resolved(cerebras={"api_key": "k", "quirks": {"forced_tools": "no"}})["cerebras"]
    view = provider_view(config, health(), Listing(), 0, {})
    assert view.cannot == ("images", "PDF documents", "a demand for a tool", "effort")


def health(*keys: Breaker) -> HealthView:
    """Of a provider whose keys have these breakers, at the time 1000."""
    return HealthView(1000.0, "unused", None, None, 0, False, (), ((),) * len(keys), keys, None, None)


def test_a_refused_key_is_shown_so_until_it_serves_and_not_until_it_may_be_tried_again() -> None:
    config = resolved(team={"base_url": "https://h.example", "api_key": ["k1", "k2"]})["team"]
    refused = Breaker(1, 900.0, "team: refused the key", "key_refused", 890.0)
    told = provider_view(config, health(refused, CLOSED), Listing(), 0, {}).keys
    assert [(each.state, each.text, each.retry_at) for each in told] == [
        ("refused", "team: refused the key", None),
        ("ok", None, None),
    ]
