"""What a target of Anthropic's format wants otherwise than Claude itself, applied to a request on its way there.

Some of it was learned from refusals, some stands in the preset, some follows from the target's window and list. A
request that has nothing of it keeps its bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from proxy.protocol.messages import Body
from proxy.protocol.output_limit import LEFT, with_output_limit
from proxy.protocol.rejections import Rejection, without_rejected
from proxy.protocol.thoughts import THINKING

NOT_KEPT = "(reasoning not kept)"
"""Stands for thinking that another provider signed, or that the client did not keep."""

Changes = tuple[str, ...]
_ASSISTANT = b'"assistant"'


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one target for one request."""

    rejections: Sequence[Rejection] = ()
    output_limit: int | None = None
    """The most tokens that it answers with."""
    left: int | None = None
    """Tokens that its window leaves for the answer."""
    effort_without_thinking: bool = True
    thinking_back: bool = False


NONE = Terms()


def on_terms(body: Body, terms: Terms) -> tuple[Body, Changes]:
    """The body as the target takes it, and what was changed in words."""
    body, changes = without_rejected(body, terms.rejections)
    if terms.output_limit is not None:
        body, lowered = with_output_limit(body, terms.output_limit)
        changes += lowered
    if terms.left is not None:
        body, lowered = with_output_limit(body, terms.left, LEFT)
        changes += lowered
    if not terms.effort_without_thinking:
        body, removed = without_effort_alone(body)
        changes += removed
    if terms.thinking_back:
        body, added = with_thinking_back(body)
        changes += added
    return body, changes


def without_effort_alone(body: Body) -> tuple[Body, Changes]:
    """The body without an effort where it switches thinking off."""
    config = body.value("output_config")
    if not isinstance(config, dict) or "effort" not in config or not _is_off(body):
        return body, ()
    rest = {name: value for name, value in config.items() if name != "effort"}
    told = (f"effort {config['effort']} left out: the target takes none where thinking is off",)
    if rest:
        return body.with_fields({"output_config": msgspec.json.encode(rest)}), told
    return body.without("output_config"), told


def with_thinking_back(body: Body) -> tuple[Body, Changes]:
    """The body with a placeholder in every past turn of the assistant that has no thinking, unless thinking is off."""
    if _ASSISTANT not in body.raw or _is_off(body):
        return body, ()
    messages = body.value("messages")
    bare = [each for each in messages if _is_bare(each)] if isinstance(messages, list) else []
    if not bare:
        return body, ()
    for message in bare:
        content = message["content"]
        said = [{"type": "text", "text": content}] if isinstance(content, str) else content
        message["content"] = [{"type": "thinking", "thinking": NOT_KEPT, "signature": ""}, *said]
    turns = "1 past turn" if len(bare) == 1 else f"{len(bare)} past turns"
    return body.with_fields({"messages": msgspec.json.encode(messages)}), (
        f"a placeholder for thinking put into {turns}: the target wants some in each",
    )


def _is_bare(message: Any) -> bool:
    """A turn of the assistant's in which no thinking stands."""
    if not isinstance(message, dict) or message.get("role") != "assistant":
        return False
    content = message.get("content")
    if isinstance(content, str):
        return bool(content)
    return isinstance(content, list) and not any(
        isinstance(block, dict) and block.get("type") in THINKING for block in content
    )


def _is_off(body: Body) -> bool:
    thinking = body.value("thinking")
    return isinstance(thinking, dict) and thinking.get("type") == "disabled"
