"""Settings of the engine and of providers: flag beats environment beats file beats default.

The file is TOML (``config.toml``), the environment ``CCTUI_TABLE__KEY``. A wrong setting raises
``SettingsError`` with the place, the mistake and the nearest known name; nothing is guessed.
"""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings.sources.utils import parse_env_vars

from proxy.addresses import Dialect, plain_address
from proxy.contract import PROVIDER_NAME, BudgetAction, Slot
from proxy.presets import BY_NAME, Auth
from proxy.protocol.naming import closest
from proxy.protocol.search_backends import ContextSize

DEFAULT_PORT = 8787
ENVIRONMENT_PREFIX = "CCTUI_"
_OWN_VARIABLES = ("CCTUI_HOME",)


class SettingsError(ValueError):
    """Settings that cannot be used. ``str()`` has a line for each mistake."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class EngineSettings(_Table):
    """``[engine]``"""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Address to listen on. Anything but loopback lets other machines spend your money: they need the token."""
    port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Fixed port; without it 8787 or the next free one. 0: any free port."""
    drain_s: Annotated[float, Field(ge=0)] = 30.0
    """How long running streams may finish after a stop, seconds."""
    connect_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    """Patience for a connection to a provider, seconds."""
    first_event_timeout_s: Annotated[float, Field(gt=0)] = 180.0
    """Patience for the first event of a stream, seconds; the client itself gives up at 300."""
    idle_timeout_s: Annotated[float, Field(gt=0)] = 300.0
    """Patience for silence within a stream, seconds."""
    answer_timeout_s: Annotated[float, Field(gt=0)] = 600.0
    """Patience for an answer that does not stream, seconds."""
    publish: Literal["favourites", "all", "none"] = "favourites"
    """Which foreign models the client's own /model shows: favourites and recently used ones, all, or none."""
    local_servers: bool = True
    """Offer Ollama, LM Studio and llama.cpp when their port on this machine answers."""
    update_prices: bool = False
    """Fetch the list of prices anew each day, from genai-prices' repository; without it the installed list counts."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much goes to the log file."""


class SimulatorSettings(_Table):
    """``[providers.NAME.simulator]``: how a simulated provider behaves."""

    faults: dict[
        Literal["overloaded", "rate-limit", "slow", "break", "refused", "first-event-error", "server-error"],
        Annotated[float, Field(ge=0, le=1)],
    ] = {}
    """Share of requests that meet a fault, by fault."""
    first_event_s: Annotated[float, Field(ge=0)] = 0.6
    """Time to the first event, seconds."""
    tokens_per_s: Annotated[float, Field(gt=0)] = 70.0
    """Speed of the answer, tokens per second."""
    outage_every_s: Annotated[float, Field(gt=0)] | None = None
    """Period of a repeating outage, seconds."""
    outage_for_s: Annotated[float, Field(ge=0)] = 0.0
    """Length of each outage, seconds, at the end of each period."""
    outage_fault: Literal["overloaded", "rate-limit", "slow", "break", "refused", "server-error"] = "overloaded"
    """What every request meets in an outage."""
    seed: int = 0
    """Another seed, other answers."""
    models: list[str] = []
    """Ids that it lists and knows; empty: Claude's."""


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


class ProviderSettings(_Table):
    """``[providers.NAME]``"""

    preset: str | None = None
    """A known provider to start from; without it the table's own name, if it is one, or ``custom``."""
    base_url: str | None = None
    """Its address, without the endings that a request adds; pasted ones such as ``/v1/messages`` are taken off."""
    dialect: Dialect | None = None
    """The wire format that it speaks."""
    auth: Auth | None = None
    """How it takes the key; ``passthrough``: the client's own credential, ``aws`` and ``google``: the cloud's."""
    api_key: Annotated[list[SecretStr], BeforeValidator(_listed)] = []
    """A key, ``env:NAME``, ``cmd:COMMAND``, or a list of them."""
    passthrough_host: str | None = None
    """Names the host that may get the client's own credential, where it is not api.anthropic.com."""
    headers: dict[str, SecretStr] = {}
    """Headers added to every request; ``env:NAME`` works here too."""
    models: Annotated[list[str], BeforeValidator(_listed)] = []
    """Model ids, where the provider lists none."""
    models_url: str | None = None
    """Where its models are listed, if not at ``/v1/models``; the same host as ``base_url``."""
    context_windows: dict[str, Annotated[int, Field(gt=0)]] = {}
    """Context window of a model, tokens, where the provider tells none."""
    region: str | None = None
    """Of a cloud's provider; without it ``AWS_REGION`` or ``CLOUD_ML_REGION``, then the preset's."""
    project: str | None = None
    """Of Google Cloud; without it ``ANTHROPIC_VERTEX_PROJECT_ID``."""
    quirks: dict[str, Any] = {}
    """How the server differs from its dialect's rule; the reference lists them."""
    price_catalog: str | None = None
    """Its name in the bundled price list, where the preset knows none: ``openai``, ``google`` …"""
    background_model: str | None = None
    """Serves what asks for a Haiku that it does not list; without it the nearest Claude, or its cheapest model."""
    count_tokens: bool | None = None
    """It answers count_tokens; otherwise the engine estimates."""
    enabled: bool = True
    """false: kept in the file, not used."""
    first_event_timeout_s: Annotated[float, Field(gt=0)] | None = None
    """Own patience for the first event, seconds."""
    idle_timeout_s: Annotated[float, Field(gt=0)] | None = None
    """Own patience for silence, seconds."""
    simulator: SimulatorSettings | None = None
    """Behaviour of a simulated provider."""

    @field_validator("preset")
    @classmethod
    def _known_preset(cls, value: str | None) -> str | None:
        if value is not None and value not in BY_NAME:
            near = closest(value, BY_NAME)
            raise ValueError(f"no preset is called {value!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return value

    @field_validator("base_url")
    @classmethod
    def _usable_base(cls, value: str | None) -> str | None:
        return None if value is None else plain_address(value)

    @field_validator("models_url")
    @classmethod
    def _usable_address(cls, value: str | None) -> str | None:
        if value is not None:
            plain_address(value)
        return None if value is None else value.strip()


class RouteSettings(_Table):
    """``[route]``: where requests go until the panel or ``cctui use`` says otherwise."""

    default: str = "anthropic"
    """A provider, or provider/model."""
    fallback: Annotated[list[str], BeforeValidator(_listed)] = []
    """Providers or targets that follow when the first fails, in order."""
    fallback_enabled: bool = True
    """Whether fallback is on at first."""
    slot_fallback: dict[Slot, list[str]] = {}
    """Chains of their own for slots: opus, sonnet, haiku, subagent."""


class MemberSettings(_Table):
    """An entry of ``[groups.NAME] members``"""

    target: str
    """A provider, or provider/model."""
    order: int = 1
    """Lower ones come first."""
    weight: Annotated[float, Field(gt=0)] = 1.0
    """Share of sessions among those of the same order."""


def _member(value: object) -> object:
    return {"target": value} if isinstance(value, str) else value


class GroupSettings(_Table):
    """``[groups.NAME]``: several providers or targets under one name, such as the regions of one."""

    members: Annotated[list[Annotated[MemberSettings, BeforeValidator(_member)]], Field(min_length=1)]
    """Providers or targets, or tables of target, order and weight."""


Dollars = Annotated[Decimal, Field(gt=0, le=1_000_000)]


class BudgetSettings(_Table):
    """``[budget]``: what may be spent, and what happens when it is."""

    session_usd: Dollars | None = None
    """Dollars for a session."""
    project_usd: Dollars | dict[str, Dollars] | None = None
    """Dollars for a project, all its days together: one amount for each, or a table of names and amounts."""
    day_usd: Dollars | None = None
    """Dollars for a day."""
    month_usd: Dollars | None = None
    """Dollars for a calendar month."""
    action: BudgetAction = "block"
    """When one is used up: ``block`` requests, ``downgrade`` them to ``downgrade_to``, or only ``warn``."""
    downgrade_to: str | None = None
    """A provider, or provider/model, that is cheaper; nothing limits what is spent there."""
    count_subscription: bool = True
    """Whether traffic of a subscription counts, at list price."""
    count_simulated: bool = False
    """Whether money of the simulator counts."""

    @model_validator(mode="after")
    def _has_a_target(self) -> Self:
        if self.action == "downgrade" and self.downgrade_to is None:
            raise ValueError("action = 'downgrade' needs downgrade_to, a provider or provider/model")
        return self


class HistorySettings(_Table):
    """``[history]``: what the ledger keeps."""

    keep_days: Annotated[int, Field(ge=1)] | None = None
    """Single requests older than so many days, counted back from the last one, are removed; their sums stay."""


class PriceSettings(_Table):
    """``[prices."MODEL"]``: USD per million tokens."""

    input: Annotated[Decimal, Field(ge=0)]
    """Uncached input."""
    output: Annotated[Decimal, Field(ge=0)]
    """Output."""
    cache_read: Annotated[Decimal, Field(ge=0)] | None = None
    """Input read from a cache; without it the price of input."""
    cache_write_5m: Annotated[Decimal, Field(ge=0)] | None = None
    """Input written to a five-minute cache; without it the price of input."""
    cache_write_1h: Annotated[Decimal, Field(ge=0)] | None = None
    """Input written to a one-hour cache; without it that of a five-minute one."""


class SearchSettings(_Table):
    """``[search]``: who looks into the web for models whose provider does not."""

    backend: Literal["brave", "tavily", "exa", "searxng", "ddgs", "none"] | None = None
    """Whom the engine asks; without it the first of Brave, Tavily and Exa whose key variable is set."""
    api_key: SecretStr | None = None
    """A key, ``env:NAME`` or ``cmd:COMMAND``; without it BRAVE_API_KEY, TAVILY_API_KEY or EXA_API_KEY."""
    base_url: str | None = None
    """Its address: your own instance of SearXNG, or a gateway in front of one of the others."""
    context: ContextSize = "medium"
    """How much of the web a model reads of each search: 3, 6 or 10 pages, and longer extracts of more."""
    usd_per_search: Annotated[Decimal, Field(ge=0, le=100)] | None = None
    """What a search costs you, dollars; without it the list price, at the service's own address only."""
    fetch: bool | None = None
    """Whether the engine fetches pages of the public web; without it, while only this machine can reach the engine."""

    @field_validator("base_url")
    @classmethod
    def _usable_base(cls, value: str | None) -> str | None:
        return None if value is None else plain_address(value)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.backend == "searxng" and self.base_url is None:
            raise ValueError("backend = 'searxng' needs base_url, the address of your instance")
        if self.backend is None and (self.api_key is not None or self.base_url is not None):
            raise ValueError("api_key and base_url need a backend: brave, tavily, exa or searxng")
        return self


class Settings(BaseSettings):
    """Everything that can be set for the engine."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__"
    )

    engine: EngineSettings = EngineSettings()
    providers: dict[str, ProviderSettings] = {}
    groups: dict[str, GroupSettings] = {}
    route: RouteSettings = RouteSettings()
    budget: BudgetSettings = BudgetSettings()
    prices: dict[str, PriceSettings] = {}
    history: HistorySettings = HistorySettings()
    search: SearchSettings = SearchSettings()
    panel: dict[str, Any] = {}
    """The panel's own table, read by the panel."""

    @field_validator("providers")
    @classmethod
    def _usable_names(cls, value: dict[str, ProviderSettings]) -> dict[str, ProviderSettings]:
        for name in value:
            _refuse_unusable_name(name)
        return value


def _refuse_unusable_name(name: str) -> None:
    if not re.fullmatch(PROVIDER_NAME, name):
        raise ValueError(f"a provider's name has letters, digits, '.', '_' and '-' only, not {name!r}")


class _Environment(EnvSettingsSource):
    """The variables in a given environment. Lists and tables are JSON; any other text stands for itself."""

    def __init__(self, settings_cls: type[BaseSettings], environ: Mapping[str, str]) -> None:
        self._environ = environ
        super().__init__(settings_cls)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        variables: Mapping[str, str | None] = parse_env_vars(self._environ, self.case_sensitive, self.env_ignore_empty)
        return variables

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


def load_settings(
    config_file: Path, flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """The settings in force. ``flags`` is a nested mapping as in the file. Raises ``SettingsError``."""
    variables: Mapping[str, str] = os.environ if environ is None else environ
    _refuse_unknown_variables(variables)
    _refuse_unreadable(config_file)

    class Loaded(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            given = InitSettingsSource(settings_cls, init_kwargs=dict(flags or {}))
            return given, _Environment(settings_cls, variables), TomlConfigSettingsSource(settings_cls, config_file)

    try:
        return Loaded()
    except ValidationError as error:
        lines = [_explain(config_file, variables, each["loc"], each["msg"], each["type"]) for each in error.errors()]
        raise SettingsError("\n".join(lines)) from None
    except ValueError as error:
        raise SettingsError(f"settings: {error}") from None


def provider_settings(name: str, table: Mapping[str, Any]) -> ProviderSettings:
    """What ``[providers.NAME]`` would be with the content of ``table``. Raises ``SettingsError``."""
    try:
        _refuse_unusable_name(name)
        return ProviderSettings.model_validate(table)
    except ValidationError as error:
        place = ("providers", name)
        lines = [_complaint((*place, *each["loc"]), each["msg"], each["type"]) for each in error.errors()]
        raise SettingsError("\n".join(lines)) from None
    except ValueError as error:
        raise SettingsError(f"providers: {error}") from None


def _refuse_unreadable(config_file: Path) -> None:
    try:
        tomllib.loads(config_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{config_file}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{config_file}: not valid TOML: {error}") from None


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    tables = {name.upper() for name in Settings.model_fields}
    for name in environ:
        if not name.startswith(ENVIRONMENT_PREFIX) or name in _OWN_VARIABLES:
            continue
        table = name.removeprefix(ENVIRONMENT_PREFIX).split("__")[0].upper()
        if table not in tables and not table.startswith("PANEL"):
            near = closest(table, sorted(tables))
            hint = f"; did you mean {ENVIRONMENT_PREFIX}{near[0]}__…?" if near else ""
            raise SettingsError(f"environment: {name} is no setting{hint}")


def _explain(
    config_file: Path, environ: Mapping[str, str], where: tuple[int | str, ...], message: str, kind: str
) -> str:
    keys = [str(part) for part in where]
    return f"{_variable_of(environ, keys) or _place_in(config_file, keys)}: {_complaint(where, message, kind)}"


def _complaint(where: tuple[int | str, ...], message: str, kind: str) -> str:
    keys = [str(part) for part in where]
    dotted = ".".join(keys)
    if kind == "extra_forbidden":
        near = closest(keys[-1], _known_names(keys[:-1]))
        return f"{dotted} is no setting" + (f"; did you mean {near[0]}?" if near else "")
    return f"{dotted}: {message.removeprefix('Value error, ')}"


def _variable_of(environ: Mapping[str, str], keys: list[str]) -> str | None:
    """The variable that sets ``keys``, as the environment beats the file."""
    wanted = ENVIRONMENT_PREFIX + "__".join(key for key in keys if not key.isdigit())
    return next((f"environment: {name}" for name in environ if name.upper() == wanted.upper()), None)


def _place_in(config_file: Path, keys: list[str]) -> str:
    line = _line_of(config_file, keys)
    return f"{config_file}:{line}" if line else f"{config_file.name} or environment"


def _known_names(table: list[str]) -> Iterable[str]:
    models: dict[str, type[BaseModel]] = {
        "engine": EngineSettings,
        "route": RouteSettings,
        "budget": BudgetSettings,
        "providers": ProviderSettings,
        "prices": PriceSettings,
        "history": HistorySettings,
        "search": SearchSettings,
        "groups": GroupSettings,
    }
    if not table:
        return Settings.model_fields
    if table[-1] == "simulator":
        return SimulatorSettings.model_fields
    return models[table[0]].model_fields if table[0] in models else ()


def _line_of(config_file: Path, keys: list[str]) -> int | None:
    """The line that sets the last of ``keys``, as far as a search for the names can tell."""
    try:
        lines = config_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    names = [key for key in keys if not key.isdigit()]
    if not names:
        return None
    table = ".".join(names[:-1])
    current, fallback = "", None
    for number, text in enumerate(lines, 1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", text):
            current = header.group(1).replace('"', "").replace("'", "").replace(" ", "")
            if current == ".".join(names):
                return number
        elif re.match(rf"""\s*["']?{re.escape(names[-1])}["']?\s*=""", text):
            if current == table:
                return number
            fallback = fallback or number
        elif re.search(rf"""\b{re.escape(names[-1])}\b""", text) and fallback is None:
            fallback = number
    return fallback
