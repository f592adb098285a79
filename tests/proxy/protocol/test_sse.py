"""Events out of bytes, wherever the network cut them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.sse import EVENT_BYTES_MAX, EventTooLarge, Frames, read_event, write_event

EVENTS = (
    b'event: message_start\ndata: {"text":"caf\xc3\xa9"}',
    b": alive",
    b"event: ping\ndata: {}",
    b"data: one\ndata: two",
    "event: delta\ndata: 🐟 and 水".encode(),
)
LINE_ENDS = pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])


def frames_of(chunks: list[bytes]) -> list[bytes]:
    frames = Frames()
    return [event for chunk in chunks for event in frames.feed(chunk)] + frames.end()


def stream(line_end: bytes) -> bytes:
    return (b"\n\n".join(EVENTS) + b"\n\n").replace(b"\n", line_end)


@LINE_ENDS
def test_every_event_arrives_from_chunks_of_one_byte(line_end: bytes) -> None:
    body = stream(line_end)
    assert frames_of([body[at : at + 1] for at in range(len(body))]) == list(EVENTS)


@LINE_ENDS
def test_every_event_arrives_from_chunks_of_one_line(line_end: bytes) -> None:
    assert frames_of(stream(line_end).splitlines(keepends=True)) == list(EVENTS)


@LINE_ENDS
def test_every_event_arrives_from_one_chunk(line_end: bytes) -> None:
    assert frames_of([stream(line_end)]) == list(EVENTS)


@LINE_ENDS
def test_an_event_split_at_any_byte_is_whole(line_end: bytes) -> None:
    body = stream(line_end)
    for at in range(len(body)):
        assert frames_of([body[:at], body[at:]]) == list(EVENTS)


@given(st.lists(st.binary(max_size=12), max_size=8), st.data())
def test_where_chunks_end_never_matters(pieces: list[bytes], data: st.DataObject) -> None:
    body = b"\n".join(pieces)
    at = data.draw(st.integers(0, len(body)))
    again = data.draw(st.integers(at, len(body)))
    assert frames_of([body[:at], body[at:again], body[again:]]) == frames_of([body])


def test_half_a_line_waits_for_the_next_chunk() -> None:
    frames = Frames()
    assert frames.feed(b"data: ha") == []
    assert frames.pending == b"data: ha"
    assert frames.feed(b"lf\n\n") == [b"data: half"]


def test_an_event_is_complete_with_its_blank_line_and_not_before() -> None:
    frames = Frames()
    assert frames.feed(b"data: x\n") == []
    assert frames.feed(b"\n") == [b"data: x"]


def test_a_crlf_split_between_its_two_bytes_is_one_line_end() -> None:
    assert frames_of([b"data: one\r", b"\ndata: two\r", b"\n\r", b"\n"]) == [b"data: one\ndata: two"]


def test_the_last_event_may_lack_its_blank_line() -> None:
    frames = Frames()
    assert frames.feed(b"data: a\n\ndata: b") == [b"data: a"]
    assert frames.end() == [b"data: b"]
    assert frames.end() == []


def test_a_stream_that_ends_in_a_lone_cr_keeps_its_last_event() -> None:
    assert frames_of([b"data: a\r"]) == [b"data: a"]


def test_blank_lines_alone_are_no_events() -> None:
    assert frames_of([b"\n\n\n\n\r\n\r\n"]) == []


def test_an_event_of_some_megabytes_is_whole() -> None:
    event = b"data: " + b"x" * 3_000_000
    chunks = [event[at : at + 60_000] for at in range(0, len(event), 60_000)]
    assert frames_of([*chunks, b"\n\n", b"data: next\n\n"]) == [event, b"data: next"]


def test_what_never_becomes_an_event_is_refused_before_it_fills_the_memory() -> None:
    frames = Frames()
    chunk = b"x" * (EVENT_BYTES_MAX // 4)
    for _ in range(4):
        frames.feed(chunk)
    with pytest.raises(EventTooLarge):
        frames.feed(b"x")


def test_many_small_events_are_not_one_large_event() -> None:
    frames = Frames()
    chunk = b"data: x\n\n" * 100_000
    total = sum(len(frames.feed(chunk)) for _ in range(EVENT_BYTES_MAX // len(chunk) + 2))
    assert total == 100_000 * (EVENT_BYTES_MAX // len(chunk) + 2)


@pytest.mark.parametrize(
    ("frame", "name", "data"),
    [
        (b"event: a\ndata: b", b"a", b"b"),
        (b"event:a\ndata:b", b"a", b"b"),
        (b"data: b", b"", b"b"),
        (b"event: a", b"a", b""),
        (b": comment", b"", b""),
        (b"data:  two blanks", b"", b" two blanks"),
        (b"data: a\ndata: b\ndata", b"", b"a\nb\n"),
        (b"id: 7\nretry: 10\ndata: x", b"", b"x"),
        (b'event: a\ndata: {"a": "b: c"}', b"a", b'{"a": "b: c"}'),
        (b"event: first\nevent: last\ndata: x", b"last", b"x"),
        (b"", b"", b""),
    ],
)
def test_name_and_data_of_an_event(frame: bytes, name: bytes, data: bytes) -> None:
    assert read_event(frame) == (name, data)


def test_a_written_event_is_read_back_whatever_is_in_it() -> None:
    [frame] = frames_of([write_event("error", {"message": "two\nlines\r\nand \u2028 more"})])
    name, data = read_event(frame)
    assert name == b"error"
    assert data == b'{"message":"two\\nlines\\r\\nand \xe2\x80\xa8 more"}'
