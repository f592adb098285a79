"""The arguments of a call as other dialects tell them: JSON text, an object, nothing, or JSON text within JSON text."""

from collections.abc import Mapping
from typing import Any

import msgspec

from proxy.protocol.foreign_json import NotJson, read_json


def arguments_text(given: object) -> str:
    """``given`` as JSON text; empty where nothing was given."""
    if isinstance(given, str):
        return given
    return "" if given is None else msgspec.json.encode(given).decode()


def meant_arguments(text: str) -> Mapping[str, Any] | None:
    """The object in ``text``; ``null`` and empty values are one without anything. None: it holds none."""
    try:
        value = read_json(text) if text.strip() else None
        value = read_json(value) if isinstance(value, str) and value.strip() else value
    except NotJson:
        return None
    if value in (None, "", []):
        return {}
    return value if isinstance(value, dict) else None
