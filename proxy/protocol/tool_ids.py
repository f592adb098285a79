"""Ids of tool calls, made legal for Claude: some servers give ids such as ``functions.Read:0``, which it refuses.

Claude's API takes letters, digits, ``_`` and ``-`` (``tool_use.id: String should match pattern``). A call and its
result get the same new id, the same in every request, so that prompt caches go on working.
"""

import hashlib
import re
from typing import Any

import msgspec

from proxy.protocol.foreign_json import NotJson, read_json
from proxy.protocol.messages import Body

_LEGAL = re.compile(r"[A-Za-z0-9_-]+")
_ID_OF = {"tool_use": "id", "tool_result": "tool_use_id"}


def is_legal(tool_id: str) -> bool:
    return _LEGAL.fullmatch(tool_id) is not None


def with_legal_tool_ids(body: Body) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The top-level fields that change, as JSON, and what was changed in words."""
    try:
        messages = read_json(body.fields.get("messages", b"[]"))
    except NotJson:
        return {}, ()
    changed = 0
    for message in messages if isinstance(messages, list) else []:
        content = message.get("content") if isinstance(message, dict) else None
        changed += sum(_make_legal(block) for block in (content if isinstance(content, list) else []))
    if not changed:
        return {}, ()
    return {"messages": msgspec.json.encode(messages)}, (f"{changed} ids of tool calls made legal for Claude",)


def _make_legal(block: Any) -> bool:
    """Whether ``block`` had an id that Claude refuses; it has another one now."""
    field = _ID_OF.get(block.get("type", "")) if isinstance(block, dict) else None
    tool_id = block.get(field) if field else None
    if not isinstance(tool_id, str) or is_legal(tool_id):
        return False
    block[field] = f"toolu_{hashlib.sha256(tool_id.encode(errors='surrogatepass')).hexdigest()[:24]}"
    return True
