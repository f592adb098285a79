"""The footer: the keys that work here, as many as fit, the most important first."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from tui.state.lines import Line, Piece, line, line_cells, spread
from tui.state.text import cells, fit, wrap

SENTENCE_ROWS = 3
"""Lines of a sentence at most: it stands where requests were."""


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


def said_lines(said: Piece, hints: Sequence[KeyHint], width: int, last: Collection[str] = ()) -> list[Line]:
    """A sentence in the footer's place. The keys labelled as in ``last`` stay beside it where it leaves them room; one
    that is longer than a line has several."""
    end = [hint for label in last for hint in hints if hint.label == label]
    keys = line(*(piece for hint in end for piece in _pieces(hint)))
    rows = wrap(said.text, width - 2)
    if len(rows) > SENTENCE_ROWS:
        rows = [*rows[: SENTENCE_ROWS - 1], fit(" ".join(rows[SENTENCE_ROWS - 1 :]), width - 2)]
    told = [line(" ", said._replace(text=row)) for row in rows]
    beside = line_cells(told[-1]) + line_cells(keys) + 1 <= width
    return [*told[:-1], spread(told[-1], keys, width) if beside else told[-1]]


def _cells(hint: KeyHint) -> int:
    return cells(hint.key) + cells(hint.label) + 3


def _pieces(hint: KeyHint) -> list[Piece]:
    return [Piece(hint.key, "accent", hint.call), Piece(f" {hint.label}  ", "dim", hint.call)]
