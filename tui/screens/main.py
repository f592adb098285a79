"""The main screen: what flows, what it costs, what it says.

Owns the selection, the freezing and the drawer. It reads the panel's state, paints on ``repaint`` only, and asks
the engine for nothing.
"""

from typing import Literal

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.widgets import Input

from proxy.contract import Request
from tui import actions
from tui.messages import PaneResized, RowOpened, RowSelected
from tui.state.burn import Burn, burn
from tui.state.cost import cost_lines, cost_title, graph_columns, provider_lines
from tui.state.empty import empty_lines
from tui.state.header import header
from tui.state.keys_line import KeyHint, keys_line, said_lines
from tui.state.lines import Line, Piece, Tone, line
from tui.state.panel import Dirty, PanelState
from tui.state.requests import FrozenRows, Rows
from tui.state.stream_title import stream_note, stream_title
from tui.state.titles import TITLE_EDGES, requests_title, titled
from tui.state.watching import choose_watched
from tui.widgets.line_block import LineBlock
from tui.widgets.request_list import RequestList
from tui.widgets.stream_pane import StreamPane

Drawer = Literal["stream", "costs", "providers"]
DRAWERS: tuple[Drawer, ...] = ("stream", "costs", "providers")
PINNED = ("help", "leave")
"""Labels of the keys that stand at the right edge of the footer, whatever stands beside them."""
SOMETIMES = ("drawer", "restart", "copy", "inspect", "filter", "freeze")
"""Actions that are of use only at times."""
WIDE_ENOUGH = "Stream and costs are both on the screen: the drawer is for narrow ones."
MESSAGE_S = 5.0
"""How long a message stands in the footer's place."""


class MainScreen(Screen[None]):
    """The panel's first screen."""

    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (90, "-middle"), (115, "-broad"), (140, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (8, "-low"), (16, "-tall")]  # noqa: RUF012
    BINDINGS = [*actions.bindings("panel", "list")]  # noqa: RUF012

    def __init__(self, state: PanelState, keys: actions.Keys) -> None:
        super().__init__()
        self.header = LineBlock(id="header")
        self.keys_bar = LineBlock(id="keys")
        self.empty = LineBlock(id="empty")
        self._keys = actions.first_keys(keys)
        self.rows = RequestList(state.ordinal, self._keys, id="rows")
        self.rows_title = LineBlock(id="rows-title", classes="title")
        self.costs = LineBlock(id="costs-body")
        self.costs_title = LineBlock(id="costs-title", classes="title")
        self.stream = StreamPane(id="stream-body")
        self.stream_title = LineBlock(id="stream-title", classes="title")
        self.filter = Input(placeholder="words to look for", id="filter", compact=True, select_on_focus=False)
        self._state = state
        self._frozen: FrozenRows | None = None
        self._frozen_total = 0
        self._frozen_stream: str | None = None
        self._drawer: Drawer = "stream"
        self._burn = Burn()
        self._burn_at = 0.0
        self._message: tuple[str, Tone] = ("", "plain")
        self._message_until = 0.0
        self._news = False
        """The sentence is no answer to what the user did."""

    def compose(self) -> ComposeResult:
        yield self.header
        yield self.empty
        with Container(id="body"):
            yield Vertical(self.rows_title, self.rows, id="requests")
            yield Vertical(self.costs_title, self.costs, id="costs")
            yield Vertical(self.stream_title, self.stream, id="stream")
        yield self.filter
        yield self.keys_bar

    @property
    def selected(self) -> Request | None:
        """The request under the cursor."""
        return self.rows.under_cursor()

    @property
    def frozen(self) -> bool:
        return self._frozen is not None

    def wanted_watch(self) -> str | None:
        """The request whose text should be shown."""
        present = self._state.stream.request_id
        if self.frozen and self.rows.selected is None:
            return present
        return choose_watched(self._state.requests, self._shown_rows, self.rows.selected, present)

    def say(self, text: str, tone: Tone, now: float, *, news: bool = False) -> None:
        """Show a sentence in the footer's place for a while; ``news`` until a key is pressed."""
        self._message, self._message_until, self._news = (text, tone), now + MESSAGE_S, news

    def on_key(self) -> None:
        """Whoever presses a key wants to see the keys."""
        if self._news:
            self._message_until = 0.0

    def says(self, now: float) -> bool:
        """A sentence stands in the footer's place."""
        return bool(self._message[0]) and now < self._message_until

    def repaint(self, dirty: Dirty, now: float, frame: int) -> None:
        """Show what moved."""
        if not self.is_mounted:
            return
        state = self._state
        self.set_class(state.requests.total == 0, "-empty")
        self._compute_burn(dirty, now)
        self._paint_header(now)
        self._paint_keys(now)
        if self.has_class("-empty"):
            self.empty.show(empty_lines(state, self.size.width, now, self._keys))
            return
        self._paint_rows(dirty, now, frame)
        self._paint_costs(now)
        self._paint_stream(dirty, now, frame)

    @property
    def _shown_rows(self) -> Rows:
        return self._frozen if self._frozen is not None else self._state.requests

    def _compute_burn(self, dirty: Dirty, now: float) -> None:
        if now - self._burn_at < 1.0 and dirty is not Dirty.ALL:
            return
        self._burn_at = now
        session = self._state.session_in_view(now)
        columns = graph_columns(self.costs.size.width or 32)
        self._burn = burn(self._state.requests.newest(), now, columns, session.id if session else None)

    def _paint_header(self, now: float) -> None:
        new = self._state.requests.total - self._frozen_total if self.frozen else None
        self.header.show(header(self._state, self._burn, self.size.width, now, self._keys, frozen_new=new))

    def _paint_keys(self, now: float) -> None:
        if self.filter.has_focus:
            done = KeyHint("⏎", "show these", "screen.filter_done")
            clear = KeyHint(self._keys["clear"], "show all", "screen.clear")
            self._show_keys([keys_line([done, clear], self.size.width)])
            return
        useless = {name for name in SOMETIMES if not self._useful(name)}
        hints = actions.footer_hints(self._keys, "panel", without=useless)
        if self.says(now):
            self._show_keys(said_lines(Piece(*self._message), hints, self.size.width, PINNED))
        else:
            self._show_keys([keys_line(hints, self.size.width, PINNED)])

    def _show_keys(self, lines: list[Line]) -> None:
        self.keys_bar.styles.height = len(lines)
        self.keys_bar.show(lines)

    def _useful(self, name: str) -> bool:
        if name == "restart":
            return self._state.link == "gone"
        if name == "copy":
            return self.has_class("-empty")
        return not self.has_class("-empty") and (name != "drawer" or self.has_class("-narrow"))

    def _paint_rows(self, dirty: Dirty, now: float, frame: int) -> None:
        title = requests_title(self._state, self.rows_title.size.width, self.rows.row_width, frozen=self.frozen)
        self.rows_title.show([title])
        if self.frozen:
            return
        if dirty & (Dirty.REQUESTS | Dirty.SESSIONS):
            self.rows.show(self._shown_rows, now, frame)
        else:
            self.rows.animate_live(now, frame)

    def _paint_costs(self, now: float) -> None:
        if self.frozen:
            return
        size = self.costs.size
        if self._drawer == "providers" and self.has_class("-narrow"):
            title, lines = "providers", provider_lines(self._state, size.width, size.height, now)
        else:
            title = cost_title(self._state, now)
            lines = cost_lines(self._state, self._burn, size.width, size.height, now)
        self.costs_title.show([titled(line(Piece(title, "strong")), self.costs_title.size.width)])
        self.costs.show(lines)

    def _paint_stream(self, dirty: Dirty, now: float, frame: int) -> None:
        text = self._state.stream
        if self.frozen and text.request_id == self._frozen_stream:
            return
        request = self._state.requests.get(text.request_id) if text.request_id else None
        width = self.stream_title.size.width
        title = stream_title(self._state, request, now, frame, width - TITLE_EDGES)
        self.stream_title.show([titled(title, width)])
        if dirty & (Dirty.STREAM | Dirty.REQUESTS):
            text.set_width(self.stream.text_width, inline_labels=not self.stream.margin)
            self.stream.show(text.rows, text.request_id, stream_note(self._state, request))

    @on(PaneResized)
    def _pane_resized(self) -> None:
        self._state.dirty = Dirty.ALL

    @on(RowSelected)
    def _row_selected(self, event: RowSelected) -> None:
        self._select(event.index)

    @on(RowOpened)
    async def _row_opened(self, event: RowOpened) -> None:
        self._select(event.index)
        await self.run_action("app.inspect")

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self._state.search(event.value)

    @on(Input.Submitted, "#filter")
    def action_filter_done(self) -> None:
        self._close_filter()

    def _close_filter(self) -> None:
        self.set_class(bool(self.filter.value), "-filtering")
        self.set_focus(None)

    def _select(self, index: int | None) -> None:
        self.rows.select(index)
        self._state.dirty |= Dirty.STREAM

    def _move(self, by: int) -> None:
        self._select(self.rows.moved(by))

    def action_up(self) -> None:
        self._move(-1)

    def action_down(self) -> None:
        self._move(1)

    def action_page_up(self) -> None:
        self._move(-self.rows.page)

    def action_page_down(self) -> None:
        self._move(self.rows.page)

    def action_newest(self) -> None:
        self._select(None)

    def action_oldest(self) -> None:
        self._select(len(self._shown_rows) - 1)

    def action_stream_up(self) -> None:
        self.stream.scroll_rows(-3)

    def action_stream_down(self) -> None:
        self.stream.scroll_rows(3)

    def action_filter(self) -> None:
        self.add_class("-filtering")
        self.filter.focus()

    def action_clear(self) -> None:
        self.filter.value = ""
        self._close_filter()
        self._select(None)

    def action_freeze(self) -> None:
        if self._frozen is None:
            self._frozen = self._state.requests.frozen()
            self._frozen_total = self._state.requests.total
            self._frozen_stream = self._state.stream.request_id
            self.rows.show(self._frozen, self.rows.now, 0)
        else:
            self._frozen = None
        self._state.dirty = Dirty.ALL

    def action_drawer(self) -> None:
        if not self.has_class("-narrow"):
            self.say(WIDE_ENOUGH, "plain", self.rows.now)
            self._state.dirty |= Dirty.ENGINE
            return
        self._drawer = DRAWERS[(DRAWERS.index(self._drawer) + 1) % len(DRAWERS)]
        self.set_class(self._drawer != "stream", "-drawer-costs")
        self._state.dirty = Dirty.ALL
