"""Searches that Claude did not make, in a conversation that goes on with Claude."""

import json

import pytest

from proxy import contract as c
from proxy.protocol.whole import message_of
from tests.proxy.conftest import StartEngine
from tests.proxy.net.foreign_models import by, foreign
from tests.proxy.net.searching import TEXT, searches_once, wish
from tests.proxy.running_engine import message, provider, settings
from tests.upstreams import ScriptedUpstream
from tests.upstreams.dialects import Name, Said, answer


@pytest.mark.parametrize("dialect", ["anthropic", "bedrock", "vertex"])
async def test_claude_gets_them_as_text(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, service: ScriptedUpstream, dialect: str
) -> None:
    upstream.script = searches_once("anthropic")
    claude = provider(second, models=["claude-opus-4-8"])
    if dialect != "anthropic":
        cloud: Name = "bedrock" if dialect == "bedrock" else "vertex"
        claude = foreign(second, dialect, models=["claude-opus-4-8"])
        second.script = lambda call: answer(cloud, call, Said("Indeed."), "claude-opus-4-8")
    engine = await start(settings(foreign(upstream), claude, route={"default": "first/foreign-1"}, search=by(service)))
    whole = message_of((await engine.ask(wish())).content)
    assert whole is not None
    earlier = [*wish()["messages"], {"role": "assistant", "content": json.loads(whole)["content"]}]
    await engine.command("use", c.Use(target="second/claude-opus-4-8"))

    await engine.ask(message(messages=[*earlier, {"role": "user", "content": "And then?"}]))

    told = json.loads(second.calls[0].body)["messages"][1]["content"]
    assert {block["type"] for block in told} == {"text"}
    assert told[0]["text"] == '[web_search: {"query":"httpx retries"}]'
    assert "https://blog.example.org/backoff" in told[1]["text"]
    assert "".join(block["text"] for block in told[2:]) == TEXT
    assert all("citations" not in block for block in told)
