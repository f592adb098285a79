"""Tool calls of OpenAI's chat stream, put together from their pieces and written one after the other.

Servers differ in everything: the index is missing or always 0, the id comes late or never, arguments come in pieces,
whole, as an object or not at all, two calls mix. A call is written as it grows; what belongs to a later one waits until
the earlier one's arguments are whole.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from proxy.dialects.answer import AnswerWriter
from proxy.dialects.tool_names import ToolNames, own_id
from proxy.protocol.foreign_json import NotJson, read_json

BLANKS_MAX = 500
"""Blank characters in a row: a model that writes more between values has run away (seen with Copilot)."""

Key = int | tuple[str, int]


class _Call:
    """One call as far as it is known."""

    __slots__ = ("_size_whole", "blanks", "extra", "given_id", "id", "live", "name", "odd", "pieces", "size", "written")

    def __init__(self) -> None:
        self.given_id = ""
        self.name = ""
        self.pieces: list[str] = []
        self.size = 0
        self.blanks = 0
        self.written = 0
        self.live = False
        """Its arguments begin like an object and go out as they come."""
        self.odd = False
        """They begin like something else."""
        self.id = ""
        """The client's; empty until the block is open."""
        self.extra: Mapping[str, Any] | None = None
        self._size_whole = -1

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)

    @property
    def whole(self) -> bool:
        """Its arguments are a complete object."""
        if self._size_whole == self.size:
            return True
        last = next((piece for piece in reversed(self.pieces) if not piece.isspace()), "")
        if self.odd or not last.rstrip().endswith("}"):
            return False
        if isinstance(_decoded(self.arguments), dict):
            self._size_whole = self.size
            return True
        return False

    def is_other(self, given_id: str, name: str, arguments: object) -> bool:
        """A piece with these begins another call, though it stands at the place of this one."""
        if given_id and self.given_id:
            return given_id != self.given_id
        return bool(name and self.name) and (name != self.name or (bool(arguments) and self.whole))

    def take(self, arguments: object) -> None:
        text = arguments if isinstance(arguments, str) else _encoded(arguments)
        if not text:
            return
        self.pieces.append(text)
        self.size += len(text)
        self.blanks = self.blanks + len(text) if text.isspace() else len(text) - len(text.rstrip())


class Calls:
    """The calls of one answer."""

    def __init__(
        self,
        writer: AnswerWriter,
        names: ToolNames,
        message_id: str,
        sign: Callable[[Mapping[str, Any]], None],
    ) -> None:
        """``sign`` is called before a call that carries extras, with these by the call's id."""
        self._writer = writer
        self._names = names
        self._message_id = message_id
        self._sign = sign
        self._calls: list[_Call] = []
        self._places: dict[Key, _Call] = {}
        self._ids: set[str] = set()
        self._at = 0
        """The call that is being written."""

    @property
    def any(self) -> bool:
        return bool(self._calls)

    @property
    def busy(self) -> bool:
        """A call is not whole or not named, so nothing else may be written yet."""
        return any(not (call.name and call.whole) for call in self._calls[self._at :])

    def see(self, deltas: list[Any]) -> None:
        """Take in what a chunk says of calls."""
        for place, delta in enumerate(deltas):
            if isinstance(delta, Mapping):
                self._see(delta, place)
        self._write()

    def leave(self) -> None:
        """Something else is written from here on; all calls so far are done."""
        self._at = len(self._calls)

    def finish(self, *, cut: bool) -> None:
        """The answer is over: write the rest, or fail where arguments are broken. ``cut``: by the length limit, so
        that half an argument is no fault."""
        for call in self._calls[self._at :]:
            if self._writer.ended or not (call.name or call.size):
                continue
            if not call.name:
                self._writer.fail("api_error", "the model called a tool without naming it")
                return
            self._open(call)
            self._pour(call)
            self._settle(call, cut=cut)
        self.leave()

    def _see(self, delta: Mapping[str, Any], place: int) -> None:
        function = delta.get("function")
        function = function if isinstance(function, Mapping) else {}
        given_id, name, arguments = _text(delta.get("id")), _text(function.get("name")), function.get("arguments")
        index = delta.get("index")
        key: Key = index if isinstance(index, int) and not isinstance(index, bool) else ("place", place)
        call = self._begun(given_id) if given_id and (not name or isinstance(key, tuple)) else None
        if call is None:
            call = self._at_place(key, given_id, name, arguments)
        call.given_id = call.given_id or given_id
        call.name = call.name or name
        if isinstance(extra := delta.get("extra_content"), Mapping):
            call.extra = extra
        call.take(arguments)
        if call.blanks > BLANKS_MAX:
            self._run_away(call)

    def _begun(self, given_id: str) -> _Call | None:
        return next((call for call in self._calls if call.given_id == given_id), None)

    def _at_place(self, key: Key, given_id: str, name: str, arguments: object) -> _Call:
        call = self._places.get(key)
        if call is None or call.is_other(given_id, name, arguments):
            call = self._places[key] = _Call()
            self._calls.append(call)
        return call

    def _run_away(self, call: _Call) -> None:
        call.blanks = 0
        if not _within_text(call.arguments):
            self._writer.fail("api_error", f"the model wrote nothing but blanks into the arguments of {call.name}")

    def _write(self) -> None:
        """All that may be written now."""
        while self._at < len(self._calls) and not self._writer.ended:
            call = self._calls[self._at]
            if not call.name:
                return
            self._open(call)
            self._pour(call)
            if self._at == len(self._calls) - 1 or not call.whole:
                return
            self._at += 1

    def _open(self, call: _Call) -> None:
        if call.id:
            return
        ordinal = self._calls.index(call)
        call.id = own_id(call.given_id or None, self._message_id, ordinal)
        if call.id in self._ids:
            call.id = own_id(None, self._message_id, ordinal)
        self._ids.add(call.id)
        if call.extra is not None:
            self._sign({call.id: call.extra})
        self._writer.tool(call.id, self._names.own(call.name))

    def _pour(self, call: _Call) -> None:
        """Write the arguments so far, once they begin like an object."""
        if not call.live and not call.odd and (text := call.arguments.lstrip()):
            call.live, call.odd = text.startswith("{"), not text.startswith("{")
        if call.live:
            for piece in call.pieces[call.written :]:
                self._writer.arguments(piece)
            call.written = len(call.pieces)

    def _settle(self, call: _Call, *, cut: bool) -> None:
        """Nothing, ``null`` and an empty list are no arguments; an object within a text is what was meant."""
        text = call.arguments.strip()
        if not text or call.whole or (cut and call.live):
            return
        value = _decoded(text)
        inner = _decoded(value) if isinstance(value, str) and value.strip() else value
        if not call.live and isinstance(inner, dict):
            self._writer.arguments(_encoded(inner))
        elif (call.live or inner not in (None, "", [])) and not cut:
            self._writer.fail("api_error", f"the arguments of a call of {self._names.own(call.name)} are not JSON")


def _decoded(text: str) -> object:
    """The value in ``text``; ``NotJson`` itself where it is none."""
    try:
        return read_json(text)
    except NotJson:
        return NotJson


def _encoded(value: object) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()


def _within_text(arguments: str) -> bool:
    """The end of ``arguments`` stands inside of a JSON text, where blanks mean something."""
    return (arguments.replace("\\\\", "").replace('\\"', "").count('"') % 2) == 1


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
