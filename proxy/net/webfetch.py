"""Pages of the public web, fetched by the engine for models whose provider fetches none.

An address on the web may lead to a machine that only this one can reach, by its name, by a redirect, or by a name that
means something else when it is looked up again. So each is looked up once, what comes of it is judged, and a connection
goes to nothing but what was judged: the socket is refused where anything else would be connected. Nothing of the user's
goes along: no credentials, no cookies, no proxy. Whatever goes wrong becomes an ``Refusal`` with a sentence that says
why: a model reads it, and so does the user.
"""

import asyncio
import base64
import socket
import ssl
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from proxy.addresses import is_loopback
from proxy.net.upstream import fault_of, proxy_for
from proxy.protocol.fetch import Fetched, WantedPages
from proxy.protocol.outcome import Cause
from proxy.protocol.page_address import BadAddress, PageAddress, redirected
from proxy.protocol.page_text import TITLE_CHARS_MAX, decoded_page, kind_of, read_html
from proxy.protocol.public_addresses import Address, is_near, is_public
from proxy.protocol.web_tools import PageCode, Refusal
from proxy.settings import Settings

FETCH_TIMEOUT_S = 15.0
"""For a page with all its redirects, looking up and reading included."""
PAGE_BYTES_MAX = 5 * 1024 * 1024
"""Of a body, on the way and unpacked."""
REDIRECTS_MAX = 5
ADDRESSES_MAX = 8
"""Of a name, that are tried."""
READERS = 2
"""Threads in which pages become text; each has the interpreter's lock for up to two seconds."""

Place = tuple[str, int]
"""An address of the Internet Protocol, and a port."""
LookUp = Callable[[str, int], Awaitable[Sequence[Place]]]
Judge = Callable[[Address, Address | None], bool]
"""Whether an address may be connected to from one's own, which is None where nobody knows it."""

_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS: Mapping[str, str] = {
    "user-agent": "cctui",
    "accept": "text/html, application/xhtml+xml, text/*;q=0.9, application/json;q=0.9, application/xml;q=0.8, "
    "application/pdf;q=0.7",
    "accept-encoding": "gzip, deflate",
    "accept-language": "en, *;q=0.5",
}
_PACKED = ("gzip", "x-gzip", "deflate")
_ZLIB_OR_GZIP = 32 + zlib.MAX_WBITS
_FAULTS: Mapping[Cause, str] = {
    "dns": "has no address",
    "tls": "has no certificate that can be trusted",
    "refused": "refuses connections",
    "connect_timeout": "does not answer",
    "reset": "broke the connection off",
}

_readers = ThreadPoolExecutor(READERS, thread_name_prefix="pages")


class _NotPublic(OSError):
    """What a socket was to be connected to is not anybody's to reach."""


class _NotFetched(Exception):
    def __init__(self, code: PageCode, words: str) -> None:
        super().__init__(words)
        self.code: PageCode = code


def may_reach(address: Address, own: Address | None) -> bool:
    """Whether ``address`` is anybody's to reach, seen from ``own``."""
    return is_public(address) and not is_near(address, own)


async def look_up(host: str, port: int) -> Sequence[Place]:
    """The addresses of a name. Raises ``OSError``."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(str(place[0]), int(place[1])) for *_, place in found]


class WebFetch:
    """Fetches pages."""

    def __init__(self, trust: ssl.SSLContext, judge: Judge = may_reach, look_up: LookUp = look_up) -> None:
        self._trust, self._judge, self._look_up = trust, judge, look_up

    async def fetch(self, address: PageAddress, wanted: WantedPages, *, pdf: bool) -> Fetched | Refusal:
        """The page at ``address``, within fifteen seconds. ``pdf``: the model reads such files."""
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S):
                return await self._fetched(address, wanted, pdf)
        except TimeoutError:
            return Refusal("url_not_accessible", f"{address.host} did not answer within {FETCH_TIMEOUT_S:.0f} s.")
        except BadAddress as fault:
            return Refusal(fault.code, str(fault))
        except _NotFetched as failure:
            return Refusal(failure.code, f"{failure}.")

    async def _fetched(self, address: PageAddress, wanted: WantedPages, pdf: bool) -> Fetched:
        """Raises ``_NotFetched`` and ``BadAddress``."""
        for _ in range(REDIRECTS_MAX + 1):
            if not wanted.admits(address):
                raise _NotFetched(
                    "url_not_allowed", f"it leads to {address.host}, whose pages this request does not admit"
                )
            page = await self._asked(address, pdf)
            if isinstance(page, Fetched):
                return page
            address = page
        raise _NotFetched("url_not_accessible", f"{address.host} redirects more than {REDIRECTS_MAX} times")

    async def _asked(self, address: PageAddress, pdf: bool) -> Fetched | PageAddress:
        """What is at ``address``: a page, or where it redirects."""
        places = await self._places(address)
        try:
            async with (
                self._session(places) as session,
                session.get(URL(address.url, encoded=True), allow_redirects=False) as response,
            ):
                if response.status in _REDIRECTS and (location := response.headers.get("location")):
                    return redirected(address, _as_sent(location))
                return await self._read(address, response, pdf)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, BadAddress | TimeoutError):
                raise
            if isinstance(getattr(error, "os_error", None), _NotPublic):
                raise _not_public(address) from None
            words = _FAULTS.get(fault_of(error).cause, "does not answer as a page does")
            raise _NotFetched("url_not_accessible", f"{address.host} {words}") from error

    async def _places(self, address: PageAddress) -> Sequence[Place]:
        """Where ``address`` may be connected to. Raises ``_NotFetched``."""
        if proxy_for(address.url) is not None:
            words = "this machine reaches the web through a proxy only, and where that connects to could not be judged"
            raise _NotFetched("unavailable", words)
        try:
            found = (
                [(address.host, address.port)] if address.literal else await self._look_up(address.host, address.port)
            )
        except OSError:
            raise _NotFetched("url_not_accessible", f"{address.host} {_FAULTS['dns']}") from None
        if not found:
            raise _NotFetched("url_not_accessible", f"{address.host} {_FAULTS['dns']}")
        places = [place for place in found[:ADDRESSES_MAX] if self._may_connect(place)]
        if not places:
            raise _not_public(address)
        return places

    def _may_connect(self, place: Place) -> bool:
        try:
            address = ip_address(place[0])
        except ValueError:
            return False
        return self._judge(address, _own_address(address, place[1]))

    def _session(self, places: Sequence[Place]) -> aiohttp.ClientSession:
        """For one request: nothing of it is left for the next."""
        connector = aiohttp.TCPConnector(
            resolver=_LookedUp(places),
            socket_factory=self._socket,
            ssl=self._trust,
            use_dns_cache=False,
            force_close=True,
        )
        return aiohttp.ClientSession(
            connector=connector,
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
        )

    def _socket(self, info: Any) -> socket.socket:
        """The last word on what is connected to, whoever looked it up. Raises ``OSError``."""
        family, kind, protocol, _, place = info
        if not self._may_connect((place[0], place[1])):
            raise _NotPublic
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    async def _read(self, address: PageAddress, response: aiohttp.ClientResponse, pdf: bool) -> Fetched:
        """Raises ``_NotFetched`` and what ``aiohttp`` does."""
        _check_status(address, response.status)
        label = response.headers.get("content-type", "")
        kind = kind_of(label)
        if kind is None:
            told = label.partition(";")[0].strip()[:80] or "a type that it does not tell"
            raise _NotFetched(
                "unsupported_content_type", f"{address.host} has {told} there: only texts and PDF are read"
            )
        if kind == "pdf" and not pdf:
            raise _NotFetched("unsupported_content_type", "it is a PDF file, which this model does not read")
        body = await _read_body(address, response)
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        if kind == "pdf":
            return _pdf(address, body, now)
        text, title = decoded_page(body, label), ""
        if kind == "html":
            loop = asyncio.get_running_loop()
            page = await loop.run_in_executor(_readers, read_html, text, address.url)
            text, title = page.text, page.title
        return Fetched(address.url, now, title, text)


class _LookedUp(AbstractResolver):
    """Says what was found and judged, and looks nothing up."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=found,
                port=its_port,
                family=socket.AF_INET6 if ":" in found else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for found, its_port in self._places
        ]

    async def close(self) -> None:
        """There is nothing to close."""


def _own_address(address: Address, port: int) -> Address | None:
    """From which address this machine would connect to ``address``; nothing is sent. None: it has no way there."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), port))
            return ip_address(probe.getsockname()[0])
        except (OSError, ValueError):
            return None


def _not_public(address: PageAddress) -> _NotFetched:
    return _NotFetched("url_not_allowed", f"{address.host} is not on the public web")


def _as_sent(header: str) -> str:
    """A header with characters outside ASCII, which many servers send as UTF-8."""
    return header.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _check_status(address: PageAddress, status: int) -> None:
    if status == 429:
        raise _NotFetched("too_many_requests", f"{address.host} is asked too often")
    if not 200 <= status < 300:
        raise _NotFetched("url_not_accessible", f"{address.host} answered with status {status}")


async def _read_body(address: PageAddress, response: aiohttp.ClientResponse) -> bytes:
    """The body, unpacked. Never more than the limit is held. Raises ``_NotFetched``."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity", *_PACKED):
        raise _NotFetched("url_not_accessible", f"{address.host} packs its pages in a way that nobody asked for")
    unpack = zlib.decompressobj(_ZLIB_OR_GZIP) if encoding in _PACKED else None
    parts: list[bytes] = []
    size = raw_size = 0
    async for chunk in response.content.iter_chunked(64 * 1024):
        raw_size += len(chunk)
        try:
            part = unpack.decompress(chunk, PAGE_BYTES_MAX + 1 - size) if unpack is not None else chunk
        except zlib.error:
            raise _NotFetched("url_not_accessible", f"{address.host} sent a page that cannot be unpacked") from None
        size += len(part)
        if max(size, raw_size) > PAGE_BYTES_MAX:
            raise _NotFetched("content_too_large", f"it has more than {PAGE_BYTES_MAX // 2**20} MB")
        parts.append(part)
    return b"".join(parts)


def _pdf(address: PageAddress, body: bytes, now: str) -> Fetched:
    if b"%PDF-" not in body[:1024]:
        raise _NotFetched("unsupported_content_type", f"{address.host} calls a file PDF that is none")
    name = unquote(address.target.partition("?")[0].rpartition("/")[2])
    return Fetched(address.url, now, " ".join(name.split())[:TITLE_CHARS_MAX], pdf=base64.b64encode(body).decode())


def web_fetch(settings: Settings, trust: ssl.SSLContext) -> WebFetch | None:
    """The fetching of pages that the settings allow; None: there is none.

    Unless they say otherwise, pages are fetched where only this machine can reach the engine: who asks for a page then
    could fetch it as well. From elsewhere the engine would lend its place in the network.
    """
    wanted = settings.search.fetch
    allowed = is_loopback(settings.engine.host) if wanted is None else wanted
    return WebFetch(trust) if allowed else None
