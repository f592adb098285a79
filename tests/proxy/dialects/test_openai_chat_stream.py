"""Texts, thinking and endings of OpenAI's chat format, as servers really send them, in Anthropic's events."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.quirks import Quirks
from proxy.protocol.overflow import read_overflow
from tests.proxy.dialects.chat_streams import Payload, answer, called, counted, delta, finish, raw_answer, stream_of
from tests.proxy.dialects.chunking import EVERY_CHUNKING, Chunking, cuts
from tests.proxy.dialects.conversations import TEXTS
from tests.proxy.dialects.grammar import checked


class TestText:
    def test_a_text_arrives_with_its_model_usage_and_end(self) -> None:
        seen = answer(
            delta(role="assistant", content=""), delta(content="Hel"), delta(content="lo"), finish(), counted()
        )
        assert seen.text == "Hello"
        assert seen.kinds == ["text"]
        assert seen.message["model"] == "served-9"
        assert seen.message["id"] == "msg_1"
        assert seen.message["usage"]["input_tokens"] == 42
        assert (seen.stop_reason, seen.usage["input_tokens"], seen.usage["output_tokens"]) == ("end_turn", 10, 5)

    def test_the_model_is_the_one_that_a_chunk_names_first(self) -> None:
        placeholder: Payload = {"id": "", "model": "", "choices": [], "created": 0}
        assert answer(placeholder, delta(content="a"), finish()).message["model"] == "served-9"

    @EVERY_CHUNKING
    @pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
    def test_line_ends_and_split_characters_do_not_matter(self, chunked: Chunking, line_end: bytes) -> None:
        body = stream_of(delta(content="Grüße 🐟"), delta(content=" 水"), finish()).replace(b"\n", line_end)
        assert checked(raw_answer(body, chunked=chunked)).text == "Grüße 🐟 水"

    def test_comments_blank_data_and_unknown_keys_are_nothing(self) -> None:
        seen = answer(
            ": OPENROUTER PROCESSING", delta(content="a", audio=None, x=[1]), "data:", ": x", finish(obfuscation="")
        )
        assert seen.text == "a"

    def test_a_comment_in_the_midst_is_a_sign_of_life(self) -> None:
        assert "ping" in answer(delta(content="a"), ": OPENROUTER PROCESSING", finish()).names

    def test_absent_and_empty_contents_make_no_block(self) -> None:
        assert answer(delta(content=None), delta(content=""), delta(), finish()).blocks == []

    def test_blanks_before_a_call_make_no_text(self) -> None:
        seen = answer(delta(content="\n\n"), called(id="call_1", name="Bash", arguments="{}"), finish("tool_calls"))
        assert seen.kinds == ["tool_use"]

    def test_blanks_before_a_text_are_kept(self) -> None:
        assert answer(delta(content="\n\n"), delta(content="a"), finish()).text == "\n\na"

    def test_a_content_of_parts_is_read(self) -> None:
        parts = [
            {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
            {"type": "text", "text": "done"},
            {"type": "image", "url": "x"},
            7,
        ]
        seen = answer(delta(content=parts), finish())
        assert (seen.thinking, seen.text) == ("hm", "done")

    def test_reasoning_in_a_part_s_summary_is_thinking(self) -> None:
        part = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
        seen = answer(delta(content=[part]), delta(content="done"), finish())
        assert (seen.thinking, seen.text) == ("hm", "done")

    def test_of_several_choices_the_first_counts(self) -> None:
        both = delta(content="a")
        both["choices"].insert(0, {"index": 1, "delta": {"content": "other"}, "finish_reason": "length"})
        seen = answer(both, finish())
        assert (seen.text, seen.stop_reason) == ("a", "end_turn")

    @pytest.mark.parametrize("numbers", [(0, 1, 2, 3), (1, 1, 1, 1), (None, "0", 7, -1)])
    def test_the_only_choice_counts_whatever_its_number_is(self, numbers: tuple[object, ...]) -> None:
        chunks = [delta(role="assistant", content="Moon"), delta(content="light"), delta(content=""), finish()]
        for chunk, number in zip(chunks, numbers, strict=True):
            chunk["choices"][0]["index"] = number
        seen = answer(*chunks)
        assert (seen.text, seen.stop_reason) == ("Moonlight", "end_turn")

    def test_a_text_beside_the_delta_is_the_same_text(self) -> None:
        chunks = [delta(role="assistant", content=""), delta(content="He"), delta(content="y"), finish()]
        for chunk, said in zip(chunks, ("", "He", "y", ""), strict=True):
            chunk["choices"][0]["text"] = said
        assert answer(*chunks).text == "Hey"
        assert answer({"choices": [{"text": "a"}]}, {"choices": [{"text": "b", "delta": None}]}, finish()).text == "ab"

    def test_a_message_in_place_of_a_delta_is_read(self) -> None:
        assert answer({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}).text == "a"

    def test_messages_in_place_of_deltas_are_read(self) -> None:
        pieces = [{"choices": [{"message": {"role": "assistant", "content": text}}]} for text in ("a", "b")]
        assert answer(*pieces, finish()).text == "ab"

    def test_a_whole_message_at_the_end_repeats_what_was_said(self) -> None:
        message: Payload = {"role": "assistant", "content": "<think>hm</think>\n\nHello", "reasoning_content": "hm"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        last: Payload = {"object": "chat.completion", "choices": [choice]}
        for ending in ([last], [finish(), last], [{**last, "choices": [{**choice, "delta": {}}]}]):
            seen = answer(delta(role="assistant", content="<think>h"), delta(content="m</think>\n\nHello"), *ending)
            assert (seen.thinking, seen.text, seen.stop_reason) == ("hm", "Hello", "end_turn")

    def test_a_message_beside_each_delta_is_no_text_of_its_own(self) -> None:
        chunks = [delta(content="He"), delta(content="y"), finish()]
        for chunk, so_far in zip(chunks, ("He", "Hey", "Hey"), strict=True):
            chunk["choices"][0]["message"] = {"role": "assistant", "content": so_far}
        assert answer(*chunks).text == "Hey"

    def test_a_whole_message_with_a_call_at_the_end_repeats_the_call(self) -> None:
        call: Payload = {"id": "call_function_0123456789_1", "function": {"name": "Bash", "arguments": '{"x": 1}'}}
        last = {
            "choices": [{"index": 0, "message": {"content": "", "tool_calls": [call]}, "finish_reason": "tool_calls"}]
        }
        seen = answer(called(**call["function"], id=call["id"]), finish("tool_calls"), last)
        assert [each["input"] for each in seen.calls] == [{"x": 1}]

    @pytest.mark.parametrize(
        "content", [{"type": "text", "text": "a"}, [{"type": "output_text", "text": "a"}, {"type": "x", "thinking": 7}]]
    )
    def test_a_content_of_other_shapes_is_read(self, content: object) -> None:
        assert answer(delta(content=content), finish()).text == "a"

    @pytest.mark.parametrize("value", [7, True, [7, None, [["a"]]], {"a": 1}, {"text": 7}])
    def test_a_content_that_is_none_is_nothing(self, value: object) -> None:
        seen = answer(delta(content=value, reasoning_content=value, reasoning=value, refusal=value), finish())
        assert seen.blocks == []

    def test_a_character_that_was_cut_in_two_is_whole(self) -> None:
        pieces = [f'data: {{"choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}' for text in
                  (r"hi \ud83d", r"\uDE00 ok \\\"\ud83d", r"\ude00", r"\ud83d\ude00 \ud83d lost \ude00")]  # fmt: skip
        assert answer(*pieces, finish()).text == 'hi 😀 ok \\"😀😀 � lost �'

    def test_half_a_character_that_nothing_follows_is_left_out(self) -> None:
        half = r'data: {"choices":[{"index":0,"delta":{"content":"hi \ud83d"}}]}'
        assert answer(half, delta(content="!"), finish()).text == "hi !"

    def test_cited_pages_are_listed_once_at_the_end(self) -> None:
        cite = {"type": "url_citation", "url_citation": {"url": "https://a.example", "title": "A"}}
        seen = answer(
            delta(content="Cats.", annotations=[cite]), delta(annotations=[cite, {"type": "other"}]), finish()
        )
        assert seen.text == "Cats.\n\nSources:\n- [A](https://a.example)"

    @given(st.lists(TEXTS, max_size=6), st.data())
    def test_where_chunks_end_never_matters(self, texts: list[str], data: st.DataObject) -> None:
        body = stream_of(*(delta(content=text) for text in texts), finish(), counted())
        chunks: Sequence[bytes] = data.draw(cuts(body))
        seen = raw_answer(body, chunked=lambda _: chunks)
        assert seen == raw_answer(body)
        assert checked(seen).text == ("".join(texts) if "".join(texts).strip() else "")


class TestThinking:
    @pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "reasoning_text"])
    def test_reasoning_is_thinking_with_a_signature_of_ours(self, name: str) -> None:
        seen = answer(delta(**{name: "I "}), delta(**{name: "think"}), delta(content="so"), finish())
        assert seen.kinds == ["thinking", "text"]
        assert (seen.thinking, seen.text) == ("I think", "so")
        assert "openai-chat" in seen.blocks[0]["signature"]

    def test_the_delta_that_ends_the_thinking_is_not_lost(self) -> None:
        seen = answer(
            delta(reasoning_content="hm"), delta(reasoning_content="m", content="A"), delta(content="B"), finish()
        )
        assert (seen.thinking, seen.text) == ("hmm", "AB")

    @pytest.mark.parametrize("value", [{"content": "hm"}, {"text": "hm"}, ["h", {"text": "m"}]])
    def test_reasoning_may_stand_in_an_object(self, value: object) -> None:
        assert answer(delta(reasoning=value), delta(content="a"), finish()).thinking == "hm"

    def test_blanks_alone_make_no_thinking(self) -> None:
        seen = answer(delta(reasoning_content="\n"), delta(content="a"), delta(reasoning_content="\n"), finish())
        assert seen.kinds == ["text"]

    def test_blanks_before_a_thought_are_kept(self) -> None:
        assert answer(delta(reasoning="\n"), delta(reasoning="hm"), delta(content="a"), finish()).thinking == "\nhm"

    def test_reasoning_told_under_two_names_counts_once(self) -> None:
        detail = {"type": "reasoning.text", "text": "hm", "index": 0}
        seen = answer(
            delta(reasoning="hm", reasoning_content="hm", reasoning_details=[detail]), delta(content="a"), finish()
        )
        assert seen.thinking == "hm"

    def test_reasoning_in_details_alone_is_read(self) -> None:
        pieces = [
            {"type": "reasoning.text", "text": "h"},
            {"type": "reasoning.summary", "summary": "m"},
            {"type": "x"},
            3,
        ]
        assert answer(delta(reasoning_details=pieces), delta(content="a"), finish()).thinking == "hm"
        empty = delta(reasoning="", reasoning_details=pieces)
        assert answer(empty, delta(content="a"), finish()).thinking == "hm"

    def test_thinking_after_text_is_a_block_of_its_own(self) -> None:
        seen = answer(delta(content="a"), delta(reasoning="hm"), delta(content="b"), finish())
        assert seen.kinds == ["text", "thinking", "text"]

    def test_thinking_alone_ends_the_turn(self) -> None:
        seen = answer(delta(reasoning="hm"), finish())
        assert (seen.kinds, seen.stop_reason) == (["thinking"], "end_turn")

    @pytest.mark.parametrize("size", [1, 3, 100])
    def test_inline_thinking_at_the_start_is_thinking(self, size: int) -> None:
        text = "\n<think>\nI think</think>\n\nSo <think>it</think> is"
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        seen = answer(*(delta(content=piece) for piece in pieces), finish())
        assert (seen.thinking, seen.text) == ("I think", "So <think>it</think> is")

    def test_a_server_that_never_writes_inline_thinking_may_write_the_tag(self) -> None:
        seen = answer(delta(content="<think>a</think>"), finish(), quirks=Quirks(inline_thinking=False))
        assert seen.text == "<think>a</think>"

    def test_inline_thinking_that_never_ends_is_thinking(self) -> None:
        assert answer(delta(content="<think>on and on </thi"), finish("length")).thinking == "on and on </thi"

    def test_the_beginning_of_a_tag_before_a_call_is_text(self) -> None:
        seen = answer(delta(content="<th"), called(id="a", name="Bash", arguments="{}"), finish("tool_calls"))
        assert seen.kinds == ["text", "tool_use"]
        assert seen.text == "<th"


class TestEndings:
    @pytest.mark.parametrize(
        ("reason", "stop"),
        [
            ("stop", "end_turn"),
            ("length", "max_tokens"),
            ("model_length", "max_tokens"),
            ("content_filter", "refusal"),
            ("content_filter: PROHIBITED_CONTENT", "refusal"),
            ("MAX_TOKENS", "max_tokens"),
            ("model_context_window_exceeded", "model_context_window_exceeded"),
            ("tool_calls", "end_turn"),
            ("function_call", "end_turn"),
            ("eos", "end_turn"),
        ],
    )
    def test_a_finish_reason_becomes_a_stop_reason(self, reason: str, stop: str) -> None:
        assert answer(delta(content="a"), finish(reason)).stop_reason == stop

    def test_a_call_makes_a_tool_use_of_every_other_reason(self) -> None:
        assert answer(called(id="a", name="Bash", arguments="{}"), finish("stop")).stop_reason == "tool_use"

    def test_a_refusal_is_told_and_is_the_stop_reason(self) -> None:
        seen = answer(delta(refusal="I will "), delta(refusal="not."), finish())
        assert (seen.text, seen.stop_reason) == ("I will not.", "refusal")

    def test_a_window_that_the_prompt_alone_fills_is_told_so_that_the_client_compacts(self) -> None:
        seen = answer(delta(content=""), finish("model_context_window_exceeded"))
        assert seen.error is not None
        assert seen.error["type"] == "invalid_request_error"
        assert read_overflow(seen.error["message"]) is not None

    def test_arguments_cut_by_the_window_are_no_fault(self) -> None:
        body = stream_of(called(id="a", name="Bash", arguments='{"x": "lo'), finish("model_context_window_exceeded"))
        assert checked(raw_answer(body)).stop_reason == "model_context_window_exceeded"

    @pytest.mark.parametrize("reason", ["", "null", "None"])
    def test_a_reason_that_says_that_there_is_none_is_none(self, reason: str) -> None:
        going_on = delta(content="a")
        going_on["choices"][0]["finish_reason"] = reason
        assert answer(going_on, finish("length")).stop_reason == "max_tokens"
        assert answer(going_on, done=False).error is not None

    def test_the_first_reason_counts_and_is_told_once(self) -> None:
        seen = answer(delta(content="a"), finish("length"), finish("stop"), finish("stop"))
        assert seen.stop_reason == "max_tokens"
        assert seen.names.count("message_delta") == 1

    def test_a_reason_with_every_chunk_hides_no_other(self) -> None:
        chunks = [delta(reasoning="hm"), delta(content="a"), delta(content="b"), delta(content="c")]
        for chunk, reason in zip(chunks, ("stop", "stop", "stop", "length"), strict=True):
            chunk["choices"][0]["finish_reason"] = reason
        seen = answer(*chunks)
        assert (seen.thinking, seen.text, seen.stop_reason) == ("hm", "abc", "max_tokens")

    def test_a_reason_before_the_last_piece_holds_where_no_other_comes(self) -> None:
        assert answer(finish("length"), delta(content="late"), done=False).stop_reason == "max_tokens"

    def test_what_comes_after_the_reason_still_counts(self) -> None:
        seen = answer(finish(), delta(content="late"), counted(7, 3))
        assert (seen.text, seen.usage["input_tokens"]) == ("late", 7)

    def test_what_comes_after_done_is_ignored(self) -> None:
        seen = answer(delta(content="a"), finish(), "data: [DONE]", delta(content="b"), "data: [DONE]")
        assert seen.text == "a"

    def test_a_stream_may_end_without_done(self) -> None:
        assert answer(delta(content="a"), finish(), counted(), done=False).usage["output_tokens"] == 5

    @EVERY_CHUNKING
    def test_a_last_event_may_lack_its_blank_line(self, chunked: Chunking) -> None:
        body = stream_of(delta(content="a"), finish(), done=False).rstrip(b"\n")
        assert checked(raw_answer(body, chunked=chunked)).stop_reason == "end_turn"

    def test_done_without_a_reason_ends_an_answer(self) -> None:
        assert answer(delta(content="a")).stop_reason == "end_turn"
        assert answer(called(id="a", name="Bash", arguments="{}")).stop_reason == "tool_use"

    def test_done_without_any_answer_is_an_error(self) -> None:
        assert answer(delta(role="assistant")).error is not None

    def test_a_stream_that_breaks_off_is_an_error(self) -> None:
        seen = answer(delta(content="a"), done=False)
        assert seen.error == {"type": "api_error", "message": "the stream ended early, without its last event"}

    def test_a_stream_of_nothing_says_nothing(self) -> None:
        assert raw_answer(b": hello\n\n") == b""
        assert raw_answer(b"data: [DONE]\n\n") == b""

    @pytest.mark.parametrize(
        ("reason", "kind"),
        [
            ("error", "api_error"),
            ("insufficient_system_resource", "overloaded_error"),
            ("function_call_filter: MALFORMED_FUNCTION_CALL", "api_error"),
        ],
    )
    def test_a_reason_that_is_an_error_is_one(self, reason: str, kind: str) -> None:
        seen = answer(delta(content="a"), finish(reason))
        assert seen.error is not None
        assert seen.error["type"] == kind

    @pytest.mark.parametrize(
        ("broken", "kind"),
        [
            ({"error": {"message": "busy", "code": "server_error"}}, "api_error"),
            ({"error": {"message": "busy", "code": 429}}, "rate_limit_error"),
            (
                {"error": {"message": "busy", "code": 502, "metadata": {"error_type": "provider_overloaded"}}},
                "overloaded_error",
            ),
            ({"error": "busy"}, "api_error"),
            ({"object": "error", "message": "busy", "code": 400}, "invalid_request_error"),
            (
                {"choices": [{"index": 0, "finish_reason": "error", "error": {"message": "busy", "code": 503}}]},
                "overloaded_error",
            ),
        ],
    )
    def test_an_error_in_the_midst_ends_the_stream(self, broken: Payload, kind: str) -> None:
        seen = answer(delta(content="a"), broken, delta(content="b"), finish())
        assert seen.error == {"type": kind, "message": "busy"}
        assert answer(broken).names[-1] == "error"

    @pytest.mark.parametrize(
        ("broken", "words"),
        [
            ("event: error\ndata: upstream timed out", "upstream timed out"),
            ('event: error\ndata: "upstream timed out"', "upstream timed out"),
            ({"code": "DataInspectionFailed", "message": "inappropriate", "request_id": "r"}, "inappropriate"),
            ({"detail": "model overloaded"}, "model overloaded"),
            ({"message": "Endpoint request timed out"}, "Endpoint request timed out"),
            ({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, "insufficient balance"),
            ({"choices": None, "base_resp": {"status_code": 1008, "status_msg": "no balance"}}, "no balance"),
        ],
    )
    def test_an_error_by_another_name_is_no_end(self, broken: Payload | str, words: str) -> None:
        for seen in (answer(delta(content="a"), broken), answer(broken)):
            assert seen.error is not None
            assert words in seen.error["message"]

    def test_a_message_that_is_no_error_changes_nothing(self) -> None:
        fine = {"base_resp": {"status_code": 0, "status_msg": ""}, "usage": counted(7, 3)["usage"], "choices": None}
        assert answer(delta(content="a"), finish(), fine).usage["input_tokens"] == 7

    def test_words_in_the_midst_make_an_end_without_a_reason_none(self) -> None:
        seen = answer(delta(content="a"), "data: upstream connect error")
        assert seen.error is not None
        assert "upstream connect error" in seen.error["message"]
        assert answer(delta(content="a"), "data: upstream connect error", finish()).stop_reason == "end_turn"

    def test_an_event_named_error_is_one(self) -> None:
        seen = answer(delta(content="a"), 'event: error\ndata: {"message": "gone", "type": "server_error"}', finish())
        assert seen.error == {"type": "api_error", "message": "gone"}
