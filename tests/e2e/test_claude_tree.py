"""The real `claude` with sub-agents, one of which sends out its own: the tree is right, its sum is the session's."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from proxy import contract as c
from tests.e2e.stage import Stage, provider
from tests.upstreams import Answer, Call, ScriptedUpstream, as_json, as_stream, message_stream, models_body, tool_call
from tui.client import Door
from tui.state.agents import agent_rows
from tui.state.who import agent_row_name

MakeStage = Callable[[str], Stage]

LOOK = {"description": "look around", "prompt": "SUBTASK one: look around", "subagent_type": "general-purpose"}
COUNT = {"description": "count the callers", "prompt": "SUBTASK two:\ncount who calls it", "subagent_type": "Explore"}
USAGE = {"input_tokens": 1000, "cache_read_input_tokens": 5000, "output_tokens": 20}


def delegates(call: Call) -> Answer:
    """The conversation sends out one agent, that one another."""
    if call.path.endswith("/models"):
        return as_json(models_body("claude-opus-4-8"))
    body = json.loads(call.body)
    back, agent = b'"tool_result"' in call.body, call.header("x-claude-code-agent-id")
    calls = []
    if b'"Agent"' in call.body and not back:
        calls = [tool_call("Agent", COUNT if agent else LOOK, "toolu_nested" if agent else "toolu_first")]
    return as_stream(message_stream("" if calls else "Done.", tools=calls, model=body["model"], usage=USAGE))


def asked(here: Stage, question: Callable[[Door], Coroutine[None, None, Any]]) -> Any:
    """What the stage's engine answers."""
    runtime = json.loads(next(here.cctui_home.rglob("engine.json")).read_text())

    async def ask() -> Any:
        async with Door(runtime["url"], runtime["token"]) as door:
            return await question(door)

    return asyncio.run(ask())


def test_the_tree_is_right_and_its_sum_is_the_session_s(stage: MakeStage) -> None:
    with ScriptedUpstream(delegates) as upstream:
        here = stage(provider("gateway", upstream.url) + '[route]\ndefault = "gateway"\n')

        here.ask("Delegate.", "--model", "claude-opus-4-8", "--dangerously-skip-permissions")

        (session,) = asked(here, Door.state).sessions
        rows = [row for row in agent_rows(session.agents) if row.agent.role != "background"]
        assert [(row.depth, agent_row_name(row.agent)) for row in rows] == [
            (0, "main"),
            (1, '⤷1 general-purpose "look around"'),
            (2, '⤷2 Explore "count the callers"'),
        ]
        assert all(row.agent.done for row in rows[1:])
        assert sum(agent.tally.cost_nano_usd for agent in session.agents) == session.tally.cost_nano_usd > 0
        assert sum(agent.tally.requests for agent in session.agents) == session.tally.requests
        report: c.SessionReport = asked(here, lambda door: door.session_report(session.id))
        assert report.tally == session.tally
        assert sum(kind.nano_usd for kind in report.by_kind) == session.tally.cost_nano_usd
