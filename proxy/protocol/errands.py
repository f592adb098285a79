"""What sub-agents are sent to do: read from the call that starts one, and from the one's own first words. Pure.

Claude Code starts a sub-agent with a call of the tool ``Agent`` (``Task`` before 2.1) whose ``prompt`` the sub-agent
gets as a text of its first message, word for word (seen in 2.1.329). Prompts are compared by digest and not kept; kept
is the name: the kind of agent and the few words that describe its errand.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw

from proxy.protocol.foreign_json import NotJson, read_json, read_json_as
from proxy.protocol.messages import Body
from proxy.protocol.parts import PartReader

TOOLS = frozenset({"Agent", "Task"})
_MARKS = (b'"Agent"', b'"Task"')
NAME_MAX = 80
"""Characters of a name that are kept."""

_LIST = msgspec.json.Decoder(list[Raw])


@dataclass(frozen=True, slots=True)
class Errand:
    """A sub-agent that an answer starts."""

    digest: bytes
    """Of its prompt."""
    name: str


def may_start_agents(answer: Sequence[bytes]) -> bool:
    """Whether an answer (its chunks, some of which may be cut within a word) is worth reading for ``errands``."""
    whole = b"".join(answer)
    return any(mark in whole for mark in _MARKS)


def errands(answer: Sequence[bytes], *, streamed: bool) -> list[Errand]:
    """The sub-agents that an answer (its chunks in order) starts."""
    whole = b"".join(answer)
    reader = PartReader("")
    parts = reader.read([whole]) if streamed else reader.read_whole(whole)
    titles: dict[int, str] = {}
    inputs: dict[int, list[str]] = {}
    for part in parts:
        if part.title is not None:
            titles[part.block] = part.title
        inputs.setdefault(part.block, []).append(part.text)
    return list(_named("".join(inputs[block]) for block, title in titles.items() if title in TOOLS))


def first_words(body: Body) -> list[bytes]:
    """Digests of the texts in a conversation's first message; empty where it cannot be read."""
    try:
        first = read_json(bytes(read_json_as(_LIST, bytes(body.fields["messages"]))[0]))
    except (NotJson, KeyError, IndexError):
        return []
    content = first.get("content") if isinstance(first, dict) else None
    blocks = content if isinstance(content, list) else [{"text": content}]
    texts = (block.get("text") for block in blocks if isinstance(block, dict))
    return [digest(text) for text in texts if isinstance(text, str) and text]


def digest(prompt: str) -> bytes:
    """What two equal prompts have in common; white space at the ends does not count."""
    return hashlib.blake2b(prompt.strip().encode(errors="replace"), digest_size=12).digest()


def _named(inputs: Iterable[str]) -> Iterator[Errand]:
    for text in inputs:
        try:
            given = read_json(text)
        except NotJson:
            continue
        if isinstance(given, dict) and isinstance(prompt := given.get("prompt"), str) and (name := _name(given)):
            yield Errand(digest(prompt), name)


def _name(given: dict[Any, Any]) -> str:
    kind, words = (_line(given.get(key)) for key in ("subagent_type", "description"))
    told = f'{kind} "{words}"' if kind and words else kind or words
    return told if len(told) <= NAME_MAX else told[: NAME_MAX - 1] + "…"


def _line(text: object) -> str:
    if not isinstance(text, str):
        return ""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text[: 4 * NAME_MAX]).split())
