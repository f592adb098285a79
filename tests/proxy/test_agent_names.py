"""Sub-agents get their names from traffic, whichever side is seen first."""

import asyncio
from typing import Any

import msgspec

from proxy import contract as c
from proxy.agent_names import KEPT_MAX, Named, Pairs
from proxy.protocol.errands import Errand, digest
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import ScriptedUpstream, as_stream, message_stream, tool_call

SESSION: dict[str, Any] = {"x_claude_code_session_id": "5e551011-aaaa"}
ORDER = {"subagent_type": "Explore", "description": "find the handlers", "prompt": "Find every handler."}
STARTS_ONE = as_stream(message_stream("", tools=[tool_call("Agent", ORDER)]))
REPORTS = as_stream(message_stream("Found them."))
ERRAND = message(messages=[{"role": "user", "content": [{"type": "text", "text": ORDER["prompt"]}]}])


async def learned(engine: RunningEngine) -> list[tuple[str | None, bool]]:
    """Name and state of each sub-agent, once all that was said is read."""
    await asyncio.gather(*(task for task in engine.engine.chores.tasks if "sub-agent" in task.get_name()))
    (session,) = (await engine.snapshot()).sessions
    return [(agent.name, agent.done) for agent in session.agents if agent.role == "agent"]


async def test_a_sub_agent_is_named_after_its_errand(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = STARTS_ONE
    await engine.ask(**SESSION)
    upstream.script = REPORTS
    await engine.ask(ERRAND, **SESSION, x_claude_code_agent_id="a-1")
    await engine.record(2)
    assert await learned(engine) == [('Explore "find the handlers"', True)]


async def test_a_sub_agent_that_asks_before_the_call_ended_is_named_then(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = REPORTS
    await engine.ask(ERRAND, **SESSION, x_claude_code_agent_id="a-1")
    await engine.record()
    assert await learned(engine) == [(None, True)]
    upstream.script = STARTS_ONE
    await engine.ask(**SESSION)
    await engine.record(2)
    assert await learned(engine) == [('Explore "find the handlers"', True)]


async def test_a_sub_agent_that_calls_a_tool_is_not_done(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(message_stream("", tools=[tool_call("Read", {"file_path": "a"})]))
    await engine.ask(ERRAND, **SESSION, x_claude_code_agent_id="a-1")
    await engine.record()
    assert await learned(engine) == [(None, False)]


async def test_an_unlearned_sub_agent_has_its_number_only(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = STARTS_ONE
    await engine.ask(**SESSION)
    await engine.ask(message(), **SESSION, x_claude_code_agent_id="a-1")
    await engine.record(2)
    assert await learned(engine) == [(None, False)]


async def test_the_feed_tells_a_name_when_it_is_learned(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    from tui.client import Door

    async with Door(engine.url, engine.token) as door:
        events = door.events("panel-1")
        await anext(events)
        upstream.script = STARTS_ONE
        await engine.ask(**SESSION)
        await engine.ask(ERRAND, **SESSION, x_claude_code_agent_id="a-1")
        async for event in events:
            if isinstance(event, c.SessionChanged) and any(agent.name for agent in event.session.agents):
                break
        await events.aclose()  # type: ignore[attr-defined]


async def test_a_name_is_known_after_a_restart(start: StartEngine, upstream: ScriptedUpstream) -> None:
    first = await start(settings(provider(upstream)))
    upstream.script = STARTS_ONE
    await first.ask(**SESSION)
    upstream.script = REPORTS
    await first.ask(ERRAND, **SESSION, x_claude_code_agent_id="a-1")
    await first.record(2)
    before = await learned(first)
    await first.stop()
    second = await start(settings(provider(upstream)))
    assert await learned(second) == before == [('Explore "find the handlers"', True)]
    told = msgspec.json.decode((await second.look("session", session="5e551011")).content, type=c.SessionReport)
    assert [agent.name for agent in told.agents] == [None, 'Explore "find the handlers"']


def test_two_errands_with_one_prompt_go_to_two_sub_agents() -> None:
    pairs, prompt = Pairs(), digest("Look.")
    assert pairs.arrived("s", "a-1", [prompt]) is None
    assert pairs.sent("s", [Errand(prompt, "one"), Errand(prompt, "two")]) == [Named("s", "a-1", "one")]
    assert pairs.arrived("s", "a-2", [prompt]) == Named("s", "a-2", "two")


def test_errands_of_another_session_name_nobody() -> None:
    pairs, prompt = Pairs(), digest("Look.")
    pairs.sent("s", [Errand(prompt, "one")])
    assert pairs.arrived("t", "a-1", [prompt]) is None


def test_what_never_meets_falls_off() -> None:
    pairs = Pairs()
    for number in range(KEPT_MAX + 1):
        pairs.sent("s", [Errand(digest(str(number)), "one")])
    assert pairs.arrived("s", "a", [digest("0")]) is None
    assert pairs.arrived("s", "b", [digest("1")]) is not None
