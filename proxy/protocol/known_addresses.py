"""Which pages a conversation names: a model may have those fetched, and none whose address it made up.

So an address that carries what the model knows cannot leave by a fetch, whoever talked the model into it. Users,
clients' tools and what was found on the web before name pages; the model's own words and the system prompt do not.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from proxy.protocol.page_address import BadAddress, PageAddress, page_address

READINGS_MAX = 2000
"""Of texts that may be the address that is looked for. A conversation with more of them names nothing."""

_TOKEN = re.compile(r"https?://(?:\[[0-9A-Fa-f:.]{2,45}\])?(?:(?![,;]https?://)[^\s<>\"`{}|\\^\[\]])*")
_PUNCTUATION = ".,;:!?'*_~&"
_SLACK = len(":443./")
"""What an address may have more or less than the same one in its usual spelling."""
_PUNYCODE = "xn--"
_FOUND_ON_THE_WEB = ("web_search_tool_result", "web_fetch_tool_result")


@dataclass(frozen=True, slots=True)
class ToolFilter:
    """Of which tools the results count."""

    kind: Literal["all", "none", "only", "except"] = "all"
    names: frozenset[str] = frozenset()

    def takes(self, name: str) -> bool:
        match self.kind:
            case "all":
                return True
            case "none":
                return False
            case "only":
                return name in self.names
            case "except":
                return name not in self.names


@dataclass(frozen=True, slots=True)
class Sources:
    """Who may name pages: ``url_sources`` of the tool."""

    user: bool = True
    client_tools: ToolFilter = ToolFilter()
    server_tools: ToolFilter = ToolFilter()


ANYBODY = Sources()


def read_sources(given: object) -> Sources:
    """What a tool's ``url_sources`` says. What cannot be read admits nothing: it was meant as a restriction."""
    if given is None:
        return ANYBODY
    if not isinstance(given, Mapping):
        return Sources(False, ToolFilter("none"), ToolFilter("none"))
    user = _read_filter(given.get("user_input"))
    return Sources(
        user.kind == "all",
        _read_filter(given.get("client_tool_results")),
        _read_filter(given.get("server_tool_results")),
    )


def names_page(
    messages: Iterable[Any], address: PageAddress, sources: Sources, server_tools: Sequence[str] = ()
) -> bool:
    """Whether ``messages`` name the page at ``address``. ``server_tools``: plain tools that stand for a server's."""
    texts = _texts(messages, sources, server_tools)
    tokens = (found.group() for text in texts for found in _TOKEN.finditer(text))
    likely = (token for token in tokens if _may_be(token, address))
    return any(_same(each, address) for token in islice(likely, READINGS_MAX) for each in _readings(token))


def addresses_in(text: str) -> Iterator[PageAddress]:
    """The addresses of pages in ``text``. Where it is not clear where one ends, each of its possible ends."""
    for token in _TOKEN.finditer(text):
        yield from _readings(token.group())


def _may_be(token: str, address: PageAddress) -> bool:
    """Whether it is worth while to read ``token``: a conversation may hold a hundred thousand of them."""
    if address.host not in token.lower():
        return _PUNYCODE in address.host and not token.isascii()
    if not token.isascii() or any(each in token for each in "%)#&"):
        return True
    return abs(len(token.rstrip(_PUNCTUATION)) - len(address.url)) <= _SLACK + 1


def _same(named: PageAddress, asked: PageAddress) -> bool:
    """What is named without encryption may be asked for with it."""
    if named == asked:
        return True
    plain = (named.scheme, named.port) == ("http", 80) and (asked.scheme, asked.port) == ("https", 443)
    return plain and (named.host, named.target) == (asked.host, asked.target)


def _readings(token: str) -> Iterator[PageAddress]:
    for written in dict.fromkeys(_ends(token)):
        try:
            yield page_address(written)
        except BadAddress:
            continue


def _ends(token: str) -> Iterator[str]:
    """``token`` without what may follow an address (marks, a bracket, words in another script), the likeliest first."""
    ascii_part = token[: next((at for at, each in enumerate(token) if not each.isascii()), len(token))]
    for whole in (token, ascii_part):
        for written in (whole, whole.replace("&amp;", "&")):
            yield _balanced(written).rstrip(_PUNCTUATION)
            yield written
            yield written.rstrip(_PUNCTUATION + ")")


def _balanced(text: str) -> str:
    """``text`` up to the first closing bracket that none before it opened."""
    depth = 0
    for at, each in enumerate(text):
        depth += (each == "(") - (each == ")")
        if depth < 0:
            return text[:at]
    return text


def _texts(messages: Iterable[Any], sources: Sources, server_tools: Sequence[str]) -> Iterator[str]:
    names: dict[str, str] = {}
    for message in messages:
        content = message.get("content") if isinstance(message, Mapping) else None
        role = message.get("role") if isinstance(message, Mapping) else None
        if role == "user" and isinstance(content, str):
            yield from [content] if sources.user else []
        for block in content if isinstance(content, list) else ():
            if not isinstance(block, Mapping):
                continue
            kind, tool_id = block.get("type"), str(block.get("id") or "")
            if kind in ("tool_use", "server_tool_use"):
                names[tool_id] = str(block.get("name") or "")
            elif _counts(block, role, sources, names, server_tools):
                yield from _strings(block)


def _counts(
    block: Mapping[str, Any], role: object, sources: Sources, names: Mapping[str, str], server_tools: Sequence[str]
) -> bool:
    kind = str(block.get("type") or "")
    name = names.get(str(block.get("tool_use_id") or ""), "")
    if kind in _FOUND_ON_THE_WEB:
        return sources.server_tools.takes(name or kind.removesuffix("_tool_result"))
    if role != "user":
        return False
    if kind != "tool_result":
        return sources.user
    return (sources.server_tools if name in server_tools else sources.client_tools).takes(name)


def _strings(value: object) -> Iterator[str]:
    """All texts within ``value``, but for data of files."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str(text):
                yield text
            case Mapping() as fields if fields.get("type") != "base64":
                waiting += fields.values()
            case list(listed):
                waiting += listed
            case _:
                pass


def _read_filter(given: object) -> ToolFilter:
    if given is None:
        return ToolFilter()
    kind = given.get("type") if isinstance(given, Mapping) else None
    if kind == "all" or kind == "none":
        return ToolFilter(kind)
    listed = given.get("tools") if isinstance(given, Mapping) else None
    if kind in ("only", "except") and isinstance(listed, list):
        names = frozenset(str(each.get("name")) for each in listed if isinstance(each, Mapping))
        return ToolFilter(kind, names)
    return ToolFilter("none")
