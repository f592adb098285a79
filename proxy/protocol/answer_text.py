"""How many bytes of text, thinking and tool arguments an answer brought: counted exactly, its events not decoded.

Bytes are those of the text itself in UTF-8; escapes of JSON and all else of an event are not in them. It is what is
known of an answer's length until its provider tells the tokens.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

BYTES_PER_TOKEN = 4.0
"""Of an answer's text, until a model's own are learned."""

_KEYS = ("text", "thinking", "partial_json")
_TEXT = re.compile(rb'"(?:text|thinking|partial_json)"\s*:\s*"([^"\\]*(?:\\.[^"\\]*)*)"')
"""The text within the JSON of a delta. Inside a string such a key would have its quotes escaped."""
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)")
_CLOSING = b'"}}'
_APART = b"\n\n"
"""Between two events."""
_THINKING = b'"thinking_delta"'
"""Of such events each is read: what was thought may have to be known again."""


class TextCount:
    """Counts over the deltas of one answer, most of which differ in their text alone."""

    __slots__ = ("_opening", "_quotes", "_thinks", "size_bytes")

    def __init__(self) -> None:
        self.size_bytes = 0
        self._opening = b"\n"
        """How the last event that was searched began, up to its text; at first, as no event begins."""
        self._quotes = 0
        """In an event that begins so and has nothing behind its text."""
        self._thinks = False

    def see(self, event: bytes) -> None:
        """Count a delta event."""
        text_at, text_ends = len(self._opening), len(event) - len(_CLOSING)
        alike = event.startswith(self._opening) and event.find(b'"', text_at) == text_ends
        if alike and event.endswith(_CLOSING) and b"\\" not in event:
            self.size_bytes += text_ends - text_at
        elif (text := self._learn(event)) is not None:
            self.size_bytes += _decoded_bytes(text)

    def see_run(self, events: bytes) -> int | None:
        """Count delta events that differ in their text alone, each with the blank line before it; how many they are.

        None, and nothing is counted, where they differ in more: what stands between two texts is then found less often,
        or there are more quotes, of other fields or of other events.
        """
        first = events[len(_APART) :].partition(_APART)[0]
        if not first.startswith(self._opening):
            self._learn(first)
        number = events.count(_CLOSING + _APART + self._opening) + 1
        alike = events.startswith(self._opening, len(_APART)) and events.endswith(_CLOSING)
        quotes = events.count(b'"')
        if b"\\" in events:
            quotes -= events.count(b'\\"')
        if not alike or quotes != number * self._quotes or self._thinks:
            return None
        self.size_bytes += len(events) - number * (len(_APART) + len(self._opening) + len(_CLOSING))
        self.size_bytes -= _escaped_bytes(events)
        return number

    def _learn(self, event: bytes) -> bytes | None:
        """See how an event begins. Its text as JSON has it; None: it has none."""
        found = _TEXT.search(event)
        if found is None:
            return None
        self._opening = event[: found.start(1)]
        self._quotes = self._opening.count(b'"') + 1
        self._thinks = _THINKING in self._opening
        return found[1]

    def see_delta(self, delta: object) -> None:
        """Count a delta that was decoded."""
        self.size_bytes += _text_bytes(delta)

    def see_block(self, block: object) -> None:
        """Count what a block has as it begins: nothing, but some gateways send all of it."""
        self.size_bytes += _text_bytes(block) + _given_bytes(block)


def _text_bytes(block: object) -> int:
    if not isinstance(block, Mapping):
        return 0
    return sum(len(text.encode(errors="replace")) for key in _KEYS if isinstance(text := block.get(key), str))


def _given_bytes(block: object) -> int:
    """Of a call's arguments, as JSON."""
    if not isinstance(block, Mapping) or block.get("type") not in ("tool_use", "server_tool_use"):
        return 0
    given: Any = block.get("input")
    return len(msgspec.json.encode(given)) if isinstance(given, Mapping) and given else 0


def _decoded_bytes(literal: bytes) -> int:
    """Of the inside of a JSON string."""
    return len(literal) - _escaped_bytes(literal)


def _escaped_bytes(literals: bytes) -> int:
    """By how much the escapes in JSON strings are longer than what they stand for."""
    if b"\\" not in literals:
        return 0
    escapes = _ESCAPE.findall(literals)
    return len(escapes) + sum(5 - _code_unit_bytes(int(digits, 16)) for digits in escapes if digits)


def _code_unit_bytes(unit: int) -> int:
    """In UTF-8; the halves of a pair share the four bytes of its character."""
    if unit < 0x80:
        return 1
    return 2 if unit < 0x800 or 0xD800 <= unit < 0xE000 else 3
