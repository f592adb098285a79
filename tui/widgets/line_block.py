"""A block of lines that someone else words: header, titles, cost strip, footer, empty state."""

from collections.abc import Sequence
from typing import ClassVar

from textual.events import Resize
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.messages import PaneResized
from tui.state.lines import EMPTY, Line
from tui.widgets.paint import TONE_CLASSES, Painter


class LineBlock(Widget):
    """Shows the lines last given; only lines that differ are painted again."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(TONE_CLASSES)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._painter = Painter(self)
        self._lines: tuple[Line, ...] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Replace the lines."""
        before, self._lines = self._lines, tuple(lines)
        changed = [
            Region(0, y, self.size.width, 1)
            for y in range(max(len(before), len(self._lines)))
            if _at(before, y) != _at(self._lines, y)
        ]
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        return self._painter.strip(_at(self._lines, y), self.size.width)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()

    def on_resize(self, _event: Resize) -> None:
        self.post_message(PaneResized())


def _at(lines: Sequence[Line], y: int) -> Line:
    return lines[y] if y < len(lines) else EMPTY
