"""What a provider's prompt cache sees of a request: a chain of digests, and the first place where two chains part.

A cache serves a prompt as far as its beginning equals one that it saw: tools, then system, then the blocks of the
messages. A digest of eight bytes stands for each piece, so that nothing of a prompt is kept. Values count as they
were sent: another order of keys in a tool's schema is another prompt. What the provider's reader takes for the
same is the same here: a text as a string or as the only block, cache marks wherever they stand.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec
from msgspec import Raw

from proxy.protocol.foreign_json import NotJson, read_json, read_json_as
from proxy.protocol.messages import Body

DIGEST_BYTES = 8
MESSAGE_BLOCKS_MAX = 100_000
"""The API takes no more messages; what a chain holds is bounded by it."""

ATTRIBUTION = "x-anthropic-billing-header"
"""How the first system block of Claude Code begins; api.anthropic.com takes it out before anything else."""

_CONTINUED = b"This session is being continued from a previous conversation"
"""How a conversation begins after its compaction (read in the client, 2.1.329)."""

_CONTINUED_WITHIN = 256 * 1024
"""Bytes of the messages in which it stands: the user's own instructions come first."""

_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_TEXT = Raw(b'"text"')
_MARK = "cache_control"

WHOLE_SETTINGS = {"effort": "effort", "speed": "speed"}
"""Each value has a cache of its own (Claude Code's manual on prompt caching)."""
MESSAGE_SETTINGS = {
    "thinking": "thinking settings",
    "tool_choice": "tool choice",
    "format": "output format",
    "context_management": "context management",
}
"""Another value leaves tools and system in the cache, not the messages (Anthropic's manual on prompt caching)."""

Fields = dict[str, Raw]


class Unreadable(ValueError):
    """The body has no shape that a cache could know."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """The chain of one request, as a provider got it."""

    provider: str
    model: str
    settings: Mapping[str, bytes] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    """Names, in order; those that the client only announces (``defer_loading``) are not in the prompt."""
    tool_digests: bytes = b""
    attribution: bytes = b""
    """Of the block that names the client; empty where the provider takes it out."""
    system: bytes = b""
    blocks: bytes = b""
    """Of the messages, block by block."""
    lengths: tuple[int, ...] = ()
    """Blocks of each message."""
    marked: int | None = None
    """So many blocks of the messages stand before the last cache mark; None: no mark, the provider decides."""
    hour: bool = False
    """A mark asks for one hour."""
    minutes: bool = False
    """A mark asks for five minutes: what follows the last mark of an hour is kept for so long."""
    marked_hour: int = 0
    """So many blocks of the messages stand before the last mark of an hour."""
    changed: tuple[str, ...] = ()
    """What the engine changed for this target, in words."""
    compacts: bool = False
    """It asks for the summary that takes the conversation's place."""
    continued: bool = False
    """It begins with such a summary."""

    @property
    def cached_blocks(self) -> bytes:
        """The blocks that a cache was asked to keep."""
        return self.blocks if self.marked is None else self.blocks[: self.marked * DIGEST_BYTES]

    @property
    def hour_part(self) -> "Prefix":
        """The same as far as it was to be kept for an hour."""
        return replace(self, marked=self.marked_hour)

    def kinship(self, other: "Prefix") -> int:
        """Pieces that both have, wherever they stand."""
        return len(_digests(self) & _digests(other))


def no_pause() -> None:
    """Reads without a break."""


def read_prefix(
    body: Body,
    provider: str,
    model: str,
    changed: tuple[str, ...] = (),
    *,
    attributed: bool = True,
    pause: Callable[[], None] = no_pause,
) -> Prefix:
    """The chain of ``body``; ``attributed`` where the provider reads the attribution block like any other.

    ``pause`` is called after each message, for a reader that lets others have their turn. Raises ``Unreadable``.
    """
    try:
        return _read(body, provider, model, changed, attributed, pause)
    except NotJson as error:
        raise Unreadable(str(error)) from None


def _read(
    body: Body, provider: str, model: str, changed: tuple[str, ...], attributed: bool, pause: Callable[[], None]
) -> Prefix:
    names, tool_digests, tool_marks = _tools(body.fields.get("tools"))
    attribution, system, system_marks = _system(body.fields.get("system"))
    chain = _Chain()
    for raw in _items(body.fields.get("messages")):
        chain.add(read_json_as(_FIELDS, raw))
        pause()
    marks = [*tool_marks, *system_marks, *chain.marks]
    whole = body.fields.get(_MARK)
    if whole is not None:
        marks.append(bytes(whole))
        chain.mark(bytes(whole))
    return Prefix(
        provider=provider,
        model=model,
        settings=_settings(body),
        tools=names,
        tool_digests=tool_digests,
        attribution=attribution if attributed else b"",
        system=system,
        blocks=b"".join(chain.digests[:MESSAGE_BLOCKS_MAX]),
        lengths=tuple(chain.lengths),
        marked=chain.marked if marks else None,
        hour=any(map(_of_an_hour, marks)),
        minutes=not all(map(_of_an_hour, marks)),
        marked_hour=chain.marked_hour,
        changed=changed,
        compacts=body.compacts,
        continued=_CONTINUED in bytes(memoryview(body.fields.get("messages", b""))[:_CONTINUED_WITHIN]),
    )


class _Chain:
    """The messages of a body, as they are read."""

    def __init__(self) -> None:
        self.digests: list[bytes] = []
        self.lengths: list[int] = []
        self.marks: list[bytes] = []
        self.marked = self.marked_hour = 0

    def mark(self, value: bytes) -> None:
        """The last block so far bears a mark."""
        self.marked = len(self.digests)
        if _of_an_hour(value):
            self.marked_hour = self.marked

    def add(self, message: Fields) -> None:
        role = bytes(message.get("role", b""))
        blocks = list(_blocks(message.get("content")))
        for block in blocks:
            self.digests.append(_digest(role, block))
            if (mark := block.get(_MARK)) is not None:
                self.marks.append(bytes(mark))
                self.mark(bytes(mark))
        self.lengths.append(len(blocks))


def _of_an_hour(mark: bytes) -> bool:
    return b'"1h"' in mark


def _tools(raw: Raw | None) -> tuple[tuple[str, ...], bytes, list[bytes]]:
    names, digests, marks = [], [], []
    for each in _items(raw):
        tool = read_json_as(_FIELDS, each)
        if bytes(tool.get("defer_loading", b"")) == b"true":
            continue
        names.append(_text(tool.get("name")) or _text(tool.get("type")))
        digests.append(_digest(b"tool", tool))
        if (mark := tool.get(_MARK)) is not None:
            marks.append(bytes(mark))
    return tuple(names), b"".join(digests), marks


def _system(raw: Raw | None) -> tuple[bytes, bytes, list[bytes]]:
    """Digest of the attribution block, digests of the others, marks."""
    attribution, digests, marks = b"", [], []
    for number, block in enumerate(_blocks(raw)):
        digest = _digest(b"system", block)
        if number == 0 and _text(block.get("text")).startswith(ATTRIBUTION):
            attribution = digest
        else:
            digests.append(digest)
        if (mark := block.get(_MARK)) is not None:
            marks.append(bytes(mark))
    return attribution, b"".join(digests), marks


def _settings(body: Body) -> dict[str, bytes]:
    output = body.fields.get("output_config")
    inner: Fields = read_json_as(_FIELDS, output) if output is not None and _first(output) == b"{" else {}
    found = inner | body.fields
    names = (*WHOLE_SETTINGS, *MESSAGE_SETTINGS)
    return {name: _hash(bytes(found[name])) for name in names if name in found}


def _blocks(raw: Raw | None) -> Iterator[Fields]:
    """The blocks of a content; a string is one block of text."""
    if raw is None:
        return
    if _first(raw) == b'"':
        yield {"type": _TEXT, "text": raw}
        return
    for each in _items(raw):
        yield read_json_as(_FIELDS, each)


def _items(raw: Raw | None) -> Sequence[Raw]:
    if raw is None or _first(raw) != b"[":
        return ()
    return read_json_as(_LIST, raw)


def _digest(role: bytes, block: Fields) -> bytes:
    """Of a block without its mark. The order of its own fields means nothing to the API; below them it does."""
    hasher = hashlib.blake2b(role, digest_size=DIGEST_BYTES)
    for name in sorted(block):
        if name == _MARK:
            continue
        hasher.update(b"\x1f" + name.encode(errors="replace") + b"\x1f")
        raw = block[name]
        if name == "content" and _first(raw) in (b'"', b"["):
            for inner in _blocks(raw):
                hasher.update(_digest(b"inner", inner))
        else:
            hasher.update(memoryview(raw))
    return hasher.digest()


def _first(raw: Raw) -> bytes:
    """The byte that tells of which kind a value is."""
    return bytes(memoryview(raw)[:1])


def _hash(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=DIGEST_BYTES).digest()


def _text(raw: Raw | None) -> str:
    value = read_json(raw) if raw is not None else None
    return value if isinstance(value, str) else ""


def _digests(prefix: Prefix) -> set[bytes]:
    return {each for chain in (prefix.tool_digests, prefix.system, prefix.blocks) for each in pieces_of(chain)}


def pieces_of(chain: bytes) -> list[bytes]:
    """The digests in a chain, in order."""
    return [chain[at : at + DIGEST_BYTES] for at in range(0, len(chain), DIGEST_BYTES)]
