"""Requests for searches, models that ask for one, and engines that search by a scripted service."""

from typing import Any

from tests.proxy.conftest import StartEngine
from tests.proxy.dialects.grammar import Answer as Got
from tests.proxy.net.foreign_models import Script, blocks, by, foreign, speaks
from tests.proxy.running_engine import RunningEngine, message, settings
from tests.upstreams import Answer, Call, ScriptedUpstream
from tests.upstreams.dialects import Said, answers_a_tool

SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
READ = {"name": "Read", "description": "Reads.", "input_schema": {"type": "object", "properties": {}}}
FORCED = {"type": "tool", "name": "web_search"}
CALL = Said("", [("web_search", {"query": "httpx retries"})])
TEXT = "It retries.\n\nSee [Retries](https://docs.example.com/retries).\n"


def wish(**fields: Any) -> dict[str, Any]:
    """The request that Claude Code's ``WebSearch`` makes."""
    turn = {"role": "user", "content": "Perform a web search for the query: httpx retries"}
    return message(**{"messages": [turn], "tools": [SEARCH], "tool_choice": FORCED, **fields})


def searches_once(dialect: str, text: str = TEXT) -> Script:
    """A model that searches and then answers."""

    def script(call: Call) -> Answer:
        searched = b"tool_result" in call.body if dialect == "anthropic" else answers_a_tool(dialect, call)  # type: ignore[arg-type]
        return speaks(dialect, call, Said(text) if searched else CALL)

    return script


async def on(
    start: StartEngine, upstream: ScriptedUpstream, service: ScriptedUpstream, script: Script, **more: Any
) -> RunningEngine:
    """An engine whose only target, in Anthropic's format, follows ``script``."""
    upstream.script = script
    return await start(settings(foreign(upstream), route={"default": "first/foreign-1"}, search=by(service, **more)))


def links(got: Got) -> list[str]:
    return [page["url"] for block in blocks(got, "web_search_tool_result") for page in block["content"]]
