"""Web search as the Messages API has it: what a request wants, what a search finds, why it finds nothing.

Read from Anthropic's server tool in the client's body; who searches, and how, is decided elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.protocol.citations import CITED_CHARS
from proxy.protocol.messages import Body
from proxy.protocol.web_tools import Refusal, admits, domains, uses, web_tool

USES_MAX = 8
"""Searches of one request, whatever it allows; Claude Code allows as many."""
TOOL = "web_search"
PROMPT = "Perform a web search for the query:"
"""Begins the request that Claude Code's ``WebSearch`` makes (seen in 2.1.329)."""

_PLACE = ("city", "region", "country", "timezone")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The web search that a request asks for."""

    name: str
    """Of the tool."""
    max_uses: int = USES_MAX
    allowed: tuple[str, ...] = ()
    """Domains, each with its subdomains, and perhaps a path; empty: all."""
    blocked: tuple[str, ...] = ()
    place: Mapping[str, str] | None = None
    """About where the user is: city, region, country (two letters), timezone."""
    forced: bool = False
    """The request demands a search."""
    demanded: bool = False
    """The request is of no use without a search or a page: it demands one, or has no other tool."""
    cache: Mapping[str, Any] | None = None
    """The tool's ``cache_control``."""

    @property
    def filtered(self) -> bool:
        return bool(self.allowed or self.blocked)

    def admits(self, url: str) -> bool:
        """Whether a page at ``url`` may be among the results."""
        return admits(url, self.allowed, self.blocked)


@dataclass(frozen=True, slots=True)
class Page:
    """A page that a search found."""

    url: str
    title: str
    extract: str = ""
    age: str | None = None
    """Its date, in the words of who found it."""

    def citation(self, line: str) -> dict[str, Any]:
        """Of this page, for a line that names it."""
        return {
            "type": "web_search_result_location",
            "url": self.url,
            "title": self.title,
            "encrypted_index": "",
            "cited_text": self.extract[:CITED_CHARS],
        }


Result = tuple[Page, ...] | Refusal


@dataclass(frozen=True, slots=True)
class Query:
    """A search that the model calls for."""

    call_id: str
    text: str


def wanted_search(body: Body) -> Wanted | None:
    """The web search that ``body`` asks the provider for; None where it asks for none."""
    offer = web_tool(body, TOOL)
    if offer is None:
        return None
    tool = offer.tool
    return Wanted(
        offer.name,
        uses(tool.get("max_uses"), USES_MAX),
        domains(tool.get("allowed_domains")),
        domains(tool.get("blocked_domains")),
        place_in(tool.get("user_location")),
        offer.forced,
        offer.forced or offer.alone,
        offer.cache,
    )


def last_question(body: Body) -> str:
    """What the user asked last: the query, where nobody is there to word one."""
    messages = body.value("messages")
    for message in reversed(messages) if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, Mapping) else None
        blocks = [{"text": content}] if isinstance(content, str) else content
        listed = blocks if isinstance(blocks, list) else []
        texts = [each.get("text") for each in listed if isinstance(each, Mapping)]
        if text := next((each for each in reversed(texts) if isinstance(each, str) and each.strip()), None):
            return text.strip().removeprefix(PROMPT).strip()
    return ""


def place_in(given: object) -> Mapping[str, str] | None:
    """About where the user is, out of a tool's ``user_location``; None where that says nothing."""
    if not isinstance(given, Mapping):
        return None
    place = {name: value for name in _PLACE if isinstance(value := given.get(name), str) and value}
    return place or None
