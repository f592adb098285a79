"""Lines of toned text painted as strips, by the widget's styles for each tone.

Looking a style up walks the widget's ancestors, so a ``Painter`` keeps what it found until the styles change, and the
strips of the lines that it painted last: most of what is painted was painted before.
"""

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.strip import Strip
from textual.widget import Widget

from tui.state.lines import TONES, Line, line_cells

TONE_CLASSES = frozenset(f"tone--{tone}" for tone in TONES)
KEPT_STRIPS = 400

Look = tuple[str, str | None]
"""A tone, and what a click runs."""


class Painter:
    """Paints the lines of one widget."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._grounds: dict[str, Style] = {}
        self._styles: dict[tuple[str, Look], Style] = {}
        self._strips: LRUCache[tuple[Line, int, str], Strip] = LRUCache(KEPT_STRIPS)

    def forget(self) -> None:
        """The widget's styles changed."""
        self._grounds.clear()
        self._styles.clear()
        self._strips.clear()

    def strip(self, line: Line, width: int, ground: str = "") -> Strip:
        """``line`` in exactly ``width`` cells on the component class ``ground`` (default: the widget's own)."""
        key = (line, width, ground)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._painted(line, width, ground)
        return strip

    def _painted(self, line: Line, width: int, ground: str) -> Strip:
        segments = [Segment(piece.text, self._style(ground, (piece.tone, piece.action))) for piece in line]
        return Strip(segments, line_cells(line)).adjust_cell_length(width, self._ground(ground))

    def _ground(self, name: str) -> Style:
        if name not in self._grounds:
            widget = self._widget
            self._grounds[name] = widget.get_component_rich_style(name) if name else widget.rich_style
        return self._grounds[name]

    def _style(self, ground: str, look: Look) -> Style:
        key = (ground, look)
        if key not in self._styles:
            self._styles[key] = self._look_up(self._ground(ground), *look)
        return self._styles[key]

    def _look_up(self, base: Style, tone: str, action: str | None) -> Style:
        style = base
        if tone != "plain" and not base.reverse:  # a reversed row keeps one ground
            style += self._widget.get_component_rich_style(f"tone--{tone}", partial=True)
        return style if action is None else style + Style.from_meta({"@click": action})
