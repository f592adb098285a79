"""Our sums against the price list's own: equal to the nano-dollar."""

import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

import genai_prices
import msgspec
import pytest
from genai_prices.data_snapshot import set_custom_snapshot

from proxy.contract import Usage
from proxy.prices import list_price, list_window, today
from proxy.protocol.pricing import cost
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import provider, settings
from tests.upstreams import ScriptedUpstream, as_json

DAY = "2026-11-20"
NOON = datetime.fromisoformat(f"{DAY}T12:00:00+00:00")

ANTHROPIC = (
    "claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-5", "claude-opus-4-1-20250805", "claude-sonnet-4-6",
    "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "claude-haiku-4-5", "claude-haiku-4-5-20251001",
    "claude-3-5-haiku-latest", "claude-opus-5", "claude-sonnet-5", "claude-fable-5",
)  # fmt: skip
OPENAI = ("gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-5.1", "gpt-5.4", "gpt-5.5", "o3", "o4-mini", "gpt-4.1")
GOOGLE = (
    "gemini-2.5-pro",
    "gemini-2.5-flash",
    "gemini-3-pro-preview",
    "gemini-3.1-pro-preview",
    "gemini-2.5-flash-lite",
)
DEEPSEEK = ("deepseek-chat", "deepseek-v4-pro", "deepseek-v4-flash", "deepseek-reasoner")
XAI = ("grok-4.3", "grok-code-fast-1", "grok-3-mini")
LISTED = [
    (catalog, model)
    for catalog, models in (
        ("anthropic", ANTHROPIC), ("openai", OPENAI), ("google", GOOGLE), ("deepseek", DEEPSEEK), ("x-ai", XAI),
    )
    for model in models
]  # fmt: skip


def usages(seed: str) -> list[Usage]:
    """Usages of every size, tiers included, the same in each run."""
    chance = random.Random(seed)

    def count() -> int:
        return chance.choice([0, chance.randrange(200), chance.randrange(20_000), chance.randrange(600_000)])

    return [
        Usage(
            input_tokens=count(),
            output_tokens=count(),
            cache_read_tokens=count(),
            cache_write_5m_tokens=count(),
            cache_write_1h_tokens=count(),
            web_searches=chance.choice([0, 0, 3]),
        )
        for _ in range(40)
    ]


def their_nano_usd(usage: Usage, catalog: str, model: str) -> int:
    counts = genai_prices.Usage(
        input_tokens=usage.prompt_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        output_tokens=usage.output_tokens,
        web_searches=usage.web_searches,
    )
    found = genai_prices.calc_price(counts, model, provider_id=catalog, genai_request_timestamp=NOON)
    return int((found.total_price * 10**9).quantize(Decimal(1), rounding=ROUND_HALF_UP))


@pytest.mark.parametrize(("catalog", "model"), LISTED, ids=[model for _, model in LISTED])
def test_our_cost_is_the_list_s_own_to_the_nano_dollar(catalog: str, model: str) -> None:
    price = list_price(catalog, model, DAY)
    assert price is not None
    for usage in usages(model):
        assert (usage, cost(usage, price)) == (usage, their_nano_usd(usage, catalog, model))


def test_an_exact_id_beats_a_prefix() -> None:
    full, mini = list_price("openai", "gpt-5", DAY), list_price("openai", "gpt-5-mini", DAY)
    assert full is not None
    assert mini is not None
    assert (full.input, mini.input) == (1_250_000_000, 250_000_000)


@pytest.mark.parametrize(
    ("catalog", "model"),
    [
        ("anthropic", "my-finetune"), (None, "my-finetune"), (None, ""), ("anthropic", "gpt-5x-unheard-of"),
        (None, "gpt-5-unheard-of"), ("no-such-catalog", "my-finetune"), (None, "claude-opus-99"), (None, "水"),
    ],
)  # fmt: skip
def test_an_unknown_price_is_unknown_and_not_zero(catalog: str | None, model: str) -> None:
    assert list_price(catalog, model, DAY) is None


@pytest.mark.parametrize(
    "spelling",
    [
        "claude-opus-4-8[1m]", "anthropic/claude-opus-4.8", "us.anthropic.claude-opus-4-8-v1:0",
        "claude-opus-4-8@20260101",
        "anthropic.claude-opus-4-8-v1", "claude-opus-4.8",
    ],
)  # fmt: skip
def test_a_model_of_a_gateway_costs_what_its_maker_asks(spelling: str) -> None:
    assert list_price(None, spelling, DAY) == list_price("anthropic", "claude-opus-4-8", DAY)


def test_two_versions_of_another_maker_s_model_are_two_models() -> None:
    assert list_price("deepseek", "deepseek-v4-pro", DAY) != list_price("deepseek", "deepseek-chat", DAY)
    assert list_price("deepseek", "deepseek-v99", DAY) is None


def test_every_tier_of_the_list_is_ours_too() -> None:
    price = list_price("anthropic", "claude-sonnet-4-5", DAY)
    assert price is not None
    assert (price.at(200_000).input, price.at(200_001).input) == (3 * 10**9, 6 * 10**9)
    assert (price.at(200_000).cache_write_1h, price.at(200_001).cache_write_1h) == (6 * 10**9, 12 * 10**9)


def test_the_window_of_a_known_model_is_known_and_of_an_unknown_one_not() -> None:
    assert (list_window("anthropic", "claude-sonnet-4-5") or 0) >= 200_000
    assert list_window(None, "my-finetune") is None


def test_prices_are_those_of_a_day() -> None:
    assert datetime.fromisoformat(today()).date() == datetime.now(UTC).date()


NEW_LIST = [
    {
        "id": "anthropic",
        "name": "Anthropic",
        "api_pattern": "https://api.anthropic.com",
        "models": [
            {
                "id": "claude-opus-4-8",
                "match": {"equals": "claude-opus-4-8"},
                "prices": {"input_mtok": 7, "output_mtok": 70},
            }
        ],
    }
]
UPDATER = "genai_prices:update"
"""The library's thread."""


@pytest.fixture
def installed_list() -> Iterator[None]:
    """The installed list counts again after the test."""
    yield
    set_custom_snapshot(None)


@pytest.mark.usefixtures("installed_list")
async def test_prices_are_fetched_where_the_settings_allow_it(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    second.script = as_json(msgspec.json.encode(NEW_LIST))
    monkeypatch.setattr("proxy.prices.UPDATES_URL", f"{second.url}/data.json")
    engine = await start(settings(provider(upstream), engine={"update_prices": True}))
    await engine.snapshot()
    assert await genai_prices.wait_prices_updated_async(20)
    price = list_price("anthropic", "claude-opus-4-8", DAY)
    assert price is not None
    assert (price.input, price.output) == (7 * 10**9, 70 * 10**9)


@pytest.mark.usefixtures("installed_list")
async def test_nothing_is_fetched_unless_the_settings_allow_it(
    start: StartEngine, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[object] = []
    monkeypatch.setattr(genai_prices.UpdatePrices, "fetch", fetched.append)
    engine = await start(settings(provider(upstream)))
    await engine.ask()
    await engine.record()
    assert UPDATER not in [each.name for each in threading.enumerate() if each.is_alive()]
    assert fetched == []
