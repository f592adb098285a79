"""Tool calls of OpenAI's chat stream, told apart and written one after the other.

Servers differ in everything: the index is missing, always 0 or of another call, the id comes late, anew or never, two
calls mix. A call is written as it grows; what belongs to a later one waits until the earlier one's arguments are whole.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from proxy.dialects.answer import AnswerWriter
from proxy.dialects.call_arguments import meant_arguments
from proxy.dialects.openai_chat_call import ChatCall, Piece, read_piece
from proxy.dialects.tool_names import ToolNames, own_id

BLANKS_MAX = 500
"""Blank characters in a row: a model that writes more between values has run away (seen with Copilot)."""

_DIGITS_MAX = 6

Key = int | tuple[str, int]


class Calls:
    """The calls of one answer."""

    def __init__(
        self,
        writer: AnswerWriter,
        names: ToolNames,
        message_id: str,
        sign: Callable[[Mapping[str, Any]], None],
    ) -> None:
        """``sign`` is called before each call, with the extras that it carries by its id."""
        self._writer = writer
        self._names = names
        self._message_id = message_id
        self._sign = sign
        self._calls: list[ChatCall] = []
        self._places: dict[Key, ChatCall] = {}
        self._ids: set[str] = set()
        self._at = 0
        """The call that is being written."""

    @property
    def any(self) -> bool:
        return bool(self._calls)

    @property
    def busy(self) -> bool:
        """A call is not whole or not named, so nothing else may be written yet."""
        return any(not call.name or call.may_go_on for call in self._calls[self._at :])

    def see(self, deltas: list[Any]) -> None:
        """Take in what a chunk says of calls."""
        for place, delta in enumerate(deltas):
            if isinstance(delta, dict):
                self._see(delta, place)
        self._write()

    def leave(self) -> None:
        """Something else is written from here on; all calls so far are done."""
        self._at = len(self._calls)

    def finish(self, *, cut: bool) -> None:
        """The answer is over: write the rest, or fail where arguments are broken. ``cut``: by the length limit, so
        that half an argument is no fault."""
        named = any(call.name for call in self._calls)
        for call in self._calls[self._at :]:
            if self._writer.ended or not call.told or (not call.name and (cut or (named and call.empty))):
                continue
            if not call.name:
                self._writer.fail("api_error", "the model called a tool without naming it")
                return
            self._begin(call)
            self._settle(call, cut=cut)
        self.leave()
        self._sign_late()

    def _see(self, delta: Mapping[str, Any], place: int) -> None:
        piece = read_piece(delta)
        call = self._call_of(piece, _key(delta.get("index"), place))
        if call is None:
            return
        call.take(piece)
        if call.blanks > BLANKS_MAX:
            self._run_away(call)

    def _call_of(self, piece: Piece, key: Key) -> ChatCall | None:
        """A known id counts more than a place, a place more than the order; None for a piece that tells nothing."""
        if piece.anonymous:
            return self._going_on(key) if piece.arguments else self._signed_by(piece, key)
        call = self._of_id(piece.id) or self._places.get(key)
        if call is None or call.is_other(piece):
            call = self._new()
        self._places[key] = call
        return call

    def _going_on(self, key: Key) -> ChatCall:
        """The call that arguments without any name continue: the one at their place, unless it is whole."""
        at_place = self._places.get(key)
        if at_place is not None and (at_place is self._calls[-1] or at_place.may_go_on):
            return at_place
        latest = next((call for call in reversed(self._calls) if call.may_go_on), None)
        return latest or at_place or self._new()

    def _signed_by(self, piece: Piece, key: Key) -> ChatCall | None:
        """The call that gets what must return with it on its own (Google's servers)."""
        latest = self._calls[-1] if self._calls else None
        return self._places.get(key, latest) if piece.extra is not None else None

    def _of_id(self, given_id: str) -> ChatCall | None:
        return next((call for call in self._calls if given_id and call.given_id == given_id), None)

    def _new(self) -> ChatCall:
        self._calls.append(ChatCall())
        return self._calls[-1]

    def _run_away(self, call: ChatCall) -> None:
        call.blanks = 0
        if not _within_text(call.arguments):
            self._writer.fail("api_error", f"the model wrote nothing but blanks into the arguments of {call.name}")

    def _write(self) -> None:
        """All that may be written now."""
        while self._at < len(self._calls) and not self._writer.ended:
            call = self._calls[self._at]
            if not call.name:
                return
            self._begin(call)
            if self._at == len(self._calls) - 1 or call.may_go_on:
                return
            self._at += 1

    def _begin(self, call: ChatCall) -> None:
        """Open its block if that was not done, and write what is ready of its arguments."""
        if not call.id:
            self._open(call)
        for piece in call.ready():
            self._writer.arguments(piece)

    def _open(self, call: ChatCall) -> None:
        ordinal = self._calls.index(call)
        call.id = own_id(call.given_id or None, self._message_id, ordinal)
        if call.id in self._ids:
            call.id = own_id(None, self._message_id, ordinal)
        self._ids.add(call.id)
        call.signed = call.extra is not None
        self._sign({call.id: call.extra} if call.extra is not None else {})
        self._writer.tool(call.id, self._names.own(call.name))

    def _sign_late(self) -> None:
        late = {call.id: call.extra for call in self._calls if call.id and call.extra is not None and not call.signed}
        if late and not self._writer.ended:
            self._sign(late)

    def _settle(self, call: ChatCall, *, cut: bool) -> None:
        """An object within a text is what was meant."""
        text = call.arguments.strip()
        if call.whole or (cut and text.startswith("{")):
            return
        meant = meant_arguments(text)
        if meant:
            self._writer.arguments(msgspec.json.encode(meant).decode())
        elif meant is None and not cut:
            self._writer.fail("api_error", f"the arguments of a call of {self._names.own(call.name)} are not JSON")


def _key(index: object, place: int) -> Key:
    """The index of a delta; its place in the list where it has none."""
    if isinstance(index, str) and index.isascii() and index.isdigit() and len(index) < _DIGITS_MAX:
        index = int(index)
    return index if isinstance(index, int) and not isinstance(index, bool) else ("place", place)


def _within_text(arguments: str) -> bool:
    """The end of ``arguments`` stands inside of a JSON text, where blanks mean something."""
    return (arguments.replace("\\\\", "").replace('\\"', "").count('"') % 2) == 1
