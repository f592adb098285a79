"""Providers set up while the engine runs: the known ones told, settings tried before they are written, the settings
file read anew. Off the hot path; files are read in a thread.

Wrong settings change nothing: they are refused with what is wrong, and the old ones stay.
"""

import asyncio
import time
from collections.abc import Callable, Mapping

import msgspec

from proxy import contract as c
from proxy.catalog import model_of
from proxy.net.discovery import Declined, Discovery
from proxy.presets import PRESETS, Preset
from proxy.prices import list_window
from proxy.protocol.listing import ListedModel
from proxy.protocol.redact import redact
from proxy.providers import ProviderConfig, provider_from, region_of, resolve_providers
from proxy.roster import Changes, Roster
from proxy.settings import Settings, provider_settings

TRIAL_S = 20.0
"""Patience for a list that somebody waits for; the command that asks gives up after 30 s."""
KEY_REFUSED = (401, 403)
NO_LIST = (404, 405, 501)
TAKEN_UP = ("groups", "route", "prices")
"""Tables beside the providers that count at once; what else changed counts at the next start."""
NOT_OURS = ("panel",)

LoadSettings = Callable[[], Settings]
TakeUp = Callable[[Settings, Changes], tuple[str, ...]]
"""Puts settings in force; the answer is what is wrong then."""


class ProviderSetup:
    """Sets providers up."""

    def __init__(
        self,
        settings: Settings,
        load: LoadSettings,
        environ: Mapping[str, str],
        roster: Roster,
        discovery: Discovery,
        forget_way: Callable[[str], None],
        take_up: TakeUp,
    ) -> None:
        """``forget_way`` drops how requests reach a provider of that name."""
        self._started_with, self._settings = settings, settings
        self._load, self._environ, self._roster, self._discovery = load, environ, roster, discovery
        self._forget_way, self._take_up = forget_way, take_up
        self._reading = asyncio.Lock()

    def presets(self) -> c.PresetList:
        return c.PresetList(presets=tuple(_preset_info(each, self._environ) for each in PRESETS))

    async def try_settings(self, command: c.TrySettings) -> c.SettingsTried:
        """Ask a provider for its models that is not set up. Raises ``SettingsError``, also for what is wrong elsewhere
        in the file that the table would go into."""
        provider = await asyncio.to_thread(self._resolved, command)
        began = time.monotonic()
        try:
            found = await self._tried(provider)
        except Declined as refusal:
            found = _declined(provider, refusal)
        finally:
            self._forget_way(provider.name)
        took_ms = round((time.monotonic() - began) * 1000, 1)
        return msgspec.structs.replace(found, duration_ms=took_ms, base_url=provider.base_url)

    async def reload(self) -> c.Reloaded:
        """Put in force what the file says now. Raises ``SettingsError``; then all stays as it was."""
        async with self._reading:
            settings, providers = await asyncio.to_thread(self._read)
            before, self._settings = self._settings, settings
            changes = self._roster.renew(providers, settings.providers)
            problems = self._take_up(settings, changes)
        await self._discovery.refresh(changes.asked_anew)
        return c.Reloaded(
            added=changes.added,
            changed=changes.changed,
            removed=changes.removed,
            tables=tuple(name for name in TAKEN_UP if getattr(before, name) != getattr(settings, name)),
            later=tuple(name for name in _counting_later() if _differs(name, self._started_with, settings)),
            problems=problems,
        )

    def _read(self) -> tuple[Settings, dict[str, ProviderConfig]]:
        settings = self._load()
        return settings, resolve_providers(settings, self._environ)

    def _resolved(self, command: c.TrySettings) -> ProviderConfig:
        settings, _ = self._read()
        return provider_from(command.name, provider_settings(command.name, command.table), settings, self._environ)

    async def _tried(self, provider: ProviderConfig) -> c.SettingsTried:
        """Raises ``Declined``."""
        await self._discovery.check_key(provider)
        if provider.models_url is None:
            return _unlisted(provider, f"{provider.name} lists no models, so there is nothing to ask for free")
        if provider.waits_for_client:
            return _unlisted(provider, f"{provider.name} was not asked: only Claude Code has a login for it")
        listed = await self._discovery.look(provider, TRIAL_S)
        many = f"{len(listed)} model{'' if len(listed) == 1 else 's'}"
        text, key_tried = f"{provider.name} answers: {many}", bool(provider.keys)
        if key_tried and await self._lists_for_all(provider):
            text, key_tried = f"{text}, which it lists for everybody: the first request will try the key", False
        models = tuple(model_of(provider, each, _window(provider, each)) for each in listed)
        return c.SettingsTried(ok=True, text=text, duration_ms=0.0, models=models, key_tried=key_tried)

    async def _lists_for_all(self, provider: ProviderConfig) -> bool:
        """Whether the list comes without a key too."""
        try:
            await self._discovery.look(provider, TRIAL_S / 4, keyless=True)
        except Declined:
            return False
        return True


def _declined(provider: ProviderConfig, refusal: Declined) -> c.SettingsTried:
    """Why a provider gave no list; where it refused the key, its own words alone. One may have no list at all."""
    if refusal.status in NO_LIST:
        return _unlisted(provider, f"{provider.name} answers, but has no list of models at {provider.models_url}")
    text = str(refusal)
    if refusal.status in KEY_REFUSED:
        text = f"{provider.name} refused the key (status {refusal.status}): {refusal.words or 'it says no more'}"
    return c.SettingsTried(ok=False, text=redact(text), duration_ms=0.0)


def _unlisted(provider: ProviderConfig, text: str) -> c.SettingsTried:
    """Nothing speaks against a provider that was not asked, or has no list."""
    models = tuple(model_of(provider, each, _window(provider, each)) for each in map(ListedModel, provider.models))
    return c.SettingsTried(ok=True, text=text, duration_ms=0.0, models=models)


def _window(provider: ProviderConfig, entry: ListedModel) -> int | None:
    own = provider.context_windows.get(entry.id) or entry.context_window
    return own or list_window(provider.price_catalog, entry.id)


def _counting_later() -> tuple[str, ...]:
    return tuple(name for name in Settings.model_fields if name not in ("providers", *TAKEN_UP, *NOT_OURS))


def _differs(table: str, one: Settings, other: Settings) -> bool:
    return bool(getattr(one, table) != getattr(other, table))


def _preset_info(preset: Preset, environ: Mapping[str, str]) -> c.PresetInfo:
    return c.PresetInfo(
        name=preset.name,
        title=preset.title,
        dialect=preset.dialect,
        auth=preset.auth,
        base_url=preset.base_url,
        key_variables=preset.key_variables,
        variables_set=tuple(each for each in preset.key_variables if environ.get(each)),
        needs=_needs(preset, environ),
        region=region_of(preset, environ),
        lists_models=preset.lists_models,
        models=preset.models,
        hint=preset.hint,
    )


def _needs(preset: Preset, environ: Mapping[str, str]) -> tuple[c.Need, ...]:
    if environ.get(preset.base_url_variable or ""):
        return ()
    if preset.base_url is None:
        return ("base_url",)
    project = "{project}" in preset.base_url and not any(environ.get(each) for each in preset.project_variables)
    region = "{region}" in preset.base_url
    return (*(("project",) if project else ()), *(("region",) if region else ()))
