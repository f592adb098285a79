"""Who sent a request."""

import json
from typing import Any

import pytest

from proxy.protocol.identity import identify
from proxy.protocol.messages import Body

CONVERSATION = {"model": "claude-opus-4-8", "tools": [{"name": "Read"}], "messages": []}
TITLE = {"model": "claude-haiku-4-5", "output_config": {"format": {"type": "json_schema"}}, "messages": []}


def body(**fields: Any) -> Body:
    return Body(json.dumps(fields).encode())


def test_the_headers_of_the_client_name_session_agent_and_parent() -> None:
    told = {
        "x-claude-code-session-id": "s1",
        "x-claude-code-agent-id": "a2",
        "x-claude-code-parent-agent-id": "a1",
        "x-cctui-project": "shop",
        "user-agent": "claude-cli/2.1.329 (external, cli)",
    }
    found = identify(told, body(**CONVERSATION))
    assert (found.session, found.agent, found.parent_agent) == ("s1", "a2", "a1")
    assert (found.project, found.client, found.role) == ("shop", "claude-cli/2.1.329", "agent")


def test_without_a_header_the_session_in_the_body_counts() -> None:
    metadata = {"user_id": json.dumps({"session_id": "from-body"})}
    assert identify({}, body(**CONVERSATION, metadata=metadata)).session == "from-body"
    assert (
        identify({"x-claude-code-session-id": "from-header"}, body(metadata=metadata, **CONVERSATION)).session
        == "from-header"
    )


@pytest.mark.parametrize(
    ("path", "project"),
    [
        ("/home/me/shop-api", "shop-api"),
        ("/home/me/shop api/", "shop api"),
        ("C:\\work\\new shop", "new shop"),
        ("/srv/项目", "项目"),
        ('/srv/a "b"', 'a "b"'),
        ("/", None),
    ],
)
def test_without_a_header_the_working_directory_names_the_project(path: str, project: str | None) -> None:
    words = f"# Environment\nHere:\n - Primary working directory: {path}\n - Is a git repository: true"
    for system in (words, [{"type": "text", "text": "Be brief."}, {"type": "text", "text": words}]):
        assert identify({}, body(**CONVERSATION, system=system)).project == project
        assert identify({"x-cctui-project": "shop"}, body(**CONVERSATION, system=system)).project == "shop"
    assert identify({}, body(**CONVERSATION, system=None)).project is None


def test_a_directory_that_only_the_conversation_tells_names_no_project() -> None:
    told = [{"role": "user", "content": "Primary working directory: /elsewhere"}]
    assert identify({}, body(model="m", messages=told)).project is None


@pytest.mark.parametrize(
    ("fields", "role"),
    [
        (CONVERSATION, "main"),
        (TITLE, "background"),
        ({"model": "claude-haiku-4-5", "messages": []}, "background"),
        ({"model": "claude-haiku-4-5", "tools": []}, "background"),
        ({"model": "claude-haiku-4-5", "tools": None}, "background"),
        ({"model": "claude-opus-4-8", "tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "background"),
        ({"model": "claude-haiku-4-5", "tools": [{"name": "Read"}]}, "main"),
        ({"model": "claude-opus-4-8", "messages": []}, "main"),
    ],
)
def test_the_client_s_own_errands_are_told_from_the_conversation(fields: dict[str, Any], role: str) -> None:
    assert identify({}, body(**fields)).role == role


def test_an_errand_of_a_sub_agent_is_the_sub_agent_s() -> None:
    assert identify({"x-claude-code-agent-id": "a1"}, body(**TITLE)).role == "agent"


def test_a_request_without_a_body_is_the_client_s_own() -> None:
    assert identify({}, None).role == "background"


@pytest.mark.parametrize(
    ("label", "kept"), [("", None), ("\x1b[2J\x07", "[2J"), ("a\nb", "ab"), ("x" * 5000, "x" * 200), ("\x00", None)]
)
def test_a_label_cannot_write_to_the_screen_or_fill_the_ledger(label: str, kept: str | None) -> None:
    assert identify({"x-claude-code-session-id": label}, None).session == kept
