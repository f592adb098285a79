"""The relay beside other proxies: time to first byte, throughput, large bodies, paced streams.

Contenders take turns within a round, so that whatever else the machine does falls on all of them alike; a
figure is the median over the rounds.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.contenders import Contender
from tests.bench.jobs import Job, Result
from tests.bench.processes import Generator, cpu_seconds
from tests.bench.traffic import BODY_BYTES, LARGE_BODY_BYTES

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    rounds: int
    requests: int
    """Per round and contender, one after the other."""
    load_s: float
    paced_s: float
    memory_requests: int
    history_requests: int
    """Rows of the ledger that is asked."""


QUICK = Effort(rounds=3, requests=200, load_s=1.0, paced_s=2.0, memory_requests=4_000, history_requests=100_000)
NORMAL = Effort(rounds=7, requests=400, load_s=2.0, paced_s=4.0, memory_requests=20_000, history_requests=1_000_000)
FULL = Effort(rounds=11, requests=600, load_s=3.0, paced_s=6.0, memory_requests=100_000, history_requests=5_000_000)


@dataclass(frozen=True, slots=True)
class Load:
    """The generator processes."""

    main: Generator
    beside: Generator
    """Keeps streams alive while the main one measures."""


Measure = Callable[[Contender, Load, Effort], Figures]


def latency(contender: Contender, load: Load, effort: Effort) -> Figures:
    result = load.main.run(_job(contender, requests=effort.requests))
    return {
        "TTFB p50": percentile(result.ttfb_ms, 50),
        "TTFB p99": percentile(result.ttfb_ms, 99),
        "whole p50": percentile(result.whole_ms, 50),
        **_errors(result),
    }


def throughput(contender: Contender, load: Load, effort: Effort) -> Figures:
    """16 clients. Processor time tells more than requests/s where load and contender share the cores."""
    before = cpu_seconds(contender.pid) if contender.pid else None
    result = load.main.run(_job(contender, clients=16, requests=1_000_000, seconds=effort.load_s))
    after = cpu_seconds(contender.pid) if contender.pid else None
    figures = {"requests/s": result.done / result.seconds, **_errors(result)}
    if before is not None and after is not None and result.done:
        figures["CPU ms/request"] = (after - before) * 1000 / result.done
    return figures


def large(contender: Contender, load: Load, effort: Effort) -> Figures:
    requests = max(10, effort.requests // 10)
    result = load.main.run(_job(contender, requests=requests, body_bytes=LARGE_BODY_BYTES))
    return {"4 MB whole p50": percentile(result.whole_ms, 50), **_errors(result)}


def pacing(contender: Contender, load: Load, effort: Effort) -> Figures:
    """32 streams of 50 events/s."""
    result = load.main.run(streams(contender, clients=32, seconds=effort.paced_s))
    return {
        "delay p50": percentile(result.delays_ms, 50),
        "gap p99": percentile(result.gaps_ms, 99),
        **_errors(result),
    }


def busy(contender: Contender, load: Load, effort: Effort) -> Figures:
    """Time to first byte while 8 streams of 50 events/s run beside: what an attached panel has to show."""
    load.beside.start(streams(contender, clients=8, seconds=effort.paced_s))
    seconds = effort.paced_s * 0.9
    result = load.main.run(_job(contender, requests=1_000_000, seconds=seconds, think_ms=2.0))
    beside = load.beside.result()
    return {
        "TTFB p50, 8 streams": percentile(result.ttfb_ms, 50),
        "TTFB p99, 8 streams": percentile(result.ttfb_ms, 99),
        **_errors(result, beside),
    }


MEASURES: Mapping[str, Measure] = {
    "latency": latency,
    "throughput": throughput,
    "large": large,
    "pacing": pacing,
    "busy": busy,
}


def measure(
    names: Sequence[str], contenders: Sequence[Contender], load: Load, effort: Effort, tell: Callable[[str], None]
) -> dict[str, Figures]:
    """The medians of every figure, by contender."""
    seen: dict[str, dict[str, list[float]]] = {each.name: {} for each in contenders}
    for contender in contenders:
        load.main.run(_job(contender, requests=50))
    for name in names:
        for number in range(effort.rounds):
            tell(f"{name}: round {number + 1} of {effort.rounds}")
            for contender in contenders:
                for figure, value in MEASURES[name](contender, load, effort).items():
                    seen[contender.name].setdefault(figure, []).append(value)
    return {name: _medians(figures) for name, figures in seen.items()}


def _medians(figures: Mapping[str, Sequence[float]]) -> Figures:
    return {name: sum(values) if name == "errors" else statistics.median(values) for name, values in figures.items()}


def streams(contender: Contender, clients: int, seconds: float) -> Job:
    """A stream of 50 events/s for each client."""
    return _job(contender, clients=clients, requests=clients, pace_ms=20, chunks=int(seconds * 50))


def percentile(values: Sequence[float], share: int) -> float:
    """The value that ``share`` percent of ``values`` do not exceed; not a number where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)] if ordered else float("nan")


def _errors(*results: Result) -> Figures:
    return {"errors": float(sum(result.errors for result in results))}


def _job(
    contender: Contender,
    *,
    requests: int,
    clients: int = 1,
    seconds: float = 60.0,
    body_bytes: int = BODY_BYTES,
    pace_ms: float = 0.0,
    chunks: int = 0,
    think_ms: float = 0.0,
) -> Job:
    return Job(
        port=contender.port,
        headers=dict(contender.headers),
        clients=clients,
        requests=requests,
        seconds=seconds,
        body_bytes=body_bytes,
        pace_ms=pace_ms,
        chunks=chunks,
        think_ms=think_ms,
    )
