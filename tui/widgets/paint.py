"""Lines of toned text painted as strips, by the widget's styles for each tone."""

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tui.state.lines import TONES, Line

TONE_CLASSES = frozenset(f"tone--{tone}" for tone in TONES)


def paint(widget: Widget, line: Line, width: int, ground: Style | None = None) -> Strip:
    """``line`` in exactly ``width`` cells on ``ground`` (default: the widget's own)."""
    base = widget.rich_style if ground is None else ground
    segments = [Segment(piece.text, _style(widget, base, piece.tone, piece.action)) for piece in line]
    return Strip(segments).adjust_cell_length(width, base)


def _style(widget: Widget, base: Style, tone: str, action: str | None) -> Style:
    style = base
    if tone != "plain" and not base.reverse:  # a reversed row keeps one ground
        style += widget.get_component_rich_style(f"tone--{tone}", partial=True)
    return style if action is None else style + Style.from_meta({"@click": action})
