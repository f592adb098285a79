"""Groups by order and weight, chains of slots, and targets that cannot take a request."""

import asyncio
import base64
from collections import Counter
from typing import Any

import pytest

from proxy import contract as c
from proxy.estimate import BYTES_PER_TOKEN
from tests.proxy.conftest import StartEngine
from tests.proxy.faults.lines import served, serving
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import CLAUDE, ScriptedUpstream, as_json, as_stream, error_body, message_stream

OVERLOADED = as_json(error_body("overloaded_error", "Overloaded"), 529)
BIG = "x" * 40_000
"""About 12 000 tokens."""
SMALL_WINDOW = {"models": ["small-one"], "context_windows": {"small-one": 1000}}


def grouped(*members: Any, providers: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Settings whose default is a group of ``members``."""
    chosen = settings(*providers, fallback=True, groups={"team": {"members": list(members)}}, **more)
    chosen["route"] |= {"default": "team", "fallback": []}
    return chosen


async def trail(engine: RunningEngine, body: Any = None, **headers: str) -> list[tuple[str, str]]:
    before = len(engine.engine.records)
    await engine.ask(body, **headers)
    return [(each.provider, each.outcome) for each in (await engine.record(before + 1)).attempts]


async def test_members_are_tried_by_their_order(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = OVERLOADED
    members = ({"target": "second", "order": 2}, {"target": "first", "order": 1})
    engine = await start(grouped(*members, providers=[provider(upstream), provider(second)]))
    assert await trail(engine) == [("first", "overloaded"), ("second", "served")]


async def test_sessions_spread_by_weight_and_each_stays_where_it_is(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    members = ({"target": "first", "weight": 3}, {"target": "second", "weight": 1})
    engine = await start(grouped(*members, providers=[provider(upstream), provider(second)]))
    rounds = []
    for count in (60, 120):
        await asyncio.gather(*(engine.ask(x_claude_code_session_id=f"s{n}") for n in range(60)))
        await engine.record(count)
        rounds.append({record.session_id: record.provider for record in engine.engine.records[count - 60 :]})
    assert rounds[0] == rounds[1]
    assert 36 <= Counter(rounds[0].values())["first"] <= 54


async def test_a_group_stands_in_a_chain(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = second.script = OVERLOADED
    async with ScriptedUpstream() as third:
        serving(third)
        chosen = settings(
            provider(upstream), provider(second), provider(third), fallback=True,
            groups={"regions": {"members": [{"target": "second", "order": 1}, {"target": "third", "order": 2}]}},
        )  # fmt: skip
        chosen["route"]["fallback"] = ["regions"]
        engine = await start(chosen)
        tried = [("first", "overloaded"), ("second", "overloaded"), ("third", "served")]
        assert await trail(engine) == tried


async def test_without_fallback_a_group_s_first_member_answers_alone(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = OVERLOADED
    members = ({"target": "first", "order": 1}, {"target": "second", "order": 2})
    chosen = grouped(*members, providers=[provider(upstream), provider(second)])
    chosen["route"]["fallback_enabled"] = False
    assert await trail(await start(chosen)) == [("first", "overloaded")]


async def test_a_slot_has_a_chain_of_its_own(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = OVERLOADED
    async with ScriptedUpstream() as third:
        serving(third)
        chosen = settings(provider(upstream), provider(second), provider(third), fallback=True)
        chosen["route"] |= {"fallback": ["second"], "slot_fallback": {"haiku": ["third"]}}
        engine = await start(chosen)
        assert (await trail(engine))[-1] == ("second", "served")
        assert (await trail(engine, message("claude-haiku-4-5")))[-1] == ("third", "served")
        await engine.command("fallback", c.SetFallback(chain=("third",), slot="opus"))
        assert (await trail(engine))[-1] == ("third", "served")


async def test_a_sub_agent_s_chain_beats_that_of_its_model(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = OVERLOADED
    async with ScriptedUpstream() as third:
        serving(third)
        chosen = settings(provider(upstream), provider(second), provider(third), fallback=True)
        chosen["route"] |= {"fallback": [], "slot_fallback": {"opus": ["second"], "subagent": ["third"]}}
        engine = await start(chosen)
        agent = {"x_claude_code_session_id": "s", "x_claude_code_agent_id": "a1"}
        assert (await trail(engine, **agent))[-1] == ("third", "served")
        assert (await trail(engine, x_claude_code_session_id="s"))[-1] == ("second", "served")


async def test_a_target_that_is_too_small_is_skipped_and_the_next_one_serves(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream, **SMALL_WINDOW), provider(second), fallback=True))
    await engine.command("use", c.Use(target="first/small-one"))
    assert await trail(engine, message(system=BIG)) == [("first", "skipped"), ("second", "served")]
    reason = engine.engine.records[0].attempts[0].reason or ""
    assert ("too small" in reason, "1,000" in reason, len(upstream.calls)) == (True, True, 0)
    assert [name for name, _ in await trail(engine)] == ["first"]


async def test_an_only_target_that_is_too_small_makes_the_client_compact(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream, **SMALL_WINDOW)))
    await engine.command("use", c.Use(target="first/small-one"))
    response = await engine.ask(message(system=BIG))
    error = response.json()["error"]
    tokens = round((len(BIG) + 150) / 3.3)
    assert (response.status_code, error["type"], len(upstream.calls)) == (400, "invalid_request_error", 0)
    assert error["message"].endswith(" tokens > 1000 maximum")
    assert abs(int(error["message"].split()[4]) - tokens) < 100
    assert list(engine.engine.health.open_places()) == []


async def test_a_larger_target_that_opens_soon_is_waited_for_instead_of_compacting(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = OVERLOADED
    chosen = settings(provider(upstream), provider(second, **SMALL_WINDOW), fallback=True)
    chosen["route"]["fallback"] = ["second/small-one"]
    engine = await start(chosen)
    first = await engine.ask(message(system=BIG))
    again = await engine.ask(message(system=BIG))
    assert (first.status_code, again.status_code, int(again.headers["retry-after"]) <= 5) == (529, 529, True)


async def test_a_larger_target_that_rests_for_hours_is_not_waited_for(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_json(error_body("rate_limit_error", "weekly limit"), 429, (("retry-after", "9000"),))
    chosen = settings(provider(upstream), provider(second, **SMALL_WINDOW), fallback=True)
    chosen["route"]["fallback"] = ["second/small-one"]
    engine = await start(chosen)
    await engine.ask(message(system=BIG))
    again = await engine.ask(message(system=BIG))
    assert (again.status_code, "prompt is too long" in again.text) == (400, True)


WORDINGS = {
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.": (9001, 8192),
    "The input token count (9001) exceeds the maximum number of tokens allowed (8192).": (9001, 8192),
    "This model's maximum prompt length is 8192 but the request contains 9001 tokens.": (9001, 8192),
    "prompt token count of 9001 exceeds the limit of 8192": (9001, 8192),
    "request (9001 tokens) exceeds the available context size (8192 tokens), try increasing it": (9001, 8192),
}


@pytest.mark.parametrize("words", list(WORDINGS))
@pytest.mark.parametrize("stream", [True, False], ids=["streaming", "whole"])
async def test_every_provider_s_overflow_becomes_the_sentence_with_both_numbers(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, words: str, stream: bool
) -> None:
    upstream.script = as_json(error_body("invalid_request_error", words), 400)
    engine = await start(settings(provider(upstream), provider(second), fallback=True))
    response = await engine.ask(message(stream=stream))
    tokens, maximum = WORDINGS[words]
    expected = f"prompt is too long: {tokens} tokens > {maximum} maximum"
    assert response.json()["error"] == {"type": "invalid_request_error", "message": expected}
    assert (response.status_code, len(second.calls)) == (400, 0)
    assert (await engine.record()).attempts[0].outcome == "prompt_too_long"


@pytest.mark.parametrize("words", ["Prompt is too long", "prompt is too long: 9001 tokens > 8192 maximum"])
async def test_an_overflow_under_another_status_becomes_the_one_on_which_the_client_compacts(
    start: StartEngine, upstream: ScriptedUpstream, words: str
) -> None:
    upstream.script = as_json(error_body("invalid_request_error", words), 413)
    engine = await start(settings(provider(upstream)))
    response = await engine.ask()
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")
    assert response.json()["error"]["message"].startswith("prompt is too long: ")


async def test_an_overflow_without_numbers_gets_those_that_the_engine_knows(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_json(error_body("invalid_request_error", "context_length_exceeded"), 400)
    window = {"models": ["wide"], "context_windows": {"wide": 20_000}}
    engine = await start(settings(provider(upstream, **window)))
    await engine.command("use", c.Use(target="first/wide"))
    response = await engine.ask(message(system=BIG))
    assert response.json()["error"]["message"] == "prompt is too long: 20001 tokens > 20000 maximum"


async def test_a_request_that_fits_again_is_served_where_it_was_too_large(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    serving(upstream)
    engine = await start(settings(provider(upstream, **SMALL_WINDOW)))
    await engine.command("use", c.Use(target="first/small-one"))
    await engine.ask(message(system=BIG))
    response = await engine.ask()
    assert response.content == served(stream=True)


def pasted(kind: str = "image", media_type: str = "image/png") -> dict[str, Any]:
    """A message with 900 kB of a picture or document in it."""
    source = {"type": "base64", "media_type": media_type, "data": base64.b64encode(bytes(900_000)).decode()}
    return {"role": "user", "content": [{"type": kind, "source": source}, {"type": "text", "text": "What is it?"}]}


WIDE = {"models": ["wide"], "context_windows": {"wide": 20_000}}
DOCUMENT = {"kind": "document", "media_type": "application/pdf"}


@pytest.mark.parametrize("medium", [{}, DOCUMENT], ids=["picture", "document"])
async def test_what_is_pasted_is_no_long_prompt(
    start: StartEngine, upstream: ScriptedUpstream, medium: dict[str, str]
) -> None:
    serving(upstream)
    engine = await start(settings(provider(upstream, **WIDE), route={"default": "first/wide"}))
    turn, answer = {"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello"}
    for messages in ([pasted(**medium)], [turn], [turn, answer, pasted(**medium)]):
        assert await trail(engine, message(messages=messages), x_claude_code_session_id="s1") == [("first", "served")]


async def test_many_pictures_are_a_long_prompt(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(provider(upstream, **WIDE), route={"default": "first/wide"}))
    response = await engine.ask(message(messages=[pasted()] * 14))
    assert response.json()["error"]["message"].startswith("prompt is too long: 23")


async def test_a_picture_is_counted_as_what_a_model_sees_of_it(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(provider(upstream)))
    counted = await engine.http.post("/v1/messages/count_tokens", json=message(messages=[pasted()]))
    assert 1600 <= counted.json()["input_tokens"] < 2000


async def test_how_long_text_is_is_learned_from_text_alone(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(provider(upstream)))
    await engine.ask(message(messages=[pasted()]))
    await engine.record()
    assert engine.engine._fitting.prompt_ratio(CLAUDE) == BYTES_PER_TOKEN


async def test_an_entry_that_lists_no_such_model_is_skipped_with_its_reason(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, third: ScriptedUpstream
) -> None:
    upstream.script = OVERLOADED
    other = provider(second, models=["llama-3.3-70b", "qwen3"])
    engine = await start(settings(provider(upstream), other, provider(third), fallback=True))
    assert await trail(engine) == [("first", "overloaded"), ("second", "skipped"), ("third", "served")]
    skipped = (await engine.record()).attempts[1]
    assert (skipped.reason, skipped.unfit) == ("second: lists no model for 'claude-opus-4-8'", True)
    assert len(second.calls) == 0


async def test_a_chain_of_which_nothing_can_serve_is_a_problem_that_is_told_and_closes_nobody(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_json(error_body("overloaded_error", "Overloaded"), 529, (("retry-after", "600"),))
    engine = await start(settings(provider(upstream), provider(second, models=["llama"]), fallback=True))
    for _ in range(2):
        assert await trail(engine) == [("first", "overloaded"), ("second", "skipped")]
    snapshot = await engine.snapshot()
    assert [each.serves_nothing for each in snapshot.providers if each.name == "second"] == [True]
    engine.engine.overview.look()
    [problem] = engine.engine.overview.problems
    assert problem == "fallback: second serves nothing: it lists no model for claude-opus-4-8, claude-sonnet-4-5"


async def test_a_slot_s_chain_is_judged_by_what_that_slot_asks_for(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    chosen = settings(provider(upstream), provider(second, models=["claude-haiku-4-5"]), fallback=True)
    chosen["route"] |= {"fallback": [], "slot_fallback": {"haiku": ["second"], "opus": ["second"]}}
    engine = await start(chosen)
    assert engine.engine.overview.problems == ()


async def test_a_choice_for_a_provider_that_is_gone_is_a_problem_that_says_who_serves(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    before = await start(settings(provider(upstream), provider(second)))
    await before.command("use", c.Use(target="second"))
    await before.stop()
    after = await start(settings(provider(upstream)))
    assert await trail(after) == [("first", "served")]
    [problem] = (await after.snapshot()).problems
    assert problem == (
        "all traffic is set to second, but there is no second any more: first serves; cctui use as-asked takes the"
        " choice back"
    )
    await after.command("use", c.Use(target="as-asked"))
    after.engine.overview.look()
    assert (await after.snapshot()).problems == ()


async def test_one_outage_is_told_once_each_way_for_each_chain(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, third: ScriptedUpstream
) -> None:
    upstream.script = as_json(error_body("overloaded_error", "Overloaded"), 529, (("retry-after", "600"),))
    chosen = settings(provider(upstream), provider(second), provider(third), fallback=True)
    chosen["route"] |= {"fallback": ["second"], "slot_fallback": {"haiku": ["third"]}}
    engine = await start(chosen)
    for _ in range(3):
        await trail(engine)
        await trail(engine, message("claude-haiku-4-5"))
    texts = [each.text.rsplit(". ", 1)[1] for each in (await engine.snapshot()).notices]
    assert texts == ["second serves instead", "third serves instead"]


async def test_a_session_that_is_passed_by_is_told_once(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    second.script = as_stream(message_stream(usage={"input_tokens": 12_000}))
    small = provider(upstream, **SMALL_WINDOW)
    engine = await start(settings(small, provider(second), fallback=True, route={"default": "first/small-one"}))
    for _ in range(3):
        assert await trail(engine, message(system=BIG), x_claude_code_session_id="big") == [
            ("first", "skipped"),
            ("second", "served"),
        ]
        assert await trail(engine, x_claude_code_session_id="small") == [("first", "served")]
    [notice] = (await engine.snapshot()).notices
    assert "small-one is too small" in notice.text
    assert notice.text.endswith("second serves instead")
