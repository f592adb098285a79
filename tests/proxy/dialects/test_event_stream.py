"""AWS's binary frames: cut anywhere, broken anywhere; botocore reads the same."""

import zlib

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.event_stream import PAYLOAD_BYTES_MAX, BadEventStream, EventMessage, EventMessages
from tests.proxy.dialects.aws_frames import frame
from tests.proxy.dialects.chunking import EVERY_CHUNKING, Chunking, cuts

HEADERS = st.dictionaries(st.text(min_size=1, max_size=12), st.text(max_size=20), max_size=4)
FRAMES = st.lists(st.tuples(HEADERS, st.binary(max_size=200)), max_size=4)
OF_OTHER_KINDS = b"".join(
    [
        *(b"\x01t\x00", b"\x01f\x01", b"\x01b\x02\x7f", b"\x01s\x03\x00\x01", b"\x01i\x04\x00\x00\x00\x01"),
        *(b"\x01l\x05" + b"\x00" * 8, b"\x01B\x06\x00\x02hi", b"\x01T\x08" + b"\x00" * 8, b"\x01U\x09" + b"\x00" * 16),
    ]
)


def read(chunks: list[bytes]) -> list[EventMessage]:
    messages = EventMessages()
    return [message for each in chunks for message in messages.feed(each)]


@given(FRAMES, st.data())
def test_where_chunks_end_never_matters(frames: list[tuple[dict[str, str], bytes]], data: st.DataObject) -> None:
    body = b"".join(frame(headers, payload) for headers, payload in frames)
    seen = read(list(data.draw(cuts(body))))
    assert [(each.headers, each.payload) for each in seen] == frames


@given(FRAMES)
def test_botocore_reads_the_same(frames: list[tuple[dict[str, str], bytes]]) -> None:
    body = b"".join(frame(headers, payload) for headers, payload in frames)
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    assert [(each.headers, each.payload) for each in buffer] == [(each.headers, each.payload) for each in read([body])]


@EVERY_CHUNKING
def test_headers_of_other_kinds_are_stepped_over(chunked: Chunking) -> None:
    (seen,) = read(list(chunked(frame({":event-type": "chunk"}, b"x", others=OF_OTHER_KINDS))))
    assert (seen.headers, seen.payload) == ({":event-type": "chunk"}, b"x")


def test_half_a_frame_waits_for_the_rest() -> None:
    body = frame({"a": "b"}, b"payload")
    messages = EventMessages()
    assert list(messages.feed(body[:-1])) == []
    assert messages.pending
    assert [each.payload for each in messages.feed(body[-1:])] == [b"payload"]
    assert not messages.pending


@given(st.data())
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    body = bytearray(frame({":event-type": "chunk"}, b"some payload"))
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadEventStream):
        read([bytes(body)])


def test_frames_before_a_broken_one_are_read() -> None:
    good, bad = frame({}, b"good"), bytearray(frame({}, b"bad"))
    bad[-1] ^= 1
    messages = EventMessages().feed(good + bytes(bad))
    assert next(messages).payload == b"good"
    with pytest.raises(BadEventStream, match="checksum"):
        next(messages)


def prelude(total: int, headers: int) -> bytes:
    head = total.to_bytes(4, "big") + headers.to_bytes(4, "big")
    return head + zlib.crc32(head).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("total", "headers"), [(0, 0), (15, 0), (20, 100), (PAYLOAD_BYTES_MAX * 2, 0), (900_000, 800_000)]
)
def test_lengths_that_cannot_be_are_refused_at_once(total: int, headers: int) -> None:
    with pytest.raises(BadEventStream, match="bytes"):
        read([prelude(total, headers)])


@pytest.mark.parametrize(
    "headers", [b"\x05ab", b"\x01a", b"\x01a\x07\x00", b"\x01a\x07\x00\x09x", b"\x01a\x63", b"\x01a\x04\x00"]
)
def test_headers_that_cannot_be_are_refused(headers: bytes) -> None:
    with pytest.raises(BadEventStream, match="header"):
        read([frame({}, b"x", others=headers)])


@given(st.binary(min_size=12, max_size=64))
def test_bytes_that_are_no_stream_are_refused(body: bytes) -> None:
    with pytest.raises(BadEventStream):
        read([body])
