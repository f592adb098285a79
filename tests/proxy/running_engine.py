"""An engine that runs inside the test's own event loop, on a free port, with a home of its own.

``RunningEngine`` sends requests as Claude Code does and waits for what the engine records; nothing waits on a clock.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec

from proxy import contract as c
from proxy.engine import Engine
from proxy.ledger.retention import remove_old
from proxy.ledger.schema import connect
from proxy.net.exchange import Exchange
from proxy.paths import Paths, find_paths
from proxy.settings import load_settings
from tests.upstreams import CLAUDE, Gate, ScriptedUpstream

TIMEOUT_S = 20.0
"""A test that waits longer waits for something that will not come."""


class WatchedEngine(Engine):
    """An engine that tells the test what arrived and what ended."""

    def __init__(
        self, paths: Paths, settings: Mapping[str, Any], environ: Mapping[str, str], health_clock: Callable[[], float]
    ) -> None:
        super().__init__(paths, load_settings(paths.config_file, settings, {}), environ, health_clock)
        self.records: list[c.Request] = []
        self.exchanges: list[Exchange] = []
        self._arrivals: list[Gate] = []
        self._endings: list[Gate] = []

    def opened(self, exchange: Exchange) -> None:
        super().opened(exchange)
        self.exchanges.append(exchange)
        gate(self._arrivals, len(self.exchanges), "arrival").open()

    def ended(self, exchange: Exchange) -> None:
        super().ended(exchange)
        self.records.append(exchange.view())
        gate(self._endings, len(self.records), "end").open()

    async def arrived(self, count: int = 1) -> Exchange:
        """Request number ``count`` (from 1), once it arrived."""
        await gate(self._arrivals, count, "arrival").wait()
        return self.exchanges[count - 1]

    async def record(self, count: int = 1) -> c.Request:
        """Record number ``count`` (from 1), once that many requests ended."""
        await gate(self._endings, count, "end").wait()
        return self.records[count - 1]


class RunningEngine:
    """The engine, and a client of it that has the token."""

    def __init__(
        self,
        home: Path,
        settings: Mapping[str, Any],
        environ: Mapping[str, str],
        health_clock: Callable[[], float] = time.time,
    ) -> None:
        self.paths = find_paths({"CCTUI_HOME": str(home)})
        self.engine = WatchedEngine(self.paths, settings, environ, health_clock)
        self._listener = listener()
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = self.engine.local_token
        self.http = httpx.AsyncClient(
            base_url=self.url,
            headers={c.TOKEN_HEADER: self.token},
            timeout=TIMEOUT_S,
            trust_env=False,
            verify=False,
        )

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.engine.run(self._listener), name="engine")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()
        await self.stop()

    async def stop(self) -> None:
        """End the engine now, running requests too."""
        if not self._task.done():
            self.engine.stop(0.0)
        await self._task

    @property
    def running(self) -> "asyncio.Task[None]":
        return self._task

    async def record(self, count: int = 1) -> c.Request:
        return await self.engine.record(count)

    async def ask(self, body: Mapping[str, Any] | bytes | None = None, **headers: str) -> httpx.Response:
        """``POST /v1/messages``, the answer read to its end."""
        return await self.http.post(
            "/v1/messages", content=encoded(message() if body is None else body), headers=named(headers)
        )

    @contextlib.asynccontextmanager
    async def asking(
        self, body: Mapping[str, Any] | bytes | None = None, **headers: str
    ) -> AsyncIterator[httpx.Response]:
        """``POST /v1/messages``, the answer's body left to the test; leaving the block closes the connection."""
        content = encoded(message() if body is None else body)
        async with self.http.stream("POST", "/v1/messages", content=content, headers=named(headers)) as response:
            yield response

    async def command(self, name: str, command: msgspec.Struct) -> httpx.Response:
        """A command at the control door."""
        return await self.http.post(f"{c.DOOR}/{name}", content=msgspec.json.encode(command))

    async def look(self, path: str, **query: str) -> httpx.Response:
        """A question at the control door."""
        return await self.http.get(f"{c.DOOR}/{path}", params=query)

    async def snapshot(self) -> c.Snapshot:
        return msgspec.json.decode((await self.look("state")).content, type=c.Snapshot)


def listener() -> socket.socket:
    """A listening socket on a free port of this machine."""
    made = socket.create_server(("127.0.0.1", 0))
    made.setblocking(False)
    return made


def message(model: str = CLAUDE, *, stream: bool = True, **fields: Any) -> dict[str, Any]:
    """A body as the client sends it."""
    turn = {"role": "user", "content": "Say hello."}
    return {"model": model, "max_tokens": 64, "messages": [turn], "stream": stream, **fields}


def encoded(body: Mapping[str, Any] | bytes) -> bytes:
    return body if isinstance(body, bytes) else msgspec.json.encode(body)


def named(headers: Mapping[str, str]) -> dict[str, str]:
    """Keyword arguments as header names."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def provider(upstream: ScriptedUpstream | str, **more: Any) -> dict[str, Any]:
    """Settings of a provider that lists no models, so that only the test's requests reach its upstream."""
    url = upstream if isinstance(upstream, str) else upstream.url
    return {"preset": "respan", "base_url": url, "api_key": "key-of-the-provider", **more}


def passthrough(upstream: ScriptedUpstream) -> dict[str, Any]:
    """Settings of a provider that gets the client's own credential."""
    return {"preset": "respan", "base_url": upstream.url, "auth": "passthrough", "passthrough_host": "127.0.0.1"}


def settings(*providers: Mapping[str, Any], fallback: bool = False, **tables: Any) -> dict[str, Any]:
    """Settings with providers ``first``, ``second`` …; the others follow the first where ``fallback`` is on."""
    names = ("first", "second", "third")[: len(providers)]
    route = {"default": "first", "fallback": list(names[1:]), "fallback_enabled": fallback}
    return {
        "providers": dict(zip(names, providers, strict=True)),
        "route": {**route, **tables.pop("route", {})},
        "engine": {"local_servers": False, **tables.pop("engine", {})},
        **tables,
    }


def gate(gates: list[Gate], count: int, what: str) -> Gate:
    while len(gates) < count:
        gates.append(Gate(f"{what} of request number {len(gates) + 1}"))
    return gates[count - 1]


def forget_rows(file: Path) -> None:
    """Remove all rows from a ledger, as if their days had passed."""
    connection = connect(str(file))
    while remove_old(connection, 1, time.time() + 3 * 86_400):
        pass
    connection.close()
