"""Pages of the web as the Messages API has them: what a request wants fetched, what came, why nothing did.

Read from Anthropic's server tool in the client's body; who fetches, and how, is decided elsewhere. A page that a
conversation does not name is not fetched.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from proxy.protocol.images import DOCUMENT_TOKENS
from proxy.protocol.known_addresses import ANYBODY, Sources, addresses_in, names_page, read_sources
from proxy.protocol.messages import Body
from proxy.protocol.overflow import Room
from proxy.protocol.page_address import BadAddress, PageAddress, page_address
from proxy.protocol.web_tools import Refusal, admits, domains, uses, web_tool

USES_MAX = 8
"""Pages of one request, whatever it allows; Anthropic sets no limit, a loop needs one."""
TOOL = "web_fetch"
CONTENT_TOKENS = 25_000
"""Of a page, where the request does not say: a long page of documentation."""
CONTENT_TOKENS_MIN = 500
"""A shorter beginning of a page is of no use."""
TEXT_BYTES_PER_TOKEN = 3.5
"""Rather few, so that what is cut is rather too short."""

_PDF_PAGE_BYTES = 50_000
"""Of a PDF, about: a page of text with a figure now and then."""


@dataclass(frozen=True, slots=True)
class WantedPages:
    """The fetching of pages that a request asks for."""

    name: str
    """Of the tool."""
    max_uses: int = USES_MAX
    allowed: tuple[str, ...] = ()
    """Domains, each with its subdomains, and perhaps a path; empty: all."""
    blocked: tuple[str, ...] = ()
    max_content_tokens: int = CONTENT_TOKENS
    citations: bool = False
    sources: Sources = ANYBODY
    """Who may name pages."""
    forced: bool = False
    """The request demands a page."""
    demanded: bool = False
    """The request is of no use without a page or a search: it demands one, or has no other tool."""
    cache: Mapping[str, Any] | None = None
    """The tool's ``cache_control``."""

    def admits(self, address: PageAddress) -> bool:
        """Whether the page may be fetched, as far as the request's domains go."""
        return admits(address.url, self.allowed, self.blocked)


@dataclass(frozen=True, slots=True)
class Visit:
    """A page that the model calls for."""

    call_id: str
    address: PageAddress


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page that was fetched."""

    url: str
    """Where it was found in the end."""
    retrieved_at: str
    """ISO 8601, UTC."""
    title: str = ""
    text: str = ""
    pdf: str | None = None
    """The file in Base64, in place of a text."""
    chars_left_out: int = 0
    """Of the text, behind what is there."""

    @property
    def tokens(self) -> int:
        """What it takes of a window, estimated."""
        if self.pdf is not None:
            return DOCUMENT_TOKENS * max(1, round(len(self.pdf) * 3 / 4 / _PDF_PAGE_BYTES))
        return int(len(self.text.encode(errors="replace")) / TEXT_BYTES_PER_TOKEN)


_NOT_NAMED = Refusal(
    "url_not_in_prior_context",
    "Only addresses that the user gave or that were found before can be fetched, each exactly as it stands there.",
)


def wanted_pages(body: Body) -> WantedPages | None:
    """The fetching that ``body`` asks the provider for; None where it asks for none."""
    offer = web_tool(body, TOOL)
    if offer is None:
        return None
    tool, citations = offer.tool, offer.tool.get("citations")
    return WantedPages(
        offer.name,
        uses(tool.get("max_uses"), USES_MAX),
        domains(tool.get("allowed_domains")),
        domains(tool.get("blocked_domains")),
        _tokens(tool.get("max_content_tokens")),
        isinstance(citations, Mapping) and citations.get("enabled") is True,
        read_sources(tool.get("url_sources")),
        offer.forced,
        offer.forced or offer.alone,
        offer.cache,
    )


def read_visit(
    call: Mapping[str, Any], wanted: WantedPages, messages: Iterable[Any], server_tools: tuple[str, ...]
) -> Visit | Refusal:
    """The page that a model's call asks for, if it may have it. ``messages`` is the conversation up to the call."""
    url = url_of(call)
    if not url:
        return Refusal("invalid_tool_input", "The call has no url.")
    try:
        address = page_address(url)
    except BadAddress as fault:
        return Refusal(fault.code, str(fault))
    if not wanted.admits(address):
        return Refusal("url_not_allowed", f"This request admits no pages of {address.host}.")
    if not names_page(messages, address, wanted.sources, server_tools):
        return _NOT_NAMED
    return Visit(str(call.get("id") or ""), address)


def url_of(call: Mapping[str, Any]) -> str:
    given = call.get("input")
    url = given.get("url") if isinstance(given, Mapping) else None
    return url.strip() if isinstance(url, str) else ""


def first_address(text: str) -> str:
    """The first page that ``text`` names; empty where it names none."""
    return next((each.url for each in addresses_in(text)), "")


def documents_in(messages: object) -> int:
    """How many documents a conversation has: citations number them."""
    count, waiting = 0, [messages]
    while waiting:
        match waiting.pop():
            case Mapping() as fields:
                count += fields.get("type") == "document"
                waiting += fields.values()
            case list(listed):
                waiting += listed
            case _:
                pass
    return count


def tokens_for_pages(room: Room) -> int | None:
    """How much of a model's window pages may fill in one request: half of what is free. None: nobody knows."""
    return None if room.window is None else max(0, room.window - room.tokens) // 2


def _tokens(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        return CONTENT_TOKENS
    return max(1, given)
