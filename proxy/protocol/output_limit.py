"""An answer's length, lowered to what its target allows: a client that asks for more than that is refused."""

import msgspec

from proxy.protocol.foreign_json import NotJson, read_json
from proxy.protocol.messages import Body
from proxy.protocol.thinking_off import with_thinking_off

THINKING_MIN = 1024
"""Tokens of the smallest thinking budget that Anthropic's API takes; it must stay below ``max_tokens``."""


def with_output_limit(body: Body, limit: int) -> tuple[Body, tuple[str, ...]]:
    """The body with ``max_tokens`` (and a thinking budget with it) not above ``limit``; and what was lowered."""
    asked = _value(body, "max_tokens")
    if not isinstance(asked, int) or isinstance(asked, bool) or asked <= limit:
        return body, ()
    body = body.with_fields({"max_tokens": msgspec.json.encode(limit)})
    changes = [f"max_tokens lowered from {asked} to {limit}, the most that the target allows"]
    thinking = _value(body, "thinking")
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


def _value(body: Body, name: str) -> object:
    raw = body.fields.get(name)
    try:
        return None if raw is None else read_json(raw)
    except NotJson:
        return None
