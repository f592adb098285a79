"""What providers of other dialects cost: the answer that they stream, and the engine's translations by themselves.

The answer is that of ``traffic`` in size: 98 pieces of text, each an event and a chunk of its own.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from proxy.dialects.bedrock import Bedrock
from proxy.dialects.dialect import Dialect, Occasion
from proxy.dialects.gemini import Gemini
from proxy.dialects.openai_chat import OpenAIChat
from proxy.dialects.openai_responses import OpenAIResponses
from proxy.dialects.vertex import Vertex
from proxy.memory import GARBAGE_OBJECTS
from proxy.protocol.foreign_json import read_json
from tests.bench.traffic import DELTAS, LAST_CHUNK, SERVED_MODEL, chunk
from tests.upstreams import Call, Reply
from tests.upstreams.dialects import Name, Said, answer

CONVERSATION_BYTES = 1_000_000
ROUNDS = 20
MARKS: Mapping[bytes, Name] = {
    b"/chat/completions": "openai-chat",
    b"/responses": "openai-responses",
    b":streamGenerateContent": "gemini",
    b"/invoke-with-response-stream": "bedrock",
    b":streamRawPredict": "vertex",
}
"""What the first line of a request holds that is sent to a provider of the dialect."""
DIALECTS: Mapping[Name, Dialect] = {
    "openai-chat": OpenAIChat(),
    "openai-responses": OpenAIResponses(),
    "gemini": Gemini(),
    "bedrock": Bedrock(),
    "vertex": Vertex(),
}
_OCCASION = Occasion(SERVED_MODEL, "msg_bench")


def events(dialect: Name) -> list[bytes]:
    """The events of an answer, as the provider sends them."""
    path = next(mark.decode() for mark, name in MARKS.items() if name == dialect)
    call = Call(0, 0, "POST", f"/model{path}", (), b'{"stream":true}')
    reply = answer(dialect, call, Said(" words " * DELTAS), SERVED_MODEL)
    assert isinstance(reply, Reply)
    return [step for step in reply.body if isinstance(step, bytes)]


def whole_response(dialect: Name) -> bytes:
    """Head and events, each a chunk of its own."""
    label = b"application/vnd.amazon.eventstream" if dialect == "bedrock" else b"text/event-stream; charset=utf-8"
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ntransfer-encoding: chunked\r\n\r\n" % label
    return head + b"".join(map(chunk, events(dialect))) + LAST_CHUNK


def figures(tell: Callable[[str], None]) -> dict[str, float]:
    """Of each dialect: a conversation translated, milliseconds; an event of an answer translated, microseconds. Both
    are processor time, so that other programs on the machine do not count."""
    body = conversation(CONVERSATION_BYTES)
    seen: dict[str, float] = {}
    for name, dialect in DIALECTS.items():
        tell(f"dialects: {name}")
        with _memory_as_in_the_engine():
            seen[f"{name}: 1 MB ms"] = _request_ms(dialect, body)
            if (cost := _event_us(name, dialect)) is not None:
                seen[f"{name}: event us"] = cost
    return seen


@contextmanager
def _memory_as_in_the_engine() -> Iterator[None]:
    """What this program holds beside is nothing that a garbage collection of the engine's would walk."""
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


def conversation(size_bytes: int) -> bytes:
    """A request of about ``size_bytes`` as a long session makes it: tools, calls of them, results, thinking."""
    schema = {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "An absolute path. " * 8},
            "edits": {"type": "array", "items": {"type": "object", "properties": {"old": {"type": "string"}}}},
        },
        "required": ["path"],
        "additionalProperties": False,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
    }
    tools = [
        {"name": f"Tool{number}", "description": "Edits a file. " * 60, "input_schema": schema} for number in range(30)
    ]
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Mend the order page."}]
    size = len(msgspec.json.encode(tools))
    while size < size_bytes:
        messages += _round(len(messages))
        size += len(msgspec.json.encode(messages[-2:]))
    asked = {"model": "claude-opus-4-8", "max_tokens": 32_000, "stream": True, "system": "You write code. " * 500}
    return msgspec.json.encode({**asked, "tools": tools, "messages": messages})


def _round(number: int) -> list[dict[str, Any]]:
    """A call of the model's and the result: 40 lines of code."""
    name, call_id = f"Tool{number % 30}", f"toolu_{number:020d}"
    thought = {"type": "thinking", "thinking": "I look at the file first. " * 8, "signature": "c2lnbmVk" * 40}
    call = {"type": "tool_use", "id": call_id, "name": name, "input": {"path": f"/shop/order_{number}.py"}}
    code = 'def submit(order: Order) -> str:\n\treturn "done"  # größer\n' * 40
    result = {"type": "tool_result", "tool_use_id": call_id, "content": [{"type": "text", "text": code}]}
    said = {"type": "text", "text": "Reading the next one."}
    return [{"role": "assistant", "content": [thought, said, call]}, {"role": "user", "content": [result]}]


def _request_ms(dialect: Dialect, body: bytes) -> float:
    took: list[float] = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        dialect.request(read_json(body), _OCCASION)
        took.append((time.thread_time() - began) * 1000)
    return statistics.median(took)


def _event_us(name: Name, dialect: Dialect) -> float | None:
    """None where answers are Anthropic's as they are."""
    pieces = events(name)
    outgoing = dialect.request(read_json(conversation(0)), _OCCASION)
    took: list[float] = []
    for _ in range(ROUNDS):
        reader = dialect.reader(outgoing, _OCCASION)
        if reader is None:
            return None
        began = time.thread_time()
        for piece in pieces:
            reader.feed(piece)
        reader.end()
        took.append((time.thread_time() - began) * 1e6 / len(pieces))
    return statistics.median(took)
