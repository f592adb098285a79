"""Ended requests on their way to OpenTelemetry: off the event loop, through a bounded queue, in a thread of its own.

``record`` never waits and never fails. The SDK is imported only where the environment names a collector, before the
first request; without the packages that is a ``problem`` in words.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from proxy import contract as c
from proxy.providers import ProviderConfig
from proxy.telemetry.conventions import measurements, span_of, told

if TYPE_CHECKING:
    from proxy.telemetry.collector import Collector

log = logging.getLogger(__name__)

WAITING_MAX = 5_000
BATCH_S = 0.5
"""The thread wakes at most so often: a request that just ended is not the moment to take the interpreter's lock."""
CLOSE_S = 3.0
"""An engine that ends waits so long for a collector that does not answer."""

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SIGNALS = ("TRACES", "METRICS")


class Telemetry:
    """Sends ended requests to the collector that ``environ`` names, if it names one."""

    def __init__(self, environ: Mapping[str, str], provider: Callable[[str], ProviderConfig | None]) -> None:
        self._environ, self._provider = environ, provider
        self._signals = wanted_signals(environ)
        self._waiting: deque[c.Request] = deque(maxlen=WAITING_MAX)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._collector: Collector | None = None
        self._obstacle: str | None = None

    @property
    def problem(self) -> str | None:
        """Why the collector gets nothing, in words; None: all is well, or none is named."""
        if self._obstacle is not None:
            return self._obstacle
        if self._collector is not None and self._collector.refused:
            return f"the OpenTelemetry collector of {self._named()} did not take the last spans; the log says why"
        return None

    def start(self) -> None:
        """Import the SDK and begin, which takes its time; nothing where no collector is named."""
        if not self._signals:
            return
        if protocol := self._foreign_protocol():
            self._obstacle = (
                f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}, but cctui sends http/protobuf only: "
                "name that protocol and the collector's port for it, 4318 as a rule"
            )
            return
        try:
            from proxy.telemetry.collector import Collector  # noqa: PLC0415  an extra, and heavy

            self._collector = Collector(traces="TRACES" in self._signals, metrics="METRICS" in self._signals)
        except ImportError as error:
            log.info("OpenTelemetry: %s", error)
            self._obstacle = (
                f"{self._named()} is set but the OpenTelemetry packages are missing: pip install 'cctui[otel]'"
            )
            return
        except Exception as error:
            log.exception("OpenTelemetry cannot start")
            self._obstacle = f"OpenTelemetry cannot start: {error}"
            return
        self._thread = threading.Thread(target=self._run, args=(self._collector,), name="telemetry", daemon=True)
        self._thread.start()

    def record(self, request: c.Request) -> None:
        """Send ``request``. Returns at once; where the queue is full the oldest falls off."""
        if self._thread is not None and told(request):
            self._waiting.append(request)
            self._wake.set()

    def close(self) -> None:
        """Send what waits and end, within ``CLOSE_S``. Blocks."""
        if self._thread is None:
            return
        self._stopping.set()
        self._wake.set()
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            log.warning("the OpenTelemetry collector did not take the last requests in time")

    def _run(self, collector: "Collector") -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            self._wake.clear()
            self._send_waiting(collector)
            self._stopping.wait(BATCH_S)
        self._send_waiting(collector)
        try:
            collector.close()
        except Exception:
            log.exception("closing OpenTelemetry")

    def _send_waiting(self, collector: "Collector") -> None:
        while self._waiting:
            request = self._waiting.popleft()
            provider = self._provider(request.provider or "")
            try:
                collector.send(span_of(request, provider), measurements(request, provider))
            except Exception:
                log.exception("request %s cannot be told to OpenTelemetry", request.id)

    def _named(self) -> str:
        names = (ENDPOINT, *(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT" for signal in SIGNALS))
        return next((name for name in names if self._environ.get(name)), ENDPOINT)

    def _foreign_protocol(self) -> str | None:
        general = self._environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
        chosen = [self._environ.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL") or general for signal in self._signals]
        return next((each for each in chosen if each not in ("", "http/protobuf")), None)


def wanted_signals(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The signals of ``SIGNALS`` that go to a collector, by the standard variables."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()
    return tuple(
        signal
        for signal in SIGNALS
        if (environ.get(ENDPOINT) or environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"))
        and environ.get(f"OTEL_{signal}_EXPORTER", "otlp").strip().lower() != "none"
    )
