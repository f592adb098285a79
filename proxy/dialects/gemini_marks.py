"""What Gemini must get back with a call of a tool: its thought signature and the id that it gave the call.

Both travel with the client: the signature sealed in the thinking block directly before the call, the id within the
call's own id. A signature is of use to the model that made it only.
"""

import re

from proxy.dialects.signatures import digest, opened
from proxy.dialects.tool_names import own_id

DIALECT = "gemini"
SKIP_SIGNATURE = "skip_thought_signature_validator"
"""Stands for the signature of a call that another model made (Google's guide to thought signatures)."""

_SIGNED = "signed"
_ISSUED_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_CLIENT_ID = re.compile(r"gemini-([A-Za-z0-9_-]{1,40})-[0-9a-f]{8}")


def signature_payload(model: str, signature: str) -> str:
    """What is sealed: texts without quotes only, so that a signature is found in a body without decoding it."""
    return f"{_SIGNED}~{digest(model)}~{signature}"


def read_signature(sealed: str, model: str) -> str | None:
    """The thought signature sealed in a thinking block's signature, if ``model`` made it."""
    head = f"{_SIGNED}~{digest(model)}~"
    payload = opened(DIALECT, sealed) or ""
    return payload.removeprefix(head) or None if payload.startswith(head) else None


def client_id(given: object, message_id: str, ordinal: int) -> str:
    """A call's id for the client: unique, with Gemini's own in it where it gave one that the client can carry."""
    if isinstance(given, str) and _ISSUED_ID.fullmatch(given):
        return f"gemini-{given}-{digest(f'{message_id}:{ordinal}')[:8]}"
    return own_id(None, message_id, ordinal)


def issued_id(call_id: str) -> str | None:
    """The id that Gemini gave a call; None where it gave none."""
    found = _CLIENT_ID.fullmatch(call_id)
    return found[1] if found else None
