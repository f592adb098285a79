"""The entries of a picker."""

from collections.abc import Callable

from tui.state.lines import Line
from tui.widgets.row_list import RowList


class ChoiceList(RowList):
    """Entries worded by the function given to it."""

    def __init__(self, word: Callable[[int, int], Line], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._word = word

    def row_line(self, index: int, width: int) -> Line:
        return self._word(index, width)

    def renew(self, total: int, cursor: int | None) -> None:
        """Show ``total`` entries, the cursor on one of them."""
        self.set_total(total)
        self.set_cursor(min(cursor, total - 1) if total and cursor is not None else None)
        self.repaint_changed()
