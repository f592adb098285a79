"""Web search that a server of the Responses API runs itself, asked for and told in Anthropic's words.

The server's call names the query and, where it was asked to, the addresses that it found; titles stand only in the
citations of the text that follows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from proxy.dialects.answer import AnswerWriter
from proxy.dialects.conversation import ServerTool
from proxy.dialects.foreign_values import mapping, mappings, word
from proxy.dialects.quirks import Quirks
from proxy.protocol.search import TOOL, place_in
from proxy.protocol.server_tools import own_call_id

SOURCES = "web_search_call.action.sources"
"""Asks for the addresses that were found."""
RESULTS_MAX = 50


def search_tool(tool: ServerTool, quirks: Quirks) -> dict[str, Any] | None:
    """The server's own search in place of ``tool``; None where it has none."""
    if not tool.searches or quirks.search_tool not in ("web_search", "web_search_preview"):
        return None
    made: dict[str, Any] = {"type": quirks.search_tool}
    allowed = tool.settings.get("allowed_domains")
    if quirks.search_tool == "web_search" and isinstance(allowed, list) and allowed:
        made["filters"] = {"allowed_domains": [str(domain) for domain in allowed]}
    if place := place_in(tool.settings.get("user_location")):
        made["user_location"] = {"type": "approximate", **place}
    return made


def search_notes(tool: ServerTool, quirks: Quirks) -> Iterator[str]:
    """What else of ``tool`` the server's search does not take."""
    if tool.settings.get("blocked_domains"):
        yield "blocked_domains of the web search left out: the provider does not take them"
    if tool.settings.get("allowed_domains") and quirks.search_tool != "web_search":
        yield "allowed_domains of the web search left out: the provider does not take them"


@dataclass(frozen=True, slots=True)
class Search:
    """A search that the server ran."""

    query: str
    sources: tuple[str, ...]
    """Addresses; empty where the server did not tell them."""
    failed: bool


def read_search(item: Mapping[str, Any]) -> Search | None:
    """The search in a ``web_search_call``; None where it opened or read a page."""
    action = mapping(item.get("action"))
    if action.get("type", "search") != "search":
        return None
    query = action.get("query")
    if not isinstance(query, str) or not query:
        queries = action.get("queries")
        query = "; ".join(each for each in queries if isinstance(each, str)) if isinstance(queries, list) else ""
    sources = [url for each in mappings(action.get("sources")) if (url := word(each.get("url")))]
    return Search(query, tuple(dict.fromkeys(sources)), item.get("status") == "failed")


class Searches:
    """The searches of one answer, told with what they found."""

    def __init__(self, writer: AnswerWriter, message_id: str) -> None:
        self.count = 0
        self._writer = writer
        self._message_id = message_id
        self._titles: dict[str, str] = {}
        """By address, as the text cites them."""
        self._untold: list[Search] = []

    def cite(self, annotations: object) -> None:
        """A text cites pages."""
        for each in mappings(annotations):
            if each.get("type") == "url_citation" and (url := word(each.get("url"))):
                self._titles[url] = word(each.get("title")) or url

    def add(self, search: Search) -> None:
        """A search is done. If nobody said what it found, the text that follows will."""
        self.count += 1
        self._untold.append(search)
        if search.sources or search.failed:
            self.tell()

    def tell(self) -> None:
        """Write what was not written yet."""
        untold, self._untold = self._untold, []
        for number, search in enumerate(untold, self.count - len(untold)):
            self._write(number, search)

    def _write(self, number: int, search: Search) -> None:
        tool_id = own_call_id(f"{self._message_id}:search:{number}")
        self._writer.server_tool(tool_id, TOOL, {"query": search.query})
        content: Any = [self._result(url) for url in (search.sources or tuple(self._titles))[:RESULTS_MAX]]
        if search.failed:
            content = {"type": "web_search_tool_result_error", "error_code": "unavailable"}
        self._writer.block({"type": "web_search_tool_result", "tool_use_id": tool_id, "content": content})

    def _result(self, url: str) -> dict[str, Any]:
        title = self._titles.get(url, url)
        return {"type": "web_search_result", "title": title, "url": url, "encrypted_content": "", "page_age": None}
