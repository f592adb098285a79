"""Frames of AWS's event stream, built after the format's description and by nothing of the engine's."""

import base64
import json
import zlib
from typing import Any


def frame(headers: dict[str, str], payload: bytes, *, others: bytes = b"") -> bytes:
    """A frame with texts as headers; ``others``: headers of other kinds, encoded already."""
    encoded = others + b"".join(
        bytes([len(name.encode())]) + name.encode() + b"\x07" + len(value.encode()).to_bytes(2, "big") + value.encode()
        for name, value in headers.items()
    )
    prelude = (16 + len(encoded) + len(payload)).to_bytes(4, "big") + len(encoded).to_bytes(4, "big")
    body = prelude + zlib.crc32(prelude).to_bytes(4, "big") + encoded + payload
    return body + zlib.crc32(body).to_bytes(4, "big")


def chunk(event: Any) -> bytes:
    """A frame that carries one of Anthropic's events."""
    raw = event if isinstance(event, bytes) else json.dumps(event).encode()
    payload = json.dumps({"bytes": base64.b64encode(raw).decode(), "p": "abcdefg"}).encode()
    return frame({":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}, payload)


def exception(kind: str, **payload: Any) -> bytes:
    head = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return frame(head, json.dumps(payload).encode())


def failure(code: str, message: str) -> bytes:
    """A failure that the service did not foresee."""
    return frame({":message-type": "error", ":error-code": code, ":error-message": message}, b"")
