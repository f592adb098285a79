"""Values in other people's JSON, as what they should be: whatever else stands there is taken for nothing."""

from collections.abc import Mapping
from typing import Any


def word(value: object) -> str | None:
    """A text with something in it."""
    return value if isinstance(value, str) and value else None


def entries(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def mappings(values: object) -> list[Mapping[str, Any]]:
    """Those in a list."""
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []
