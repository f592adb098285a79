"""The footer: the keys that work here, as many as fit, the most important first."""

from collections.abc import Sequence
from typing import NamedTuple

from tui.state.lines import Line, Piece, line
from tui.state.text import cells


class KeyHint(NamedTuple):
    """A key, its label, and what a click on it runs."""

    key: str
    label: str
    call: str


def keys_line(hints: Sequence[KeyHint], width: int, last: str | None = None) -> Line:
    """``hints`` (in order of importance) in ``width`` cells; the one labelled ``last`` stands at the right edge."""
    end = [hint for hint in hints if hint.label == last]
    room = width - 1 - sum(_cells(hint) for hint in end)
    taken: list[KeyHint] = []
    for hint in hints:
        if hint in end:
            continue
        if _cells(hint) > room:
            break
        taken.append(hint)
        room -= _cells(hint)
    pieces: list[Piece] = [Piece(" ")]
    for hint in taken:
        pieces += _pieces(hint)
    pieces.append(Piece(" " * max(0, room)))
    for hint in end:
        pieces += _pieces(hint)
    return line(*pieces)


def _cells(hint: KeyHint) -> int:
    return cells(hint.key) + cells(hint.label) + 3


def _pieces(hint: KeyHint) -> list[Piece]:
    return [Piece(hint.key, "accent", hint.call), Piece(f" {hint.label}  ", "dim", hint.call)]
