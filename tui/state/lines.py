"""Lines of toned text: what the pure part of the panel hands to the widgets that paint it."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from tui.state.text import cells, fit, wrap

Tone = Literal["plain", "dim", "strong", "accent", "good", "warn", "bad", "soft", "rule"]
"""The role of a piece of text; the theme decides its look. ``soft`` is thinking, ``dim`` what may be
overlooked, ``rule`` a line that divides."""

TONES: tuple[Tone, ...] = ("plain", "dim", "strong", "accent", "good", "warn", "bad", "soft", "rule")


class Piece(NamedTuple):
    """Text of one tone; ``action`` is what a click on it runs."""

    text: str
    tone: Tone = "plain"
    action: str | None = None


Line = tuple[Piece, ...]

EMPTY: Line = ()
SPACE = Piece(" ")


def line(*pieces: Piece | str) -> Line:
    """A line from pieces and plain strings."""
    return tuple(Piece(piece) if isinstance(piece, str) else piece for piece in pieces)


def line_cells(pieces: Line) -> int:
    return sum(cells(piece.text) for piece in pieces)


def line_text(pieces: Line) -> str:
    return "".join(piece.text for piece in pieces)


def cut(pieces: Line, width: int) -> Line:
    """``pieces`` in at most ``width`` cells, the piece at the edge cut with an ellipsis."""
    kept: list[Piece] = []
    room = width
    for piece in pieces:
        size = cells(piece.text)
        if size > room:
            kept.append(piece._replace(text=fit(piece.text, room)))
            break
        kept.append(piece)
        room -= size
    return tuple(kept)


def spread(start: Line, end: Line, width: int, fill: Piece = SPACE) -> Line:
    """``start`` at the left edge, ``end`` at the right one, a gap between them; ``start`` gives way."""
    end_cells = line_cells(end)
    if end_cells >= width:
        return cut(end, width)
    start = cut(start, width - end_cells - bool(end))
    gap = width - end_cells - line_cells(start)
    return (*start, fill._replace(text=fill.text * gap), *end)


def joined(parts: Iterable[Line], gap: str = "   ") -> Line:
    """The non-empty ``parts`` in a row, ``gap`` between them."""
    pieces: list[Piece] = []
    for part in parts:
        if part:
            pieces += [Piece(gap), *part] if pieces else part
    return tuple(pieces)


def first_that_fits(choices: Iterable[Line], width: int) -> Line:
    """The first of ``choices`` (fullest first) that needs no cutting, else the last one cut."""
    chosen: Line = EMPTY
    for chosen in choices:
        if line_cells(chosen) <= width:
            return chosen
    return cut(chosen, width)


def wrapped(text: str, width: int, tone: Tone = "plain") -> list[Line]:
    """A sentence in rows of at most ``width`` cells, each with a space before it."""
    return [line(" ", Piece(row, tone)) for row in wrap(text, max(20, width - 2))]


def shown_of(many: int, limit: int) -> int:
    """How many of a list are shown above a line that counts the rest: a rest of one takes that line itself."""
    return many if many <= limit + 1 else limit
