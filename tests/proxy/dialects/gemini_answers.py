"""Gemini's answers as tests put them together, what the client gets of them, and what comes back of that."""

import json
from collections.abc import Sequence
from typing import Any

from proxy.dialects.dialect import Occasion, Outgoing
from proxy.dialects.gemini import Gemini
from proxy.dialects.tool_names import ToolNames
from tests.proxy.dialects.chunking import Chunking, read, whole
from tests.proxy.dialects.conversations import Body
from tests.proxy.dialects.grammar import Answer, checked

MODEL = "gemini-3.1-pro-preview"
AT = Occasion(model=MODEL, message_id="msg_1", input_tokens=11)
USAGE: Body = {"promptTokenCount": 100, "candidatesTokenCount": 7, "thoughtsTokenCount": 5, "totalTokenCount": 112}


def text(said: str, **fields: Any) -> Body:
    return {"text": said, **fields}


def call(name: str = "Bash", args: Any = None, **fields: Any) -> Body:
    given = {"name": name, "args": {} if args is None else args}
    return {"functionCall": {**given, **{key: fields.pop(key) for key in ("id",) if key in fields}}, **fields}


def event(*parts: Body, reason: str | None = None, usage: Body | None = None, **fields: Any) -> Body:
    candidate: Body = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    payload: Body = {"candidates": [candidate], "modelVersion": MODEL, "responseId": "r", **fields}
    return payload | ({"usageMetadata": usage} if usage else {})


def stream(*events: Any, line_end: str = "\r\n") -> bytes:
    return "".join(f"data: {json.dumps(each, ensure_ascii=False)}{line_end}{line_end}" for each in events).encode()


def told(body: bytes, chunked: Chunking = whole, names: Sequence[str] = (), at: Occasion = AT) -> bytes:
    outgoing = Outgoing("", b"", names=ToolNames(names, begins_with_letter=True))
    return read(Gemini().reader(outgoing, at), chunked(body))


def answer(*events: Any, chunked: Chunking = whole) -> Answer:
    return checked(told(stream(*events), chunked))


def returned(blocks: Sequence[Body]) -> list[Body]:
    """The model's parts of a request that brings ``blocks`` back."""
    messages: list[Body] = [{"role": "user", "content": "go"}, {"role": "assistant", "content": blocks}]
    body = Gemini().request({"messages": messages}, AT).body
    contents: list[Body] = json.loads(body)["contents"]
    return [part for content in contents if content["role"] == "model" for part in content["parts"]]
