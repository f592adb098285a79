"""What sub-agents are sent to do, as answers and first messages tell it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.errands import NAME_MAX, digest, errands, first_words
from proxy.protocol.messages import Body
from tests.upstreams import message_body, message_stream, tool_call

ORDER = {"subagent_type": "Explore", "description": "find the handlers", "prompt": "Find every handler."}


def body_of(content: object) -> Body:
    return Body(json.dumps({"model": "m", "messages": [{"role": "user", "content": content}, {"role": "x"}]}).encode())


def test_a_streamed_call_tells_kind_and_errand() -> None:
    found = errands([message_stream("Off they go.", tools=[tool_call("Agent", ORDER)])], streamed=True)
    assert [(each.name, each.digest) for each in found] == [('Explore "find the handlers"', digest(ORDER["prompt"]))]


def test_several_calls_in_one_answer_are_told_apart() -> None:
    other = {"prompt": "Plan it.", "subagent_type": "Plan"}
    calls = [tool_call("Agent", ORDER), tool_call("Read", {"prompt": "no"}), tool_call("Task", other)]
    found = errands([message_stream("", tools=calls)], streamed=True)
    assert [each.name for each in found] == ['Explore "find the handlers"', "Plan"]


def test_a_whole_answer_tells_the_same() -> None:
    found = errands([message_body(tools=[tool_call("Agent", ORDER)])], streamed=False)
    assert [each.digest for each in found] == [digest(ORDER["prompt"])]


def test_an_answer_without_such_a_call_tells_nothing() -> None:
    answer = message_stream('"Agent" is a word.', tools=[tool_call("Read", {"file_path": "a"})])
    assert errands([answer], streamed=True) == []


def test_a_name_is_one_short_line() -> None:
    order = ORDER | {"description": "a\n\x1b[31m" + "b" * 500}
    (found,) = errands([message_stream("", tools=[tool_call("Agent", order)])], streamed=True)
    assert (len(found.name), found.name.isprintable()) == (NAME_MAX, True)


def test_the_prompt_is_one_of_the_texts_of_the_first_message() -> None:
    reminder = {"type": "text", "text": "<system-reminder>…</system-reminder>"}
    words = first_words(body_of([reminder, {"type": "text", "text": ORDER["prompt"] + "\n"}]))
    assert digest(ORDER["prompt"]) in words


def test_a_first_message_of_plain_text_is_read_too() -> None:
    assert first_words(body_of(ORDER["prompt"])) == [digest(ORDER["prompt"])]


texts = st.dictionaries(st.sampled_from(["type", "text"]), st.one_of(st.text(), st.none()))


@given(st.one_of(st.none(), st.integers(), st.lists(st.one_of(st.none(), st.text(), texts))))
def test_whatever_stands_in_a_first_message_is_survived(content: object) -> None:
    assert all(len(word) == 12 for word in first_words(body_of(content)))


@given(st.binary(max_size=400))
def test_whatever_an_answer_holds_is_survived(noise: bytes) -> None:
    assert errands([noise, b'"Agent"', noise], streamed=True) == []
