"""The demo's traffic, against an engine that is a scripted server with the simulator behind it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxy import contract as c
from proxy.simulator.plan import SimulatorPlan
from proxy.simulator.site import Site
from tests.upstreams import (
    Answer,
    Break,
    Call,
    Hold,
    Reply,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    message_body,
    message_events,
)
from tui.demo.bodies import AGENT_MODEL, BACKGROUND_MODEL, MAIN_MODEL, Speaker
from tui.demo.driver import driver
from tui.demo.plays import Turn
from tui.demo.traffic import Client, TurnLostError, converse, perform

SPEAKER = Speaker("the-token", "shop-api", "session-1")


def simulated() -> Callable[[Call], Reply]:
    """A script that answers as the simulator would, without its pauses."""
    site = Site("sim", SimulatorPlan(), 0.0, seed=1)

    def answer(call: Call) -> Reply:
        planned = site.respond(call.method, call.path, {}, call.body, 0.0)
        body = b"".join(step.data or b"" for step in planned.body)
        return Reply(planned.status, (("content-type", planned.headers["content-type"]),), body)

    return answer


@asynccontextmanager
async def client(upstream: ScriptedUpstream) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(base_url=upstream.url, trust_env=False) as http:
        yield Client(http, 0.0, asyncio.Event())


def bodies_of(upstream: ScriptedUpstream) -> list[dict[str, Any]]:
    return [json.loads(call.body) for call in upstream.calls]


async def calls_of_a_performance(count: int) -> list[Call]:
    async with ScriptedUpstream(simulated()) as upstream:
        ended = asyncio.Event()
        playing = asyncio.create_task(perform(upstream.url, 0.0, "the-token", ended))
        await upstream.arrived(count)
        ended.set()
        await playing
        return upstream.calls


async def test_several_sessions_speak_as_claude_code_does() -> None:
    calls = await calls_of_a_performance(80)
    assert {call.header(c.PROJECT_HEADER) for call in calls} == {"shop-api", "docs-site", "billing"}
    assert len({call.header("x-claude-code-session-id") for call in calls}) >= 3
    assert {call.header(c.TOKEN_HEADER) for call in calls} == {"the-token"}
    assert all(call.query == "beta=true" for call in calls)
    assert {call.path for call in calls} == {"/v1/messages", "/v1/messages/count_tokens"}
    for call in calls:
        body = json.loads(call.body)
        if "metadata" in body:
            session = json.loads(body["metadata"]["user_id"])["session_id"]
            assert session == call.header("x-claude-code-session-id")


async def test_turns_agents_and_titles_ask_for_their_models_and_sizes() -> None:
    calls = [call for call in await calls_of_a_performance(80) if call.path == "/v1/messages"]
    main = [call for call in calls if b'"tools"' in call.body and not call.header("x-claude-code-agent-id")]
    agents = [call for call in calls if call.header("x-claude-code-agent-id")]
    titles = [call for call in calls if b'"tools"' not in call.body]
    assert {json.loads(call.body)["model"] for call in main} == {MAIN_MODEL}
    assert {json.loads(call.body)["model"] for call in agents} == {AGENT_MODEL}
    assert {json.loads(call.body)["model"] for call in titles} == {BACKGROUND_MODEL}
    assert all(50_000 < len(call.body) < 200_000 for call in main)
    assert any(call.header("x-claude-code-parent-agent-id") for call in agents)


async def test_a_conversation_grows_by_answers_and_tool_results() -> None:
    messages: list[dict[str, Any]] = []
    turn = Turn(("Look. [[read a.py]]", "And [[run ls]]"))
    async with ScriptedUpstream(simulated()) as upstream, client(upstream) as each:
        last = await converse(each, SPEAKER, messages, turn)
    assert [message["role"] for message in messages] == ["user", "assistant"] * 3
    kinds = [[block["type"] for block in message["content"]] for message in messages]
    call = ["thinking", "text", "tool_use"]
    assert kinds == [["text"], call, ["tool_result", "text"], call, ["tool_result"], ["thinking", "text"]]
    assert messages[-1]["content"][-1]["text"] == last
    marks = [json.dumps(body["messages"]).count("cache_control") for body in bodies_of(upstream)]
    assert marks == [1, 1, 1]


async def test_an_agent_call_sends_an_agent_with_an_id_of_its_own() -> None:
    async with ScriptedUpstream(simulated()) as upstream, client(upstream) as each:
        await converse(each, SPEAKER, [], Turn(("[[agent Plan it]] [[agent Review it]]",)))
    agents = {call.header("x-claude-code-agent-id") for call in upstream.calls} - {None}
    assert len(agents) == 2
    assert {call.header("x-claude-code-session-id") for call in upstream.calls} == {"session-1"}


async def test_a_refused_request_is_tried_again_as_it_was() -> None:
    refusal = as_json(error_body("overloaded_error", "Overloaded"), 529)
    script = [refusal, refusal, as_stream(*message_events("fine"))]
    async with ScriptedUpstream(script) as upstream, client(upstream) as each:
        assert await converse(each, SPEAKER, [], Turn(("Hi",))) == "fine"
    assert len({call.body for call in upstream.calls}) == 1


async def test_a_rejected_request_ends_the_turn_and_leaves_the_conversation_as_it_was() -> None:
    messages: list[dict[str, Any]] = []
    refusal = as_json(error_body("invalid_request_error", "no"), 400)
    async with ScriptedUpstream(refusal) as upstream, client(upstream) as each:
        with pytest.raises(TurnLostError):
            await converse(each, SPEAKER, messages, Turn(("Hi",)))
    assert messages == []


@pytest.mark.parametrize(
    "broken", [as_stream(*message_events("no")[:5], Break()), as_stream(*message_events("no")[:5])]
)
async def test_a_broken_stream_is_asked_again_without_streaming(broken: Answer) -> None:
    async with ScriptedUpstream([broken, as_json(message_body("whole"))]) as upstream, client(upstream) as each:
        assert await converse(each, SPEAKER, [], Turn(("Hi",))) == "whole"
    assert [body["stream"] for body in bodies_of(upstream)] == [True, False]


async def test_an_interrupted_turn_closes_its_connection() -> None:
    held = as_stream(*message_events("never mind")[:4], Hold())
    async with ScriptedUpstream(held) as upstream, client(upstream) as each:
        with pytest.raises(TurnLostError):
            await converse(each, SPEAKER, [], Turn(("Hi",), leaves_after_events=4))
        assert not (await upstream.wait_closed(0)).answered


def test_the_process_gets_its_token_over_the_pipe_and_ends_on_goodbye(tmp_path: Path) -> None:
    with ScriptedUpstream(simulated()) as upstream:
        with driver(upstream.url, "secret-token", 0.0, tmp_path / "errors") as traffic:
            call = upstream.arrived_blocking(5)
            traffic.finish()
            assert traffic.process.wait(20) == 0
        assert "secret-token" not in str(traffic.process.args)
    assert call.header(c.TOKEN_HEADER) == "secret-token"


def test_traffic_whose_demo_was_killed_stops_the_engine(tmp_path: Path) -> None:
    def answer(call: Call) -> Reply:
        return as_json(b'{"ok": true}') if call.path == f"{c.DOOR}/stop" else sim(call)

    sim = simulated()
    with ScriptedUpstream(answer) as upstream, driver(upstream.url, "t", 0.0, tmp_path / "errors") as traffic:
        upstream.arrived_blocking(1)
        assert traffic.process.stdin is not None
        traffic.process.stdin.close()
        assert traffic.process.wait(20) == 0
        assert upstream.calls[-1].path == f"{c.DOOR}/stop"
