"""The engine in Prometheus's text format 0.0.4: sums since it started, and how it is now. Pure.

Sums grow with each ended request and begin at zero with a new engine, which is what Prometheus expects of a process;
the history over restarts is the ledger's. Labels name provider, model and kind, never a session: those are without
end. Beyond ``SERIES_MAX`` combinations of provider and model the rest is summed up as ``other``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from proxy import contract as c

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SERIES_MAX = 500
FIRST_EVENT_STEPS_S = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 40.0, 80.0)
HEALTH: tuple[c.HealthState, ...] = ("unused", "ok", "limited", "failing", "refused")
NANO = Decimal(10) ** -9

Labels = tuple[tuple[str, str], ...]
Number = int | float | Decimal
Series = Mapping[Labels, Number]


@dataclass(slots=True)
class _Histogram:
    """Counts of values up to each of ``FIRST_EVENT_STEPS_S``, their sum and number."""

    counts: list[int] = field(default_factory=lambda: [0] * len(FIRST_EVENT_STEPS_S))
    total: float = 0.0
    number: int = 0

    def add(self, value_s: float) -> None:
        self.total += value_s
        self.number += 1
        for position, step in enumerate(FIRST_EVENT_STEPS_S):
            self.counts[position] += value_s <= step


@dataclass(slots=True)
class Totals:
    """Sums over the ``messages`` requests that ended since the engine started."""

    requests: dict[Labels, int] = field(default_factory=dict)
    tokens: dict[Labels, int] = field(default_factory=dict)
    nano_usd: dict[Labels, int] = field(default_factory=dict)
    simulated_nano_usd: dict[Labels, int] = field(default_factory=dict)
    unpriced: dict[Labels, int] = field(default_factory=dict)
    first_event: dict[Labels, _Histogram] = field(default_factory=dict)
    _known: set[Labels] = field(default_factory=set)

    def add(self, request: c.Request) -> None:
        """Take in an ended request."""
        if request.kind != "messages":
            return
        served = self._served(request)
        _add(self.requests, (*served, ("outcome", request.outcome or "failed")), 1)
        for kind, count in _by_kind(request.usage).items():
            if count:
                _add(self.tokens, (*served, ("kind", kind)), count)
        if request.cost_nano_usd is None:
            _add(self.unpriced, served, 1)
        elif request.simulated:
            _add(self.simulated_nano_usd, served, request.cost_nano_usd)
        else:
            billing = "subscription" if request.subscription else "metered"
            _add(self.nano_usd, (*served, ("billing", billing)), request.cost_nano_usd)
        if request.outcome == "served" and request.ttft_ms is not None:
            self.first_event.setdefault(served, _Histogram()).add(request.ttft_ms / 1000)

    def _served(self, request: c.Request) -> Labels:
        model = request.served_model or request.target_model or request.asked_model or ""
        labels = (("provider", request.provider or ""), ("model", model))
        if labels not in self._known and len(self._known) >= SERIES_MAX:
            return (("provider", "other"), ("model", "other"))
        self._known.add(labels)
        return labels


@dataclass(frozen=True, slots=True)
class Present:
    """The engine as it is now."""

    engine: c.Engine
    providers: tuple[c.Provider, ...]
    in_flight: int
    problems: int
    unrecorded: int
    """Requests that the ledger could not keep up with, or not hold."""


def exposition(totals: Totals, present: Present) -> str:
    """Everything as text, ready to be scraped."""
    return "".join((*_sums(totals), *_now(present)))


def _sums(totals: Totals) -> Iterable[str]:
    yield _family("cctui_requests_total", "counter", "Ended requests by outcome.", totals.requests)
    yield _family("cctui_tokens_total", "counter", "Billed tokens by kind, estimates included.", totals.tokens)
    spent = "Dollars; those of a subscription are what the list price would be."
    yield _family("cctui_cost_usd_total", "counter", spent, _dollars(totals.nano_usd))
    unreal = "Dollars of the simulator, which nobody pays."
    yield _family("cctui_simulated_cost_usd_total", "counter", unreal, _dollars(totals.simulated_nano_usd))
    yield _family("cctui_unpriced_requests_total", "counter", "Requests whose cost nobody knows.", totals.unpriced)
    yield _histograms("cctui_time_to_first_event_seconds", "From arrival to the first event.", totals.first_event)


def _now(present: Present) -> Iterable[str]:
    engine = present.engine
    info: Labels = (("version", engine.version), ("contract", str(engine.contract)))
    yield _family("cctui_engine_info", "gauge", "What runs.", {info: 1})
    yield _family("cctui_engine_start_time_seconds", "gauge", "Unix time of its start.", {(): engine.started_at})
    yield _family("cctui_engine_resident_bytes", "gauge", "Memory of its process.", {(): engine.rss_bytes})
    yield _family("cctui_engine_draining", "gauge", "1 while it takes no new requests.", {(): int(engine.draining)})
    yield _family("cctui_engine_problems", "gauge", "What is wrong with the engine itself.", {(): present.problems})
    yield _family("cctui_requests_in_flight", "gauge", "Requests that run now.", {(): present.in_flight})
    lost = "Requests that are missing from the history."
    yield _family("cctui_unrecorded_requests_total", "counter", lost, {(): present.unrecorded})
    yield _family("cctui_provider_health", "gauge", "1 for the state that a provider is in.", _health(present))
    limits: dict[Labels, Number] = {
        (("provider", provider.name), ("limit", limit.name)): limit.used
        for provider in present.providers
        for limit in provider.limits
    }
    yield _family("cctui_provider_limit_used_ratio", "gauge", "Share of a provider's limit that is used.", limits)


def _health(present: Present) -> dict[Labels, Number]:
    return {
        (("provider", provider.name), ("state", state)): int(provider.health == state)
        for provider in present.providers
        for state in HEALTH
    }


def _by_kind(usage: c.Usage) -> dict[str, int]:
    return {
        "input": usage.input_tokens,
        "output": usage.output_tokens,
        "cache_read": usage.cache_read_tokens,
        "cache_write_5m": usage.cache_write_5m_tokens,
        "cache_write_1h": usage.cache_write_1h_tokens,
    }


def _add(sums: dict[Labels, int], labels: Labels, amount: int) -> None:
    sums[labels] = sums.get(labels, 0) + amount


def _dollars(sums: Mapping[Labels, int]) -> dict[Labels, Number]:
    """Exact to the nano-dollar, as decimal text allows."""
    return {labels: nano * NANO for labels, nano in sums.items()}


def _family(name: str, kind: str, meaning: str, series: Series) -> str:
    head = f"# HELP {name} {meaning}\n# TYPE {name} {kind}\n"
    return head + "".join(_line(name, labels, value) for labels, value in series.items())


def _histograms(name: str, meaning: str, histograms: Mapping[Labels, _Histogram]) -> str:
    parts = [f"# HELP {name} {meaning}\n# TYPE {name} histogram\n"]
    for labels, histogram in histograms.items():
        for step, count in zip(FIRST_EVENT_STEPS_S, histogram.counts, strict=True):
            parts.append(_line(f"{name}_bucket", (*labels, ("le", str(step))), count))
        parts.append(_line(f"{name}_bucket", (*labels, ("le", "+Inf")), histogram.number))
        parts.append(_line(f"{name}_sum", labels, histogram.total))
        parts.append(_line(f"{name}_count", labels, histogram.number))
    return "".join(parts)


def _line(name: str, labels: Labels, value: Number) -> str:
    shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
    number = f"{value:f}" if isinstance(value, Decimal) else repr(value)
    return f"{name}{{{shown}}} {number}\n" if shown else f"{name} {number}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
