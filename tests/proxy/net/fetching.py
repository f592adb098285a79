"""Requests for pages, models that ask for one, and engines that find scripted sites."""

from collections.abc import Mapping
from typing import Any

from proxy.net.searching import Web
from tests.proxy.conftest import StartEngine
from tests.proxy.dialects.grammar import Answer as Got
from tests.proxy.net.foreign_models import Script, blocks, foreign
from tests.proxy.running_engine import RunningEngine, message, settings
from tests.upstreams import ScriptedUpstream
from tests.upstreams.dialects import Said
from tests.upstreams.sites import reaching

FETCH = {"type": "web_fetch_20250910", "name": "web_fetch", "max_uses": 5}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
READ = {"name": "Read", "description": "Reads.", "input_schema": {"type": "object", "properties": {}}}
URL = "https://docs.example.com/retries"
PLAIN = URL.replace("https", "http")
TEXT = f"It retries connects.\n\nSee [Retries]({PLAIN}).\n"


def wish(**fields: Any) -> dict[str, Any]:
    turn = {"role": "user", "content": f"What does {PLAIN} say?"}
    return message(**{"messages": [turn], "tools": [FETCH], **fields})


def calls(url: str = PLAIN) -> Said:
    return Said("", [("web_fetch", {"url": url})])


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


def results(got: Got) -> list[dict[str, Any]]:
    return [block["content"] for block in blocks(got, "web_fetch_tool_result")]
