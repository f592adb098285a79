"""One tool call of OpenAI's chat format, put together from its pieces.

Arguments come in pieces, whole, as an object or not at all; some servers tell all of them again with each piece or in
the end, some begin with an empty object that others follow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.dialects.call_arguments import arguments_text, meant_arguments
from proxy.dialects.foreign_values import mapping, word
from proxy.protocol.foreign_json import NotJson, read_json

_CUT_KEY = '{"'
"""The beginning of nearly all arguments: the same again may be a key."""
_BEFORE_VALUE = (":", "[", ",")
"""Behind these an object may stand."""
_END_MAX = 200
"""Characters of arguments that may be missing where they are told again in another spelling."""
_EMPTY_MAX = 16
"""Characters of arguments that may be an empty object."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one delta tells of a call."""

    id: str
    name: str
    """Both may be empty."""
    arguments: str
    extra: Mapping[str, Any] | None
    """``extra_content``, which must return with the call (Google)."""

    @property
    def anonymous(self) -> bool:
        return not self.id and not self.name


def read_piece(delta: Mapping[str, Any]) -> Piece:
    told = mapping(delta.get("function"))
    extra = delta.get("extra_content")
    return Piece(
        word(delta.get("id")) or "",
        word(told.get("name")) or "",
        arguments_text(told.get("arguments")),
        extra if isinstance(extra, dict) else None,
    )


class ChatCall:
    """One call as far as it is known."""

    __slots__ = (
        "_cumulative",
        "_pieces",
        "_size",
        "_size_whole",
        "_written",
        "blanks",
        "extra",
        "given_id",
        "id",
        "name",
        "signed",
    )

    def __init__(self) -> None:
        self.given_id = ""
        self.name = ""
        self.id = ""
        """The client's; empty until the block is open."""
        self.extra: Mapping[str, Any] | None = None
        self.signed = False
        """``extra`` was told to the client."""
        self.blanks = 0
        """Blank characters at the end of the arguments so far."""
        self._pieces: list[str] = []
        self._size = 0
        self._written = 0
        self._size_whole = -1
        self._cumulative = False
        """Its pieces tell all arguments from the start."""

    @property
    def arguments(self) -> str:
        return "".join(self._pieces)

    @property
    def told(self) -> bool:
        """It is more than a place: it has a name or arguments."""
        return bool(self.name) or not self.empty

    @property
    def whole(self) -> bool:
        """Its arguments are a complete object, be it an empty one."""
        if self._size_whole == self._size:
            return True
        last = next((piece for piece in reversed(self._pieces) if not piece.isspace()), "")
        if not last.rstrip().endswith("}") or not isinstance(_decoded(self.arguments), dict):
            return False
        self._size_whole = self._size
        return True

    @property
    def empty(self) -> bool:
        """It has no arguments so far, or as good as none."""
        return self._size <= _EMPTY_MAX and meant_arguments(self.arguments) == {}

    @property
    def may_go_on(self) -> bool:
        """More arguments may come, after an empty object too."""
        return not self.whole or self.empty

    def is_other(self, piece: Piece) -> bool:
        """``piece`` begins another call, though it stands at the place of this one or has its id."""
        if not piece.name or not self.name:
            return bool(piece.id) and piece.id != self.given_id and not self.may_go_on
        if piece.name != self.name:
            return True
        if piece.id and self.given_id and piece.id != self.given_id:
            return True
        again = not piece.arguments.strip() or self._repeats(piece.arguments)
        return not self.may_go_on and not again and meant_arguments(piece.arguments) != {}

    def take(self, piece: Piece) -> None:
        self.given_id = self.given_id or piece.id
        self.name = self.name or piece.name
        self.extra = self.extra or piece.extra
        if text := self._new_in(piece.arguments):
            self._pieces.append(text)
            self._size += len(text)
            self.blanks = self.blanks + len(text) if text.isspace() else len(text) - len(text.rstrip())

    def ready(self) -> list[str]:
        """The arguments that may be written now: none until they are surely an object with something in it."""
        if not self._written and not self._certain():
            return []
        ready = self._pieces[self._written :]
        self._written = len(self._pieces)
        return ready

    def _certain(self) -> bool:
        start = self.arguments.lstrip()
        return start.startswith("{") and start[1:].lstrip()[:1] not in ("", "}")

    def _new_in(self, text: str) -> str:
        """What of ``text`` was not told before."""
        if len(text) < self._size - self.blanks or not text.lstrip().startswith("{"):
            return text
        if self.empty or (self._size <= _EMPTY_MAX and self.arguments.strip() == "{"):
            self._pieces.clear()
            self._size = self.blanks = 0
            return text
        so_far, again = self.arguments.lstrip(), text.lstrip()
        if not so_far.startswith("{"):
            return text
        if again.startswith(so_far) and self._tells_again(so_far, again[len(so_far) :]):
            return again[len(so_far) :]
        return "" if self._repeats(text) else _missing(so_far.rstrip(), again.rstrip()) or text

    def _tells_again(self, so_far: str, rest: str) -> bool:
        """Whether a piece that begins like all arguments so far tells them again, with ``rest`` behind; else it is an
        object within them that happens to begin so."""
        if so_far == _CUT_KEY and rest[:1] in ("", ":", " "):
            return False
        self._cumulative = self._cumulative or not so_far.rstrip().endswith(_BEFORE_VALUE)
        return self._cumulative

    def _repeats(self, text: str) -> bool:
        """``text`` is the same object as the arguments so far, perhaps written in another way."""
        return self.whole and _decoded(text) == _decoded(self.arguments)


def _missing(so_far: str, whole: str) -> str | None:
    """What ``so_far`` lacks of the object ``whole``, which a server told again from its start, written in another way;
    None where ``whole`` is none, or is a value within the arguments that are told."""
    value = _decoded(whole)
    if not isinstance(value, dict) or not value or so_far.endswith(_BEFORE_VALUE):
        return None
    ends = (whole[at:] for at in range(len(whole) - 1, max(-1, len(whole) - _END_MAX), -1))
    return next((end for end in ends if _decoded(so_far + end) == value), None)


def _decoded(text: str) -> object:
    """The value in ``text``; ``NotJson`` itself where it is none."""
    try:
        return read_json(text)
    except NotJson:
        return NotJson
