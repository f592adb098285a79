"""Whatever a dialect writes and in whatever order: out come Anthropic's events in their grammar."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.answer import AnswerWriter
from proxy.dialects.signatures import opened
from tests.proxy.dialects.conversations import TEXTS
from tests.proxy.dialects.grammar import Answer, checked, events_of, sdk_message

Step = Callable[[AnswerWriter], object]


def writer() -> AnswerWriter:
    return AnswerWriter("openai-chat", "served", "msg_1", 30)


def written(*steps: Step) -> Answer:
    answer = writer()
    for step in steps:
        step(answer)
    return checked(answer.take())


def end(answer: AnswerWriter) -> None:
    answer.finish("end_turn")


def test_an_answer_begins_with_the_estimate_and_the_model_that_was_asked() -> None:
    message = written(lambda answer: answer.start(), end).message
    assert (message["model"], message["usage"]["input_tokens"]) == ("served", 30)


def test_the_model_that_answers_beats_the_one_that_was_asked() -> None:
    assert written(lambda answer: answer.start("real"), end).message["model"] == "real"


def test_a_model_that_is_told_after_the_start_is_known() -> None:
    answer = writer()
    answer.start()
    assert answer.model is None
    answer.start("real")
    answer.start("other")
    assert answer.model == "real"


def test_a_second_start_is_no_second_message() -> None:
    seen = written(lambda answer: answer.start(), lambda answer: answer.start("other"), end)
    assert seen.names.count("message_start") == 1


def test_a_block_ends_before_another_begins() -> None:
    seen = written(
        lambda answer: answer.thinking("hm"),
        lambda answer: answer.text("a"),
        lambda answer: answer.tool("toolu_1", "Bash"),
        lambda answer: answer.arguments('{"x":1}'),
        lambda answer: answer.tool("toolu_2", "Bash"),
        end,
    )
    assert seen.kinds == ["thinking", "text", "tool_use", "tool_use"]
    assert [call["input"] for call in seen.calls] == [{"x": 1}, {}]


def test_texts_of_one_kind_are_one_block() -> None:
    seen = written(lambda answer: answer.text("a"), lambda answer: answer.text("b"), end)
    assert (seen.kinds, seen.text) == (["text"], "ab")


@pytest.mark.parametrize("nothing", ["", " ", "\n\n"])
def test_nothing_makes_no_block(nothing: str) -> None:
    assert written(lambda answer: answer.text(nothing), lambda answer: answer.thinking(""), end).blocks == []


def test_blanks_wait_for_the_text_that_follows_them() -> None:
    seen = written(
        lambda answer: answer.text("\n"), lambda answer: answer.text(" a"), lambda answer: answer.text(" "), end
    )
    assert seen.text == "\n a "


def test_blanks_before_another_kind_of_block_are_dropped() -> None:
    seen = written(
        lambda answer: answer.text("\n"), lambda answer: answer.thinking("hm"), lambda answer: answer.text("a"), end
    )
    assert seen.text == "a"


def test_thinking_is_signed_by_the_dialect_at_its_end() -> None:
    signature = written(lambda answer: answer.thinking("hm"), end).blocks[0]["signature"]
    assert opened("openai-chat", signature)
    assert opened("gemini", signature) is None


def test_what_must_return_takes_the_signatures_place() -> None:
    seen = written(lambda answer: answer.thinking("hm"), lambda answer: answer.sign('{"a": "b%\\\\"}'), end)
    assert opened("openai-chat", seen.blocks[0]["signature"]) == '{"a": "b%\\\\"}'


def test_what_must_return_without_thinking_makes_an_empty_one() -> None:
    seen = written(
        lambda answer: answer.text("a"), lambda answer: answer.sign("x"), lambda answer: answer.text("b"), end
    )
    assert seen.kinds == ["text", "thinking", "text"]
    assert seen.thinking == ""


@pytest.mark.parametrize(
    ("step", "kinds"),
    [
        (lambda answer: answer.text("a"), ["text"]),
        (lambda answer: answer.tool("toolu_1", "Bash"), ["tool_use", "thinking"]),
        (lambda answer: None, ["thinking"]),
    ],
    ids=["a text", "a call", "nothing"],
)
def test_what_must_return_stands_at_the_end_behind_no_text(step: Step, kinds: list[str]) -> None:
    assert written(step, lambda answer: answer.sign("x"), end).kinds == kinds


def test_of_several_that_must_return_each_is_a_block_before_the_next() -> None:
    seen = written(
        lambda answer: answer.text("a"),
        lambda answer: answer.sign("x"),
        lambda answer: answer.sign("y"),
        lambda answer: answer.tool("toolu_1", "Bash"),
        end,
    )
    assert seen.kinds == ["text", "thinking", "thinking", "tool_use"]
    assert [opened("openai-chat", block["signature"]) for block in seen.blocks[1:3]] == ["x", "y"]


@pytest.mark.parametrize("kind", ["text", "thinking"])
def test_blanks_alone_begin_no_block(kind: str) -> None:
    blanks: list[Step] = [lambda answer: getattr(answer, kind)(" "), lambda answer: getattr(answer, kind)("\n")]
    assert written(*blanks, end).blocks == []
    seen = written(*blanks, lambda answer: getattr(answer, kind)("a"), end)
    assert seen.blocks[0][kind] == " \na"


def test_a_count_of_the_prompt_alone_leaves_the_output_estimated() -> None:
    answer = writer()
    answer.text("x" * 40)
    answer.count({"input_tokens": 5})
    answer.finish("end_turn")
    seen = checked(answer.take())
    assert (seen.usage["input_tokens"], seen.usage["output_tokens"]) == (5, 10)
    assert not answer.usage_told
    answer.count({"output_tokens": 7})
    assert answer.usage_told


@pytest.mark.parametrize("closing", [lambda answer: answer.close(), lambda answer: answer.sign("x")])
def test_arguments_of_a_call_that_was_closed_are_not_lost_in_silence(closing: Step) -> None:
    seen = written(
        lambda answer: answer.tool("toolu_1", "Bash"), closing, lambda answer: answer.arguments('{"x":1}'), end
    )
    assert seen.error == {"type": "api_error", "message": "arguments of a call came where none is open"}


def test_a_whole_block_stands_alone() -> None:
    block = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    seen = written(
        lambda answer: answer.text("a"), lambda answer: answer.block(block), lambda answer: answer.text("b"), end
    )
    assert seen.blocks[1] == block


def test_a_tool_of_the_providers_has_its_input_in_a_delta() -> None:
    seen = written(lambda answer: answer.server_tool("srvtoolu_1", "web_search", {"query": "cats"}), end)
    assert seen.blocks[0]["input"] == {"query": "cats"}


def test_the_last_count_replaces_the_earlier_and_nothing_replaces_none() -> None:
    seen = written(
        lambda answer: answer.count({"input_tokens": 5, "output_tokens": 1, "cost": 0.5}),
        lambda answer: answer.count({"output_tokens": 7, "input_tokens": None}),
        end,
    )
    assert (seen.usage["input_tokens"], seen.usage["output_tokens"], seen.usage["cost"]) == (5, 7, 0.5)


def test_without_a_count_the_output_is_estimated() -> None:
    answer = writer()
    answer.text("x" * 40)
    answer.finish("end_turn")
    assert checked(answer.take()).usage["output_tokens"] == 10
    assert not answer.usage_told


def test_the_estimate_counts_bytes() -> None:
    assert written(lambda answer: answer.text("世界" * 20), end).usage["output_tokens"] == 30


def test_after_the_end_nothing_is_written() -> None:
    answer = writer()
    answer.finish("end_turn")
    answer.take()
    for step in (answer.start, answer.ping, answer.close, lambda: answer.text("a"), lambda: answer.sign("x")):
        step()
    answer.tool("toolu_1", "Bash")
    answer.finish("tool_use")
    answer.fail("api_error", "late")
    assert answer.take() == b""


def test_a_failure_leaves_the_open_block_open_and_pretends_nothing() -> None:
    seen = written(lambda answer: answer.text("a"), lambda answer: answer.fail("api_error", "gone"))
    assert seen.error == {"type": "api_error", "message": "gone"}
    assert "content_block_stop" not in seen.names
    assert "message_stop" not in seen.names


def test_a_ping_comes_within_an_answer_only() -> None:
    answer = writer()
    answer.ping()
    assert answer.take() == b""
    answer.start()
    answer.ping()
    assert [name for name, _ in events_of(answer.take())] == ["message_start", "ping"]


def test_a_stop_sequence_is_named() -> None:
    seen = written(lambda answer: answer.finish("stop_sequence", "END"))
    assert (seen.stop_reason, seen.stop_sequence) == ("stop_sequence", "END")


STEPS = st.one_of(
    TEXTS.map(lambda text: ("text", text)),
    TEXTS.map(lambda text: ("thinking", text)),
    TEXTS.map(lambda text: ("sign", text)),
    st.integers().map(lambda number: ("call", number)),
    st.sampled_from([("close", None), ("ping", None), ("start", None)]),
)


def call(answer: AnswerWriter, number: int) -> None:
    answer.tool(f"toolu_{answer.blocks}", "Bash")
    answer.arguments(f'{{"x":{number}}}')


@given(st.lists(STEPS, max_size=12))
def test_no_order_of_steps_breaks_the_grammar(steps: list[tuple[str, Any]]) -> None:
    answer = writer()
    for name, value in steps:
        if name == "call":
            call(answer, value)
        elif value is None:
            getattr(answer, name)()
        else:
            getattr(answer, name)(value)
    answer.finish("end_turn")
    stream = answer.take()
    assert sdk_message(stream).stop_reason == checked(stream).stop_reason
