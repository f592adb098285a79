"""What Gemini's format makes of requests of the Messages API."""

import json
from typing import Any

from proxy.dialects.dialect import Occasion, Outgoing
from proxy.dialects.gemini import Gemini
from proxy.dialects.quirks import Quirks
from tests.proxy.dialects.conversations import Body

MODEL = "gemini-3.1-pro-preview"
OLDER = "gemini-2.5-pro"
BASH: Body = {"name": "Bash", "description": "Runs", "input_schema": {"properties": {"command": {"type": "string"}}}}
SEARCH: Body = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}


def occasion(model: str = MODEL, **settings: Any) -> Occasion:
    return Occasion(model=model, message_id="msg_1", **settings)


def quirky(**quirks: Any) -> Occasion:
    return occasion(quirks=Quirks(**quirks))


def sent(body: Body, at: Occasion | None = None) -> tuple[dict[str, Any], Outgoing]:
    outgoing = Gemini().request({"model": "claude-opus-4-8", **body}, at or occasion())
    return json.loads(outgoing.body), outgoing


def asked(*content: Any, **fields: Any) -> Body:
    return {"messages": [{"role": "user", "content": list(content) or "hi"}], **fields}
