"""The sessions: a table of all, the highlighted one in full, its agents as a tree.

What the panel's state knows is worded here as it moves, once a second where only time does. Where the money went is
asked of the engine for the highlighted session alone, while it spends.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from proxy import contract as c
from tui import actions
from tui.client import Door, DoorError
from tui.messages import PaneResized, RowOpened, RowSelected
from tui.screens.model_picker import ModelPicker
from tui.state import session_detail, sessions
from tui.state.agents import scope_of, told_line
from tui.state.choices import SessionChoice
from tui.state.keys_line import keys_line
from tui.state.lines import EMPTY, Line, Piece, line
from tui.state.panel import Dirty, PanelState
from tui.state.text import clean_line
from tui.state.titles import titled
from tui.state.who import session_names
from tui.widgets.agent_pane import AgentPane
from tui.widgets.choice_list import ChoiceList
from tui.widgets.line_block import LineBlock
from tui.widgets.line_scroll import LineScroll
from tui.work import begin

ASK_S = 2.0
"""How often the highlighted session's report is asked for."""
SETTLE_S = 0.1
"""A highlight that stands for so long is asked about: running through the table asks for nothing."""
SPENT_S = 3700.0
"""A session that was quiet for longer has no pace any more that could change."""
SHARE = 0.4
"""Of the screen's height that the table takes at most."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the engine told, and of which state of the session."""

    of: c.Session
    told: c.SessionReport

    @property
    def missing(self) -> int:
        """Requests of the session that the ledger does not have."""
        return max(0, self.of.tally.requests - self.told.tally.requests)


class SessionsScreen(Screen[SessionChoice]):
    """Closes with the session that the panel shall show, or with None."""

    CSS_PATH = "sessions.tcss"
    PLACES: ClassVar[tuple[actions.Place, ...]] = ("sessions",)
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (90, "-roomy"), (140, "-wide")]  # noqa: RUF012
    BINDINGS = [*actions.bindings("sessions")]  # noqa: RUF012  the form that Textual's type asks for

    def __init__(
        self, state: PanelState, keys: actions.Keys, door: Callable[[], Door], clock: Callable[[], float]
    ) -> None:
        super().__init__()
        self.heading = LineBlock(id="title")
        self.titles = LineBlock(id="titles")
        self.table = ChoiceList(self._table_line, id="table")
        self.report_title = LineBlock(id="report-title", classes="title")
        self.report = LineScroll(id="report")
        self.agents = AgentPane(clock, id="tree-side")
        self.note = LineBlock(id="note")
        self.keys_bar = LineBlock(id="keys")
        self._state, self._all_keys, self._door, self._clock = state, keys, door, clock
        self._keys = actions.first_keys(keys)
        self._shown: list[c.Session] = []
        self._names: dict[str, str] = {}
        self._rates: dict[str, sessions.Rate] = {}
        self._reports: dict[str, Report] = {}
        self._trouble = ""
        self._said = ""
        self._second = 0
        self._worded: tuple[c.Session | None, Report | None, int] | None = None
        """What is told in full, of which second."""

    def compose(self) -> ComposeResult:
        yield from (self.heading, self.titles, self.table)
        with Horizontal(id="lower"):
            yield Vertical(self.report_title, self.report, id="report-side")
            yield self.agents
        yield from (self.note, self.keys_bar)

    @property
    def highlighted(self) -> c.Session | None:
        """The session under the cursor; None: all of them."""
        place = self.table.cursor
        return self._shown[place - 1] if place and place <= len(self._shown) else None

    @property
    def in_tree(self) -> bool:
        """The keys move in the tree."""
        return self.agents.entered

    def on_mount(self) -> None:
        self.report.can_focus = False
        self._renew(Dirty.ALL)
        self.table.renew(len(self._shown) + 1, self._first_place())
        self._highlight_moved()
        self.set_interval(ASK_S, self.ask_again)

    def repaint(self, dirty: Dirty, now: float, frame: int) -> None:
        """The panel's state moved, or time did."""
        del frame
        if self.is_mounted and (dirty & Dirty.SESSIONS or int(now) != self._second):
            self._renew(dirty)
            session = self.highlighted
            if self._worded != (session, self._reports.get(session.id) if session else None, self._second):
                self._reword()

    def _first_place(self) -> int:
        ids = [one.id for one in self._shown]
        if self._state.scope in ids:
            return ids.index(self._state.scope) + 1
        latest = max(self._shown, key=lambda one: (bool(one.in_flight), one.last_at), default=None)
        return self._shown.index(latest) + 1 if latest is not None else 0

    def _renew(self, dirty: Dirty) -> None:
        """Order and word the table anew, the highlight on its session."""
        now = self._clock()
        if int(now) != self._second or dirty is Dirty.ALL:
            self._second = int(now)
            self._rates = sessions.rates(self._state.requests.newest(), now)
        before = self.highlighted
        self._shown = sessions.ordered(self._state.sessions.values(), now)
        self._names = session_names(self._shown)
        total = 1 + len(self._shown)
        self.table.styles.height = max(1, min(total, int(self.size.height * SHARE)))
        ids = [one.id for one in self._shown]
        place = ids.index(before.id) + 1 if before is not None and before.id in ids else self.table.cursor
        self.table.renew(total, place)

    def _reword(self) -> None:
        """Word everything around the table anew."""
        now, session = self._clock(), self.highlighted
        self._worded = (session, self._reports.get(session.id) if session is not None else None, self._second)
        self.heading.show([sessions.sessions_title(self._state, now)])
        self.titles.show([sessions.session_titles(self.table.row_width)])
        width = self.report.row_width
        if session is None:
            self._title(self.report_title, "all sessions")
            self.report.show(session_detail.all_lines(len(self._shown), width))
        else:
            known = self._reports.get(session.id)
            self._title(self.report_title, session_detail.detail_title(session))
            told, missing = (known.told, known.missing) if known is not None else (None, 0)
            self.report.show(session_detail.detail_lines(session, told, width, now, missing))
        self.agents.show(session)
        self._reword_keys()

    def _title(self, block: LineBlock, text: str) -> None:
        block.show([titled(line(Piece(text, "strong")), block.size.width)])

    def _reword_keys(self) -> None:
        self.note.show([self._note_line()])
        hints = actions.footer_hints(self._keys, "sessions", without=() if self.in_tree else ("fold",))
        self.keys_bar.show([keys_line(hints, self.size.width, ("help", "back"))])

    def _note_line(self) -> Line:
        if self._trouble:
            return line(" ", Piece(self._trouble, "bad"))
        if self._said:
            return line(" ", Piece(self._said, "good"))
        agent = self.agents.agent
        return told_line(agent, self.size.width, self._clock()) if agent is not None else EMPTY

    def _table_line(self, index: int, width: int) -> Line:
        if index == 0 or index > len(self._shown):
            return sessions.all_row(self._state, self._rates, width)
        session = self._shown[index - 1]
        rate = self._rates.get(session.id, sessions.NO_RATE)
        return sessions.session_row(session, self._names[session.id], rate, width, self._clock())

    # The engine's report

    def ask_again(self) -> None:
        """Ask for the report once more, where it may have changed since; called by a timer."""
        session = self.highlighted
        if session is None:
            return
        known = self._reports.get(session.id)
        if known is None or known.of != session or self._clock() - session.last_at < SPENT_S:
            begin(self, partial(self._ask, session, 0.0), "report")

    async def _ask(self, session: c.Session, settle_s: float) -> None:
        await asyncio.sleep(settle_s)
        try:
            told = await self._door().session_report(session.id)
        except DoorError as error:
            self._trouble = clean_line(str(error))
        else:
            self._trouble = ""
            self._reports = {session.id: Report(session, told)}
        self._reword()

    def _highlight_moved(self) -> None:
        self.agents.to_top()
        self._reword()
        if (session := self.highlighted) is not None:
            begin(self, partial(self._ask, session, SETTLE_S), "report")

    # The user's hand

    @on(PaneResized)
    def _resized(self) -> None:
        self._renew(Dirty.SESSIONS)
        self._reword()

    @on(RowSelected)
    def _clicked(self, event: RowSelected) -> None:
        self._go_to_side(tree=False)
        self._highlight(event.index)

    @on(RowOpened)
    def _clicked_again(self) -> None:
        self.action_look()

    @on(AgentPane.Picked)
    def _agent_clicked(self, event: AgentPane.Picked) -> None:
        self._go_to_side(tree=True)
        self.agents.pick(event.index)
        self._reword_keys()

    @on(AgentPane.Opened)
    def _agent_clicked_again(self, event: AgentPane.Opened) -> None:
        self._go_to_side(tree=True)
        self.agents.pick(event.index)
        self.action_fold()

    def _move(self, by: int) -> None:
        self._said = ""
        if self.in_tree:
            self.agents.move(by)
            self._reword_keys()
        else:
            self._highlight(self.table.moved(by))

    def _highlight(self, place: int | None) -> None:
        if place != self.table.cursor:
            self.table.set_cursor(place)
            self._highlight_moved()

    def _go_to_side(self, *, tree: bool) -> None:
        self.agents.entered = tree
        self.set_class(tree, "-in-tree")
        self._reword()

    def action_session_up(self) -> None:
        self._move(-1)

    def action_session_down(self) -> None:
        self._move(1)

    def action_side(self) -> None:
        if self.highlighted is not None:
            self._go_to_side(tree=not self.in_tree)

    def action_look(self) -> None:
        self.dismiss(SessionChoice(self.highlighted.id if self.highlighted is not None else None))

    def action_fold(self) -> None:
        self.agents.fold()
        self._reword_keys()

    def action_shut(self) -> None:
        if self.in_tree and not self.agents.shut():
            self._go_to_side(tree=False)
        self._reword_keys()

    def action_unfold(self) -> None:
        if self.in_tree:
            self.agents.unfold()
            self._reword_keys()
        else:
            self.action_side()

    def action_report_up(self) -> None:
        self.report.jump(max(0, self.report.scroll_offset.y - 3))

    def action_report_down(self) -> None:
        self.report.jump(self.report.scroll_offset.y + 3)

    def action_model_here(self) -> None:
        """Pick the model of the highlighted agent's kind, or of the session."""
        session, row = self.highlighted, self.agents.agent
        scope = scope_of(session, row.agent if row is not None else None) if session is not None else None
        picker = ModelPicker(self._state, self._all_keys, self._door, session, self._clock, scope=scope)
        self.app.push_screen(picker, self._routed)

    def _routed(self, sentence: str | None) -> None:
        self._said = sentence or ""
        self._reword_keys()

    def action_leave_sessions(self) -> None:
        self.dismiss(None)
