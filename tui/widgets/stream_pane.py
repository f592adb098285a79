"""The text of the watched request, as it arrives; follows its end until the user scrolls up."""

from tui.state.lines import Line, Piece, Tone, line
from tui.state.stream import StreamRow
from tui.state.text import left, wrap
from tui.widgets.line_view import NOTHING, LineView, Painted

MARGIN = 11
"""Cells of the margin that names thinking and tools."""
MARGIN_FROM = 56
"""Below this width the names stand in the text."""


class StreamPane(LineView, can_focus=False):
    """Rows given by ``show``; ``text_width`` is what they must be wrapped at."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._rows: list[StreamRow] = []
        self._about: str | None = None
        self._note = ""
        self._follow = True

    @property
    def margin(self) -> int:
        return MARGIN if self.size.width >= MARGIN_FROM else 0

    @property
    def text_width(self) -> int:
        return max(8, self.row_width - self.margin - 2)

    def show(self, rows: list[StreamRow], about: str | None, note: str) -> None:
        """Show the rows of request ``about``; ``note`` stands where there is no text yet."""
        self._follow = self._follow or self._about != about
        self._rows, self._about, self._note = rows, about, note
        self.set_length(max(1, len(rows)))
        if self._follow:
            self.jump(self.max_scroll_y)
        self.repaint_changed()

    def scroll_rows(self, by: int) -> None:
        self.jump(self.scroll_offset.y + by)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._follow = new_value >= self.max_scroll_y - 1

    def line_at(self, index: int, width: int) -> Painted:
        if self._rows:
            return (self._line(self._rows[index]), "") if index < len(self._rows) else NOTHING
        note = wrap(self._note, max(8, width - 2))
        return (line(" ", Piece(note[index], "dim")), "") if index < len(note) else NOTHING

    def _line(self, row: StreamRow) -> Line:
        text = Piece(row.text, _TONES[row.kind])
        if not self.margin:
            return line(" ", text)
        return line(" ", Piece(left(row.label, self.margin - 1), _LABEL_TONES[row.kind]), " ", text)


_TONES: dict[str, Tone] = {"text": "plain", "thinking": "soft", "tool": "dim", "error": "bad"}
_LABEL_TONES: dict[str, Tone] = {"text": "dim", "thinking": "dim", "tool": "accent", "error": "bad"}
