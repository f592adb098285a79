"""Thinking that stands as ``<think>…</think>`` at the start of a text, as open models write it.

Only the very start counts: the same words later are text. The tags may arrive in any pieces.
"""

from collections.abc import Iterator
from typing import Literal

OPENING, CLOSING = "<think>", "</think>"

Piece = tuple[Literal["text", "thinking"], str]


class InlineThinking:
    """Tells the thinking from the text, piece by piece."""

    def __init__(self) -> None:
        self._state: Literal["start", "thinking", "after", "text"] = "start"
        self._held = ""
        self._thought = False
        """Some thinking went out: blanks before it are nobody's."""

    def feed(self, text: str) -> Iterator[Piece]:
        """What ``text`` makes certain."""
        if self._state == "text":
            yield "text", text
            return
        self._held += text
        if self._state == "start":
            yield from self._begin()
        if self._state == "thinking":
            yield from self._think()
        if self._state == "after":
            yield from self._go_on()

    def end(self) -> Iterator[Piece]:
        """What was held back, when no more text comes or something else begins."""
        held, self._held = self._held, ""
        if held and self._state != "after":
            yield ("thinking" if self._state == "thinking" else "text"), held
        self._state = "text"

    def _begin(self) -> Iterator[Piece]:
        seen = self._held.lstrip()
        if seen.startswith(OPENING):
            self._held = seen.removeprefix(OPENING)
            self._state = "thinking"
        elif not OPENING.startswith(seen):
            yield "text", self._held
            self._held, self._state = "", "text"

    def _think(self) -> Iterator[Piece]:
        thought, closing, rest = self._held.partition(CLOSING)
        if closing:
            self._held, self._state = rest, "after"
        else:
            keep = next((size for size in range(len(CLOSING) - 1, 0, -1) if thought.endswith(CLOSING[:size])), 0)
            thought, self._held = thought[: len(thought) - keep], thought[len(thought) - keep :]
        if thought := thought if self._thought else thought.lstrip():
            self._thought = True
            yield "thinking", thought

    def _go_on(self) -> Iterator[Piece]:
        """Blank lines between the closing tag and the text are nobody's."""
        rest = self._held.lstrip()
        if rest:
            yield "text", rest
            self._held, self._state = "", "text"
