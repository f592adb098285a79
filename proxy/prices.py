"""List prices from genai-prices, turned into our own ``Price`` values.

The library knows models, tiers and dated price changes; the arithmetic stays ours, in integers. What it does
not know is None: the caller shows it as unknown. A test holds our sums against the library's own. Its list is the
installed one and nothing is fetched, unless ``PriceUpdates`` is started, which the settings have to allow.
"""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from genai_prices import UpdatePrices
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices
from genai_prices.update_prices import DEFAULT_UPDATE_URL as UPDATES_URL

from proxy.protocol.naming import canonical, strip_window_suffix
from proxy.protocol.pricing import Price

NANO = 10**9
UPDATED_EVERY_S = 24 * 3600.0
MODELS_KEPT = 8192
"""Lookups that are remembered: more than all providers of one user list. A new one takes a fifth of a millisecond."""


class PriceUpdates:
    """Fetches the library's list once a day, in a thread of its own. What fails is logged, and the last list stays."""

    def __init__(self) -> None:
        self._updates = UpdatePrices(update_interval=UPDATED_EVERY_S, url=UPDATES_URL)

    def start(self) -> None:
        self._updates.start()

    def stop(self) -> None:
        """Fetched prices stay in use."""
        self._updates.stop()  # type: ignore[no-untyped-call]  # the library left its type out


def list_price(catalog: str | None, model: str, day: str, speed: str | None = None) -> Price | None:
    """The list price of ``model`` on ``day`` (ISO date, UTC); None where it has none.

    ``catalog`` is the provider's name in the library, None where the library does not know the provider:
    then the model's own name decides whose price it is. A ``speed`` (``fast``) has a price of its own, or none.
    """
    return _list_price(catalog, model, day, speed, get_snapshot().timestamp)


def list_window(catalog: str | None, model: str) -> int | None:
    """The context window of ``model`` in tokens, as far as the library knows it."""
    return _list_window(catalog, model, get_snapshot().timestamp)


@lru_cache(MODELS_KEPT)
def _list_price(catalog: str | None, model: str, day: str, speed: str | None, list_of: datetime) -> Price | None:
    found = _find(catalog, model, list_of)
    if found is None:
        return None
    moment = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    if speed is None:
        return _price(found.get_prices(moment))
    known = any(variant.when.get("speed") == speed for variant in found.price_variants or ())
    return _price(found.get_prices(moment, {"speed": speed})) if known else None


def _list_window(catalog: str | None, model: str, list_of: datetime) -> int | None:
    found = _find(catalog, model, list_of)
    return found.context_window if found is not None else None


def today() -> str:
    """The day by which ``list_price`` caches: prices change by the day."""
    return datetime.now(UTC).date().isoformat()


def day_of(moment: float) -> str:
    """The day whose prices count at ``moment`` (Unix seconds)."""
    return datetime.fromtimestamp(moment, UTC).date().isoformat()


@lru_cache(MODELS_KEPT)
def _find(catalog: str | None, model: str, _list_of: datetime) -> ModelInfo | None:
    name = strip_window_suffix(model)
    spellings = [name, canonical(name)]
    for provider in dict.fromkeys((catalog, _maker(name))):
        for spelling in spellings:
            try:
                return get_snapshot().find_provider_model(spelling, None, provider, None)[1]
            except LookupError:
                continue
    return None


def _maker(model: str) -> str | None:
    """The library's name of the company whose model this is, by the model's name."""
    name = canonical(model)
    makers = {"claude": "anthropic", "gpt": "openai", "o3": "openai", "o4": "openai", "gemini": "google"}
    makers |= {
        "deepseek": "deepseek",
        "grok": "x-ai",
        "mistral": "mistral",
        "kimi": "moonshotai",
        "glm": "zai",
    }
    return next((maker for start, maker in makers.items() if name.startswith(start)), None)


def _price(prices: ModelPrice) -> Price | None:
    if prices.input_mtok is None or prices.output_mtok is None:
        return None
    starts = sorted(
        {tier.start for _, value in vars(prices).items() if isinstance(value, TieredPrices) for tier in value.tiers}
    )
    base = _at(prices, 0)
    tiers = tuple((start, _at(prices, start + 1)) for start in starts)
    return Price(
        input=base.input,
        output=base.output,
        cache_read=base.cache_read,
        cache_write_5m=base.cache_write_5m,
        cache_write_1h=base.cache_write_1h,
        search=base.search,
        tiers=tiers,
    )


def _at(prices: ModelPrice, prompt_tokens: int) -> Price:
    def nano(name: str) -> int | None:
        value = vars(prices).get(name)
        if isinstance(value, TieredPrices):
            steps = [tier.price for tier in value.tiers if prompt_tokens > tier.start]
            value = steps[-1] if steps else value.base
        return int(value * NANO) if isinstance(value, Decimal) else None

    return Price(
        input=nano("input_mtok") or 0,
        output=nano("output_mtok") or 0,
        cache_read=nano("cache_read_mtok"),
        cache_write_5m=nano("cache_write_mtok"),
        cache_write_1h=nano("cache_write_1h_mtok"),
        search=nano("web_searches_kcount") or 0,
    )
