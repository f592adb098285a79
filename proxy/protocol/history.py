"""A conversation's past, made legal for the target that gets it next.

Thinking is signed by who thought it, and refused by everybody else; where nobody signed it, it is still nobody
else's business. The engine remembers the issuer of each block by a hash of what it is known by; blocks of others are
taken out for a target and are still in the client's own history when the route returns. Nothing else of the
conversation changes, and every change is told in words.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from proxy.dialects.signatures import MARK, is_sealed
from proxy.protocol.messages import Body
from proxy.protocol.naming import canonical
from proxy.protocol.redact import fingerprint
from proxy.protocol.thinking_off import with_thinking_off
from proxy.protocol.thoughts import THINKING, is_unsigned, mark_of

BLOCKS_KEPT = 20_000

_SIGNATURE = b'"signature"'
_SEALED = f'"{MARK}.'.encode()
_REDACTED = b'"redacted_thinking"'
_BLOCK = re.compile(rb'"type"[ \t\n\r]*:[ \t\n\r]*"thinking"')
_THINKING_MARKS = tuple(f'"{kind}"'.encode() for kind in THINKING)
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


class Issuers:
    """Who issued which thinking block. A block is known wherever it turns up: a conversation may be resumed under
    another session, and a sub-agent may carry its parent's."""

    def __init__(self, blocks: Mapping[str, str] | None = None):
        self.blocks: OrderedDict[str, str] = OrderedDict(blocks or {})
        self._known = set(self.blocks.values())
        self.dirty = False

    def learn(self, issuer: str, marks: list[str]) -> None:
        """``issuer`` just answered with blocks that are known by ``marks``."""
        if not marks:
            return
        for mark in marks:
            self.blocks[fingerprint(mark)] = issuer
        self._known.add(issuer)
        while len(self.blocks) > BLOCKS_KEPT:
            self.blocks.popitem(last=False)
        self.dirty = True

    def concerns(self, raw: bytes, issuer: str) -> bool:
        """Whether a body may have blocks that are not ``issuer``'s. Searched for without decoding it. What the engine
        sealed is foreign to Claude, whoever thought it; to others only what is known to be."""
        claude = is_claude(issuer)
        if self._known <= {issuer} and not (claude and raw.rfind(_SEALED) >= 0):  # from behind: three times as fast
            return False
        signatures = 0
        for signature in _signatures(raw):
            signatures += 1
            if not signature or self.blocks.get(fingerprint(signature), issuer) != issuer:
                return True
            if claude and is_sealed(signature):
                return True
        return _REDACTED in raw or len(_BLOCK.findall(raw)) > signatures

    def foreign(self, issuer: str) -> Callable[[Mapping[str, Any]], bool]:
        """Tells the thinking blocks of others from those of ``issuer``; unknown ones are left alone, but for those that
        Claude never issued: what the engine itself signed for a translated answer, and what nobody signed."""

        def is_foreign(block: Mapping[str, Any]) -> bool:
            mark = mark_of(block)
            if mark is None:
                return False
            known = self.blocks.get(fingerprint(mark))
            if known is None:
                return is_claude(issuer) and (is_sealed(mark) or is_unsigned(mark))
            return known != issuer

        return is_foreign


def without_foreign_thinking(
    body: Body, is_foreign: Callable[[Mapping[str, Any]], bool]
) -> tuple[Body, tuple[str, ...]]:
    """The body without the thinking of others, and what was changed in words."""
    messages = body.value("messages") if any(mark in body.raw for mark in _THINKING_MARKS) else None
    if not isinstance(messages, list):
        return body, ()
    removed = 0
    kept: list[Any] = []
    last_touched = False
    for message in messages:
        if not isinstance(message, dict) or message.get("role") != "assistant":
            kept.append(message)
            continue
        content = message.get("content")
        blocks = content if isinstance(content, list) else []
        rest = [block for block in blocks if not _is_thinking(block) or not is_foreign(block)]
        last_touched = len(rest) != len(blocks)
        removed += len(blocks) - len(rest)
        if rest or not last_touched:
            kept.append({**message, "content": rest} if last_touched else message)
    if not removed:
        return body, ()
    changes = [f"{removed} thinking block{'s' if removed > 1 else ''} of another provider left out"]
    body = body.with_fields({"messages": msgspec.json.encode(kept)})
    thinking = body.value("thinking")
    if last_touched and isinstance(thinking, dict) and thinking.get("type") == "enabled":
        body = with_thinking_off(body)
        changes.append("thinking turned off for this request: its tool loop began without signed thinking")
    return body, tuple(changes)


def _signatures(raw: bytes) -> Iterator[str]:
    """What follows each ``"signature":`` in a body, empty ones too: they are Base64, so no quote in them is escaped."""
    at = raw.find(_SIGNATURE)
    while at >= 0:
        start = raw.find(b'"', at + len(_SIGNATURE)) + 1
        end = raw.find(b'"', start)
        if start == 0 or end < 0:
            return
        yield raw[start:end].decode(errors="replace")
        at = raw.find(_SIGNATURE, end)


def _is_thinking(block: object) -> bool:
    return isinstance(block, dict) and block.get("type") in THINKING
