"""Request bodies for tests of prompts: tools, system, a conversation that grows turn by turn."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from proxy.protocol.messages import Body

MARK = {"cache_control": {"type": "ephemeral"}}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
ATTRIBUTION = "x-anthropic-billing-header: cc_version=2.1.329.3c4; cc_entrypoint=cli;"


def tool(name: str, text: str = "Does it.", **more: Any) -> dict[str, Any]:
    return {"name": name, "description": text, "input_schema": {"type": "object", "properties": {}}, **more}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def said(role: str, *blocks: Mapping[str, Any] | str) -> dict[str, Any]:
    return {"role": role, "content": [text(each) if isinstance(each, str) else dict(each) for each in blocks]}


TOOLS = (tool("Bash"), tool("Read"), tool("mcp__github__list"), tool("mcp__github__get"))
SYSTEM = (text(ATTRIBUTION), text("You help.", **MARK), text("Rules."))
TALK = (
    said("user", "<system-reminder>Today.</system-reminder>", "Fix it."),
    said("assistant", {"type": "tool_use", "id": "t1", "name": "Read", "input": {"file_path": "src/big.json"}}),
    said("user", {"type": "tool_result", "tool_use_id": "t1", "content": "a file"}),
    said("assistant", "Fixed."),
    said("user", text("Thanks.", **MARK)),
)


def request(
    messages: Sequence[Mapping[str, Any]] = TALK,
    *,
    tools: Sequence[Mapping[str, Any]] = TOOLS,
    system: Sequence[Mapping[str, Any]] | str | None = SYSTEM,
    **fields: Any,
) -> dict[str, Any]:
    """A body as a dictionary; fields that are None are left out."""
    body = {"model": "claude-opus-4-8", "messages": list(messages), "system": system, "tools": list(tools), **fields}
    return {name: value for name, value in body.items() if value is not None}


def body_of(value: Mapping[str, Any]) -> Body:
    return Body(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def grown(messages: Sequence[Mapping[str, Any]] = TALK) -> list[Mapping[str, Any]]:
    """The next turn: the mark moved to the new end, as the client moves it."""
    bare = [
        {**each, "content": [{name: value for name, value in block.items() if name != "cache_control"}
                             for block in each["content"]]}
        for each in messages
    ]  # fmt: skip
    return [*bare, said("assistant", "Gladly."), said("user", text("One more.", **MARK))]
