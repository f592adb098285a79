"""Configured upstreams, their keys and models, and what the user has them do."""

from typing import Literal

from proxy.contract.checks import CheckMark
from proxy.contract.frozen import Frozen

PROVIDER_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
"""What a provider may be called, as a regular expression."""

HealthState = Literal["unused", "ok", "limited", "failing", "refused"]
"""``limited``: rate limit or overload with a time to wait; ``refused``: the key was not accepted."""


class Limit(Frozen, frozen=True):
    """A limit that a provider told in its headers."""

    name: str
    """``5h``, ``week``, ``requests``, ``input tokens`` …"""
    used: float
    """Share used: 0.62 is 62 %; may exceed 1."""
    resets_at: float | None = None
    status: str | None = None
    """The provider's own word, such as ``allowed_warning``."""
    rules: bool = False
    """The provider says that this one decides at present."""


class Key(Frozen, frozen=True):
    """One of a provider's keys."""

    name: str
    """Masked, or its origin."""
    state: HealthState = "ok"
    text: str | None = None
    """The last trouble, in words."""
    retry_at: float | None = None
    limits: tuple[Limit, ...] = ()


class Provider(Frozen, frozen=True):
    """A configured upstream, without its secrets."""

    name: str
    dialect: str
    base_url: str
    preset: str | None = None
    origin: str = ""
    """Where it comes from: ``config.toml``, ``OPENROUTER_API_KEY``, ``port 11434`` …"""
    auth: str = "none"
    key: str | None = None
    """Masked, such as ``sk-or…4f2a``; None where it has none."""
    key_origin: str | None = None
    key_error: str | None = None
    """Why the key cannot be had."""
    enabled: bool = True
    health: HealthState = "unused"
    health_text: str | None = None
    """The last trouble, in words, with the next step."""
    retry_at: float | None = None
    limits: tuple[Limit, ...] = ()
    models: int = 0
    models_at: float | None = None
    """When the model list was last fetched with success."""
    models_error: str | None = None
    models_error_at: float | None = None
    requests: int = 0
    """Served since the engine started."""
    simulated: bool = False
    resting: bool = False
    """The user put it aside: nothing is sent there until it is taken back."""
    keys: tuple[Key, ...] = ()
    """All of them, where there are several."""
    ttft_p50_ms: float | None = None
    """To the first event, over the last hour."""
    ttft_p95_ms: float | None = None
    rejects: tuple[str, ...] = ()
    """Fields and betas that it was seen to reject, and which are therefore left out, in words."""
    cannot: tuple[str, ...] = ()
    """What its format or the server does not take, known before anything is sent, in words."""
    checks: tuple[CheckMark, ...] = ()
    """Of those of its models that were checked, the newest first."""
    serves_nothing: bool = False
    """It follows in a chain or a group, and lists no model for anything that clients ask for."""


class Model(Frozen, frozen=True):
    """A model that a provider lists."""

    provider: str
    id: str
    name: str | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    input_nano_usd: int | None = None
    """Price of a million tokens, nano-dollars; None: unknown."""
    output_nano_usd: int | None = None
    tools: bool | None = None
    images: bool | None = None
    thinking: bool | None = None
    favourite: bool = False
    used_at: float | None = None
    """When it last served; None: not within memory."""
    published_id: str | None = None
    """The id under which the client's own ``/model`` shows it, if it does."""
    check: CheckMark | None = None
    """What its checks found; None: it was never checked."""


class ModelList(Frozen, frozen=True):
    """Answer to ``GET /_cctui/models``."""

    models: tuple[Model, ...]
    providers: tuple[Provider, ...]


class SetFavourite(Frozen, frozen=True):
    provider: str
    model: str
    favourite: bool


class RestProvider(Frozen, frozen=True):
    """Command: send nothing to a provider until it is taken back; taking it back forgets its failures."""

    provider: str
    resting: bool


class ForgetRejections(Frozen, frozen=True):
    """Command: send a provider everything again, also what it was seen to reject."""

    provider: str


class TryProvider(Frozen, frozen=True):
    """Command: ask a provider for its models now and say what came of it."""

    provider: str


class Tried(Frozen, frozen=True):
    """Answer to ``TryProvider``."""

    ok: bool
    text: str
    duration_ms: float
