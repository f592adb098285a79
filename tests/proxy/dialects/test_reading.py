"""Bytes of an upstream as every reader takes them, with a dialect of one word."""

from collections.abc import Mapping
from typing import Any

import pytest

from proxy.dialects.answer import AnswerWriter
from proxy.dialects.reading import HEAD_BYTES_MAX, AnswerReader
from proxy.protocol.sse import EVENT_BYTES_MAX
from tests.proxy.dialects.chunking import EVERY_CHUNKING, Chunking, read
from tests.proxy.dialects.grammar import checked


class WordReader(AnswerReader):
    """``{"say": "text"}``, ended by ``{"end": true}``."""

    def __init__(self) -> None:
        super().__init__(AnswerWriter("gemini", "m", "msg_1", 0))
        self.names: list[str] = []
        self._done = False

    def see(self, payload: Mapping[str, Any], name: str) -> None:
        self.names.append(name)
        self.writer.start()
        self.writer.text(str(payload.get("say", "")))
        self._done = self._done or payload.get("end") is True

    def see_whole(self, payload: Mapping[str, Any]) -> None:
        self.see(payload, "")
        self.writer.finish("end_turn")

    def close(self) -> None:
        if self._done:
            self.writer.finish("end_turn")
        else:
            self.fail_early()


SAID = b'data: {"say":"a"}\n\ndata: {"say":"\xc3\xbc"}\n\ndata: {"end":true}\n\n'


@EVERY_CHUNKING
@pytest.mark.parametrize(
    "before", [b"", b"\n\n", b"\xef\xbb\xbf", b": hello\n\n", b"retry: 3\n\n", b"id: 1\n", b"event: x\n"]
)
def test_a_stream_is_known_by_its_first_line(chunked: Chunking, before: bytes) -> None:
    assert checked(read(WordReader(), chunked(before + SAID))).text == "aü"


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"


@EVERY_CHUNKING
@pytest.mark.parametrize("before", [HEAD, b"x-note: hi\n", b"\r\n  \n", b"hello\r"])
def test_lines_that_no_stream_knows_may_stand_before_it(chunked: Chunking, before: bytes) -> None:
    assert checked(read(WordReader(), chunked(before + SAID))).text == "aü"


@EVERY_CHUNKING
@pytest.mark.parametrize("body", [b"<p>\n" + SAID, b"x" * HEAD_BYTES_MAX + b"\n" + SAID])
def test_a_page_or_a_long_text_is_no_stream(chunked: Chunking, body: bytes) -> None:
    assert read(WordReader(), chunked(body)) == body


@EVERY_CHUNKING
@pytest.mark.parametrize(
    "body",
    [
        SAID.replace(b"data: ", b"data:"),
        SAID.replace(b"\n", b"\r\n"),
        SAID.replace(b"\n", b"\r"),
        SAID.replace(b"\n\n", b"\n"),
        SAID.replace(b"data: ", b"data: data: "),
        SAID.replace(b"\n\ndata: ", b""),
        SAID.replace(b"\n\ndata: ", b" data: "),
        SAID.rstrip(),
        SAID.replace(b"\n\n", b"\n") + b"data: [DONE]\n",
        SAID.replace(b"data: ", b": note\nid: 7\nevent: message\ndata: "),
        SAID.replace(b'"say":"a"', b'"logprob":NaN,"other":-Infinity,"say":"a"'),
        SAID.replace(b'"say":"a"', b'"tab":"\t\x01","bytes":"\xff\xfe","say":"a"'),
        SAID.replace(b'"say":"a"', b'"half":"\\ud800","odd":NaN,"say":"a"'),
    ],
    ids=[
        "no blank", "two signs", "the other sign", "no blank line", "twice data", "one behind the other",
        "data within data", "no end", "done in one event", "other fields", "no numbers",
        "no texts", "half a character",
    ],
)  # fmt: skip
def test_a_stream_is_read_however_it_is_framed_and_written(chunked: Chunking, body: bytes) -> None:
    assert checked(read(WordReader(), chunked(body))).text == "aü"


@EVERY_CHUNKING
@pytest.mark.parametrize("end", [b"\n", b"", b"\r\n\r\n"])
def test_values_line_by_line_are_a_stream_all_the_same(chunked: Chunking, end: bytes) -> None:
    body = b'{"say":"a"}\n{"say":"\xc3\xbc"}\n{"end":true}'
    assert checked(read(WordReader(), chunked(body + end))).text == "aü"
    cut = checked(read(WordReader(), chunked(b'{"say":"a"}\n{"say":"\xc3\xbc"}\n{"en')))
    assert cut.error is not None


@EVERY_CHUNKING
@pytest.mark.parametrize(
    ("told", "words"),
    [
        (b"event: error\ndata: it broke", "it broke"),
        (b'event: error\ndata: "it broke"', "it broke"),
        (b'event: error\ndata: {"message": "it broke"}', "it broke"),
        (b"event: error\ndata: null", "an error without words"),
        (b'data: {"error": "it broke"}', "it broke"),
        (b'data: [{"error": {"message": "it broke"}}]', "it broke"),
        (b"data: it broke", "it said: it broke"),
        (b'error: {"code": 500, "message": "it broke"}', "it broke"),
        (b'{\n  "error": {\n    "code": 503,\n    "message": "it broke"\n  }\n}', "it broke"),
        (b'[{\n  "error": {"message": "it broke"}\n}]', "it broke"),
    ],
)
def test_an_error_in_any_shape_is_told_in_its_words(chunked: Chunking, told: bytes, words: str) -> None:
    error = checked(read(WordReader(), chunked(b'data: {"say":"a"}\n\n' + told + b"\n\n"))).error
    assert error is not None
    assert error["message"].endswith(words)


@EVERY_CHUNKING
@pytest.mark.parametrize("before", [b"", b" \n", b"\xef\xbb\xbf"])
def test_a_whole_answer_is_known_by_its_first_sign(chunked: Chunking, before: bytes) -> None:
    assert checked(read(WordReader(), chunked(before + b'{"say": "a"}'))).text == "a"


@EVERY_CHUNKING
@pytest.mark.parametrize(
    "body", [b"<html>", b"\r\n <html>", b"error code: 502", b"internal", b"idle", b"detail", b"d", b" ", b"\xef\xbb"]
)
def test_what_is_neither_passes_as_it_is(chunked: Chunking, body: bytes) -> None:
    assert read(WordReader(), chunked(body)) == body


def test_a_list_of_payloads_is_read_one_by_one() -> None:
    assert checked(read(WordReader(), [b'[{"say":"a"},{"say":"b"},{"end":true}]'])).text == "ab"
    assert checked(read(WordReader(), [b'data: [{"say":"a"},{"end":true}]\n\n'])).text == "a"


def test_the_events_name_is_told() -> None:
    reader = WordReader()
    read(reader, [b'event: some\ndata: {"say":"a"}\n\n', b'data: {"end":true}\n\n'])
    assert reader.names == ["some", ""]


def test_an_end_without_the_last_event_is_an_error() -> None:
    assert checked(read(WordReader(), [b'data: {"say":"a"}\n\n'])).error is not None


def test_a_stream_without_any_payload_says_nothing() -> None:
    assert (
        read(WordReader(), [b": only a comment\n\n", b"data: not json\n\n", b"data: 7\n\n", b"data: [DONE]\n\n"]) == b""
    )


def test_done_ends_what_began() -> None:
    body = b'data: {"say":"a","end":true}\n\ndata: [DONE]\n\ndata: {"say":"b"}\n\n'
    assert checked(read(WordReader(), [body])).text == "a"


def test_a_payload_that_is_cut_is_skipped_and_the_rest_is_read() -> None:
    assert checked(read(WordReader(), [b'data: {"say":\n\n' + SAID])).text == "aü"


@pytest.mark.parametrize(
    "body", [b'{"say"', b"[1, 2", b'{"error": {"message": "no"}}', b'[{"error": {"message": "no"}}]', b"[7]"]
)
def test_json_that_is_no_answer_is_an_error(body: bytes) -> None:
    assert checked(read(WordReader(), [body])).error is not None


def test_an_event_that_never_ends_is_an_error() -> None:
    reader = WordReader()
    out = reader.feed(b"data: " + b"x" * EVENT_BYTES_MAX)
    assert checked(out + reader.end()).error is not None


def test_usage_that_was_not_told_is_an_estimate() -> None:
    reader = WordReader()
    assert not reader.estimated
    read(reader, [SAID])
    assert reader.estimated


def test_a_failed_answer_is_no_estimate() -> None:
    reader = WordReader()
    read(reader, [b'data: {"say":"a"}\n\n'])
    assert not reader.estimated
