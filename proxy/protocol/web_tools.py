"""What Anthropic's two tools that look into the web have in common: how a request offers them, for which domains."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

import idna

from proxy.protocol.messages import Body

_TYPE = re.compile(r"(web_search|web_fetch)_\d")

SearchCode = Literal["invalid_tool_input", "unavailable", "max_uses_exceeded", "query_too_long", "too_many_requests"]
"""Why a search found nothing, by the names of the Messages API."""
PageCode = Literal[
    "invalid_tool_input",
    "url_too_long",
    "url_not_allowed",
    "url_not_in_prior_context",
    "url_not_accessible",
    "unsupported_content_type",
    "content_too_large",
    "too_many_requests",
    "max_uses_exceeded",
    "unavailable",
]
"""Why nothing was fetched, by the names of the Messages API (anthropic SDK 2.14)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A search that was not made, or a page that was not fetched."""

    code: SearchCode | PageCode
    words: str
    """A sentence for the model and the user."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A server's tool among those of a request."""

    tool: Mapping[str, Any]
    name: str
    forced: bool
    """The model must call it."""
    alone: bool
    """There are no tools but those that look into the web."""

    @property
    def cache(self) -> Mapping[str, Any] | None:
        mark = self.tool.get("cache_control")
        return mark if isinstance(mark, Mapping) else None


def web_tool(body: Body, usual: str) -> Offer | None:
    """The first tool of the type that begins with ``usual``, which is its name where it has none."""
    raw, mark = body.fields.get("tools"), f'"{usual}_'.encode()
    if raw is None or mark not in bytes(raw) or bytes(memoryview(body.fields.get("messages", b""))[:1]) != b"[":
        return None
    tools, choice = body.value("tools"), body.value("tool_choice")
    listed = [each for each in tools if isinstance(each, Mapping)] if isinstance(tools, list) else []
    tool = next((each for each in listed if is_tool(each, usual)), None)
    if tool is None:
        return None
    name = str(tool.get("name") or usual)
    kind = choice.get("type") if isinstance(choice, Mapping) else None
    forced = kind == "tool" and choice.get("name") == name
    return Offer(tool, name, forced, all(is_tool(each) for each in listed))


def is_tool(tool: Mapping[str, Any], usual: str | None = None) -> bool:
    """Whether it is one of the server's that look into the web; ``usual`` names which."""
    found = _TYPE.match(kind) if isinstance(kind := tool.get("type"), str) else None
    return found is not None and usual in (None, found[1])


def admits(url: str, allowed: Sequence[str], blocked: Sequence[str]) -> bool:
    """Whether a page at ``url`` lies in one of the domains ``allowed``, if there are any, and in none ``blocked``."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    if allowed and not any(_covers(domain, parts) for domain in allowed):
        return False
    return not any(_covers(domain, parts) for domain in blocked)


def _covers(domain: str, parts: SplitResult) -> bool:
    """Whether an address lies in ``domain``, which may name a path and, in the path, ``*``."""
    host, slash, path = domain.lower().partition("/")
    host, name = in_ascii(host), in_ascii((parts.hostname or "").lower()).removesuffix(".")
    if name != host and not name.endswith("." + host):
        return False
    pattern = ".*".join(re.escape(each) for each in (slash + path).split("*"))
    return re.match(pattern, (parts.path or "/").lower()) is not None


def in_ascii(host: str) -> str:
    """The name under which a host is looked up: ``bücher.example`` and ``xn--bcher-kva.example`` are one."""
    try:
        return host if host.isascii() else idna.encode(host, uts46=True).decode()
    except UnicodeError:
        return host


def domains(listed: object) -> tuple[str, ...]:
    """Domains as written, without what surrounds them in an address."""
    names = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    bare = (re.sub(r"^(\w+://)?(\*\.)?(www\.)?", "", name.strip().lower()).rstrip("/") for name in names)
    return tuple(dict.fromkeys(name for name in bare if name))


def uses(given: object, most: int) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        return most
    return max(1, min(most, given))
