"""Whatever an upstream sends in place of OpenAI's Responses API, the client gets what it can read."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.proxy.dialects.chunking import read
from tests.proxy.dialects.grammar import events_of, sdk_message
from tests.proxy.dialects.responses_events import CREATED, Event, reader, wire

HOSTILE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["Bash", "{}", "fc_a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["type", "id", "item_id", "output_index", "content_index", "item", "delta", "name", "call_id", "arguments",
         "content", "summary", "text", "status", "response", "output", "usage", "action", "annotations", "error"]
    ), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip
KINDS = [
    "response.created", "response.queued", "response.output_item.added", "response.output_item.done",
    "response.output_text.delta", "response.output_text.done", "response.refusal.delta",
    "response.reasoning_summary_text.delta", "response.reasoning_text.delta", "response.reasoning_text.done",
    "response.function_call_arguments.delta", "response.function_call_arguments.done",
    "response.output_text.annotation.added", "response.incomplete", "response.completed", "keepalive",
]  # fmt: skip
ITEMS = st.fixed_dictionaries(
    {"type": st.sampled_from(["message", "reasoning", "function_call", "web_search_call"])},
    optional=dict.fromkeys(("id", "name", "call_id", "arguments", "content", "summary", "action"), HOSTILE),
)
STRANGE_EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)},
    optional={
        "item": ITEMS | HOSTILE,
        "delta": HOSTILE,
        "item_id": HOSTILE,
        "output_index": HOSTILE,
        "arguments": HOSTILE,
        "text": HOSTILE,
        "response": HOSTILE | st.fixed_dictionaries({"output": st.lists(ITEMS, max_size=3), "usage": HOSTILE}),
        "annotation": HOSTILE,
        "name": HOSTILE,
    },
)


@given(st.lists(STRANGE_EVENTS, max_size=12))
def test_nothing_that_an_upstream_sends_breaks_the_grammar(events: list[Event]) -> None:
    end = {"type": "error", "message": "enough"}
    stream = read(reader(), [wire(CREATED, *events, end, numbered=False)])
    last, _ = events_of(stream)[-1]
    assert last in ("error", "message_stop")
    if last == "message_stop":
        sdk_message(stream)


@given(HOSTILE | st.dictionaries(st.sampled_from(["output", "status", "response"]), HOSTILE | st.lists(ITEMS)))
def test_no_whole_answer_makes_the_reader_fail(payload: Any) -> None:
    read(reader(), [json.dumps(payload).encode()])


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail(body: bytes) -> None:
    read(reader(), [b"data: " + body])
