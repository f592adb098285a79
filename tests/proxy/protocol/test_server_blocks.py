"""Past work of a server's tools in words: what was found is still there."""

from typing import Any

import pytest

from proxy.protocol.server_blocks import OTHER_CHARS_MAX, as_text


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
        (result({"stdout": "x" * 9999}, "code_execution"), ('{"stdout":"' + "x" * 9999)[:OTHER_CHARS_MAX]),
        (result({"type": "web_fetch_result", "url": "u"}), "u\n[a file, no longer at hand: fetch it again to read it]"),
        (result([]), ""),
        (result([7, None]), ""),
        (result(None), ""),
    ],
)
def test_whatever_was_found_is_told(block: dict[str, Any], told: str) -> None:
    assert as_text(block) == f"[results] {told}"
