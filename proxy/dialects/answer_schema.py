"""The JSON schema of a wanted answer, and how it is told to a model whose server does not enforce it."""

from collections.abc import Mapping
from typing import Any

import msgspec


def is_object(schema: Mapping[str, Any]) -> bool:
    """Servers enforce no other."""
    return schema.get("type") in (None, "object")


def told_schema(schema: Mapping[str, Any]) -> str:
    """As an instruction."""
    told = msgspec.json.encode(schema).decode()
    return "Answer with one JSON value and nothing else, without a code fence. It must match this JSON schema:\n" + told
