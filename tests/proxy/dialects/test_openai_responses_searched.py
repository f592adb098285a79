"""Searches that a provider made by itself, in OpenAI's Responses API."""

from typing import Any

from proxy.protocol.server_tools import OWN_ID
from tests.proxy.dialects.responses_events import (
    Event,
    added,
    answer,
    completed,
    done,
    message,
    streamed_message,
    text_delta,
)

PAGE = "https://a.example/page"


def search(**action: Any) -> Event:
    found = {"type": "search", "query": "weather", **action}
    return {"type": "web_search_call", "id": "ws_a", "status": "completed", "action": found}


def cited(text: str = "Rain.") -> Event:
    return message(text, annotations=[{"type": "url_citation", "url": PAGE, "title": "A page", "start_index": 0}])


def test_a_search_by_the_provider_is_told_with_its_sources() -> None:
    item = search(sources=[{"type": "url", "url": PAGE}, {"type": "url", "url": PAGE}, {"type": "odd"}])
    got = answer(added(item), done(item), *streamed_message("Rain.", index=1), completed())
    assert got.kinds == ["server_tool_use", "web_search_tool_result", "text"]
    asked, found, _ = got.blocks
    assert (asked["name"], asked["input"]) == ("web_search", {"query": "weather"})
    assert found["tool_use_id"] == asked["id"]
    assert asked["id"].startswith(OWN_ID)
    assert [(each["type"], each["url"]) for each in found["content"]] == [("web_search_result", PAGE)]


def test_a_search_counts_as_one_and_is_no_call_of_the_client_s() -> None:
    got = answer(done(search(sources=[{"type": "url", "url": PAGE}])), done(message(), 1), completed())
    assert got.usage["server_tool_use"] == {"web_search_requests": 1}
    assert got.stop_reason == "end_turn"


def test_a_search_without_sources_is_told_with_what_the_text_cites() -> None:
    got = answer(added(search()), done(search()), added(cited(), 1), text_delta("Rain.", index=1), done(cited(), 1),
                 completed())  # fmt: skip
    assert got.kinds == ["text", "server_tool_use", "web_search_tool_result"]
    assert [(each["title"], each["url"]) for each in got.blocks[2]["content"]] == [("A page", PAGE)]


def test_citations_may_come_on_their_own() -> None:
    note = {"type": "response.output_text.annotation.added", "annotation": cited()["content"][0]["annotations"][0]}
    got = answer(done(search()), text_delta("Rain.", index=1), note, completed())
    assert got.blocks[2]["content"][0]["title"] == "A page"


def test_several_searches_have_ids_of_their_own() -> None:
    events = [done({**search(queries=["a", "b"], query=None), "id": f"ws_{number}"}, number) for number in range(3)]
    got = answer(*events, completed())
    asked = [block for block in got.blocks if block["type"] == "server_tool_use"]
    assert len({block["id"] for block in asked}) == 3
    assert asked[0]["input"] == {"query": "a; b"}


def test_a_search_that_failed_says_so() -> None:
    got = answer(done({**search(), "status": "failed"}), completed())
    error = {"type": "web_search_tool_result_error", "error_code": "unavailable"}
    assert got.blocks[1]["content"] == error


def test_a_page_that_the_provider_opened_is_no_search() -> None:
    got = answer(done(search(type="open_page", url=PAGE)), done(message(), 1), completed())
    assert got.kinds == ["text"]
    assert "server_tool_use" not in got.usage
