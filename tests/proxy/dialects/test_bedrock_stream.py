"""Streams of Bedrock's: Anthropic's events out of AWS's frames."""

import json
from typing import Any

import pytest
from anthropic.lib.bedrock._stream_decoder import AWSEventStreamDecoder
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.bedrock import Bedrock
from proxy.dialects.bedrock_reading import BedrockReader
from proxy.dialects.dialect import Occasion, Outgoing
from proxy.protocol.sse import write_event
from tests.proxy.dialects.aws_frames import chunk, exception, failure, frame
from tests.proxy.dialects.chunking import EVERY_CHUNKING, Chunking, cuts, read, whole
from tests.proxy.dialects.conversations import ARGUMENTS, SAID
from tests.proxy.dialects.grammar import checked, events_of, sdk_message
from tests.upstreams import message_body, message_events

AT = Occasion(model="us.anthropic.claude-opus-4-8-v1:0", message_id="msg_ours")
EVENTS: list[Any] = [payload for _, payload in events_of(b"".join(message_events("Grüße 世界")))]
METRICS = {"inputTokenCount": 9, "outputTokenCount": 4, "invocationLatency": 700, "firstByteLatency": 300}


def reader() -> BedrockReader:
    made = Bedrock().reader(Outgoing("/model/m/invoke-with-response-stream", b""), AT)
    assert made is not None
    return made


def told(body: bytes, chunked: Chunking = whole) -> bytes:
    return read(reader(), chunked(body))


def framed(*events: Any) -> bytes:
    return b"".join(chunk(event) for event in events)


@EVERY_CHUNKING
def test_events_come_out_as_anthropic_wrote_them(chunked: Chunking) -> None:
    raw = [json.dumps(event, ensure_ascii=False, indent=None).encode() for event in EVENTS]
    out = told(framed(*raw), chunked)
    assert out == b"".join(
        b"event: %s\ndata: %s\n\n" % (event["type"].encode(), each) for event, each in zip(EVENTS, raw, strict=True)
    )
    assert checked(out).text == sdk_message(out).content[0].text == "Grüße 世界"


@given(SAID, ARGUMENTS, st.data())
def test_an_answer_is_the_same_wherever_the_network_cut_it(
    said: str, given: dict[str, Any], data: st.DataObject
) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}}
    events = [
        EVENTS[0],
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": said}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": call},
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": json.dumps(given)},
        },
        {"type": "content_block_stop", "index": 1},
        *EVENTS[-2:],
    ]
    body = framed(*events)
    seen = checked(read(reader(), data.draw(cuts(body))))
    assert (seen.text, seen.calls[0]["input"]) == (said, given)


def test_anthropics_own_decoder_reads_the_same() -> None:
    body = framed(*EVENTS)
    theirs = [(each.event, json.loads(each.data)) for each in AWSEventStreamDecoder().iter_bytes(iter([body]))]
    assert theirs == events_of(told(body))


def test_awss_figures_are_taken_out_of_the_last_event() -> None:
    body = framed(*EVENTS[:-1], {"type": "message_stop", "amazon-bedrock-invocationMetrics": METRICS})
    assert events_of(told(body))[-1] == ("message_stop", {"type": "message_stop"})


def test_line_ends_within_an_event_do_not_cut_it() -> None:
    body = framed(*(json.dumps(event, indent=2).encode() for event in EVENTS))
    assert checked(told(body)).text == "Grüße 世界"


def test_frames_of_other_kinds_and_events_without_sense_are_stepped_over() -> None:
    other = frame({":message-type": "event", ":event-type": "initial-response"}, b"{}")
    no_type = frame({}, b"x")
    broken = frame({":message-type": "event", ":event-type": "chunk"}, b"{no json")
    body = other + no_type + broken + framed(EVENTS[0], b"[]", b"{}", b"no json", b'{"type": 7}', *EVENTS[1:])
    assert checked(told(body)).text == "Grüße 世界"


def test_what_follows_the_end_is_ignored() -> None:
    assert told(framed(*EVENTS, *EVENTS)) == told(framed(*EVENTS))


@EVERY_CHUNKING
def test_a_stream_that_ends_early_ends_in_an_error(chunked: Chunking) -> None:
    seen = checked(told(framed(*EVENTS[:3]), chunked))
    assert seen.error == {"type": "api_error", "message": "the stream ended early, without its last event"}


def test_half_a_frame_at_the_end_is_an_early_end() -> None:
    assert checked(told(framed(*EVENTS[:4])[:-1])).error is not None


def test_a_broken_frame_ends_the_stream_in_an_error() -> None:
    body = bytearray(framed(*EVENTS[:4]))
    body[-1] ^= 1
    error = checked(told(bytes(body))).error
    assert error is not None
    assert "checksum" in error["message"]


@pytest.mark.parametrize(
    ("kind", "told_as"),
    [
        ("throttlingException", "rate_limit_error"),
        ("validationException", "invalid_request_error"),
        ("serviceUnavailableException", "overloaded_error"),
        ("modelTimeoutException", "timeout_error"),
        ("modelStreamErrorException", "api_error"),
        ("internalServerException", "api_error"),
        ("somethingNewException", "api_error"),
    ],
)
@pytest.mark.parametrize("events", [0, 3])
def test_exceptions_are_errors_of_their_kind(kind: str, told_as: str, events: int) -> None:
    body = framed(*EVENTS[:events]) + exception(kind, message="the words")
    assert checked(told(body)).error == {"type": told_as, "message": "the words"}


def test_a_failure_that_was_not_foreseen_is_an_error_too() -> None:
    seen = checked(told(framed(*EVENTS[:2]) + failure("InternalFailure", "it broke")))
    assert seen.error == {"type": "api_error", "message": "it broke"}


@pytest.mark.parametrize("payload", [b"", b"not json", b"[]", b'"text"'])
def test_an_exception_without_readable_words_is_an_error_all_the_same(payload: bytes) -> None:
    head = {":message-type": "exception", ":exception-type": "throttlingException"}
    error = checked(told(frame(head, payload))).error
    assert error is not None
    assert error["type"] == "rate_limit_error"


def test_an_error_event_of_anthropics_own_is_the_end() -> None:
    event = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    assert checked(told(framed(*EVENTS[:2], event, *EVENTS[2:]))).error == event["error"]


@EVERY_CHUNKING
def test_a_message_as_json_is_told_in_events(chunked: Chunking) -> None:
    assert checked(told(message_body("all at once"), chunked)).text == "all at once"


def test_an_error_as_json_is_an_error() -> None:
    seen = checked(told(b'{"message": "Too many requests", "__type": "ThrottlingException"}'))
    assert seen.error is not None
    assert seen.error["message"] == "Too many requests"


@pytest.mark.parametrize("usage", ["x", [1], 5])
def test_a_message_with_an_odd_usage_is_told_in_events_all_the_same(usage: Any) -> None:
    body = json.dumps({**json.loads(message_body("all at once")), "usage": usage}).encode()
    assert b"all at once" in told(body)


@pytest.mark.parametrize("kind", ["ping\n\nevent: message_stop", "x y", "é\n"])
def test_a_type_that_is_no_name_is_no_event(kind: str) -> None:
    assert told(framed(*EVENTS[:3], {"type": kind}, *EVENTS[3:])) == told(framed(*EVENTS))


@pytest.mark.parametrize("body", [b"", b"<html>", write_event("ping", {"type": "ping"})])
def test_what_needs_no_reading_comes_out_as_it_went_in(body: bytes) -> None:
    assert told(body) == body


def test_an_answer_that_does_not_stream_needs_no_reader() -> None:
    assert Bedrock().reader(Outgoing("/model/m/invoke", b""), AT) is None


def test_counts_in_the_events_are_no_estimates() -> None:
    one = reader()
    read(one, [framed(*EVENTS)])
    assert not one.estimated


PIECES = st.one_of(
    st.binary(max_size=40), st.binary(max_size=30).map(chunk), st.sampled_from([chunk(each) for each in EVENTS])
)


@given(st.lists(PIECES))
def test_no_bytes_whatever_raise(pieces: list[bytes]) -> None:
    assert isinstance(read(reader(), pieces), bytes)
