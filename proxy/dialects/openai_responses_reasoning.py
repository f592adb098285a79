"""Encrypted reasoning of the Responses API, kept in the signature of a thinking block until its model gets it back.

A server cannot read the reasoning of another model and refuses a whole request for it, so the model's digest goes
along.
"""

from typing import Any

from proxy.dialects.conversation import Thinking
from proxy.dialects.signatures import digest, opened

DIALECT = "openai-responses"


def sealed_reasoning(model: str, encrypted: str) -> str:
    """The payload of a signature."""
    return f"{digest(model)}.{encrypted}"


def reasoning_item(thought: Thinking, model: str) -> dict[str, Any] | None:
    """What ``model`` gets back of its own; None for thinking of others and for such that came without encryption.

    The item has no id: where answers are not stored, the server would look for one in vain.
    """
    issuer, _, encrypted = (opened(DIALECT, thought.signature) or "").partition(".")
    if not encrypted or issuer != digest(model):
        return None
    return {"type": "reasoning", "summary": [], "encrypted_content": encrypted}
