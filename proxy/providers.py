"""Which providers there are: settings, presets and environment resolved into frozen ``ProviderConfig`` values.

Pure but for the environment that is passed in. Raises ``SettingsError`` for what cannot work, in particular for
anything that would send a credential to a host that it is not meant for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr, TypeAdapter, ValidationError

from proxy.addresses import Dialect, normal_base_url
from proxy.dialects.quirks import PLAIN, Quirks
from proxy.presets import BY_NAME, PRESETS, Auth, Preset
from proxy.protocol.history import is_claude, issuer_of
from proxy.protocol.naming import claude_version, closest
from proxy.settings import ProviderSettings, Settings, SettingsError, SimulatorSettings

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
    quirks: Quirks = PLAIN
    region: str = ""
    signed_service: str = ""
    """What requests are signed for, with ``auth = "aws"``."""

    @property
    def simulated(self) -> bool:
        return self.preset == "simulator"

    @property
    def own_credential(self) -> bool:
        """It needs nothing of the client's: it has a key, or takes none."""
        return self.auth in ("none", "aws", "google") or bool(self.keys)

    @property
    def waits_for_client(self) -> bool:
        """Only a client has a credential for it, its own login."""
        return self.auth == "passthrough" and not self.keys

    @property
    def translated(self) -> bool:
        """It does not speak Anthropic's format: requests and answers are rewritten."""
        return self.dialect != "anthropic"

    @property
    def speaks_claude(self) -> bool:
        """Its format is Anthropic's, whole or less of it as in a cloud: a field that it rejects can be left out."""
        return self.dialect in ("anthropic", "bedrock", "vertex")

    @property
    def real_claude(self) -> bool:
        """Requests reach Anthropic's own API."""
        return _host_of(self.base_url) == ANTHROPIC_HOST

    def searches(self, model: str) -> bool:
        """Whether it searches the web itself for ``model``; else the engine does. Claude does where its own format is
        spoken, but for Bedrock; of others the preset's quirks tell."""
        if self.quirks.server_search is not None:
            return self.quirks.server_search
        if self.real_claude or self.simulated:
            return True
        if self.dialect in ("anthropic", "vertex"):
            return is_claude(issuer_of(self.name, model))
        return self.quirks.search_tool != "no"

    def regional(self, model: str) -> bool:
        """Whether it serves ``model`` in a region that costs more than the whole world's endpoint: Vertex, from Claude
        4.5 on (its pricing page)."""
        return self.dialect == "vertex" and self.region != "global" and (claude_version(model) or (0, 0)) >= (4, 5)

    @property
    def searches_alone(self) -> bool:
        """Its own search goes without any other tool (Google's)."""
        return self.quirks.search_tool == "google_search"

    def fetches(self, model: str) -> bool:
        """Whether it fetches pages itself for ``model``; else the engine does. Claude does, but not in the clouds."""
        if self.quirks.server_fetch is not None:
            return self.quirks.server_fetch
        if self.real_claude or self.simulated:
            return True
        return self.dialect == "anthropic" and is_claude(issuer_of(self.name, model))

    def reads_pdf(self, model: str) -> bool:
        """Whether ``model`` takes PDF files."""
        return self.quirks.documents or is_claude(issuer_of(self.name, model))


@lru_cache(maxsize=256)
def _host_of(url: str) -> str | None:
    return urlsplit(url).hostname


def resolve_providers(settings: Settings, environ: Mapping[str, str]) -> dict[str, ProviderConfig]:
    """Every provider by name: those in the settings, then those whose key variable is set, then Anthropic."""
    found = {
        name: provider_from(name, each, settings, environ) for name, each in settings.providers.items() if each.enabled
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


def provider_from(name: str, own: ProviderSettings, settings: Settings, environ: Mapping[str, str]) -> ProviderConfig:
    """The provider that ``[providers.NAME]`` describes. Raises ``SettingsError``."""
    preset = BY_NAME[own.preset or (name if name in BY_NAME else "custom")]
    return _build(name, preset, own, settings, environ, origin="config.toml")


def _build(
    name: str, preset: Preset, own: ProviderSettings, settings: Settings, environ: Mapping[str, str], origin: str
) -> ProviderConfig:
    dialect = own.dialect or preset.dialect
    region = _region(name, preset, own, environ)
    keys = tuple(own.api_key)
    auth = own.auth or ("bearer" if preset.auth in ("none", "aws") and keys else preset.auth)
    if not keys and auth != "none" and (variable := next((v for v in preset.key_variables if environ.get(v)), None)):
        keys = (SecretStr(f"env:{variable}"),)
        auth = "bearer" if auth == "aws" and own.auth is None else auth
    base_url = _base_url(name, preset, own, environ, dialect, region)
    config = ProviderConfig(
        name=name,
        preset=preset.name,
        dialect=dialect,
        base_url=base_url,
        auth=auth,
        keys=keys,
        origin=origin,
        headers=own.headers,
        models=tuple(own.models) or preset.models,
        context_windows=own.context_windows,
        models_url=_models_url(own, preset, base_url, dialect),
        background_model=own.background_model,
        count_tokens=preset.count_tokens if own.count_tokens is None else own.count_tokens,
        price_catalog=own.price_catalog or preset.price_catalog,
        free=preset.free,
        first_event_timeout_s=own.first_event_timeout_s or settings.engine.first_event_timeout_s,
        idle_timeout_s=own.idle_timeout_s or settings.engine.idle_timeout_s,
        simulator=own.simulator or (SimulatorSettings() if preset.name == "simulator" else None),
        quirks=_quirks(name, preset.quirks, own.quirks),
        region=region,
        signed_service=preset.signed_service,
    )
    _refuse_stray_credentials(config, own)
    return config


def _base_url(
    name: str, preset: Preset, own: ProviderSettings, environ: Mapping[str, str], dialect: Dialect, region: str
) -> str:
    """Raises ``SettingsError``."""
    if preset.name == "simulator":
        return f"http://{name}.simulator.invalid"
    if own.base_url is not None:
        return normal_base_url(own.base_url, dialect)
    if (variable := _variable_url(preset, environ, dialect)) is not None:
        return variable
    if preset.base_url is None:
        raise SettingsError(f"providers.{name}: base_url is missing. {preset.hint}")
    if "{project}" not in preset.base_url:
        return preset.base_url.replace("{region}", region)
    project = own.project or next((environ[each] for each in preset.project_variables if environ.get(each)), None)
    if not project:
        raise SettingsError(f"providers.{name}: project is missing. {preset.hint}")
    return preset.base_url.format(host=_vertex_host(region), project=project, region=region)


def region_of(preset: Preset, environ: Mapping[str, str]) -> str | None:
    """The region of a cloud's provider for which the user says none; None: it has no regions."""
    names = ("CLOUD_ML_REGION",) if preset.auth == "google" else ("AWS_REGION", "AWS_DEFAULT_REGION")
    return next((environ[each] for each in names if environ.get(each)), None) or preset.region


def _region(name: str, preset: Preset, own: ProviderSettings, environ: Mapping[str, str]) -> str:
    found = own.region or region_of(preset, environ) or ""
    if found and not re.fullmatch(r"[a-z0-9-]+", found):
        raise SettingsError(f"providers.{name}: region {found!r} is none; regions look like us-east-1 or europe-west1")
    return found


def _vertex_host(region: str) -> str:
    """Vertex AI's host for a location (``global``, ``us`` and ``eu`` have names of their own)."""
    if region == "global":
        return "aiplatform.googleapis.com"
    return (
        f"aiplatform.{region}.rep.googleapis.com" if region in ("us", "eu") else f"{region}-aiplatform.googleapis.com"
    )


def _quirks(name: str, known: Quirks, own: Mapping[str, Any]) -> Quirks:
    """The preset's quirks with the user's own. Raises ``SettingsError``."""
    names = [each.name for each in fields(Quirks)]
    for key in own:
        if key not in names:
            near = closest(key, names)
            hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names)}"
            raise SettingsError(f"providers.{name}.quirks: {key} is no quirk{hint}")
    try:
        checked = _QUIRKS.validate_python({**{each: getattr(known, each) for each in names}, **own})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"providers.{name}.quirks.{where}: {first['msg']}") from None
    return replace(known, **{key: getattr(checked, key) for key in own})


_QUIRKS = TypeAdapter(Quirks)


def _models_url(own: ProviderSettings, preset: Preset, base_url: str, dialect: Dialect) -> str | None:
    if own.models_url:
        return own.models_url
    if not preset.lists_models or dialect in ("bedrock", "vertex"):
        return None
    if preset.models_url and base_url == preset.base_url:
        return preset.models_url
    return f"{base_url}/v1/models" if dialect == "anthropic" else f"{base_url}/models"


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


def _variable_url(preset: Preset, environ: Mapping[str, str], dialect: Dialect | None = None) -> str | None:
    text = environ.get(preset.base_url_variable or "")
    if not text:
        return None
    try:
        address = _server_address(text) if preset.name == "ollama" else text
        return normal_base_url(address, dialect or preset.dialect)
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
