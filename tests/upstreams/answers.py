"""What a scripted upstream can say: well-framed replies, raw bytes, and the steps between them.

Values and their bytes on the wire; sending them is the server's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http.client import responses
from typing import Literal

from tests.upstreams.gate import Gate

Headers = Sequence[tuple[str, str]]
Framing = Literal["chunked", "length", "close"]


@dataclass(frozen=True, slots=True)
class Pause:
    """Go on when ``gate`` opens."""

    gate: Gate


@dataclass(frozen=True, slots=True)
class Hold:
    """Go on when the test calls ``release`` on the upstream."""


@dataclass(frozen=True, slots=True)
class Break:
    """Reset the connection here."""


Step = bytes | Pause | Hold | Break


@dataclass(frozen=True, slots=True)
class Reply:
    """A well-framed answer. With ``length`` the body's size is told even where a ``Break`` cuts it short."""

    status: int = 200
    headers: Headers = ()
    body: Sequence[Step] | bytes = b""
    framing: Framing = "chunked"
    piece_bytes: int = 0
    """Send the body in pieces of this size (1: byte by byte), each flushed alone; 0: as the steps come."""
    before_head: Sequence[Pause | Hold | Break] = ()
    """Happens after the request arrived and before the status line is sent."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes as they are, head included; the connection closes after them."""

    steps: Sequence[Step]


Answer = Reply | Raw

EMPTY = Reply()
SILENCE = Raw((Hold(),))
"""Accepts the request and says nothing."""
HALF_A_HEAD = Raw((b"HTTP/1.1 200 OK\r\ncontent-ty", Hold()))
HANG_UP = Raw((Break(),))
"""Takes the request and drops the connection before a word."""


def as_stream(*steps: Step, headers: Headers = (), piece_bytes: int = 0) -> Reply:
    """A 200 event stream of ``steps``."""
    labels = (("content-type", "text/event-stream; charset=utf-8"), *headers)
    return Reply(200, labels, steps, piece_bytes=piece_bytes)


def as_json(body: bytes, status: int = 200, headers: Headers = ()) -> Reply:
    return Reply(status, (("content-type", "application/json"), *headers), body, framing="length")


def redirect(location: str, status: int = 307) -> Reply:
    return Reply(status, (("location", location),), b"", framing="length")


def head_of(reply: Reply, steps: Sequence[Step]) -> bytes:
    """Status line and headers of ``reply``, whose body is ``steps``."""
    framing = {
        "chunked": "transfer-encoding: chunked",
        "length": f"content-length: {sum(len(step) for step in steps if isinstance(step, bytes))}",
        "close": "connection: close",
    }[reply.framing]
    lines = [
        f"HTTP/1.1 {reply.status} {responses.get(reply.status, 'Scripted')}",
        framing,
        *(f"{name}: {value}" for name, value in reply.headers),
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def in_pieces(steps: Sequence[Step], piece_bytes: int) -> Sequence[Step]:
    if not piece_bytes:
        return [step for step in steps if step != b""]
    pieces: list[Step] = []
    for step in steps:
        if isinstance(step, bytes):
            pieces.extend(step[at : at + piece_bytes] for at in range(0, len(step), piece_bytes))
        else:
            pieces.append(step)
    return pieces


def as_is(data: bytes) -> bytes:
    return data


def as_chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
