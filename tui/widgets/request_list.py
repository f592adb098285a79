"""The list of requests: newest on top, following it until the user moves away."""

from collections.abc import Callable

from textual.cache import LRUCache
from textual.geometry import Region
from textual.strip import Strip

from proxy.contract import Request
from tui.state import rows as words
from tui.state.lines import Line
from tui.state.requests import FrozenRows, Rows
from tui.widgets.row_list import RowList

CACHED_ROWS = 400

Ordinal = Callable[[Request], int | None]


class RequestList(RowList):
    """Shows ``Rows`` given by ``show``. ``selected`` is None while it follows the newest."""

    def __init__(self, ordinal: Ordinal, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.selected: str | None = None
        self._rows: Rows = FrozenRows([])
        self._ordinal = ordinal
        self.now = 0.0
        """The time that the rows were last told, Unix seconds."""
        self._frame = 0
        self._anchor: str | None = None
        self._strips: LRUCache[tuple[str, int, bool], tuple[Request, int | None, Strip]] = LRUCache(CACHED_ROWS)

    def show(self, rows: Rows, now: float, frame: int) -> None:
        """Show ``rows`` as of ``now`` (Unix seconds); ``frame`` moves the marks of what is in flight."""
        self._rows, self.now, self._frame = rows, now, frame
        anchor = self._anchor if self.scroll_offset.y > 0 else None
        self.set_total(len(rows))
        self._place_cursor()
        if anchor is not None and (place := rows.find(anchor)) is not None:
            self.jump(place)
        self.refresh()

    def animate_live(self, now: float, frame: int) -> None:
        """Repaint only the visible rows in flight."""
        self.now, self._frame = now, frame
        top = self.scroll_offset.y
        regions = [
            Region(0, index - top, self.size.width, 1)
            for index in range(top, min(self.total, top + self.page))
            if self._rows.row(index).live
        ]
        if regions:
            self.refresh(*regions)

    def select(self, index: int | None) -> None:
        """Put the cursor on a row; the first one and None mean following the newest."""
        if not index:
            self.selected = None
            self.set_cursor(0 if self.total else None)
            self.jump(0)
        else:
            self.selected = self._rows.row(index).id
            self.set_cursor(index)

    def under_cursor(self) -> Request | None:
        """The request in the cursor's row."""
        if self.cursor is None or self.cursor >= len(self._rows):
            return None
        return self._rows.row(self.cursor)

    def row_line(self, index: int, width: int) -> Line:
        request = self._rows.row(index)
        return words.row(request, width, self.now, self._ordinal(request), self._frame)

    def row_strip(self, index: int, width: int) -> Strip:
        request = self._rows.row(index)
        if request.live:
            return super().row_strip(index, width)
        key = (request.id, width, index == self.cursor)
        ordinal = self._ordinal(request)
        if (known := self._strips.get(key)) and known[0] is request and known[1] == ordinal:
            return known[2]
        strip = super().row_strip(index, width)
        self._strips[key] = (request, ordinal, strip)
        return strip

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        top = round(new_value)
        self._anchor = self._rows.row(top).id if 0 < top < len(self._rows) else None

    def _place_cursor(self) -> None:
        place = self._rows.find(self.selected) if self.selected is not None else None
        if place is None:
            self.selected = None
            place = 0 if len(self._rows) else None
        self.cursor = place
