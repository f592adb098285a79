"""Messages for Claude in a cloud: what Anthropic's own API takes and others refuse, taken out or told otherwise.

Thinking of other providers goes: its seal is no signature. Past work of server tools that the cloud has none of, or of
which a half is missing, becomes text. Marks of the prompt cache lose their scope. Where the model is older than the
role ``system`` within a conversation, such a message becomes a reminder of the user's, never between a call and its
result. A message without any of it is the very same object.
"""

from collections.abc import Callable, Sequence
from operator import is_, is_not
from typing import Any

from proxy.dialects.signatures import is_sealed
from proxy.protocol.server_tools import CALLS, as_text, cache_mark, is_result

_CACHE_FIELDS = ("type", "ttl")


def cloud_messages(
    messages: Sequence[Any], *, mid_system: bool, runs: Callable[[str], bool]
) -> tuple[list[Any], list[str]]:
    """The messages, and what was changed in words. ``mid_system``: the model knows the role ``system``; ``runs`` tells
    whether the cloud runs a server tool of that name."""
    kept: list[Any] = []
    removed = told = 0
    calls: set[str] = set()
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        if not isinstance(content, list):
            kept.append(message)
            continue
        own = [block for block in content if not _is_foreign(block)]
        removed += len(content) - len(own)
        plain = [_plain(block) for block in own]
        blocks = [_told(block, calls, runs) for block in plain]
        told += sum(map(is_not, blocks, plain))
        if len(own) == len(content) and all(map(is_, blocks, content)):
            kept.append(message)
        elif blocks:
            kept.append({**message, "content": blocks})
    notes = [f"thinking of another provider left out (×{removed})"] if removed else []
    notes += [f"past work of server tools told as text (×{told})"] if told else []
    if not mid_system and any(_is_system(message) for message in kept):
        kept = _with_reminders(kept)
        notes.append("system messages within the conversation told as reminders")
    return kept, notes


def without_scope(block: Any) -> Any:
    """``block`` with a cache mark of kind and lifetime only."""
    mark = block.get("cache_control") if isinstance(block, dict) else None
    if not isinstance(mark, dict) or all(name in _CACHE_FIELDS for name in mark):
        return block
    return {**block, "cache_control": {name: value for name, value in mark.items() if name in _CACHE_FIELDS}}


def _told(block: Any, calls: set[str], runs: Callable[[str], bool]) -> Any:
    """``block``, or a text in place of it. ``calls`` are those that stay; a result stays with its call. Tools of MCP
    servers run nowhere."""
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "server_tool_use" and runs(str(block.get("name"))):
        calls.add(str(block.get("id")))
        return block
    if kind not in CALLS and not (is_result(kind) and str(block.get("tool_use_id")) not in calls):
        return block
    return {"type": "text", "text": as_text(block) or "", **cache_mark(block)}


def _plain(block: Any) -> Any:
    """``block`` and, in a tool's result, the blocks within it, without scopes."""
    inside = block.get("content") if isinstance(block, dict) else None
    if isinstance(inside, list):
        plain = [without_scope(each) for each in inside]
        if not all(map(is_, plain, inside)):
            block = {**block, "content": plain}
    return without_scope(block)


def _is_foreign(block: Any) -> bool:
    if not isinstance(block, dict) or block.get("type") not in ("thinking", "redacted_thinking"):
        return False
    signature = block.get("signature") or block.get("data")
    return not isinstance(signature, str) or not signature or is_sealed(signature)


def _is_system(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") == "system"


def _with_reminders(messages: Sequence[Any]) -> list[Any]:
    """Each reminder at the end of the user's next message, which may begin with results; else as one of its own."""
    out: list[Any] = []
    waiting: list[Any] = []
    for message in messages:
        if _is_system(message):
            waiting += [_reminder(block) for block in _blocks(message.get("content"))]
            continue
        is_user = isinstance(message, dict) and message.get("role") == "user"
        if waiting and is_user:
            message = {**message, "content": [*_blocks(message.get("content")), *waiting]}
        elif waiting:
            out.append({"role": "user", "content": waiting})
        waiting = []
        out.append(message)
    return [*out, {"role": "user", "content": waiting}] if waiting else out


def _blocks(content: Any) -> list[Any]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return content if isinstance(content, list) else []


def _reminder(block: Any) -> Any:
    text = block.get("text") if isinstance(block, dict) else None
    if not isinstance(text, str):
        return block
    return {**block, "text": f"<system-reminder>\n{text}\n</system-reminder>"}
