"""What passes through unaltered: bodies, headers, queries, status, streams."""

import json
from typing import Any

import pytest

from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import (
    CLAUDE,
    Reply,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    message_body,
    message_stream,
)

ODD_BODY = (
    b'\r\n{ "stream" : true,\t"messages":[{"role":"user","content":"caf\\u00e9 \\/ \xc3\xa9 \xf0\x9f\x90\x9f"}],'
    b'"unknown_field":{"model":"inner","deep":[1.0,1e2,-0]},  "model":"claude-opus-4-8" ,"max_tokens":64}\n '
)


async def test_with_nothing_to_change_the_upstream_gets_the_client_s_bytes(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    await engine.ask(ODD_BODY)
    assert upstream.calls[0].body == ODD_BODY


async def test_a_swapped_model_changes_its_value_and_no_other_byte(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream), route={"default": "first/other-model"}))
    await engine.ask(ODD_BODY)
    assert upstream.calls[0].body == ODD_BODY.replace(b'"model":"claude-opus-4-8"', b'"model":"other-model"')


async def test_words_that_are_no_utf_8_are_the_provider_s_to_refuse(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_json(error_body("invalid_request_error", "not UTF-8"), 400)
    engine = await start(settings(provider(upstream), route={"default": "first/other-model"}))
    odd = ODD_BODY.replace(b'"unknown_field"', b'"server_tool_use"').replace(b"\xc3\xa9", b"\xe9")

    response = await engine.ask(odd)

    assert (response.status_code, response.json()["error"]["message"]) == (400, "not UTF-8")
    assert upstream.calls[0].body == odd.replace(b'"model":"claude-opus-4-8"', b'"model":"other-model"')


async def test_a_body_of_four_megabytes_arrives_whole(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    body = json.dumps(message(system="x" * 4_000_000)).encode()
    await engine.ask(body)
    assert upstream.calls[0].body == body


async def test_a_compressed_request_arrives_decoded(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    import gzip

    await engine.ask(gzip.compress(ODD_BODY), content_encoding="gzip")
    call = upstream.calls[0]
    assert (call.body, call.header("content-encoding")) == (ODD_BODY, None)


async def test_the_query_reaches_the_upstream_as_the_client_wrote_it(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    query = "beta=true&a=x-y&b=1+2&d=%C3%A9&e=&f"
    await engine.http.post(f"/v1/messages?{query}", json=message())
    assert upstream.calls[0].target == f"/v1/messages?{query}"


async def test_the_base_url_s_path_stands_before_the_request_s(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(provider(f"{upstream.url}/team/anthropic/v1/")))
    await engine.ask()
    assert upstream.calls[0].path == "/team/anthropic/v1/messages"


async def test_the_client_s_headers_reach_the_upstream_verbatim(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    sent = {
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "fine-grained-2025, unknown-beta-2031-01-01",
        "anthropic-dangerous-unknown": "yes; q=1",
        "user-agent": "claude-cli/9.9.9 (external, cli)",
        "x-app": "cli",
        "x-claude-code-session-id": "s-1",
        "x-stainless-retry-count": "0",
        "content-type": "application/json",
        "accept": "text/event-stream",
        "x-own-header": "kept",
    }
    await engine.http.post("/v1/messages", json=message(), headers=sent)
    call = upstream.calls[0]
    assert {name: call.header(name) for name in sent} == sent


async def test_repeated_headers_keep_all_their_values(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    headers = [("anthropic-beta", "one"), ("anthropic-beta", "two")]
    await engine.http.post("/v1/messages", json=message(), headers=headers)
    assert upstream.calls[0].header("anthropic-beta") == "one, two"


async def test_the_upstream_gets_no_header_that_the_client_did_not_send(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    await engine.ask()
    names = {name.lower() for name, _ in upstream.calls[0].headers}
    assert names <= {"host", "accept", "accept-encoding", "authorization", "content-length", "user-agent", "connection"}


async def test_headers_of_the_connection_stay_on_it(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    await engine.ask(te="trailers", keep_alive="timeout=5", x_private="hop", connection="keep-alive, x-private")
    call = upstream.calls[0]
    assert [call.header(name) for name in ("te", "keep-alive", "x-private")] == [None, None, None]


async def test_the_upstream_is_asked_for_identity_encoding(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    await engine.ask(accept_encoding="gzip, br, zstd")
    assert upstream.calls[0].header("accept-encoding") == "identity"


async def test_a_provider_s_own_headers_replace_the_client_s(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(provider(upstream, headers={"X-Route-Provider": "env:ROUTE"})), {"ROUTE": "vertex"})
    await engine.ask(x_route_provider="mine")
    assert upstream.calls[0].header("x-route-provider") == "vertex"


@pytest.mark.parametrize("piece_bytes", [0, 1, 7, 1000])
async def test_a_stream_reaches_the_client_byte_by_byte_the_same(
    engine: RunningEngine, upstream: ScriptedUpstream, piece_bytes: int
) -> None:
    stream = message_stream("Grüße 🐟 und mehr", thinking="hm", tools=())
    upstream.script = as_stream(stream, piece_bytes=piece_bytes)
    response = await engine.ask()
    assert response.content == stream


@pytest.mark.parametrize("piece_bytes", [0, 1])
async def test_a_stream_with_carriage_returns_keeps_them_and_is_understood(
    engine: RunningEngine, upstream: ScriptedUpstream, piece_bytes: int
) -> None:
    stream = message_stream().replace(b"\n", b"\r\n")
    upstream.script = as_stream(stream, piece_bytes=piece_bytes)
    response = await engine.ask()
    record = await engine.record()
    assert (response.content, record.outcome, record.usage.output_tokens) == (stream, "served", 42)


async def test_bytes_after_the_last_event_reach_the_client_too(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    stream = b": a comment\n\n" + message_stream() + b"data: [DONE]\n\n"
    upstream.script = as_stream(stream)
    response = await engine.ask()
    assert (response.content, (await engine.record()).outcome) == (stream, "served")


async def test_the_answer_s_headers_reach_the_client(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    told = {
        "request-id": "req_123",
        "anthropic-ratelimit-requests-remaining": "12",
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
        "x-own": "kept",
    }
    upstream.script = Reply(200, tuple(told.items()), [message_stream()])
    response = await engine.ask()
    assert {name: response.headers.get(name) for name in told} == told


async def test_repeated_headers_of_the_answer_stay_repeated(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(message_stream(), headers=(("set-cookie", "a=1"), ("set-cookie", "b=2")))
    response = await engine.ask()
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]


async def test_the_engine_adds_no_header_to_the_answer(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    response = await engine.ask()
    assert set(response.headers) == {"content-type", "transfer-encoding"}


async def test_an_answer_that_does_not_stream_passes_unaltered(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    body = b" " + message_body("Grüße") + b"\n"
    upstream.script = as_json(body, headers=(("request-id", "req_9"),))
    response = await engine.ask(message(stream=False))
    assert (response.content, response.headers["request-id"]) == (body, "req_9")


TOO_LONG = "prompt is too long: 7 tokens > 3 maximum"


@pytest.mark.parametrize(
    ("status", "words"), [(400, TOO_LONG), *((status, "no") for status in (400, 404, 413, 422, 429, 500, 503, 529))]
)
async def test_an_error_answer_passes_unaltered(
    engine: RunningEngine, upstream: ScriptedUpstream, status: int, words: str
) -> None:
    body = b'{ "type":"error", "error":{"type":"x","message":"%s"} }\n' % words.encode()
    upstream.script = as_json(body, status, (("retry-after", "7"), ("x-should-retry", "true")))
    response = await engine.ask()
    told = (response.status_code, response.content, response.headers["retry-after"], response.headers["content-type"])
    assert told == (status, body, "7", "application/json")


async def test_other_paths_pass_with_method_body_and_query(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_json(b'{"ok": true}', 201, (("x-own", "kept"),))
    response = await engine.http.put("/v1/files/a%20b?x=1", content=b"\x00\xff raw")
    call = upstream.calls[0]
    assert (call.method, call.target, call.body) == ("PUT", "/v1/files/a%20b?x=1", b"\x00\xff raw")
    assert (response.status_code, response.content, response.headers["x-own"]) == (201, b'{"ok": true}', "kept")


async def test_an_answer_without_a_body_passes(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = Reply(204, (), b"", framing="length")
    response = await engine.http.delete("/v1/files/f1")
    assert (response.status_code, response.content) == (204, b"")


async def test_a_request_for_headers_alone_passes(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_json(b'{"ok": true}')
    response = await engine.http.head("/v1/files/f1")
    assert (response.status_code, upstream.calls[0].method) == (200, "HEAD")


async def test_other_paths_go_where_all_traffic_was_sent(
    without_fallback: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    from proxy import contract as c

    second.script = as_json(b"{}")
    await without_fallback.command("use", c.Use(target="second"))
    await without_fallback.http.get("/v1/files")
    assert (len(upstream.calls), len(second.calls)) == (0, 1)


async def test_other_paths_pass_where_the_default_is_the_name_of_a_model(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_json(b"{}")
    engine = await start(settings(provider(upstream, models=["only-model"]), route={"default": "only-model"}))
    response = await engine.http.get("/v1/files")
    assert (response.status_code, len(upstream.calls)) == (200, 1)


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate", "gzip, br"])
@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_compressed_unasked_reaches_the_client_decoded(
    engine: RunningEngine, upstream: ScriptedUpstream, encoding: str, stream: bool
) -> None:
    plain = message_stream() if stream else message_body()
    label = "text/event-stream" if stream else "application/json"
    upstream.script = Reply(
        200, (("content-type", label), ("content-encoding", encoding)), [compressed(plain, encoding)], piece_bytes=50
    )
    response = await engine.http.post(
        "/v1/messages", json=message(CLAUDE, stream=stream), headers={"accept-encoding": "identity"}
    )
    record = await engine.record()
    assert (response.content, response.headers.get("content-encoding")) == (plain, None)
    assert (record.outcome, record.usage.output_tokens) == ("served", 42)


def compressed(data: bytes, encodings: str) -> bytes:
    import gzip
    import zlib

    import brotli
    import zstandard

    with_each: dict[str, Any] = {
        "gzip": gzip.compress,
        "br": brotli.compress,
        "deflate": zlib.compress,
        "zstd": zstandard.ZstdCompressor().compress,
    }
    for encoding in encodings.split(", "):
        data = with_each[encoding](data)
    return data
