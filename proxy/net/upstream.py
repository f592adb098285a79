"""Connections to providers: httpx requests over the aiohttp transport, pooled, without cookies or redirects.

Foreign exceptions end here: everything that can go wrong on the way becomes an ``UpstreamFault`` with a cause
from the table of outcomes. Nothing here knows routes, usage or prices.
"""

import asyncio
import errno
import socket
import ssl
import time
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextvars import ContextVar
from functools import lru_cache, partial
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler
from httpx_aiohttp import AiohttpTransport

from proxy.protocol.outcome import Cause
from proxy.providers import ProviderConfig
from proxy.simulator import SimulatorPlan, SimulatorTransport

KEEPALIVE_S = 60.0
"""Idle connections are kept this long; providers' own limits are near it."""

UNACKNOWLEDGED_MS = 30_000
"""A connection whose peer acknowledges nothing for so long is dead: after sleep, or behind a dropped NAT entry."""

STALE_S = 0.5
"""A connection that the provider had closed says so within the time of a way there and back."""

_PROBES = (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))
"""A silent connection is probed after 20 s, and dead after three probes without an answer: what sends signs of life to
the client relies on it."""

WHOLE_BYTES_MAX = 256 * 1024
"""A smaller body is sent in one piece; a larger one in slices of this size, which copies none of it."""

Body = bytes | Sequence[bytes | memoryview]
"""What a request carries: in one piece or in several that follow each other."""

_opened: ContextVar[list[socket.socket] | None] = ContextVar("opened_sockets", default=None)
"""Collects the sockets that a request has opened; none: it went over an idle connection."""


class UpstreamFault(Exception):
    """The provider could not be reached or stopped answering."""

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause
        self.detail = detail


class Upstreams:
    """The connections to all providers. Create and close it inside the running event loop."""

    def __init__(self, connect_timeout_s: float) -> None:
        self._connect_timeout_s = connect_timeout_s
        self.trust = ssl.create_default_context()
        self._session = self._new_session()
        self._transports: dict[str, httpx.AsyncBaseTransport] = {}
        self._simulators: dict[str, SimulatorTransport] = {}
        self._retired: set[asyncio.Task[None]] = set()

    async def send(
        self,
        provider: ProviderConfig,
        method: str,
        url: str,
        headers: list[tuple[bytes, bytes]],
        body: Body,
    ) -> httpx.Response:
        """Send a request and return its response as soon as the headers are there; the caller closes it.

        An idle connection that the provider had closed is replaced once: nothing was processed on it. One that breaks
        later than ``STALE_S`` was at work, and what it did may be billed: whoever asked decides whether to ask again.
        Raises ``UpstreamFault``. Bounding the time is the caller's part, but for the connection itself.
        """
        opened: list[socket.socket] = []
        began = time.monotonic()
        token = _opened.set(opened)
        try:
            return await self._send_once(provider, method, url, headers, body)
        except UpstreamFault as fault:
            if fault.cause != "reset" or opened or time.monotonic() - began > STALE_S:
                raise
        finally:
            _opened.reset(token)
        return await self._send_once(provider, method, url, headers, body)

    def renew(self) -> None:
        """Use fresh connections from now on (the machine slept, the network changed); running ones go on."""
        old, self._session = self._session, self._new_session()
        self._transports.clear()
        task = asyncio.create_task(_close_when_idle(old), name="close old connections")
        self._retired.add(task)
        task.add_done_callback(self._retired.discard)

    def forget(self, name: str) -> None:
        """The provider ``name`` is set up otherwise, or no longer: its next request finds its own way there."""
        self._transports.pop(name, None)
        self._simulators.pop(name, None)

    async def close(self) -> None:
        for task in self._retired:
            task.cancel()
        for simulator in self._simulators.values():
            await simulator.aclose()
        await self._session.close()

    async def _send_once(
        self, provider: ProviderConfig, method: str, url: str, headers: list[tuple[bytes, bytes]], body: Body
    ) -> httpx.Response:
        timeouts = {"timeout": {"connect": self._connect_timeout_s, "read": None, "pool": None}}
        request = _request(method, _url(url), headers, body, timeouts)
        try:
            return await self._transport(provider).handle_async_request(request)
        except (httpx.TransportError, aiohttp.ClientError, OSError) as error:
            raise fault_of(error) from error

    def _transport(self, provider: ProviderConfig) -> httpx.AsyncBaseTransport:
        transport = self._transports.get(provider.name)
        if transport is None:
            transport = self._transports[provider.name] = self._new_transport(provider)
        return transport

    def _new_transport(self, provider: ProviderConfig) -> httpx.AsyncBaseTransport:
        if provider.simulated:
            return self._simulator(provider)
        proxy = proxy_for(provider.base_url)
        return AiohttpTransport(client=self._session, verify=self.trust, proxy=httpx.Proxy(proxy) if proxy else None)

    def _simulator(self, provider: ProviderConfig) -> SimulatorTransport:
        if provider.name not in self._simulators:
            settings = provider.simulator
            plan = SimulatorPlan(**settings.model_dump()) if settings else SimulatorPlan()
            self._simulators[provider.name] = SimulatorTransport({provider.name: plan})
        return self._simulators[provider.name]

    def _new_session(self) -> aiohttp.ClientSession:
        connector = _Connector(
            limit=0,
            keepalive_timeout=KEEPALIVE_S,
            ssl=self.trust,
            socket_factory=_new_socket,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            read_bufsize=256 * 1024,
        )


class _Connection(ResponseHandler):
    """Takes reading up again only where it was put off.

    The transport asks for it after each piece that it hands on, and an answer that came at once has a hundred: to parse
    nothing so often took a tenth of the engine's time (aiohttp 3.14).
    """

    def resume_reading(self, resume_parser: bool = True) -> None:
        if self._reading_paused:
            super().resume_reading(resume_parser)


class _Connector(aiohttp.TCPConnector):
    """Makes such connections. Should a later aiohttp make them in another way, ours are its plain ones."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = cast("partial[ResponseHandler]", partial(_Connection, loop=self._loop))


async def read_chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body as it arrives, decoded where the provider compressed it unasked. Raises ``UpstreamFault``."""
    stream = response.aiter_bytes() if _is_encoded(response) else cast("httpx.AsyncByteStream", response.stream)
    try:
        async for chunk in stream:
            if chunk:
                yield chunk
    except (httpx.TransportError, httpx.DecodingError, aiohttp.ClientError, OSError) as error:
        raise fault_of(error) from error


def _is_encoded(response: httpx.Response) -> bool:
    encodings = [value.lower() for name, value in response.headers.raw if name.lower() == b"content-encoding"]
    return any(encoding not in (b"", b"identity") for encoding in encodings)


async def read_body(response: httpx.Response, limit: int) -> bytes:
    """The whole body. Raises ``UpstreamFault``, also for one of more than ``limit`` bytes."""
    parts, size = [], 0
    async for chunk in read_chunks(response):
        parts.append(chunk)
        size += len(chunk)
        if size > limit:
            raise UpstreamFault("too_large", f"an answer of more than {limit // 2**20} MB")
    return b"".join(parts)


def fault_of(error: BaseException) -> UpstreamFault:
    """The cause of a failed connection: the innermost exception knows it, the outer ones blur it."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and len(chain) < 8:
        chain.append(current)
        current = getattr(current, "os_error", None) or current.__cause__
    return UpstreamFault(_cause_of(chain), _words_of(chain))


def _words_of(chain: Sequence[BaseException]) -> str:
    """Where it was to go, and what the system says where that tells more."""
    connecting = next((each for each in chain if isinstance(each, aiohttp.ClientConnectorError)), None)
    if connecting is None:
        return next((str(each) for each in chain if str(each)), type(chain[0]).__name__)
    place = f"{connecting.host}:{connecting.port}"
    inner = chain[-1]
    if isinstance(inner, ssl.SSLError):
        return f"{place}: {inner.reason or inner}"
    return place


def _cause_of(chain: list[BaseException]) -> Cause:
    for each in chain:
        if isinstance(each, aiohttp.ClientConnectorDNSError | socket.gaierror):
            return "dns"
        if isinstance(each, ssl.SSLError | aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
            return "tls"
        if isinstance(each, aiohttp.ConnectionTimeoutError | TimeoutError) and not isinstance(each, ConnectionError):
            return "connect_timeout"
        if isinstance(each, ConnectionRefusedError) or getattr(each, "errno", None) in (
            errno.ECONNREFUSED,
            errno.EHOSTUNREACH,
            errno.ENETUNREACH,
        ):
            return "refused"
    if any(isinstance(each, httpx.DecodingError) for each in chain):
        return "not_a_stream"
    return "reset"


def proxy_for(url: str) -> str | None:
    """The HTTP proxy that the environment names for ``url`` (``HTTPS_PROXY``, ``NO_PROXY``); None: go direct."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


class _Slices(httpx.AsyncByteStream):
    """A large body, uncopied: the transport takes a slice when the last one is on its way."""

    def __init__(self, pieces: Sequence[bytes | memoryview]) -> None:
        self._pieces = [memoryview(piece) for piece in pieces]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            for start in range(0, len(piece), WHOLE_BYTES_MAX):
                yield cast("bytes", piece[start : start + WHOLE_BYTES_MAX])


def _request(
    method: str, url: httpx.URL, headers: list[tuple[bytes, bytes]], body: Body, extensions: dict[str, Any]
) -> httpx.Request:
    """Host and length are left to the transport, which knows them."""
    pieces = (body,) if isinstance(body, bytes) else body
    size = sum(map(len, pieces))
    if size <= WHOLE_BYTES_MAX:
        whole = httpx.ByteStream(b"".join(pieces))
        request = httpx.Request(method, url, headers=headers, stream=whole, extensions=extensions)
        request.read()
        return request
    sized = [*headers, (b"content-length", b"%d" % size)]
    return httpx.Request(method, url, headers=sized, stream=_Slices(pieces), extensions=extensions)


@lru_cache(maxsize=512)
def _url(text: str) -> httpx.URL:
    return httpx.URL(text)


def _new_socket(address: Any) -> socket.socket:
    family, kind, protocol, _, _ = address
    new = socket.socket(family, kind, protocol)
    new.setblocking(False)
    new.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _PROBES:
        if hasattr(socket, name):
            new.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        new.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
    if (opened := _opened.get()) is not None:
        opened.append(new)
    return new


async def _close_when_idle(session: aiohttp.ClientSession, patience_s: float = 900.0) -> None:
    """Close a retired session once its running streams had time to end."""
    try:
        await asyncio.sleep(patience_s)
    finally:
        await session.close()
