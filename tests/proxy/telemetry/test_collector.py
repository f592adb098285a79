"""What a collector on a socket receives from an engine that served requests, decoded as a collector does."""

import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from proxy import contract as c
from proxy.telemetry.sender import WAITING_MAX, Telemetry, wanted_signals
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import (
    Break,
    Refused,
    Reply,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    message_events,
    message_stream,
)
from tests.upstreams.priced import OPUS_NANO_USD, USAGE

TAKEN = Reply(200, (("content-type", "application/x-protobuf"),), b"", framing="length")
SESSION = "0d9f1c2e-8a43-4f0e-9f7e-0a1b2c3d4e5f"
PROMPT = "CANARYPROMPT the launch code is 0000"
KEY = "sk-or-v1-CANARYPROVIDERKEY0123456789abcd"


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch, clean_environment: None) -> AsyncIterator[ScriptedUpstream]:
    """A receiver of OTLP over HTTP, named by the standard variable; nothing else of OpenTelemetry is set."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    async with ScriptedUpstream(TAKEN) as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        yield running


@pytest.fixture
async def observed(start: StartEngine, upstream: ScriptedUpstream, collector: ScriptedUpstream) -> RunningEngine:
    """An engine with one provider and a collector."""
    return await start(settings(provider(upstream, api_key=KEY)), os.environ)


def spans(collector: ScriptedUpstream) -> list[Span]:
    """In the order in which they began."""
    found = [
        span
        for call in collector.calls
        if call.path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(call.body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    return sorted(found, key=lambda span: span.start_time_unix_nano)


def points(collector: ScriptedUpstream) -> dict[str, list[Any]]:
    """The data points of each metric, as last sent."""
    last = [call for call in collector.calls if call.path == "/v1/metrics"][-1]
    return {
        metric.name: list(metric.histogram.data_points or metric.sum.data_points)
        for resource in ExportMetricsServiceRequest.FromString(last.body).resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def read(attributes: Any) -> dict[str, Any]:
    pairs: list[KeyValue] = list(attributes)
    return {pair.key: plain(pair.value) for pair in pairs}


def plain(value: AnyValue) -> Any:
    if value.WhichOneof("value") == "array_value":
        return [plain(each) for each in value.array_value.values]
    return getattr(value, value.WhichOneof("value") or "string_value")


async def test_a_request_is_a_span_by_the_conventions(
    observed: RunningEngine, upstream: ScriptedUpstream, collector: ScriptedUpstream
) -> None:
    upstream.script = as_stream(message_stream(usage=USAGE, model="claude-opus-4-8"))
    await observed.ask(message(), x_claude_code_session_id=SESSION, x_claude_code_agent_id="a1b2")
    record = await observed.record()
    await observed.stop()

    (span,) = spans(collector)
    assert (span.name, span.kind, span.status.code) == (
        "chat claude-opus-4-8",
        Span.SPAN_KIND_CLIENT,
        Status.STATUS_CODE_UNSET,
    )
    told = read(span.attributes)
    assert {name: told.get(name) for name in told if name.startswith(("gen_ai.", "server.", "error."))} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "respan",
        "gen_ai.request.model": "claude-opus-4-8",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "claude-opus-4-8",
        "gen_ai.response.id": "msg_scripted01",
        "gen_ai.response.finish_reasons": ["end_turn"],
        "gen_ai.response.time_to_first_chunk": (record.ttft_ms or 0) / 1000,
        "gen_ai.conversation.id": SESSION,
        "gen_ai.agent.id": "a1b2",
        "gen_ai.usage.input_tokens": 21_012,
        "gen_ai.usage.output_tokens": 42,
        "gen_ai.usage.cache_read.input_tokens": 20_000,
        "gen_ai.usage.cache_creation.input_tokens": 1_000,
        "server.address": "127.0.0.1",
        "server.port": upstream.port,
    }
    assert (told["cctui.cost_nano_usd"], told["cctui.cost_usd"]) == (OPUS_NANO_USD, OPUS_NANO_USD / 1e9)
    assert (told["cctui.session"], told["cctui.role"], told["cctui.provider"]) == (SESSION, "agent", "first")
    assert span.end_time_unix_nano - span.start_time_unix_nano == int((record.duration_ms or 0) * 1e6)


async def test_metrics_sum_up_tokens_dollars_and_times(
    observed: RunningEngine, upstream: ScriptedUpstream, collector: ScriptedUpstream
) -> None:
    upstream.script = as_stream(message_stream(usage=USAGE))
    for _ in range(3):
        await observed.ask()
    await observed.record(3)
    await observed.stop()

    sent = points(collector)
    tokens = {read(point.attributes)["gen_ai.token.type"]: point for point in sent["gen_ai.client.token.usage"]}
    assert {kind: (point.count, point.sum) for kind, point in tokens.items()} == {
        "input": (3, 63_036.0),
        "output": (3, 126.0),
    }
    assert [point.count for point in sent["gen_ai.client.operation.duration"]] == [3]
    assert [point.count for point in sent["gen_ai.client.operation.time_to_first_chunk"]] == [3]
    assert [round(point.as_double * 1e9) for point in sent["cctui.cost"]] == [3 * OPUS_NANO_USD]
    kinds = {read(point.attributes)["cctui.token.kind"]: point.as_int for point in sent["cctui.tokens"]}
    assert kinds == {"input": 36, "output": 126, "cache_read": 60_000, "cache_write_5m": 1_800, "cache_write_1h": 1_200}
    assert "gen_ai.conversation.id" not in read(sent["cctui.cost"][0].attributes)


async def test_a_fallback_is_one_span_with_both_attempts(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, collector: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream), provider(second), fallback=True), os.environ)
    upstream.script = as_json(error_body("overloaded_error", "Overloaded"), 529)
    await engine.ask()
    await engine.record()
    await engine.stop()

    (span,) = spans(collector)
    tried = [read(event.attributes) for event in span.events]
    assert [(each["cctui.provider"], each["cctui.attempt.outcome"]) for each in tried] == [
        ("first", "overloaded"),
        ("second", "served"),
    ]
    assert (read(span.attributes)["cctui.fell_back"], span.status.code) == (True, Status.STATUS_CODE_UNSET)


async def test_a_failure_is_named_by_its_kind(
    observed: RunningEngine, upstream: ScriptedUpstream, collector: ScriptedUpstream
) -> None:
    upstream.script = as_json(error_body("rate_limit_error", f"slow down, {PROMPT}"), 429)
    await observed.ask()
    upstream.script = as_stream(*message_events()[:5], Break())
    await observed.ask()
    await observed.record(2)
    await observed.stop()

    failed, broken = spans(collector)
    assert [read(span.attributes)["error.type"] for span in (failed, broken)] == ["rate_limited", "stream_broken"]
    assert {span.status.code for span in (failed, broken)} == {Status.STATUS_CODE_ERROR}


async def test_what_came_of_a_broken_answer_is_told_as_an_estimate(
    observed: RunningEngine, upstream: ScriptedUpstream, collector: ScriptedUpstream
) -> None:
    upstream.script = as_stream(*message_events("word " * 80, usage=USAGE)[:-3], Break())
    await observed.ask()
    await observed.record()
    await observed.stop()

    told = read(spans(collector)[0].attributes)
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (21_012, 100)
    assert (told["cctui.usage.estimated"], told["cctui.usage.output_estimated"]) == (True, True)
    sent = points(collector)
    assert [read(point.attributes)["gen_ai.token.type"] for point in sent["gen_ai.client.token.usage"]] == ["input"]
    guessed = {
        (each := read(point.attributes))["cctui.token.kind"]: each["cctui.usage.estimated"]
        for point in sent["cctui.tokens"]
    }
    assert [kind for kind, estimated in guessed.items() if estimated] == ["output"]
    assert read(sent["cctui.cost"][0].attributes)["cctui.usage.estimated"] is True


async def test_an_unknown_price_is_counted_and_is_no_zero(
    observed: RunningEngine, upstream: ScriptedUpstream, collector: ScriptedUpstream
) -> None:
    upstream.script = as_stream(message_stream(model="my-finetune"))
    await observed.ask(message("my-finetune"))
    await observed.record()
    await observed.stop()

    assert "cctui.cost_usd" not in read(spans(collector)[0].attributes)
    sent = points(collector)
    assert "cctui.cost" not in sent
    assert [point.as_int for point in sent["cctui.unpriced_requests"]] == [1]


async def test_neither_texts_nor_secrets_leave(
    observed: RunningEngine, upstream: ScriptedUpstream, collector: ScriptedUpstream
) -> None:
    for script in (
        as_stream(message_stream("CANARYANSWER")),
        as_json(error_body("authentication_error", f"invalid x-api-key {KEY}: {PROMPT}"), 401),
    ):
        upstream.script = script
        await observed.ask(message(system=PROMPT), authorization="Bearer sk-ant-oat01-CANARYLOGIN0123456789")
    await observed.record(2)
    await observed.stop()

    sent = b"".join(call.body for call in collector.calls)
    assert len(spans(collector)) == 2
    assert b"CANARY" not in sent
    assert observed.token.encode() not in sent


async def test_the_simulator_and_counts_are_not_told(start: StartEngine, collector: ScriptedUpstream) -> None:
    engine = await start({"route": {"default": "simulator"}, "engine": {"local_servers": False}}, os.environ)
    await engine.ask()
    await engine.record()
    await engine.stop()

    assert spans(collector) == []


async def test_service_name_and_headers_are_the_standard_variables_own(
    monkeypatch: pytest.MonkeyPatch, start: StartEngine, upstream: ScriptedUpstream, collector: ScriptedUpstream
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "team-cctui")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "user.name=dev-7")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=blue")
    engine = await start(settings(provider(upstream)), os.environ)
    await engine.ask()
    await engine.record()
    await engine.stop()

    call = next(call for call in collector.calls if call.path == "/v1/traces")
    resource = read(ExportTraceServiceRequest.FromString(call.body).resource_spans[0].resource.attributes)
    assert (resource["service.name"], resource["user.name"]) == ("team-cctui", "dev-7")
    assert call.header("x-team") == "blue"


async def test_a_collector_that_is_away_harms_no_stream_and_is_told(
    monkeypatch: pytest.MonkeyPatch, start: StartEngine, upstream: ScriptedUpstream, collector: ScriptedUpstream
) -> None:
    with Refused() as nobody:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", nobody.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
        engine = await start(settings(provider(upstream)), os.environ)
        assert (await engine.ask()).status_code == 200
        await engine.record()
        await engine.stop()

    assert "did not take the last spans" in (engine.engine.telemetry.problem or "")


async def test_missing_packages_are_a_problem_in_words(
    monkeypatch: pytest.MonkeyPatch, start: StartEngine, upstream: ScriptedUpstream, collector: ScriptedUpstream
) -> None:
    monkeypatch.delitem(sys.modules, "proxy.telemetry.collector", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.metric_exporter", None)
    engine = await start(settings(provider(upstream)), os.environ)
    assert (await engine.ask()).status_code == 200
    problem = engine.engine.telemetry.problem or ""
    assert problem.startswith("OTEL_EXPORTER_OTLP_ENDPOINT is set but")
    assert "pip install 'cctui[otel]'" in problem


def test_a_protocol_that_is_not_spoken_is_a_problem_in_words() -> None:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    telemetry = Telemetry(environ, lambda _: None)
    telemetry.start()
    assert "http/protobuf only" in (telemetry.problem or "")


@pytest.mark.parametrize(
    ("environ", "signals"),
    [
        ({}, ()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, ("TRACES", "METRICS")),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c:4318/v1/metrics"}, ("METRICS",)),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, ("METRICS",)),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "true"}, ()),
    ],
)
def test_the_standard_variables_decide_what_is_sent(environ: dict[str, str], signals: tuple[str, ...]) -> None:
    assert wanted_signals(environ) == signals


def test_without_a_collector_nothing_is_kept_and_nothing_imported() -> None:
    telemetry = Telemetry({}, lambda _: None)
    telemetry.start()
    telemetry.record(c.Request(id="1", started_at=0.0, phase="done", outcome="served"))
    telemetry.close()
    assert (len(telemetry._waiting), telemetry.problem) == (0, None)
    assert telemetry._waiting.maxlen == WAITING_MAX
