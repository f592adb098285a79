"""Server-sent events: cut a byte stream into events, read one, write one.

Line ends may be LF, CRLF or CR, a chunk may end anywhere. Nothing here knows what an event means.
"""

import msgspec

EVENT_BYTES_MAX = 16 * 1024 * 1024
"""No provider sends an event near this size; a stream that exceeds it is not a stream of events."""


class EventTooLarge(ValueError):
    """A single event grew past ``EVENT_BYTES_MAX``."""


class Frames:
    """Incremental splitter: bytes in, whole events out (without their closing blank line, lines ended by LF)."""

    __slots__ = ("_held_cr", "_parts", "_size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._held_cr = False

    @property
    def pending(self) -> bytes:
        """What came after the last whole event."""
        return b"".join(self._parts)

    @property
    def holds(self) -> bool:
        """Something of an event came that has not ended."""
        return bool(self._parts) or self._held_cr

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events that ``chunk`` completes."""
        if self._held_cr or b"\r" in chunk:
            chunk = self._with_lf(chunk)
        if b"\n\n" not in chunk and not (chunk.startswith(b"\n") and self._ends_in_lf()):
            self._hold(chunk)
            return []
        if self._parts:
            self._parts.append(chunk)
            chunk = b"".join(self._parts)
            self._parts, self._size = [], 0
        events = chunk.split(b"\n\n")
        self._hold(events.pop())
        if b"\n\n\n" not in chunk and not chunk.startswith(b"\n"):
            return events
        return [stripped for event in events if (stripped := event.strip(b"\n"))]

    def end(self) -> list[bytes]:
        """The last event, for a stream that ends without the blank line after it."""
        rest = self.pending.strip(b"\n")
        self._parts, self._size, self._held_cr = [], 0, False
        return [rest] if rest else []

    def _hold(self, data: bytes) -> None:
        if data:
            self._parts.append(data)
            self._size += len(data)
            if self._size > EVENT_BYTES_MAX:
                raise EventTooLarge(f"an event of more than {EVENT_BYTES_MAX} bytes")

    def _ends_in_lf(self) -> bool:
        return bool(self._parts) and self._parts[-1].endswith(b"\n")

    def _with_lf(self, chunk: bytes) -> bytes:
        """``chunk`` with LF line ends; a CR at its very end waits, for it may be half of a CRLF."""
        if self._held_cr:
            chunk = b"\r" + chunk
        self._held_cr = chunk.endswith(b"\r")
        if self._held_cr:
            chunk = chunk[:-1]
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def read_event(frame: bytes) -> tuple[bytes, bytes]:
    """The name and the data of an event; either may be empty. Several data lines are joined by LF."""
    name = b""
    data: list[bytes] = []
    for line in frame.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return name, b"\n".join(data)


def write_event(name: str, payload: object) -> bytes:
    """An event with ``payload`` as JSON."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(payload))
