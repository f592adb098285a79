"""Who can search the web: how each service is asked, and what its answer says. Requests as values, nothing is sent.

A filter of domains goes to a service in the way that it has for it; whoever reads the answer checks it again.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import msgspec

from proxy.protocol.search import Page, Wanted

Name = Literal["brave", "tavily", "exa", "searxng", "ddgs"]
ContextSize = Literal["low", "medium", "high"]
Header = tuple[bytes, bytes]

_JSON: tuple[Header, ...] = ((b"accept", b"application/json"), (b"content-type", b"application/json"))
_TAGS = re.compile(r"<[^<>]{1,80}>")
_BLANKS = re.compile(r"\s+")
_BRAVE_COUNTRIES = (
    "AR AT AU BE BR CA CH CL CN DE DK ES FI FR GB GR HK ID IN IT JP KR MX MY NL NO NZ PH PL PT RU SA SE TR TW US ZA"
)
"""Those that Brave takes; a request with another one is refused."""
FILTERED_PAGES = 20
"""Asked for where the service's own filter is only a hint; as many as Brave gives at most."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of the web a model reads of each search."""

    pages: int
    extract_chars: int


SIZES: Mapping[ContextSize, Size] = {"low": Size(3, 300), "medium": Size(6, 700), "high": Size(10, 1500)}


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A search to be made."""

    query: str
    wanted: Wanted
    size: Size


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP request; the key is added by whoever sends it."""

    method: Literal["GET", "POST"]
    url: str
    headers: tuple[Header, ...]
    body: bytes = b""


class Backend(Protocol):
    """A service that searches over HTTP."""

    name: Name
    address: str | None
    """None: everybody has one of their own."""
    key_variable: str | None
    """The environment variable that holds its key by custom; None: it takes none."""
    usd_per_search: Decimal | None
    """At the service's own address; None: not known."""
    chars_max: int
    words_max: int

    def key_header(self, key: str) -> Header: ...

    def call(self, inquiry: Inquiry, address: str) -> Call: ...

    def pages(self, answer: Mapping[str, Any]) -> Iterator[Page]:
        """The pages in a decoded answer, as the service words them."""
        ...


class Brave:
    """https://api-dashboard.search.brave.com/documentation; price: /app/plans there, $5 for a thousand."""

    name: Name = "brave"
    address: str | None = "https://api.search.brave.com"
    key_variable: str | None = "BRAVE_API_KEY"
    usd_per_search: Decimal | None = Decimal("0.005")
    chars_max = 400
    words_max = 50

    def key_header(self, key: str) -> Header:
        return b"x-subscription-token", key.encode()

    def call(self, inquiry: Inquiry, address: str) -> Call:
        pages = FILTERED_PAGES if inquiry.wanted.filtered else inquiry.size.pages
        query = with_operators(inquiry, self.chars_max, self.words_max)
        asked = {"q": query, "count": str(pages), "text_decorations": "false", "result_filter": "web"}
        country = _country(inquiry.wanted)
        if country in _BRAVE_COUNTRIES.split():
            asked["country"] = country
        return Call("GET", f"{address}/res/v1/web/search?{urlencode(asked)}", _JSON[:1])

    def pages(self, answer: Mapping[str, Any]) -> Iterator[Page]:
        web = answer.get("web")
        for each in _entries(web if isinstance(web, Mapping) else {}):
            yield Page(_text(each, "url"), _text(each, "title"), _text(each, "description"), _age(each, "page_age"))


class Tavily:
    """https://docs.tavily.com; price: /documentation/api-credits there, a basic search is one credit of $0.008."""

    name: Name = "tavily"
    address: str | None = "https://api.tavily.com"
    key_variable: str | None = "TAVILY_API_KEY"
    usd_per_search: Decimal | None = Decimal("0.008")
    chars_max = 400
    words_max = 400

    def key_header(self, key: str) -> Header:
        return b"authorization", b"Bearer " + key.encode()

    def call(self, inquiry: Inquiry, address: str) -> Call:
        asked: dict[str, Any] = {"query": inquiry.query, "max_results": inquiry.size.pages, "search_depth": "basic"}
        if inquiry.wanted.allowed:
            asked["include_domains"] = _hosts(inquiry.wanted.allowed)
        if excluded := _whole_hosts(inquiry.wanted.blocked):
            asked["exclude_domains"] = excluded
        return Call("POST", f"{address}/search", _JSON, msgspec.json.encode(asked))

    def pages(self, answer: Mapping[str, Any]) -> Iterator[Page]:
        for each in _entries(answer):
            yield Page(_text(each, "url"), _text(each, "title"), _text(each, "content"), _age(each, "published_date"))


class Exa:
    """https://exa.ai/docs; price: /docs/admin/pricing there, $7 for a thousand with up to ten pages and extracts."""

    name: Name = "exa"
    address: str | None = "https://api.exa.ai"
    key_variable: str | None = "EXA_API_KEY"
    usd_per_search: Decimal | None = Decimal("0.007")
    chars_max = 1000
    words_max = 1000

    def key_header(self, key: str) -> Header:
        return b"x-api-key", key.encode()

    def call(self, inquiry: Inquiry, address: str) -> Call:
        asked: dict[str, Any] = {
            "query": inquiry.query,
            "type": "auto",
            "numResults": inquiry.size.pages,
            "contents": {"highlights": {"maxCharacters": inquiry.size.extract_chars}},
        }
        if inquiry.wanted.allowed:
            asked["includeDomains"] = _hosts(inquiry.wanted.allowed)
        if excluded := _whole_hosts(inquiry.wanted.blocked):
            asked["excludeDomains"] = excluded
        if country := _country(inquiry.wanted):
            asked["userLocation"] = country
        return Call("POST", f"{address}/search", _JSON, msgspec.json.encode(asked))

    def pages(self, answer: Mapping[str, Any]) -> Iterator[Page]:
        for each in _entries(answer):
            marked = each.get("highlights")
            extract = " … ".join(str(part) for part in marked) if isinstance(marked, list) else _text(each, "text")
            yield Page(_text(each, "url"), _text(each, "title"), extract, _age(each, "publishedDate"))


class Searxng:
    """https://docs.searxng.org/dev/search_api; the user's own instance, with ``json`` among its formats."""

    name: Name = "searxng"
    address: str | None = None
    key_variable: str | None = None
    usd_per_search: Decimal | None = Decimal(0)
    chars_max = 1000
    words_max = 1000

    def key_header(self, key: str) -> Header:
        return b"authorization", b"Bearer " + key.encode()

    def call(self, inquiry: Inquiry, address: str) -> Call:
        query = with_operators(inquiry, self.chars_max, self.words_max)
        return Call("GET", f"{address}/search?{urlencode({'q': query, 'format': 'json'})}", _JSON[:1])

    def pages(self, answer: Mapping[str, Any]) -> Iterator[Page]:
        for each in _entries(answer):
            yield Page(_text(each, "url"), _text(each, "title"), _text(each, "content"), _age(each, "publishedDate"))


BACKENDS: Mapping[Name, Backend] = {each.name: each for each in (Brave(), Tavily(), Exa(), Searxng())}
"""Those that are asked over HTTP; the order is the order in which their keys are looked for."""


def chosen(pages: Iterator[Page], inquiry: Inquiry) -> tuple[Page, ...]:
    """The first pages that may be shown, once each, their texts as plain and as short as they have to be."""
    kept: dict[str, Page] = {}
    for page in pages:
        if len(kept) < inquiry.size.pages and page.url not in kept and inquiry.wanted.admits(page.url):
            title = plain(page.title, 200) or page.url
            kept[page.url] = Page(page.url, title, plain(page.extract, inquiry.size.extract_chars), page.age)
    return tuple(kept.values())


def plain(text: str, chars_max: int) -> str:
    """``text`` without tags, entities and line breaks, cut at a word."""
    words = _BLANKS.sub(" ", html.unescape(_TAGS.sub("", text))).strip()
    if len(words) <= chars_max:
        return words
    return words[:chars_max].rpartition(" ")[0].rstrip() + " …"


def with_operators(inquiry: Inquiry, chars_max: int, words_max: int) -> str:
    """The query with ``site:`` for the domains, as search engines take it, as far as it stays within the limits."""
    sites = " OR ".join(f"site:{host}" for host in _hosts(inquiry.wanted.allowed))
    parts = [f"({sites})" if " OR " in sites else sites] if sites else []
    parts += [f"-site:{host}" for host in _whole_hosts(inquiry.wanted.blocked)]
    query = inquiry.query
    for part in parts:
        longer = f"{query} {part}"
        if len(longer) <= chars_max and len(longer.split()) <= words_max:
            query = longer
    return query


def _hosts(domains: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(domain.partition("/")[0] for domain in domains))


def _whole_hosts(domains: Sequence[str]) -> list[str]:
    """Without those of which only a path is meant."""
    return [domain for domain in domains if "/" not in domain]


def _country(wanted: Wanted) -> str:
    country = (wanted.place or {}).get("country", "").upper()
    return country if re.fullmatch(r"[A-Z]{2}", country) else ""


def _entries(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    listed = answer.get("results")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, Mapping):
            yield each


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _age(entry: Mapping[str, Any], name: str) -> str | None:
    """The date of a page, without the time of day that services append."""
    return _text(entry, name).partition("T")[0][:40] or None
