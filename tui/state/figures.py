"""Columns of figures beside a name: which of them fit, and the rest of the width for a bar."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.state.lines import Line, Piece, Tone, line
from tui.state.text import cells, left, right

MARGIN = 2
NAME_LEAST = 14
NAME_MOST = 44
BAR_LEAST = 8
BAR_MOST = 36
GAP = 2


@dataclass(frozen=True, slots=True)
class Figure:
    """A column, its figures at the right edge. ``rank``: the lower, the later it is dropped."""

    title: str
    width: int
    rank: int
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Figures:
    """The columns that fit."""

    name: int
    taken: tuple[int, ...]
    """Places of the columns that are shown."""
    bar: int
    """Cells for a bar; 0: none."""
    columns: tuple[Figure, ...]

    def titles(self, name: str, bars: Sequence[str] = ()) -> Line:
        """``bars``: what bars show, the fullest words first."""
        figures = "".join(right(self.columns[place].title, self.columns[place].width) for place in self.taken)
        above = next((each for each in bars if cells(each) <= self.bar), "")
        gap = " " * GAP if above else ""
        return line(Piece(f"{' ' * MARGIN}{left(name, self.name)}{figures}{gap}{above}", "dim"))

    def row(self, name: Piece, cells: Sequence[str], bar: Sequence[Piece] = ()) -> Line:
        """A row; ``cells`` are worded for all columns, also for those that do not fit."""
        pieces = [
            Piece(right(cells[place], self.columns[place].width), self.columns[place].tone) for place in self.taken
        ]
        start = name._replace(text=left(name.text, self.name))
        tail = [Piece(" " * GAP), *bar] if self.bar and bar else []
        return line(" " * MARGIN, start, *pieces, *tail)


def arranged(columns: Sequence[Figure], longest_name: int, width: int, least: int = NAME_LEAST) -> Figures:
    """``columns`` in ``width`` cells beside names of at most ``longest_name`` cells, which keep ``least``."""
    wanted = min(NAME_MOST, max(least, longest_name + 1))
    room = width - MARGIN - least
    taken: list[int] = []
    for place in sorted(range(len(columns)), key=lambda place: columns[place].rank):
        if columns[place].width > room:
            break
        taken.append(place)
        room -= columns[place].width
    name = min(wanted, least + room)
    room -= name - least + GAP
    cells = min(BAR_MOST, room) if room >= BAR_LEAST else 0
    return Figures(max(1, name), tuple(sorted(taken)), cells, tuple(columns))
