"""Aligned columns of text for people, as wide as the terminal and no wider. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.state.text import cells, clean_line, left, right

GAP = "  "
SHRUNK = 10
"""A column that may shrink keeps this many cells."""


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    numeric: bool = False
    """Aligned at the right."""
    shrinks: bool = False
    """Its cells may be cut with an ellipsis."""
    least: int = SHRUNK
    """Cells that one which may shrink keeps while there are others to drop."""
    drop: int = 0
    """0: always shown. Of the others the highest goes first where the width does not suffice."""


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """A line of titles and a line for each row, at most ``width`` cells each where that can be reached."""
    cleaned = [[clean_line(cell) for cell in row] for row in rows]
    widths = [
        max(cells(text) for text in (column.title, *(row[place] for row in cleaned)))
        for place, column in enumerate(columns)
    ]
    shown = _shown(columns, widths, width)
    widths = _shrunk(columns, widths, shown, width)
    lines = [[column.title for column in columns], *cleaned]
    return [GAP.join(_cell(columns[place], line[place], widths[place]) for place in shown).rstrip() for line in lines]


def _cell(column: Column, text: str, width: int) -> str:
    return right(text, width) if column.numeric else left(text, width)


def _shown(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    shown = list(range(len(columns)))
    while _least(columns, widths, shown) > width:
        droppable = [place for place in shown if columns[place].drop]
        if not droppable:
            break
        shown.remove(max(droppable, key=lambda place: columns[place].drop))
    return shown


def _least(columns: Sequence[Column], widths: Sequence[int], shown: Sequence[int]) -> int:
    cut = [min(widths[place], columns[place].least) if columns[place].shrinks else widths[place] for place in shown]
    return sum(cut) + len(GAP) * (len(shown) - 1)


def _shrunk(columns: Sequence[Column], widths: Sequence[int], shown: Sequence[int], width: int) -> list[int]:
    """``widths`` with the surplus taken from the widest columns that may shrink."""
    result = list(widths)
    surplus = sum(result[place] for place in shown) + len(GAP) * (len(shown) - 1) - width
    soft = [place for place in shown if columns[place].shrinks]
    while surplus > 0 and soft:
        widest = max(soft, key=lambda place: result[place])
        if result[widest] <= SHRUNK:
            break
        result[widest] -= 1
        surplus -= 1
    return result
