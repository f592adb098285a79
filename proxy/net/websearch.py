"""The engine's own web search: asks the service that the settings name, in place of a provider that has none.

Keys are resolved as those of providers are, connections are those of all requests. Whatever goes wrong becomes a
``Refusal`` with a sentence that says what to do: a model reads it, and so does the user.
"""

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Protocol

from pydantic import SecretStr

from proxy.net.credentials import Credentials, NoCredential
from proxy.net.upstream import UpstreamFault, Upstreams, proxy_for, read_body
from proxy.protocol.foreign_json import NotJson, read_json
from proxy.protocol.search import Page, Result, Wanted
from proxy.protocol.search_backends import (
    BACKENDS,
    FILTERED_PAGES,
    SIZES,
    Backend,
    Call,
    Inquiry,
    Size,
    chosen,
    with_operators,
)
from proxy.protocol.web_tools import Refusal, SearchCode
from proxy.providers import ProviderConfig
from proxy.settings import SearchSettings
from proxy.workers import for_traffic

log = logging.getLogger(__name__)

SEARCH_TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 4 * 1024 * 1024
NANO = 10**9
KEYLESS = "ddgs"
"""A library that reads several search engines' pages; it needs no key."""
KEYLESS_TIMEOUT_S = 8

_ENDINGS = re.compile(r"(/res/v1/web/search|/search|/)*$")
"""What a request appends to an address, and users paste with it."""
_STATUSES: Mapping[int, tuple[SearchCode, str]] = {
    401: ("unavailable", "refused the key; check api_key in [search]"),
    402: ("unavailable", "is out of credit; top up, or name another backend in [search]"),
    403: ("unavailable", "refused the request; check api_key in [search] and what the key may do"),
    404: ("unavailable", "has no search at this address; check base_url in [search]"),
    414: ("query_too_long", "takes no query of that length"),
    429: ("too_many_requests", "is asked too often; wait a little"),
    432: ("unavailable", "has spent the plan's credit; top up, or name another backend in [search]"),
    433: ("unavailable", "has reached its limit of pay-as-you-go; raise it, or name another backend in [search]"),
}
"""432 and 433 are Tavily's."""


class SearchFailed(Exception):
    """A service gave no answer that can be used. ``str()`` says why and what to do, and nothing of the query."""

    def __init__(self, code: SearchCode, words: str) -> None:
        super().__init__(words)
        self.code = code


class Source(Protocol):
    """A service that is asked."""

    @property
    def name(self) -> str: ...

    @property
    def chars_max(self) -> int: ...

    @property
    def words_max(self) -> int: ...

    async def pages(self, inquiry: Inquiry) -> Iterable[Page]:
        """What it finds, as it says it. Raises ``SearchFailed``."""
        ...


class WebSearch:
    """Searches by the service in force."""

    def __init__(self, source: Source, size: Size, usd_per_search: Decimal | None) -> None:
        self._source = source
        self._size = size
        self.name = source.name
        self.nano_usd = None if usd_per_search is None else int(usd_per_search * NANO)
        """What a search costs; None: nobody knows."""

    async def find(self, query: str, wanted: Wanted) -> Result:
        """The pages that ``query`` finds, within ten seconds."""
        source = self._source
        if len(query) > source.chars_max or len(query.split()) > source.words_max:
            limit = f"{source.chars_max} characters and {source.words_max} words"
            return Refusal("query_too_long", f"{self.name} takes {limit} at most; search for less at once.")
        inquiry = Inquiry(query, wanted, self._size)
        try:
            async with asyncio.timeout(SEARCH_TIMEOUT_S):
                pages = await source.pages(inquiry)
        except TimeoutError:
            return Refusal("unavailable", f"{self.name} did not answer within {SEARCH_TIMEOUT_S:.0f} s.")
        except SearchFailed as failure:
            log.warning("a search failed: %s", failure)
            return Refusal(failure.code, f"{failure}.")
        return chosen(iter(pages), inquiry)


class HttpSource:
    """A service with an API over HTTP."""

    def __init__(
        self, backend: Backend, address: str, key: SecretStr | None, credentials: Credentials, upstreams: Upstreams
    ) -> None:
        self.name: str = backend.name
        self.chars_max, self.words_max = backend.chars_max, backend.words_max
        self._backend, self._address, self._key = backend, address, key
        self._credentials, self._upstreams = credentials, upstreams
        self._service = ProviderConfig(
            name=f"search:{backend.name}",
            preset="custom",
            dialect="anthropic",
            base_url=address,
            auth="none",
            keys=(),
            origin="[search]",
        )
        """Connections are kept by provider; no provider has a colon in its name."""

    async def pages(self, inquiry: Inquiry) -> Iterable[Page]:
        call = self._backend.call(inquiry, self._address)
        answer = await self._sent(call)
        try:
            decoded = read_json(answer)
        except NotJson as fault:
            raise SearchFailed("unavailable", f"{self.name} answered with something that is no JSON") from fault
        return self._backend.pages(decoded if isinstance(decoded, Mapping) else {})

    async def _sent(self, call: Call) -> bytes:
        """Raises ``SearchFailed``."""
        try:
            credential = await self._credential()
            headers = [*call.headers, (b"accept-encoding", b"identity"), *credential]
            response = await self._upstreams.send(self._service, call.method, call.url, headers, call.body)
            try:
                body = await read_body(response, ANSWER_BYTES_MAX)
            finally:
                await response.aclose()
        except NoCredential as missing:
            raise SearchFailed("unavailable", f"{self.name}: {missing}; see api_key in [search]") from None
        except UpstreamFault as fault:
            raise SearchFailed("unavailable", f"{self.name} cannot be reached ({fault.detail})") from fault
        if response.status_code >= 300:
            raise self._refusal(response.status_code)
        return body

    async def _credential(self) -> list[tuple[bytes, bytes]]:
        """Raises ``NoCredential``."""
        if self._key is not None:
            return [self._backend.key_header(await self._credentials.resolve(self._key))]
        if self._backend.key_variable is not None:
            raise NoCredential(f"there is no key; set {self._backend.key_variable}")
        return []

    def _refusal(self, status: int) -> SearchFailed:
        if status == 403 and self.name == "searxng":
            words = "gives no JSON; add json to search.formats in the instance's settings.yml"
            return SearchFailed("unavailable", f"{self.name} {words}")
        code, words = _STATUSES.get(status, ("unavailable", f"answered with status {status}"))
        return SearchFailed(code, f"{self.name} {words}")


class KeylessSource:
    """The library ``ddgs``, in a thread: it blocks, and needs some tenths of a second for its import."""

    name = KEYLESS
    chars_max = 400
    words_max = 60

    async def pages(self, inquiry: Inquiry) -> Iterable[Page]:
        found = await for_traffic(self._found, inquiry)
        return [Page(str(each.get("href")), str(each.get("title")), str(each.get("body"))) for each in found]

    def _found(self, inquiry: Inquiry) -> list[dict[str, Any]]:
        try:
            from ddgs import DDGS  # noqa: PLC0415  an extra
            from ddgs.exceptions import DDGSException, RatelimitException  # noqa: PLC0415
        except ImportError:
            raise SearchFailed("unavailable", "ddgs is not installed: pip install 'cctui[search]'") from None
        query = with_operators(inquiry, self.chars_max, self.words_max)
        pages = FILTERED_PAGES if inquiry.wanted.filtered else inquiry.size.pages
        asked = DDGS(proxy=proxy_for("https://duckduckgo.com"), timeout=KEYLESS_TIMEOUT_S)
        try:
            found: list[dict[str, Any]] = asked.text(query, max_results=pages)
        except RatelimitException as fault:
            raise SearchFailed("too_many_requests", "ddgs was refused by the search engines; wait a little") from fault
        except DDGSException as fault:
            if "No results" in str(fault):
                return []
            kind = type(fault).__name__  # its words may have the query
            raise SearchFailed("unavailable", f"ddgs reached no search engine ({kind})") from None
        return found


def web_search(
    settings: SearchSettings, environ: Mapping[str, str], credentials: Credentials, upstreams: Upstreams
) -> WebSearch | None:
    """The search that settings and environment name; None: there is none."""
    size, price = SIZES[settings.context], settings.usd_per_search
    if settings.backend == KEYLESS:
        return WebSearch(KeylessSource(), size, Decimal(0) if price is None else price)
    backend = _backend(settings, environ)
    if backend is None:
        return None
    address = _ENDINGS.sub("", settings.base_url or backend.address or "")
    if price is None and backend.address in (None, address):
        price = backend.usd_per_search
    key = _key(settings, backend, environ)
    return WebSearch(HttpSource(backend, address, key, credentials, upstreams), size, price)


def _backend(settings: SearchSettings, environ: Mapping[str, str]) -> Backend | None:
    if settings.backend is not None:
        return next((each for each in BACKENDS.values() if each.name == settings.backend), None)
    return next((each for each in BACKENDS.values() if environ.get(each.key_variable or "")), None)


def _key(settings: SearchSettings, backend: Backend, environ: Mapping[str, str]) -> SecretStr | None:
    if settings.api_key is None and environ.get(backend.key_variable or ""):
        return SecretStr(f"env:{backend.key_variable}")
    return settings.api_key
