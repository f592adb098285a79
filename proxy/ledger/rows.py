"""Requests as rows of the ledger, and back. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from proxy import contract as c

USAGE_COLUMNS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "web_searches",
)
PROMPT = "(input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens)"
"""Everything that the model read."""
SPLIT_FIELDS = ("input", "output", "cache_read", "cache_write", "searches")
"""Of ``CostSplit``, in the order of ``SPLIT_COLUMNS``."""
SPLIT_COLUMNS = tuple(f"{name}_nano_usd" for name in SPLIT_FIELDS)
"""Empty, all of them, where a cost has no split."""
_PLAIN = (
    "id",
    "started_at",
    "kind",
    "path",
    "session_id",
    "agent_id",
    "parent_agent_id",
    "project",
    "role",
    "client",
    "asked_model",
    "target_model",
    "served_model",
    "provider",
    "why",
    "outcome",
    "status",
    "error",
    "streaming",
    "headers_ms",
    "ttft_ms",
    "first_text_ms",
    "duration_ms",
    "usage_estimated",
    "output_estimated",
    "cost_nano_usd",
    "cost_source",
    "speed",
    "geo",
    "searched_here",
    "simulated",
    "subscription",
    "request_bytes",
    "output_bytes",
    "stop_reason",
    "message_id",
    "imported",
)
_BOOLEAN = (
    "streaming",
    "usage_estimated",
    "output_estimated",
    "searched_here",
    "simulated",
    "subscription",
    "imported",
)

COLUMNS: tuple[str, ...] = (*_PLAIN, *USAGE_COLUMNS, *SPLIT_COLUMNS, "divided", "passes", "attempts")
SUMS = ", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in USAGE_COLUMNS)
INSERT = f"INSERT OR REPLACE INTO requests ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
SELECT = f"SELECT {', '.join(COLUMNS)} FROM requests"

_decode_passes = msgspec.json.Decoder(tuple[c.Pass, ...]).decode
_decode_attempts = msgspec.json.Decoder(tuple[c.Attempt, ...]).decode


def to_row(request: c.Request) -> tuple[Any, ...]:
    """The values of ``COLUMNS``."""
    plain = [getattr(request, name) for name in _PLAIN]
    usage = [getattr(request.usage, name) for name in USAGE_COLUMNS]
    passes = msgspec.json.encode(request.passes).decode() if request.passes else None
    attempts = msgspec.json.encode(request.attempts).decode()
    return (*plain, *usage, *split_values(request.cost_split), passes, attempts)


def from_row(row: Sequence[Any]) -> c.Request:
    """The ended request that a row of ``SELECT`` holds."""
    values: dict[str, Any] = dict(zip(COLUMNS, row, strict=True))
    attempts, passes = _attempts(values.pop("attempts")), passes_of(values.pop("passes"))
    usage = usage_of(values)
    split = split_of(values)
    for name in (*USAGE_COLUMNS, *SPLIT_COLUMNS, "divided"):
        values.pop(name)
    for name in _BOOLEAN:
        values[name] = bool(values[name])
    return c.Request(**values, usage=usage, passes=passes, cost_split=split, attempts=attempts, phase="done")


def _attempts(text: str) -> tuple[c.Attempt, ...]:
    """None at all where they cannot be read: one damaged row must not hide the others."""
    try:
        return _decode_attempts(text)
    except (msgspec.DecodeError, TypeError):
        return ()


def passes_of(text: str | None) -> tuple[c.Pass, ...]:
    """None at all where there was but one answer, or they cannot be read."""
    try:
        return _decode_passes(text) if text else ()
    except (msgspec.DecodeError, TypeError):
        return ()


def split_values(split: c.CostSplit | None) -> tuple[int | None, ...]:
    """The values of ``SPLIT_COLUMNS`` and of ``divided``."""
    if split is None:
        return (*(None for _ in SPLIT_FIELDS), 0)
    return (*(getattr(split, name) for name in SPLIT_FIELDS), int(split.divided))


def split_of(values: Mapping[str, Any]) -> c.CostSplit | None:
    if values[SPLIT_COLUMNS[0]] is None:
        return None
    parts = {name: values[column] for name, column in zip(SPLIT_FIELDS, SPLIT_COLUMNS, strict=True)}
    return c.CostSplit(**parts, divided=bool(values["divided"]))


def usage_of(values: Mapping[str, Any]) -> c.Usage:
    return c.Usage(**{name: values[name] for name in USAGE_COLUMNS})
