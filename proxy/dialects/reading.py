"""Reads an answer of another dialect as it arrives, and writes it in Anthropic's events.

What all of them share: events cut from bytes, JSON where a stream was due and the other way round, errors in the
middle, an end without a terminal event. A dialect says only what one payload means.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

from proxy.dialects.answer import AnswerWriter
from proxy.dialects.complaints import has_error, read_complaint
from proxy.protocol.foreign_json import NotJson, read_json
from proxy.protocol.sse import EventTooLarge, Frames, read_event

WHOLE_BYTES_MAX = 64 * 1024 * 1024
_STREAM_STARTS = (b"data:", b"event:", b"id:", b"retry:", b":")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Form = Literal["unknown", "stream", "whole", "neither"]


class AnswerReader(ABC):
    """Bytes of an upstream in, Anthropic's events out. One for each answer.

    Whatever is neither a stream nor JSON comes out as it went in, so that whoever reads it can say what it is.
    """

    def __init__(self, writer: AnswerWriter) -> None:
        self.writer = writer
        self._form: Form = "unknown"
        self._frames = Frames()
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def estimated(self) -> bool:
        """The provider told no usage: the counts in the answer are guesses."""
        return self.writer.ended and not self.writer.failed and not self.writer.usage_told

    def feed(self, chunk: bytes) -> bytes:
        """The events that ``chunk`` makes."""
        if self._form == "unknown":
            chunk = b"".join((*self._parts, chunk))
            self._form = self.form_of(chunk)
            if self._form == "unknown":
                self._parts = [chunk]
                return b""
            self._parts = []
            chunk = chunk.removeprefix(_BYTE_ORDER_MARK)
        match self._form:
            case "whole":
                self._hold(chunk)
            case "stream":
                self._see_frames(chunk)
            case _:
                return chunk
        return self.writer.take()

    def end(self) -> bytes:
        """What is left to say when the upstream closed."""
        if self._form == "unknown":
            return b"".join(self._parts)
        if self._form == "whole":
            self._see_whole(b"".join(self._parts))
        elif self._form == "stream":
            for frame in self._frames.end():
                self._see_frame(frame)
            if self.writer.started and not self.writer.ended:
                self.close()
        return self.writer.take()

    def begin(self) -> bytes:
        """Begin the answer before its provider does: of its stream nothing but signs of life came so far. Empty where
        that cannot be."""
        if self._form != "stream":
            return b""
        self.writer.start()
        return self.writer.take()

    def form_of(self, start: bytes) -> Form:
        """What begins so; ``unknown`` as long as it may become a stream."""
        return _form_of(start)

    @abstractmethod
    def see(self, payload: Mapping[str, Any], name: str) -> None:
        """One payload of the stream; ``name`` is the event's, empty where the dialect has none."""

    @abstractmethod
    def see_whole(self, payload: Mapping[str, Any]) -> None:
        """A whole answer; ends with ``finish`` or ``fail`` of the writer."""

    @abstractmethod
    def close(self) -> None:
        """The stream ended after it began: finish it if it said that it was done, else fail."""

    def fail_early(self) -> None:
        """For ``close``: the stream ended without its terminal event."""
        self.writer.fail("api_error", "the stream ended early, without its last event")

    def _see_frames(self, chunk: bytes) -> None:
        try:
            for frame in self._frames.feed(chunk):
                self._see_frame(frame)
        except EventTooLarge as error:
            self.writer.fail("api_error", str(error))

    def _see_frame(self, frame: bytes) -> None:
        if self.writer.ended:
            return
        name, data = read_event(frame)
        if not data.strip():
            self.writer.ping()
            return
        if data.strip() == b"[DONE]":
            self.done()
            return
        try:
            payload = read_json(data)
        except NotJson:
            return
        if isinstance(payload, list):
            for each in payload:
                self._see_payload(each, name)
        else:
            self._see_payload(payload, name)

    def done(self) -> None:
        """``[DONE]`` arrived."""
        if self.writer.started and not self.writer.ended:
            self.close()

    def _see_payload(self, payload: object, name: bytes) -> None:
        if not isinstance(payload, Mapping) or self.writer.ended:
            return
        if has_error(payload):
            complaint = read_complaint(None, payload)
            self.writer.fail(complaint.kind, complaint.message)
            return
        self.see(payload, name.decode(errors="replace"))

    def _hold(self, chunk: bytes) -> None:
        self._parts.append(chunk)
        self._size += len(chunk)
        if self._size > WHOLE_BYTES_MAX:
            self._parts.clear()
            self.writer.fail("api_error", f"an answer of more than {WHOLE_BYTES_MAX // 2**20} MB")

    def _see_whole(self, body: bytes) -> None:
        try:
            payload = read_json(body)
        except NotJson:
            self.writer.fail("api_error", "the answer is JSON that ends in the middle or cannot be read")
            return
        payloads = payload if isinstance(payload, list) else [payload]
        for each in payloads:
            if has_error(each):
                complaint = read_complaint(None, each)
                self.writer.fail(complaint.kind, complaint.message)
                return
        if len(payloads) == 1 and isinstance(payloads[0], Mapping):
            self.see_whole(payloads[0])
            return
        for each in payloads:
            self._see_payload(each, b"")
        if not self.writer.ended:
            self.close()


def _form_of(start: bytes) -> Form:
    start = start.removeprefix(_BYTE_ORDER_MARK).lstrip()
    if start[:1] in (b"{", b"["):
        return "whole"
    if start.startswith(_STREAM_STARTS):
        return "stream"
    possible = (*_STREAM_STARTS, _BYTE_ORDER_MARK)
    return "unknown" if any(each.startswith(start) for each in possible) else "neither"
