"""Graphs of sums over time: columns with a scale at the left and the time below."""

from collections.abc import Sequence

from tui.state import formats as f
from tui.state.lines import Line, Piece, line
from tui.state.text import cells, right

COLUMN_MOST = 4
"""Cells of the widest column, the space behind it included."""


def columns_that_fit(width: int, scale: int) -> int:
    """How many columns find room beside a scale of ``scale`` cells."""
    return max(1, width - scale - 3)


def column_graph(values: Sequence[int], labels: Sequence[str], top: str, width: int, height: int) -> list[Line]:
    """``values`` as columns in ``height`` rows and a row of ``labels`` below; ``top`` words the highest value."""
    scale = cells(top) + 2
    each = max(1, min(COLUMN_MOST, (width - scale - 1) // max(1, len(values))))
    space = 1 if each > 1 else 0
    rows = []
    for place, row in enumerate(f.columns(values, height)):
        mark = top if place == 0 else "0" if place == height - 1 else ""
        body = "".join(block * (each - space) + " " * space for block in row)
        rows.append(line(Piece(f" {right(mark, scale - 1)} ", "dim"), Piece(body.rstrip(), "accent")))
    below = _labels(labels, each, width - scale - 1)
    return [*rows, line(Piece(" " * (scale + 1) + below, "dim"))]


def _labels(labels: Sequence[str], each: int, width: int) -> str:
    """As many of ``labels`` as stand below their columns without touching each other."""
    text = ""
    for place, label in enumerate(labels):
        start = place * each
        if label and (not text or start > cells(text)) and start + cells(label) <= width:
            text += " " * (start - cells(text)) + label
    return text
