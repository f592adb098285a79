"""The footer: the keys that work here, as many as fit, the most important first."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from tui.state.lines import Line, Piece, cut, line, spread
from tui.state.text import cells, fit

SENTENCE_LEAST = 40
"""Cells of a sentence that are worth more than keys beside it."""


class KeyHint(NamedTuple):
    """A key, its label, and what a click on it runs."""

    key: str
    label: str
    call: str


def keys_line(hints: Sequence[KeyHint], width: int, last: Collection[str] = ()) -> Line:
    """``hints`` (in order of importance) in ``width`` cells; those labelled as in ``last`` stand at the right edge."""
    end = [hint for label in last for hint in hints if hint.label == label]
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


def said_line(said: Piece, hints: Sequence[KeyHint], width: int, last: Collection[str] = ()) -> Line:
    """A sentence in the footer's place: the keys labelled as in ``last`` stay."""
    end = [hint for label in last for hint in hints if hint.label == label]
    room = width - sum(_cells(hint) for hint in end)
    if room < SENTENCE_LEAST:
        return cut(line(" ", said), width)
    keys = line(*(piece for hint in end for piece in _pieces(hint)))
    return spread(line(" ", said._replace(text=fit(said.text, room - 2))), keys, width)


def _cells(hint: KeyHint) -> int:
    return cells(hint.key) + cells(hint.label) + 3


def _pieces(hint: KeyHint) -> list[Piece]:
    return [Piece(hint.key, "accent", hint.call), Piece(f" {hint.label}  ", "dim", hint.call)]
