"""The scripted upstream itself, seen through a real client."""

import gzip
from collections.abc import AsyncIterator
from typing import Literal

import httpx
import pytest

from tests.upstreams import (
    HALF_A_HEAD,
    HANG_UP,
    Break,
    Call,
    Gate,
    Hold,
    Pause,
    Refused,
    Reply,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    message_body,
    message_events,
    message_stream,
    redirect,
    tool_call,
)


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False, timeout=10)


async def test_a_call_is_recorded_with_headers_body_and_connection() -> None:
    async with ScriptedUpstream(as_json(message_body("hi"))) as upstream, client() as http:
        await http.post(f"{upstream.url}/v1/messages?beta=true", content=b"{}", headers={"X-Two": "a"})
        await http.post(f"{upstream.url}/v1/messages", content=iter_bytes(b"one", b"two"))
    first, second = upstream.calls
    assert (first.method, first.path, first.query, first.body) == ("POST", "/v1/messages", "beta=true", b"{}")
    assert first.header("x-two") == "a"
    assert (second.body, second.order, second.connection) == (b"onetwo", 1, 0)


async def iter_bytes(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_a_list_answers_in_order_and_its_last_entry_repeats() -> None:
    script = [as_json(error_body("overloaded_error", "Overloaded"), 529), as_json(b"{}")]
    async with ScriptedUpstream(script) as upstream, client() as http:
        assert [(await http.get(upstream.url)).status_code for _ in range(3)] == [529, 200, 200]


async def test_a_function_sees_the_call_and_may_wait() -> None:
    async def answer(call: Call) -> Reply:
        return as_json(call.body)

    async with ScriptedUpstream(answer) as upstream, client() as http:
        assert (await http.post(upstream.url, content=b"[1]")).content == b"[1]"


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
@pytest.mark.parametrize("piece_bytes", [0, 1, 7])
async def test_the_body_is_whole_in_every_framing_and_cut(
    framing: Literal["chunked", "length", "close"], piece_bytes: int
) -> None:
    body = message_stream("Grüße 👋 to all", thinking="hm", tools=[tool_call("Read", {"file_path": "a"})])
    reply = Reply(200, (("content-type", "text/event-stream"),), body, framing, piece_bytes)
    async with ScriptedUpstream(reply) as upstream, client() as http:
        assert (await http.get(upstream.url)).content == body
        await http.get(upstream.url)
    assert upstream.connections == (2 if framing == "close" else 1)


async def test_a_pause_waits_for_its_gate_and_a_hold_for_the_release() -> None:
    gate = Gate()
    reply = as_stream(b"one", Pause(gate), b"two", Hold(), b"three")
    async with (
        ScriptedUpstream(reply) as upstream,
        client() as http,
        http.stream("GET", upstream.url) as answer,
    ):
        parts = answer.aiter_raw()
        assert await anext(parts) == b"one"
        gate.open()
        assert await anext(parts) == b"two"
        upstream.release()
        assert await anext(parts) == b"three"


async def test_a_break_cuts_the_connection_in_mid_body() -> None:
    events = message_events("to be cut")
    async with ScriptedUpstream(as_stream(*events[:4], Break())) as upstream, client() as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(upstream.url)
    assert not upstream.calls[0].answered


async def test_a_client_that_leaves_is_noticed_while_the_answer_is_held() -> None:
    async with ScriptedUpstream(as_stream(b"data: 1\n\n", Hold())) as upstream, client() as http:
        async with http.stream("GET", upstream.url) as answer:
            assert await anext(answer.aiter_raw())
        call = await upstream.wait_closed(0)
    assert not call.answered


@pytest.mark.parametrize("answer", [HANG_UP, Reply(before_head=(Break(),))])
async def test_hanging_up_before_the_head_is_a_protocol_error(answer: Reply) -> None:
    async with ScriptedUpstream(answer) as upstream, client() as http:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await http.get(upstream.url)


async def test_half_a_head_is_no_answer() -> None:
    async with ScriptedUpstream(HALF_A_HEAD) as upstream, client() as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.get(upstream.url, timeout=httpx.Timeout(10, read=0.05))


async def test_an_encoded_body_and_a_redirect_pass_as_scripted() -> None:
    zipped = Reply(200, (("content-encoding", "gzip"),), gzip.compress(b"squeezed"), "length")
    async with (
        ScriptedUpstream([zipped, redirect("http://elsewhere.invalid/")]) as upstream,
        client() as http,
    ):
        assert (await http.get(upstream.url)).text == "squeezed"
        moved = await http.get(upstream.url)
        assert (moved.status_code, moved.headers["location"]) == (307, "http://elsewhere.invalid/")


async def test_a_refusing_port_refuses() -> None:
    with Refused() as refused:
        async with client() as http:
            with pytest.raises(httpx.ConnectError):
                await http.get(refused.url)


def test_it_runs_in_a_thread_for_tests_without_a_loop() -> None:
    with ScriptedUpstream(as_json(b"{}")) as upstream:
        assert httpx.get(upstream.url, trust_env=False).json() == {}
        assert upstream.arrived_blocking(1).method == "GET"


async def test_the_record_of_an_sdk_stream_reads_back() -> None:
    from anthropic import AsyncAnthropic

    script = as_stream(message_stream("Hello.", tools=[tool_call("Read", {"file_path": "a b"})]), piece_bytes=3)
    async with ScriptedUpstream(script) as upstream:
        sdk = AsyncAnthropic(base_url=upstream.url, api_key="none")
        async with sdk, sdk.messages.stream(model="m", max_tokens=9, messages=[]) as stream:
            message = await stream.get_final_message()
    assert [block.type for block in message.content] == ["text", "tool_use"]
    assert (message.content[1].input, message.usage.output_tokens) == ({"file_path": "a b"}, 42)
