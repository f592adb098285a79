"""JSON that somebody else wrote: one way to read it, one error for everything that can be wrong with it.

The decoder reports bad syntax, bad UTF-8 and nesting beyond the stack as three unrelated exceptions; a reader
that forgets one of them falls over a hostile or broken answer.
"""

from typing import Any, TypeVar

import msgspec

_T = TypeVar("_T")

_any = msgspec.json.Decoder()


class NotJson(ValueError):
    """What arrived is not JSON that can be read. ``str()`` names the fault."""


def read_json(data: bytes | str | msgspec.Raw) -> Any:
    """The value in ``data``. Raises ``NotJson``."""
    return read_json_as(_any, data)


def read_json_as(decoder: "msgspec.json.Decoder[_T]", data: bytes | str | msgspec.Raw) -> _T:
    """The value in ``data`` as ``decoder`` reads it. Raises ``NotJson``."""
    try:
        return decoder.decode(data)
    except RecursionError:
        raise NotJson("it is nested too deeply") from None
    except UnicodeError:
        raise NotJson("it is not valid UTF-8") from None
    except msgspec.DecodeError as error:
        raise NotJson(str(error)) from None
