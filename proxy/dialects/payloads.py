"""The JSON values that arrive as one piece, also where a server frames or writes them badly.

One event holds one value, says the standard. Servers are known that lack the blank line between events, write ``data:``
twice, put one value behind the other, write NaN, control characters or bytes that are no UTF-8. What can be read of
such a piece is read; the usual one costs nothing more.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, final

from proxy.protocol.foreign_json import NotJson, read_json, without_half_characters

_FIELD = "data:"
_DONE = "[DONE]"
_lenient = json.JSONDecoder(strict=False)


@final
class Done:
    """``[DONE]``: the server has no more to say."""


@final
class Unread:
    """Something that is no JSON."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text: Final = text
        """What it says."""


def payloads_in(data: bytes) -> Iterable[Any]:
    """The values in ``data``, in order; ``Done`` and ``Unread`` stand for what is none."""
    try:
        return (read_json(data),)
    except NotJson:
        return _salvaged(without_half_characters(data).decode(errors="replace"))


def _salvaged(text: str) -> Iterator[Any]:
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif text.startswith(_FIELD, at):
            at += len(_FIELD)
        elif text.startswith(_DONE, at):
            yield Done()
            return
        else:
            try:
                value, at = _lenient.raw_decode(text, at)
            except (ValueError, RecursionError):
                yield Unread(" ".join(text[at:].split()))
                return
            yield value
