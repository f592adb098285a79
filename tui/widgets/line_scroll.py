"""Lines that scroll: a long text that is read, not watched."""

from collections.abc import Sequence

from tui.state.lines import EMPTY, Line
from tui.widgets.row_list import RowList


class LineScroll(RowList, can_focus=True):
    """Shows the lines last given; takes the keys that scroll."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: Sequence[Line] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Replace the text; the place in it stays."""
        self._lines = lines
        self.set_total(len(lines))
        self.repaint_changed()

    def row_line(self, index: int, width: int) -> Line:
        del width
        return self._lines[index] if index < len(self._lines) else EMPTY
