"""What OpenAI's Responses format makes of requests of the Messages API."""

import json
from typing import Any

from proxy.dialects.dialect import Occasion, Outgoing
from proxy.dialects.openai_responses import OpenAIResponses
from proxy.dialects.quirks import PLAIN, Quirks
from tests.proxy.dialects.conversations import Body
from tests.proxy.dialects.vendor_types import assert_responses_request

RESPONSES = OpenAIResponses()
MODEL = "gpt-served"
SEARCH: Body = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}


def outgoing(body: Body, quirks: Quirks = PLAIN, **occasion: Any) -> Outgoing:
    return RESPONSES.request(body, Occasion(MODEL, "msg_1", quirks=quirks, **occasion))


def sent(body: Body, quirks: Quirks = PLAIN, **occasion: Any) -> dict[str, Any]:
    payload = json.loads(outgoing(body, quirks, **occasion).body)
    assert isinstance(payload, dict)
    return payload


def items(body: Body, quirks: Quirks = PLAIN, **occasion: Any) -> list[dict[str, Any]]:
    payload = sent(body, quirks, **occasion)
    assert_responses_request(payload)
    return list(payload["input"])
