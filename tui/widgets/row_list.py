"""A list of rows with a cursor, painted row by row: what it costs does not depend on how many there are."""

from typing import ClassVar

from textual import events
from textual.events import Click
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.messages import PaneResized, RowOpened, RowSelected
from tui.state.lines import EMPTY, Line
from tui.widgets.paint import TONE_CLASSES, paint


class RowList(ScrollView, can_focus=False):
    """Rows by index. A subclass words them in ``row_line``."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*TONE_CLASSES, "row--cursor"}

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.total = 0
        self.cursor: int | None = None

    def row_line(self, index: int, width: int) -> Line:
        """The text of a row in ``width`` cells."""
        raise NotImplementedError

    @property
    def row_width(self) -> int:
        return self.scrollable_content_region.width

    @property
    def page(self) -> int:
        return max(1, self.scrollable_content_region.height)

    def set_total(self, total: int) -> None:
        """Say how many rows there are."""
        self.total = total
        size = Size(0, total)
        if size != self.virtual_size:
            self.virtual_size = size

    def set_cursor(self, index: int | None) -> None:
        """Put the cursor on a row and bring it into view."""
        before, self.cursor = self.cursor, index
        self._repaint_row(before)
        self._repaint_row(index)
        if index is not None:
            self.reveal(index)

    def reveal(self, index: int) -> None:
        top = self.scroll_offset.y
        if index < top:
            self.jump(index)
        elif index >= top + self.page:
            self.jump(index - self.page + 1)

    def jump(self, y: int) -> None:
        """Scroll so that row ``y`` is on top, at once."""
        self.scroll_to(y=y, animate=False, immediate=True)

    def moved(self, by: int) -> int | None:
        """The row that is ``by`` rows from the cursor, kept inside the list."""
        if not self.total:
            return None
        if self.cursor is None:
            return min(max(0, by), self.total - 1)
        return min(max(0, self.cursor + by), self.total - 1)

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        width = self.row_width
        if index >= self.total:
            return paint(self, EMPTY, width)
        return self.row_strip(index, width)

    def row_strip(self, index: int, width: int) -> Strip:
        """A painted row."""
        ground = self.get_component_rich_style("row--cursor") if index == self.cursor else None
        return paint(self, self.row_line(index, width), width, ground)

    def on_click(self, event: Click) -> None:
        place = event.get_content_offset(self)
        if place is None:
            return
        index = place.y + self.scroll_offset.y
        if index < self.total:
            self.post_message(RowOpened(index) if index == self.cursor else RowSelected(index))

    def on_resize(self, _event: events.Resize) -> None:
        self.post_message(PaneResized())

    def _repaint_row(self, index: int | None) -> None:
        if index is not None and 0 <= index - self.scroll_offset.y < self.page:
            self.refresh_line(index)
