"""Engines on real sockets: each with a temporary home, no keys from the environment and no local servers."""

import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.proxy.engine_process import EVENTS, Stage
from tests.proxy.running_engine import RunningEngine, provider, settings
from tests.upstreams import ScriptedUpstream, as_stream, message_stream

StartEngine = Callable[..., Awaitable[RunningEngine]]


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's settings, keys or proxies reaches the engine."""
    clear_environment(monkeypatch)


def clear_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("CCTUI_", "ANTHROPIC_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
async def start(tmp_path: Path, clean_environment: None) -> AsyncIterator[StartEngine]:
    """Starts engines with the given settings, all on the same home; they end after the test."""
    async with contextlib.AsyncExitStack() as running:

        async def start_engine(
            chosen: Mapping[str, Any],
            environ: Mapping[str, str] | None = None,
            health_clock: Callable[[], float] = time.time,
        ) -> RunningEngine:
            engine = RunningEngine(tmp_path / "cctui", chosen, environ or {}, health_clock)
            return await running.enter_async_context(engine)

        yield start_engine


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    """Answers every request with one small stream, until the test gives it another script."""
    async with ScriptedUpstream(as_stream(message_stream())) as running:
        yield running


@pytest.fixture
async def second() -> AsyncIterator[ScriptedUpstream]:
    """Another provider's server."""
    async with ScriptedUpstream(as_stream(message_stream("Hello from the second."))) as running:
        yield running


@pytest.fixture
async def third() -> AsyncIterator[ScriptedUpstream]:
    """And another one's."""
    async with ScriptedUpstream(as_stream(message_stream("Hello from the third."))) as running:
        yield running


@pytest.fixture
async def engine(start: StartEngine, upstream: ScriptedUpstream) -> RunningEngine:
    """An engine with one provider."""
    return await start(settings(provider(upstream)))


@pytest.fixture
async def with_fallback(start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream) -> RunningEngine:
    """An engine with two providers and fallback on."""
    return await start(settings(provider(upstream), provider(second, api_key="key-of-the-second"), fallback=True))


@pytest.fixture
async def without_fallback(start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream) -> RunningEngine:
    """An engine with two providers and fallback off."""
    return await start(settings(provider(upstream), provider(second, api_key="key-of-the-second"), fallback=False))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Starts engines as processes of their own."""
    with ScriptedUpstream(as_stream(*EVENTS)) as upstream:
        made = Stage(tmp_path / "home", upstream)
        yield made
        made.end()
