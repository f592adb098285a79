"""What a request cost and who says so: the provider, its list, the user, the price list, or nobody.

The order of truth: the provider's own figure in the answer, the prices in its model list, the user's
``[prices]``, the bundled list of genai-prices. Without any of them the cost is unknown, never zero.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from proxy import contract as c
from proxy.prices import list_price, today
from proxy.protocol.listing import ListedModel
from proxy.protocol.naming import canonical, strip_window_suffix
from proxy.protocol.pricing import Price, Settled, bill, split_cost
from proxy.providers import ProviderConfig
from proxy.settings import PriceSettings

NANO = 10**9
PLACES_PERCENT: Mapping[str, int] = {"us": 10}
"""What Anthropic takes more for tokens where ``inference_geo`` binds an answer to a place (its pricing page, data
residency). Of another place nobody knows."""
REGIONAL_PERCENT = 10
"""What Google takes more for Claude where an endpoint is bound to a region; the list has AWS's own."""


class Costs:
    """Prices in force."""

    def __init__(
        self,
        prices: Mapping[str, PriceSettings],
        listed: Callable[[str, str], ListedModel | None],
        own_search: int | None = None,
    ) -> None:
        """``listed`` finds a model in a provider's list; ``own_search`` is what one of the engine's own searches costs,
        nano-dollars (0: free, or nobody knows); None: the engine makes none, so a search is the provider's."""
        self._own = {name: _from_settings(each) for name, each in prices.items()}
        self._listed = listed
        self._own_search = None if own_search is None else own_search * 1000

    def renew(self, prices: Mapping[str, PriceSettings]) -> None:
        """Other prices of the user's count from now on."""
        self._own = {name: _from_settings(each) for name, each in prices.items()}

    def price_of(
        self,
        provider: ProviderConfig | None,
        model: str,
        day: str | None = None,
        *,
        speed: str | None = None,
        geo: str | None = None,
        searched_here: bool = False,
    ) -> tuple[Price | None, c.CostSource]:
        """The price of ``model`` at ``provider`` and its source, on ``day`` (ISO date, UTC) or today.

        Without a provider, as transcripts of the client name none, it is the user's or that of the model's maker.
        Only the price list knows other days, and what a ``speed`` other than the standard one costs or to be bound to a
        place (``geo``); a provider's list and the settings are those of today, and their prices all that is to be paid.
        Where the engine searches in the provider's place, the price of searches is that of the engine's own.
        ``searched_here``: it did so although the provider could.
        """
        price, source = self._price_of(provider, model, day or today(), speed, geo)
        own = self._own_search
        theirs = provider is None or (provider.searches(model) and not searched_here)
        if price is None or own is None or theirs or price.search == own:
            return price, source
        return price.with_search(own), source

    def _price_of(
        self, provider: ProviderConfig | None, model: str, day: str, speed: str | None, geo: str | None
    ) -> tuple[Price | None, c.CostSource]:
        name = strip_window_suffix(model)
        if speed is not None:
            return _listed_price(provider, name, day, speed, geo)
        entry = self._listed(provider.name, model) if provider else None
        if entry is not None and entry.price is not None:
            return entry.price, "listed"
        for key in ((f"{provider.name}/{name}",) if provider else ()) + (name, canonical(name)):
            if key in self._own:
                return self._own[key], "settings"
        if provider and provider.free:
            return Price(0, 0), "free"
        return _listed_price(provider, name, day, speed, geo)

    def settled(self, provider: ProviderConfig | None, one: c.Pass, day: str | None = None) -> Settled:
        """What ``one`` of ``provider``'s answers cost, by the first of its names that has a price.

        A reported cost is divided in the proportion of that price. Without counts and a report it is unknown.
        """
        prices = (
            self.price_of(provider, model, day, speed=one.speed, geo=one.geo, searched_here=one.searched_here)
            for model in one.models
        )
        price, source = next((each for each in prices if each[0] is not None), (None, "unknown"))
        told = None if price is None else bill(one.usage, price)
        if one.reported_nano_usd is not None:
            split = None if told is None else split_cost(one.reported_nano_usd, told)
            return Settled(one.reported_nano_usd, "reported", split)
        if told is None or not one.billed:
            return Settled()
        nano_usd = told.nano_usd
        if source == "free" and nano_usd:  # of a free model, the searches cost
            source = "settings"
        return Settled(nano_usd, source, split_cost(nano_usd, told))


def _listed_price(
    provider: ProviderConfig | None, name: str, day: str, speed: str | None, geo: str | None
) -> tuple[Price | None, c.CostSource]:
    """By the bundled list, and what is to be paid on top of it for a place."""
    price = list_price(provider.price_catalog if provider else None, name, day, speed)
    if price is None or (geo is not None and geo not in PLACES_PERCENT):
        return None, "unknown"
    bound = PLACES_PERCENT[geo] if geo is not None else 0
    regional = REGIONAL_PERCENT if provider is not None and provider.regional(name) else 0
    return price.dearer(max(bound, regional)) if bound or regional else price, "genai-prices"


def _from_settings(own: PriceSettings) -> Price:
    """USD per million tokens are a thousand million nano-dollars per million tokens."""

    def nano(amount: Decimal | None) -> int | None:
        return None if amount is None else int(amount * NANO)

    return Price(
        input=nano(own.input) or 0,
        output=nano(own.output) or 0,
        cache_read=nano(own.cache_read),
        cache_write_5m=nano(own.cache_write_5m),
        cache_write_1h=nano(own.cache_write_1h),
    )
