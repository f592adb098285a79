"""What a server wants otherwise than its dialect's reference, as named flags with their reasons.

Presets carry them as data, a user overrides each in ``[providers.NAME.quirks]``; no code asks for a provider's name.
The defaults are what the most servers of a dialect take.
"""

from dataclasses import dataclass
from typing import Literal

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


@dataclass(frozen=True, slots=True)
class Quirks:
    """How a server differs."""

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """OpenAI's reasoning models refuse ``max_tokens``; most other servers know only that."""
    effort_field: Literal["none", "reasoning_effort", "reasoning"] = "none"
    """Where effort is told: ``reasoning_effort``, OpenRouter's ``reasoning`` object, or nowhere."""
    efforts: tuple[Effort, ...] = ("low", "medium", "high")
    """The words it takes, weakest first. Another wish becomes the strongest that is no stronger, else the weakest."""
    effort_when_off: Effort | None = None
    """What to send where thinking is switched off; None: nothing."""
    effort_with_tools: Effort | None = None
    """What to send, whatever is wished, with tools (GPT-5.4 and later take tools on chat with ``none`` only)."""
    effort_without_thinking: bool = True
    """Anthropic's format: it takes an effort where thinking is switched off (DeepSeek refuses; sub-agents ask so)."""
    thinking_back: bool = False
    """Anthropic's format: past turns must have thinking; those of others get a placeholder (DeepSeek, Kimi)."""
    reasoning_back: Literal["no", "reasoning_content", "reasoning", "reasoning_details", "inline"] = "no"
    """The field in which past reasoning must be sent back with tool calls (DeepSeek, Kimi, GLM refuse without it);
    ``inline``: as ``<think>`` at the start of the text (MiniMax)."""
    encrypted_reasoning: bool = True
    """It takes the wish for encrypted reasoning (OpenAI's models that do not reason refuse it)."""
    reasoning_summaries: bool = True
    """It takes a wish for summaries of its reasoning (OpenAI grants it to verified organisations only)."""
    reasoning_outside_output: bool = False
    """Its output count leaves reasoning out (xAI's chat format)."""
    inline_thinking: bool = True
    """Thinking may stand as ``<think>`` at the start of the text (open models on local servers)."""
    stream_usage: bool = True
    """It takes ``stream_options.include_usage``, without which no usage is told."""
    tool_ids: Literal["any", "nine"] = "any"
    """Mistral takes ids of nine letters and digits only."""
    forced_tools: Literal["required", "any", "no"] = "required"
    """How "some tool must be called" is spelled; ``no``: such a wish is refused and becomes ``auto``."""
    named_tool_choice: bool = True
    """A certain tool can be demanded."""
    parallel_switch: bool = True
    """It takes ``parallel_tool_calls``."""
    strict_tools: bool = False
    """It takes ``strict`` on a tool."""
    plain_schemas: bool = False
    """It refuses ``$schema`` and rarer keywords in tool schemas (Groq)."""
    stop_max: int = 4
    """Stop sequences that it takes; 0: none."""
    sampling: bool = True
    """It takes ``temperature`` and ``top_p``; OpenAI's reasoning models refuse them."""
    top_k: bool = False
    """It takes ``top_k``, which OpenAI's format lacks."""
    structured: Literal["json_schema", "json_object", "no"] = "json_schema"
    """How structured output is asked for."""
    documents: bool = False
    """It takes PDF files as parts."""
    images: bool = True
    """It takes images; per model, its list may say otherwise."""
    result_images: bool = False
    """It takes images inside a tool's result."""
    user_after_tool: bool = True
    """It takes a user's message directly behind tool results (Mistral wants an assistant's between them)."""
    text_parts: bool = False
    """It takes text only as a list of parts; the rule is a plain string."""
    empty_content: bool = True
    """It takes ``null`` as the content of a message that only calls tools; else an empty string is sent."""
    cache_marks: bool = False
    """It passes ``cache_control`` on to models that know it (gateways with Claude behind)."""
    cache_key: bool = False
    """It takes ``prompt_cache_key``, which keeps a session on the same cache."""
    user_field: Literal["none", "user", "safety_identifier"] = "none"
    """Where it takes a hashed user id."""
    counts_tokens: bool = False
    """It counts a prompt's tokens at ``/responses/input_tokens`` (OpenAI alone does)."""
    search_tool: Literal["no", "web_search", "web_search_preview", "google_search"] = "no"
    """Its own web search, as a tool's type."""
    server_search: bool | None = None
    """Whether it searches the web itself when asked to; else the engine does. Unset: by the dialect and the model."""
    server_fetch: bool | None = None
    """Whether it fetches pages of the web itself when asked to; else the engine does. Unset: as Claude alone does."""
    signed_calls: bool = True
    """Gemini: a past call must carry its thought signature."""


PLAIN = Quirks()
