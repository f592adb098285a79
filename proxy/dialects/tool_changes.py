"""Tools that a conversation brings in or withdraws on its way, for formats that know one list of tools only. Pure.

A ``tool_addition`` block names a tool of ``tools`` or brings a definition of its own; a ``tool_removal`` withdraws one
from there on; a ``compaction`` block carries those of the part that it stands for (types of Anthropic's SDK). What
counts is the list in force at the end. A tool whose loading is deferred is listed like any other: only Claude's own
tool search could bring it in later.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from proxy.dialects.foreign_values import mapping, mappings

Tool = Mapping[str, Any]
Block = Mapping[str, Any]

OF_A_SERVER = ("mcp_tool_reference", "mcp_toolset_reference")
"""Tools of an MCP server that Anthropic itself is connected to."""


def tools_in_force(listed: Sequence[Tool], blocks: Iterable[object]) -> tuple[list[Tool], list[str]]:
    """The tools at the end of a conversation of ``blocks``, in the order in which they came, and what could not be
    followed."""
    tools: dict[str | int, Tool] = {}
    for place, tool in enumerate(listed):
        tools[_key(tool, tools, place)] = tool
    withdrawn: set[str] = set()
    notes: list[str] = []
    for block in _changes(blocks):
        change = mapping(block.get("tool"))
        if change.get("type") in OF_A_SERVER:
            notes.append("a change of an MCP server's tools left out: only Claude has it")
            continue
        definition = change.get("definition")
        named = definition if isinstance(definition, dict) else change
        name = str(named.get("name") or "")
        if block.get("type") == "tool_removal":
            withdrawn.add(name)
            continue
        withdrawn.discard(name)
        if named is definition:
            tools[name] = definition
    return [tool for name, tool in tools.items() if name not in withdrawn], notes


def _key(tool: Tool, known: Container[str | int], place: int) -> str | int:
    """The name by which changes mean a tool; its place for one without, or with one that another has."""
    name = tool.get("name")
    return name if isinstance(name, str) and name and name not in known else place


def _changes(blocks: Iterable[object]) -> Iterator[Block]:
    for block in blocks:
        if not isinstance(block, dict):
            continue
        kind = block.get("type")
        if kind in ("tool_addition", "tool_removal"):
            yield block
        elif kind == "compaction":
            yield from mappings(block.get("tool_changes"))
