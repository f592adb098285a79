"""The tree of a session's agents with its titles and its sums: what is folded, and which agent is under the cursor."""

from collections.abc import Callable
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from proxy.contract import Session
from tui.messages import RowOpened, RowSelected
from tui.state import agents
from tui.state.agents import AgentRow
from tui.state.lines import EMPTY, Line, Piece, line
from tui.state.titles import titled
from tui.widgets.choice_list import ChoiceList
from tui.widgets.line_block import LineBlock


def _rows(session: Session, folded: frozenset[str]) -> list[AgentRow]:
    return agents.agent_rows(session.agents, folded, simulated=session.simulated)


class AgentPane(Vertical):
    """Shows the session last given. The cursor is there while ``entered``."""

    @dataclass
    class Picked(Message):
        """An agent was chosen with the mouse."""

        index: int

    @dataclass
    class Opened(Message):
        """An agent was clicked a second time."""

        index: int

    def __init__(self, clock: Callable[[], float], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.heading = LineBlock(id="tree-title", classes="title")
        self.titles = LineBlock(id="tree-titles", classes="title")
        self.rows = ChoiceList(self._row_line, id="tree")
        self.sums = LineBlock(id="tree-sum")
        self.entered = False
        self._clock = clock
        self._session: Session | None = None
        self._shown: list[AgentRow] = []
        self._folded: dict[str, frozenset[str]] = {}

    def compose(self) -> ComposeResult:
        yield from (self.heading, self.titles, self.rows, self.sums)

    @property
    def agent(self) -> AgentRow | None:
        """The row under the cursor."""
        place = self.rows.cursor
        return self._shown[place] if self.entered and place is not None and place < len(self._shown) else None

    def show(self, session: Session | None) -> None:
        """Show the agents of ``session``."""
        self._session = session
        folded = self._folded.get(session.id, frozenset()) if session is not None else frozenset()
        self._shown = _rows(session, folded) if session is not None else []
        self.rows.renew(len(self._shown), (self.rows.cursor or 0) if self.entered else None)
        self._word(session)

    def to_top(self) -> None:
        """Another session comes: the cursor begins anew."""
        self.rows.set_cursor(None)

    def move(self, by: int) -> None:
        self.rows.set_cursor(self.rows.moved(by))

    def pick(self, index: int) -> None:
        self.rows.set_cursor(index)

    def fold(self) -> None:
        """Close the row under the cursor, or open it."""
        if (row := self.agent) is not None and row.below:
            self._set_folded(row, folded=not row.closed)

    def unfold(self) -> None:
        if (row := self.agent) is not None and row.closed:
            self._set_folded(row, folded=False)

    def shut(self) -> bool:
        """Close the row; one that has nothing to close leads to the one above it. False: there is none above."""
        row, place = self.agent, self.rows.cursor
        if row is None or place is None:
            return False
        if row.below and not row.closed:
            self._set_folded(row, folded=True)
        elif row.depth == 0:
            return False
        else:
            above = (index for index in range(place - 1, -1, -1) if self._shown[index].depth < row.depth)
            self.rows.set_cursor(next(above, 0))
        return True

    def _set_folded(self, row: AgentRow, *, folded: bool) -> None:
        if (session := self._session) is not None:
            before = self._folded.get(session.id, frozenset())
            self._folded[session.id] = before | {row.key} if folded else before - {row.key}
            self.show(session)

    def _word(self, session: Session | None) -> None:
        width = self.rows.row_width
        working = sum(bool(each.in_flight) for each in session.agents) if session is not None else 0
        text = f"agents · {working} working" if working else "agents"
        self.heading.show([titled(line(Piece(text, "strong")), self.heading.size.width)])
        self.titles.show([agents.tree_titles(width)] if session is not None else [])
        self.sums.show([agents.sum_line(session, width, self._clock())] if session is not None else [])

    def _row_line(self, index: int, width: int) -> Line:
        return agents.agent_line(self._shown[index], width, self._clock()) if index < len(self._shown) else EMPTY

    @on(RowSelected)
    def _selected(self, event: RowSelected) -> None:
        event.stop()
        self.post_message(self.Picked(event.index))

    @on(RowOpened)
    def _opened(self, event: RowOpened) -> None:
        event.stop()
        self.post_message(self.Opened(event.index))
