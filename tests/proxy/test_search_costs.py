"""What the engine's own searches cost: once, at their own price, and the same whenever it is computed anew."""

from proxy import contract as c
from proxy.costs import Costs
from proxy.protocol.pricing import Price
from proxy.providers import ProviderConfig, resolve_providers
from proxy.settings import ProviderSettings, Settings
from tests.proxy.test_costs import cost_of

SEARCHED = c.Usage(input_tokens=1_000_000, web_searches=2)
OWN_SEARCH = 5_000_000
CLAUDE = "claude-sonnet-4-5"


def provider(preset: str, **fields: object) -> ProviderConfig:
    named = ProviderSettings.model_validate({"preset": preset, "api_key": "k", **fields})
    return resolve_providers(Settings(providers={"p": named}), {})["p"]


def gateway(**quirks: object) -> ProviderConfig:
    """Whose list prices a search: ten dollars for a thousand."""
    return provider("custom", base_url="https://gateway.example", price_catalog="anthropic", quirks=quirks)


def searches_cost(config: ProviderConfig, own_search: int | None) -> int:
    costs = Costs({}, lambda _provider, _model: None, own_search)
    with_searches, _ = cost_of(costs, config, CLAUDE, SEARCHED, None)
    without, _ = cost_of(costs, config, CLAUDE, c.Usage(input_tokens=1_000_000), None)
    assert with_searches is not None
    assert without is not None
    return with_searches - without


def test_who_searches_bills_its_own_price() -> None:
    assert searches_cost(gateway(), OWN_SEARCH) == 20_000_000


def test_who_cannot_search_bills_no_search_and_the_engine_s_own_is_added() -> None:
    assert searches_cost(gateway(server_search=False), OWN_SEARCH) == 10_000_000


def test_without_a_known_price_of_searches_the_model_s_cost_stays() -> None:
    assert searches_cost(gateway(server_search=False), 0) == 0


def test_where_the_engine_makes_none_every_search_is_the_provider_s() -> None:
    assert searches_cost(gateway(server_search=False), None) == 20_000_000


def test_longer_prompts_have_the_same_price_of_searches() -> None:
    tiered = Price(1, 1, search=7, tiers=((100, Price(2, 2, search=7)),)).with_search(9)
    assert (tiered.search, tiered.at(200)) == (9, Price(2, 2, search=9))


def test_a_free_model_s_searches_are_not_free() -> None:
    costs, local = Costs({}, lambda _provider, _model: None, OWN_SEARCH), provider("ollama")
    assert cost_of(costs, local, "qwen3", SEARCHED, None) == (10_000_000, "settings")
    assert cost_of(costs, local, "qwen3", c.Usage(input_tokens=7), None) == (0, "free")


def test_an_unknown_price_stays_unknown() -> None:
    costs = Costs({}, lambda _provider, _model: None, OWN_SEARCH)
    assert cost_of(costs, provider("zai"), "nobody-knows", SEARCHED, None) == (None, "unknown")


def test_who_searches_by_itself() -> None:
    assert provider("anthropic").searches("any-model")
    assert provider("openrouter").searches("anthropic/claude-opus-4.8")
    assert not provider("openrouter").searches("z-ai/glm-5")
    assert provider("openai").searches("gpt-5.4")
    assert provider("gemini").searches("gemini-3-pro")
    assert not provider("groq").searches("llama-3.3-70b")
    assert not provider("bedrock").searches("global.anthropic.claude-opus-4-8")
    assert provider("vertex", project="p").searches("claude-opus-4-8")
    assert provider("groq", quirks={"server_search": True}).searches("llama-3.3-70b")
    assert not provider("openai", quirks={"server_search": False}).searches("gpt-5.4")
