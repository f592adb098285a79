"""Lines as Claude Code writes them into its transcripts."""

import json
from typing import Any

USAGE = {
    "input_tokens": 12,
    "cache_creation_input_tokens": 1000,
    "cache_read_input_tokens": 20_000,
    "cache_creation": {"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 400},
    "output_tokens": 42,
    "service_tier": "standard",
    "speed": "standard",
    "iterations": [],
}
NANO_USD = 12 * 5_000 + 600 * 6_250 + 400 * 10_000 + 20_000 * 500 + 42 * 25_000
"""What ``USAGE`` costs on claude-opus-4-8."""


def assistant(
    message_id: str,
    *,
    model: str = "claude-opus-4-8",
    request_id: str | None = "req_1",
    at: str = "2026-11-20T10:00:00.000Z",
    session: str = "s-1",
    usage: dict[str, Any] | None = None,
    output_tokens: int | None = None,
    **fields: Any,
) -> bytes:
    """One block of an answer; ``fields`` stand beside the message."""
    counts = dict(USAGE if usage is None else usage)
    if output_tokens is not None:
        counts["output_tokens"] = output_tokens
    message = {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": "CANARYANSWER"}],
        "stop_reason": "end_turn",
        "usage": counts,
    }
    line = {
        "parentUuid": None,
        "isSidechain": False,
        "requestId": request_id,
        "type": "assistant",
        "timestamp": at,
        "cwd": "/home/dev/shop-api",
        "sessionId": session,
        "version": "2.1.329",
        "message": message,
        **fields,
    }
    return json.dumps(line).encode() + b"\n"


def user(text: str = "CANARYPROMPT") -> bytes:
    line = {"type": "user", "sessionId": "s-1", "message": {"role": "user", "content": text}}
    return json.dumps(line).encode() + b"\n"
