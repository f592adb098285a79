"""Thinking belongs to who issued it: what each provider gets of a conversation after switches and detours."""

import json
import re
from typing import Any

import pytest

from proxy import contract as c
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import (
    Break,
    Hold,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    message_body,
    message_stream,
    tool_call,
)

USER = {"role": "user", "content": "Say hello."}
TURN = {"role": "user", "content": "And again."}


def signed(text: str, signature: str) -> bytes:
    return message_stream(text, thinking="Hm.").replace(b"c2lnbmVk", signature.encode())


def answer(text: str, signature: str) -> dict[str, Any]:
    """What the client keeps of ``signed``."""
    thinking = {"type": "thinking", "thinking": "Hm.", "signature": signature}
    return {"role": "assistant", "content": [thinking, {"type": "text", "text": text}]}


def bare(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "text", "text": text}]}


def unsigned(text: str) -> bytes:
    """A stream whose thinking nobody signed."""
    return re.sub(rb"event: content_block_delta\n[^\n]*signature_delta[^\n]*\n\n", b"", signed(text, "x"))


def history(upstream: ScriptedUpstream, call: int = -1) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = json.loads(upstream.calls[call].body)["messages"]
    return messages


@pytest.fixture
async def engine(start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream) -> RunningEngine:
    upstream.script = as_stream(signed("one", "U0lHTkVEQllB"))
    second.script = as_stream(signed("two", "U0lHTkVEQllC"))
    return await start(settings(provider(upstream), provider(second), fallback=True))


OF_A, OF_B = answer("one", "U0lHTkVEQllB"), answer("two", "U0lHTkVEQllC")
SESSION = {"x_claude_code_session_id": "s1"}


async def use(engine: RunningEngine, target: str) -> None:
    assert (await engine.command("use", c.Use(target=target))).status_code == 200


async def test_another_s_thinking_is_left_out_after_a_switch_and_said(
    engine: RunningEngine, second: ScriptedUpstream
) -> None:
    await engine.ask(None, **SESSION)
    await use(engine, "second")
    await engine.ask(message(messages=[USER, OF_A, TURN]), **SESSION)
    assert history(second) == [USER, bare("one"), TURN]
    assert (await engine.record(2)).attempts[0].changed == ("1 thinking block of another provider left out",)


async def test_it_returns_unharmed_when_the_route_returns(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    await engine.ask(None, **SESSION)
    await use(engine, "second")
    await engine.ask(message(messages=[USER, OF_A, TURN]), **SESSION)
    await use(engine, c.AS_ASKED)
    await engine.ask(message(messages=[USER, OF_A, TURN, OF_B, TURN]), **SESSION)
    assert history(upstream) == [USER, OF_A, TURN, bare("two"), TURN]


async def test_a_detour_gets_none_of_it_and_the_first_attempt_gets_all(
    engine: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    await engine.ask(None, **SESSION)
    upstream.script = as_json(error_body("overloaded_error", "Overloaded"), 529)
    await engine.ask(message(messages=[USER, OF_A, TURN]), **SESSION)
    record = await engine.record(2)
    assert (history(upstream), history(second)) == ([USER, OF_A, TURN], [USER, bare("one"), TURN])
    assert [bool(each.changed) for each in record.attempts] == [False, True]


async def test_with_nothing_foreign_the_bytes_are_the_client_s(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    await engine.ask(None, **SESSION)
    body = json.dumps(message(messages=[USER, OF_A, TURN]), indent=1).encode()
    await engine.ask(body, **SESSION)
    assert (upstream.calls[-1].body, (await engine.record(2)).attempts[0].changed) == (body, ())


async def test_a_whole_answer_s_thinking_counts_too(
    engine: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_json(message_body("one", thinking="Hm.").replace(b"c2lnbmVk", b"U0lHTkVEQllB"))
    await engine.ask(message(stream=False), **SESSION)
    await use(engine, "second")
    await engine.ask(message(messages=[USER, OF_A, TURN]), **SESSION)
    assert history(second) == [USER, bare("one"), TURN]


async def test_a_sub_agent_s_own_thinking_stays_where_its_parent_s_is_taken_out(
    engine: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    agent = {**SESSION, "x_claude_code_agent_id": "a1"}
    await engine.command("use", c.Use(target="second", slot="subagent"))
    await engine.ask(None, **SESSION)
    await engine.ask(None, **agent)
    await engine.ask(message(messages=[USER, OF_B, TURN]), **agent)
    await engine.ask(message(messages=[USER, OF_A, TURN]), **SESSION)
    assert (history(second), history(upstream)) == ([USER, OF_B, TURN], [USER, OF_A, TURN])
    assert [engine.engine.records[n].attempts[0].changed for n in (2, 3)] == [(), ()]


async def test_another_session_s_history_is_not_touched(
    engine: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    await engine.ask(None, **SESSION)
    await use(engine, "second")
    stranger = answer("own", "VU5LTk9XTg")
    await engine.ask(message(messages=[USER, stranger, TURN]), x_claude_code_session_id="s2")
    assert history(second) == [USER, stranger, TURN]


async def test_a_resumed_conversation_under_a_new_session_is_cleaned_all_the_same(
    engine: RunningEngine, second: ScriptedUpstream
) -> None:
    await engine.ask(None, **SESSION)
    await use(engine, "second")
    await engine.ask(message(messages=[USER, OF_A, TURN]), x_claude_code_session_id="resumed")
    assert history(second) == [USER, bare("one"), TURN]


async def test_who_issued_what_survives_a_restart(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_stream(signed("one", "U0lHTkVEQllB"))
    chosen = settings(provider(upstream), provider(second))
    before = await start(chosen)
    await before.ask(None, **SESSION)
    await before.record()
    await before.stop()
    after = await start(chosen)
    await use(after, "second")
    await after.ask(message(messages=[USER, OF_A, TURN]), **SESSION)
    assert history(second) == [USER, bare("one"), TURN]


def begun(stream: bytes) -> list[bytes]:
    """The events of a stream up to its first words."""
    return re.split(rb"(?<=\n\n)", stream)[:-4]


async def test_the_thinking_of_an_answer_that_the_client_left_is_known(
    engine: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_stream(*begun(signed("one", "U0lHTkVEQllB")), Hold())
    async with engine.asking(None, **SESSION) as response:
        async for chunk in response.aiter_raw():
            if b"text_delta" in chunk:
                break
    assert (await engine.record()).outcome == "cancelled"
    await use(engine, "second")
    await engine.ask(message(messages=[USER, OF_A, TURN]), **SESSION)
    assert history(second) == [USER, bare("one"), TURN]


async def test_the_thinking_of_an_answer_that_broke_off_is_known(
    engine: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_stream(*begun(signed("one", "U0lHTkVEQllB")), Break())
    await engine.ask(None, **SESSION)
    assert (await engine.record()).outcome == "broken"
    await use(engine, "second")
    await engine.ask(message(messages=[USER, OF_A, TURN]), **SESSION)
    assert history(second) == [USER, bare("one"), TURN]


async def test_thinking_that_nobody_signed_stays_with_who_thought_it(
    engine: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_stream(unsigned("one"))
    kept = answer("one", "")
    await engine.ask(None, **SESSION)
    await use(engine, "second")
    await engine.ask(message(messages=[USER, kept, TURN, OF_A, TURN]), **SESSION)
    await use(engine, c.AS_ASKED)
    await engine.ask(message(messages=[USER, kept, TURN]), **SESSION)
    assert (history(second)[1], history(upstream)[1]) == (bare("one"), kept)


async def test_a_target_s_refusal_of_thinking_costs_the_next_target_none_of_its_own(
    engine: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    await use(engine, "second")
    await engine.ask(None, **SESSION)
    await use(engine, c.AS_ASKED)
    refusal = error_body("invalid_request_error", "messages.1.content.0: Invalid `signature` in `thinking` block")
    upstream.script = [as_json(refusal, 400), as_json(error_body("overloaded_error", "Overloaded"), 529)]
    await engine.ask(message(messages=[USER, answer("own", "VU5LTk9XTg"), TURN, OF_B, TURN]), **SESSION)
    assert [each.outcome for each in (await engine.record(2)).attempts] == ["thinking_refused", "overloaded", "served"]
    assert history(upstream)[3] == bare("two")
    assert history(second)[3] == OF_B


async def test_a_tool_loop_that_goes_on_elsewhere_asks_for_no_edit_of_thinking_that_is_off(
    engine: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    call = tool_call("Read", {})
    upstream.script = as_stream(message_stream("", thinking="Hm.", tools=[call]).replace(b"c2lnbmVk", b"U0lHTkVEQllB"))
    await engine.ask(None, **SESSION)
    await use(engine, "second")
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "x"}
    turns = [{"role": "assistant", "content": [OF_A["content"][0], call]}, {"role": "user", "content": [result]}]
    asked = message(
        messages=[USER, *turns],
        thinking={"type": "enabled", "budget_tokens": 2048},
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    )
    await engine.ask(asked, **SESSION)
    sent = json.loads(second.calls[-1].body)
    assert (sent["thinking"], "context_management" in sent) == ({"type": "disabled"}, False)
