"""Streams of OpenAI's chat format, built as servers send them, and what the reader makes of them.

Every stream is read whole, line by line and byte by byte; what comes out keeps Anthropic's grammar and means the same
to Anthropic's own SDK.
"""

import json
from typing import Any

from proxy.dialects.dialect import Occasion
from proxy.dialects.openai_chat import OpenAIChat
from proxy.dialects.quirks import PLAIN, Quirks
from tests.proxy.dialects.chunking import CHUNKINGS, Chunking, read, whole
from tests.proxy.dialects.grammar import Answer, checked, sdk_message

Payload = dict[str, Any]

CHAT = OpenAIChat()
TOOL = {"name": "mcp__files__read.all", "input_schema": {"type": "object", "properties": {}}}
ASKED: Payload = {"messages": [{"role": "user", "content": "hi"}], "tools": [TOOL]}


def delta(**fields: Any) -> Payload:
    return {"id": "chatcmpl-1", "model": "served-9", "choices": [{"index": 0, "delta": fields, "finish_reason": None}]}


def finish(reason: str | None = "stop", **fields: Any) -> Payload:
    return {
        "id": "chatcmpl-1",
        "model": "served-9",
        "choices": [{"index": 0, "delta": {}, "finish_reason": reason}],
        **fields,
    }


def counted(prompt: int = 10, completion: int = 5, **fields: Any) -> Payload:
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, **fields}
    return {"id": "chatcmpl-1", "model": "served-9", "choices": [], "usage": usage}


def called(index: int | None = 0, **fields: Any) -> Payload:
    """A delta of one call; ``name`` and ``arguments`` are its function's."""
    function = {name: fields.pop(name) for name in ("name", "arguments") if name in fields}
    place = {} if index is None else {"index": index}
    return delta(tool_calls=[{**place, **fields, "function": function}])


def stream_of(*payloads: Payload | str, done: bool = True) -> bytes:
    """Payloads as events; a text stands as it is."""
    events = [each if isinstance(each, str) else f"data: {json.dumps(each, ensure_ascii=False)}" for each in payloads]
    return "".join(f"{each}\n\n" for each in [*events, *(["data: [DONE]"] if done else [])]).encode()


def raw_answer(body: bytes, quirks: Quirks = PLAIN, chunked: Chunking = whole, **occasion: Any) -> bytes:
    told = Occasion("asked-model", "msg_1", 42, quirks, **occasion)
    return read(CHAT.reader(CHAT.request(ASKED, told), told), chunked(body))


def answer(*payloads: Payload | str, quirks: Quirks = PLAIN, done: bool = True) -> Answer:
    """The answer in a stream, the same for every chunking and for the SDK."""
    body = stream_of(*payloads, done=done)
    first, *others = (raw_answer(body, quirks, chunked) for chunked in CHUNKINGS)
    assert all(other == first for other in others)
    seen = checked(first)
    if seen.error is None:
        message = sdk_message(first)
        assert message.stop_reason == seen.stop_reason
        assert [block.type for block in message.content] == seen.kinds
        assert [block.input for block in message.content if block.type == "tool_use"] == [
            call["input"] for call in seen.calls
        ]
    return seen
