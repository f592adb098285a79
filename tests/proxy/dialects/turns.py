"""Requests of the Messages API, built from few words."""

from typing import Any

from tests.proxy.dialects.conversations import PDF, PNG, Body, text_block

IMAGE: Body = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
PDF_BLOCK: Body = {
    "type": "document",
    "title": "Plan",
    "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
}
BASH: Body = {"name": "Bash", "description": "runs", "input_schema": {"type": "object", "properties": {}}}
SCHEMA: Body = {"type": "object", "properties": {"n": {"type": "integer"}}}
CLOSED: Body = {**SCHEMA, "required": ["n"], "additionalProperties": False}


def asking(*messages: Body, **fields: Any) -> Body:
    return {"model": "claude-opus-4-8", "max_tokens": 100, "messages": list(messages or [user("hi")]), **fields}


def user(*content: Body | str) -> Body:
    return {"role": "user", "content": [text_block(each) if isinstance(each, str) else each for each in content]}


def assistant(*content: Body | str) -> Body:
    return {**user(*content), "role": "assistant"}


def call(call_id: str = "toolu_1", name: str = "Bash", **given: Any) -> Body:
    return {"type": "tool_use", "id": call_id, "name": name, "input": given}


def result(call_id: str = "toolu_1", content: Any = "done", **fields: Any) -> Body:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **fields}
