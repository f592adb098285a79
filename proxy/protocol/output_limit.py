"""An answer's length, lowered to what its target allows: a client that asks for more than that is refused."""

import re

import msgspec

from proxy.protocol.messages import Body
from proxy.protocol.thinking_off import with_thinking_off
from proxy.protocol.wordings import DIGITS, first_of, number, wordings

THINKING_MIN = 1024
"""Tokens of the smallest thinking budget that Anthropic's API takes; it must stay below ``max_tokens``."""


THE_MOST = "the most that the target allows"
LEFT = "what is left of the target's window"
LEAST_LEFT = 3000
"""Tokens of an answer: below, Claude Code shortens the conversation rather than the answer (seen with 2.1.329)."""

_FIELD = r"max_?(?:completion_?|output_?|new_?)?tokens"
_NUMBER = f"({DIGITS})"
_LIMITS = wordings(
    rf"{_FIELD}: [\d,_]+ > {_NUMBER}, which is the maximum",
    rf"{_FIELD}\b.*?supports at most {_NUMBER}",
    rf"range of {_FIELD} (?:is|should be) \[\d+, ?{_NUMBER}\]",
    rf"{_FIELD}`? must be less than or equal to `?{_NUMBER}",
    rf"{_FIELD}\b.*?expected a value <= {_NUMBER}",
    rf"{_FIELD}\W+(?:msg\W+)?input should be less than or equal to {_NUMBER}",
    rf"maximum tokens you requested exceeds the model limit of {_NUMBER}",
)
"""Anthropic's words, OpenAI's, DeepSeek's and DashScope's, Groq's, OpenAI's in its newer format, vLLM's, Bedrock's."""
_BELOW = re.compile(
    rf"{_FIELD} value of [\d,_]+ but the supported range is from \d+ \(inclusive\) to {_NUMBER}", re.IGNORECASE
)
"""Google's, which names the first value that is too large."""


def read_output_limit(message: str) -> int | None:
    """The most tokens of an answer that a refusal names; None where it is about something else."""
    if below := _BELOW.search(message):
        return max(1, number(below[1]) - 1)
    found = first_of(_LIMITS, message)
    return number(found[1]) or None if found else None


def asks_more(body: Body, limit: int) -> bool:
    """Whether ``body`` asks for an answer of more than ``limit`` tokens."""
    asked = body.value("max_tokens")
    return isinstance(asked, int) and not isinstance(asked, bool) and asked > limit


def with_output_limit(body: Body, limit: int, why: str = THE_MOST) -> tuple[Body, tuple[str, ...]]:
    """The body with ``max_tokens`` (and a thinking budget with it) not above ``limit``; and what was lowered."""
    asked = body.value("max_tokens")
    if not isinstance(asked, int) or isinstance(asked, bool) or asked <= limit:
        return body, ()
    body = body.with_fields({"max_tokens": msgspec.json.encode(limit)})
    changes = [f"max_tokens lowered from {asked} to {limit}, {why}"]
    thinking = body.value("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if isinstance(thinking, dict) and isinstance(budget, int) and budget >= limit:
        smaller = limit // 2
        if smaller >= THINKING_MIN:
            body = body.with_fields({"thinking": msgspec.json.encode({**thinking, "budget_tokens": smaller})})
            changes.append("its thinking budget was lowered too")
        else:
            body = with_thinking_off(body)
            changes.append("thinking turned off with it")
    return body, tuple(changes)
