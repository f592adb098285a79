"""Reads an answer of another dialect as it arrives, and writes it in Anthropic's events.

What all of them share: events cut from bytes, JSON where a stream was due and the other way round, errors in the
middle, an end without a terminal event. A dialect says only what one payload means.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

from proxy.dialects.answer import AnswerWriter
from proxy.dialects.complaints import has_error, read_complaint
from proxy.dialects.payloads import Done, Unread, payloads_in
from proxy.dialects.split_characters import SplitCharacters
from proxy.protocol.sse import EventTooLarge, Frames, read_event

WHOLE_BYTES_MAX = 64 * 1024 * 1024
HEAD_BYTES_MAX = 4096
"""Of lines before the first that an event stream knows, such as the headers of an answer within the answer."""
WORDS_MAX = 300
"""Characters of a server's own words that are no JSON."""
_ERROR_FIELD = b"error:"
_STREAM_STARTS = (b"data:", b"event:", b"id:", b"retry:", b":")
_STREAM_LINES = (b"\ndata:", b"\rdata:", b"\nevent:", b"\revent:")
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
        self._characters = SplitCharacters()
        self._unread = ""
        """What the stream said that is no JSON."""
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
            if self._form != "neither":
                chunk = _start_of(chunk)
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
        words = f"; it said: {self._unread}" if self._unread else ""
        self.writer.fail("api_error", f"the stream ended early, without its last event{words}")

    @property
    def garbled(self) -> bool:
        """Something in the stream was no JSON: an ending that is only half told is none."""
        return bool(self._unread)

    def _see_frames(self, chunk: bytes) -> None:
        try:
            for frame in self._frames.feed(chunk):
                self._see_frame(frame)
        except EventTooLarge as error:
            self.writer.fail("api_error", str(error))

    def _see_frame(self, frame: bytes) -> None:
        if self.writer.ended:
            return
        name, data = _event_in(frame)
        if not data or data.isspace():
            self.writer.ping()
            return
        told = name.decode(errors="replace") if name else ""
        for value in payloads_in(self._characters.joined(data)):
            self._see_value(value, told)

    def done(self) -> None:
        """``[DONE]`` arrived."""
        if self.writer.started and not self.writer.ended:
            self.close()

    def _see_value(self, value: object, name: str) -> None:
        if self.writer.ended:
            return
        if isinstance(value, dict) and name != "error" and not (_may_be_error(value) and has_error(value)):
            self.see(value, name)
        elif isinstance(value, Done):
            self.done()
        elif name == "error" or has_error(value):
            self._fail_with(value)
        elif isinstance(value, list):
            for each in value:
                if not isinstance(each, list):
                    self._see_value(each, name)
        elif isinstance(value, Unread):
            self._unread = self._unread or value.text[:WORDS_MAX]

    def _fail_with(self, told: object) -> None:
        """Servers tell an error as an object, a text of JSON or plain words."""
        if isinstance(told, Unread):
            told = told.text
        complaint = read_complaint(None, {"message": told[:WORDS_MAX]} if isinstance(told, str) else told)
        self.writer.fail(complaint.kind, complaint.message)

    def _hold(self, chunk: bytes) -> None:
        self._parts.append(chunk)
        self._size += len(chunk)
        if self._size > WHOLE_BYTES_MAX:
            self._parts.clear()
            self.writer.fail("api_error", f"an answer of more than {WHOLE_BYTES_MAX // 2**20} MB")

    def _see_whole(self, body: bytes) -> None:
        values = list(payloads_in(body))
        if len(values) == 1 and isinstance(values[0], list):
            values = values[0]
        if len(values) == 1 and isinstance(values[0], dict) and not has_error(values[0]):
            self.see_whole(values[0])
            return
        if not any(isinstance(each, dict) for each in values):
            self.writer.fail("api_error", "the answer is JSON that ends in the middle or cannot be read")
            return
        for each in sorted(values, key=has_error, reverse=True):
            self._see_value(each, "")
        if not self.writer.ended:
            self.close()


def _event_in(frame: bytes) -> tuple[bytes, bytes]:
    """Name and data; some servers tell errors without ``data``: as a field of their own (llama.cpp) or as mere JSON."""
    name, data = read_event(frame)
    if data:
        return name, data
    if frame.startswith(_ERROR_FIELD):
        return b"error", frame.removeprefix(_ERROR_FIELD)
    return name, frame if frame.lstrip()[:1] in (b"{", b"[") else b""


def _may_be_error(value: Mapping[str, Any]) -> bool:
    """Quickly told of each of many values, most of which are none."""
    return "error" in value or "base_resp" in value


def _start_of(body: bytes) -> bytes:
    return body.removeprefix(_BYTE_ORDER_MARK).lstrip()


def _form_of(body: bytes) -> Form:
    head = _start_of(body)[:HEAD_BYTES_MAX]
    if head[:1] in (b"{", b"["):
        return "whole"
    if head[:1] == b"<":
        return "neither"
    if head.startswith(_STREAM_STARTS) or any(line in head for line in _STREAM_LINES):
        return "stream"
    return "unknown" if len(head) < HEAD_BYTES_MAX else "neither"
