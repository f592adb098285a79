"""What fills the window and why the cache broke, asked of an engine on real sockets."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from proxy import contract as c
from tests.proxy.conftest import StartEngine
from tests.proxy.protocol.prompts import TALK, TOOLS, grown, request, said, tool
from tests.proxy.running_engine import RunningEngine, forget_rows, provider, settings
from tests.upstreams import Hold, ScriptedUpstream, as_stream, message_events, message_stream

SESSION = "3f2b0e6a-1111-4222-8333-444455556666"
CHANGED = [tool("Bash", "Other words."), *TOOLS[1:]]


def counts(read: int = 0, written: int = 0, fresh: int = 10) -> dict[str, Any]:
    return {
        "input_tokens": fresh,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 40,
    }


SEARCHED = {**counts(read=60_000, written=32_000), "server_tool_use": {"web_search_requests": 2}}
"""Three passes over the same prompt."""


async def turn(
    engine: RunningEngine,
    upstream: ScriptedUpstream,
    usage: Mapping[str, Any],
    messages: Sequence[Mapping[str, Any]] = TALK,
    agent: str = "",
    **fields: Any,
) -> None:
    """One request of the session, billed as ``usage`` says, recorded when it returns."""
    upstream.script = as_stream(message_stream(usage=usage))
    headers = {"x_claude_code_session_id": SESSION} | ({"x_claude_code_agent_id": agent} if agent else {})
    done = len(engine.engine.records)
    await engine.ask(request(messages, max_tokens=64, stream=True, **fields), **headers)
    await engine.record(done + 1)


async def cache(engine: RunningEngine, **query: str) -> c.CacheReport:
    return msgspec.json.decode((await engine.look("cache", **query)).content, type=c.CacheReport)


async def context(engine: RunningEngine, **query: str) -> c.ContextReport:
    return msgspec.json.decode((await engine.look("context", **query)).content, type=c.ContextReport)


async def test_a_turn_that_goes_on_breaks_nothing(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    await turn(engine, upstream, counts(written=30_000))
    await turn(engine, upstream, counts(read=30_000, written=400), grown())
    report = await cache(engine)
    assert (report.session_id, report.breaks, report.lost_nano_usd) == (SESSION, (), 0)
    assert report.shares == (0.0, round(30_000 / 30_410, 4))


async def test_a_changed_tool_is_the_reason_and_has_its_price(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    await turn(engine, upstream, counts(written=30_000))
    await turn(engine, upstream, counts(read=29_000, written=1_500), grown())
    await turn(engine, upstream, counts(written=31_000, fresh=0), grown(), tools=CHANGED)
    report = await cache(engine, session=SESSION[:8])
    (broken,) = report.breaks
    assert (broken.reason, broken.lost_tokens, broken.agent_id) == ("tool Bash changed", 30_500, None)
    assert broken.lost_nano_usd == report.lost_nano_usd == 30_500 * (6_250 - 500)
    assert (round(broken.read_before, 2), broken.read_after) == (0.95, 0.0)
    assert broken.request_id == engine.engine.records[-1].id


async def test_what_was_saved_is_summed_request_by_request(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    await turn(engine, upstream, counts(written=30_000))
    await turn(engine, upstream, counts(read=30_000), grown())
    report = await cache(engine)
    assert report.saved_nano_usd == 30_000 * (5_000 - 500) - 30_000 * (6_250 - 5_000)
    assert (report.tally.requests, report.tally.usage.cache_read_tokens) == (2, 30_000)


async def test_after_a_restart_the_ledger_tells_what_was_saved(start: StartEngine, upstream: ScriptedUpstream) -> None:
    first = await start(settings(provider(upstream)))
    await turn(first, upstream, counts(written=30_000))
    await turn(first, upstream, counts(read=30_000), grown())
    before = await cache(first)
    await first.stop()
    again = await start(settings(provider(upstream)))
    after = await cache(again, session=SESSION)
    assert (after.saved_nano_usd, after.tally, after.shares) == (before.saved_nano_usd, before.tally, before.shares)
    assert after.breaks == ()


async def test_sub_agents_have_caches_of_their_own(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    await turn(engine, upstream, counts(written=30_000))
    await turn(engine, upstream, counts(written=9_000), agent="a1", tools=TOOLS[:2])
    await turn(engine, upstream, counts(written=9_000), agent="a1", tools=TOOLS[:1])
    await turn(engine, upstream, counts(read=30_000), grown())
    (broken,) = (await cache(engine)).breaks
    assert (broken.agent_id, broken.reason) == ("a1", "tool Read removed")


async def test_a_small_request_between_two_turns_is_no_break(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
    await turn(engine, upstream, counts(written=30_000))
    await turn(engine, upstream, counts(fresh=200), [said("user", "Search for it.")], tools=[search], system=None)
    await turn(engine, upstream, counts(read=30_000), grown())
    assert (await cache(engine)).breaks == ()


async def test_a_switch_of_the_provider_is_the_reason(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream), provider(second)))
    await turn(engine, upstream, counts(written=30_000))
    await engine.command("use", c.Use(target="second"))
    second.script = as_stream(message_stream(usage=counts(written=30_500)))
    await turn(engine, upstream, {}, grown())
    (broken,) = (await cache(engine)).breaks
    assert broken.reason == "the provider changed from first to second"


async def test_a_turn_of_several_passes_tells_nothing_of_the_cache(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    await turn(engine, upstream, counts(written=30_000))
    await turn(engine, upstream, SEARCHED, grown())
    await turn(engine, upstream, counts(read=30_000, written=10_000), grown())
    assert (await cache(engine)).breaks == ()


async def test_the_window_holds_the_last_of_several_passes(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    passes = [counts(written=30_000), counts(read=30_000, written=2_000)]
    await turn(engine, upstream, {**counts(read=30_000, written=32_000), "iterations": passes})
    (session,) = (await engine.snapshot()).sessions
    assert session.context_tokens == (await context(engine)).tokens == 32_050
    assert session.tally.usage.cache_read_tokens + session.tally.usage.cache_write_5m_tokens == 62_000


async def test_what_passes_were_summed_up_in_is_not_taken_for_the_window(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    await turn(engine, upstream, counts(written=30_000))
    await turn(engine, upstream, SEARCHED, grown())
    (session,) = (await engine.snapshot()).sessions
    assert session.context_tokens == 30_050
    report = await context(engine)
    assert (report.counted, report.tokens < 90_000) == (False, True)


async def test_a_price_that_nobody_knows_is_not_taken_for_zero(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    unknown = {"model": "mystery-9"}
    for usage, tools in ((counts(written=30_000), TOOLS), (counts(written=31_000), CHANGED)):
        upstream.script = as_stream(message_stream(usage=usage, model="mystery-9"))
        body = request(tools=tools, max_tokens=9, stream=True) | unknown
        await engine.ask(body, x_claude_code_session_id=SESSION)
        await engine.record(len(engine.engine.records))
    report = await cache(engine)
    assert (report.saved_nano_usd, report.lost_nano_usd, report.breaks[0].lost_nano_usd) == (None, None, None)


async def test_without_any_price_nothing_is_said_to_be_saved_where_no_cache_was_used(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    unknown = request(max_tokens=9, stream=True) | {"model": "mystery-9"}
    upstream.script = as_stream(message_stream(usage=counts(fresh=3_000), model="mystery-9"))
    await engine.ask(unknown, x_claude_code_session_id=SESSION)
    await engine.record(1)
    assert (await cache(engine)).saved_nano_usd is None
    await turn(engine, upstream, counts(fresh=3_000))
    assert (await cache(engine)).saved_nano_usd == 0


async def test_the_last_request_of_the_conversation_is_weighed(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    await turn(engine, upstream, counts(read=20_000, written=1_000))
    await turn(engine, upstream, counts(fresh=99), agent="a1")
    report = await context(engine)
    assert (report.session_id, report.agent_id, report.request_id) == (SESSION, None, engine.engine.records[0].id)
    assert (report.tokens, report.counted, report.model) == (21_010 + 40, True, "claude-opus-4-8")
    assert sum(part.tokens for part in report.parts) == report.tokens
    assert "Read src/big.json" in [item.name for item in report.biggest]
    (session,) = (await engine.snapshot()).sessions
    assert (report.tokens, report.window) == (session.context_tokens, session.context_window)


async def test_a_request_that_is_being_answered_is_weighed_by_what_is_known(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(*message_events(usage=counts(fresh=5_000))[:4], Hold())
    async with engine.asking(request(max_tokens=9, stream=True), x_claude_code_session_id=SESSION) as response:
        await anext(response.aiter_raw())
        exchange = await engine.engine.arrived()
        report = await context(engine, request=exchange.id)
    assert (report.request_id, report.counted, report.tokens) == (exchange.id, True, 5_000)


async def test_a_body_that_is_gone_leaves_the_sessions_count(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    await turn(engine, upstream, counts(read=20_000))
    engine.engine.board._captures.clear()
    report = await context(engine, session=SESSION)
    assert (report.request_id, report.tokens, report.parts) == (None, 20_050, ())
    gone = await engine.look("context", request=engine.engine.records[0].id)
    assert gone.status_code == 404
    assert "no longer kept" in json.loads(gone.content)["message"]


async def test_before_the_first_session_the_door_says_how_to_begin_one(engine: RunningEngine) -> None:
    for path in ("context", "cache"):
        answer = await engine.look(path)
        assert (answer.status_code, "no session was seen yet" in answer.text) == (404, True)


async def test_what_the_caches_did_is_told_after_a_restart_and_without_rows(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    first = await start(settings(provider(upstream)))
    await turn(first, upstream, counts(written=30_000))
    await turn(first, upstream, counts(written=30_400), grown(), tools=CHANGED)
    before = await cache(first)
    assert [each.reason for each in before.breaks] == ["tool Bash changed"]
    await first.stop()
    second = await start(settings(provider(upstream)))
    assert await cache(second, session=SESSION) == before
    await second.stop()
    forget_rows(second.paths.ledger_file)
    third = await start(settings(provider(upstream)))
    told = await cache(third, session=SESSION)
    assert (told.tally, told.saved_nano_usd) == (before.tally, before.saved_nano_usd)
