"""The ``anthropic`` SDK reads pages that the engine fetched as those that Anthropic's own tool fetched."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args

import anthropic
import pytest
from anthropic.types import (
    CitationCharLocation,
    Message,
    MessageParam,
    PlainTextSource,
    ServerToolUseBlock,
    TextBlock,
    ToolUnionParam,
    WebFetchToolResultBlock,
    WebFetchToolResultErrorBlock,
)
from anthropic.types.web_fetch_block import WebFetchBlock
from anthropic.types.web_fetch_tool_result_error_code import WebFetchToolResultErrorCode
from pydantic import TypeAdapter

from proxy.net.searching import Web
from proxy.protocol.web_tools import PageCode
from tests.proxy.conftest import clear_environment
from tests.proxy.running_engine import RunningEngine, provider, settings
from tests.upstreams import Answer, Call, ScriptedUpstream, as_json, message_body, tool_call
from tests.upstreams.sites import page, reaching

MODEL = "foreign-1"
URL = "http://docs.example.com/retries"
TURN: MessageParam = {"role": "user", "content": f"What does {URL} say?"}
OLD: ToolUnionParam = {"type": "web_fetch_20250910", "name": "web_fetch", "citations": {"enabled": True}}
NEW: ToolUnionParam = {"type": "web_fetch_20260209", "name": "web_fetch", "max_uses": 2}
each = pytest.mark.parametrize("tool", [OLD, NEW], ids=["20250910", "20260209"])


def reads(call: Call) -> Answer:
    """A model that reads the page that it is asked about, and then answers."""
    if b"tool_result" in call.body:
        return as_json(message_body(f"Connects only, says [Retries]({URL}).", model=MODEL))
    return as_json(message_body("", model=MODEL, tools=[tool_call("web_fetch", {"url": URL})]))


@pytest.fixture
async def site() -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream(page()) as running:
        yield running


@pytest.fixture
async def client(
    site: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[anthropic.AsyncAnthropic]:
    clear_environment(monkeypatch)
    async with ScriptedUpstream(reads) as upstream:
        chosen = settings(provider(upstream, models=[MODEL]), route={"default": f"first/{MODEL}"})
        async with RunningEngine(tmp_path / "cctui", chosen, {}) as engine:
            engine.engine.dispatch.web = Web(None, reaching(docs_example_com=site))
            async with anthropic.AsyncAnthropic(base_url=engine.url, api_key=engine.token, max_retries=0) as made:
                yield made


def strict(block: Any) -> Any:
    """The block as its type demands it; the SDK itself lets anything pass."""
    return TypeAdapter(type(block)).validate_python(block.model_dump(), strict=True)


@each
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_the_page_is_read_in_its_types(
    client: anthropic.AsyncAnthropic, tool: ToolUnionParam, stream: bool
) -> None:
    answer: Message
    if stream:
        async with client.messages.stream(model=MODEL, max_tokens=99, messages=[TURN], tools=[tool]) as streamed:
            answer = await streamed.get_final_message()
    else:
        answer = await client.messages.create(model=MODEL, max_tokens=99, messages=[TURN], tools=[tool])

    use, result, text = map(strict, answer.content)
    assert isinstance(use, ServerToolUseBlock)
    assert isinstance(result, WebFetchToolResultBlock)
    assert isinstance(text, TextBlock)
    assert (use.name, use.input, result.tool_use_id) == ("web_fetch", {"url": URL}, use.id)
    assert isinstance(result.content, WebFetchBlock)
    assert isinstance(source := result.content.content.source, PlainTextSource)
    assert (result.content.url, result.content.content.title) == (URL, "Retries")
    assert "Only connects are retried." in source.data
    cited = tool is OLD
    assert (result.content.content.citations is not None) is cited
    assert [type(each) for each in text.citations or []] == [CitationCharLocation] * cited
    assert answer.usage.server_tool_use is not None
    assert answer.usage.server_tool_use.web_fetch_requests == 1
    assert answer.stop_reason == "end_turn"


async def test_a_failure_is_read_in_its_type(client: anthropic.AsyncAnthropic, site: ScriptedUpstream) -> None:
    site.script = page(b"GIF89a", "image/gif")

    answer = await client.messages.create(model=MODEL, max_tokens=99, messages=[TURN], tools=[NEW])

    result = strict(answer.content[1])
    assert isinstance(result, WebFetchToolResultBlock)
    assert isinstance(result.content, WebFetchToolResultErrorBlock)
    assert result.content.error_code == "unsupported_content_type"


async def test_the_answer_may_be_sent_back(client: anthropic.AsyncAnthropic) -> None:
    answer = await client.messages.create(model=MODEL, max_tokens=99, messages=[TURN], tools=[NEW])
    past: MessageParam = {"role": "assistant", "content": answer.content}

    again = await client.messages.create(
        model=MODEL, max_tokens=99, messages=[TURN, past, {"role": "user", "content": "Sure?"}], tools=[NEW]
    )

    assert again.stop_reason == "end_turn"


def test_every_code_is_one_of_the_sdk_s() -> None:
    assert set(get_args(PageCode)) <= set(get_args(WebFetchToolResultErrorCode))
