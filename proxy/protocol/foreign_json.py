"""JSON that somebody else wrote: one way to read it, one error for everything that can be wrong with it.

The decoder reports bad syntax, bad UTF-8 and nesting beyond the stack as three unrelated exceptions; a reader
that forgets one of them falls over a hostile or broken answer.
"""

import re
from typing import Any, TypeVar

import msgspec

_T = TypeVar("_T")

_any = msgspec.json.Decoder()

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


class NotJson(ValueError):
    """What arrived is not JSON that can be read. ``str()`` names the fault."""


def read_json(data: bytes | str | msgspec.Raw) -> Any:
    """The value in ``data``. Raises ``NotJson``."""
    return read_json_as(_any, data)


def read_json_as(decoder: "msgspec.json.Decoder[_T]", data: bytes | str | msgspec.Raw) -> _T:
    """The value in ``data`` as ``decoder`` reads it. Raises ``NotJson``."""
    try:
        return _decoded(decoder, data)
    except RecursionError:
        raise NotJson("it is nested too deeply") from None
    except UnicodeError:
        raise NotJson("it is not valid UTF-8") from None
    except msgspec.DecodeError as error:
        raise NotJson(str(error)) from None


def without_half_characters(raw: bytes) -> bytes:
    """``raw`` JSON with U+FFFD for each half of a surrogate pair, as a program leaves it that cuts a text in the middle
    of a character. The replacement is as long as what it replaces."""
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found["lone"] else found[0], raw)


def _decoded(decoder: "msgspec.json.Decoder[_T]", data: bytes | str | msgspec.Raw) -> _T:
    """Most readers put up with half characters, our decoder does not."""
    try:
        return decoder.decode(data)
    except msgspec.DecodeError:
        raw = data.encode() if isinstance(data, str) else bytes(data)
        whole = without_half_characters(raw)
        if whole == raw:
            raise
        return decoder.decode(whole)
