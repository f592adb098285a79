"""AWS's binary event stream (``application/vnd.amazon.eventstream``), cut into messages.

A message: total length and length of the headers (four bytes each, big-endian), a checksum of these eight; headers;
payload; a checksum of all before it. Checksums are CRC-32. A chunk may end anywhere.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

HEADER_BYTES_MAX = 128 * 1024
PAYLOAD_BYTES_MAX = 24 * 1024 * 1024
"""Both are the limits of AWS's own reader."""

_PRELUDE = struct.Struct(">III")
_CHECKSUM = struct.Struct(">I")
_LENGTH = struct.Struct(">H")
_BYTES, _STRING = 6, 7
_FIXED_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type: two truths, four integers, a time, a UUID. Nothing here needs them."""


class BadEventStream(ValueError):
    """What arrived is no event stream. ``str()`` names the fault."""


@dataclass(frozen=True, slots=True)
class EventMessage:
    """A message; of its headers those that are texts."""

    headers: dict[str, str]
    payload: bytes


class EventMessages:
    """Incremental splitter: bytes in, whole messages out."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._needed = _PRELUDE.size

    @property
    def pending(self) -> bool:
        """The stream stands inside a message."""
        return bool(self._held)

    def feed(self, chunk: bytes) -> Iterator[EventMessage]:
        """The messages that ``chunk`` completes. Raises ``BadEventStream``, after those before the fault."""
        self._held += chunk
        while len(self._held) >= self._needed:
            total = self._total()
            if len(self._held) < total:
                self._needed = total
                return
            raw = bytes(memoryview(self._held)[:total])
            del self._held[:total]
            self._needed = _PRELUDE.size
            yield _message(raw)

    def _total(self) -> int:
        total, headers, checksum = _PRELUDE.unpack_from(self._held)
        if zlib.crc32(memoryview(self._held)[:8]) != checksum:
            raise BadEventStream("the checksum of a message's head is wrong")
        payload = total - headers - _PRELUDE.size - _CHECKSUM.size
        if headers > HEADER_BYTES_MAX or not 0 <= payload <= PAYLOAD_BYTES_MAX:
            raise BadEventStream(f"a message of {total} bytes with {headers} of headers")
        return int(total)


def _message(raw: bytes) -> EventMessage:
    if zlib.crc32(memoryview(raw)[: -_CHECKSUM.size]) != _CHECKSUM.unpack_from(raw, len(raw) - _CHECKSUM.size)[0]:
        raise BadEventStream("the checksum of a message is wrong")
    start = _PRELUDE.size
    end = start + _PRELUDE.unpack_from(raw)[1]
    return EventMessage(dict(_headers(raw[start:end])), raw[end : -_CHECKSUM.size])


def _headers(raw: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    try:
        while at < len(raw):
            name_end = at + 1 + raw[at]
            kind = raw[name_end]
            value_start = name_end + 1
            if kind in (_BYTES, _STRING):
                value_start += _LENGTH.size
                size = _LENGTH.unpack_from(raw, name_end + 1)[0]
            else:
                size = _FIXED_SIZES[kind]
            if value_start + size > len(raw):
                raise BadEventStream("a header longer than all headers")
            if kind == _STRING:
                name = raw[at + 1 : name_end].decode(errors="replace")
                yield name, raw[value_start : value_start + size].decode(errors="replace")
            at = value_start + size
    except (IndexError, KeyError, struct.error):
        raise BadEventStream("a header that cannot be read") from None
