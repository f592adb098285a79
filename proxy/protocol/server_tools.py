"""Past work of Anthropic's server tools, told as text to a target that does not know their blocks. Pure.

The engine and providers of other formats tell searches of their own in such blocks, under ids by which they are known
again: what they found lacks the seal that Claude checks, so that Claude gets these as text too.

They are calls (``server_tool_use``, ``mcp_tool_use``), results of many kinds (``…_tool_result``), and the references
in which a search for tools answers, also within the result of a client's own tool.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from proxy.protocol.messages import Body

CALLS = ("server_tool_use", "mcp_tool_use")
REFERENCE = "tool_reference"

_RESULT = "_tool_result"
_MARKS = (*(f'"{kind}"'.encode() for kind in (*CALLS, REFERENCE)), f'{_RESULT}"'.encode())
"""A body without any of them needs no reading."""
OWN_ID = "srvtoolu_cctui_"
"""Starts the ids of calls that Anthropic did not carry out; it takes letters, digits and ``_`` there."""
_ID_OF = {"server_tool_use": "id", "web_search_tool_result": "tool_use_id"}
TOLD_CHARACTERS = 2000
"""Of a result that is neither of a search nor an error."""


def without_server_tools(body: Body) -> tuple[Body, tuple[str, ...]]:
    """The body with such blocks as text, and what was changed in words."""
    if all(body.raw.rfind(mark) < 0 for mark in _MARKS):  # from behind: faster
        return body, ()
    messages = body.value("messages")
    listed = messages if isinstance(messages, list) else []
    told = sum(_tell(message.get("content"), as_text) for message in listed if isinstance(message, dict))
    if not told:
        return body, ()
    changed = f"{told} block{'s' if told > 1 else ''} of server tools told as text"
    return body.with_fields({"messages": msgspec.json.encode(messages)}), (changed,)


def without_unsealed_searches(body: Body) -> tuple[Body, tuple[str, ...]]:
    """The body for Claude, with searches of others as text and without citations of what they found; and what was
    changed in words."""
    if body.raw.rfind(OWN_ID.encode()) < 0:
        return body, ()
    messages = body.value("messages")
    listed = messages if isinstance(messages, list) else []
    said = [message.get("content") for message in listed if isinstance(message, dict)]
    told = sum(_tell(content, _unsealed_as_text) for content in said)
    if not told:
        return body, ()
    for content in said:
        _leave_unsealed_citations_out(content)
    changed = f"{told} block{'s' if told > 1 else ''} of searches that Claude did not make told as text"
    return body.with_fields({"messages": msgspec.json.encode(messages)}), (changed,)


def own_call_id(occasion: str) -> str:
    """The id of a server tool's call that Anthropic did not carry out, the same for the same ``occasion``."""
    return f"{OWN_ID}{hashlib.sha256(occasion.encode(errors='surrogatepass')).hexdigest()[:24]}"


def told_call(block: Mapping[str, Any]) -> str:
    return f"[{block.get('name')}: {_json(block.get('input'))}]"


def told_result(block: Mapping[str, Any]) -> str:
    content = block.get("content")
    results = content if isinstance(content, list) else [content]
    lines = [_told(result) for result in results if isinstance(result, Mapping)]
    return "[results] " + "; ".join(line for line in lines if line)


def told_reference(block: Mapping[str, Any]) -> str:
    return f"[tool {block.get('tool_name')} is available]"


def is_result(kind: object) -> bool:
    """The client's own tools answer in ``tool_result``."""
    return isinstance(kind, str) and kind.endswith(_RESULT)


def _tell(content: object, tell: Callable[[Mapping[str, Any]], str | None]) -> int:
    """Put the texts that ``tell`` gives in the place of blocks; how many there were."""
    if not isinstance(content, list):
        return 0
    told = 0
    for number, block in enumerate(content):
        if not isinstance(block, dict):
            continue
        if (text := tell(block)) is not None:
            content[number] = {"type": "text", "text": text, **cache_mark(block)}
            told += 1
        elif block.get("type") == "tool_result":
            told += _tell(block.get("content"), tell)
    return told


def as_text(block: Mapping[str, Any]) -> str | None:
    """None for a block that every target knows."""
    kind = block.get("type")
    if kind in CALLS:
        return told_call(block)
    if kind == REFERENCE:
        return told_reference(block)
    return told_result(block) if is_result(kind) else None


def cache_mark(block: Mapping[str, Any]) -> Mapping[str, Any]:
    """The mark of the prompt's cache on ``block``, as a field for what takes its place."""
    return {name: block[name] for name in ("cache_control",) if name in block}


def _unsealed_as_text(block: Mapping[str, Any]) -> str | None:
    """None for all but searches that Anthropic did not make. Pages that were fetched have no seal."""
    kind = block.get("type")
    call_id = block.get(_ID_OF.get(kind, "")) if isinstance(kind, str) else None
    if not (isinstance(call_id, str) and call_id.startswith(OWN_ID)):
        return None
    return None if kind in CALLS and block.get("name") != "web_search" else as_text(block)


def _leave_unsealed_citations_out(content: object) -> None:
    for block in content if isinstance(content, list) else ():
        citations = block.get("citations") if isinstance(block, dict) else None
        if isinstance(citations, list) and not all(map(_may_be_sealed, citations)):
            block["citations"] = [each for each in citations if _may_be_sealed(each)]
            if not block["citations"]:
                del block["citations"]


def _may_be_sealed(citation: object) -> bool:
    return not isinstance(citation, dict) or citation.get("encrypted_index") != ""


def _told(result: Mapping[str, Any]) -> str:
    if result.get("type") == "web_fetch_result":
        return "\n".join(_page(result))
    if said := " ".join(str(result[name]) for name in ("title", "url", "error_code") if result.get(name)):
        return said
    references = result.get("tool_references")
    if isinstance(references, list):
        return " ".join(told_reference(each) for each in references if isinstance(each, Mapping))
    return _json(result)[:TOLD_CHARACTERS]


def _page(result: Mapping[str, Any]) -> Iterator[str]:
    """A page with its text: a model goes on working with it. A file is only named."""
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
