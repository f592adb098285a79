"""Reads a stream of Anthropic's events as it passes by, after its bytes went to the client.

Of the many delta events only the first few are decoded, so the tap costs a fraction of a microsecond for each of the
rest.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from proxy.protocol.answer_text import TextCount
from proxy.protocol.foreign_json import NotJson, read_json
from proxy.protocol.sse import EventTooLarge, Frames, read_event
from proxy.protocol.thoughts import Thought
from proxy.protocol.usage import AnswerFacts, count_of

_SIGNATURE = b'"signature_delta"'
_DELTA = b"event: content_block_delta\n"
_NEXT_DELTA = b"\n\n" + _DELTA
_SHORT = 160
"""Bytes of an event that may be the same in every answer."""


class AnswerTap:
    """Reads a stream of Anthropic events as it passes by. Never raises: what it cannot read, it does not know."""

    __slots__ = (
        "_frames",
        "_text",
        "_thought",
        "_told_at_bytes",
        "broken",
        "deltas",
        "ended",
        "facts",
        "meaningful",
        "text_seen",
    )

    def __init__(self) -> None:
        self.facts = AnswerFacts()
        self.meaningful = False
        """An event arrived that commits the stream: past ``message_start``, not a ping, not an error."""
        self.text_seen = False
        """Text, thinking or tool arguments arrived."""
        self.ended = False
        """The terminal event arrived."""
        self.deltas = 0
        self._text = TextCount()
        self._told_at_bytes = -1
        """``text_bytes`` when a ``message_delta`` told the output's tokens."""
        self.broken = False
        """This is not a stream of events."""
        self._frames: Frames | None = Frames()
        self._thought: Thought | None = None
        """The thinking block that is arriving."""

    @property
    def mid_line(self) -> bool:
        """The stream stands inside a line of an event."""
        pending = self._frames.pending if self._frames is not None else b""
        return bool(pending) and not pending.endswith(b"\n")

    @property
    def between_events(self) -> bool:
        """Every event that began has ended: another one may be put in."""
        return self._frames is not None and not self._frames.holds

    @property
    def text_bytes(self) -> int:
        """Of text, thinking and tool arguments: what is known of an answer's length until its tokens are told."""
        return self._text.size_bytes

    @property
    def output_told(self) -> bool:
        """The provider counted all the output that came. What ``message_start`` says of it is no count yet."""
        return self._told_at_bytes == self.text_bytes

    @property
    def failed(self) -> bool:
        """An error event arrived."""
        return self.facts.error_type is not None

    def feed(self, chunk: bytes) -> None:
        if self._frames is None:
            return
        try:
            for frame in self._frames.feed(self._without_deltas(chunk)):
                if self.text_seen and frame.startswith(_DELTA) and _SIGNATURE not in frame:
                    self.deltas += 1
                    self._text.see(frame)
                    if self._thought is not None:
                        self._thought.add(frame)
                else:
                    self._see(frame)
        except EventTooLarge:
            self.broken, self._frames = True, None

    def end(self) -> None:
        """The upstream closed: a last event may lack its blank line."""
        if self._frames is not None:
            for frame in self._frames.end():
                self._see(frame)

    def _without_deltas(self, chunk: bytes) -> bytes:
        """``chunk`` without the run of deltas in its midst: of a burst they are counted, not cut one from another.

        The first and the last stay, for they may have begun earlier or end later; and so does thinking, which may
        have to be known again.
        """
        start = chunk.find(_NEXT_DELTA, chunk.find(_NEXT_DELTA) + 1)
        end = chunk.rfind(_NEXT_DELTA)
        if not 0 <= start < end:
            return chunk
        counted = self._text.see_run(chunk[start:end])
        if counted is None:
            return chunk
        self.deltas += counted
        return chunk[:start] + chunk[end:]

    def _see(self, frame: bytes) -> None:
        read = _read_again(frame) if len(frame) < _SHORT and not frame.startswith(_DELTA) else _read(frame)
        if read is not None:
            self._see_payload(*read)

    def _see_payload(self, name: object, payload: Mapping[str, Any]) -> None:
        match name:
            case "message_start":
                message = payload.get("message")
                self.facts.see_message(message if isinstance(message, Mapping) else {})
            case "ping":
                pass
            case "error":
                self.facts.see_error(payload.get("error"))
            case "content_block_delta":
                self.meaningful = self.text_seen = True
                self.deltas += 1
                self._text.see_delta(payload.get("delta"))
                self.facts.see_block(payload.get("delta"))
                if self._thought is not None:
                    self._thought.see(payload.get("delta"))
            case "content_block_start":
                self.meaningful = True
                self._end_thought()
                self._see_start(payload.get("content_block"))
            case "content_block_stop":
                self.meaningful = True
                self._end_thought()
            case "message_delta":
                self.meaningful = True
                self._end_thought()
                self.facts.see_ending(payload.get("delta"))
                self._see_counts(payload.get("usage"))
            case "message_stop":
                self.meaningful = self.ended = True
            case str():
                self.meaningful = True
            case _:
                pass

    def _see_counts(self, usage: object) -> None:
        self.facts.see_usage(usage)
        if isinstance(usage, Mapping) and count_of(usage.get("output_tokens")):
            self._told_at_bytes = self.text_bytes

    def _see_start(self, block: object) -> None:
        self.facts.see_block(block)
        self._text.see_block(block)
        if isinstance(block, Mapping) and block.get("type") == "thinking":
            self._thought = Thought(block)

    def _end_thought(self) -> None:
        thought, self._thought = self._thought, None
        if thought is not None:
            self.facts.see_thought(thought.mark())


def _read(frame: bytes) -> tuple[object, Mapping[str, Any]] | None:
    """The type and the payload of an event; None where it has none that can be read."""
    name, data = read_event(frame)
    if not data and not name:
        return None
    try:
        payload = read_json(data)
    except NotJson:
        return None
    if not isinstance(payload, dict):
        return None
    return payload.get("type") or name.decode(errors="replace"), payload


_read_again = lru_cache(maxsize=64)(_read)
"""Of the events around an answer's text most are the same in every answer: pings, ends, the start of a text."""
