"""What OpenAI's chat format makes of requests of the Messages API, and thinking that such a request may bring back."""

import json
from typing import Any

from proxy.dialects.dialect import Occasion, Outgoing
from proxy.dialects.openai_chat import OpenAIChat
from proxy.dialects.openai_chat_reasoning import DIALECT
from proxy.dialects.quirks import PLAIN, Quirks
from proxy.dialects.signatures import sealed
from tests.proxy.dialects.conversations import PNG, Body
from tests.proxy.dialects.turns import asking

CHAT = OpenAIChat()
PNG_URL = f"data:image/png;base64,{PNG}"
MINE: Body = {"type": "thinking", "thinking": "I run it", "signature": sealed(DIALECT, "0123456789abcdef01234567")}
CLAUDES: Body = {"type": "thinking", "thinking": "secret", "signature": "EqoBCkgIARABGAIiQL"}


def sent(body: Body, quirks: Quirks = PLAIN, **occasion: Any) -> dict[str, Any]:
    payload = json.loads(outgoing(body, quirks, **occasion).body)
    assert isinstance(payload, dict)
    return payload


def outgoing(body: Body, quirks: Quirks = PLAIN, **occasion: Any) -> Outgoing:
    return CHAT.request(body, Occasion("served-model", "msg_1", quirks=quirks, **occasion))


def messages_of(*messages: Body, quirks: Quirks = PLAIN, **fields: Any) -> list[dict[str, Any]]:
    written = sent(asking(*messages, **fields), quirks)["messages"]
    assert isinstance(written, list)
    return written
