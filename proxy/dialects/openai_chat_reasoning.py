"""Reasoning that a server of OpenAI's chat format must get back, kept in the signature of a thinking block.

Two things travel so: OpenRouter's ``reasoning_details`` (signed or encrypted) and what Google's servers hang onto a
call (``extra_content``). Both are of use to the model that made them only, so the model's name goes along.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from proxy.dialects.conversation import Thinking
from proxy.dialects.foreign_values import mapping, mappings
from proxy.dialects.signatures import opened
from proxy.protocol.foreign_json import NotJson, read_json

DIALECT = "openai-chat"
_GROWING = ("text", "summary", "data")
"""Fields of a detail that arrive in pieces."""


def sealed_reasoning(model: str, details: Iterable[Mapping[str, Any]], extras: Mapping[str, Any]) -> str:
    """The payload of a signature; ``extras`` by the id of the call."""
    return msgspec.json.encode({"model": model, "details": list(details), "extras": extras}).decode()


class Returned(msgspec.Struct):
    """What past thinking of an assistant's turn holds for the server."""

    texts: list[str] = []
    """Thinking of this dialect in plain words."""
    details: list[Mapping[str, Any]] = []
    extras: dict[str, Any] = {}
    """``extra_content`` by the call's id."""


def read_returned(thoughts: Iterable[Thinking], model: str) -> Returned:
    """What ``model`` gets back; thinking of other dialects is none of its business."""
    returned = Returned()
    for thought in thoughts:
        payload = opened(DIALECT, thought.signature)
        if payload is None:
            continue
        if thought.text:
            returned.texts.append(thought.text)
        held = _decoded(payload)
        if held.get("model") == model:
            returned.details += mappings(held.get("details"))
            returned.extras |= mapping(held.get("extras"))
    return returned


def joined_detail(details: list[dict[str, Any]], piece: Mapping[str, Any]) -> None:
    """Take ``piece`` into ``details``: it continues the last one of the same kind and place, or is a new one."""
    last = details[-1] if details else None
    same = ("type", "index")
    if last is None or any(last.get(name) != piece.get(name) for name in same) or _differs(last, piece):
        details.append(dict(piece))
        return
    for name, value in piece.items():
        if name in _GROWING and isinstance(value, str) and isinstance(last.get(name), str):
            last[name] += value
        elif value is not None:
            last[name] = value


def _differs(last: Mapping[str, Any], piece: Mapping[str, Any]) -> bool:
    """Two ids are two details."""
    return bool(last.get("id") and piece.get("id") and last["id"] != piece["id"])


def _decoded(payload: str) -> Mapping[str, Any]:
    try:
        return mapping(read_json(payload))
    except NotJson:
        return {}
