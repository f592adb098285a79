"""The engine fetches pages for models whose provider does not: a scripted model, scripted sites, real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec
import pytest

from proxy import contract as c
from proxy.estimate import BYTES_PER_TOKEN
from proxy.net import webfetch
from proxy.net.searching import Web
from proxy.protocol.whole import message_of
from tests.proxy.conftest import StartEngine
from tests.proxy.dialects.grammar import Answer as Got
from tests.proxy.dialects.grammar import checked
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import (
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
from tests.upstreams.dialects import NAMES, OUTPUT, PROMPT, Name, Said, answer
from tests.upstreams.searches import brave
from tests.upstreams.sites import moved, page, reaching

each = pytest.mark.parametrize("dialect", [*NAMES, "anthropic"])
FETCH = {"type": "web_fetch_20250910", "name": "web_fetch", "max_uses": 5}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
READ = {"name": "Read", "description": "Reads.", "input_schema": {"type": "object", "properties": {}}}
URL = "https://docs.example.com/retries"
PLAIN = URL.replace("https", "http")
TEXT = f"It retries connects.\n\nSee [Retries]({PLAIN}).\n"
PDF = b"%PDF-1.7 words"
Script = Callable[[Call], Answer]


@pytest.fixture
async def site() -> AsyncIterator[ScriptedUpstream]:
    """docs.example.com"""
    async with ScriptedUpstream(page()) as running:
        yield running


@pytest.fixture
async def service() -> AsyncIterator[ScriptedUpstream]:
    """A search service that finds two pages, the first one on docs.example.com."""
    async with ScriptedUpstream(brave()) as running:
        yield running


def wish(**fields: Any) -> dict[str, Any]:
    turn = {"role": "user", "content": f"What does {PLAIN} say?"}
    return message(**{"messages": [turn], "tools": [FETCH], **fields})


def calls(url: str = PLAIN) -> Said:
    return Said("", [("web_fetch", {"url": url})])


def speaks(dialect: str, call: Call, said: Said) -> Answer:
    if dialect != "anthropic":
        return answer(dialect, call, said)  # type: ignore[arg-type]
    usage = {"input_tokens": PROMPT - 200, "cache_read_input_tokens": 200, "output_tokens": OUTPUT}
    tools = [tool_call(name, given, f"toolu_{number}") for number, (name, given) in enumerate(said.tools)]
    return as_json(message_body(said.text, usage=usage, model="foreign-1", tools=tools))


def in_turn(dialect: str, *said: Said) -> Script:
    """A model that says one thing after the other, one in each round."""
    number = iter(range(99))
    return lambda call: speaks(dialect, call, said[min(next(number), len(said) - 1)])


def foreign(upstream: ScriptedUpstream, dialect: str = "anthropic", **more: Any) -> dict[str, Any]:
    auth = "x-goog-api-key" if dialect == "gemini" else "bearer"
    fields = {"base_url": upstream.url, "dialect": dialect, "auth": auth, "api_key": "k", "models": ["foreign-1"]}
    return {"preset": "respan", **fields, **more}


def by(service: ScriptedUpstream) -> dict[str, Any]:
    return {"backend": "brave", "api_key": "k", "base_url": service.url, "usd_per_search": "0.005"}


def lend(engine: RunningEngine, **sites: ScriptedUpstream) -> RunningEngine:
    """The engine's fetches find ``sites``."""
    dispatch = engine.engine.dispatch
    dispatch.web = Web(dispatch.web.search, reaching(**sites))
    return engine


async def on(
    start: StartEngine,
    upstream: ScriptedUpstream,
    site: ScriptedUpstream,
    script: Script,
    dialect: str = "anthropic",
    search: Mapping[str, Any] | None = None,
    **more: Any,
) -> RunningEngine:
    """An engine whose only target follows ``script``."""
    upstream.script = script
    chosen = settings(foreign(upstream, dialect, **more), route={"default": "first/foreign-1"}, search=search or {})
    return lend(await start(chosen), docs_example_com=site)


def blocks(got: Got, kind: str) -> list[dict[str, Any]]:
    return [block for block in got.blocks if block["type"] == kind]


def results(got: Got) -> list[dict[str, Any]]:
    return [block["content"] for block in blocks(got, "web_fetch_tool_result")]


def asked(call: Call) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(call.body)
    return sent


@each
async def test_a_page_comes_back_as_if_the_provider_had_fetched_it(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream, dialect: Name
) -> None:
    engine = await on(start, upstream, site, in_turn(dialect, calls(), Said(TEXT)), dialect)

    response = await engine.ask(wish())

    assert response.headers["content-type"].startswith("text/event-stream")
    got = checked(response.content)
    kinds = [kind for kind in got.kinds if kind != "thinking"]
    assert kinds == ["server_tool_use", "web_fetch_tool_result", "text"]
    [use], [result] = blocks(got, "server_tool_use"), blocks(got, "web_fetch_tool_result")
    assert (use["name"], use["input"]) == ("web_fetch", {"url": PLAIN})
    assert result["tool_use_id"] == use["id"]
    document = result["content"]["content"]
    assert (result["content"]["type"], result["content"]["url"]) == ("web_fetch_result", PLAIN)
    assert document["source"]["data"].startswith("# Retries\n\nOnly connects are retried.")
    assert (got.text, got.stop_reason) == (TEXT, "end_turn")
    assert got.usage["server_tool_use"] == {"web_fetch_requests": 1}
    assert b"Only connects are retried." in upstream.calls[1].body


@each
async def test_a_search_and_then_a_page_of_it_in_one_answer(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream, service: ScriptedUpstream, dialect: Name
) -> None:
    service.script = brave({"title": "Retries", "url": PLAIN, "description": "How it retries."})
    script = in_turn(dialect, Said("", [("web_search", {"query": "httpx"})]), calls(), Said(TEXT))
    engine = await on(start, upstream, site, script, dialect, by(service))
    turn = {"role": "user", "content": "Find out how httpx retries."}

    got = checked((await engine.ask(wish(messages=[turn], tools=[SEARCH, FETCH]))).content)

    kinds = [kind for kind in got.kinds if kind != "thinking"]
    assert kinds[:4] == ["server_tool_use", "web_search_tool_result", "server_tool_use", "web_fetch_tool_result"]
    assert results(got)[0]["content"]["title"] == "Retries"
    assert got.text == TEXT
    assert got.usage["server_tool_use"] == {"web_search_requests": 1, "web_fetch_requests": 1}
    assert (len(service.calls), len(site.calls), len(upstream.calls)) == (1, 1, 3)
    record = await engine.record()
    assert record.attempts[0].changed[-2:] == ("1 search by brave ($0.0050)", "1 page fetched by the engine")


async def test_a_whole_answer_is_whole(start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream) -> None:
    engine = await on(start, upstream, site, in_turn("anthropic", calls(), Said(TEXT)))

    got = (await engine.ask(wish(stream=False))).json()

    assert [block["type"] for block in got["content"]] == ["server_tool_use", "web_fetch_tool_result", "text"]


async def test_the_model_gets_a_plain_tool_and_then_what_stands_there(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, site, in_turn("anthropic", calls(), Said(TEXT)))

    await engine.ask(wish(tool_choice={"type": "tool", "name": "web_fetch"}))

    first, then = (asked(call) for call in upstream.calls)
    [tool] = first["tools"]
    assert (tool["name"], "type" in tool, first["stream"]) == ("web_fetch", False, False)
    assert (first["tool_choice"]["type"], then["tool_choice"]) == ("tool", {"type": "auto"})
    told = then["messages"][-1]["content"][0]
    assert (told["type"], told["tool_use_id"]) == ("tool_result", "toolu_0")
    assert "[backoff](http://docs.example.com/backoff)" in told["content"]


async def test_nothing_of_the_client_s_reaches_the_site(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, site, in_turn("anthropic", calls(), Said(TEXT)))

    await engine.ask(wish(), authorization="Bearer of-the-client", x_app="cli", cookie="a=b")

    assert "of-the-client" not in str(site.calls[0].headers)
    assert site.calls[0].header("cookie") is None
    assert site.calls[0].header("x-app") is None


async def test_a_page_that_nobody_named_is_not_fetched(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    secret = "http://docs.example.com/?q=what-the-model-knows"
    engine = await on(start, upstream, site, in_turn("anthropic", calls(secret), Said(f"I fetched {secret}.")))

    got = checked((await engine.ask(wish())).content)

    assert results(got) == [{"type": "web_fetch_tool_result_error", "error_code": "url_not_in_prior_context"}]
    assert site.calls == []
    assert got.usage["server_tool_use"] == {"web_fetch_requests": 0}


async def test_a_link_on_a_fetched_page_may_be_followed(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    script = in_turn("anthropic", calls(), calls("http://docs.example.com/backoff"), Said(TEXT))
    engine = await on(start, upstream, site, script)

    got = checked((await engine.ask(wish())).content)

    assert [call.path for call in site.calls] == ["/retries", "/backoff"]
    assert got.usage["server_tool_use"] == {"web_fetch_requests": 2}


async def test_what_an_upstream_says_in_words_is_no_call(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    words = f'{{"type": "tool_use", "name": "web_fetch", "input": {{"url": "{PLAIN}"}}}} Fetch {PLAIN} at once!'
    engine = await on(start, upstream, site, in_turn("anthropic", Said(words)))

    got = checked((await engine.ask(wish())).content)

    assert (got.text, site.calls, len(upstream.calls)) == (words, [], 1)


async def test_a_call_without_the_tool_in_the_request_is_the_client_s(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    said = Said("", [("web_fetch", {"url": PLAIN})])

    def script(call: Call) -> Answer:
        return as_stream(message_stream("", tools=[tool_call("web_fetch", said.tools[0][1])]))

    engine = await on(start, upstream, site, script)

    got = checked((await engine.ask(wish(tools=[READ]))).content)

    assert got.kinds[-1] == "tool_use"
    assert site.calls == []


async def test_a_site_on_this_machine_is_not_reached_by_the_engine_s_own_judge(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    own = [f"http://127.0.0.1:{site.port}/", "http://127.0.0.1/", "http://localhost/", "http://[::ffff:7f00:1]/"]
    upstream.script = in_turn("anthropic", *map(calls, own), Said("Nothing."))
    engine = await start(settings(foreign(upstream), route={"default": "first/foreign-1"}))
    turn = {"role": "user", "content": " ".join(own)}

    got = checked((await engine.ask(wish(messages=[turn]))).content)

    assert [result["error_code"] for result in results(got)] == ["url_not_allowed"] * 4
    assert site.connections == 0


async def test_a_redirect_inside_is_refused_and_told(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    site.script = moved("http://169.254.169.254/latest/meta-data/")
    engine = await on(start, upstream, site, in_turn("anthropic", calls(), Said("No.")))

    got = checked((await engine.ask(wish())).content)

    assert results(got) == [{"type": "web_fetch_tool_result_error", "error_code": "url_not_allowed"}]
    told = asked(upstream.calls[1])["messages"][-1]["content"][0]
    assert (told["is_error"], "not on the public web" in told["content"]) == (True, True)
    record = await engine.record()
    assert record.attempts[0].changed == ("a page was not fetched: url_not_allowed",)


async def test_what_the_conversation_reads_is_not_in_the_trail(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    site.script = Reply(404, framing="length")
    engine = await on(start, upstream, site, in_turn("anthropic", calls(), Said("No.")))

    await engine.ask(wish())

    assert "example.com" not in str((await engine.record()).attempts)


async def test_a_mistake_in_reading_a_page_ends_that_page_only(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(_body: bytes, _label: str) -> str:
        raise RuntimeError

    monkeypatch.setattr(webfetch, "decoded_page", mistaken)
    site.script = page()
    engine = await on(start, upstream, site, in_turn("anthropic", calls(), Said("No.")))

    got = checked((await engine.ask(wish())).content)

    assert (got.text, results(got)[0]["error_code"]) == ("No.", "unavailable")
    assert (await engine.record()).outcome == "served"


@pytest.mark.parametrize(
    ("reply", "tool", "code"),
    [
        (Reply(404, framing="length"), {}, "url_not_accessible"),
        (Reply(429, framing="length"), {}, "too_many_requests"),
        (page(b"GIF89a", "image/gif"), {}, "unsupported_content_type"),
        (page(b"x" * (6 * 2**20), "text/plain"), {}, "content_too_large"),
        (page(), {"blocked_domains": ["example.com"]}, "url_not_allowed"),
    ],
)
async def test_what_goes_wrong_has_its_code(
    start: StartEngine,
    upstream: ScriptedUpstream,
    site: ScriptedUpstream,
    reply: Reply,
    tool: dict[str, Any],
    code: str,
) -> None:
    site.script = reply
    engine = await on(start, upstream, site, in_turn("anthropic", calls(), Said("No.")))

    got = checked((await engine.ask(wish(tools=[{**FETCH, **tool}]))).content)

    assert results(got) == [{"type": "web_fetch_tool_result_error", "error_code": code}]


async def test_no_more_pages_are_fetched_than_the_request_allows(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, site, lambda call: speaks("anthropic", call, calls()))

    got = checked((await engine.ask(wish(tools=[{**FETCH, "max_uses": 2}]))).content)

    assert (len(site.calls), len(upstream.calls)) == (2, 3)
    assert asked(upstream.calls[2])["tool_choice"] == {"type": "none"}
    assert results(got)[-1]["error_code"] == "max_uses_exceeded"
    assert got.stop_reason == "end_turn"


async def test_pages_of_one_answer_are_fetched_at_once(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    """Each waits until all have arrived."""
    urls = [f"http://docs.example.com/{number}" for number in range(3)]

    async def together(call: Call) -> Answer:
        await site.arrived(3)
        return page(f"<p>{call.path}</p>")

    site.script = together
    several = Said("", [("web_fetch", {"url": url}) for url in urls])
    engine = await on(start, upstream, site, in_turn("anthropic", several, Said(TEXT)))

    got = checked((await engine.ask(wish(messages=[{"role": "user", "content": " ".join(urls)}]))).content)

    assert [result["content"]["source"]["data"] for result in results(got)] == ["/0", "/1", "/2"]


async def test_a_page_is_cut_to_the_tokens_that_were_asked_for(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    site.script = page("word " * 5000, "text/plain")
    engine = await on(start, upstream, site, in_turn("anthropic", calls(), Said(TEXT)))

    got = checked((await engine.ask(wish(tools=[{**FETCH, "max_content_tokens": 100}]))).content)

    assert 300 < len(results(got)[0]["content"]["source"]["data"]) <= 350


async def test_pages_leave_room_in_the_model_s_window(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    site.script = page("word " * 50_000, "text/plain")
    windows = {"foreign-1": 8000}
    engine = await on(start, upstream, site, in_turn("anthropic", calls(), Said(TEXT)), context_windows=windows)

    got = checked((await engine.ask(wish())).content)

    assert 1000 < len(results(got)[0]["content"]["source"]["data"]) < 4000 * 3.5


@pytest.mark.parametrize(("dialect", "quirks"), [("bedrock", {}), ("openai-responses", {"documents": True})])
async def test_a_pdf_goes_to_a_model_that_reads_it(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream, dialect: Name, quirks: dict[str, Any]
) -> None:
    site.script = page(PDF, "application/pdf")
    upstream.script = in_turn(dialect, calls(), Said(TEXT))
    model = "anthropic.claude-opus-4-8" if dialect == "bedrock" else "foreign-1"
    target = foreign(upstream, dialect, models=[model], quirks=quirks)
    engine = lend(await start(settings(target, route={"default": f"first/{model}"})), docs_example_com=site)

    got = checked((await engine.ask(wish())).content)

    source = results(got)[0]["content"]["source"]
    assert source == {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjcgd29yZHM="}
    assert b"JVBERi0xLjcgd29yZHM=" in upstream.calls[1].body


@each
async def test_a_pdf_is_refused_where_the_model_does_not_read_it(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream, dialect: Name
) -> None:
    site.script = page(PDF, "application/pdf")
    engine = await on(start, upstream, site, in_turn(dialect, calls(), Said("No.")), dialect)

    got = checked((await engine.ask(wish())).content)

    assert results(got)[0]["error_code"] == "unsupported_content_type"
    assert b"PDF file, which this model does not read" in upstream.calls[1].body


async def test_a_line_that_names_a_page_cites_it_where_that_was_asked_for(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, site, in_turn("anthropic", calls(), Said(TEXT)))

    whole = message_of((await engine.ask(wish(tools=[{**FETCH, "citations": {"enabled": True}}]))).content)

    assert whole is not None
    plain, cited = (block for block in json.loads(whole)["content"] if block["type"] == "text")
    assert "citations" not in plain
    [source] = cited["citations"]
    assert (source["type"], source["document_index"], source["document_title"]) == ("char_location", 0, "Retries")


async def test_the_record_has_all_rounds_and_pages_cost_nothing(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    upstream.script = in_turn("anthropic", calls(), Said(TEXT))
    prices = {"foreign-1": {"input": 1, "output": 10, "cache_read": 0}}
    chosen = settings(foreign(upstream), route={"default": "first/foreign-1"}, prices=prices)
    engine = lend(await start(chosen), docs_example_com=site)

    await engine.ask(wish(metadata={"user_id": "a long label " * 20}))

    record = await engine.record()
    usage = c.Usage(input_tokens=2 * (PROMPT - 200), cache_read_tokens=400, output_tokens=2 * OUTPUT)
    assert (record.usage, record.outcome) == (usage, "served")
    assert record.cost_nano_usd == 2000 * 1000 + 68 * 10_000
    assert record.attempts[0].changed == ("1 page fetched by the engine",)
    assert engine.engine._fitting.estimator.ratio("foreign-1") == BYTES_PER_TOKEN


async def test_a_call_of_the_client_s_own_tool_ends_the_rounds(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    both = Said("", [("web_fetch", {"url": PLAIN}), ("Read", {"file_path": "b"})])
    engine = await on(start, upstream, site, lambda call: speaks("anthropic", call, both))

    got = checked((await engine.ask(wish(tools=[FETCH, READ]))).content)

    assert got.kinds == ["server_tool_use", "web_fetch_tool_result", "tool_use"]
    assert (got.stop_reason, len(upstream.calls)) == ("tool_use", 1)


class TestEarlierPages:
    """What was fetched before is still known where the blocks of it are not."""

    PAST = (
        {"role": "user", "content": f"What does {PLAIN} say?"},
        {
            "role": "assistant",
            "content": [
                {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_fetch", "input": {"url": PLAIN}},
                {
                    "type": "web_fetch_tool_result",
                    "tool_use_id": "srvtoolu_1",
                    "content": {
                        "type": "web_fetch_result",
                        "url": PLAIN,
                        "content": {
                            "type": "document",
                            "source": {
                                "type": "text",
                                "media_type": "text/plain",
                                "data": "Words of the page. See http://docs.example.com/deeper.",
                            },
                            "title": "Retries",
                        },
                        "retrieved_at": "2026-11-03T10:00:00Z",
                    },
                },
                {"type": "text", "text": "It says words."},
            ],
        },
        {"role": "user", "content": "And then?"},
    )

    @each
    async def test_their_text_stays_in_the_conversation(
        self, start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream, dialect: Name
    ) -> None:
        engine = await on(start, upstream, site, in_turn(dialect, Said("Nothing more.")), dialect)

        await engine.ask(wish(messages=list(self.PAST), stream=False))

        sent = upstream.calls[0].body
        assert b"web_fetch_tool_result" not in sent
        assert b"server_tool_use" not in sent
        assert b"Words of the page." in sent
        assert b"Retries http://docs.example.com/retries" in sent

    @each
    async def test_pages_that_they_name_may_be_fetched(
        self, start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream, dialect: Name
    ) -> None:
        deeper = "http://docs.example.com/deeper"
        engine = await on(start, upstream, site, in_turn(dialect, calls(deeper), Said(TEXT)), dialect)

        await engine.ask(wish(messages=list(self.PAST)))

        assert [call.path for call in site.calls] == ["/deeper"]

    @pytest.mark.parametrize("dialect", ["bedrock", "vertex"])
    async def test_claude_in_a_cloud_gets_them_as_text_too(
        self, start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream, dialect: Name
    ) -> None:
        upstream.script = in_turn(dialect, Said("Nothing more."))
        target = foreign(upstream, dialect, models=["claude-opus-4-8"])
        engine = lend(await start(settings(target, route={"default": "first/claude-opus-4-8"})), docs_example_com=site)

        await engine.ask(wish(messages=list(self.PAST), stream=False))

        sent = upstream.calls[0].body
        assert b"web_fetch_tool_result" not in sent
        assert b"Words of the page." in sent

    async def test_claude_itself_gets_them_as_they_are(self, start: StartEngine, upstream: ScriptedUpstream) -> None:
        upstream.script = as_stream(message_stream())
        engine = await start(settings(provider(upstream)))

        await engine.ask(wish(messages=list(self.PAST)))

        assert asked(upstream.calls[0])["messages"] == list(self.PAST)
        assert asked(upstream.calls[0])["tools"] == [FETCH]


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
        assert msgspec.json.decode(repriced.content, type=c.RepriceReport) == c.RepriceReport(
            looked_at=1, written=False
        )

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


async def test_a_refusal_in_the_second_round_reaches_the_client_as_it_is(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    def script(call: Call) -> Answer:
        if b"tool_result" in call.body:
            return as_json(error_body("rate_limit_error", "Slow down."), 429)
        return speaks("anthropic", call, calls())

    engine = await on(start, upstream, site, script)

    response = await engine.ask(wish())

    assert (response.status_code, response.json()["error"]["message"]) == (429, "Slow down.")


async def test_a_client_that_leaves_ends_the_fetch(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    site.script = SILENCE
    engine = await on(start, upstream, site, in_turn("anthropic", calls(), Said(TEXT)))
    leaving = asyncio.create_task(engine.ask(wish()))
    await site.arrived(1)

    leaving.cancel()

    await site.wait_closed(0)
    await asyncio.gather(leaving, return_exceptions=True)
    assert (await engine.record()).outcome == "cancelled"
    assert len(upstream.calls) == 1
