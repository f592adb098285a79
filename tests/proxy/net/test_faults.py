"""Providers that fail before the first event: what the client gets with fallback off, and who serves with it on."""

from collections.abc import Mapping
from typing import Any

import pytest

from proxy import contract as c
from proxy.net import upstream as upstream_module
from tests.proxy.conftest import StartEngine
from tests.proxy.faults.lines import PATIENCE_S
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import (
    HALF_A_HEAD,
    HANG_UP,
    SILENCE,
    Answer,
    Hold,
    Refused,
    Reply,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    error_event,
    message_body,
    message_events,
    redirect,
)
from tests.upstreams.plain import no_tls

HTML = b"<!doctype html><title>Welcome</title>"
OVERLOADED = error_body("overloaded_error", "Overloaded")

FAULTS: Mapping[str, tuple[Answer, int, str]] = {
    "an error as the first event": (as_stream(error_event()), 529, "overloaded"),
    "an error after message_start": (
        as_stream(message_events()[0], error_event("api_error", "oops")),
        500,
        "server_error",
    ),
    "an error after a ping": (as_stream(*message_events()[:2], error_event("rate_limit_error")), 429, "rate_limited"),
    "an error in JSON under a 200": (as_json(OVERLOADED), 529, "overloaded"),
    "an empty 200": (Reply(), 502, "empty_answer"),
    "an empty event stream": (as_stream(), 502, "empty_answer"),
    "only message_start and a clean end": (as_stream(message_events()[0]), 502, "empty_answer"),
    "only comments": (as_stream(b": hello\n\n"), 502, "empty_answer"),
    "HTML": (Reply(200, (("content-type", "text/html"),), HTML), 502, "not_an_answer"),
    "HTML labelled as a stream": (as_stream(HTML), 502, "not_an_answer"),
    "a hung up connection": (HANG_UP, 502, "connection_lost"),
    "a redirect": (redirect("/elsewhere"), 502, "redirected"),
    "429": (as_json(error_body("rate_limit_error", "slow down"), 429), 429, "rate_limited"),
    "500": (as_json(error_body("api_error", "oops"), 500), 500, "server_error"),
    "502 in HTML": (Reply(502, (("content-type", "text/html"),), HTML), 502, "server_error"),
    "503": (as_json(OVERLOADED, 503), 503, "overloaded"),
    "529": (as_json(OVERLOADED, 529), 529, "overloaded"),
    "529 without a body": (Reply(529, (), b"", framing="length"), 529, "overloaded"),
}
NEVER_MOVED_ON = {400: "invalid_request", 413: "request_too_large", 422: "invalid_request", 409: "conflict"}


@pytest.mark.parametrize("fault", list(FAULTS))
async def test_with_fallback_off_the_client_gets_the_error(
    without_fallback: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, fault: str
) -> None:
    upstream.script, status, outcome = FAULTS[fault]
    response = await without_fallback.ask()
    record = await without_fallback.record()
    assert (response.status_code, response.headers["content-length"]) == (status, str(len(response.content)))
    assert (record.outcome, record.status, len(second.calls)) == ("failed", status, 0)
    assert [attempt.outcome for attempt in record.attempts] == [outcome]


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "502 in HTML"])
async def test_an_error_is_in_the_shape_that_the_client_reads(
    without_fallback: RunningEngine, upstream: ScriptedUpstream, fault: str
) -> None:
    upstream.script = FAULTS[fault][0]
    payload = (await without_fallback.ask()).json()
    assert (payload["type"], set(payload["error"])) == ("error", {"type", "message"})


@pytest.mark.parametrize("fault", list(FAULTS))
async def test_with_fallback_on_the_next_target_serves(
    with_fallback: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, fault: str
) -> None:
    upstream.script, _, outcome = FAULTS[fault]
    response = await with_fallback.ask()
    record = await with_fallback.record()
    assert (response.status_code, "the" in response.text, record.outcome) == (200, True, "served")
    assert [(each.provider, each.outcome) for each in record.attempts] == [("first", outcome), ("second", "served")]
    assert (record.provider, record.fell_back, bool(record.attempts[0].reason)) == ("second", True, True)
    assert second.calls[0].header("authorization") == "Bearer key-of-the-second"


@pytest.mark.parametrize("status", list(NEVER_MOVED_ON))
async def test_a_request_that_is_itself_wrong_never_moves_on(
    with_fallback: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, status: int
) -> None:
    body = error_body("invalid_request_error", "no")
    upstream.script = as_json(body, status)
    response = await with_fallback.ask()
    record = await with_fallback.record()
    assert (response.status_code, response.content, len(second.calls)) == (status, body, 0)
    assert record.attempts[0].outcome == NEVER_MOVED_ON[status]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("silent", [SILENCE, HALF_A_HEAD], ids=["silence", "half a head"])
async def test_a_provider_that_sends_nothing_in_time_is_passed_over(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, silent: Answer, stream: bool
) -> None:
    upstream.script = silent
    second.script = lambda call: (
        as_stream(*message_events()) if b'"stream":true' in call.body else as_json(message_body())
    )
    engine = await start(
        settings(
            provider(upstream, first_event_timeout_s=PATIENCE_S),
            provider(second),
            fallback=True,
            engine={"answer_timeout_s": PATIENCE_S},
        )
    )
    response = await engine.ask(message(stream=stream))
    await upstream.wait_closed(0)
    record = await engine.record()
    assert (response.status_code, record.provider) == (200, "second")
    assert record.attempts[0].outcome == "first_event_timeout"


async def test_headers_without_an_event_in_time_are_passed_over(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_stream(message_events()[0], Hold())
    first = provider(upstream, first_event_timeout_s=PATIENCE_S)
    engine = await start(settings(first, provider(second), fallback=True))
    await engine.ask()
    await upstream.wait_closed(0)
    assert (await engine.record()).attempts[0].outcome == "first_event_timeout"


async def test_an_error_answer_that_never_ends_is_given_up(start: StartEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = Reply(500, (), [b"{", Hold()])
    engine = await start(settings(provider(upstream, first_event_timeout_s=PATIENCE_S)))
    response = await engine.ask()
    await upstream.wait_closed(0)
    assert (response.status_code, response.json()["type"]) == (504, "error")


async def test_a_refused_connection_is_told_with_a_remedy(start: StartEngine) -> None:
    with Refused() as nobody:
        engine = await start(settings(provider(nobody.url)))
        response = await engine.ask()
    record = await engine.record()
    assert (response.status_code, record.attempts[0].outcome) == (502, "connect_refused")
    assert "is the port right?" in response.json()["error"]["message"]


async def test_an_unknown_host_is_told_as_such(start: StartEngine) -> None:
    engine = await start(settings(provider("http://name.invalid")))
    response = await engine.ask()
    assert (response.status_code, (await engine.record()).attempts[0].outcome) == (502, "dns_failed")


async def test_plain_http_where_tls_was_due_is_told_as_such(start: StartEngine) -> None:
    async with no_tls() as url:
        engine = await start(settings(provider(url)))
        await engine.ask()
        assert (await engine.record()).attempts[0].outcome == "tls_failed"


async def test_a_refused_connection_moves_on(start: StartEngine, second: ScriptedUpstream) -> None:
    with Refused() as nobody:
        engine = await start(settings(provider(nobody.url), provider(second), fallback=True))
        response = await engine.ask()
    assert (response.status_code, (await engine.record()).provider) == (200, "second")


async def test_a_kept_connection_that_the_provider_closed_is_replaced_once(
    engine: RunningEngine, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream_module, "STALE_S", 60.0)
    upstream.script = [as_stream(*message_events()), HANG_UP, as_stream(*message_events())]
    await engine.ask()
    response = await engine.ask()
    record = await engine.record(2)
    assert (response.status_code, [each.outcome for each in record.attempts]) == (200, ["served"])
    assert (len(upstream.calls), upstream.connections) == (3, 2)


async def test_a_kept_connection_that_breaks_while_the_provider_works_is_no_stale_one(
    engine: RunningEngine, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was done there may be billed: nobody sends it again unasked."""
    monkeypatch.setattr(upstream_module, "STALE_S", 0.0)
    upstream.script = [as_stream(*message_events()), HANG_UP, as_stream(*message_events())]
    await engine.ask()
    response = await engine.ask()
    assert (response.status_code, (await engine.record(2)).attempts[0].outcome) == (502, "connection_lost")
    assert len(upstream.calls) == 2


async def test_a_fresh_connection_that_is_closed_is_not_tried_again(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = HANG_UP
    await engine.ask()
    assert len(upstream.calls) == 1


async def test_when_all_fail_the_client_gets_the_first_one_s_own_answer(
    with_fallback: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    body = b'{"type":"error", "error":{"type":"overloaded_error","message":"first"}}'
    upstream.script = as_json(body, 529, (("retry-after", "3"), ("request-id", "req_first")))
    second.script = as_json(error_body("api_error", "second"), 500)
    response = await with_fallback.ask()
    record = await with_fallback.record()
    told = (response.status_code, response.content, response.headers["retry-after"], response.headers["request-id"])
    assert told == (529, body, "3", "req_first")
    assert (record.outcome, record.status, len(record.attempts)) == ("failed", 529, 2)


async def test_where_the_first_gave_no_answer_the_client_gets_the_next_one_s(
    with_fallback: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = HANG_UP
    second.script = as_json(OVERLOADED, 529)
    response = await with_fallback.ask()
    assert (response.status_code, response.content) == (529, OVERLOADED)


async def test_the_chain_is_walked_in_order_each_target_once(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = second.script = as_json(OVERLOADED, 529)
    async with ScriptedUpstream(as_stream(*message_events())) as third:
        chosen = settings(provider(upstream), provider(second), provider(third), fallback=True)
        chosen["route"]["fallback"] = ["second", "first", "second/claude-opus-4-8", "third"]
        engine = await start(chosen)
        await engine.ask()
    record = await engine.record()
    assert [each.provider for each in record.attempts] == ["first", "second", "third"]


async def test_a_fallback_changes_address_key_and_model_together(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_json(OVERLOADED, 529)
    engine = await start(
        settings(
            provider(upstream, models=["claude-opus-4-8"]),
            provider(f"{second.url}/api", auth="x-api-key", api_key="k2", models=["anthropic/claude-opus-4.8"]),
            fallback=True,
        )
    )
    await engine.ask()
    call, record = second.calls[0], await engine.record()
    told = (
        call.path,
        call.header("x-api-key"),
        call.header("authorization"),
        b'"anthropic/claude-opus-4.8"' in call.body,
    )
    assert told == ("/api/v1/messages", "k2", None, True)
    assert (record.target_model, record.served_model) == ("anthropic/claude-opus-4.8", "claude-opus-4-8")


async def test_turning_fallback_off_holds_from_the_next_request_on(
    with_fallback: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_json(OVERLOADED, 529)
    await with_fallback.ask()
    await with_fallback.command("fallback", c.SetFallback(enabled=False))
    response = await with_fallback.ask()
    assert (response.status_code, len(second.calls)) == (529, 1)


async def test_a_request_that_does_not_stream_falls_back_too(
    with_fallback: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_json(OVERLOADED, 529)
    second.script = as_json(message_body())
    response = await with_fallback.ask(message(stream=False))
    assert (response.content, (await with_fallback.record()).fell_back) == (message_body(), True)


@pytest.mark.parametrize("body", [b"", HTML, message_events()[0], b'"text"', b"[]", b"{}"])
async def test_a_whole_answer_that_is_none_becomes_an_error(
    engine: RunningEngine, upstream: ScriptedUpstream, body: bytes
) -> None:
    upstream.script = as_json(body)
    response = await engine.ask(message(stream=False))
    assert (response.status_code, response.json()["error"]["type"]) == (502, "api_error")


async def test_an_error_under_a_200_becomes_an_error_for_a_request_that_does_not_stream(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_json(OVERLOADED)
    response = await engine.ask(message(stream=False))
    assert (response.status_code, response.json()["error"]["type"]) == (529, "overloaded_error")


async def test_a_whole_answer_where_a_stream_was_due_reaches_the_client_as_a_stream(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_json(message_body("Hello there."))
    response = await engine.ask()
    record = await engine.record()
    assert (response.headers["content-type"].partition(";")[0], "message_stop" in response.text) == (
        "text/event-stream",
        True,
    )
    assert (record.outcome, record.usage.output_tokens) == ("served", 42)


async def test_health_tells_which_provider_is_in_trouble_and_until_when(
    with_fallback: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_json(OVERLOADED, 529, (("retry-after", "30"),))
    await with_fallback.ask()
    providers = {each.name: each for each in (await with_fallback.snapshot()).providers}
    first, other = providers["first"], providers["second"]
    assert (first.health, first.retry_at is not None, other.health) == ("limited", True, "ok")


async def test_a_detour_is_told_once(with_fallback: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_json(OVERLOADED, 529)
    await with_fallback.ask()
    await with_fallback.ask()
    told = [notice.text for notice in (await with_fallback.snapshot()).notices]
    assert [text for text in told if "second serves instead" in text] == told[:1]


@pytest.mark.parametrize("script", [as_stream(*message_events()), as_json(message_body())], ids=["stream", "whole"])
async def test_a_compressed_answer_that_is_damaged_is_no_answer(
    engine: RunningEngine, upstream: ScriptedUpstream, script: Reply
) -> None:
    body: Any = script.body
    whole = body if isinstance(body, bytes) else b"".join(body)
    upstream.script = Reply(200, (*script.headers, ("content-encoding", "gzip")), whole)
    response = await engine.ask(message(stream=not isinstance(body, bytes)))
    assert (response.status_code, (await engine.record()).attempts[0].outcome) == (502, "not_an_answer")
