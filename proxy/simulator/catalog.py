"""The models that simulated providers list, with windows and prices. Data and its JSON form; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from proxy.protocol.naming import canonical, strip_window_suffix


@dataclass(frozen=True, slots=True)
class SimulatedModel:
    """A model that answers in the simulator. Prices are USD per million tokens."""

    id: str
    name: str
    window: int
    max_output: int
    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal
    created_at: str


def _model(
    model_id: str, name: str, window: int, prices: str, max_output: int = 64_000, created_at: str = "2026-01-01"
) -> SimulatedModel:
    """``prices``: input, output, cache read, cache write, separated by spaces."""
    paid, answered, read, written = (Decimal(word) for word in prices.split())
    moment = f"{created_at}T00:00:00Z"
    return SimulatedModel(model_id, name, window, max_output, paid, answered, read, written, moment)


CLAUDE: tuple[SimulatedModel, ...] = (
    _model("claude-opus-5-5", "Claude Opus 5.5", 1_000_000, "4 20 0.2 5", 128_000, "2026-10-01"),
    _model("claude-sonnet-5-5", "Claude Sonnet 5.5", 1_000_000, "2 10 0.1 2.5", 128_000, "2026-10-01"),
    _model("claude-haiku-5-5", "Claude Haiku 5.5", 1_000_000, "0.1 0.5 0.01 0.125", created_at="2026-10-01"),
    _model("claude-opus-5", "Claude Opus 5", 1_000_000, "5 25 0.5 6.25", 128_000, "2026-07-01"),
    _model("claude-sonnet-5", "Claude Sonnet 5", 1_000_000, "2 10 0.2 2.5", 128_000, "2026-06-01"),
    _model("claude-opus-4-8", "Claude Opus 4.8", 1_000_000, "5 25 0.5 6.25", 128_000, "2026-04-01"),
    _model("claude-sonnet-4-6", "Claude Sonnet 4.6", 1_000_000, "3 15 0.3 3.75", created_at="2026-02-01"),
    _model("claude-haiku-4-5", "Claude Haiku 4.5", 200_000, "1 5 0.1 1.25", created_at="2025-10-01"),
)
"""What a simulated provider lists by itself, newest first."""

FOREIGN: tuple[SimulatedModel, ...] = (
    _model("anthropic/claude-opus-5.5", "Anthropic: Claude Opus 5.5", 1_000_000, "4 20 0.2 5", 128_000),
    _model("anthropic/claude-sonnet-5.5", "Anthropic: Claude Sonnet 5.5", 1_000_000, "2 10 0.1 2.5", 128_000),
    _model("anthropic/claude-haiku-5.5", "Anthropic: Claude Haiku 5.5", 1_000_000, "0.1 0.5 0.01 0.125"),
    _model("anthropic/claude-opus-4.8", "Anthropic: Claude Opus 4.8", 1_000_000, "5 25 0.5 6.25", 128_000),
    _model("openai/gpt-5.5", "OpenAI: GPT-5.5", 400_000, "2 12 0.2 2", 128_000),
    _model("google/gemini-3-pro", "Google: Gemini 3 Pro", 1_000_000, "2 12 0.2 2"),
    _model("moonshotai/kimi-k3", "MoonshotAI: Kimi K3", 256_000, "0.6 2.5 0.15 0.6", 32_000),
    _model("qwen3-coder:30b", "Qwen3 Coder 30B", 131_072, "0 0 0 0", 32_000),
    _model("gpt-oss:20b", "gpt-oss 20B", 131_072, "0 0 0 0", 32_000),
)
"""What a plan can name in ``models`` beside Claude's."""

_KNOWN: Mapping[str, SimulatedModel] = {model.id: model for model in (*CLAUDE, *FOREIGN)}


def listed(ids: Sequence[str]) -> tuple[SimulatedModel, ...]:
    """The models of a plan that names ``ids``; an id that is not in the catalogue is listed at small prices."""
    if not ids:
        return CLAUDE
    return tuple(_KNOWN.get(model_id) or _model(model_id, model_id, 200_000, "1 4 0.1 1.25") for model_id in ids)


def find(model_id: str, models: Sequence[SimulatedModel]) -> SimulatedModel | None:
    """The model that answers to ``model_id``: a listed one, a dated name of it, or any other Claude.

    A client may be newer than this list, so an unlisted id that begins with ``claude`` is taken as it is where
    Claude's own list is served. None: unknown here.
    """
    name = strip_window_suffix(model_id)
    by_id = {model.id: model for model in models}
    if name in by_id:
        return by_id[name]
    by_name = {canonical(model.id): model for model in models}
    if model := by_name.get(canonical(name)):
        return model
    if tuple(models) == CLAUDE and name.startswith("claude"):
        return _model(name, name, 1_000_000, "5 25 0.5 6.25")
    return None


def entry(model: SimulatedModel) -> dict[str, object]:
    """``model`` as an element of ``GET /v1/models``."""
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.name,
        "created_at": model.created_at,
        "max_input_tokens": model.window,
        "max_tokens": model.max_output,
        "pricing": {
            "prompt": _per_token(model.input),
            "completion": _per_token(model.output),
            "input_cache_read": _per_token(model.cache_read),
            "input_cache_write": _per_token(model.cache_write),
        },
        "supported_parameters": ["tools", "reasoning"],
    }


def page(
    models: Sequence[SimulatedModel], limit: int, after_id: str | None, before_id: str | None
) -> dict[str, object]:
    """One page of the list: the ``limit`` entries after or before an id."""
    ids = [model.id for model in models]
    if before_id in ids:
        end = ids.index(before_id)
        begin = max(0, end - limit)
        more = begin > 0
    else:
        begin = ids.index(after_id) + 1 if after_id in ids else 0
        end = min(len(ids), begin + limit)
        more = end < len(ids)
    shown = models[begin:end]
    return {
        "data": [entry(model) for model in shown],
        "has_more": more,
        "first_id": shown[0].id if shown else None,
        "last_id": shown[-1].id if shown else None,
    }


def _per_token(usd_per_million: Decimal) -> str:
    return format((usd_per_million / 1_000_000).normalize(), "f")
