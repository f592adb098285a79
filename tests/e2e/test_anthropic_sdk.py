"""The ``anthropic`` SDK as a second client: plain calls, streams, the streaming helper, errors, counts, lists."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import anthropic
import pytest
from anthropic.types import MessageParam, ToolParam

from tests.proxy.running_engine import RunningEngine, provider, settings
from tests.upstreams import (
    Break,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    error_event,
    message_body,
    message_events,
    message_stream,
    tool_call,
)

MODEL = "claude-opus-4-8"
TURN: list[MessageParam] = [{"role": "user", "content": "Say hello."}]
TOOL: ToolParam = {"name": "Write", "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}}}


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream(as_stream(message_stream("Hello from the script."))) as running:
        yield running


@pytest.fixture
async def engine(
    upstream: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningEngine]:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    chosen = settings(provider(upstream, count_tokens=True))
    async with RunningEngine(tmp_path / "cctui", chosen, {}) as running:
        yield running


@pytest.fixture
async def client(engine: RunningEngine) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=engine.url, api_key=engine.token, max_retries=0) as made:
        yield made


async def test_a_plain_call_is_answered(client: anthropic.AsyncAnthropic, upstream: ScriptedUpstream) -> None:
    upstream.script = as_json(message_body("Hello."))
    answer = await client.messages.create(model=MODEL, max_tokens=9, messages=TURN)
    assert (answer.content[0].type, answer.usage.output_tokens, answer.stop_reason) == ("text", 42, "end_turn")


async def test_a_stream_is_read_event_by_event(client: anthropic.AsyncAnthropic) -> None:
    stream = await client.messages.create(model=MODEL, max_tokens=9, messages=TURN, stream=True)
    kinds = [event.type async for event in stream]
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")


async def test_the_streaming_helper_puts_text_and_thinking_together(
    client: anthropic.AsyncAnthropic, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(message_stream("Hello.", thinking="Let me see."), piece_bytes=7)
    async with client.messages.stream(model=MODEL, max_tokens=9, messages=TURN) as stream:
        text = "".join([piece async for piece in stream.text_stream])
        final = await stream.get_final_message()
    assert (text, [block.type for block in final.content]) == ("Hello.", ["thinking", "text"])


async def test_the_streaming_helper_puts_tool_arguments_together(
    client: anthropic.AsyncAnthropic, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(message_stream("", tools=[tool_call("Write", {"path": "größe.py"})]))
    async with client.messages.stream(model=MODEL, max_tokens=9, messages=TURN, tools=[TOOL]) as stream:
        final = await stream.get_final_message()
    block = final.content[0]
    assert block.type == "tool_use"
    assert (block.input, final.stop_reason) == ({"path": "größe.py"}, "tool_use")


def ask_in_the_thread(url: str, token: str, work: Callable[[anthropic.Anthropic], str]) -> Awaitable[str]:
    """Use the synchronous client in a thread: the engine runs on this loop."""

    def run() -> str:
        with anthropic.Anthropic(base_url=url, auth_token=token, max_retries=0) as client:
            return work(client)

    return asyncio.to_thread(run)


async def test_the_synchronous_client_streams_too(engine: RunningEngine) -> None:
    def work(client: anthropic.Anthropic) -> str:
        with client.messages.stream(model=MODEL, max_tokens=9, messages=TURN) as stream:
            return stream.get_final_text()

    assert await ask_in_the_thread(engine.url, engine.token, work) == "Hello from the script."


async def test_the_synchronous_client_calls_too(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_json(message_body("Hello."))

    def work(client: anthropic.Anthropic) -> str:
        return client.messages.create(model=MODEL, max_tokens=9, messages=TURN).model

    assert await ask_in_the_thread(engine.url, engine.token, work) == MODEL


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (400, "invalid_request_error", anthropic.BadRequestError),
        (401, "authentication_error", anthropic.AuthenticationError),
        (403, "permission_error", anthropic.PermissionDeniedError),
        (404, "not_found_error", anthropic.NotFoundError),
        (429, "rate_limit_error", anthropic.RateLimitError),
        (500, "api_error", anthropic.InternalServerError),
        (529, "overloaded_error", anthropic.InternalServerError),
    ],
)
async def test_an_error_is_raised_as_what_it_is(
    client: anthropic.AsyncAnthropic,
    upstream: ScriptedUpstream,
    status: int,
    kind: str,
    error: type[anthropic.APIStatusError],
) -> None:
    upstream.script = as_json(error_body(kind, "so it is"), status, (("request-id", "req_7"),))
    with pytest.raises(error, match="so it is") as raised:
        await client.messages.create(model=MODEL, max_tokens=9, messages=TURN)
    assert (raised.value.status_code, raised.value.request_id) == (status, "req_7")


async def test_an_error_as_the_first_event_is_raised_with_its_status(
    client: anthropic.AsyncAnthropic, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(error_event("overloaded_error", "Overloaded"))
    with pytest.raises(anthropic.InternalServerError) as raised:
        await client.messages.create(model=MODEL, max_tokens=9, messages=TURN, stream=True)
    assert raised.value.status_code == 529


async def test_a_stream_that_breaks_off_raises(client: anthropic.AsyncAnthropic, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(*message_events()[:5], Break())
    with pytest.raises(anthropic.APIStatusError, match="broke off"):
        async with client.messages.stream(model=MODEL, max_tokens=9, messages=TURN) as stream:
            await stream.get_final_message()


async def test_the_sdk_s_own_retry_is_served(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    overloaded = as_json(error_body("overloaded_error", "Overloaded"), 529, (("retry-after-ms", "1"),))
    upstream.script = [overloaded, as_json(message_body("Hello."))]
    async with anthropic.AsyncAnthropic(base_url=engine.url, api_key=engine.token, max_retries=1) as client:
        answer = await client.messages.create(model=MODEL, max_tokens=9, messages=TURN)
    assert (answer.usage.output_tokens, len(upstream.calls)) == (42, 2)


async def test_tokens_are_counted(client: anthropic.AsyncAnthropic, upstream: ScriptedUpstream) -> None:
    upstream.script = as_json(b'{"input_tokens": 17}')
    assert (await client.messages.count_tokens(model=MODEL, messages=TURN)).input_tokens == 17


async def test_models_are_listed(client: anthropic.AsyncAnthropic) -> None:
    assert [model.id async for model in client.models.list(limit=100)] == []


async def test_a_wrong_token_is_an_authentication_error(engine: RunningEngine) -> None:
    async with anthropic.AsyncAnthropic(base_url=engine.url, api_key="wrong", max_retries=0) as client:
        with pytest.raises(anthropic.AuthenticationError, match="cctui claude"):
            await client.messages.create(model=MODEL, max_tokens=9, messages=TURN)
