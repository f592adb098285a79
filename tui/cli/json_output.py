"""The JSON that commands print: contract values under the names that scripts rely on. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from proxy import contract as c
from tui.state.detour import Detour, detours

Json = dict[str, object]

USAGE_COLUMNS = (
    "key",
    "requests",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "web_searches",
    "cost_usd",
    "simulated_usd",
    "unpriced_requests",
    "failed",
    "name",
)
"""Names in a row of ``usage``, in the order of the CSV's columns."""


def moment(at: float | None) -> str | None:
    """Unix seconds as ISO 8601 in UTC, to the millisecond."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def request(row: c.Request) -> Json:
    """A row of ``cctui requests``; ``cost_usd`` is null while nobody knows it."""
    return {
        "id": row.id,
        "started_at": moment(row.started_at),
        "kind": row.kind,
        "session_id": row.session_id,
        "agent_id": row.agent_id,
        "parent_agent_id": row.parent_agent_id,
        "role": row.role,
        "project": row.project,
        "asked_model": row.asked_model,
        "served_model": row.served_model,
        "target_model": row.target_model,
        "provider": row.provider,
        "why": row.why,
        "phase": row.phase,
        "status": row.status,
        "outcome": row.outcome,
        "error": row.error,
        "stop_reason": row.stop_reason,
        "attempts": [_attempt(attempt) for attempt in row.attempts],
        "streaming": row.streaming,
        "headers_ms": row.headers_ms,
        "ttft_ms": row.ttft_ms,
        "first_text_ms": row.first_text_ms,
        "duration_ms": row.duration_ms,
        "usage": _usage(row.usage),
        "passes": [_pass(one) for one in row.passes],
        "usage_estimated": row.usage_estimated,
        "output_estimated": row.output_estimated,
        "cost_usd": _dollars(row.cost_nano_usd),
        "cost_source": row.cost_source,
        "speed": row.speed,
        "geo": row.geo,
        "simulated": row.simulated,
        "subscription": row.subscription,
        "imported": row.imported,
    }


def _pass(one: c.Pass) -> Json:
    return {
        "provider": one.provider or None,
        "served_model": one.served_model,
        "target_model": one.target_model,
        "usage": _usage(one.usage),
    }


def usage_rows(rows: Iterable[c.UsageRow]) -> list[Json]:
    return [{"key": row.key, **tally(row.tally), "name": row.name or None} for row in rows]


def tally(sums: c.Tally) -> Json:
    """Sums; simulated money stands apart and is in no other figure.

    What requests without a known price cost is in none: ``cost_usd`` is null where all that was spent is unknown.
    """
    return {
        "requests": sums.requests,
        **_usage(sums.usage),
        "web_searches": sums.usage.web_searches,
        "cost_usd": known_dollars(sums.cost_nano_usd, sums.unpriced_requests),
        "simulated_usd": c.dollars(sums.simulated_nano_usd),
        "unpriced_requests": sums.unpriced_requests,
        "failed": sums.failed,
    }


def status(state: c.Snapshot, now: float) -> Json:
    """The engine and what it does at ``now`` (Unix seconds)."""
    live = [row for row in state.requests if row.live]
    return {
        "engine": _engine(state.engine, now),
        "route": route(state.route),
        "fallback": fallback(state.route),
        "detours": [_detour(one) for one in detours_of(state, now)],
        "providers": [provider(one) for one in state.providers],
        "sessions": [_session(session) for session in state.sessions],
        "in_flight": len(live),
        "today": tally(state.today),
        "budgets": [budget(one) for one in state.budgets],
        "problems": list(state.problems),
        "last_request": request(state.requests[-1]) if state.requests else None,
    }


def detours_of(state: c.Snapshot, now: float) -> list[Detour]:
    """The detours that last, among the requests that a state holds."""
    return detours(reversed(state.requests), state.providers, state.route, now)


def no_engine(trace: str) -> Json:
    """``status`` where no engine runs; the names are the same."""
    return {
        "engine": None,
        "route": None,
        "fallback": None,
        "detours": [],
        "providers": [],
        "sessions": [],
        "in_flight": 0,
        "budgets": [],
        "problems": [trace] if trace else [],
    }


def route(value: c.Route) -> Json:
    return {"default": value.default, "overrides": [_override(override) for override in value.overrides]}


def fallback(value: c.Route) -> Json:
    """The chains: ``chain`` serves every slot that has none of its own."""
    return {
        "enabled": value.fallback_enabled,
        "chain": list(value.chain),
        "slot_chains": {slot: list(chain) for slot, chain in value.slot_chains.items()},
        "groups": {name: list(members) for name, members in value.groups.items()},
    }


def tried(value: c.Tried) -> Json:
    return {"ok": value.ok, "text": value.text, "duration_ms": value.duration_ms}


def provider(value: c.Provider) -> Json:
    return {
        "name": value.name,
        "preset": value.preset,
        "dialect": value.dialect,
        "base_url": value.base_url,
        "origin": value.origin,
        "auth": value.auth,
        "key": value.key,
        "key_origin": value.key_origin,
        "key_error": value.key_error,
        "enabled": value.enabled,
        "health": value.health,
        "health_text": value.health_text,
        "retry_at": moment(value.retry_at),
        "resting": value.resting,
        "keys": [_key(key) for key in value.keys],
        "limits": [_limit(limit) for limit in value.limits],
        "ttft_p50_ms": value.ttft_p50_ms,
        "ttft_p95_ms": value.ttft_p95_ms,
        "rejects": list(value.rejects),
        "cannot": list(value.cannot),
        "models": value.models,
        "models_at": moment(value.models_at),
        "models_error": value.models_error,
        "models_error_at": moment(value.models_error_at),
        "requests": value.requests,
        "simulated": value.simulated,
        "serves_nothing": value.serves_nothing,
    }


def model(value: c.Model) -> Json:
    """A listed model; prices are dollars for a million tokens."""
    return {
        "provider": value.provider,
        "id": value.id,
        "name": value.name,
        "context_window": value.context_window,
        "max_output_tokens": value.max_output_tokens,
        "input_usd": _dollars(value.input_nano_usd),
        "output_usd": _dollars(value.output_nano_usd),
        "tools": value.tools,
        "images": value.images,
        "thinking": value.thinking,
        "favourite": value.favourite,
        "used_at": moment(value.used_at),
        "published_id": value.published_id,
    }


def budget(value: c.Budget) -> Json:
    """What may be spent for one purpose, and what was, as requests are judged by."""
    return {
        "kind": value.kind,
        "name": value.name,
        "limit_usd": _dollars(value.limit_nano_usd),
        "granted_usd": c.dollars(value.granted_nano_usd),
        "spent_usd": known_dollars(value.spent_nano_usd, value.unpriced_requests),
        "in_flight_usd": c.dollars(value.in_flight_nano_usd),
        "left_usd": _dollars(value.left_nano_usd),
        "unpriced_requests": value.unpriced_requests,
    }


def target(override: c.Override) -> str:
    """``provider/model``, or the provider alone."""
    return f"{override.provider}/{override.model}" if override.model else override.provider


def _engine(engine: c.Engine, now: float) -> Json:
    return {
        "pid": engine.pid,
        "port": urlsplit(engine.url).port,
        "url": engine.url,
        "version": engine.version,
        "contract": engine.contract,
        "started_at": moment(engine.started_at),
        "uptime_s": round(max(0.0, now - engine.started_at), 3),
        "rss_bytes": engine.rss_bytes,
        "home": engine.home,
        "draining": engine.draining,
        "host_open": engine.host_open,
    }


def _session(session: c.Session) -> Json:
    return {
        "id": session.id,
        "project": session.project,
        "started_at": moment(session.started_at),
        "last_at": moment(session.last_at),
        **tally(session.tally),
        "in_flight": session.in_flight,
        "context_tokens": session.context_tokens,
        "context_window": session.context_window,
        "asked_model": session.asked_model,
        "served_model": session.served_model,
        "provider": session.provider,
        "simulated": session.simulated,
    }


def _override(override: c.Override) -> Json:
    return {
        "target": target(override),
        "provider": override.provider,
        "model": override.model,
        "session": override.session,
        "slot": override.slot,
    }


def _attempt(attempt: c.Attempt) -> Json:
    return {
        "provider": attempt.provider,
        "model": attempt.model,
        "status": attempt.status,
        "outcome": attempt.outcome,
        "reason": attempt.reason,
        "duration_ms": attempt.duration_ms,
        "key": attempt.key,
        "changed": list(attempt.changed),
        "unfit": attempt.unfit,
    }


def _detour(value: Detour) -> Json:
    return {
        "first_choice": value.first_choice,
        "serving": value.serving,
        "since": moment(value.since),
        "why": value.why,
        "retry_at": moment(value.retry_at),
    }


def _key(value: c.Key) -> Json:
    return {
        "name": value.name,
        "state": value.state,
        "text": value.text,
        "retry_at": moment(value.retry_at),
        "limits": [_limit(limit) for limit in value.limits],
    }


def _limit(limit: c.Limit) -> Json:
    return {
        "name": limit.name,
        "used": limit.used,
        "resets_at": moment(limit.resets_at),
        "status": limit.status,
    }


def _usage(tokens: c.Usage) -> Json:
    return {
        "input_tokens": tokens.input_tokens,
        "output_tokens": tokens.output_tokens,
        "cache_read_tokens": tokens.cache_read_tokens,
        "cache_write_5m_tokens": tokens.cache_write_5m_tokens,
        "cache_write_1h_tokens": tokens.cache_write_1h_tokens,
    }


def known_dollars(nano_usd: int, unpriced: int) -> float | None:
    """None where something was spent and nothing is known of it."""
    return None if unpriced and not nano_usd else c.dollars(nano_usd)


def _dollars(nano_usd: int | None) -> float | None:
    return None if nano_usd is None else c.dollars(nano_usd)
