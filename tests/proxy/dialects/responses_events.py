"""Events of OpenAI's Responses API as tests put them together, and what the client then gets."""

import json
from typing import Any

from proxy.dialects.dialect import Occasion
from proxy.dialects.openai_responses import OpenAIResponses
from proxy.dialects.openai_responses_reading import ResponsesReader
from tests.proxy.dialects.chunking import Chunking, read, whole
from tests.proxy.dialects.grammar import Answer, checked, sdk_message

RESPONSES = OpenAIResponses()
MODEL = "gpt-asked"
OCCASION = Occasion(MODEL, "msg_1", input_tokens=70)
LONG_NAME = "mcp__" + "a" * 70
ASKED: dict[str, Any] = {
    "messages": [{"role": "user", "content": "go"}],
    "tools": [{"name": name, "input_schema": {"type": "object"}} for name in ("Bash", LONG_NAME)],
}
OUTGOING = RESPONSES.request(ASKED, OCCASION)
Event = dict[str, Any]
USAGE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 120,
}
CREATED: Event = {"type": "response.created", "response": {"model": "gpt-served", "status": "in_progress"}}


def reader() -> ResponsesReader:
    return RESPONSES.reader(OUTGOING, OCCASION)


def wire(*events: Event, end: bytes = b"\n\n", numbered: bool = True) -> bytes:
    frames = []
    for number, event in enumerate(events):
        told = {**event, "sequence_number": number} if numbered else event
        frames.append(f"event: {event['type']}\ndata: {json.dumps(told, ensure_ascii=False)}".encode())
    return b"\n\n".join(frames) + end


def answer(*events: Event, chunked: Chunking = whole) -> Answer:
    """What the client gets of ``events`` between the first and whatever ends them; the SDK reads it too."""
    stream = read(reader(), chunked(wire(CREATED, *events)))
    got = checked(stream)
    if got.error is None:
        message = sdk_message(stream)
        assert [block.type for block in message.content] == got.kinds
        assert message.stop_reason == got.stop_reason
    return got


def response(*output: Event, status: str = "completed", **fields: Any) -> Event:
    return {"model": "gpt-served", "status": status, "output": list(output), "usage": USAGE, **fields}


def completed(*output: Event, **fields: Any) -> Event:
    return {"type": "response.completed", "response": response(*output, **fields)}


def message(text: str = "hello", item_id: str = "msg_a", **fields: Any) -> Event:
    content = [{"type": "output_text", "text": text, "annotations": [], **fields}]
    return {"type": "message", "id": item_id, "role": "assistant", "status": "completed", "content": content}


def reasoning(*summary: str, encrypted: str | None = None, item_id: str = "rs_a", **fields: Any) -> Event:
    parts = [{"type": "summary_text", "text": text} for text in summary]
    return {"type": "reasoning", "id": item_id, "summary": parts, "encrypted_content": encrypted, **fields}


def call(arguments: Any = '{"n":1}', item_id: str = "fc_a", name: str = "Bash", **fields: Any) -> Event:
    call_id = f"call_of_{item_id}_0123456789"
    return {"type": "function_call", "id": item_id, "call_id": call_id, "name": name, "arguments": arguments, **fields}


def added(item: Event, index: int = 0) -> Event:
    empty: dict[str, Event] = {
        "message": {"content": []},
        "reasoning": {"summary": []},
        "function_call": {"arguments": ""},
    }
    begun = {**item, **empty.get(item["type"], {}), "status": "in_progress"}
    return {"type": "response.output_item.added", "output_index": index, "item": begun}


def done(item: Event, index: int = 0) -> Event:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def text_delta(text: str, item_id: str = "msg_a", index: int = 0, part: int = 0) -> Event:
    return {"type": "response.output_text.delta", **place(item_id, index), "content_index": part, "delta": text}


def summary_delta(text: str, part: int = 0, item_id: str = "rs_a", index: int = 0) -> Event:
    kind = "response.reasoning_summary_text.delta"
    return {"type": kind, **place(item_id, index), "summary_index": part, "delta": text}


def reasoning_delta(text: str, item_id: str = "rs_a", index: int = 0) -> Event:
    return {"type": "response.reasoning_text.delta", **place(item_id, index), "content_index": 0, "delta": text}


def arguments_delta(text: str, item_id: str = "fc_a", index: int = 0) -> Event:
    return {"type": "response.function_call_arguments.delta", **place(item_id, index), "delta": text}


def arguments_done(text: Any, item_id: str = "fc_a", index: int = 0) -> Event:
    return {"type": "response.function_call_arguments.done", **place(item_id, index), "arguments": text}


def place(item_id: str, index: int) -> Event:
    return {"item_id": item_id, "output_index": index}


def streamed_message(text: str = "hello", item_id: str = "msg_a", index: int = 0) -> list[Event]:
    item = message(text, item_id)
    part = {**place(item_id, index), "content_index": 0}
    return [
        added(item, index),
        {"type": "response.content_part.added", **part, "part": {"type": "output_text", "text": ""}},
        *(text_delta(character, item_id, index) for character in text),
        {"type": "response.output_text.done", **part, "text": text},
        {"type": "response.content_part.done", **part, "part": item["content"][0]},
        done(item, index),
    ]


def streamed_call(arguments: str = '{"n":1}', item_id: str = "fc_a", index: int = 0, name: str = "Bash") -> list[Event]:
    item = call(arguments, item_id, name)
    pieces = (arguments[at : at + 3] for at in range(0, len(arguments), 3))
    deltas = [arguments_delta(piece, item_id, index) for piece in pieces]
    return [added(item, index), *deltas, arguments_done(arguments, item_id, index), done(item, index)]


THOUGHT = [
    added(reasoning()),
    {"type": "response.reasoning_summary_part.added", **place("rs_a", 0), "summary_index": 0},
    summary_delta("I ", 0),
    summary_delta("look.", 0),
    summary_delta("Then I run.", 1),
    done(reasoning("I look.", "Then I run.", encrypted="gAAAA")),
]
