"""A conversation's past, made legal for the target that gets it next.

Thinking is signed by who thought it, and refused by everybody else. The engine remembers the issuer of each
block by a hash of its signature; blocks of others are taken out for a target and are still in the client's own
history when the route returns. Nothing else of the conversation changes, and every change is told in words.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from proxy.dialects.signatures import MARK, is_sealed
from proxy.protocol.messages import Body
from proxy.protocol.naming import canonical
from proxy.protocol.server_blocks import as_text

BLOCKS_KEPT = 20_000

_SIGNATURE = b'"signature"'
_SEALED = f'"{MARK}.'.encode()
_THINKING = ("thinking", "redacted_thinking")
_SERVER_TOOLS = ("server_tool_use", "web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result")

_THINKING_MARKS, _SERVER_TOOL_MARKS = (
    tuple(f'"{kind}"'.encode() for kind in kinds) for kinds in (_THINKING, _SERVER_TOOLS)
)
"""A body without any of them needs no reading."""

Thread = str
"""A session and an agent in it: their histories do not mix."""


@lru_cache(maxsize=1024)
def issuer_of(provider: str, model: str) -> str:
    """Who signs: a provider and the maker of the model there."""
    return f"{provider}:{canonical(model).split('-', 1)[0]}"


def is_claude(issuer: str) -> bool:
    return issuer.endswith(":claude")


def thread_of(session: str | None, agent: str | None) -> Thread:
    return f"{session or ''}/{agent or ''}"


def fingerprint(signature: str) -> str:
    """What is remembered of a signature: too little to be of use to anyone."""
    return hashlib.sha256(signature.encode()).hexdigest()[:20]


class Issuers:
    """Who issued which thinking block. A block is known wherever it turns up: a conversation may be resumed under
    another session, and a sub-agent may carry its parent's."""

    def __init__(self, blocks: Mapping[str, str] | None = None):
        self.blocks: OrderedDict[str, str] = OrderedDict(blocks or {})
        self._known = set(self.blocks.values())
        self.dirty = False

    def learn(self, issuer: str, signatures: list[str]) -> None:
        """``issuer`` just answered with blocks signed so."""
        if not signatures:
            return
        for signature in signatures:
            self.blocks[fingerprint(signature)] = issuer
        self._known.add(issuer)
        while len(self.blocks) > BLOCKS_KEPT:
            self.blocks.popitem(last=False)
        self.dirty = True

    def concerns(self, messages: bytes | memoryview, issuer: str) -> bool:
        """Whether messages may have blocks that ``issuer`` would refuse. Searched for without decoding them."""
        raw = bytes(messages)
        if self._known <= {issuer} and raw.rfind(_SEALED) < 0:  # from behind: a third of the time in megabytes
            return False
        return b'"redacted_thinking"' in raw or any(
            self.blocks.get(fingerprint(signature), issuer) != issuer or is_sealed(signature)
            for signature in _signatures(raw)
        )

    def foreign(self, issuer: str) -> Callable[[Mapping[str, Any]], bool]:
        """Tells the thinking blocks of others from those of ``issuer``; unknown ones are left alone, but for those that
        the engine itself signed for a translated answer: Claude never did."""

        def is_foreign(block: Mapping[str, Any]) -> bool:
            signature = block.get("signature") or block.get("data")
            if not isinstance(signature, str) or not signature:
                return False
            known = self.blocks.get(fingerprint(signature))
            if known is None:
                return is_claude(issuer) and is_sealed(signature)
            return known != issuer

        return is_foreign


def without_foreign_thinking(
    body: Body, is_foreign: Callable[[Mapping[str, Any]], bool]
) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The top-level fields that change, as JSON, and what was changed in words."""
    raw = body.fields.get("messages")
    if raw is None or not any(mark in body.raw for mark in _THINKING_MARKS):
        return {}, ()
    messages = msgspec.json.decode(raw)
    if not isinstance(messages, list):
        return {}, ()
    removed = 0
    kept: list[Any] = []
    last_touched = False
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        if not isinstance(content, list) or message.get("role") != "assistant":
            kept.append(message)
            continue
        rest = [block for block in content if not _is_thinking(block) or not is_foreign(block)]
        last_touched = len(rest) != len(content)
        removed += len(content) - len(rest)
        if rest:
            kept.append({**message, "content": rest} if last_touched else message)
    if not removed:
        return {}, ()
    changes = [f"{removed} thinking block{'s' if removed > 1 else ''} of another provider left out"]
    fields = {"messages": msgspec.json.encode(kept)}
    thinking = msgspec.json.decode(body.fields["thinking"]) if "thinking" in body.fields else None
    if last_touched and isinstance(thinking, dict) and thinking.get("type") == "enabled":
        fields["thinking"] = b'{"type":"disabled"}'
        changes.append("thinking turned off for this request: its tool loop began without signed thinking")
    return fields, tuple(changes)


def without_server_tools(body: Body) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The past server-tool blocks as text, for a target that does not know them."""
    raw = body.fields.get("messages")
    if raw is None or not any(mark in body.raw for mark in _SERVER_TOOL_MARKS):
        return {}, ()
    messages = msgspec.json.decode(raw)
    flattened = 0
    for message in messages if isinstance(messages, list) else []:
        content = message.get("content") if isinstance(message, dict) else None
        if not isinstance(content, list):
            continue
        for number, block in enumerate(content):
            if isinstance(block, dict) and block.get("type") in _SERVER_TOOLS:
                content[number] = {"type": "text", "text": as_text(block)}
                flattened += 1
    if not flattened:
        return {}, ()
    return {"messages": msgspec.json.encode(messages)}, (f"{flattened} blocks of server tools told as text",)


def _signatures(raw: bytes) -> Iterator[str]:
    """What follows each ``"signature":`` in a body: signatures are Base64, so no quote in them is escaped."""
    at = raw.find(_SIGNATURE)
    while at >= 0:
        start = raw.find(b'"', at + len(_SIGNATURE)) + 1
        end = raw.find(b'"', start)
        if not 0 < start < end:
            return
        yield raw[start:end].decode(errors="replace")
        at = raw.find(_SIGNATURE, end)


def _is_thinking(block: object) -> bool:
    return isinstance(block, dict) and block.get("type") in _THINKING
