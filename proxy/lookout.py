"""Looks, for as long as an engine runs, for the models of its providers and for servers on this machine."""

import asyncio
from collections.abc import Callable, Mapping

from proxy.catalog import ModelCatalog
from proxy.chores import contained
from proxy.herald import Herald
from proxy.net.discovery import REFRESH_S, Discovery
from proxy.presets import Preset
from proxy.providers import ProviderConfig, local_provider
from proxy.roster import Roster
from proxy.settings import Settings


class Lookout:
    """Keeps lists fresh, and meets local servers once they answer."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        environ: Mapping[str, str],
        providers: Roster,
        catalog: ModelCatalog,
        discovery: Discovery,
        herald: Herald,
        changed: Callable[[], None],
    ) -> None:
        """``settings`` are those in force, ``changed`` hears of new providers."""
        self._settings, self._environ, self._providers = settings, environ, providers
        self._catalog, self._discovery, self._herald, self._changed = catalog, discovery, herald, changed

    async def run(self) -> None:
        while True:
            with contained("asking for model lists"):
                await self._catalog.look_up()
                await self._discovery.refresh()
                await self._catalog.look_up()
            with contained("looking for local servers"):
                await self._find_local()
            await asyncio.sleep(REFRESH_S)

    async def _find_local(self) -> None:
        if not self._settings().engine.local_servers:
            return
        for config in await self._discovery.find_local(self._build_local):
            self._providers.meet(config)
            self._herald.say("info", f"{config.name} answers on {config.base_url}: its models can be picked")
            self._changed()

    def _build_local(self, preset: Preset) -> ProviderConfig:
        return local_provider(preset, self._settings(), self._environ)
