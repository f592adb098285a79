"""The engine searches the web for models whose provider does not: a scripted model, a scripted Brave, real sockets."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from proxy import contract as c
from proxy.estimate import BYTES_PER_TOKEN
from proxy.protocol.whole import message_of
from tests.proxy.conftest import StartEngine
from tests.proxy.dialects.grammar import Answer as Got
from tests.proxy.dialects.grammar import checked
from tests.proxy.net.foreign_models import Script, asked, blocks, by, each, foreign, speaks
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import (
    HANG_UP,
    SILENCE,
    Answer,
    Call,
    Reply,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    message_body,
    message_stream,
    tool_call,
)
from tests.upstreams.dialects import OUTPUT, PROMPT, Name, Said, answer, answers_a_tool, error

SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
READ = {"name": "Read", "description": "Reads.", "input_schema": {"type": "object", "properties": {}}}
FORCED = {"type": "tool", "name": "web_search"}
CALL = Said("", [("web_search", {"query": "httpx retries"})])
TEXT = "It retries.\n\nSee [Retries](https://docs.example.com/retries).\n"


def wish(**fields: Any) -> dict[str, Any]:
    """The request that Claude Code's ``WebSearch`` makes."""
    turn = {"role": "user", "content": "Perform a web search for the query: httpx retries"}
    return message(**{"messages": [turn], "tools": [SEARCH], "tool_choice": FORCED, **fields})


def searches_once(dialect: str, text: str = TEXT) -> Script:
    """A model that searches and then answers."""

    def script(call: Call) -> Answer:
        searched = b"tool_result" in call.body if dialect == "anthropic" else answers_a_tool(dialect, call)  # type: ignore[arg-type]
        return speaks(dialect, call, Said(text) if searched else CALL)

    return script


async def on(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream, script: Script, **more: Any
) -> RunningEngine:
    """An engine whose only target, in Anthropic's format, follows ``script``."""
    upstream.script = script
    return await start(settings(foreign(upstream), route={"default": "first/foreign-1"}, search=by(service, **more)))


def links(got: Got) -> list[str]:
    return [page["url"] for block in blocks(got, "web_search_tool_result") for page in block["content"]]


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


async def test_the_record_has_all_rounds_the_searches_and_their_cost(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    upstream.script = searches_once("anthropic")
    prices = {"foreign-1": {"input": 1, "output": 10, "cache_read": 0}}
    route = {"default": "first/foreign-1"}
    engine = await start(settings(foreign(upstream), route=route, search=by(service), prices=prices))

    await engine.ask(wish())

    record = await engine.record()
    usage = c.Usage(input_tokens=2 * (PROMPT - 200), cache_read_tokens=400, output_tokens=2 * OUTPUT, web_searches=1)
    assert (record.usage, record.outcome, record.served_model) == (usage, "served", "foreign-1")
    assert record.cost_nano_usd == 2000 * 1000 + 68 * 10_000 + 5_000_000
    [attempt] = record.attempts
    assert attempt.changed == ("1 search by brave ($0.0050)",)


async def test_searches_of_unknown_price_are_told_as_such_and_the_model_s_cost_stays(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    upstream.script = searches_once("anthropic")
    unpriced = {name: value for name, value in by(service).items() if name != "usd_per_search"}
    prices = {"foreign-1": {"input": 1, "output": 0, "cache_read": 0}}
    route = {"default": "first/foreign-1"}
    engine = await start(settings(foreign(upstream), route=route, search=unpriced, prices=prices))

    await engine.ask(wish())

    record = await engine.record()
    assert record.cost_nano_usd == 2000 * 1000
    assert record.attempts[0].changed == ("1 search by brave, unpriced: set usd_per_search in [search]",)


async def test_what_the_searches_brought_in_is_not_taken_for_the_size_of_the_request(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, service, searches_once("anthropic"))

    await engine.ask(wish(metadata={"user_id": "a long label " * 20}))

    await engine.record()
    assert engine.engine._fitting.estimator.ratio("foreign-1") == BYTES_PER_TOKEN


async def test_what_the_provider_reports_as_cost_is_summed_over_the_rounds(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    def script(call: Call) -> Answer:
        said = [] if b"tool_result" in call.body else [tool_call("web_search", {"query": "q"})]
        return as_json(message_body("Done.", usage={"cost": 0.25}, tools=said))

    engine = await on(start, upstream, service, script)

    await engine.ask(wish())

    record = await engine.record()
    assert (record.cost_nano_usd, record.cost_source) == (505_000_000, "reported")


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


async def test_without_a_search_the_answer_says_what_to_set_up_and_nobody_is_asked(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(foreign(upstream), route={"default": "first/foreign-1"}))

    response = await engine.ask(wish())

    got = checked(response.content)
    assert got.kinds == ["server_tool_use", "web_search_tool_result", "text"]
    assert got.blocks[0]["input"] == {"query": "httpx retries"}
    assert got.blocks[1]["content"] == {"type": "web_search_tool_result_error", "error_code": "unavailable"}
    assert '[search]\nbackend = "brave"' in got.text
    assert str(engine.paths.config_file) in got.text
    assert upstream.calls == []
    record = await engine.record()
    assert (record.outcome, record.cost_nano_usd) == ("failed", 0)
    assert "no web search" in str(record.error)


async def test_without_a_search_a_whole_answer_says_it_too(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(foreign(upstream), route={"default": "first/foreign-1"}))

    got = (await engine.ask(wish(stream=False))).json()

    assert got["content"][1]["content"]["error_code"] == "unavailable"


async def test_without_a_search_a_target_that_has_its_own_steps_in(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    route = {"default": "first/foreign-1", "fallback": ["second"], "fallback_enabled": True}
    engine = await start(settings(foreign(upstream), provider(second), route=route))

    response = await engine.ask(wish())

    assert checked(response.content).text == "Hello from the second."
    assert asked(second.calls[0])["tools"] == [SEARCH]


async def test_without_a_search_a_request_that_can_do_without_goes_as_it_is(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(foreign(upstream), route={"default": "first/foreign-1"}))

    await engine.ask(wish(tools=[SEARCH, READ], tool_choice={"type": "auto"}))

    assert asked(upstream.calls[0])["tools"] == [SEARCH, READ]


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


def fails_after_two(call: Call) -> Answer:
    """A model that searches twice; the third round fails."""
    if call.body.count(b"tool_result") == 2:
        return as_json(error_body("overloaded_error", "Overloaded"), 529)
    return speaks("anthropic", call, CALL)


PRICES = {"foreign-1": {"input": 1, "output": 10, "cache_read": 0}}
TWO_ROUNDS = c.Usage(input_tokens=2 * (PROMPT - 200), cache_read_tokens=400, output_tokens=2 * OUTPUT, web_searches=2)
COST_OF_TWO = 2 * ((PROMPT - 200) * 1000 + OUTPUT * 10_000 + 5_000_000)
"""At ``PRICES``, with a search in each."""


async def test_rounds_before_a_failure_are_billed_with_their_searches(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    upstream.script = fails_after_two
    route = {"default": "first/foreign-1"}
    engine = await start(settings(foreign(upstream), route=route, search=by(service), prices=PRICES))

    response = await engine.ask(wish())

    record = await engine.record()
    assert (response.status_code, record.outcome, record.usage) == (529, "failed", TWO_ROUNDS)
    assert (record.cost_nano_usd, record.cost_source) == (COST_OF_TWO, "settings")
    assert record.cost_split is not None
    assert (record.cost_split.searches, record.cost_split.nano_usd) == (10_000_000, COST_OF_TWO)


async def test_rounds_before_a_fallback_are_billed_beside_the_answer(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    upstream.script, second.script = fails_after_two, lambda call: speaks("anthropic", call, Said(TEXT))
    route = {"default": "first/foreign-1", "fallback": ["second/foreign-1"], "fallback_enabled": True}
    targets = foreign(upstream), foreign(second)
    engine = await start(settings(*targets, route=route, search=by(service), prices=PRICES))

    await engine.ask(wish(tools=[SEARCH, READ], tool_choice={"type": "auto"}))

    record = await engine.record()
    once = c.Usage(input_tokens=PROMPT - 200, cache_read_tokens=200, output_tokens=OUTPUT)
    assert (record.outcome, record.provider, record.usage) == ("served", "second", TWO_ROUNDS + once)
    assert record.cost_nano_usd == COST_OF_TWO + (PROMPT - 200) * 1000 + OUTPUT * 10_000
    (session,) = (await engine.snapshot()).sessions
    assert session.context_tokens == once.total_tokens


async def test_rounds_before_the_client_left_are_billed(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    upstream.script = lambda call: SILENCE if b"tool_result" in call.body else speaks("anthropic", call, CALL)
    route = {"default": "first/foreign-1"}
    engine = await start(settings(foreign(upstream), route=route, search=by(service), prices=PRICES))
    leaving = asyncio.create_task(engine.ask(wish()))
    await upstream.arrived(2)

    leaving.cancel()

    await asyncio.gather(leaving, return_exceptions=True)
    record = await engine.record()
    assert (record.outcome, record.usage.total_tokens, record.usage.web_searches) == ("cancelled", PROMPT + OUTPUT, 1)
    assert record.cost_nano_usd == COST_OF_TWO // 2


async def test_a_round_s_reported_cost_counts_though_the_next_one_fails(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    def script(call: Call) -> Answer:
        if b"tool_result" in call.body:
            return HANG_UP
        return as_json(message_body("", usage={"cost": 0.25}, tools=[tool_call("web_search", {"query": "q"})]))

    engine = await on(start, upstream, service, script)

    await engine.ask(wish())

    record = await engine.record()
    assert (record.outcome, record.cost_nano_usd, record.cost_source) == ("failed", 255_000_000, "reported")


async def test_the_window_holds_the_last_round_and_not_all_of_them(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, service, searches_once("anthropic"))

    await engine.ask(wish(tools=[SEARCH, READ], tool_choice={"type": "auto"}))

    await engine.record()
    (session,) = (await engine.snapshot()).sessions
    assert session.tally.usage.total_tokens == 2 * (PROMPT + OUTPUT)
    assert session.context_tokens == PROMPT + OUTPUT


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


async def test_claude_searches_by_itself(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream), search=by(service)))

    response = await engine.ask(wish())

    assert response.content == message_stream()
    assert asked(upstream.calls[0])["tools"] == [SEARCH]
    assert service.calls == []


@pytest.mark.parametrize(("quirk", "kept"), [(True, True), (False, False)])
async def test_a_quirk_decides_who_searches(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream, quirk: bool, kept: bool
) -> None:
    target = provider(upstream, quirks={"server_search": quirk}, models=["foreign-1"])
    upstream.script = as_stream(message_stream())
    engine = await start(settings(target, search=by(service)))

    await engine.ask(wish())

    assert (asked(upstream.calls[0])["tools"] == [SEARCH]) is kept


async def test_a_key_variable_is_enough(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
) -> None:
    upstream.script = searches_once("anthropic")
    keyless = {name: value for name, value in by(service).items() if name != "api_key"}
    chosen = settings(foreign(upstream), route={"default": "first/foreign-1"}, search=keyless)
    engine = await start(chosen, {"BRAVE_API_KEY": "from-the-environment"})

    await engine.ask(wish())

    assert service.calls[0].header("x-subscription-token") == "from-the-environment"


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
