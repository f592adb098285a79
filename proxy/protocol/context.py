"""What fills the window: a request's body taken apart and weighed. Pure.

Text is weighed by its bytes, an image by its size; the weights are then scaled so that their sum is what the
provider counted, where it did. So the sum is right and the shares are estimates.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import msgspec

from proxy.contract import ContextItem, ContextKind
from proxy.protocol.foreign_json import NotJson, read_json, read_json_as
from proxy.protocol.images import DOCUMENT_TOKENS, image_tokens
from proxy.protocol.messages import Body
from proxy.protocol.toolnames import call_name, mcp_server, tool_name

KINDS: tuple[ContextKind, ...] = get_args(ContextKind)
BIGGEST = 12
"""Single pieces that are named."""
_REMINDER = "<system-reminder>"
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_OF_BASE64 = 3 / 4


@dataclass(frozen=True, slots=True)
class Piece:
    """Something in the prompt that has a name."""

    kind: ContextKind
    group: str
    """What it is summed under."""
    name: str
    size_bytes: float = 0.0
    tokens: float | None = None
    """Where it is known without a scale."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A prompt by its parts; parts and items have the same sum."""

    tokens: int = 0
    parts: tuple[ContextItem, ...] = ()
    items: tuple[ContextItem, ...] = ()
    biggest: tuple[ContextItem, ...] = ()


def weigh(body: Body, bytes_per_token: float, counted: int | None = None, answer_tokens: int = 0) -> Weighed:
    """The prompt in ``body``; ``counted`` is the provider's count of it, None where it told none.

    ``answer_tokens`` is what was answered to it, and stands in the window too from then on.
    """
    weighed = _scaled(list(pieces(body)), bytes_per_token, counted)
    if answer_tokens:
        answer = Piece("messages", "last answer", "last answer", tokens=float(answer_tokens))
        weighed = [*weighed, (answer, float(answer_tokens))]
    groups: dict[tuple[ContextKind, str], tuple[float, int]] = {}
    for piece, tokens in weighed:
        key = (piece.kind, piece.group)
        before, count = groups.get(key, (0.0, 0))
        groups[key] = (before + tokens, count + 1)
    told = None if counted is None else counted + answer_tokens
    whole = _rounded([tokens for tokens, _ in groups.values()], told)
    items = [
        ContextItem(kind=kind, name=name, tokens=tokens, count=count)
        for (kind, name), tokens, (_, count) in zip(groups, whole, groups.values(), strict=True)
    ]
    return Weighed(
        tokens=sum(whole),
        parts=_parts(items),
        items=tuple(sorted(items, key=_by_size)),
        biggest=_biggest(weighed),
    )


def pieces(body: Body) -> Iterator[Piece]:
    """Everything in the prompt, part by part. What has no shape that is known is left out."""
    yield from _system(body.value("system"))
    told = list(_messages(_each(body, "messages")))
    loaded = {piece.name for piece in told if piece.kind == "tools"}
    yield from _tools(body.value("tools"), loaded)
    yield from (piece for piece in told if piece.kind != "tools")


def _each(body: Body, name: str) -> Iterator[Any]:
    """The entries of a list, read one by one: other threads get their turn between two of them."""
    raw = body.fields.get(name)
    try:
        for entry in read_json_as(_LIST, raw) if raw is not None else ():
            yield read_json(entry)
    except NotJson:
        return


def _system(content: object) -> Iterator[Piece]:
    for number, block in enumerate(_blocks(content), 1):
        yield Piece("system", "system prompt", f"system block {number}", _size(block.get("text")))


def _tools(tools: object, loaded: set[str]) -> Iterator[Piece]:
    """Definitions; those that are only announced are not in the prompt until a search has brought them."""
    for tool in _mappings(tools):
        name = str(tool.get("name") or tool.get("type") or "")
        if tool.get("defer_loading") is True and name not in loaded:
            continue
        server = mcp_server(name)
        group = f"mcp {server}" if server else "built-in tools"
        yield Piece("tools", group, f"tool {tool_name(name)}", _size(tool))


def _messages(messages: Iterable[object]) -> Iterator[Piece]:
    calls: dict[str, tuple[str, str]] = {}
    for number, message in enumerate(messages, 1):
        if not isinstance(message, Mapping):
            continue
        role = str(message.get("role"))
        for block in _blocks(message.get("content")):
            yield from _block(block, role, number, calls)


def _block(block: Mapping[str, Any], role: str, number: int, calls: dict[str, tuple[str, str]]) -> Iterator[Piece]:
    """A block of a message; ``calls`` are the calls so far, by id, and grow."""
    kind = str(block.get("type"))
    match kind:
        case "text":
            yield _text(str(block.get("text") or ""), role, number)
        case "thinking" | "redacted_thinking":
            yield Piece("thinking", "thinking", f"thinking in message {number}", _thought(block))
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            tool, arguments = str(block.get("name") or ""), block.get("input")
            called = call_name(tool, arguments)
            calls[str(block.get("id"))] = (tool, called)
            yield Piece("messages", "tool calls", f"call of {called}", len(tool) + _size(arguments))
        case "image" | "document":
            yield _picture(block, f"in message {number}")
        case _ if "tool_use_id" in block:
            yield from _result(block, kind, calls)
        case _:
            yield Piece("messages", "other", f"{kind} in message {number}"[:80], _size(block))


def _text(text: str, role: str, number: int) -> Piece:
    if role == "system":
        return Piece("system", "system messages", f"system message {number}", _size(text))
    if text.lstrip().startswith(_REMINDER):
        return Piece("messages", "reminders", f"reminder in message {number}", _size(text))
    group = "assistant" if role == "assistant" else "user"
    return Piece("messages", group, f"{group} message {number}", _size(text))


def _result(block: Mapping[str, Any], kind: str, calls: Mapping[str, tuple[str, str]]) -> Iterator[Piece]:
    tool, called = calls.get(str(block.get("tool_use_id")), ("", ""))
    tool = tool or kind.removesuffix("_tool_result").removesuffix("_result")
    server = mcp_server(tool)
    group = f"mcp {server}" if server else tool_name(tool)
    name = called or group
    content = block.get("content")
    if (file := _fetched_file(content)) is not None:
        content = [file]
    if not isinstance(content, str | list):
        yield Piece("tool_results", group, name, _size(content))
        return
    text = 0.0
    for inner in _blocks(content):
        match inner.get("type"):
            case "image" | "document":
                yield _picture(inner, f"of {name}")
            case "tool_reference":
                yield Piece("tools", "", str(inner.get("tool_name") or inner.get("name") or ""))
            case _:
                text += _size(inner.get("text")) if "text" in inner else _size(inner)
    yield Piece("tool_results", group, name, text)


def _fetched_file(content: object) -> Mapping[str, Any] | None:
    """The document of a page of the web that is no text."""
    page = content.get("content") if isinstance(content, Mapping) else None
    source = page.get("source") if isinstance(page, Mapping) else None
    return page if isinstance(source, Mapping) and source.get("type") == "base64" else None


def _picture(block: Mapping[str, Any], where: str) -> Piece:
    source = block.get("source")
    found = source if isinstance(source, Mapping) else {}
    if block.get("type") == "image":
        return Piece("images", "images", f"image {where}", tokens=float(image_tokens(found)))
    if found.get("type") in ("text", "content"):
        return Piece("messages", "documents", f"document {where}", _size(found))
    return Piece("images", "documents", f"document {where}", tokens=float(DOCUMENT_TOKENS))


def _thought(block: Mapping[str, Any]) -> float:
    """The client may be sent its thinking sealed only: the seal is about as long as what it holds."""
    if text := block.get("thinking"):
        return _size(text)
    return _size(block.get("data") or block.get("signature")) * _OF_BASE64


def _blocks(content: object) -> Iterable[Mapping[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else _mappings(content)


def _mappings(value: object) -> Sequence[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else ()


def _size(value: object) -> float:
    """Bytes of a text, or of a value as JSON without spaces, about."""
    match value:
        case None:
            return 0.0
        case str():
            return float(len(value.encode(errors="replace")))
        case Mapping():
            return sum(len(str(name)) + 4 + _size(each) for name, each in value.items()) + 1.0
        case list():
            return sum(1 + _size(each) for each in value) + 1.0
        case _:
            return float(len(str(value)))


def _scaled(found: Sequence[Piece], bytes_per_token: float, counted: int | None) -> list[tuple[Piece, float]]:
    fixed = sum(piece.tokens for piece in found if piece.tokens is not None)
    text = sum(piece.size_bytes for piece in found if piece.tokens is None)
    by_byte, by_size = 1 / bytes_per_token, 1.0
    if counted is not None and text and fixed < counted:
        by_byte = (counted - fixed) / text
    elif counted is not None and (together := fixed + text * by_byte):
        by_byte, by_size = by_byte * counted / together, counted / together
    return [(piece, piece.size_bytes * by_byte if piece.tokens is None else piece.tokens * by_size) for piece in found]


def _rounded(tokens: Sequence[float], total: int | None) -> list[int]:
    """Whole numbers with the sum ``total`` (None: the rounded sum): what is lost goes to the largest remainders."""
    whole = [int(each) for each in tokens]
    missing = (round(sum(tokens)) if total is None else total) - sum(whole)
    order = sorted(range(len(whole)), key=lambda place: whole[place] - tokens[place])
    for place in order[: max(0, missing)]:
        whole[place] += 1
    return whole


def _parts(items: Sequence[ContextItem]) -> tuple[ContextItem, ...]:
    parts = []
    for kind in KINDS:
        own = [item for item in items if item.kind == kind]
        if own:
            sums = sum(item.tokens for item in own), sum(item.count for item in own)
            parts.append(ContextItem(kind=kind, name=kind, tokens=sums[0], count=sums[1]))
    return tuple(parts)


def _biggest(weighed: Iterable[tuple[Piece, float]]) -> tuple[ContextItem, ...]:
    largest = sorted(weighed, key=lambda pair: -pair[1])[:BIGGEST]
    return tuple(
        ContextItem(kind=piece.kind, name=piece.name, tokens=round(tokens)) for piece, tokens in largest if tokens >= 1
    )


def _by_size(item: ContextItem) -> tuple[int, str]:
    return -item.tokens, item.name
