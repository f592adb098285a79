"""The conversation in requests for Claude in the clouds: what of it goes as it is, and what is told in other words."""

import json
from typing import Any

import pytest

from proxy.dialects.bedrock import Bedrock
from proxy.dialects.dialect import Dialect
from proxy.dialects.signatures import sealed
from proxy.dialects.vertex import Vertex
from tests.proxy.dialects.cloud_requests import BOTH, OLD, TOOL, sent
from tests.proxy.dialects.conversations import Body


@BOTH
def test_marks_of_the_cache_lose_their_scope_and_keep_their_lifetime(dialect: Dialect) -> None:
    mark = {"type": "ephemeral", "ttl": "1h", "scope": "global"}
    block = {"type": "text", "text": "x", "cache_control": mark}
    payload, _ = sent(
        dialect,
        system=[block],
        tools=[{**TOOL, "cache_control": mark}],
        messages=[{"role": "user", "content": [block]}],
    )
    for place in (payload["system"][0], payload["tools"][0], payload["messages"][0]["content"][0]):
        assert place["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


ATTRIBUTION = "x-anthropic-billing-header: cc_version=2.1; cch=1;"


@BOTH
@pytest.mark.parametrize(
    ("system", "left"),
    [
        ([{"type": "text", "text": ATTRIBUTION}, {"type": "text", "text": "You"}], [{"type": "text", "text": "You"}]),
        ([{"type": "text", "text": f"{ATTRIBUTION}\nYou"}], [{"type": "text", "text": "You"}]),
        (f"{ATTRIBUTION}\n\nYou", "You"),
        ([{"type": "text", "text": ATTRIBUTION}], None),
        (ATTRIBUTION, None),
        ([{"type": "text", "text": f"See {ATTRIBUTION}"}], [{"type": "text", "text": f"See {ATTRIBUTION}"}]),
    ],
)
def test_the_clients_line_about_itself_stays_behind(dialect: Dialect, system: Any, left: Any) -> None:
    payload, outgoing = sent(dialect, system=system)
    assert (payload.get("system"), outgoing.notes) == (left, ())


@BOTH
def test_a_mark_inside_a_tools_result_loses_its_scope_too(dialect: Dialect) -> None:
    mark = {"type": "ephemeral", "scope": "global"}
    inside = {"type": "text", "text": "x", "cache_control": mark}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [inside], "cache_control": mark}
    payload, _ = sent(dialect, messages=[{"role": "user", "content": [result]}])
    assert "scope" not in json.dumps(payload)
    assert payload["messages"][0]["content"][0]["content"][0]["cache_control"] == {"type": "ephemeral"}


@BOTH
def test_thinking_that_claude_did_not_sign_is_left_out(dialect: Dialect) -> None:
    own = {"type": "thinking", "thinking": "hm", "signature": "EqoB"}
    foreign = [
        {"type": "thinking", "thinking": "x", "signature": sealed("gemini", "abc")},
        {"type": "thinking", "thinking": "x", "signature": ""},
        {"type": "redacted_thinking", "data": sealed("openai-responses", "abc")},
    ]
    text = {"type": "text", "text": "so"}
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [own, *foreign, text]},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": foreign},
        {"role": "user", "content": "c"},
    ]
    payload, outgoing = sent(dialect, messages=messages)
    assert [message["content"] for message in payload["messages"]] == ["a", [own, text], "b", "c"]
    assert outgoing.notes == ("thinking of another provider left out (×6)",)


RESULT: Body = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "done"}
CONVERSATION: list[Body] = [
    {"role": "user", "content": "go"},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}}]},
    {"role": "system", "content": "Mind the time."},
    {"role": "user", "content": [RESULT]},
]
REMINDER: Body = {"type": "text", "text": "<system-reminder>\nMind the time.\n</system-reminder>"}


@BOTH
def test_system_messages_in_the_middle_stay_for_models_that_know_them(dialect: Dialect) -> None:
    assert sent(dialect, messages=CONVERSATION)[0]["messages"] == CONVERSATION


@BOTH
def test_for_older_models_they_are_reminders_that_never_part_a_call_from_its_result(dialect: Dialect) -> None:
    payload, outgoing = sent(dialect, OLD, messages=CONVERSATION)
    assert payload["messages"][2:] == [{"role": "user", "content": [RESULT, REMINDER]}]
    assert "reminders" in outgoing.notes[0]


@BOTH
def test_a_reminder_at_the_end_or_before_an_answer_is_a_message_of_its_own(dialect: Dialect) -> None:
    middle: list[Body] = [{"role": "system", "content": [{"type": "text", "text": "Mind the time."}]}]
    messages = [{"role": "user", "content": "a"}, *middle, {"role": "assistant", "content": "b"}, *middle]
    roles = [message["role"] for message in sent(dialect, OLD, messages=messages)[0]["messages"]]
    assert roles == ["user", "user", "assistant", "user"]


def past_work(name: str, number: int = 1) -> list[Body]:
    """A call of a server's tool and its result."""
    tool_id = f"srvtoolu_{number}"
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Words."}}
    page = {"type": "web_fetch_result", "url": "https://a.example.com/", "content": document}
    content: Any = page if name == "web_fetch" else [{"title": "A", "url": "https://a.example.com/"}]
    return [
        {"type": "server_tool_use", "id": tool_id, "name": name, "input": {"q": "x"}},
        {
            "type": f"{name}_tool_result",
            "tool_use_id": tool_id,
            "content": content,
            "cache_control": {"type": "ephemeral"},
        },
    ]


@pytest.mark.parametrize(("dialect", "kept"), [(Bedrock(), []), (Vertex(), ["web_search"])], ids=["bedrock", "vertex"])
def test_past_work_of_tools_that_a_cloud_has_none_of_is_told_as_text(dialect: Dialect, kept: list[str]) -> None:
    said = [*past_work("web_search"), *past_work("web_fetch", 2), {"type": "text", "text": "So."}]
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": said}]
    payload, outgoing = sent(dialect, messages=[*messages, {"role": "user", "content": "and?"}])
    blocks = payload["messages"][1]["content"]
    assert [block["name"] for block in blocks if block["type"] == "server_tool_use"] == kept
    assert blocks[-2]["text"] == "[results] https://a.example.com/\nWords.\n[end of results]"
    assert blocks[-2]["cache_control"] == {"type": "ephemeral"}
    assert f"past work of server tools told as text (×{4 - 2 * len(kept)})" in outgoing.notes


@BOTH
def test_past_work_of_an_mcp_server_s_tool_is_told_as_text(dialect: Dialect) -> None:
    said = [
        {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "find", "server_name": "shop", "input": {"q": "x"}},
        {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "content": [{"type": "text", "text": "found"}]},
    ]
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": said}]
    told = sent(dialect, messages=messages)[0]["messages"][1]["content"]
    assert [block["type"] for block in told] == ["text", "text"]
    assert told[0]["text"] == '[find: {"q":"x"}]'
    assert "found" in told[1]["text"]


@BOTH
def test_a_result_whose_call_is_gone_is_told_as_text(dialect: Dialect) -> None:
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": past_work("tool_search_tool")[1:]}]
    told = sent(dialect, messages=messages)[0]["messages"][1]["content"]
    assert [block["type"] for block in told] == ["text"]


@BOTH
def test_past_work_of_a_tool_that_a_cloud_runs_stays(dialect: Dialect) -> None:
    said = past_work("tool_search_tool_regex")
    said[1]["type"] = "tool_search_tool_result"
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": said}]
    assert sent(dialect, messages=messages)[0]["messages"] == messages
