"""A stream as it passes by: cut anywhere, whatever stands in it, nothing raises and what is known is right."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.contract import Usage
from proxy.protocol.answer_tap import AnswerTap
from proxy.protocol.outcome import WORDS_MAX
from proxy.protocol.usage import read_message
from tests.proxy.protocol.events import OVERLOADED, PING, STOP, block, delta, event, start, tapped, text
from tests.upstreams import message_stream


class TestStream:
    @pytest.mark.parametrize("size", [1, 7, 100_000])
    @pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
    @pytest.mark.parametrize("named", [True, False])
    def test_the_facts_do_not_depend_on_chunks_names_or_line_ends(
        self, size: int, line_end: bytes, named: bool
    ) -> None:
        payloads = (start(input_tokens=3), PING, block(), text("é🐟"), text(), delta("tool_use", output_tokens=8), STOP)
        body = b"".join(event(each, named=named) for each in payloads).replace(b"\n", line_end)
        tap = AnswerTap()
        for at in range(0, len(body), size):
            tap.feed(body[at : at + size])
        assert tap.facts.usage == Usage(input_tokens=3, output_tokens=8)
        assert (tap.facts.stop_reason, tap.ended, tap.deltas) == ("tool_use", True, 2)

    def test_the_last_event_counts_without_its_blank_line(self) -> None:
        tap = AnswerTap()
        tap.feed(event(start(input_tokens=3)) + event(delta(output_tokens=8)) + event(STOP).rstrip())
        assert not tap.ended
        tap.end()
        assert tap.ended

    @pytest.mark.parametrize("payload", [start(input_tokens=3), PING, OVERLOADED])
    def test_nothing_before_the_answer_commits_a_stream(self, payload: dict[str, Any]) -> None:
        assert not tapped(payload).meaningful

    @pytest.mark.parametrize("payload", [block(), text(), delta(), STOP, {"type": "something_new"}])
    def test_every_other_event_commits_it(self, payload: dict[str, Any]) -> None:
        assert tapped(start(), PING, payload).meaningful

    @pytest.mark.parametrize("raw", [b": alive\n\n", b"\n\n", b"retry: 5\n\n", b"data: \n\n", b"event: ping\n\n"])
    def test_comments_and_empty_events_do_not_commit_it(self, raw: bytes) -> None:
        tap = AnswerTap()
        tap.feed(raw)
        assert not tap.meaningful

    def test_an_error_as_first_event_is_seen_and_commits_nothing(self) -> None:
        tap = tapped(start(input_tokens=3), OVERLOADED)
        assert (tap.failed, tap.meaningful) == (True, False)
        assert (tap.facts.error_type, tap.facts.error_message) == ("overloaded_error", "Overloaded")

    def test_an_error_midway_is_seen_and_the_usage_kept(self) -> None:
        tap = tapped(start(input_tokens=3), block(), text(), text(), OVERLOADED)
        assert (tap.failed, tap.meaningful, tap.ended) == (True, True, False)
        assert tap.facts.usage == Usage(input_tokens=3)

    @pytest.mark.parametrize(
        "error", [None, "boom", 5, [], {}, {"type": None, "message": None}, {"type": 5, "message": 6}]
    )
    def test_an_error_of_another_shape_is_still_an_error(self, error: object) -> None:
        assert tapped({"type": "error", "error": error}).failed

    @pytest.mark.parametrize("error", [{"message": "echo " * 10_000}, "echo " * 10_000, [["echo"] * 10_000]])
    def test_of_an_error_that_echoes_a_request_the_beginning_is_kept(self, error: object) -> None:
        assert len(tapped({"type": "error", "error": error}).facts.error_message or "") == WORDS_MAX

    def test_an_error_named_only_by_its_event_line_is_an_error(self) -> None:
        tap = AnswerTap()
        tap.feed(b'event: error\ndata: {"error":{"type":"overloaded_error","message":"later"}}\n\n')
        assert tap.facts.error_type == "overloaded_error"

    def test_a_message_start_is_no_text_and_a_delta_is(self) -> None:
        assert not tapped(start(), block()).text_seen
        assert tapped(start(), block(), text()).text_seen

    def test_events_after_the_end_do_not_reopen_it(self) -> None:
        assert tapped(start(), block(), STOP, PING).ended

    @pytest.mark.parametrize(
        ("sent", "inside"),
        [
            (b"", False),
            (b"event: ping\ndata: {}\n\n", False),
            (b"event: ping\ndata: {", True),
            (b"event: ping\n", False),
            (b"event: ping\r\n", False),
            (b"event: ping\r", True),
            (b"eve", True),
        ],
    )
    def test_a_stream_knows_whether_it_stands_inside_a_line(self, sent: bytes, inside: bool) -> None:
        tap = AnswerTap()
        tap.feed(sent)
        assert tap.mid_line is inside

    def test_what_is_no_stream_of_events_is_given_up_without_a_fault(self) -> None:
        tap = AnswerTap()
        for _ in range(18):
            tap.feed(b"x" * 2**20)
        tap.end()
        assert (tap.broken, tap.meaningful, tap.mid_line) == (True, False, False)

    @given(st.lists(st.binary(max_size=40), max_size=10))
    def test_no_bytes_make_it_raise(self, chunks: list[bytes]) -> None:
        tap = AnswerTap()
        for chunk in chunks:
            tap.feed(chunk)
        tap.end()

    @given(
        st.sampled_from(["message_start", "message_delta", "content_block_delta", "error", "ping", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["type", "message", "usage", "delta", "error", "iterations", "cost", "cache_creation"]
                    )
                    | st.text(max_size=3),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=12,
        ),
    )
    def test_no_payload_makes_it_raise(self, name: str, payload: object) -> None:
        tap = AnswerTap()
        tap.feed(f"event: {name}\ndata: {json.dumps(payload)}\n\n".encode())
        whole = json.dumps(payload).encode()
        read_message(whole)

    @pytest.mark.parametrize(
        "data",
        [
            b"[" * 200_000,
            b'{"type":"message_start","message":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001,
            b'{"type":"\xff"}',
            b'{"type":"message_delta","usage":{"output_tokens":' + b"9" * 6000 + b"}}",
            b'{"type":"message_delta","usage":{"cost":' + b"9" * 4000 + b"}}",
            b'{"type":"message_delta","usage":{"cost":"' + b"9" * 90_000 + b'"}}',
            b'{"type":"message_delta","usage":{"cost":"1e999999999999999999999"}}',
            b'{"type":["message_start"]}',
            b"[DONE]",
            b"<html>",
        ],
        ids=[
            "deep",
            "deep object",
            "utf-8",
            "long count",
            "long cost",
            "cost text",
            "huge cost",
            "type list",
            "done",
            "html",
        ],
    )
    def test_hostile_data_does_not_make_it_raise(self, data: bytes) -> None:
        tap = AnswerTap()
        tap.feed(b"data: " + data + b"\n\n" + event(delta(output_tokens=4)))
        assert tap.facts.usage == Usage(output_tokens=4)
        read_message(data)


@pytest.mark.parametrize("size", [1, 40, 10_000])
def test_the_length_of_an_answer_is_known_while_it_is_written(size: int) -> None:
    stream = message_stream("Words of an answer, one after the other. " * 20, thinking="Some thought first. " * 20)
    tap = AnswerTap()

    for at in range(0, len(stream), size):
        tap.feed(stream[at : at + size])

    assert abs(tap.text_bytes - 20 * (41 + 20)) < 60
