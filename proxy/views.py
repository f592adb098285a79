"""Providers as panels see them: configuration, health and lists put together, secrets masked. Pure."""

from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from proxy import contract as c
from proxy.catalog import Listing
from proxy.health import HealthView
from proxy.protocol.outcome import TABLE
from proxy.protocol.redact import mask
from proxy.providers import ProviderConfig


def provider_view(
    provider: ProviderConfig,
    health: HealthView,
    listing: Listing,
    models: int,
    environ: Mapping[str, str],
    rejects: tuple[str, ...] = (),
    checks: tuple[c.CheckMark, ...] = (),
) -> c.Provider:
    """A provider without its secrets; ``models`` is how many it has, ``rejects`` what it does not take, ``checks``
    what checks of its models found."""
    key, origin, trouble = _first_key(provider, environ)
    return c.Provider(
        name=provider.name,
        dialect=provider.dialect,
        base_url=provider.base_url,
        preset=provider.preset,
        origin=provider.origin,
        auth=provider.auth,
        key=key,
        key_origin=origin,
        key_error=trouble,
        health=health.state,
        health_text=health.text,
        retry_at=health.retry_at,
        limits=health.limits,
        models=models,
        models_at=listing.fetched_at,
        models_error=listing.error,
        models_error_at=listing.error_at,
        requests=health.served,
        simulated=provider.simulated,
        resting=health.resting,
        keys=_keys(provider, health, environ),
        ttft_p50_ms=health.p50_ms,
        ttft_p95_ms=health.p95_ms,
        rejects=rejects,
        cannot=tuple(_cannot(provider)),
        checks=checks,
    )


def _cannot(provider: ProviderConfig) -> Iterator[str]:
    """What requests of Claude Code may have and this provider does not take."""
    if not provider.translated:
        return
    quirks, claude = provider.quirks, provider.speaks_claude
    if not quirks.images:
        yield "images"
    if not quirks.documents and not claude:
        yield "PDF documents"
    if quirks.forced_tools == "no":
        yield "a demand for a tool"
    elif not quirks.named_tool_choice:
        yield "a demand for a certain tool"
    if quirks.structured != "json_schema":
        yield "structured answers by schema"
    if quirks.effort_field == "none" and provider.dialect == "openai-chat":
        yield "effort"


def _keys(provider: ProviderConfig, health: HealthView, environ: Mapping[str, str]) -> tuple[c.Key, ...]:
    """The state of each key, where there are several: a failure is its last word until it serves again."""
    if len(provider.keys) < 2:
        return ()
    keys: list[c.Key] = []
    for number, (key, breaker) in enumerate(zip(provider.keys, health.keys, strict=True)):
        masked, origin, _ = _shown(key, environ)
        row = TABLE.get(breaker.outcome or "")
        keys.append(
            c.Key(
                name=masked or origin,
                state=(row.health or "ok") if row is not None else "ok",
                text=breaker.reason,
                retry_at=breaker.open_until if breaker.state(health.at) == "open" else None,
                limits=health.key_limits[number],
            )
        )
    return tuple(keys)


def _first_key(provider: ProviderConfig, environ: Mapping[str, str]) -> tuple[str | None, str | None, str | None]:
    """The first key masked, where it comes from, and what is wrong with it."""
    if provider.keys:
        return _shown(provider.keys[0], environ)
    missing = provider.auth in ("bearer", "x-api-key")
    return None, None, f'no key: set api_key = "env:NAME" in [providers.{provider.name}]' if missing else None


def _shown(key: SecretStr, environ: Mapping[str, str]) -> tuple[str | None, str, str | None]:
    """A key masked, where it comes from, and what is wrong with it."""
    text = key.get_secret_value()
    if text.startswith("env:"):
        name = text[4:].strip()
        value = environ.get(name, "")
        return mask(value) if value else None, name, None if value else f"{name} is not set"
    if text.startswith("cmd:"):
        return None, f"cmd:{(text[4:].split() or [''])[0]}", None
    return mask(text), "config.toml", None
