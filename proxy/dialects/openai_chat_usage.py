"""Usage of OpenAI's chat format in Anthropic's words, with the names that each server chose for cached tokens."""

from collections.abc import Mapping
from typing import Any

from proxy.protocol.usage import TOKENS_MAX

_READ = (
    ("prompt_tokens_details", "cached_tokens"),
    ("", "cached_tokens"),
    ("", "prompt_cache_hit_tokens"),
    ("", "cache_read_input_tokens"),
)
"""OpenAI and most; Moonshot; DeepSeek; gateways that mix in Anthropic's names."""
_WRITTEN = (
    ("prompt_tokens_details", "cache_write_tokens"),
    ("prompt_tokens_details", "caching_tokens"),
    ("prompt_tokens_details", "cache_creation_tokens"),
    ("", "cache_creation_input_tokens"),
)
"""OpenAI and OpenRouter; Requesty; LiteLLM, twice."""
_REASONED = (("completion_tokens_details", "reasoning_tokens"), ("", "reasoning_tokens"))


def read_usage(usage: Mapping[str, Any], *, reasoning_outside: bool) -> dict[str, Any]:
    """Counts under Anthropic's names, ``cost`` in USD where it is told; nothing where the server counted nothing.

    ``prompt_tokens`` holds cached tokens, Anthropic's ``input_tokens`` does not. ``reasoning_outside``:
    ``completion_tokens`` leaves reasoning out.
    """
    prompt, output = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if not prompt and not output:
        return {}
    read, written = _first(usage, _READ) or 0, _first(usage, _WRITTEN) or 0
    reasoned = _first(usage, _REASONED) or 0
    counts: dict[str, Any] = {
        "input_tokens": max(0, (prompt or 0) - read - written),
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "output_tokens": (output or 0) + (reasoned if reasoning_outside else 0),
    }
    if reasoned:
        counts["output_tokens_details"] = {"thinking_tokens": reasoned}
    cost = usage.get("cost")
    if isinstance(cost, int | float | str) and not isinstance(cost, bool):
        counts["cost"] = cost
    return counts


def _first(usage: Mapping[str, Any], places: tuple[tuple[str, str], ...]) -> int | None:
    """The first count that is not 0."""
    for within, name in places:
        holder = usage.get(within) if within else usage
        if isinstance(holder, Mapping) and (count := _count(holder.get(name))):
            return count
    return None


def _count(value: object) -> int | None:
    """A token count that can be true; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= TOKENS_MAX else None
