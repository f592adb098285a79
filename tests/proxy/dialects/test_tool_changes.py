"""Tools that come and go in the middle of a conversation: other formats get the list in force at its end."""

from typing import Any

from proxy.dialects.conversation import Conversation
from proxy.dialects.conversation_reading import read_conversation
from proxy.dialects.tool_changes import tools_in_force

Body = dict[str, Any]


def tool(name: str, description: str = "") -> Body:
    return {"name": name, "description": description, "input_schema": {"type": "object", "properties": {}}}


def added(change: Body) -> Body:
    return {"type": "tool_addition", "tool": change}


def removed(name: str) -> Body:
    return {"type": "tool_removal", "tool": named(name)}


def named(name: str) -> Body:
    return {"type": "tool_reference", "name": name}


def defined(name: str, description: str = "") -> Body:
    return {"type": "tool_definition", "definition": tool(name, description)}


def system(*blocks: Body) -> Body:
    return {"role": "system", "content": list(blocks)}


def asked(*messages: Body, tools: list[Body]) -> Conversation:
    return read_conversation({"model": "m", "messages": [{"role": "user", "content": "go"}, *messages], "tools": tools})


def names(conversation: Conversation) -> list[str]:
    return [each.name for each in conversation.tools]


def test_a_tool_that_is_defined_on_the_way_is_offered_behind_the_others() -> None:
    assert names(asked(system(added(defined("late"))), tools=[tool("first")])) == ["first", "late"]


def test_a_tool_that_is_withdrawn_is_not_offered() -> None:
    assert names(asked(system(removed("a")), tools=[tool("a"), tool("b")])) == ["b"]


def test_a_tool_that_came_back_is_offered_at_its_old_place() -> None:
    changes = system(removed("a")), system(added(named("a")))
    assert names(asked(*changes, tools=[tool("a"), tool("b")])) == ["a", "b"]


def test_the_last_definition_of_a_tool_counts() -> None:
    read = asked(system(added(defined("a", "new"))), tools=[tool("a", "old")])
    assert [each.description for each in read.tools] == ["new"]


def test_a_tool_whose_loading_is_deferred_is_offered_at_once() -> None:
    deferred = {**tool("mcp__x"), "defer_loading": True}
    assert names(asked(system(added(named("mcp__x"))), tools=[deferred])) == ["mcp__x"]


def test_a_compaction_brings_the_changes_of_the_part_that_it_stands_for() -> None:
    compaction = {"type": "compaction", "content": "so far", "tool_changes": [removed("a"), added(defined("b"))]}
    read = asked({"role": "assistant", "content": [compaction]}, tools=[tool("a")])
    assert names(read) == ["b"]
    assert read.turns[1].said[0].text == "so far"


def test_changes_leave_no_trace_in_the_turns_and_no_note() -> None:
    read = asked(system(removed("a"), added(defined("b"))), tools=[tool("a")])
    assert (len(read.turns), read.notes) == (1, ())


def test_a_change_of_an_mcp_server_s_tools_is_told() -> None:
    change = added({"type": "mcp_toolset_reference", "server_name": "github"})
    assert asked(system(change), tools=[]).notes == ("a change of an MCP server's tools left out: only Claude has it",)


def test_a_second_tool_of_one_name_is_still_told_of() -> None:
    assert asked(tools=[tool("a", "one"), tool("a", "two")]).notes == ("a second tool called a left out",)


def test_tools_without_a_name_and_changes_without_a_tool_are_harmless() -> None:
    broken = system({"type": "tool_addition"}, {"type": "tool_removal", "tool": 7}, added({"definition": []}))
    assert tools_in_force([{"type": "web_search_20250305"}], [broken]) == ([{"type": "web_search_20250305"}], [])
