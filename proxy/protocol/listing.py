"""Model lists of providers: every known shape of ``/v1/models`` into one.

Shapes (read from the providers' own references): Anthropic ``{data, has_more, last_id}``, OpenAI ``{data}``,
OpenRouter ``{data, links.next}`` with prices as dollars per token in text, Requesty with dollar floats,
xAI's ``/v1/language-models`` with cents per hundred million tokens, Mistral's and Groq's ``{data}``, a bare array,
and ``{models}`` of Gemini and Ollama. What an entry does not say is None.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import Struct

from proxy.protocol.foreign_json import NotJson, read_json
from proxy.protocol.naming import tier_of
from proxy.protocol.pricing import Price

NANO_PER_MILLION_TOKENS = 10**15
"""Nano-dollars per million tokens that one dollar per token makes."""

XAI_PER_TOKEN_USD = 10**10
"""xAI lists prices as cents per hundred million tokens."""

TOKEN_USD_MAX = Decimal("0.1")
"""No token costs more: a larger figure is per thousand or per million, and which of them nobody says."""

CLAUDE_HOUR_WRITE = 2
"""Anthropic's price page: one-hour cache writes cost twice the input, five-minute ones 1.25 times."""

WINDOW_TOKENS_MAX = 10**10
"""No window is larger: a larger figure is a provider's mistake."""


class ListedModel(Struct, frozen=True, omit_defaults=True):
    """A model as its provider lists it."""

    id: str
    name: str | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    input: int | None = None
    """Nano-dollars per million tokens, as the other prices here."""
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    tools: bool | None = None
    images: bool | None = None
    thinking: bool | None = None

    @property
    def price(self) -> Price | None:
        """The provider's own price; None unless it lists both input and output."""
        if self.input is None or self.output is None:
            return None
        return Price(self.input, self.output, self.cache_read, self.cache_write, self.cache_write_1h)

    @property
    def cache_write_1h(self) -> int | None:
        """Lists tell the five-minute price alone; who charges for Claude's cache writes keeps Anthropic's ratio."""
        if not self.cache_write or self.input is None or tier_of(self.id) is None:
            return None
        return max(CLAUDE_HOUR_WRITE * self.input, self.cache_write)


class Page(Struct, frozen=True):
    """One answer of a model list."""

    models: tuple[ListedModel, ...]
    next_query: Mapping[str, str] | None = None
    """Query parameters of the next page; None: this was the last."""


class NotAList(ValueError):
    """The answer is no model list. ``str()`` says what it is instead."""


def read_page(body: bytes) -> Page:
    """The models in ``body``; entries without an id are left out. Raises ``NotAList``."""
    try:
        payload = read_json(body)
    except NotJson as error:
        start = body[:40].decode(errors="replace").strip()
        raise NotAList(f"the answer is not JSON (it starts with {start!r})") from error
    entries = payload if isinstance(payload, list) else None
    if isinstance(payload, Mapping):
        entries = next((payload[key] for key in ("data", "models") if isinstance(payload.get(key), list)), None)
    if entries is None:
        raise NotAList('the answer has no "data" list')
    models = tuple(model for entry in entries if (model := _model(entry)) is not None)
    return Page(models, _next_query(payload) if isinstance(payload, Mapping) else None)


def _next_query(payload: Mapping[str, Any]) -> Mapping[str, str] | None:
    if payload.get("has_more") is True and isinstance(last := payload.get("last_id"), str) and last:
        return {"after_id": last}
    if isinstance(token := payload.get("nextPageToken"), str) and token:
        return {"pageToken": token}
    return None


def _model(entry: object) -> ListedModel | None:
    if isinstance(entry, str):
        return ListedModel(entry)
    if not isinstance(entry, Mapping):
        return None
    model_id = _text(entry, "id", "name", "model")
    if model_id is None:
        return None
    prices = _prices(entry)
    top = entry.get("top_provider")
    top = top if isinstance(top, Mapping) else {}
    return ListedModel(
        id=model_id.removeprefix("models/"),
        name=_text(entry, "display_name", "displayName", "name"),
        context_window=_number(
            entry, "max_input_tokens", "context_length", "context_window", "max_model_len", "max_context_length",
            "inputTokenLimit",
        ),
        max_output_tokens=_number(
            entry, "max_tokens", "max_output_tokens", "max_completion_tokens", "outputTokenLimit",
        )
        or _number(top, "max_completion_tokens"),
        input=_price(prices, "prompt", "input_price"),
        output=_price(prices, "completion", "output_price"),
        cache_read=_price(prices, "input_cache_read", "cached_price"),
        cache_write=_price(prices, "input_cache_write", "caching_price"),
        tools=_ability(entry, "tools", "tool_calling", "function_calling"),
        images=_ability(entry, "image", "vision", "image_input"),
        thinking=_ability(entry, "reasoning", "thinking"),
    )  # fmt: skip


def _text(entry: Mapping[str, Any], *names: str) -> str | None:
    return next((value for name in names if isinstance(value := entry.get(name), str) and value), None)


def _number(entry: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = entry.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value < WINDOW_TOKENS_MAX:
            return int(value)
    return None


def _prices(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where the prices of an entry stand, dollars per token."""
    if isinstance(prices := entry.get("pricing"), Mapping):
        return prices
    names = {"prompt": "prompt", "completion": "completion", "cached_prompt": "input_cache_read"}
    told = {to: entry.get(f"{name}_text_token_price") for name, to in names.items()}
    xai = {to: value for to, value in told.items() if isinstance(value, int | float) and not isinstance(value, bool)}
    return {to: str(Decimal(str(value)) / XAI_PER_TOKEN_USD) for to, value in xai.items()} or entry


def _price(entry: Mapping[str, Any], *names: str) -> int | None:
    """A price in dollars per token, number or text; negative ones mean that it varies."""
    for name in names:
        value = entry.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            try:
                amount = Decimal(str(value))
            except InvalidOperation:
                continue
            if amount.is_finite() and 0 <= amount < TOKEN_USD_MAX:
                return int((amount * NANO_PER_MILLION_TOKENS).to_integral_value())
    return None


def _ability(entry: Mapping[str, Any], *words: str) -> bool | None:
    """Whether the entry claims an ability, in any of the ways in which lists do; None where it is silent."""
    capabilities = entry.get("capabilities")
    for word in words:
        if isinstance(claim := entry.get(f"supports_{word}"), bool):
            return claim
        if isinstance(capabilities, Mapping) and word in capabilities:
            claim = capabilities[word]
            claim = claim.get("supported", True) if isinstance(claim, Mapping) else claim
            return bool(claim)
        architecture = entry.get("architecture")
        modalities = (architecture if isinstance(architecture, Mapping) else entry).get("input_modalities")
        if word == "image" and isinstance(modalities, list):
            return "image" in modalities
        parameters = entry.get("supported_parameters")
        if isinstance(parameters, list) and word in ("tools", "reasoning"):
            return word in parameters
    return None
