"""Tools and their calls as a person knows them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.toolnames import ARGUMENT_MAX, call_name, mcp_server, tool_name


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("Read", {"file_path": "src/big.json", "limit": 3}, "Read src/big.json"),
        ("Bash", {"description": "Tests", "command": "npm test\n  --all"}, "Bash npm test --all"),
        ("Grep", {"path": "src", "pattern": "def .*"}, "Grep def .*"),
        ("WebFetch", {"url": "https://example.com/a", "prompt": "sum up"}, "WebFetch https://example.com/a"),
        ("mcp__github__get_issue", {"owner": "octo"}, "mcp github get_issue octo"),
        ("Exit", {}, "Exit"),
        ("Exit", None, "Exit"),
        ("", {"n": 3}, "without a name"),
    ],
)
def test_a_call_is_named_by_its_tool_and_its_most_telling_argument(tool: str, arguments: object, told: str) -> None:
    assert call_name(tool, arguments) == told


def test_a_long_path_keeps_its_end_and_a_long_command_its_start() -> None:
    path = call_name("Read", {"file_path": "/very" * 40 + "/big.json"})
    command = call_name("Bash", {"command": "echo " + "x" * 400})
    assert (path[:6], path[-9:]) == ("Read …", "/big.json")
    assert (command[:10], command[-1]) == ("Bash echo ", "…")


def test_what_looks_like_a_key_is_masked() -> None:
    assert "abcdefghijklmnopqrst" not in call_name("Bash", {"command": "login sk-ant-abcdefghijklmnopqrstuv"})


def test_only_names_of_the_mcp_form_have_a_server() -> None:
    assert [mcp_server(name) for name in ("mcp__a_b__c__d", "mcp__a", "mcp____x", "Bash")] == ["a_b", None, None, None]


@given(tool=st.text(max_size=300), argument=st.text(max_size=2000))
def test_whatever_comes_is_one_bounded_printable_line(tool: str, argument: str) -> None:
    told = call_name(tool, {"command": argument})
    assert len(told) <= len(tool_name(tool)) + 1 + ARGUMENT_MAX
    assert told.isprintable()
