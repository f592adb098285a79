"""The providers in force, by name: one mapping that everybody shares, renewed in place when the settings change.

A request keeps the providers as they were when it arrived (``generation``), and one that is on its way to a provider
that is no longer set up still finds it by ``roster[name]``; ``in``, ``get`` and iteration know the present ones only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from proxy.providers import ProviderConfig


@dataclass(frozen=True, slots=True)
class Changes:
    """What another set of providers changes, by name."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    moved: frozenset[str] = frozenset()
    """Those of ``changed`` that are somewhere else or speak another format: what was learned of them is void."""

    @property
    def words(self) -> str:
        """For the user; empty where nothing changed."""
        kinds = (("added", self.added), ("changed", self.changed), ("removed", self.removed))
        return "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds if names)

    @property
    def asked_anew(self) -> tuple[str, ...]:
        """Whose models have to be asked for."""
        return (*self.added, *self.changed)


class Roster(dict[str, ProviderConfig]):
    """The providers in force. Belongs to the event loop."""

    def __init__(self, providers: Mapping[str, ProviderConfig]) -> None:
        super().__init__(providers)
        self.generation: Mapping[str, ProviderConfig] = dict(providers)
        """The present ones, never changed: a new set makes a new generation."""
        self._gone: dict[str, ProviderConfig] = {}
        self._met: dict[str, ProviderConfig] = {}

    def __missing__(self, name: str) -> ProviderConfig:
        return self._gone[name]

    def known(self, name: str) -> ProviderConfig | None:
        """The provider, also one that is no longer set up."""
        return self.get(name) or self._gone.get(name)

    def meet(self, local: ProviderConfig) -> None:
        """A server on this machine answered: it stays until the settings say otherwise."""
        self._met[local.name] = self[local.name] = local
        self.generation = dict(self)

    def renew(self, providers: Mapping[str, ProviderConfig], named: Iterable[str]) -> Changes:
        """Put ``providers`` in force. ``named`` are those in the settings, which say all there is to say of them.

        One that is as it was stays the same object.
        """
        self._met = {name: each for name, each in self._met.items() if name not in named}
        wanted = dict(providers) | {name: each for name, each in self._met.items() if name not in providers}
        changes = _changes(self.generation, wanted)
        kept = {name: self.get(name) if name not in changes.changed else None for name in wanted}
        self._gone.update(self)
        for name, config in wanted.items():
            self.pop(name, None)
            self[name] = kept[name] or config
        for name in changes.removed:
            del self[name]
        self.generation = dict(self)
        return changes


def _changes(old: Mapping[str, ProviderConfig], new: Mapping[str, ProviderConfig]) -> Changes:
    changed = tuple(name for name in new if name in old and old[name] != new[name])
    return Changes(
        added=tuple(name for name in new if name not in old),
        changed=changed,
        removed=tuple(name for name in old if name not in new),
        moved=frozenset(name for name in changed if _place(old[name]) != _place(new[name])),
    )


def _place(provider: ProviderConfig) -> tuple[str, str, str | None]:
    return provider.base_url, provider.dialect, provider.models_url
