"""Valid streams of every dialect, and what broken providers and networks make of them.

``spoiled`` repeats, drops, swaps, cuts and rewrites events of a stream that a scripted provider sends; ``cut_short``
ends one before the event that says that it is done.
"""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.proxy.dialects.aws_frames import chunk
from tests.upstreams import Call, Reply
from tests.upstreams.dialects import Name, Said, answer

Events = list[bytes]
"""Server-sent events, one payload each; Bedrock's are put into frames at the end."""

SAID = st.builds(
    Said,
    st.sampled_from(["", "Grüße, 世界!", "<think>hm</think>So it is.", "one two three four five six"]),
    st.lists(
        st.tuples(
            st.sampled_from(["Read", "Bash", "mcp__files__read.all"]),
            st.sampled_from([{}, {"file_path": "a b.py"}, {"x": {"y": [1, 2, "}"]}, "z": '"\n'}]),
        ),
        max_size=3,
    ),
    st.sampled_from(["", "Let me see."]),
)
JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**70, 1.5, "", " ", "x", "²", "9" * 5000, "null", "{}", "[1]", '{"a":', "\n\n"),
    *("error", "stop", "length", "content_filter", "tool_calls", "message_stop", [], [1], [[]], [None], {}, {"a": 1}),
    *([{"type": "text", "text": "x"}], {"error": {}}, {"message": "m", "code": "²"}),
)
FIELDS = (
    *("error", "usage", "type", "index", "id", "finish_reason", "finishReason", "delta", "message", "status", "name"),
    *("reasoning_details", "function_call", "refusal", "annotations", "extra_content", "thoughtSignature", "output"),
)
LINES = (
    *(b": hello\n\n", b"data: [DONE]\n\n", b"data: {}\n\n", b"data: []\n\n", b"data: null\n\n", b"\r\n", b"\xff\xfe"),
    *(b"event: error\ndata: {}\n\n", b'data: {"error":"gone"}\n\n', b'data: [[1],{"usage":{}}]\n\n', b"data:\n\n"),
)
_PATHS = {"gemini": "/m:streamGenerateContent", "vertex": "/m:streamRawPredict"}
_LAST_WORDS: dict[Name, bytes] = {
    "openai-chat": b'"finish_reason":"',
    "openai-responses": b'"response.completed"',
    "gemini": b'"finishReason"',
    "bedrock": b'"message_stop"',
}


def events_of(dialect: Name, said: Said) -> Events:
    """What a scripted provider streams."""
    speaks: Name = "vertex" if dialect == "bedrock" else dialect
    call = Call(0, 0, "POST", _PATHS.get(speaks, "/"), (), b'{"stream":true}')
    reply = answer(speaks, call, said)
    assert isinstance(reply, Reply)
    return [step for step in reply.body if isinstance(step, bytes)]


@st.composite
def spoiled(draw: st.DrawFn, dialect: Name) -> bytes:
    """A stream of which up to six things went wrong."""
    events = events_of(dialect, draw(SAID))
    chance: Random = draw(st.randoms(use_true_random=False))
    for _ in range(draw(st.integers(0, 6))):
        if events:
            chance.choice(_FAULTS)(events, chance)
    body = _wire(dialect, events)
    if draw(st.booleans()):
        body = body[: draw(st.integers(0, len(body)))]
    return body.replace(b"\n", b"\r\n") if dialect != "bedrock" and draw(st.booleans()) else body


@st.composite
def cut_short(draw: st.DrawFn, dialect: Name) -> bytes:
    """A stream that ends before it says that it is done."""
    events = events_of(dialect, draw(SAID))
    last = next(number for number, event in enumerate(events) if _LAST_WORDS[dialect] in event)
    most = len(_wire(dialect, [*events[:last], events[last].rstrip()])) - 1
    return _wire(dialect, events)[: draw(st.integers(0, most))]


def _wire(dialect: Name, events: Events) -> bytes:
    if dialect != "bedrock":
        return b"".join(events)
    return b"".join(chunk(event.partition(b"data: ")[2].strip()) if b"data: " in event else event for event in events)


def _repeat(events: Events, chance: Random) -> None:
    events.insert(chance.randrange(len(events) + 1), chance.choice(events))


def _drop(events: Events, chance: Random) -> None:
    del events[chance.randrange(len(events))]


def _swap(events: Events, chance: Random) -> None:
    one, other = chance.randrange(len(events)), chance.randrange(len(events))
    events[one], events[other] = events[other], events[one]


def _shuffle(events: Events, chance: Random) -> None:
    chance.shuffle(events)


def _insert(events: Events, chance: Random) -> None:
    events.insert(chance.randrange(len(events) + 1), chance.choice(LINES))


def _cut(events: Events, chance: Random) -> None:
    number = chance.randrange(len(events))
    events[number] = events[number][: chance.randrange(len(events[number]) + 1)]


def _flip(events: Events, chance: Random) -> None:
    number = chance.randrange(len(events))
    if event := bytearray(events[number]):
        event[chance.randrange(len(event))] = chance.randrange(256)
        events[number] = bytes(event)


def _rewrite(events: Events, chance: Random) -> None:
    """Another value, one field less or one more, somewhere in a payload."""
    number = chance.randrange(len(events))
    head, mark, data = events[number].partition(b"data: ")
    try:
        payload = json.loads(data)
    except ValueError:
        return
    places = list(_places(payload))
    if not places:
        return
    holder, key = chance.choice(places)
    junk = json.loads(json.dumps(chance.choice(JUNK)))
    match chance.randrange(3):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[chance.choice(FIELDS)] = junk
        case _:
            holder[key] = junk
    events[number] = head + mark + json.dumps(payload).encode() + b"\n\n"


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Holder and key of every value in ``value``."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


_FAULTS: tuple[Callable[[Events, Random], None], ...] = (
    *(_repeat, _drop, _swap, _shuffle, _insert, _cut, _flip),
    *(_rewrite, _rewrite, _rewrite, _rewrite),
)
