"""Answers of OpenAI's chat format that are no stream, and what no server should send."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.quirks import PLAIN, Quirks
from tests.proxy.dialects.chat_streams import Payload, counted, finish, raw_answer, stream_of
from tests.proxy.dialects.chunking import EVERY_CHUNKING, Chunking
from tests.proxy.dialects.grammar import Answer, checked


def whole_answer(message: Payload, reason: str | None = "stop", quirks: Quirks = PLAIN, **fields: Any) -> Answer:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "model": "served-9", "choices": [choice], **fields}
    return checked(raw_answer(json.dumps(body).encode(), quirks))


class TestWholeAnswers:
    def test_a_whole_answer_is_read_like_a_stream(self) -> None:
        calls = [
            {"id": "call_abcdefghijklmnop", "type": "function", "function": {"name": "Bash", "arguments": '{"x":1}'}}
        ]
        seen = whole_answer(
            {"content": "I run it.", "reasoning_content": "hm", "tool_calls": calls},
            "tool_calls",
            usage=counted(10, 5)["usage"],
        )
        assert seen.kinds == ["thinking", "text", "tool_use"]
        assert (seen.stop_reason, seen.usage["output_tokens"], seen.message["model"]) == ("tool_use", 5, "served-9")

    def test_parallel_calls_of_a_whole_answer_have_no_index(self) -> None:
        calls = [{"id": "", "function": {"name": "Bash", "arguments": f'{{"x":{number}}}'}} for number in (1, 2)]
        assert [call["input"] for call in whole_answer({"tool_calls": calls}).calls] == [{"x": 1}, {"x": 2}]

    def test_inline_thinking_is_found_in_a_whole_answer(self) -> None:
        seen = whole_answer({"content": "<think>hm</think>\n\nyes"})
        assert (seen.thinking, seen.text) == ("hm", "yes")

    def test_a_whole_answer_without_a_reason_is_an_end(self) -> None:
        assert whole_answer({"content": "a"}, None).stop_reason == "end_turn"

    @EVERY_CHUNKING
    def test_an_error_with_status_200_is_an_error(self, chunked: Chunking) -> None:
        seen = checked(raw_answer(b'{"error": {"message": "no", "type": "invalid_request_error"}}', chunked=chunked))
        assert seen.error == {"type": "invalid_request_error", "message": "no"}

    @pytest.mark.parametrize(
        "body", [b"{}", b'{"choices": []}', b'{"choices": null}', b"[]", b'{"detail": "x"}', b'{"id":']
    )
    def test_json_that_is_no_answer_is_an_error(self, body: bytes) -> None:
        assert checked(raw_answer(body)).error is not None

    def test_an_error_by_another_name_is_told_in_its_words(self) -> None:
        seen = checked(raw_answer(b'{"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}'))
        assert seen.error is not None
        assert seen.error["message"] == "insufficient balance"

    @EVERY_CHUNKING
    def test_a_page_of_html_passes_as_it_is(self, chunked: Chunking) -> None:
        assert raw_answer(b"<html>gateway</html>", chunked=chunked) == b"<html>gateway</html>"


KEYS = st.one_of(
    st.sampled_from(["choices", "delta", "message", "index", "content", "tool_calls", "function", "name", "arguments"]),
    st.sampled_from(["id", "usage", "finish_reason", "reasoning", "reasoning_details", "type", "text", "error"]),
    st.sampled_from(["prompt_tokens", "annotations", "extra_content", "refusal"]),
)
HOSTILE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "x", "stop", "<think>"]),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(KEYS, values, max_size=4),
    max_leaves=20,
)


@given(st.lists(HOSTILE, max_size=6), st.sampled_from([PLAIN, Quirks(reasoning_back="reasoning_details")]))
def test_nothing_that_a_server_sends_breaks_the_reader(payloads: list[Any], quirks: Quirks) -> None:
    shaped = [
        {"choices": [{"delta": each if isinstance(each, dict) else {"content": each, "tool_calls": each}}]}
        for each in payloads
    ]
    for sent in (payloads, shaped, [*shaped, finish()]):
        seen = raw_answer(stream_of(*(f"data: {json.dumps(each)}" for each in sent)), quirks)
        if seen:
            checked(seen)
        said = raw_answer(json.dumps(sent[0] if sent else {}).encode(), quirks)
        if said.startswith(b"event:"):
            checked(said)
