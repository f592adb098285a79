"""Setting up providers: what is known of them beforehand, a trial, and the settings read anew."""

from typing import Any, Literal

from proxy.contract.frozen import Frozen
from proxy.contract.providers import Model

Need = Literal["base_url", "project", "region"]


class PresetInfo(Frozen, frozen=True):
    """A known provider, for whoever sets one up."""

    name: str
    title: str
    dialect: str
    auth: str
    base_url: str | None = None
    """With ``{region}`` and ``{project}`` where the address has them; None: the user names it."""
    key_variables: tuple[str, ...] = ()
    variables_set: tuple[str, ...] = ()
    """Those of them that are set where the engine runs."""
    needs: tuple[Need, ...] = ()
    """What the user has to say, as neither the preset nor the engine's environment does."""
    region: str | None = None
    """The region in force where none is said."""
    lists_models: bool = True
    models: tuple[str, ...] = ()
    """Models that are known though none are listed."""
    hint: str = ""


class PresetList(Frozen, frozen=True):
    """Answer to ``GET /_cctui/presets``, in the order of offers."""

    presets: tuple[PresetInfo, ...]


class TrySettings(Frozen, frozen=True):
    """Command: try a provider as it would be set up; nothing is set up by it."""

    name: str
    table: dict[str, Any]
    """What would stand in ``[providers.NAME]``."""


class SettingsTried(Frozen, frozen=True):
    """Answer to ``TrySettings``."""

    ok: bool
    text: str
    """What came of it, in words; the provider's own where it refused."""
    duration_ms: float
    models: tuple[Model, ...] = ()
    key_tried: bool = False
    """The provider took the key: its list is not there for everybody."""
    base_url: str = ""
    """The address as requests go there, without what was pasted along; empty where it was refused."""


class Reload(Frozen, frozen=True):
    """Command: read the settings file anew. Providers, groups, route and prices are taken up; what runs goes on."""


class Reloaded(Frozen, frozen=True):
    """Answer to ``Reload``."""

    added: tuple[str, ...] = ()
    """Names of providers, as in the other two."""
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    """Other tables that changed and count from now on."""
    later: tuple[str, ...] = ()
    """Tables that changed and count when the engine starts the next time."""
    problems: tuple[str, ...] = ()
    """What is wrong with the engine now, in words."""
