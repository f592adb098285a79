"""The OpenTelemetry SDK: spans and metrics on their way to a collector. The one module that imports it.

Where they go, how often, with which headers, certificates, sampling and resource attributes is the SDK's own
business, read from its standard ``OTEL_*`` variables. Its exporters have threads and bounded queues of their own.
"""

import logging
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Counter, Histogram, Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from proxy import __version__
from proxy.telemetry.conventions import DURATION_STEPS_S, FIRST_CHUNK_STEPS_S, TOKEN_STEPS, Measurement, Span

log = logging.getLogger(__name__)


class Collector:
    """Sends to the collector that the environment names."""

    def __init__(self, *, traces: bool, metrics: bool) -> None:
        resource = Resource.create({"service.name": "cctui", "service.version": __version__})
        resource = resource.merge(OTELResourceDetector().detect())
        self._spans = _SpanExporter() if traces else None
        self._tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        if self._spans is not None:
            self._tracers.add_span_processor(BatchSpanProcessor(self._spans))
        readers = [PeriodicExportingMetricReader(OTLPMetricExporter())] if metrics else []
        self._meters = MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)
        self._tracer: Tracer = self._tracers.get_tracer("cctui", __version__)
        self._instruments = _instruments(self._meters.get_meter("cctui", __version__))

    @property
    def refused(self) -> bool:
        """The last spans were not taken."""
        return self._spans is not None and self._spans.refused

    def send(self, span: Span, measurements: Sequence[Measurement]) -> None:
        """Hand over what one request was. The SDK's threads take it from here."""
        opened = self._tracer.start_span(
            span.name, kind=SpanKind.CLIENT, attributes=span.attributes, start_time=span.start_ns
        )
        for event in span.events:
            opened.add_event(event.name, event.attributes, event.at_ns)
        if span.failed:
            opened.set_status(Status(StatusCode.ERROR))
        opened.end(span.end_ns)
        for each in measurements:
            instrument = self._instruments[each.instrument]
            if isinstance(instrument, Histogram):
                instrument.record(each.value, each.attributes)
            else:
                instrument.add(each.value, each.attributes)

    def close(self) -> None:
        """Send what waits, as long as the SDK's time limits let it."""
        self._tracers.shutdown()
        self._meters.shutdown()


class _SpanExporter(OTLPSpanExporter):
    """Remembers whether the collector took the last spans."""

    refused = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        self.refused = result is not SpanExportResult.SUCCESS
        return result


def _instruments(meter: Meter) -> dict[str, Histogram | Counter]:
    return {
        "tokens_used": meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens of a request, as the provider counted them.",
            explicit_bucket_boundaries_advisory=TOKEN_STEPS,
        ),
        "duration": meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "From a request's arrival to its last byte.",
            explicit_bucket_boundaries_advisory=DURATION_STEPS_S,
        ),
        "first_chunk": meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            "s",
            "From a request's arrival to the first meaningful event of its stream.",
            explicit_bucket_boundaries_advisory=FIRST_CHUNK_STEPS_S,
        ),
        "tokens": meter.create_counter("cctui.tokens", "{token}", "Billed tokens by kind, estimates included."),
        "cost": meter.create_counter("cctui.cost", "{USD}", "Dollars; a subscription's at list price."),
        "unpriced": meter.create_counter("cctui.unpriced_requests", "{request}", "Requests whose cost nobody knows."),
    }
