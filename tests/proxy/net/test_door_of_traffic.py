"""What the local port lets in, what it answers by itself, and in which shape it refuses."""

import asyncio
import gzip
import json

import pytest

from proxy import contract as c
from proxy.net import server
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import Hold, ScriptedUpstream, as_stream, message_events

MB = 2**20


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/messages"),
        ("POST", "/v1/messages/count_tokens"),
        ("GET", "/v1/models"),
        ("GET", "/v1/files"),
        ("GET", f"{c.DOOR}/state"),
        ("POST", f"{c.DOOR}/use"),
        ("GET", f"{c.DOOR}/feed?panel=p"),
        ("GET", f"{c.DOOR}/requests"),
    ],
)
@pytest.mark.parametrize("token", [None, "", "wrong", "cctui-"])
async def test_without_the_token_nothing_is_done_or_shown(
    engine: RunningEngine, upstream: ScriptedUpstream, method: str, path: str, token: str | None
) -> None:
    del engine.http.headers[c.TOKEN_HEADER]
    headers = {} if token is None else {c.TOKEN_HEADER: token, "authorization": f"Bearer {token}x"}
    response = await engine.http.request(method, path, json=message(), headers=headers)
    assert (response.status_code, response.json()["error"]["type"]) == (401, "authentication_error")
    assert "cctui claude" in response.json()["error"]["message"]
    assert upstream.calls == []


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", ""])
async def test_a_foreign_host_name_is_refused_even_with_the_token(
    engine: RunningEngine, upstream: ScriptedUpstream, host: str
) -> None:
    response = await engine.ask(host=host)
    assert (response.status_code, response.json()["error"]["type"], upstream.calls) == (403, "permission_error", [])


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:8787", "null"])
@pytest.mark.parametrize("path", ["/v1/messages", "/", f"{c.DOOR}/hello"])
async def test_a_web_page_is_refused_even_with_the_token(
    engine: RunningEngine, upstream: ScriptedUpstream, origin: str, path: str
) -> None:
    response = await engine.http.request(
        "GET" if path != "/v1/messages" else "POST", path, headers={"origin": origin, "content-type": "text/plain"}
    )
    assert (response.status_code, upstream.calls) == (403, [])
    assert "access-control-allow-origin" not in response.headers


async def test_a_browser_s_preliminary_question_is_refused(engine: RunningEngine) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    assert (await engine.http.options("/v1/messages", headers=headers)).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"), [("HEAD", "/"), ("GET", "/"), ("HEAD", "/api/hello"), ("GET", "/api/hello")]
)
async def test_probes_are_answered_without_a_token(engine: RunningEngine, method: str, path: str) -> None:
    del engine.http.headers[c.TOKEN_HEADER]
    response = await engine.http.request(method, path)
    assert (response.status_code, bool(response.content)) == (200, method == "GET")


async def test_hello_proves_that_the_engine_has_the_token(engine: RunningEngine) -> None:
    del engine.http.headers[c.TOKEN_HEADER]
    hello = (await engine.look("hello", nonce="n-1")).json()
    assert (hello["product"], hello["contract"]) == ("cctui", c.CONTRACT)
    assert hello["proof"] == c.proof_of_token(engine.token, "n-1")
    assert engine.token not in str(hello)


async def test_an_unknown_path_is_not_found_in_the_client_s_shape(engine: RunningEngine) -> None:
    response = await engine.http.get("/elsewhere")
    assert (response.status_code, response.json()["error"]["type"]) == (404, "not_found_error")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b"{",
        b'{"messages":[]}',
        b'{"model":""}',
        b'{"model":7}',
        b'{"model":null}',
        b'{"model":"\\q"}',
        b'{"model":"\\ud800"}',
        b'{"model":"\xff"}',
        b'{"model":"m","metadata":{"user_id":"\\q"}}',
        b'{"model":"m","stream":"\\q"}',
    ],
)
async def test_a_body_that_is_no_request_is_refused_by_the_engine(
    engine: RunningEngine, upstream: ScriptedUpstream, body: bytes
) -> None:
    response = await engine.ask(body)
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")
    assert upstream.calls == []


async def test_a_body_of_more_than_64_mb_is_refused_by_its_told_length(engine: RunningEngine) -> None:
    head = f"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n{c.TOKEN_HEADER}: {engine.token}\r\n"
    answer = await talk(engine, f"{head}content-length: {64 * MB + 1}\r\n\r\n".encode())
    assert too_large(answer)


async def test_a_body_that_grows_past_the_limit_is_refused(
    engine: RunningEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "BODY_BYTES_MAX", MB)
    head = f"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n{c.TOKEN_HEADER}: {engine.token}\r\n"
    chunk = b"%x\r\n%s\r\n" % (MB, b" " * MB)
    answer = await talk(engine, f"{head}transfer-encoding: chunked\r\n\r\n".encode() + chunk + chunk)
    assert too_large(answer)


async def test_the_sdk_s_client_sees_the_refusal_of_a_body_that_is_too_large(engine: RunningEngine) -> None:
    response = await engine.ask(b" " * (64 * MB + 1))
    assert (response.status_code, response.json()["error"]["type"]) == (413, "request_too_large")


async def test_a_small_body_that_unpacks_to_a_huge_one_is_refused(
    engine: RunningEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "BODY_BYTES_MAX", MB)
    response = await engine.ask(gzip.compress(b" " * (50 * MB)), content_encoding="gzip")
    assert (response.status_code, response.json()["error"]["type"]) == (413, "request_too_large")


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b"not gzip"),
        ("gzip", gzip.compress(b'{"model":"m"}', mtime=0)[:-9]),
        ("deflate", b"no"),
        ("zstd", b"(\xb5/\xfd"),
    ],
)
async def test_an_encoding_that_cannot_be_read_is_refused(engine: RunningEngine, encoding: str, body: bytes) -> None:
    response = await engine.ask(body, content_encoding=encoding)
    assert (response.status_code, encoding in response.json()["error"]["message"]) == (400, True)


async def test_while_it_drains_the_engine_refuses_what_is_new_and_finishes_what_runs(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    events = message_events()
    upstream.script = as_stream(*events[:4], Hold(), *events[4:])
    engine = await start(settings(provider(upstream)))
    async with engine.asking() as running:
        chunks = running.aiter_raw()
        received = await anext(chunks)
        engine.engine.stop(None)
        refused = await engine.ask()
        upstream.release()
        async for chunk in chunks:
            received += chunk
    await engine.running
    assert (refused.status_code, refused.json()["error"]["type"]) == (529, "overloaded_error")
    assert refused.headers["retry-after"] == "2"
    assert (received, (await engine.record()).outcome) == (b"".join(events), "served")


async def test_a_stream_that_outlives_the_drain_ends_in_an_error_event(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(*message_events()[:4], Hold())
    engine = await start(settings(provider(upstream), engine={"drain_s": 0.05}))
    async with engine.asking() as response:
        engine.engine.stop(None)
        received = b"".join([chunk async for chunk in response.aiter_raw()])
    await engine.running
    assert (b"event: error" in received, (await engine.record()).outcome) == (True, "broken")


async def test_a_fault_inside_the_engine_is_answered_in_the_client_s_shape(
    engine: RunningEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(engine.engine.upstreams, "send", fail)
    response = await engine.ask()
    record = await engine.record()
    assert (response.json()["type"], response.status_code, record.outcome) == ("error", 502, "failed")
    assert "a request failed inside the engine" in caplog.text


async def talk(engine: RunningEngine, data: bytes) -> bytes:
    """Send raw bytes and read one answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", engine.port)
    writer.write(data)
    answer = await reader.readuntil(b"}}")
    writer.close()
    return answer


def too_large(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    return b" 413 " in head and json.loads(body)["error"]["type"] == "request_too_large"
