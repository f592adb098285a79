"""Usage of OpenAI's two formats in Anthropic's words, with the names that each server chose for cached tokens.

Whether reasoning and cached tokens are part of the other counts differs as well; where a total is told, it decides.
"""

from collections.abc import Mapping
from typing import Any

from proxy.dialects.counts import first_count, token_count

_READ = (
    ("prompt_tokens_details", "cached_tokens"),
    ("prompt_token_details", "cached_tokens"),
    ("input_tokens_details", "cached_tokens"),
    ("", "cached_tokens"),
    ("", "num_cached_tokens"),
    ("", "prompt_cache_hit_tokens"),
    ("", "cache_read_input_tokens"),
)
"""OpenAI and most; Mistral; the Responses API; Moonshot; Mistral again; DeepSeek; gateways that mix in Anthropic's
names. Some servers of one format use names of the other."""
_WRITTEN = (
    ("prompt_tokens_details", "cache_write_tokens"),
    ("input_tokens_details", "cache_write_tokens"),
    ("prompt_tokens_details", "caching_tokens"),
    ("prompt_tokens_details", "cache_creation_tokens"),
    ("", "cache_creation_input_tokens"),
)
"""OpenAI and OpenRouter; the Responses API; Requesty; LiteLLM, twice."""
_REASONED = (
    ("completion_tokens_details", "reasoning_tokens"),
    ("output_tokens_details", "reasoning_tokens"),
    ("", "reasoning_tokens"),
)
_PROMPT = (("", "prompt_tokens"), ("", "input_tokens"))
_OUTPUT = (("", "completion_tokens"), ("", "output_tokens"))


def read_usage(usage: Mapping[str, Any], *, reasoning_outside: bool) -> dict[str, Any]:
    """Counts under Anthropic's names, ``cost`` in USD where it is told; nothing where the server counted nothing.

    The prompt's count holds cached tokens, Anthropic's ``input_tokens`` does not. ``reasoning_outside``: the output's
    leaves reasoning out.
    """
    prompt, output = first_count(usage, _PROMPT), first_count(usage, _OUTPUT)
    if prompt is None and output is None:
        return {}
    read, written = first_count(usage, _READ) or 0, first_count(usage, _WRITTEN) or 0
    reasoned = first_count(usage, _REASONED) or 0
    counts: dict[str, Any] = {"cache_read_input_tokens": read, "cache_creation_input_tokens": written}
    beyond = _beyond(usage, prompt, output)
    if prompt is not None:
        cached = read + written
        apart = cached > 0 and beyond in (cached, cached + reasoned)
        counts["input_tokens"] = prompt if apart else max(0, prompt - cached)
        beyond -= cached if apart else 0
    thought = _reasoning_beside(reasoned, beyond, outside=reasoning_outside)
    if thought or any(token_count(usage.get(name)) is not None for _, name in _OUTPUT):
        counts["output_tokens"] = (output or 0) + thought
    if thought := reasoned or thought:
        counts["output_tokens_details"] = {"thinking_tokens": thought}
    cost = usage.get("cost")
    if isinstance(cost, int | float | str) and not isinstance(cost, bool):
        counts["cost"] = cost
    return counts


def _beyond(usage: Mapping[str, Any], prompt: int | None, output: int | None) -> int:
    """Tokens of the total that are neither prompt nor output."""
    total = token_count(usage.get("total_tokens"))
    return max(0, total - prompt - (output or 0)) if total is not None and prompt is not None else 0


def _reasoning_beside(reasoned: int, beyond: int, *, outside: bool) -> int:
    """Tokens of reasoning that the output leaves out: xAI tells them in the details, Google only in the total."""
    if reasoned and (outside or beyond == reasoned):
        return reasoned
    return 0 if reasoned else beyond
