"""Ended requests in the words of OpenTelemetry's semantic conventions for generative AI. Pure.

The names are those of the conventions (status: development). What they have no word for begins with
``cctui.``. There is no prompt, no answer, no error text and no credential in any of it: an error is named by its
kind alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from proxy import contract as c
from proxy.providers import ProviderConfig

Value = str | int | float | bool | Sequence[str]
Attributes = Mapping[str, Value]

TOKEN_STEPS = tuple(4.0**power for power in range(14))
"""Buckets of ``gen_ai.client.token.usage``, as the conventions say."""
DURATION_STEPS_S = tuple(0.01 * 2**power for power in range(14))
"""Buckets of ``gen_ai.client.operation.duration``, as the conventions say."""
FIRST_CHUNK_STEPS_S = (
    0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
)  # fmt: skip
"""Buckets of ``gen_ai.client.operation.time_to_first_chunk``; the slow end is longer than that of the conventions."""

PROVIDER_NAMES: Mapping[str, str] = {
    "moonshot": "moonshot_ai",
    "kimi-coding": "moonshot_ai",
    "bedrock": "aws.bedrock",
    "bedrock-mantle": "aws.bedrock",
    "claude-aws": "anthropic",
    "vertex": "gcp.vertex_ai",
    "google-cloud": "gcp.gen_ai",
    "gemini": "gcp.gemini",
    "gemini-openai": "gcp.gemini",
    "azure": "azure.ai.inference",
    "azure-openai": "azure.ai.openai",
    "mistral": "mistral_ai",
    "xai": "x_ai",
}
"""Well-known values of ``gen_ai.provider.name``, by preset; other presets go by their own name.

It says whose service answers, whatever its format. ``claude-aws`` is Anthropic's own service behind AWS's door, for
which there is no value; ``gcp.gen_ai`` is any endpoint of Google's that has none of its own.
"""
_OWN_SERVERS = ("custom", "openai-compatible")
"""Presets that name no provider: there it is what the user calls it."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value for one instrument."""

    instrument: Literal["tokens_used", "duration", "first_chunk", "tokens", "cost", "unpriced"]
    value: float
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Event:
    """Something within a span."""

    name: str
    at_ns: int
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Span:
    """One request as a trace shows it; times are Unix nanoseconds."""

    name: str
    start_ns: int
    end_ns: int
    attributes: Attributes
    events: tuple[Event, ...]
    failed: bool


def told(request: c.Request) -> bool:
    """Whether ``request`` is for the collector: a model was called, and not the simulator's."""
    return request.kind == "messages" and not request.simulated and not request.live


def span_of(request: c.Request, provider: ProviderConfig | None) -> Span:
    """``request`` as a span."""
    start_ns = int(request.started_at * 1e9)
    model = _model(request)
    return Span(
        name=f"chat {model}" if model else "chat",
        start_ns=start_ns,
        end_ns=start_ns + int((request.duration_ms or 0) * 1e6),
        attributes={**_common(request, provider), **_server(provider), **_usage(request), **_own(request)},
        events=_attempts(request, start_ns),
        failed=_error_type(request) is not None,
    )


def measurements(request: c.Request, provider: ProviderConfig | None) -> list[Measurement]:
    """What ``request`` adds to the metrics. Their attributes name no session and no agent: those are without end."""
    common = {name: value for name, value in _common(request, provider).items() if name in _DIMENSIONS}
    found: list[Measurement] = []
    if request.duration_ms is not None:
        found.append(Measurement("duration", request.duration_ms / 1000, common))
    if request.streaming and request.ttft_ms is not None:
        found.append(Measurement("first_chunk", request.ttft_ms / 1000, common))
    for kind, count in _told_counts(request).items():
        found.append(Measurement("tokens_used", count, {**common, "gen_ai.token.type": kind}))
    return found + _spent(request, common)


def _told_counts(request: c.Request) -> dict[str, int]:
    """What the provider told: the conventions' own metric takes no estimates."""
    if not request.usage.total_tokens:
        return {}
    counts = {"input": request.usage.prompt_tokens, "output": request.usage.output_tokens}
    return {kind: count for kind, count in counts.items() if not _estimated(request, kind)}


def _estimated(request: c.Request, kind: str) -> bool:
    """Whether the engine counted tokens of a kind, for want of the provider's word."""
    return request.usage_estimated and (kind == "output" or not request.output_estimated)


_DIMENSIONS = frozenset(
    {
        "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.model", "error.type",
        "cctui.provider", "cctui.project", "cctui.role",
    }
)  # fmt: skip


def _spent(request: c.Request, common: Attributes) -> list[Measurement]:
    usage = request.usage
    kinds = {
        "input": usage.input_tokens,
        "output": usage.output_tokens,
        "cache_read": usage.cache_read_tokens,
        "cache_write_5m": usage.cache_write_5m_tokens,
        "cache_write_1h": usage.cache_write_1h_tokens,
    }
    found = [
        Measurement(
            "tokens", count, {**common, "cctui.token.kind": kind, "cctui.usage.estimated": _estimated(request, kind)}
        )
        for kind, count in kinds.items()
        if count
    ]
    money = {
        **common,
        "cctui.cost_source": request.cost_source,
        "cctui.subscription": request.subscription,
        "cctui.usage.estimated": request.usage_estimated,
    }
    if request.cost_nano_usd is None:
        return [*found, Measurement("unpriced", 1, common)]
    return [*found, Measurement("cost", c.dollars(request.cost_nano_usd), money)]


def _model(request: c.Request) -> str | None:
    """What the provider was asked for, else what the client asked for."""
    return request.target_model or request.asked_model


def _common(request: c.Request, provider: ProviderConfig | None) -> dict[str, Value]:
    name = request.provider or "none"
    preset = provider.preset if provider is not None and provider.preset not in _OWN_SERVERS else name
    return _given(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": PROVIDER_NAMES.get(preset, preset),
            "gen_ai.request.model": _model(request),
            "gen_ai.response.model": request.served_model,
            "gen_ai.conversation.id": request.session_id,
            "gen_ai.agent.id": request.agent_id,
            "error.type": _error_type(request),
            "cctui.provider": request.provider,
            "cctui.project": request.project,
            "cctui.role": request.role,
        }
    )


def _error_type(request: c.Request) -> str | None:
    """The kind of failure, a word of our table of outcomes; a client that went away is no failure."""
    if request.outcome not in ("failed", "broken"):
        return None
    if request.outcome == "broken":
        return "stream_broken"
    tried = [attempt for attempt in request.attempts if not attempt.skipped]
    return tried[-1].outcome if tried else str(request.status or "_OTHER")


def _server(provider: ProviderConfig | None) -> dict[str, Value]:
    if provider is None:
        return {}
    parts = urlsplit(provider.base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {"server.address": parts.hostname, "server.port": port} if parts.hostname else {}


def _usage(request: c.Request) -> dict[str, Value]:
    usage = request.usage
    if not usage.total_tokens:
        return {}
    return {
        "gen_ai.usage.input_tokens": usage.prompt_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        "cctui.usage.cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "cctui.usage.estimated": request.usage_estimated,
        "cctui.usage.output_estimated": request.output_estimated or request.usage_estimated,
    }


def _own(request: c.Request) -> dict[str, Value]:
    cost = request.cost_nano_usd
    reasons = [request.stop_reason] if request.stop_reason else ["error"] if _error_type(request) else None
    return _given(
        {
            "gen_ai.request.stream": request.streaming or None,
            "gen_ai.response.id": request.message_id,
            "gen_ai.response.finish_reasons": reasons,
            "gen_ai.response.time_to_first_chunk": _seconds(request.ttft_ms) if request.streaming else None,
            "cctui.request.id": request.id,
            "cctui.asked_model": request.asked_model,
            "cctui.session": request.session_id,
            "cctui.agent": request.agent_id,
            "cctui.parent_agent": request.parent_agent_id,
            "cctui.client": request.client,
            "cctui.outcome": request.outcome,
            "cctui.status": request.status,
            "cctui.ttft_s": _seconds(request.ttft_ms),
            "cctui.attempts": len(request.attempts),
            "cctui.fell_back": request.fell_back,
            "cctui.cost_usd": None if cost is None else c.dollars(cost),
            "cctui.cost_nano_usd": cost,
            "cctui.cost_source": request.cost_source,
            "cctui.subscription": request.subscription,
        }
    )


def _attempts(request: c.Request, start_ns: int) -> tuple[Event, ...]:
    """Each try as an event at its end; they follow each other."""
    events: list[Event] = []
    at_ns = start_ns
    for attempt in request.attempts:
        at_ns += int(attempt.duration_ms * 1e6)
        facts = _given(
            {
                "cctui.provider": attempt.provider,
                "gen_ai.request.model": attempt.model,
                "cctui.attempt.outcome": attempt.outcome,
                "http.response.status_code": attempt.status,
            }
        )
        events.append(Event("cctui.attempt", at_ns, facts))
    return tuple(events)


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _given(values: Mapping[str, Value | None]) -> dict[str, Value]:
    """Those that are known."""
    return {name: value for name, value in values.items() if value is not None}
