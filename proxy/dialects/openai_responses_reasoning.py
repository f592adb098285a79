"""Encrypted reasoning of the Responses API, kept in the signature of a thinking block until its model gets it back.

A server cannot read the reasoning of another model and refuses a whole request for it, so the model's name goes along.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from proxy.dialects.conversation import Thinking
from proxy.dialects.signatures import opened
from proxy.protocol.foreign_json import NotJson, read_json

DIALECT = "openai-responses"


def sealed_reasoning(model: str, encrypted: str) -> str:
    """The payload of a signature."""
    return msgspec.json.encode({"model": model, "encrypted": encrypted}).decode()


def reasoning_item(thought: Thinking, model: str) -> dict[str, Any] | None:
    """What ``model`` gets back of its own; None for thinking of others and for such that came without encryption.

    The item has no id: where answers are not stored, the server would look for one in vain.
    """
    payload = opened(DIALECT, thought.signature)
    held = _decoded(payload) if payload is not None else {}
    encrypted = held.get("encrypted")
    if held.get("model") != model or not isinstance(encrypted, str) or not encrypted:
        return None
    return {"type": "reasoning", "summary": [], "encrypted_content": encrypted}


def _decoded(payload: str) -> Mapping[str, Any]:
    try:
        held = read_json(payload)
    except NotJson:
        return {}
    return held if isinstance(held, Mapping) else {}
