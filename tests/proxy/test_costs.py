"""Who says what it cost: the order of truth, and that the unknown stays unknown."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from proxy.contract import CostSource, Pass, Usage
from proxy.costs import Costs
from proxy.prices import list_price
from proxy.protocol.listing import ListedModel
from proxy.protocol.usage import AnswerFacts
from proxy.providers import ProviderConfig, resolve_providers
from proxy.settings import PriceSettings, load_settings

THOUSAND = Usage(input_tokens=1000, output_tokens=1000)
LISTED = {("gateway", "dear"): ListedModel("dear", input=8 * 10**9, output=8 * 10**9)}
OWN = {
    "mine": PriceSettings(input=Decimal(1), output=Decimal(4)),
    "dear": PriceSettings(input=Decimal(1), output=Decimal(1)),
    "gateway/shared": PriceSettings(input=Decimal(2), output=Decimal(2)),
    "shared": PriceSettings(input=Decimal(3), output=Decimal(3)),
    "claude-opus-4-8": PriceSettings(input=Decimal(1), output=Decimal(1)),
    "tiny": PriceSettings(input=Decimal("0.000001"), output=Decimal(0), cache_read=Decimal(0)),
}
COSTS = Costs(OWN, lambda provider, model: LISTED.get((provider, model)))


def provider(**own: Any) -> ProviderConfig:
    tables = {"providers": {"gateway": {"base_url": "https://x.example", **own}}}
    return resolve_providers(load_settings(Path("/nonexistent/config.toml"), tables, {}), {})["gateway"]


def cost_of(
    costs: Costs, provider: ProviderConfig, model: str, usage: Usage, reported: int | None
) -> tuple[int | None, CostSource]:
    """Nano-dollars and their source."""
    settled = costs.settled(provider, Pass(served_model=model, usage=usage, reported_nano_usd=reported))
    return settled.nano_usd, settled.source


GATEWAY = provider()
LOCAL = provider(preset="ollama")


def test_the_provider_s_own_figure_beats_everything() -> None:
    assert cost_of(COSTS, GATEWAY, "dear", THOUSAND, 5) == (5, "reported")


def test_a_reported_nothing_is_nothing_and_not_unknown() -> None:
    assert cost_of(COSTS, GATEWAY, "no-such-model", THOUSAND, 0) == (0, "reported")


def test_the_provider_s_list_beats_the_settings() -> None:
    assert cost_of(COSTS, GATEWAY, "dear", THOUSAND, None) == (16_000_000, "listed")


def test_the_settings_beat_the_bundled_list() -> None:
    assert cost_of(COSTS, GATEWAY, "claude-opus-4-8", THOUSAND, None) == (2_000_000, "settings")


@pytest.mark.parametrize("model", ["mine", "mine[1m]"])
def test_a_price_in_the_settings_is_dollars_per_million_tokens(model: str) -> None:
    assert cost_of(COSTS, GATEWAY, model, THOUSAND, None) == (5_000_000, "settings")


def test_a_price_for_one_provider_beats_the_price_of_the_name() -> None:
    assert cost_of(COSTS, GATEWAY, "shared", THOUSAND, None) == (4_000_000, "settings")


def test_a_price_of_a_millionth_is_not_rounded_to_nothing() -> None:
    assert cost_of(COSTS, GATEWAY, "tiny", Usage(input_tokens=1_000_000), None) == (1000, "settings")


def test_the_bundled_list_prices_the_served_model() -> None:
    assert cost_of(COSTS, GATEWAY, "claude-haiku-4-5-20251001", THOUSAND, None) == (6_000_000, "genai-prices")


@pytest.mark.parametrize("model", ["no-such-model", "", "gpt-5-no-such", "dear[1m]x"])
def test_an_unknown_price_is_unknown_and_never_zero(model: str) -> None:
    assert cost_of(COSTS, GATEWAY, model, THOUSAND, None) == (None, "unknown")


def test_a_model_on_the_user_s_own_machine_is_free() -> None:
    assert cost_of(COSTS, LOCAL, "llama3.1:8b", THOUSAND, None) == (0, "free")


def test_a_list_that_names_no_prices_decides_nothing() -> None:
    costs = Costs({}, lambda provider, model: ListedModel(model))
    assert cost_of(costs, GATEWAY, "claude-haiku-4-5", THOUSAND, None) == (6_000_000, "genai-prices")


class TestPlace:
    """Anthropic takes a tenth more for tokens of answers that are bound to the United States, Google in its regions."""

    USAGE = Usage(input_tokens=1000, output_tokens=100, cache_read_tokens=10_000, web_searches=2)
    SEARCHES = 2 * 10_000_000

    def cost(
        self, where: ProviderConfig | None, model: str, geo: str | None, usage: Usage = USAGE
    ) -> tuple[int | None, CostSource]:
        costs = Costs(OWN, lambda provider, model: LISTED.get((provider, model)))
        settled = costs.settled(where, Pass(served_model=model, usage=usage, geo=geo))
        return settled.nano_usd, settled.source

    def test_who_is_bound_to_the_united_states_pays_more_for_tokens_and_the_same_for_searches(self) -> None:
        plain, _ = self.cost(GATEWAY, "claude-haiku-4-5", None)
        bound, source = self.cost(GATEWAY, "claude-haiku-4-5", "us")
        assert plain is not None
        assert bound is not None
        assert (bound - self.SEARCHES) * 10 == (plain - self.SEARCHES) * 11
        assert source == "genai-prices"

    def test_of_another_place_nobody_knows_what_it_costs(self) -> None:
        assert self.cost(GATEWAY, "claude-haiku-4-5", "mars") == (None, "unknown")

    @pytest.mark.parametrize("model", ["dear", "mine"])
    def test_a_price_of_the_provider_s_list_or_of_the_settings_is_all_that_is_to_be_paid(self, model: str) -> None:
        assert self.cost(GATEWAY, model, "us") == self.cost(GATEWAY, model, None)

    @pytest.mark.parametrize(
        ("region", "model", "tenths"),
        [
            ("global", "claude-sonnet-5", 10),
            ("europe-west1", "claude-sonnet-5", 11),
            ("us-east5", "claude-haiku-4-5@20251001", 11),
            ("us-east5", "claude-opus-4-1@20250805", 10),
        ],
    )
    def test_a_region_of_google_s_costs_more_from_claude_4_5_on(self, region: str, model: str, tenths: int) -> None:
        vertex = {"preset": "vertex", "base_url": None, "project": "p"}
        world, there = (provider(**vertex, region=each) for each in ("global", region))
        plain, bound = (self.cost(each, model, None, THOUSAND)[0] for each in (world, there))
        assert plain is not None
        assert bound is not None
        assert bound * 10 == plain * tenths

    @pytest.mark.parametrize(
        ("told", "geo"), [("us", "us"), ("global", None), ("not_available", None), ("", None), (None, None), (5, None)]
    )
    def test_the_place_is_read_from_the_usage(self, told: object, geo: str | None) -> None:
        facts = AnswerFacts()
        facts.see_usage({"input_tokens": 1, "inference_geo": told})
        assert facts.geo == geo


class TestSpeed:
    def test_a_fast_answer_costs_the_fast_price(self) -> None:
        plain = list_price("anthropic", "claude-opus-4-8", "2026-11-01")
        fast = list_price("anthropic", "claude-opus-4-8", "2026-11-01", "fast")
        assert plain is not None
        assert fast is not None
        assert (plain.output, fast.output) == (25 * 10**9, 50 * 10**9)

    def test_a_speed_without_a_price_is_unknown_not_the_plain_price(self) -> None:
        assert list_price("anthropic", "claude-haiku-4-5", "2026-11-01", "fast") is None

    def test_the_tap_reads_the_speed_that_was_billed(self) -> None:
        facts = AnswerFacts()
        facts.see_usage({"input_tokens": 1, "speed": "fast"})
        assert facts.speed == "fast"
        facts.see_usage({"input_tokens": 1, "speed": "standard"})
        assert facts.speed is None
