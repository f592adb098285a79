"""Requests of the Messages API, built from few words, and what OpenAI's chat format makes of them."""

import json
from typing import Any

from proxy.dialects.dialect import Occasion, Outgoing
from proxy.dialects.openai_chat import OpenAIChat
from proxy.dialects.openai_chat_reasoning import DIALECT
from proxy.dialects.quirks import PLAIN, Quirks
from proxy.dialects.signatures import sealed
from tests.proxy.dialects.conversations import PDF, PNG, Body, text_block

CHAT = OpenAIChat()
PNG_URL = f"data:image/png;base64,{PNG}"
IMAGE: Body = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
PDF_BLOCK: Body = {
    "type": "document",
    "title": "Plan",
    "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
}
BASH: Body = {"name": "Bash", "description": "runs", "input_schema": {"type": "object", "properties": {}}}

MINE: Body = {"type": "thinking", "thinking": "I run it", "signature": sealed(DIALECT, "0123456789abcdef01234567")}
CLAUDES: Body = {"type": "thinking", "thinking": "secret", "signature": "EqoBCkgIARABGAIiQL"}
SCHEMA: Body = {"type": "object", "properties": {"n": {"type": "integer"}}}
CLOSED: Body = {**SCHEMA, "required": ["n"], "additionalProperties": False}


def sent(body: Body, quirks: Quirks = PLAIN, **occasion: Any) -> dict[str, Any]:
    payload = json.loads(outgoing(body, quirks, **occasion).body)
    assert isinstance(payload, dict)
    return payload


def outgoing(body: Body, quirks: Quirks = PLAIN, **occasion: Any) -> Outgoing:
    return CHAT.request(body, Occasion("served-model", "msg_1", quirks=quirks, **occasion))


def asking(*messages: Body, **fields: Any) -> Body:
    return {"model": "claude-opus-4-8", "max_tokens": 100, "messages": list(messages), **fields}


def user(*content: Body | str) -> Body:
    return {"role": "user", "content": [text_block(each) if isinstance(each, str) else each for each in content]}


def assistant(*content: Body | str) -> Body:
    return {**user(*content), "role": "assistant"}


def call(call_id: str = "toolu_1", name: str = "Bash", **given: Any) -> Body:
    return {"type": "tool_use", "id": call_id, "name": name, "input": given}


def result(call_id: str = "toolu_1", content: Any = "done", **fields: Any) -> Body:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **fields}


def messages_of(*messages: Body, quirks: Quirks = PLAIN, **fields: Any) -> list[dict[str, Any]]:
    written = sent(asking(*messages, **fields), quirks)["messages"]
    assert isinstance(written, list)
    return written
