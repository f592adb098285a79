"""What the simulator says to a request: the blocks of its answer. Pure, and the same for the same request.

It answers in text. Markers in the user's last text make it call the client's tools: ``[[write PATH]]``,
``[[read PATH]]``, ``[[run COMMAND]]`` and ``[[agent TASK]]``, several in one text for several calls; to their
results it answers with a closing text.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, assert_never

import msgspec

from proxy.simulator import phrases
from proxy.simulator.plan import draw
from proxy.simulator.request import SimRequest

StopReason = Literal["end_turn", "tool_use", "max_tokens", "stop_sequence"]

_MARKER = re.compile(r"\[\[(write|read|run|agent)\s+([^\]]+?)\s*\]\]")
_GREETING = re.compile(r"(?i)\b(hi|hello|hey|good (morning|evening)|hallo|servus)\b")
_GREETING_CHARACTERS = 80
"""A longer text that begins with a greeting wants something else."""


@dataclass(frozen=True, slots=True)
class Thinking:
    text: str
    shown: bool = True
    """Where the client asked to omit it, only its signature is sent; it is billed all the same."""


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    id: str
    name: str
    arguments: Mapping[str, str]


Block = Thinking | Text | ToolCall


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in full, before anything of it is sent."""

    blocks: tuple[Block, ...]
    stop_reason: StopReason = "end_turn"
    stop_sequence: str | None = None


def answer(request: SimRequest, seed: int) -> Answer:
    """The whole answer to ``request``, within its limits."""
    key = f"{request.digest}\x1f{seed}"
    return _limited(_stopped(_unlimited(request, key), request.stop_sequences), request.max_tokens)


def _unlimited(request: SimRequest, key: str) -> Answer:
    if request.schema is not None:
        instance = _instance(request.schema, phrases.title(request.said))
        return Answer((Text(msgspec.json.encode(instance).decode()),))
    if calls := _tool_calls(request, key):
        return Answer((*_thoughts(request, key), Text(phrases.announcement(key)), *calls), "tool_use")
    if request.answers_a_tool:
        return Answer((*_thoughts(request, key), Text(phrases.closing(key))))
    if _is_greeting(request.said):
        return Answer((Text(phrases.GREETING),))
    return Answer((*_thoughts(request, key), Text(phrases.essay(key, request.said))))


def _is_greeting(said: str) -> bool:
    return len(said) <= _GREETING_CHARACTERS and _GREETING.search(said) is not None


def _thoughts(request: SimRequest, key: str) -> tuple[Block, ...]:
    return (Thinking(phrases.thoughts(key), request.shows_thinking),) if request.thinks else ()


def _tool_calls(request: SimRequest, key: str) -> tuple[ToolCall, ...]:
    """The calls that the user's markers ask for, as far as the request offers the tools."""
    found = []
    for number, (verb, object_) in enumerate(_MARKER.findall(request.said)):
        name = next((name for name in _TOOL_NAMES[verb] if name in request.tool_names), None)
        if name:
            call_id = f"toolu_sim{int(draw(key, 'call', number) * 2**60):015x}"
            found.append(ToolCall(call_id, name, _ARGUMENTS[verb](object_)))
    return tuple(found)


_TOOL_NAMES: Mapping[str, Sequence[str]] = {
    "write": ("Write",),
    "read": ("Read",),
    "run": ("Bash",),
    "agent": ("Agent", "Task"),
}

_ARGUMENTS: Mapping[str, Callable[[str], Mapping[str, str]]] = {
    "write": lambda path: {"file_path": path, "content": phrases.FILE_CONTENT},
    "read": lambda path: {"file_path": path},
    "run": lambda command: {"command": command, "description": "Run a command that the user named"},
    "agent": lambda task: {"description": "Look into it", "prompt": task, "subagent_type": "general-purpose"},
}


def _instance(schema: Mapping[str, object], text: str) -> object:
    """A value that follows ``schema``, with ``text`` wherever it wants words."""
    match schema:
        case {"const": constant}:
            return constant
        case {"enum": [first, *_]}:
            return first
        case {"type": "object"} | {"properties": dict()}:
            properties = schema.get("properties")
            named = properties.items() if isinstance(properties, dict) else ()
            return {name: _instance(each, text) for name, each in named if isinstance(each, dict)}
        case {"type": "array"}:
            return []
        case {"type": "integer" | "number"}:
            return 0
        case {"type": "boolean"}:
            return False
        case {"type": "null"}:
            return None
        case _:
            return text


def _stopped(whole: Answer, sequences: Sequence[str]) -> Answer:
    """Cut at the first stop sequence in the text, if one occurs."""
    for index, block in enumerate(whole.blocks):
        if not isinstance(block, Text):
            continue
        hits = [(at, sequence) for sequence in sequences if sequence and (at := block.text.find(sequence)) >= 0]
        if hits:
            at, sequence = min(hits)
            blocks = (*whole.blocks[:index], Text(block.text[:at]))
            return Answer(blocks, "stop_sequence", sequence)
    return whole


def _limited(whole: Answer, max_tokens: int) -> Answer:
    """Cut where ``max_tokens`` are spent. A tool call that does not fit is left out."""
    left = max_tokens
    kept: list[Block] = []
    for block in whole.blocks:
        cost = block_tokens(block)
        if cost > left:
            return Answer((*kept, *_cut(block, left)), "max_tokens")
        kept.append(block)
        left -= cost
    return whole


def _cut(block: Block, tokens: int) -> tuple[Block, ...]:
    if isinstance(block, ToolCall):
        return ()
    kept = ""
    for word in words(block.text):
        tokens -= word_tokens(word)
        if tokens < 0:
            break
        kept += word
    return (replace(block, text=kept),) if kept else ()


def block_tokens(block: Block) -> int:
    match block:
        case Text() | Thinking():
            return sum(word_tokens(word) for word in words(block.text))
        case ToolCall():
            return 12 + sum(word_tokens(value) for value in block.arguments.values())
        case _:
            assert_never(block)


def words(text: str) -> list[str]:
    """``text`` cut after its spaces and line ends; joined again it is the same."""
    return re.findall(r"\S*\s+|\S+$", text)


def word_tokens(word: str) -> int:
    return max(1, round(len(word) / 4.5))
