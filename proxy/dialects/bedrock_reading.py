"""Reads a stream of Bedrock's: Anthropic's own events, each in Base64 within JSON within a binary frame.

The events go on byte for byte, but for figures of AWS's that stand in the last one. A Message or an error that comes as
JSON instead is told in events.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from proxy.dialects.answer import AnswerWriter
from proxy.dialects.complaints import read_complaint
from proxy.dialects.event_stream import BadEventStream, EventMessage, EventMessages
from proxy.dialects.reading import AnswerReader, Form
from proxy.protocol.foreign_json import NotJson, read_json, read_json_as
from proxy.protocol.whole import stream_of

_METRICS = "amazon-bedrock-invocationMetrics"
_METRICS_MARK = _METRICS.encode()
_FIRST_BYTE = b"\x00"
"""Of a frame's length: the longest chunk is shorter than 16 MB by far."""


class _Chunk(Struct):
    event: bytes = msgspec.field(name="bytes", default=b"")


class _Event(Struct):
    type: str = ""


_CHUNKS = msgspec.json.Decoder(_Chunk)
_EVENTS = msgspec.json.Decoder(_Event)
_FIELDS = msgspec.json.Decoder(dict[str, Raw])


class BedrockReader(AnswerReader):
    """Frames in, Anthropic's events out."""

    def __init__(self, writer: AnswerWriter) -> None:
        super().__init__(writer)
        self._messages = EventMessages()

    def begin(self) -> bytes:
        """The beginning is Claude's own."""
        return b""

    def form_of(self, start: bytes) -> Form:
        """Events as text are Anthropic's already: nothing here has to read them."""
        if start.startswith(_FIRST_BYTE):
            return "stream"
        form = super().form_of(start)
        return "neither" if form == "stream" else form

    def see(self, payload: Mapping[str, Any], name: str) -> None:
        """Never met: events come in frames only."""

    def see_whole(self, payload: Mapping[str, Any]) -> None:
        stream = stream_of(msgspec.json.encode(payload))
        if stream is not None:
            self.writer.relay(stream, last=True)
        else:
            self._complain(payload, None)

    def close(self) -> None:
        self.fail_early()

    def _see_frames(self, chunk: bytes) -> None:
        try:
            for message in self._messages.feed(chunk):
                self._see_message(message)
                if self.writer.ended:
                    return
        except BadEventStream as error:
            self.writer.fail("api_error", f"the stream from Bedrock cannot be read: {error}")

    def _see_message(self, message: EventMessage) -> None:
        headers = message.headers
        match headers.get(":message-type"):
            case "event" if headers.get(":event-type") == "chunk":
                self._see_event(message.payload)
            case "exception":
                self._complain(_decoded(message.payload), headers.get(":exception-type"))
            case "error":
                self._complain({"message": headers.get(":error-message")}, headers.get(":error-code"))

    def _see_event(self, payload: bytes) -> None:
        try:
            raw = read_json_as(_CHUNKS, payload).event
            kind = read_json_as(_EVENTS, raw).type
            if _METRICS_MARK in raw or b"\n" in raw or b"\r" in raw:
                raw = _on_one_line(raw)
        except NotJson:
            return
        if kind.isidentifier():
            event = b"event: %s\ndata: %s\n\n" % (kind.encode(), raw)
            self.writer.relay(event, last=kind in ("message_stop", "error"))

    def _complain(self, payload: object, word: str | None) -> None:
        complaint = read_complaint(None, payload, word)
        self.writer.fail(complaint.kind, complaint.message)


def _on_one_line(event: bytes) -> bytes:
    """``event`` without AWS's figures and without line ends, which would end it early. Raises ``NotJson``."""
    fields = read_json_as(_FIELDS, event)
    return msgspec.json.encode({name: read_json(value) for name, value in fields.items() if name != _METRICS})


def _decoded(payload: bytes) -> object:
    try:
        return read_json(payload)
    except NotJson:
        return {"message": payload[:600].decode(errors="replace")}
