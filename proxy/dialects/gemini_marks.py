"""What Gemini must get back: its thought signatures, and the ids that it gave to calls.

Both travel with the client: a signature sealed in the thinking block directly before the call or directly behind the
text that it belongs to, an id within the call's own id. A signature is of use to the model that made it only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from proxy.dialects.signatures import digest, opened
from proxy.dialects.tool_names import own_id

DIALECT = "gemini"
SKIP_SIGNATURE = "skip_thought_signature_validator"
"""Stands for the signature of a call that another model made (Google's guide to thought signatures)."""

Place = Literal["call", "text"]
_MARKS: Mapping[Place, str] = {"call": "signed", "text": "said"}
_PLACES = {mark: place for place, mark in _MARKS.items()}
_ISSUED_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_CLIENT_ID = re.compile(r"gemini-([A-Za-z0-9_-]{1,40})-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Signature:
    """A thought signature and where it belongs: to the next call, or to the text before it."""

    place: Place
    value: str


def signature_payload(model: str, signature: str, place: Place = "call") -> str:
    """What is sealed: texts without quotes only, so that a signature is found in a body without decoding it."""
    return f"{_MARKS[place]}~{digest(model)}~{signature}"


def read_signature(sealed: str, model: str) -> Signature | None:
    """The thought signature sealed in a thinking block's signature, if ``model`` made it."""
    mark, _, rest = (opened(DIALECT, sealed) or "").partition("~")
    issuer, _, value = rest.partition("~")
    place = _PLACES.get(mark)
    return Signature(place, value) if place is not None and value and issuer == digest(model) else None


def client_id(given: object, message_id: str, ordinal: int) -> str:
    """A call's id for the client: unique, with Gemini's own in it where it gave one that the client can carry."""
    if isinstance(given, str) and _ISSUED_ID.fullmatch(given):
        return f"gemini-{given}-{digest(f'{message_id}:{ordinal}')[:8]}"
    return own_id(None, message_id, ordinal)


def issued_id(call_id: str) -> str | None:
    """The id that Gemini gave a call; None where it gave none."""
    found = _CLIENT_ID.fullmatch(call_id) if call_id.startswith("gemini-") else None
    return found[1] if found else None
