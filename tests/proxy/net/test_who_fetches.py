"""Whether the provider, the engine or nobody fetches the pages that a request asks for."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from proxy import contract as c
from tests.proxy.conftest import StartEngine
from tests.proxy.dialects.grammar import checked
from tests.proxy.net.fetching import FETCH, PLAIN, READ, SEARCH, TEXT, calls, lend, on, results, wish
from tests.proxy.net.foreign_models import asked, blocks, by, foreign, in_turn
from tests.proxy.running_engine import provider, settings
from tests.upstreams import ScriptedUpstream, message_stream
from tests.upstreams.dialects import Name, Said


class TestWhoFetches:
    async def test_claude_fetches_by_itself(
        self, start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
    ) -> None:
        engine = lend(await start(settings(provider(upstream))), docs_example_com=site)

        response = await engine.ask(wish())

        assert response.content == message_stream()
        assert asked(upstream.calls[0])["tools"] == [FETCH]

    @pytest.mark.parametrize(("quirk", "kept"), [(True, True), (False, False)])
    async def test_a_quirk_decides(
        self, start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream, quirk: bool, kept: bool
    ) -> None:
        target = provider(upstream, quirks={"server_fetch": quirk}, models=["foreign-1"])
        engine = lend(await start(settings(target)), docs_example_com=site)

        await engine.ask(wish())

        assert (asked(upstream.calls[0])["tools"] == [FETCH]) is kept

    @pytest.mark.parametrize("dialect", ["bedrock", "vertex"])
    async def test_for_claude_in_a_cloud_the_engine_does(
        self, start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream, dialect: Name
    ) -> None:
        upstream.script = in_turn(dialect, calls(), Said(TEXT))
        target = foreign(upstream, dialect, models=["claude-opus-4-8"])
        engine = lend(await start(settings(target, route={"default": "first/claude-opus-4-8"})), docs_example_com=site)

        got = checked((await engine.ask(wish())).content)

        assert results(got)[0]["content"]["title"] == "Retries"

    async def test_a_search_of_the_provider_s_own_goes_on_beside_it(
        self, start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream, service: ScriptedUpstream
    ) -> None:
        quirks = {"search_tool": "web_search"}
        script = in_turn("openai-responses", calls(), Said(TEXT))
        engine = await on(start, upstream, site, script, "openai-responses", by(service), quirks=quirks)

        got = checked((await engine.ask(wish(tools=[SEARCH, FETCH]))).content)

        kinds = [tool["type"] for tool in asked(upstream.calls[0])["tools"]]
        assert sorted(kinds) == ["function", "web_search"]
        assert results(got)[0]["content"]["title"] == "Retries"

    async def test_where_the_provider_s_own_search_goes_alone_the_engine_makes_both_at_its_own_price(
        self, start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream, service: ScriptedUpstream
    ) -> None:
        upstream.script = in_turn("gemini", Said("", [("web_search", {"query": "q"})]), calls(), Said(TEXT))
        target = foreign(upstream, "gemini", quirks={"search_tool": "google_search"}, price_catalog="google")
        prices = {"foreign-1": {"input": 0, "output": 0}}
        chosen = settings(target, route={"default": "first/foreign-1"}, search=by(service), prices=prices)
        engine = lend(await start(chosen), docs_example_com=site)

        got = checked((await engine.ask(wish(tools=[SEARCH, FETCH]))).content)

        assert got.usage["server_tool_use"] == {"web_search_requests": 1, "web_fetch_requests": 1}
        assert (await engine.record()).cost_nano_usd == 5_000_000
        repriced = await engine.command("reprice", c.Reprice(dry_run=True))
        report = msgspec.json.decode(repriced.content, type=c.RepriceReport)
        assert (report.looked_at, report.rows) == (1, ())

    async def test_without_a_search_of_the_engine_s_such_a_provider_keeps_its_own(
        self, start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
    ) -> None:
        quirks = {"search_tool": "google_search"}
        engine = await on(start, upstream, site, in_turn("gemini", Said(TEXT)), "gemini", quirks=quirks)

        await engine.ask(wish(tools=[SEARCH, FETCH]))

        assert asked(upstream.calls[0])["tools"] == [{"googleSearch": {}}]
        assert "the tool web_fetch" in str((await engine.record()).attempts[0].changed)

    async def test_pages_are_fetched_where_nobody_searches(
        self, start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
    ) -> None:
        engine = await on(start, upstream, site, in_turn("openai-chat", calls(), Said(TEXT)), "openai-chat")

        got = checked((await engine.ask(wish(tools=[SEARCH, FETCH]))).content)

        assert results(got)[0]["content"]["title"] == "Retries"


class TestNobodyFetches:
    OFF: Mapping[str, Any] = {"fetch": False}

    async def test_the_answer_says_what_to_set_and_nobody_is_asked(
        self, start: StartEngine, upstream: ScriptedUpstream
    ) -> None:
        engine = await start(settings(foreign(upstream), route={"default": "first/foreign-1"}, search=self.OFF))

        got = checked((await engine.ask(wish())).content)

        assert got.kinds == ["server_tool_use", "web_fetch_tool_result", "text"]
        assert got.blocks[0]["input"] == {"url": PLAIN}
        assert got.blocks[1]["content"] == {"type": "web_fetch_tool_result_error", "error_code": "unavailable"}
        assert "[search]\nfetch = true" in got.text
        assert str(engine.paths.config_file) in got.text
        assert upstream.calls == []
        record = await engine.record()
        assert (record.outcome, record.cost_nano_usd) == ("failed", 0)
        assert "no fetching of pages" in str(record.error)

    async def test_a_request_that_can_do_without_goes_as_it_is(
        self, start: StartEngine, upstream: ScriptedUpstream
    ) -> None:
        engine = await start(settings(foreign(upstream), route={"default": "first/foreign-1"}, search=self.OFF))

        await engine.ask(wish(tools=[FETCH, READ]))

        assert asked(upstream.calls[0])["tools"] == [FETCH, READ]

    async def test_searches_are_made_all_the_same(
        self, start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream
    ) -> None:
        upstream.script = in_turn("openai-chat", Said("", [("web_search", {"query": "q"})]), Said(TEXT))
        chosen = settings(
            foreign(upstream, "openai-chat"), route={"default": "first/foreign-1"}, search={**by(service), **self.OFF}
        )
        engine = await start(chosen)

        got = checked((await engine.ask(wish(tools=[SEARCH, FETCH]))).content)

        assert blocks(got, "web_search_tool_result")
        assert "the tool web_fetch" in str((await engine.record()).attempts[0].changed)

    async def test_a_target_that_fetches_by_itself_steps_in(
        self, start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
    ) -> None:
        route = {"default": "first/foreign-1", "fallback": ["second"], "fallback_enabled": True}
        engine = await start(settings(foreign(upstream), provider(second), route=route, search=self.OFF))

        response = await engine.ask(wish())

        assert checked(response.content).text == "Hello from the second."
