"""What a server turned out not to take, read from the words of its refusal, as quirks of that one target.

Models of one provider differ, and so do accounts: one takes no effort, another grants no summaries of its reasoning.
A refusal that names such a thing is learned, and the request goes out again without it. What can be learned is a
``Lesson``; a provider's own quirks are what no lesson was learned of yet.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from proxy.dialects.complaints import OF_FIELD
from proxy.dialects.effort import EFFORTS
from proxy.dialects.quirks import Effort, Quirks
from proxy.protocol.rejections import Rejection

Lesson = Mapping[str, Any]
"""Quirks and what they become."""

EFFORT = "effort"
PAST_REASONING = "past turns without reasoning"
PAST_THINKING = "past turns without thinking"
EFFORT_ALONE = "effort without thinking"
EFFORT_WITH_TOOLS = "effort with tools"

LESSONS: Mapping[str, Lesson] = {
    EFFORT: {"efforts": (), "effort_when_off": None, "effort_with_tools": None},
    EFFORT_WITH_TOOLS: {"effort_field": "reasoning_effort", "effort_with_tools": "none"},
    EFFORT_ALONE: {"effort_without_thinking": False},
    PAST_REASONING: {"reasoning_back": "reasoning_content"},
    PAST_THINKING: {"thinking_back": True},
    "reasoning": {"effort_field": "none"},
    "reasoning.summary": {"reasoning_summaries": False},
    "include": {"encrypted_reasoning": False},
    "stream_options": {"stream_usage": False},
    "max_tokens": {"max_tokens_field": "max_completion_tokens"},
    "max_completion_tokens": {"max_tokens_field": "max_tokens"},
    "parallel_tool_calls": {"parallel_switch": False},
    "tool_choice": {"forced_tools": "no"},
    "temperature": {"sampling": False},
    "top_p": {"sampling": False},
    "top_k": {"top_k": False},
    "stop": {"stop_max": 0},
    "response_format": {"structured": "no"},
    "text.format": {"structured": "no"},
    "prompt_cache_key": {"cache_key": False},
    "safety_identifier": {"user_field": "none"},
    "user": {"user_field": "none"},
}
"""By what is refused, in the words of the format."""
_OF_ANTHROPIC = (EFFORT_ALONE, PAST_THINKING)
"""What a server of Anthropic's format teaches, and no other; its fields are another matter."""

_SPELLINGS: Mapping[str, str] = {
    "reasoning.effort": EFFORT,
    "reasoning_effort": EFFORT,
    "reasoningeffort": EFFORT,
    "stream_options.include_usage": "stream_options",
    "response_format.type": "response_format",
    "text.format.type": "text.format",
}
_PHRASES: Mapping[str, str] = {
    "tools with reasoning_effort are not supported": EFFORT_WITH_TOOLS,
    "cannot be disabled when reasoning_effort is set": EFFORT_ALONE,
    "content[].thinking": PAST_THINKING,
    "must be verified to generate reasoning summaries": "reasoning.summary",
    "encrypted content is not supported": "include",
    "does not support this tool_choice": "tool_choice",
    "this response_format type is unavailable": "response_format",
}
"""Refusals that name no field, or name one that is not to blame. OpenAI's, DeepSeek's."""
_PAST = re.compile(r"reasoning_content\W.*(?:must be passed back|is missing)", re.DOTALL)
"""DeepSeek's words, and Moonshot's."""
_OF_CHOICES = r"(?:reasoning[._])?effort|(?:tool_choice|response_format|text\.format)(?:\.type)?"
"""Fields of few values: a server that wants another one is spared the field. Of others the value alone is wrong."""
_FIELD = "(?:field|parameter|argument|property)"
_NAMED = tuple(
    re.compile(pattern)
    for pattern in (
        r"unsupported (?:parameter|value):? [`'\"]?([\w.]+)",
        rf"(?:unrecognized|unknown|unsupported|unexpected) (?:request )?{_FIELD}s?(?: supplied)?:? [`'\"]?([\w.]+)",
        r"([\w.]+): extra inputs are not permitted",
        r"'extra_forbidden', 'loc': \('body', '(\w+)'\)",
        rf"\b({_OF_CHOICES})\W+(?:msg\W+)?input should be ",
        r"property [`'\"]([\w.]+)[`'\"] is unsupported",
        rf"does not support (?:the )?{_FIELD}s?:? \[?[`'\"]?([\w.]+)",
        r"not supported on this model: ([\w.]+)",
        r"([\w.]+)[`'\"]? (?:is|are) not supported",
        rf"\({OF_FIELD}([\w.]+)\)$",
    )
)
"""Where a refusal names a field, in lower case: OpenAI's words, vLLM's, Groq's, xAI's, LiteLLM's."""
_CHOICE = re.compile(
    r"(?:supported values are|must be one of|input should be):?"
    r"(.*?)(?:\[type=|['\"]input['\"]|\b(?:but|got|received)\b|\.(?:\s|$)|$)",
    re.DOTALL,
)
"""Behind the values that are taken some name the one that was refused: pydantic, and with it vLLM."""


def read_refusal(message: str, *, anthropic: bool) -> Rejection | None:
    """What a refusal of a request teaches; None where nothing can be done about it. ``anthropic``: the server speaks
    Anthropic's format."""
    low = message.lower()
    refused = next((name for name in _refused(low) if (name in _OF_ANTHROPIC) == anthropic), None)
    if refused is None:
        return None
    return Rejection(refused, taken=_efforts(low) if refused == EFFORT else ())


def with_refusals(quirks: Quirks, refusals: Sequence[Rejection]) -> Quirks:
    """``quirks`` after what was learned; fields that it does not know are another matter."""
    for refusal in refusals:
        if refusal.field in LESSONS and refusal.most is None:
            quirks = replace(quirks, **(_narrowed(quirks, refusal) if refusal.taken else LESSONS[refusal.field]))
    return quirks


def _refused(low: str) -> Iterator[str]:
    """What a refusal may mean, the most certain first."""
    yield from (name for phrase, name in _PHRASES.items() if phrase in low)
    if _PAST.search(low):
        yield from (PAST_REASONING, PAST_THINKING)
    for pattern in _NAMED:
        for found in pattern.findall(low):
            name = found.strip(".")
            if (known := _SPELLINGS.get(name, name)) in LESSONS:
                yield known


def _efforts(low: str) -> tuple[Effort, ...]:
    """The efforts that a refusal of one of them allows."""
    told = _CHOICE.search(low)
    words = re.findall(r"\w+", told[1]) if told else []
    return tuple(each for each in EFFORTS if each in words)


def _narrowed(quirks: Quirks, refusal: Rejection) -> Lesson:
    """Only the efforts that are left."""
    left = tuple(each for each in EFFORTS if each in refusal.taken)
    kept = {
        name: value if value in left else None
        for name in ("effort_when_off", "effort_with_tools")
        if (value := getattr(quirks, name)) is not None
    }
    return {"efforts": left, **kept}
