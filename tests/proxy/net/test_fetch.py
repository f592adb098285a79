"""The engine fetches pages for models whose provider does not: a scripted model, scripted sites, real sockets."""

import asyncio

from proxy import contract as c
from proxy.estimate import BYTES_PER_TOKEN
from tests.proxy.conftest import StartEngine
from tests.proxy.dialects.grammar import checked
from tests.proxy.net.fetching import FETCH, PLAIN, READ, SEARCH, TEXT, calls, lend, on, results, wish
from tests.proxy.net.foreign_models import asked, blocks, by, each, foreign, in_turn, speaks
from tests.proxy.running_engine import settings
from tests.upstreams import SILENCE, Answer, Call, ScriptedUpstream, as_json, error_body
from tests.upstreams.dialects import OUTPUT, PROMPT, Name, Said
from tests.upstreams.searches import brave
from tests.upstreams.sites import page


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
