"""Web search as the Messages API has it: what a request wants, what a search finds, why it finds nothing.

Read from Anthropic's server tool in the client's body; who searches, and how, is decided elsewhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

from msgspec import Raw

from proxy.protocol.foreign_json import NotJson, read_json
from proxy.protocol.messages import Body

USES_MAX = 8
"""Searches of one request, whatever it allows; Claude Code allows as many."""
PROMPT = "Perform a web search for the query:"
"""Begins the request that Claude Code's ``WebSearch`` makes (seen in 2.1.329)."""

_MARK = b'"web_search_'
_TYPE = re.compile(r"web_search_\d")
_PLACE = ("city", "region", "country", "timezone")

Code = Literal["invalid_tool_input", "unavailable", "max_uses_exceeded", "query_too_long", "too_many_requests"]
"""Why a search found nothing, by the names of the Messages API."""


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
    demanded: bool = False
    """The request is of no use without a search: it demands one, or has no other tool."""

    @property
    def filtered(self) -> bool:
        return bool(self.allowed or self.blocked)

    def admits(self, url: str) -> bool:
        """Whether a page at ``url`` may be among the results."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return False
        if self.allowed and not any(_covers(domain, parts) for domain in self.allowed):
            return False
        return not any(_covers(domain, parts) for domain in self.blocked)


@dataclass(frozen=True, slots=True)
class Page:
    """A page that a search found."""

    url: str
    title: str
    extract: str = ""
    age: str | None = None
    """Its date, in the words of who found it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A search that could not be made."""

    code: Code
    words: str
    """A sentence for the model and the user."""


Result = tuple[Page, ...] | Refused


@dataclass(frozen=True, slots=True)
class Query:
    """A search that the model calls for."""

    call_id: str
    text: str


def wanted_search(body: Body) -> Wanted | None:
    """The web search that ``body`` asks the provider for; None where it asks for none."""
    raw = body.fields.get("tools")
    if raw is None or _MARK not in bytes(raw) or not bytes(body.fields.get("messages", b"")).startswith(b"["):
        return None
    tools, choice = decoded(raw), decoded(body.fields.get("tool_choice"))
    listed = [each for each in tools if isinstance(each, Mapping)] if isinstance(tools, list) else []
    tool = next((each for each in listed if is_search(each)), None)
    if tool is None:
        return None
    name = str(tool.get("name") or "web_search")
    forced = choice.get("type") if isinstance(choice, Mapping) else None
    named = forced == "tool" and choice.get("name") == name
    return Wanted(
        name,
        _uses(tool.get("max_uses")),
        _domains(tool.get("allowed_domains")),
        _domains(tool.get("blocked_domains")),
        _place(tool.get("user_location")),
        demanded=named or len(listed) == 1,
    )


def is_search(tool: Mapping[str, Any]) -> bool:
    return isinstance(kind := tool.get("type"), str) and _TYPE.match(kind) is not None


def last_question(body: Body) -> str:
    """What the user asked last: the query, where nobody is there to word one."""
    messages = decoded(body.fields.get("messages"))
    for message in reversed(messages) if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, Mapping) else None
        blocks = [{"text": content}] if isinstance(content, str) else content
        listed = blocks if isinstance(blocks, list) else []
        texts = [each.get("text") for each in listed if isinstance(each, Mapping)]
        if text := next((each for each in reversed(texts) if isinstance(each, str) and each.strip()), None):
            return text.strip().removeprefix(PROMPT).strip()
    return ""


def _covers(domain: str, parts: SplitResult) -> bool:
    """Whether an address lies in ``domain``, which may name a path and, in the path, ``*``."""
    host, slash, path = domain.lower().partition("/")
    name = (parts.hostname or "").lower()
    if name != host and not name.endswith("." + host):
        return False
    pattern = ".*".join(re.escape(each) for each in (slash + path).split("*"))
    return re.match(pattern, (parts.path or "/").lower()) is not None


def _domains(listed: object) -> tuple[str, ...]:
    """Domains as written, without what surrounds them in an address."""
    names = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    bare = (re.sub(r"^(\w+://)?(\*\.)?(www\.)?", "", name.strip().lower()).rstrip("/") for name in names)
    return tuple(dict.fromkeys(name for name in bare if name))


def _uses(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        return USES_MAX
    return max(1, min(USES_MAX, given))


def _place(given: object) -> Mapping[str, str] | None:
    if not isinstance(given, Mapping):
        return None
    place = {name: value for name in _PLACE if isinstance(value := given.get(name), str) and value}
    return place or None


def decoded(raw: Raw | None) -> Any:
    """The value of a body's field; None for what is missing or cannot be read."""
    try:
        return None if raw is None else read_json(raw)
    except NotJson:
        return None
