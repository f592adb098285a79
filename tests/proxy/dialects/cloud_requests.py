"""Requests for Claude in the clouds, as tests send them."""

import json
from typing import Any

import pytest

from proxy.dialects.bedrock import Bedrock
from proxy.dialects.dialect import Dialect, Occasion, Outgoing
from proxy.dialects.vertex import Vertex
from tests.proxy.dialects.conversations import Body

NEW, OLD = "claude-opus-4-8", "claude-haiku-4-5"
BOTH = pytest.mark.parametrize("dialect", [Bedrock(), Vertex()], ids=["bedrock", "vertex"])
TOOL: Body = {"name": "Bash", "description": "Runs", "input_schema": {"type": "object", "properties": {}}}
SEARCH: Body = {"type": "web_search_20250305", "name": "web_search"}


def sent(dialect: Dialect, model: str = NEW, betas: tuple[str, ...] = (), **fields: Any) -> tuple[Body, Outgoing]:
    body = {"model": "claude-opus-4-8", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}], **fields}
    outgoing = dialect.request(body, Occasion(model=model, message_id="msg_1", betas=betas))
    return json.loads(outgoing.body), outgoing
