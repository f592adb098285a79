"""How fast tokens and dollars go: computed from requests, each spread evenly over its life."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from proxy.contract import Request

SPAN_S = 600.0
"""What the graph shows."""
RATE_WINDOW_S = 120.0
"""What "now" means for a rate: long enough for a turn of the conversation, short enough to follow it."""
LONGEST_S = 1800.0
"""Requests that began longer ago than span and this are not looked at."""


@dataclass(frozen=True, slots=True)
class Burn:
    """Rates now, and tokens per minute in equal columns of the span, oldest first."""

    tokens_per_min: float = 0.0
    nano_usd_per_hour: float = 0.0
    simulated_nano_usd_per_hour: float = 0.0
    unpriced: int = 0
    """Requests that ended lately and whose cost nobody knows; they are in no rate of money."""
    columns: tuple[float, ...] = ()


def burn(newest_first: Iterable[Request], now: float, columns: int, session: str | None = None) -> Burn:
    """The burn of ``session`` (None: of all traffic) in the ``SPAN_S`` before ``now``.

    Columns begin at whole multiples of their length, so that they move on as they are; the last one is not over yet and
    grows until it is.
    """
    width_s = SPAN_S / max(1, columns)
    buckets = [0.0] * columns
    tokens = real = simulated = 0.0
    unpriced = 0
    end_of_last = math.ceil(now / width_s) * width_s
    begin = end_of_last - SPAN_S
    for request in newest_first:
        if request.started_at < begin - LONGEST_S:
            break
        if session is not None and (request.session_id or "") != session:
            continue
        start, end = _life(request, now)
        if end < now - SPAN_S or start > now:
            continue
        amount = request.usage.total_tokens
        _pour(buckets, amount, start - begin, end - begin, width_s)
        if end > now - RATE_WINDOW_S:
            share = _overlap(start, end, now - RATE_WINDOW_S, now)
            tokens += amount * share
            cost = (request.cost_nano_usd or 0) * share
            real, simulated = (real, simulated + cost) if request.simulated else (real + cost, simulated)
            unpriced += _unpriced(request)
    return Burn(
        tokens_per_min=tokens * 60 / RATE_WINDOW_S,
        nano_usd_per_hour=real * 3600 / RATE_WINDOW_S,
        simulated_nano_usd_per_hour=simulated * 3600 / RATE_WINDOW_S,
        unpriced=unpriced,
        columns=tuple(amount * 60 / width_s for amount in buckets),
    )


def _unpriced(request: Request) -> bool:
    """It ended and was billed, and nobody knows what."""
    billed = request.kind == "messages" and request.outcome != "failed"
    return billed and not request.live and request.cost_nano_usd is None


def _life(request: Request, now: float) -> tuple[float, float]:
    length_s = max(0.0, now - request.started_at) if request.live else (request.duration_ms or 0.0) / 1000
    return request.started_at, request.started_at + max(0.001, length_s)


def _overlap(start: float, end: float, low: float, high: float) -> float:
    """The share of ``start`` to ``end`` that lies between ``low`` and ``high``."""
    return max(0.0, min(end, high) - max(start, low)) / (end - start)


def _pour(buckets: list[float], amount: float, start: float, end: float, width_s: float) -> None:
    first = max(0, int(start // width_s))
    last = min(len(buckets) - 1, int(end // width_s))
    for index in range(first, last + 1):
        buckets[index] += amount * _overlap(start, end, index * width_s, (index + 1) * width_s)
