"""The list of requests: newest on top, following it until the user moves away."""

from collections.abc import Callable

from textual.cache import LRUCache

from proxy.contract import Request
from tui.state import rows as words
from tui.state.lines import EMPTY, Line
from tui.state.requests import FrozenRows, Rows
from tui.widgets.row_list import RowList

CACHED_ROWS = 400

Ordinal = Callable[[Request], int | None]


class RequestList(RowList):
    """Shows ``Rows`` given by ``show``. ``selected`` is None while it follows the newest."""

    def __init__(self, ordinal: Ordinal, keys: dict[str, str], *, id: str | None = None) -> None:  # noqa: A002
        """``keys``: action id → key to press."""
        super().__init__(id=id)
        self._keys = keys
        self.selected: str | None = None
        self._rows: Rows = FrozenRows([])
        self._ordinal = ordinal
        self.now = 0.0
        """The time that the rows were last told, Unix seconds."""
        self._frame = 0
        self._anchor: str | None = None
        self._ended: LRUCache[tuple[str, int], tuple[Request, int | None, Line]] = LRUCache(CACHED_ROWS)
        """Ended requests in words, by id and width."""

    def show(self, rows: Rows, now: float, frame: int) -> None:
        """Show ``rows`` as of ``now`` (Unix seconds); ``frame`` moves the marks of what is in flight."""
        self._rows, self.now, self._frame = rows, now, frame
        anchor = self._anchor if self.scroll_offset.y > 0 else None
        self.set_total(len(rows), after=rows.partial)
        self._place_cursor()
        if anchor is not None and (place := rows.find(anchor)) is not None:
            self.jump(place)
        self.repaint_changed()

    def animate_live(self, now: float, frame: int) -> None:
        """Show the rows that are shown already as of ``now``."""
        self.now, self._frame = now, frame
        self.repaint_changed()

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
        if index >= len(self._rows):  # some were taken away since the list was shown
            return EMPTY
        request = self._rows.row(index)
        ordinal = self._ordinal(request)
        if request.live:
            return words.row(request, width, self.now, ordinal, self._frame)
        known = self._ended.get((request.id, width))
        if known is None or known[0] is not request or known[1] != ordinal:
            known = request, ordinal, words.row(request, width, self.now, ordinal, self._frame)
            self._ended[request.id, width] = known
        return known[2]

    def after_line(self, width: int) -> Line:
        return words.older_line(self._keys, width)

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
