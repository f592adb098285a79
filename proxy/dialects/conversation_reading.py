"""Reads the body of a request of the Messages API as a conversation and what is wished of its answer.

The client's attribution line goes, tools get schemas that every server takes. What was left out or told in other words
is in ``notes``, for the request's detail.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from proxy.dialects.attribution import unattributed
from proxy.dialects.conversation import Conversation, NotAConversation, ServerTool, Text, Tool, ToolChoice
from proxy.dialects.foreign_values import entries, mapping, mappings
from proxy.dialects.notes import Notes
from proxy.dialects.tool_changes import tools_in_force
from proxy.dialects.turns import blocks_of, cache_of, turns_of

_READ = (
    *("model", "messages", "system", "tools", "tool_choice", "max_tokens", "temperature", "top_p", "top_k", "stream"),
    *("stop_sequences", "thinking", "output_config", "output_format", "metadata"),
    *("anthropic_beta", "anthropic_version"),
)
"""Fields that are said in other formats too, or nowhere told in a body."""
_READ_OF_OUTPUT = ("effort", "format")
_READ_OF_TOOLS = ("type", "name", "description", "input_schema", "strict", "cache_control")
_CLAUDES = (
    *("context_management", "container", "mcp_servers", "fallbacks", "inference_geo", "speed", "service_tier"),
    *("diagnostics", "safeguards", "cache_control"),
)
_UNUSED_TOLD = 20
"""Fields of one request that are named, whatever its client makes up."""


def read_conversation(body: Mapping[str, Any]) -> Conversation:
    """The request in a decoded body. Raises ``NotAConversation``."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise NotAConversation("messages: a list is required")
    notes = Notes()
    said = [(entry.get("role"), blocks_of(entry.get("content"))) for entry in mappings(messages)]
    listed, unfollowed = tools_in_force(mappings(body.get("tools")), (block for _, blocks in said for block in blocks))
    for words in unfollowed:
        notes.add(words)
    turns = turns_of(said, notes)
    config, user = mapping(body.get("output_config")), mapping(body.get("metadata")).get("user_id")
    kind, budget = _thinking(body.get("thinking"))
    tools, server_tools = _tools(listed, notes)
    return Conversation(
        model=str(body.get("model") or ""),
        system=tuple(_system(body.get("system"))),
        turns=turns,
        tools=tools,
        server_tools=server_tools,
        choice=_choice(body.get("tool_choice")),
        max_tokens=_integer(body.get("max_tokens")),
        temperature=_number(body.get("temperature")),
        top_p=_number(body.get("top_p")),
        top_k=_integer(body.get("top_k")),
        stop=tuple(text for text in entries(body.get("stop_sequences")) if isinstance(text, str) and text),
        thinking=kind,
        thinking_budget=budget,
        effort=config["effort"] if isinstance(config.get("effort"), str) else None,
        format=_format(config.get("format") or body.get("output_format")),
        stream=body.get("stream") is True,
        user=user if isinstance(user, str) else None,
        notes=(*notes.told(), *_unused(body, config)),
    )


def _unused(body: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    """Fields that no other format has, or nobody knows."""
    for name in [name for name, value in body.items() if value and name not in _READ][:_UNUSED_TOLD]:
        why = "only Claude has it" if name in _CLAUDES else "the provider's format has no such field"
        yield f"{name} left out: {why}"
    for name in [name for name, value in config.items() if value and name not in _READ_OF_OUTPUT][:_UNUSED_TOLD]:
        yield f"output_config.{name} left out: only Claude has it"


def _system(system: object) -> Iterator[Text]:
    for block in [{"type": "text", "text": system}] if isinstance(system, str) else entries(system):
        text = block.get("text") if isinstance(block, dict) else None
        if isinstance(text, str) and (said := unattributed(text)).strip():
            yield Text(said, cache_of(block))


def _tools(listed: Sequence[Mapping[str, Any]], notes: Notes) -> tuple[tuple[Tool, ...], tuple[ServerTool, ...]]:
    tools: list[Tool] = []
    server_tools: list[ServerTool] = []
    for each in listed:
        kind, name = each.get("type") or "custom", str(each.get("name") or each.get("type") or "tool")
        if kind != "custom":
            server_tools.append(ServerTool(str(kind), name, each))
        elif all(tool.name != name for tool in tools):
            description = each.get("description")
            described = description if isinstance(description, str) else ""
            tools.append(Tool(name, described, rooted(each.get("input_schema")), each.get("strict") is True))
            for unread in [key for key, value in each.items() if value and key not in _READ_OF_TOOLS][:_UNUSED_TOLD]:
                notes.add(f"{unread} of a tool left out: only Claude has it")
        else:
            notes.add(f"a second tool called {name} left out")
    return tuple(tools), tuple(server_tools)


def rooted(schema: object) -> Mapping[str, Any]:
    """``schema`` with an object at its root, which every server demands."""
    if not isinstance(schema, dict):
        return {"type": "object", "properties": {}}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        return schema
    kind = schema.get("type")
    if kind in (None, "object") or (isinstance(kind, list) and "object" in kind):
        return {**schema, "type": "object", "properties": schema.get("properties") or {}}
    return {"type": "object", "properties": {"value": schema}, "required": ["value"]}


def _choice(choice: object) -> ToolChoice:
    if not isinstance(choice, dict):
        return ToolChoice()
    parallel = choice.get("disable_parallel_tool_use") is not True
    match choice.get("type"):
        case "any":
            return ToolChoice("any", parallel=parallel)
        case "tool" if isinstance(choice.get("name"), str):
            return ToolChoice("tool", choice["name"], parallel)
        case "none":
            return ToolChoice("none", parallel=parallel)
        case _:
            return ToolChoice(parallel=parallel)


def _thinking(thinking: object) -> tuple[Literal["unset", "off", "on", "adaptive"], int | None]:
    if not isinstance(thinking, dict):
        return "unset", None
    match thinking.get("type"):
        case "enabled":
            return "on", _integer(thinking.get("budget_tokens"))
        case "adaptive":
            return "adaptive", None
        case "disabled":
            return "off", None
        case _:
            return "unset", None


def _format(wanted: object) -> Mapping[str, Any] | None:
    if isinstance(wanted, dict) and isinstance(schema := wanted.get("schema"), dict):
        return schema
    return None


def _integer(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
