"""Who searches: the provider, the engine, another target, or nobody, who says what to set up."""

import pytest

from tests.proxy.conftest import StartEngine
from tests.proxy.dialects.grammar import checked
from tests.proxy.net.foreign_models import asked, by, foreign
from tests.proxy.net.searching import READ, SEARCH, searches_once, wish
from tests.proxy.running_engine import provider, settings
from tests.upstreams import ScriptedUpstream, as_stream, message_stream


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
