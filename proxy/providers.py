"""Which providers there are: settings, presets and environment resolved into frozen ``ProviderConfig`` values.

Pure but for the environment that is passed in. Raises ``SettingsError`` for what cannot work, in particular for
anything that would send a credential to a host that it is not meant for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

from pydantic import SecretStr

from proxy.presets import BY_NAME, PRESETS, Auth, Dialect, Preset
from proxy.settings import ProviderSettings, Settings, SettingsError, SimulatorSettings, normal_base_url

ANTHROPIC_HOST = "api.anthropic.com"
"""The one host that gets the client's own credential without being named by the user."""

_SERVER = re.compile(r"^(\w+://)?(\[[^\]]*\]|[^:/]*)(:\d+)?(.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """A provider, ready to be used."""

    name: str
    preset: str
    dialect: Dialect
    base_url: str
    auth: Auth
    keys: tuple[SecretStr, ...]
    """As written: a literal, ``env:NAME`` or ``cmd:…``."""
    origin: str
    headers: Mapping[str, SecretStr] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    context_windows: Mapping[str, int] = field(default_factory=dict)
    models_url: str | None = None
    """None: it lists none."""
    background_model: str | None = None
    count_tokens: bool = False
    price_catalog: str | None = None
    free: bool = False
    first_event_timeout_s: float = 180.0
    idle_timeout_s: float = 300.0
    simulator: SimulatorSettings | None = None
    enabled: bool = True

    @property
    def simulated(self) -> bool:
        return self.preset == "simulator"

    @property
    def own_credential(self) -> bool:
        """It needs nothing of the client's: it has a key, or takes none."""
        return self.auth == "none" or bool(self.keys)

    @property
    def real_claude(self) -> bool:
        """Requests reach Anthropic's own API."""
        return _host_of(self.base_url) == ANTHROPIC_HOST


@lru_cache(maxsize=256)
def _host_of(url: str) -> str | None:
    return urlsplit(url).hostname


def resolve_providers(settings: Settings, environ: Mapping[str, str]) -> dict[str, ProviderConfig]:
    """Every provider by name: those in the settings, then those whose key variable is set, then Anthropic."""
    found = {
        name: _from_settings(name, each, settings, environ) for name, each in settings.providers.items() if each.enabled
    }
    for preset in PRESETS:
        if preset.name in settings.providers or (preset.base_url is None and not _variable_url(preset, environ)):
            continue
        variable = next((name for name in preset.key_variables if environ.get(name)), None)
        if variable or preset.name in ("anthropic", "simulator"):
            found[preset.name] = _from_preset(preset, variable, settings, environ)
    return found


def local_provider(preset: Preset, settings: Settings, environ: Mapping[str, str]) -> ProviderConfig:
    """A local server that answers on its well-known port."""
    return _build(preset.name, preset, ProviderSettings(), settings, environ, origin=f"port {preset.local_port}")


def _from_preset(
    preset: Preset, variable: str | None, settings: Settings, environ: Mapping[str, str]
) -> ProviderConfig:
    own = ProviderSettings(api_key=[SecretStr(f"env:{variable}")] if variable else [])
    return _build(preset.name, preset, own, settings, environ, origin=variable or "built in")


def _from_settings(name: str, own: ProviderSettings, settings: Settings, environ: Mapping[str, str]) -> ProviderConfig:
    preset = BY_NAME[own.preset or (name if name in BY_NAME else "custom")]
    return _build(name, preset, own, settings, environ, origin="config.toml")


def _build(
    name: str, preset: Preset, own: ProviderSettings, settings: Settings, environ: Mapping[str, str], origin: str
) -> ProviderConfig:
    base_url = own.base_url or _variable_url(preset, environ) or preset.base_url
    if preset.name == "simulator":
        base_url = f"http://{name}.simulator.invalid"
    if base_url is None:
        raise SettingsError(f"providers.{name}: base_url is missing. {preset.hint}")
    auth = own.auth or ("bearer" if preset.auth == "none" and own.api_key else preset.auth)
    keys = tuple(own.api_key)
    if not keys and auth != "none" and (variable := next((v for v in preset.key_variables if environ.get(v)), None)):
        keys = (SecretStr(f"env:{variable}"),)
    config = ProviderConfig(
        name=name,
        preset=preset.name,
        dialect=own.dialect or preset.dialect,
        base_url=base_url,
        auth=auth,
        keys=keys,
        origin=origin,
        headers=own.headers,
        models=tuple(own.models) or preset.models,
        context_windows=own.context_windows,
        models_url=_models_url(own, preset, base_url),
        background_model=own.background_model,
        count_tokens=preset.count_tokens if own.count_tokens is None else own.count_tokens,
        price_catalog=preset.price_catalog,
        free=preset.free,
        first_event_timeout_s=own.first_event_timeout_s or settings.engine.first_event_timeout_s,
        idle_timeout_s=own.idle_timeout_s or settings.engine.idle_timeout_s,
        simulator=own.simulator or (SimulatorSettings() if preset.name == "simulator" else None),
    )
    _refuse_stray_credentials(config, own)
    return config


def _models_url(own: ProviderSettings, preset: Preset, base_url: str) -> str | None:
    if own.models_url:
        return own.models_url
    if not preset.lists_models:
        return None
    if preset.models_url and base_url == preset.base_url:
        return preset.models_url
    return f"{base_url}/v1/models"


def _refuse_stray_credentials(config: ProviderConfig, own: ProviderSettings) -> None:
    host = urlsplit(config.base_url).hostname
    if config.models_url and urlsplit(config.models_url).hostname != host:
        raise SettingsError(f"providers.{config.name}: models_url must be on {host}, or the key would go elsewhere")
    if config.base_url.startswith("https:") and (config.models_url or "https:").startswith("http:"):
        raise SettingsError(f"providers.{config.name}: models_url must be https as base_url is")
    if config.auth == "passthrough" and host == ANTHROPIC_HOST and not config.base_url.startswith("https:"):
        raise SettingsError(f"providers.{config.name}: your Anthropic login goes over https only; write https://{host}")
    if config.auth == "passthrough" and host not in (ANTHROPIC_HOST, (own.passthrough_host or "").lower()):
        raise SettingsError(
            f'providers.{config.name}: auth = "passthrough" would send your Anthropic login to {host}. '
            f'If that is meant, add passthrough_host = "{host}".'
        )


def _variable_url(preset: Preset, environ: Mapping[str, str]) -> str | None:
    text = environ.get(preset.base_url_variable or "")
    if not text:
        return None
    try:
        return normal_base_url(_server_address(text) if preset.name == "ollama" else text)
    except ValueError as error:
        raise SettingsError(f"environment: {preset.base_url_variable}: {error}") from None


def _server_address(text: str) -> str:
    """The address at which to reach an Ollama that listens at ``text``, by Ollama's own rules: scheme, host and port
    may each be missing, and every address of this machine is 127.0.0.1 for us."""
    scheme, host, port, rest = _SERVER.findall(text.strip())[0]
    if host in ("", "0.0.0.0", "[::]"):  # noqa: S104  compared, not bound
        host = "127.0.0.1"
    port = port or ("" if scheme else ":11434")
    return f"{scheme or 'http://'}{host}{port}{rest}"
