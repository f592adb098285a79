"""Past work of Anthropic's server tools, for targets that do not know its blocks."""

import json
from typing import Any

import pytest

from proxy.protocol.messages import Body
from proxy.protocol.server_tools import (
    TOLD_CHARACTERS,
    as_text,
    own_call_id,
    without_server_tools,
    without_unsealed_searches,
)
from tests.proxy.protocol.test_history import asked, body, said, text


def test_past_web_searches_become_text_for_a_target_without_them() -> None:
    given = body(
        asked("a"),
        said(
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "retries"}},
            {
                "type": "web_search_tool_result",
                "tool_use_id": "srvtoolu_1",
                "content": [{"type": "web_search_result", "title": "Retries", "url": "https://example.com/r"}],
            },
            text("1"),
        ),
    )

    sent, changes = without_server_tools(given)

    blocks = json.loads(sent.raw)["messages"][1]["content"]
    assert blocks[0] == text('[web_search: {"query":"retries"}]')
    assert blocks[1] == text("[results] Retries https://example.com/r")
    assert changes == ("2 blocks of server tools told as text",)


@pytest.mark.parametrize("messages", [b'[{"role":"user","content":"caf\xe9"}]', b"null", b'{"a":[]}', b"[1,null]"])
def test_what_is_no_history_stays_as_it_is(messages: bytes) -> None:
    given = Body(b'{"model":"m","system":"server_tool_use","x":"server_tool_use","messages":' + messages + b"}")

    assert without_server_tools(given) == (given, ())


FOUND = {"type": "tool_reference", "tool_name": "WebFetch"}


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        ("tool_search_tool_result", {"type": "x", "tool_references": [FOUND]}, "[tool WebFetch is available]"),
        ("bash_code_execution_tool_result", {"stdout": "4\n", "return_code": 0}, '{"stdout":"4\\n","return_code":0}'),
        ("text_editor_code_execution_tool_result", {"error_code": "file_not_found"}, "file_not_found"),
        ("mcp_tool_result", [{"type": "text", "text": "ok"}], '{"type":"text","text":"ok"}'),
    ],
)
def test_a_result_of_any_server_s_tool_becomes_text(kind: str, content: Any, words: str) -> None:
    given = body(asked("a"), said({"type": kind, "tool_use_id": "srvtoolu_1", "content": content}))

    sent, changes = without_server_tools(given)

    assert json.loads(sent.raw)["messages"][1]["content"] == [text(f"[results] {words}")]
    assert changes == ("1 block of server tools told as text",)


def test_a_reference_within_a_result_of_the_client_s_own_search_becomes_text() -> None:
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [FOUND, text("and more")]}
    given = body(asked("a"), {"role": "user", "content": [result]})

    sent, _ = without_server_tools(given)

    [block] = json.loads(sent.raw)["messages"][1]["content"]
    assert block == {**result, "content": [text("[tool WebFetch is available]"), text("and more")]}


def pair(tool_id: str, tool: str = "web_search", **fields: Any) -> list[dict[str, Any]]:
    found = {"type": "web_search_result", "title": "A", "url": "https://a.example.com/", "encrypted_content": ""}
    return [
        {"type": "server_tool_use", "id": tool_id, "name": tool, "input": {"query": "a"}},
        {"type": f"{tool}_tool_result", "tool_use_id": tool_id, "content": [found], **fields},
    ]


def test_searches_that_claude_did_not_make_become_text_for_it() -> None:
    mark, own = {"type": "ephemeral"}, pair("srvtoolu_01WYG3ziw53XMcoyKL4XcZmE")
    given = body(asked("a"), said(*own, *pair(own_call_id("msg_1"), cache_control=mark)))

    sent, changes = without_unsealed_searches(given)

    assert json.loads(sent.raw)["messages"][1]["content"] == [
        *own,
        text('[web_search: {"query":"a"}]'),
        {**text("[results] A https://a.example.com/"), "cache_control": mark},
    ]
    assert changes == ("2 blocks of searches that Claude did not make told as text",)


def test_citations_of_such_searches_are_left_out() -> None:
    unsealed, sealed = ({"type": "web_search_result_location", "encrypted_index": index} for index in ("", "EpA"))
    texts = [{**text("b"), "citations": [unsealed]}, {**text("c"), "citations": [sealed, unsealed]}]
    sent, _ = without_unsealed_searches(body(asked("a"), said(*pair(own_call_id("msg_1")), *texts)))

    assert json.loads(sent.raw)["messages"][1]["content"][2:] == [text("b"), {**text("c"), "citations": [sealed]}]


def test_pages_that_the_engine_fetched_stay_as_they_are_for_claude() -> None:
    given = body(asked("a"), said(*pair(own_call_id("msg_1"), "web_fetch")))

    assert without_unsealed_searches(given) == (given, ())


@pytest.mark.parametrize("messages", [b"7", b'"srvtoolu_cctui_"', b'["srvtoolu_cctui_"]', b'["\xff"]'])
def test_what_is_no_conversation_is_left_for_claude_to_refuse(messages: bytes) -> None:
    given = Body(b'{"model": "m srvtoolu_cctui_", "messages": %s}' % messages)

    assert without_unsealed_searches(given) == (given, ())


def test_a_conversation_without_them_keeps_its_bytes() -> None:
    given = Body(b'{"model": "m",  "messages": [{"role": "user", "content": "a server_tool_use"}]}')

    assert without_server_tools(given) == (given, ())


def result(content: Any, kind: str = "web_fetch") -> dict[str, Any]:
    return {"type": f"{kind}_tool_result", "tool_use_id": "srvtoolu_1", "content": content}


def fetched(source: Any, **more: Any) -> dict[str, Any]:
    document = {"type": "document", "source": source, **more}
    return result({"type": "web_fetch_result", "url": "https://a.example.com/", "content": document})


def test_a_call_is_told_with_what_it_asked_for() -> None:
    use = {"type": "server_tool_use", "id": "s", "name": "web_fetch", "input": {"url": "https://a.example.com/"}}
    assert as_text(use) == '[web_fetch: {"url":"https://a.example.com/"}]'


def test_a_page_keeps_its_title_address_and_text() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "Words."}
    assert as_text(fetched(source, title="A")) == "[results] A https://a.example.com/\nWords.\n[end of results]"


def test_a_file_is_only_named() -> None:
    source = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
    told = as_text(fetched(source, title="p.pdf"))
    assert told == "[results] p.pdf https://a.example.com/\n[a file, no longer at hand: fetch it again to read it]"


@pytest.mark.parametrize(
    ("block", "told"),
    [
        (
            result([{"title": "A", "url": "https://a.example.com/"}, {"url": "u"}], "web_search"),
            "A https://a.example.com/; u",
        ),
        (result({"type": "web_fetch_tool_result_error", "error_code": "unavailable"}), "unavailable"),
        (result({"stdout": "4"}, "code_execution"), '{"stdout":"4"}'),
        (result({"stdout": "x" * 9999}, "code_execution"), ('{"stdout":"' + "x" * 9999)[:TOLD_CHARACTERS]),
        (result({"type": "web_fetch_result", "url": "u"}), "u\n[a file, no longer at hand: fetch it again to read it]"),
        (result([]), ""),
        (result([7, None]), ""),
        (result(None), ""),
    ],
)
def test_whatever_was_found_is_told(block: dict[str, Any], told: str) -> None:
    assert as_text(block) == f"[results] {told}"
