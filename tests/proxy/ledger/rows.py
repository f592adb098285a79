"""Requests that ended, as the ledger takes them."""

from datetime import datetime

from proxy import contract as c

NOON = datetime.fromisoformat("2026-03-01T12:00:00").timestamp()


def ended(number: int = 0, **fields: object) -> c.Request:
    """A request that was served, as many seconds after noon as its number says."""
    values: dict[str, object] = {
        "id": f"r{number:08}",
        "started_at": NOON + number,
        "phase": "done",
        "outcome": "served",
        "status": 200,
        "session_id": "s-1",
        "agent_id": "a-1",
        "project": "shop",
        "asked_model": "claude-opus-4-8",
        "served_model": "claude-opus-4-8",
        "provider": "first",
        "usage": c.Usage(input_tokens=10, output_tokens=5),
        "cost_nano_usd": 100,
        "cost_source": "listed",
        "attempts": (c.Attempt(provider="first", model="m", outcome="served", status=200, duration_ms=1.5),),
    }
    return c.Request(**{**values, **fields})  # type: ignore[arg-type]
