"""What the user chose at run time (overrides, fallback, chain), kept over restarts of the engine."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from proxy import contract as c
from proxy.keptfile import KeptFile
from proxy.settings import RouteSettings

SESSION_OVERRIDES_KEPT = 100
"""Sessions come and go; the oldest overrides for single sessions are forgotten."""


class _Kept(Struct, omit_defaults=True):
    overrides: tuple[c.Override, ...] = ()
    fallback_enabled: bool | None = None
    chain: tuple[str, ...] | None = None
    slot_chains: dict[c.Slot, tuple[str, ...]] = {}
    port: int | None = None


class RouteFile:
    """The route in force: the settings, and over them what was chosen."""

    def __init__(self, file: Path, settings: RouteSettings, groups: Mapping[str, tuple[str, ...]] = {}) -> None:
        self._file = KeptFile(file, "the route")
        self._settings = settings
        self._groups = dict(groups)
        self._kept = self._file.content(_Kept)
        self.route = self._compose()

    @property
    def port(self) -> int | None:
        """The port of the last engine: a client that still runs knows only that one."""
        return self._kept.port

    def keep_port(self, port: int) -> None:
        if port != self._kept.port:
            self._kept.port = port
            self._file.keep_now(msgspec.json.encode(self._kept))

    def renew(self, settings: RouteSettings, groups: Mapping[str, tuple[str, ...]]) -> None:
        """Other settings count from now on, below what was chosen at run time."""
        self._settings, self._groups = settings, dict(groups)
        self.route = self._compose()

    def set_overrides(self, overrides: tuple[c.Override, ...]) -> None:
        general = tuple(each for each in overrides if each.session is None)
        single = tuple(each for each in overrides if each.session is not None)
        self._kept.overrides = general + single[-SESSION_OVERRIDES_KEPT:]
        self.route = self._compose()

    def set_fallback(self, enabled: bool | None, chain: tuple[str, ...] | None, slot: c.Slot | None) -> None:
        if enabled is not None:
            self._kept.fallback_enabled = enabled
        if chain is not None and slot is not None:
            self._kept.slot_chains[slot] = chain
        elif chain is not None:
            self._kept.chain = chain
        self.route = self._compose()

    async def save(self) -> None:
        """Keep what was chosen, which is in force already."""
        await self._file.keep(msgspec.json.encode(self._kept))

    def _compose(self) -> c.Route:
        kept, settings = self._kept, self._settings
        return c.Route(
            default=settings.default,
            overrides=kept.overrides,
            fallback_enabled=settings.fallback_enabled if kept.fallback_enabled is None else kept.fallback_enabled,
            chain=tuple(settings.fallback) if kept.chain is None else kept.chain,
            slot_chains={slot: chain for slot, chain in self._slot_chains().items() if chain},
            groups=self._groups,
        )

    def _slot_chains(self) -> dict[c.Slot, tuple[str, ...]]:
        """The settings' chains, with those chosen at run time over them; an empty one stands for none."""
        return {slot: tuple(chain) for slot, chain in self._settings.slot_fallback.items()} | self._kept.slot_chains
