"""The engine searches the web for models whose provider does not: a scripted model, a scripted Brave, real sockets."""

import asyncio
import json
from urllib.parse import parse_qs

import pytest

from proxy.protocol.whole import message_of
from tests.proxy.conftest import StartEngine
from tests.proxy.dialects.grammar import checked
from tests.proxy.net.foreign_models import asked, blocks, by, each, foreign, speaks
from tests.proxy.net.searching import CALL, FORCED, READ, SEARCH, TEXT, links, on, searches_once, wish
from tests.proxy.running_engine import settings
from tests.upstreams import HANG_UP, SILENCE, Answer, Call, Reply, ScriptedUpstream, as_json, error_body
from tests.upstreams.dialects import Name, Said, answer, answers_a_tool, error


@each
async def test_a_search_comes_back_as_if_the_provider_had_made_it(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream, dialect: Name
) -> None:
    upstream.script = searches_once(dialect)
    chosen = settings(foreign(upstream, dialect), route={"default": "first/foreign-1"}, search=by(service))
    engine = await start(chosen)

    response = await engine.ask(wish())

    assert response.headers["content-type"].startswith("text/event-stream")
    got = checked(response.content)
    kinds = [kind for kind in got.kinds if kind != "thinking"]
    assert kinds == ["server_tool_use", "web_search_tool_result", "text", "text"]
    [use], [result] = blocks(got, "server_tool_use"), blocks(got, "web_search_tool_result")
    assert (use["name"], use["input"]) == ("web_search", {"query": "httpx retries"})
    assert use["id"].startswith("srvtoolu_")
    assert result["tool_use_id"] == use["id"]
    assert links(got) == ["https://docs.example.com/retries", "https://blog.example.org/backoff"]
    assert (got.text, got.stop_reason) == (TEXT, "end_turn")


async def test_a_whole_answer_is_whole(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, service, searches_once("anthropic"))

    got = (await engine.ask(wish(stream=False))).json()

    assert [block["type"] for block in got["content"]] == ["server_tool_use", "web_search_tool_result", "text", "text"]
    first = got["content"][1]["content"][0]
    assert (first["title"], first["page_age"]) == ("Retries in httpx", "2026-10-01")
    assert first["encrypted_content"] == 'A transport retries "connect" errors only.'


async def test_the_text_carries_its_citations(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, service, searches_once("anthropic"))

    whole = message_of((await engine.ask(wish())).content)

    assert whole is not None
    plain, cited = (block for block in json.loads(whole)["content"] if block["type"] == "text")
    assert "citations" not in plain
    [source] = cited["citations"]
    assert (source["type"], source["url"]) == ("web_search_result_location", "https://docs.example.com/retries")


async def test_the_model_gets_a_plain_tool_and_then_what_was_found(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, service, searches_once("anthropic"))

    await engine.ask(wish())

    first, then = (asked(call) for call in upstream.calls)
    [tool] = first["tools"]
    assert (tool["name"], "type" in tool, first["tool_choice"], first["stream"]) == ("web_search", False, FORCED, False)
    assert then["tool_choice"] == {"type": "auto"}
    told = then["messages"][-1]["content"][0]
    assert (told["type"], told["tool_use_id"]) == ("tool_result", "toolu_0")
    assert "https://blog.example.org/backoff" in told["content"]
    assert 'A transport retries "connect" errors only.' in told["content"]


async def test_the_service_gets_the_query_and_its_key_and_nothing_of_the_client_s(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, service, searches_once("anthropic"))

    await engine.ask(wish(), authorization="Bearer of-the-client", x_app="cli")

    [call] = service.calls
    assert (call.path, call.header("x-subscription-token")) == ("/res/v1/web/search", "key-of-brave")
    assert parse_qs(call.query)["q"] == ["httpx retries"]
    assert parse_qs(call.query)["count"] == ["6"]
    assert "of-the-client" not in str(call.headers)
    assert call.header("x-app") is None


async def test_domains_are_asked_for_and_checked_again(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, service, searches_once("anthropic"))

    got = checked((await engine.ask(wish(tools=[{**SEARCH, "allowed_domains": ["example.com"]}]))).content)

    assert parse_qs(service.calls[0].query)["q"] == ["httpx retries site:example.com"]
    assert links(got) == ["https://docs.example.com/retries"]


async def test_no_more_searches_are_made_than_the_request_allows(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, service, lambda call: speaks("anthropic", call, CALL))

    got = checked((await engine.ask(wish(tools=[{**SEARCH, "max_uses": 2}]))).content)

    assert len(service.calls) == 2
    assert len(upstream.calls) == 3
    assert asked(upstream.calls[2])["tool_choice"] == {"type": "none"}
    last = blocks(got, "web_search_tool_result")[-1]
    assert last["content"] == {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}
    assert got.stop_reason == "end_turn"
    assert got.usage["server_tool_use"] == {"web_search_requests": 2}


async def test_a_call_of_the_client_s_own_tool_ends_the_rounds(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    both = Said("", [("web_search", {"query": "a"}), ("Read", {"file_path": "b"})])
    engine = await on(start, upstream, service, lambda call: speaks("anthropic", call, both))

    got = checked((await engine.ask(wish(tools=[SEARCH, READ], tool_choice={"type": "auto"}))).content)

    assert got.kinds == ["server_tool_use", "web_search_tool_result", "tool_use"]
    assert got.stop_reason == "tool_use"
    assert len(upstream.calls) == 1


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        (Reply(401, framing="length"), "unavailable", "refused the key"),
        (Reply(429, framing="length"), "too_many_requests", "asked too often"),
        (Reply(500, framing="length"), "unavailable", "status 500"),
        (as_json(b"<html>"), "unavailable", "no JSON"),
        (HANG_UP, "unavailable", "cannot be reached"),
    ],
)
async def test_a_failing_service_is_told_to_model_client_and_user(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream, script: Answer, code: str, words: str
) -> None:
    service.script = script
    engine = await on(start, upstream, service, searches_once("anthropic", "I could not search."))

    got = checked((await engine.ask(wish())).content)

    [result] = blocks(got, "web_search_tool_result")
    assert result["content"] == {"type": "web_search_tool_result_error", "error_code": code}
    told = asked(upstream.calls[1])["messages"][-1]["content"][0]
    assert told["is_error"] is True
    assert words in told["content"]
    record = await engine.record()
    assert words in record.attempts[0].changed[0]
    assert record.usage.web_searches == 0


async def test_a_missing_key_is_named(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, service, searches_once("anthropic"), api_key="env:MY_BRAVE")

    await engine.ask(wish())

    assert "MY_BRAVE is not set" in (await engine.record()).attempts[0].changed[0]
    assert service.calls == []


async def test_a_query_that_is_too_long_is_not_sent(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    long = Said("", [("web_search", {"query": "word " * 100})])

    def script(call: Call) -> Answer:
        return speaks("anthropic", call, Said("Sorry.") if b"tool_result" in call.body else long)

    engine = await on(start, upstream, service, script)

    [result] = blocks(checked((await engine.ask(wish())).content), "web_search_tool_result")

    assert result["content"]["error_code"] == "query_too_long"
    assert service.calls == []


async def test_a_failure_in_the_second_round_is_followed_by_the_next_target(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    def script(call: Call) -> Answer:
        return (
            error("openai-chat", 503, "down")
            if answers_a_tool("openai-chat", call)
            else answer("openai-chat", call, CALL)
        )

    upstream.script, second.script = script, searches_once("gemini")
    route = {"default": "first/foreign-1", "fallback": ["second/foreign-1"], "fallback_enabled": True}
    targets = foreign(upstream, "openai-chat"), foreign(second, "gemini")
    engine = await start(settings(*targets, route=route, search=by(service)))

    got = checked((await engine.ask(wish())).content)

    assert got.text == TEXT
    first, served = (await engine.record()).attempts
    assert (first.outcome, served.outcome) == ("overloaded", "served")
    assert first.changed == served.changed == ("1 search by brave ($0.0050)",)


async def test_a_refusal_in_the_second_round_reaches_the_client_as_it_is(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    def script(call: Call) -> Answer:
        if b"tool_result" in call.body:
            return as_json(error_body("rate_limit_error", "Slow down."), 429)
        return speaks("anthropic", call, CALL)

    engine = await on(start, upstream, service, script)

    response = await engine.ask(wish())

    assert (response.status_code, response.json()["error"]["message"]) == (429, "Slow down.")


async def test_a_client_that_leaves_ends_the_rounds(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    service.script = SILENCE
    engine = await on(start, upstream, service, searches_once("anthropic"))
    leaving = asyncio.create_task(engine.ask(wish()))
    await service.arrived(1)

    leaving.cancel()

    await service.wait_closed(0)
    await asyncio.gather(leaving, return_exceptions=True)
    assert (await engine.record()).outcome == "cancelled"
    assert len(upstream.calls) == 1
