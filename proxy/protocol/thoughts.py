"""What a thinking block is known by: its signature, or a mark of its text where nobody signed it. Pure.

Whoever issued a block is found again by this in what the client sends back. A mark of a text holds nothing of it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from proxy.protocol.foreign_json import NotJson, read_json
from proxy.protocol.sse import read_event

THINKING = ("thinking", "redacted_thinking")

_UNSIGNED = "text "
"""Begins the mark of a text; no signature does, as Base64 has no spaces."""
THOUGHT_BYTES_MAX = 4 * 1024 * 1024
"""Of a block's events; an unsigned one that is longer has no mark."""


def mark_of(block: Mapping[str, Any]) -> str | None:
    """What a whole thinking block is known by; None where it has nothing of its own."""
    signature = block.get("data") if block.get("type") == "redacted_thinking" else block.get("signature")
    if isinstance(signature, str) and signature:
        return signature
    text = block.get("thinking")
    return mark_of_text(text) if isinstance(text, str) else None


def mark_of_text(text: str) -> str | None:
    """None for an empty text. A client may cut the space around it."""
    text = text.strip()
    return _UNSIGNED + hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest() if text else None


def is_unsigned(mark: str) -> bool:
    return mark.startswith(_UNSIGNED)


class Thought:
    """A thinking block of a stream while it arrives. Its text is put together only where no signature came."""

    __slots__ = ("_frames", "_read", "_size", "signed")

    def __init__(self, start: Mapping[str, Any]) -> None:
        self.signed = bool(start.get("signature"))
        self._read = [_text(start)]
        """What was read already: of the deltas it is the first at the most, or all."""
        self._frames: list[bytes] = []
        self._size = 0

    def add(self, frame: bytes) -> None:
        """A delta event as it came."""
        self._size += len(frame)
        if self._size <= THOUGHT_BYTES_MAX:
            self._frames.append(frame)

    def see(self, delta: object) -> None:
        """A delta that was read already."""
        if isinstance(delta, Mapping):
            self.signed = self.signed or bool(delta.get("signature"))
            self._read.append(_text(delta))

    def mark(self) -> str | None:
        """At its end: None where it is signed, empty or too long."""
        if self.signed or self._size > THOUGHT_BYTES_MAX:
            return None
        return mark_of_text("".join((*self._read, *_texts(self._frames))))


class _Delta(Struct, frozen=True):
    thinking: str = ""


class _Event(Struct, frozen=True):
    delta: _Delta = _Delta()


_EVENTS = msgspec.json.Decoder(list[_Event])


def _texts(frames: Sequence[bytes]) -> list[str]:
    """The texts of delta events: read together, a third of the time; where one of them is odd, one by one."""
    data = [read_event(frame)[1] for frame in frames]
    try:
        return [each.delta.thinking for each in _EVENTS.decode(b"[" + b",".join(data) + b"]")]
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return [_text_of(each) for each in data]


def _text_of(data: bytes) -> str:
    try:
        payload = read_json(data)
    except NotJson:
        return ""
    delta = payload.get("delta") if isinstance(payload, dict) else None
    return _text(delta) if isinstance(delta, dict) else ""


def _text(block: Mapping[str, Any]) -> str:
    text = block.get("thinking")
    return text if isinstance(text, str) else ""
