"""A request of the Messages API as values, already legal in the ways in which all other formats agree.

Reading it applies what no other format has: the client's attribution line goes, system messages in the middle become
reminders of the user's, neighbours of one role are one turn, every call has exactly one result directly behind it,
empty texts are gone. What was left out or told in other words is in ``notes``, for the request's detail.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import Struct

from proxy.dialects.attribution import unattributed
from proxy.dialects.tool_changes import tools_in_force
from proxy.protocol.server_tools import CALLS, is_result, told_call, told_reference, told_result

Role = Literal["user", "assistant"]
Block = Mapping[str, Any]

_READ = (
    *("model", "messages", "system", "tools", "tool_choice", "max_tokens", "temperature", "top_p", "top_k", "stream"),
    *(
        "stop_sequences",
        "thinking",
        "output_config",
        "output_format",
        "metadata",
        "anthropic_beta",
        "anthropic_version",
    ),
)
"""Fields that are said in other formats too, or nowhere told in a body."""
_READ_OF_OUTPUT = ("effort", "format")
_READ_OF_TOOLS = ("type", "name", "description", "input_schema", "strict", "cache_control")
_CLAUDES = (
    *("context_management", "container", "mcp_servers", "fallbacks", "inference_geo", "speed", "service_tier"),
    *("diagnostics", "safeguards", "cache_control"),
)
_UNUSED_TOLD = 20
"""Fields of one request that are named, whatever its client makes up."""
NO_RESULT = "[no result: the call was interrupted]"


class _Value(Struct, frozen=True, gc=False):
    """A long conversation has thousands. None is part of a cycle, so the collector need not look at them."""


class Text(_Value, frozen=True):
    text: str
    cache: Mapping[str, Any] | None = None
    """The block's ``cache_control``."""


class Image(_Value, frozen=True):
    media_type: str = "image/png"
    data: str | None = None
    """Base64."""
    url: str | None = None


class Document(_Value, frozen=True):
    """A PDF file; documents of text are ``Text`` already."""

    title: str
    media_type: str = "application/pdf"
    data: str | None = None
    url: str | None = None


class Thinking(_Value, frozen=True):
    text: str
    signature: str


class Call(_Value, frozen=True):
    id: str
    name: str
    input: Mapping[str, Any]


class Result(_Value, frozen=True):
    call_id: str
    name: str
    """Of the tool that was called."""
    parts: "tuple[Text | Image | Document, ...]"
    is_error: bool = False
    cache: Mapping[str, Any] | None = None
    """The block's ``cache_control``."""

    @property
    def text(self) -> str:
        """Its texts together; empty where it has none."""
        return "\n".join([part.text for part in self.parts if isinstance(part, Text)])

    @property
    def media(self) -> "tuple[Image | Document, ...]":
        return tuple([part for part in self.parts if not isinstance(part, Text)])


Said = Text | Image | Document
Part = Said | Thinking | Call | Result
_SAID = (Text, Image, Document)


class Turn(_Value, frozen=True):
    """Everything that one side says before the other does. In a user's turn all results stand first."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple([part for part in self.parts if isinstance(part, Call)])

    @property
    def results(self) -> tuple[Result, ...]:
        return tuple([part for part in self.parts if isinstance(part, Result)])

    @property
    def said(self) -> tuple[Said, ...]:
        """Everything but calls, results and thinking."""
        return tuple([part for part in self.parts if isinstance(part, _SAID)])

    @property
    def thoughts(self) -> tuple[Thinking, ...]:
        return tuple([part for part in self.parts if isinstance(part, Thinking)])


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    description: str
    schema: Mapping[str, Any]
    """JSON schema whose root is an object with properties."""
    strict: bool = False


@dataclass(frozen=True, slots=True)
class ServerTool:
    """A tool that the provider itself would run."""

    type: str
    name: str
    settings: Mapping[str, Any]

    @property
    def searches(self) -> bool:
        """It searches the web."""
        return self.type.startswith("web_search_")


@dataclass(frozen=True, slots=True)
class ToolChoice:
    kind: Literal["auto", "any", "tool", "none"] = "auto"
    name: str | None = None
    parallel: bool = True


@dataclass(frozen=True, slots=True)
class Conversation:
    """A request."""

    model: str
    system: tuple[Text, ...]
    turns: tuple[Turn, ...]
    """Beginning with a user's, alternating."""
    tools: tuple[Tool, ...] = ()
    server_tools: tuple[ServerTool, ...] = ()
    choice: ToolChoice = ToolChoice()
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    thinking: Literal["unset", "off", "on", "adaptive"] = "unset"
    thinking_budget: int | None = None
    """Tokens."""
    effort: str | None = None
    format: Mapping[str, Any] | None = None
    """JSON schema of a structured answer."""
    stream: bool = False
    user: str | None = None
    """``metadata.user_id``: holds account and session ids, so it is hashed before it leaves."""
    notes: tuple[str, ...] = ()
    """What was left out or changed, in words, each once."""

    @property
    def system_text(self) -> str:
        return "\n\n".join(part.text for part in self.system)


@dataclass(slots=True)
class _Notes:
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, words: str) -> None:
        self.counts[words] = self.counts.get(words, 0) + 1

    def told(self) -> tuple[str, ...]:
        return tuple(words if count == 1 else f"{words} (×{count})" for words, count in self.counts.items())


class NotAConversation(ValueError):
    """The body is not what the Messages API takes. ``str()`` names the fault."""


def read_conversation(body: Mapping[str, Any]) -> Conversation:
    """The request in a decoded body. Raises ``NotAConversation``."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise NotAConversation("messages: a list is required")
    notes = _Notes()
    said = [(entry.get("role"), _blocks(entry.get("content"))) for entry in _entries(messages)]
    listed, unfollowed = tools_in_force(_entries(body.get("tools")), (block for _, blocks in said for block in blocks))
    for words in unfollowed:
        notes.add(words)
    turns = _turns(said, notes)
    config = body.get("output_config")
    config = config if isinstance(config, dict) else {}
    kind, budget = _thinking(body.get("thinking"))
    tools, server_tools = _tools(listed, notes)
    metadata = body.get("metadata")
    return Conversation(
        model=str(body.get("model") or ""),
        system=tuple(_system(body.get("system"))),
        turns=turns,
        tools=tools,
        server_tools=server_tools,
        choice=_choice(body.get("tool_choice")),
        max_tokens=_integer(body.get("max_tokens")),
        temperature=_number(body.get("temperature")),
        top_p=_number(body.get("top_p")),
        top_k=_integer(body.get("top_k")),
        stop=tuple(text for text in _list(body.get("stop_sequences")) if isinstance(text, str) and text),
        thinking=kind,
        thinking_budget=budget,
        effort=config["effort"] if isinstance(config.get("effort"), str) else None,
        format=_format(config.get("format") or body.get("output_format")),
        stream=body.get("stream") is True,
        user=metadata["user_id"] if isinstance(metadata, dict) and isinstance(metadata.get("user_id"), str) else None,
        notes=(*notes.told(), *_unused(body, config)),
    )


def _unused(body: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    """Fields that no other format has, or nobody knows."""
    for name in [name for name, value in body.items() if value and name not in _READ][:_UNUSED_TOLD]:
        why = "only Claude has it" if name in _CLAUDES else "the provider's format has no such field"
        yield f"{name} left out: {why}"
    for name in [name for name, value in config.items() if value and name not in _READ_OF_OUTPUT][:_UNUSED_TOLD]:
        yield f"output_config.{name} left out: only Claude has it"


def _system(system: object) -> Iterator[Text]:
    for block in [{"type": "text", "text": system}] if isinstance(system, str) else _list(system):
        text = block.get("text") if isinstance(block, dict) else None
        if isinstance(text, str) and (said := unattributed(text)).strip():
            yield Text(said, _cache(block))


def _turns(said: Iterable[tuple[object, Sequence[object]]], notes: _Notes) -> tuple[Turn, ...]:
    """``said``: roles and blocks of the messages."""
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


def _paired(turns: Sequence[tuple[Role, list[Part]]], notes: _Notes) -> Iterator[Turn]:
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


def _answered(parts: Sequence[Part], waiting: Sequence[Call], notes: _Notes) -> tuple[Part, ...]:
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


def _missing(call: Call, notes: _Notes) -> Result:
    notes.add("a call without a result got one that says so")
    return Result(call.id, call.name, (Text(NO_RESULT),), is_error=True)


def _reminder(text: Text) -> Text:
    return Text(f"<system-reminder>\n{text.text}\n</system-reminder>", text.cache)


def _part(block: object, names: dict[str, str], notes: _Notes) -> Part | None:
    """None for what says nothing. ``names``: of the tools called up to here, by the call's id."""
    if not isinstance(block, dict):
        return None
    match block.get("type"):
        case "text":
            return Text(text, _cache(block)) if isinstance(text := block.get("text"), str) and text else None
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


def _result(block: Block, names: dict[str, str], notes: _Notes) -> Result:
    call_id = str(block.get("tool_use_id") or "")
    parts: list[Said] = []
    for each in _blocks(block.get("content")):
        part = _part(each, names, notes)
        if isinstance(part, Text):
            parts.append(part if part.cache is None else Text(part.text))
        elif isinstance(part, _SAID):
            parts.append(part)
    return Result(call_id, names.get(call_id, "tool"), tuple(parts), block.get("is_error") is True, _cache(block))


def _medium(block: Mapping[str, Any], notes: _Notes) -> Text | Image | Document:
    source = block.get("source")
    source = source if isinstance(source, dict) else {}
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
    given = block.get("input")
    return Call(str(block.get("id") or ""), str(block.get("name") or "tool"), given if isinstance(given, dict) else {})


def _tools(listed: Sequence[Mapping[str, Any]], notes: _Notes) -> tuple[tuple[Tool, ...], tuple[ServerTool, ...]]:
    tools: list[Tool] = []
    server_tools: list[ServerTool] = []
    for each in listed:
        kind, name = each.get("type") or "custom", str(each.get("name") or each.get("type") or "tool")
        if kind != "custom":
            server_tools.append(ServerTool(str(kind), name, each))
        elif all(tool.name != name for tool in tools):
            description = each.get("description")
            described = description if isinstance(description, str) else ""
            tools.append(Tool(name, described, rooted(each.get("input_schema")), each.get("strict") is True))
            for unread in [key for key, value in each.items() if value and key not in _READ_OF_TOOLS][:_UNUSED_TOLD]:
                notes.add(f"{unread} of a tool left out: only Claude has it")
        else:
            notes.add(f"a second tool called {name} left out")
    return tuple(tools), tuple(server_tools)


def rooted(schema: object) -> Mapping[str, Any]:
    """``schema`` with an object at its root, which every server demands."""
    if not isinstance(schema, dict):
        return {"type": "object", "properties": {}}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        return schema
    kind = schema.get("type")
    if kind in (None, "object") or (isinstance(kind, list) and "object" in kind):
        return {**schema, "type": "object", "properties": schema.get("properties") or {}}
    return {"type": "object", "properties": {"value": schema}, "required": ["value"]}


def _choice(choice: object) -> ToolChoice:
    if not isinstance(choice, dict):
        return ToolChoice()
    parallel = choice.get("disable_parallel_tool_use") is not True
    match choice.get("type"):
        case "any":
            return ToolChoice("any", parallel=parallel)
        case "tool" if isinstance(choice.get("name"), str):
            return ToolChoice("tool", choice["name"], parallel)
        case "none":
            return ToolChoice("none", parallel=parallel)
        case _:
            return ToolChoice(parallel=parallel)


def _thinking(thinking: object) -> tuple[Literal["unset", "off", "on", "adaptive"], int | None]:
    if not isinstance(thinking, dict):
        return "unset", None
    match thinking.get("type"):
        case "enabled":
            return "on", _integer(thinking.get("budget_tokens"))
        case "adaptive":
            return "adaptive", None
        case "disabled":
            return "off", None
        case _:
            return "unset", None


def _format(wanted: object) -> Mapping[str, Any] | None:
    if isinstance(wanted, dict) and isinstance(schema := wanted.get("schema"), dict):
        return schema
    return None


def _texts(content: object) -> list[str]:
    blocks = _entries(_blocks(content))
    return [text for block in blocks if isinstance(text := block.get("text"), str) and text]


def _blocks(content: object) -> list[object]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else _list(content)


def _entries(values: object) -> list[Block]:
    return [each for each in _list(values) if isinstance(each, dict)]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _cache(block: Mapping[str, Any]) -> Mapping[str, Any] | None:
    mark = block.get("cache_control")
    return mark if isinstance(mark, dict) else None


def _integer(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
