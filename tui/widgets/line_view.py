"""Lines that scroll, painted one by one: what it costs does not depend on how many there are.

Owns the length, the painter and what was painted last. Of lines that are shown anew only those are painted that look
different now, and a text that grows does not lay the screen out anew.
"""

from typing import ClassVar

from textual.events import Resize
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from tui.messages import PaneResized
from tui.state.lines import EMPTY, Line
from tui.widgets.paint import TONE_CLASSES, Painter

Painted = tuple[Line, str]
"""A line and the component class of its ground."""


class LineView(ScrollView, can_focus=False):
    """Lines by index. A subclass words them in ``line_at``."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(TONE_CLASSES)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._painter = Painter(self)
        self._painted: dict[int, Painted] = {}
        """What stands in each line of the widget."""

    def line_at(self, index: int, width: int) -> Painted:
        """The text of a line in ``width`` cells; empty behind the last one."""
        raise NotImplementedError

    @property
    def row_width(self) -> int:
        return self.scrollable_content_region.width

    @property
    def page(self) -> int:
        return max(1, self.scrollable_content_region.height)

    def set_length(self, lines: int) -> None:
        """Say how many lines there are. The screen is laid out anew only if its scrollbar comes or goes."""
        size, before = Size(0, lines), self.virtual_size
        if size == before:
            return
        room = self.container_size.height
        if self.styles.is_auto_height or (lines > room) != (before.height > room):
            self.virtual_size = size
            return
        self.set_reactive(Widget.virtual_size, size)
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.window_virtual_size = lines
        self.scroll_y = min(self.scroll_y, self.max_scroll_y)

    def jump(self, y: int) -> None:
        """Scroll so that line ``y`` is on top, at once."""
        self.scroll_to(y=y, animate=False, immediate=True)

    def repaint_changed(self) -> None:
        """Paint the visible lines that look different than when they were painted last."""
        top, width = self.scroll_offset.y, self.row_width
        changed = [
            Region(0, y, self.size.width, 1)
            for y in range(self.size.height)
            if self._painted.get(y) != self.line_at(top + y, width)
        ]
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        width = self.row_width
        line, ground = self._painted[y] = self.line_at(y + self.scroll_offset.y, width)
        return self._painter.strip(line, width, ground)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()

    def on_resize(self, _event: Resize) -> None:
        self._painted.clear()
        self.post_message(PaneResized())


NOTHING: Painted = (EMPTY, "")
