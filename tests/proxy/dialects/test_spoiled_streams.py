"""Streams that broke on the way: whatever arrives, the client gets Anthropic's grammar or an error."""

import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.bedrock import Bedrock
from proxy.dialects.dialect import Dialect, Occasion
from proxy.dialects.gemini import Gemini
from proxy.dialects.openai_chat import OpenAIChat
from proxy.dialects.openai_responses import OpenAIResponses
from proxy.dialects.quirks import PLAIN, Quirks
from proxy.dialects.reading import AnswerReader
from tests.proxy.dialects.chunking import cuts, read
from tests.proxy.dialects.grammar import checked, events_of
from tests.proxy.dialects.spoiled import cut_short, spoiled
from tests.upstreams.dialects import Name

DIALECTS: Mapping[Name, Dialect] = {
    "openai-chat": OpenAIChat(),
    "openai-responses": OpenAIResponses(),
    "gemini": Gemini(),
    "bedrock": Bedrock(),
}
ASKED = {
    "messages": [{"role": "user", "content": "go"}],
    "tools": [{"name": "mcp__files__read.all", "input_schema": {}}],
    "stream": True,
}
QUIRKS = st.sampled_from([PLAIN, Quirks(inline_thinking=False), Quirks(reasoning_back="reasoning_details")])
each = pytest.mark.parametrize("name", DIALECTS)


def reader_of(name: Name, quirks: Quirks = PLAIN) -> AnswerReader:
    dialect, told = DIALECTS[name], Occasion("asked-model", "msg_1", 42, quirks)
    reader = dialect.reader(dialect.request(ASKED, told), told)
    assert reader is not None
    return reader


def check(name: Name, stream: bytes) -> None:
    """Bedrock's events are Anthropic's own and go on byte for byte: only their end is the reader's."""
    if name != "bedrock":
        checked(stream)
        return
    names = re.findall(rb"^event: (.*)$", stream, re.MULTILINE)
    assert names[-1] in (b"message_stop", b"error")
    assert not {b"message_stop", b"error"} & set(names[:-1])


@each
@given(data=st.data())
def test_a_spoiled_stream_is_a_whole_answer_or_an_error(name: Name, data: st.DataObject) -> None:
    quirks, body = data.draw(QUIRKS), data.draw(spoiled(name))

    told = read(reader_of(name, quirks), data.draw(cuts(body)))

    assert told == read(reader_of(name, quirks), [body])
    if told not in (b"", body):
        check(name, told)


@each
@given(data=st.data())
def test_a_stream_that_is_cut_short_never_ends_well(name: Name, data: st.DataObject) -> None:
    body = data.draw(cut_short(name))

    told = read(reader_of(name), data.draw(cuts(body)))

    assert b"message_stop" not in told
    if told not in (b"", body):
        last, payload = events_of(told)[-1]
        assert last == "error"
        assert payload["error"]["message"]
