"""Past work of tools that Anthropic's servers run, told as text for whoever does not know its blocks.

What was found keeps its address, a page its text: a model goes on working with it. Files are only named.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

OTHER_CHARS_MAX = 2000
"""Of a result in a form that is not known."""


def as_text(block: Mapping[str, Any]) -> str:
    """A ``server_tool_use`` or a block whose type ends with ``_tool_result``."""
    if block.get("type") == "server_tool_use":
        return f"[{block.get('name')}: {_json(block.get('input'))}]"
    content = block.get("content")
    listed = content if isinstance(content, list) else [content]
    results = [_result(each) for each in listed if isinstance(each, Mapping)]
    return "[results] " + "; ".join(words for words in results if words)


def _result(result: Mapping[str, Any]) -> str:
    if result.get("type") == "web_fetch_result":
        return "\n".join(_page(result))
    said = " ".join(str(result[name]) for name in ("title", "url", "error_code") if result.get(name))
    return said or _json(result)[:OTHER_CHARS_MAX]


def _page(result: Mapping[str, Any]) -> Iterator[str]:
    document = result.get("content")
    document = document if isinstance(document, Mapping) else {}
    source = document.get("source")
    source = source if isinstance(source, Mapping) else {}
    yield " ".join(str(each) for each in (document.get("title"), result.get("url")) if each)
    if source.get("type") == "text" and isinstance(text := source.get("data"), str):
        yield text
        yield "[end of results]"
    else:
        yield "[a file, no longer at hand: fetch it again to read it]"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
