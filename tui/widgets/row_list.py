"""A list of rows with a cursor, painted row by row: what it costs does not depend on how many there are."""

from typing import ClassVar

from textual.events import Click

from tui.messages import RowOpened, RowSelected
from tui.state.lines import EMPTY, Line
from tui.widgets.line_view import NOTHING, LineView, Painted
from tui.widgets.paint import TONE_CLASSES

CURSOR = "row--cursor"


class RowList(LineView, can_focus=False):
    """Rows by index. A subclass words them in ``row_line``."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*TONE_CLASSES, CURSOR}

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.total = 0
        self._after = False
        self.cursor: int | None = None

    def row_line(self, index: int, width: int) -> Line:
        """The text of a row in ``width`` cells."""
        raise NotImplementedError

    def line_at(self, index: int, width: int) -> Painted:
        if index == self.total and self._after:
            return self.after_line(width), ""
        if index >= self.total:
            return NOTHING
        return self.row_line(index, width), CURSOR if index == self.cursor else ""

    def set_total(self, total: int, *, after: bool = False) -> None:
        """Say how many rows there are; ``after``: a line that is none follows the last one."""
        self.total, self._after = total, after
        self.set_length(total + after)

    def after_line(self, width: int) -> Line:
        """What stands below the last row."""
        del width
        return EMPTY

    def set_cursor(self, index: int | None) -> None:
        """Put the cursor on a row and bring it into view."""
        before, self.cursor = self.cursor, index
        self._repaint_row(before)
        self._repaint_row(index)
        if index is not None:
            self.reveal(index)

    def reveal(self, index: int) -> None:
        if index == self.total - 1 and self._after and self.page > 1:
            index += 1
        top = self.scroll_offset.y
        if index < top:
            self.jump(index)
        elif index >= top + self.page:
            self.jump(index - self.page + 1)

    def moved(self, by: int) -> int | None:
        """The row that is ``by`` rows from the cursor, kept inside the list."""
        if not self.total:
            return None
        if self.cursor is None:
            return min(max(0, by), self.total - 1)
        return min(max(0, self.cursor + by), self.total - 1)

    def on_click(self, event: Click) -> None:
        place = event.get_content_offset(self)
        if place is None:
            return
        index = place.y + self.scroll_offset.y
        if index < self.total:
            self.post_message(RowOpened(index) if index == self.cursor else RowSelected(index))

    def _repaint_row(self, index: int | None) -> None:
        if index is not None and 0 <= index - self.scroll_offset.y < self.page:
            self.refresh_line(index)
