"""Prices in force against figures written down by hand from what the makers publish, read in November 2026.

Dollars per million tokens, as strings, so that no binary fraction gets between. A figure that the maker does not
publish is None and not looked at. Sources:

- Anthropic: platform.claude.com/docs/en/about-claude/pricing ("Model pricing": base input, 5m and 1h cache writes,
  cache hits, output) and the pages of the models under platform.claude.com/docs/en/models.
- OpenAI: developers.openai.com/api/docs/pricing (standard, short and long context) and the pages of the models under
  developers.openai.com/api/docs/models; a prompt of more than 272 000 tokens costs the long rate as a whole.
- Google: ai.google.dev/gemini-api/docs/pricing (paid tier, standard; up to and beyond 200 000 tokens).
- xAI: docs.x.ai/developers/models and the pages of the models; from 200 000 tokens on the long rate.
- Moonshot AI: platform.kimi.ai/docs/pricing/chat. Mistral: mistral.ai/pricing (API).

Where a maker's page could be had in part only, the figure was read in the list that Simon Willison keeps by hand,
github.com/simonw/llm-prices.
"""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from proxy.prices import list_price
from proxy.protocol.pricing import Price

DAY = "2026-11-20"


@dataclass(frozen=True)
class Published:
    """What a maker's page says of a model."""

    catalog: str
    model: str
    input: str
    output: str
    cached: str | None = None
    write_5m: str | None = None
    write_1h: str | None = None
    long: tuple[int, str, str, str] | None = None
    """A prompt length that costs the long rate; then input, output and cached input."""


ANTHROPIC = [
    Published("anthropic", "claude-fable-5-1", "10", "50", "0.25", "12.50", "20"),
    Published("anthropic", "claude-fable-5", "10", "50", "1", "12.50", "20"),
    Published("anthropic", "claude-opus-5-5", "4", "20", "0.20", "5", "8"),
    Published("anthropic", "claude-opus-5", "5", "25", "0.50", "6.25", "10"),
    Published("anthropic", "claude-opus-4-8", "5", "25", "0.50", "6.25", "10"),
    Published("anthropic", "claude-opus-4-7", "5", "25", "0.50", "6.25", "10"),
    Published("anthropic", "claude-opus-4-6", "5", "25", "0.50", "6.25", "10"),
    Published("anthropic", "claude-opus-4-5", "5", "25", "0.50", "6.25", "10"),
    Published("anthropic", "claude-sonnet-5-5", "2", "10", "0.10", "2.50", "4"),
    Published("anthropic", "claude-sonnet-5", "2", "10", "0.20", "2.50", "4"),
    Published("anthropic", "claude-sonnet-4-6", "3", "15", "0.30", "3.75", "6"),
    Published(
        "anthropic", "claude-haiku-5-5", "0.10", "0.50", "0.01", "0.125", "0.20", (100_001, "0.50", "2.50", "0.05")
    ),
    Published("anthropic", "claude-haiku-4-5", "1", "5", "0.10", "1.25", "2"),
]  # fmt: skip
OPENAI = [
    Published("openai", "gpt-6-astra", "10", "50", "1", "12.50", None, (272_001, "20", "75", "2")),
    Published("openai", "gpt-6.1-sol", "2", "10", "0.10", None, None, (272_001, "4", "15", "0.20")),
    Published("openai", "gpt-6-sol", "2", "10", "0.20", "2.50", None, (272_001, "4", "15", "0.40")),
    Published("openai", "gpt-6-luna", "0.10", "0.50", "0.01", "0.125", None, (272_001, "0.20", "0.75", "0.02")),
    Published("openai", "gpt-5.5", "5", "30", "0.50", None, None, (272_001, "10", "45", "1")),
    Published("openai", "gpt-5.4", "2.50", "15", "0.25", None, None, (272_001, "5", "22.50", "0.50")),
    Published("openai", "gpt-5.4-mini", "0.75", "4.50", "0.075"),
    Published("openai", "gpt-5.2", "1.75", "14", "0.175"),
]
GOOGLE = [
    Published("google", "gemini-3.1-pro-preview", "2", "12", "0.20", None, None, (200_001, "4", "18", "0.40")),
    Published("google", "gemini-3-flash-preview", "0.50", "3"),
    Published("google", "gemini-3.5-flash", "1.50", "9", "0.15"),
    Published("google", "gemini-3.1-flash-lite", "0.25", "1.50", "0.025"),
    Published("google", "gemini-2.5-pro", "1.25", "10", "0.125", None, None, (200_001, "2.50", "15", "0.25")),
    Published("google", "gemini-2.5-flash", "0.30", "2.50", "0.03"),
    Published("google", "gemini-2.5-flash-lite", "0.10", "0.40", "0.01"),
]
XAI = [
    Published("x-ai", "grok-4.7", "2", "6", "0.50", None, None, (200_000, "4", "12", "1")),
    Published("x-ai", "grok-4.6", "2", "6", "0.50", None, None, (200_000, "4", "12", "1")),
    Published("x-ai", "grok-4.5", "2", "6", "0.30", None, None, (200_000, "4", "12", "0.60")),
    Published("x-ai", "grok-4.3", "1.25", "2.50", "0.20", None, None, (200_000, "2.50", "5", "0.40")),
    Published("x-ai", "grok-code-fast-1", "0.20", "1.50", "0.02"),
]
OTHERS = [
    Published("moonshotai", "kimi-k2.6", "0.95", "4", "0.16"),
    Published("mistral", "codestral-latest", "0.30", "0.90"),
]
TABLE = [*ANTHROPIC, *OPENAI, *GOOGLE, *XAI, *OTHERS]


def nano(dollars: str | None) -> int | None:
    return None if dollars is None else int(Decimal(dollars) * 10**9)


def in_force(published: Published) -> Price:
    price = list_price(published.catalog, published.model, DAY)
    assert price is not None, f"{published.model} has no price"
    return price


@pytest.mark.parametrize("published", TABLE, ids=[each.model for each in TABLE])
def test_a_price_is_the_published_one(published: Published) -> None:
    price = in_force(published)
    figures = {
        "input": (published.input, price.input),
        "output": (published.output, price.output),
        "cached": (published.cached, price.cache_read),
        "write_5m": (published.write_5m, price.cache_write_5m),
        "write_1h": (published.write_1h, price.cache_write_1h),
    }
    wrong = {name: pair for name, pair in figures.items() if pair[0] is not None and nano(pair[0]) != pair[1]}
    assert wrong == {}


LONG = [each for each in TABLE if each.long is not None]


@pytest.mark.parametrize("published", LONG, ids=[each.model for each in LONG])
def test_a_long_prompt_costs_the_published_long_rate_and_one_token_less_does_not(published: Published) -> None:
    assert published.long is not None
    first, *figures = published.long
    price = in_force(published)
    rate = price.at(first)
    assert [rate.input, rate.output, rate.cache_read] == [nano(figure) for figure in figures]
    assert price.at(first - 1).input == nano(published.input)


def test_thirty_models_of_five_makers_are_held() -> None:
    assert len({each.model for each in TABLE}) >= 30
    assert len({each.catalog for each in TABLE}) >= 5
