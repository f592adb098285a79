"""Messages of the Messages API as turns: blocks as parts, calls and results in pairs.

Here system messages in the middle become reminders of the user's, past work of server tools becomes text, and a call or
a result that stands alone gets what it lacks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from proxy.dialects.conversation import SAID, Call, Document, Image, Part, Result, Role, Said, Text, Thinking, Turn
from proxy.dialects.foreign_values import entries, mapping, mappings
from proxy.dialects.notes import Notes
from proxy.protocol.server_tools import CALLS, is_result, told_call, told_reference, told_result

Block = Mapping[str, Any]

NO_RESULT = "[no result: the call was interrupted]"


def turns_of(said: Iterable[tuple[object, Sequence[object]]], notes: Notes) -> tuple[Turn, ...]:
    """The turns, beginning with a user's, alternating. ``said``: roles and blocks of the messages."""
    names: dict[str, str] = {}
    turns: list[tuple[Role, list[Part]]] = []
    for spoke, blocks in said:
        role: Role = "assistant" if spoke == "assistant" else "user"
        parts = [part for block in blocks if (part := _part(block, names, notes)) is not None]
        if spoke == "system":
            parts = [_reminder(part) if isinstance(part, Text) else part for part in parts]
        if not parts:
            continue
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(parts)
        else:
            turns.append((role, parts))
    if turns and turns[0][0] == "assistant":
        turns.insert(0, ("user", [Text("(the conversation goes on)")]))
    return tuple(_paired(turns, notes))


def _paired(turns: Sequence[tuple[Role, list[Part]]], notes: Notes) -> Iterator[Turn]:
    """Every call with its one result in the next turn; results first; none without its call."""
    waiting: list[Call] = []
    for role, parts in turns:
        if role == "assistant":
            waiting = [part for part in parts if isinstance(part, Call)]
            yield Turn(role, tuple(parts))
            continue
        if answered := _answered(parts, waiting, notes):
            yield Turn("user", answered)
        waiting = []
    if waiting:
        yield Turn("user", tuple([_missing(call, notes) for call in waiting]))


def _answered(parts: Sequence[Part], waiting: Sequence[Call], notes: Notes) -> tuple[Part, ...]:
    given: dict[str, Result | None] = {call.id: None for call in waiting}
    strays: list[Result] = []
    rest: list[Part] = []
    for part in parts:
        if not isinstance(part, Result):
            rest.append(part)
        elif part.call_id not in given:
            strays.append(part)
        elif given[part.call_id] is None:
            given[part.call_id] = part
    results: list[Part] = [given[call.id] or _missing(call, notes) for call in waiting]
    for stray in strays:
        notes.add("a tool's result without its call told as text")
        results += [Text(f"[result of an earlier call] {stray.text}"), *stray.media]
    return (*results, *rest)


def _missing(call: Call, notes: Notes) -> Result:
    notes.add("a call without a result got one that says so")
    return Result(call.id, call.name, (Text(NO_RESULT),), is_error=True)


def _reminder(text: Text) -> Text:
    return Text(f"<system-reminder>\n{text.text}\n</system-reminder>", text.cache)


def _part(block: object, names: dict[str, str], notes: Notes) -> Part | None:
    """None for what says nothing. ``names``: of the tools called up to here, by the call's id."""
    if not isinstance(block, dict):
        return None
    match block.get("type"):
        case "text":
            return Text(text, cache_of(block)) if isinstance(text := block.get("text"), str) and text else None
        case "tool_use":
            call = _call(block)
            names[call.id] = call.name
            return call
        case "tool_result":
            return _result(block, names, notes)
        case "thinking":
            return Thinking(str(block.get("thinking") or ""), str(block.get("signature") or ""))
        case "redacted_thinking":
            return Thinking("", str(block.get("data") or ""))
        case "image" | "document":
            return _medium(block, notes)
        case "mid_conv_system":
            text = "\n".join(_texts(block.get("content") or block.get("text")))
            return _reminder(Text(text)) if text else None
        case "search_result":
            text = "\n".join(_texts(block.get("content")))
            return Text(f"[{block.get('title') or 'search result'}] {block.get('source') or ''}\n{text}")
        case str(kind) if kind in CALLS:
            notes.add("past work of a server's tool told as text")
            return Text(told_call(block))
        case kind if is_result(kind):
            return Text(told_result(block))
        case "tool_reference":
            return Text(told_reference(block))
        case "fallback" | "compaction":
            return Text(text) if isinstance(text := block.get("content"), str) and text else None
        case "tool_addition" | "tool_removal":
            return None  # the list of tools has them
        case kind:
            notes.add(f"a block of type {kind} left out")
            return None


def _result(block: Block, names: dict[str, str], notes: Notes) -> Result:
    call_id = str(block.get("tool_use_id") or "")
    parts: list[Said] = []
    for each in blocks_of(block.get("content")):
        part = _part(each, names, notes)
        if isinstance(part, Text):
            parts.append(part if part.cache is None else Text(part.text))
        elif isinstance(part, SAID):
            parts.append(part)
    return Result(call_id, names.get(call_id, "tool"), tuple(parts), block.get("is_error") is True, cache_of(block))


def _medium(block: Mapping[str, Any], notes: Notes) -> Text | Image | Document:
    source = mapping(block.get("source"))
    kind, media_type = source.get("type"), str(source.get("media_type") or "")
    data = source["data"] if isinstance(source.get("data"), str) else None
    url = source["url"] if isinstance(source.get("url"), str) else None
    title = str(block.get("title") or "document")
    if block.get("type") == "image" and (data or url):
        return Image(media_type or "image/png", data if kind != "url" else None, url if kind == "url" else None)
    if kind == "text" and data is not None:
        return Text(f"[{title}]\n{data}")
    if kind == "content":
        return Text("\n".join([f"[{title}]", *_texts(source.get("content"))]))
    if block.get("type") == "document" and (data or url):
        return Document(title, media_type or "application/pdf", data, url)
    notes.add(f"a {block.get('type')} in a file store of Anthropic's left out")
    return Text(f"[{block.get('type')} that is stored at Anthropic only]")


def _call(block: Mapping[str, Any]) -> Call:
    return Call(str(block.get("id") or ""), str(block.get("name") or "tool"), mapping(block.get("input")))


def _texts(content: object) -> list[str]:
    blocks = mappings(blocks_of(content))
    return [text for block in blocks if isinstance(text := block.get("text"), str) and text]


def blocks_of(content: object) -> list[object]:
    """A plain text is one."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else entries(content)


def cache_of(block: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Its mark of the prompt's cache."""
    mark = block.get("cache_control")
    return mark if isinstance(mark, dict) else None
