"""The models that providers list, favourites, and what was used: kept on disk, asked for without waiting.

``net.discovery`` fills it; routing, the picker and the client's own list read it. A list that cannot be
fetched keeps its last good state with the error beside it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from proxy import contract as c
from proxy.keptfile import KeptFile
from proxy.prices import list_price, list_window, today
from proxy.protocol import naming
from proxy.protocol.listing import ListedModel
from proxy.protocol.messages import Body
from proxy.providers import ProviderConfig

BACKGROUND_WINDOW = 32_000
"""Tokens that a background call of the client can need."""
USED_KEPT = 30
"""How many recently used models are remembered."""
FOUND_KEPT = 8192
"""Each request looks its model up three times, among hundreds; a view of all models looks each of them up."""


class Listing(Struct):
    """What one provider lists."""

    models: tuple[ListedModel, ...] = ()
    fetched_at: float | None = None
    error: str | None = None
    error_at: float | None = None


class _Kept(Struct):
    listings: dict[str, Listing] = {}
    favourites: list[tuple[str, str]] = []
    used: dict[str, float] = {}


class ModelCatalog:
    """Every provider's models."""

    def __init__(self, file: Path, providers: Mapping[str, ProviderConfig]) -> None:
        self._file = KeptFile(file, "the model lists")
        self._providers = providers
        self._kept = self._file.content(_Kept)
        self._ids: dict[str, tuple[str, ...]] = {}
        self._by_id: dict[str, dict[str, ListedModel]] = {}
        self._found: dict[tuple[str, str], ListedModel | None] = {}
        """What ``find`` found, by provider and the name that was asked."""

    def listing(self, provider: str) -> Listing:
        return self._kept.listings.get(provider, Listing())

    def ids(self, provider: str) -> Sequence[str]:
        """The ids that ``provider`` lists or the settings name; empty where nothing is known."""
        if provider not in self._ids:
            own = self._providers[provider].models if provider in self._providers else ()
            listed = tuple(model.id for model in self.listing(provider).models)
            self._ids[provider] = tuple(dict.fromkeys((*own, *listed)))
        return self._ids[provider]

    def find(self, provider: str, model: str) -> ListedModel | None:
        """The list's entry of a model, under any spelling."""
        key = (provider, model)
        if key not in self._found:
            if len(self._found) >= FOUND_KEPT:
                self._found.clear()
            self._found[key] = self._search(provider, model)
        return self._found[key]

    def _search(self, provider: str, model: str) -> ListedModel | None:
        entries = self._by_id.get(provider)
        if entries is None:
            entries = self._by_id[provider] = {entry.id: entry for entry in self.listing(provider).models}
        found = naming.match(model, entries)
        return entries[found] if found else None

    def lacks(self, provider: str, model: str, body: Body) -> str | None:
        """What a request needs and its target says that it does not have; None where nothing is known to be missing."""
        entry = self.find(provider, model)
        if entry is None:
            return None
        if entry.tools is False and body.has_tools:
            return "tools"
        return "images" if entry.images is False and body.has_images else None

    def output_limit(self, provider: str, model: str) -> int | None:
        """The most tokens that a model answers with, where its provider tells."""
        entry = self.find(provider, model)
        return entry.max_output_tokens if entry is not None else None

    def cheapest(self, provider: str) -> str | None:
        """The cheapest model with a price and room for the client's background calls."""
        priced = [
            (entry.input + entry.output, entry.id)
            for entry in self.listing(provider).models
            if entry.input is not None and entry.output is not None
            if (entry.context_window or BACKGROUND_WINDOW) >= BACKGROUND_WINDOW
        ]
        return min(priced, default=(0, None))[1]

    def window(self, provider: str, model: str) -> int | None:
        """The context window, tokens: from the settings, the provider's list, the price list."""
        config = self._providers.get(provider)
        if config is not None and (own := config.context_windows.get(model)):
            return own
        entry = self.find(provider, model)
        if entry is not None and entry.context_window:
            return entry.context_window
        return list_window(config.price_catalog if config else None, model)

    def fetched(self, provider: str, models: tuple[ListedModel, ...], now: float) -> None:
        self._kept.listings[provider] = Listing(models, now)
        self._changed(provider)

    def failed(self, provider: str, error: str, now: float) -> None:
        """The last good list stays."""
        last = self.listing(provider)
        self._kept.listings[provider] = Listing(last.models, last.fetched_at, error, now)
        self._changed(provider)

    def renewed(self, provider: str, *, moved: bool) -> None:
        """``provider`` is set up otherwise. Where it ``moved``, its list is that of somebody else."""
        if moved:
            self._kept.listings.pop(provider, None)
        self._changed(provider)

    def set_favourite(self, provider: str, model: str, favourite: bool) -> None:
        entry = (provider, model)
        others = [each for each in self._kept.favourites if tuple(each) != entry]
        self._kept.favourites = [*others, entry] if favourite else others

    def note_used(self, provider: str, model: str, now: float) -> None:
        """``model`` served just now. Kept in memory; written with the next ``save``."""
        used = self._kept.used
        used[f"{provider}/{model}"] = now
        if len(used) > USED_KEPT * 2:
            newest = sorted(used.items(), key=lambda each: each[1])[-USED_KEPT:]
            self._kept.used = dict(newest)

    async def look_up(self) -> None:
        """Have the price list's word on every model remembered; the first time takes long, and a thread does it."""
        wanted = [(each.price_catalog, model) for each in self._providers.values() for model in self.ids(each.name)]
        await asyncio.to_thread(_look_up, wanted)

    def models(self) -> tuple[c.Model, ...]:
        """All models of all present providers, as the panel shows them."""
        return tuple(self._model(name, model_id) for name in self._providers for model_id in self.ids(name))

    def published(self, which: str) -> tuple[c.Model, ...]:
        """What the client's own ``/model`` may show: real Claude ids as they are, foreign ones under our names."""
        shown = [self._model(name, each) for name in self._providers for each in self.ids(name)]
        return tuple(model for model in shown if self._is_claude(model) or _wanted(model, which))

    def favourite_foreign(self) -> c.Model | None:
        """The first favourite that the client does not know by itself."""
        for provider, model in self._kept.favourites:
            if provider in self._providers and not self._providers[provider].real_claude:
                return self._model(provider, model)
        return None

    async def save(self) -> None:
        await self._file.keep(msgspec.json.encode(self._kept))

    def save_now(self) -> None:
        self._file.keep_now(msgspec.json.encode(self._kept))

    def _is_claude(self, model: c.Model) -> bool:
        return self._providers[model.provider].real_claude and model.id.startswith("claude")

    def _model(self, provider: str, model_id: str) -> c.Model:
        config = self._providers[provider]
        return model_of(
            config,
            msgspec.structs.replace(self.find(provider, model_id) or ListedModel(model_id), id=model_id),
            self.window(provider, model_id),
            favourite=any((provider, model_id) == tuple(each) for each in self._kept.favourites),
            used_at=self._kept.used.get(f"{provider}/{model_id}"),
            published_id=model_id
            if config.real_claude and model_id.startswith("claude")
            else naming.published_id(provider, model_id),
        )

    def _changed(self, provider: str) -> None:
        self._ids.pop(provider, None)
        self._by_id.pop(provider, None)
        self._found.clear()


def model_of(provider: ProviderConfig, entry: ListedModel, window: int | None, **marks: Any) -> c.Model:
    """A model of ``provider`` as it lists it; ``marks`` are what only the catalogue knows."""
    price = entry.price or list_price(provider.price_catalog, entry.id, today())
    return c.Model(
        provider=provider.name,
        id=entry.id,
        name=entry.name,
        context_window=window,
        max_output_tokens=entry.max_output_tokens,
        input_nano_usd=0 if provider.free else price.input if price else None,
        output_nano_usd=0 if provider.free else price.output if price else None,
        tools=entry.tools,
        images=entry.images,
        thinking=entry.thinking,
        **marks,
    )


def _wanted(model: c.Model, which: str) -> bool:
    return which == "all" or (which == "favourites" and (model.favourite or model.used_at is not None))


def _look_up(models: Sequence[tuple[str | None, str]]) -> None:
    for catalog, model in models:
        list_window(catalog, model)
