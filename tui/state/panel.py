"""Everything that the panel knows, changed by ``apply`` alone.

The container is mutable, every value in it is a frozen value of the contract. ``dirty`` collects what moved
since the last repaint took it; nothing here paints, waits or asks.
"""

from collections import deque
from collections.abc import Iterable
from enum import Flag, auto
from typing import Literal, assert_never

from proxy import contract as c
from tui.state.requests import Filter, RequestBook
from tui.state.stream import StreamText

SESSION_LIMIT = 300
NOTICE_LIMIT = 50
ACTIVE_S = 1800.0
"""A session that did nothing for this long is not at work any more."""

Link = Literal["connecting", "up", "gone"]


class Dirty(Flag):
    """What moved."""

    NOTHING = 0
    REQUESTS = auto()
    SESSIONS = auto()
    ROUTE = auto()
    PROVIDERS = auto()
    STREAM = auto()
    ENGINE = auto()
    ALL = REQUESTS | SESSIONS | ROUTE | PROVIDERS | STREAM | ENGINE


GRAVEST_FIRST = ("error", "warning", "info")


def next_notice(waiting: Iterable[c.Notice]) -> c.Notice | None:
    """The one to tell now: the gravest, of those the oldest."""
    return min(waiting, key=lambda notice: GRAVEST_FIRST.index(notice.level), default=None)


class PanelState:
    """The engine's state as this panel last heard it, and what the panel looks at."""

    def __init__(self, url: str = "", request_limit: int | None = None) -> None:
        self.url = url
        self.link: Link = "connecting"
        self.link_text = ""
        self.engine: c.Engine | None = None
        self.route = c.Route(default="")
        self.providers: tuple[c.Provider, ...] = ()
        self.sessions: dict[str, c.Session] = {}
        self.requests = RequestBook() if request_limit is None else RequestBook(request_limit)
        self.today = c.Tally()
        self.problems: tuple[str, ...] = ()
        self.notices: deque[c.Notice] = deque(maxlen=NOTICE_LIMIT)
        self.unread: deque[c.Notice] = deque(maxlen=NOTICE_LIMIT)
        self.budgets: dict[tuple[c.BudgetKind, str], c.Budget] = {}
        """Those that are set, by kind and name; of days and months the present one alone."""
        self.passing: frozenset[str] = frozenset()
        """Sessions that no budget stops."""
        self.used_up: tuple[str, ...] = ()
        """Budgets that refuse requests now, in words."""
        self.stream = StreamText()
        self.dirty = Dirty.ALL
        self._ordinals: dict[tuple[str, str], int] = {}

    @property
    def scope(self) -> str | None:
        """The session that the user chose to look at; None: all."""
        return self.requests.filter.session

    @property
    def in_flight(self) -> int:
        return len(self.requests.live)

    @property
    def shown_in_flight(self) -> int:
        """Those in flight that the filter admits."""
        chosen = self.requests.filter
        return self.in_flight if chosen.open else sum(chosen.admits(request) for request in self.requests.live)

    def apply(self, event: c.Event) -> None:
        """Take one event in."""
        match event:
            case c.Snapshot():
                self._replace(event)
            case c.RequestChanged():
                self.requests.put(event.request)
                self.dirty |= Dirty.REQUESTS
            case c.SessionChanged():
                self._put_session(event.session)
                self.today = event.today
                self._put_budgets(event.budgets)
                self.dirty |= Dirty.SESSIONS
            case c.RouteChanged():
                self.route = event.route
                self.dirty |= Dirty.ROUTE
            case c.ProvidersChanged():
                self.providers = event.providers
                self.dirty |= Dirty.PROVIDERS
            case c.StreamPart():
                if self.stream.apply(event):
                    self.dirty |= Dirty.STREAM
            case c.NoticePosted():
                self.notices.append(event.notice)
                self.unread.append(event.notice)
                self.dirty |= Dirty.ENGINE
            case c.EngineChanged():
                self.engine, self.problems, self.used_up = event.engine, event.problems, event.used_up
                self.dirty |= Dirty.ENGINE
            case _:
                assert_never(event)

    def lost(self, why: str) -> None:
        """The engine does not answer any more; what it said last stays on the screen."""
        self.link, self.link_text = "gone", why
        self.dirty = Dirty.ALL

    def add_history(self, requests: Iterable[c.Request], *, more: bool = False) -> None:
        """Add requests of the ledger, older than those of the feed; ``more``: it has older ones yet."""
        self.requests.add_history(requests, more=more)
        self.dirty |= Dirty.REQUESTS

    def look_at(self, session: str | None) -> None:
        """Show the requests and the costs of one session, or of all."""
        self.requests.show(Filter(session, self.requests.filter.text))
        self.dirty = Dirty.ALL

    def search(self, text: str) -> None:
        """Show only requests that hold the words of ``text``."""
        self.requests.show(Filter(self.requests.filter.session, text))
        self.dirty |= Dirty.REQUESTS

    def watch(self, request_id: str | None) -> None:
        self.stream.watch(request_id)
        self.dirty |= Dirty.STREAM

    def show_answer(self, detail: c.Detail) -> None:
        """Show the finished answer of a request, if it is still the one that is watched."""
        self.stream.load(detail.request.id, detail.answer)
        self.dirty |= Dirty.STREAM

    def provider(self, name: str | None) -> c.Provider | None:
        return next((provider for provider in self.providers if provider.name == name), None)

    def ordinal(self, request: c.Request) -> int | None:
        """The number of the sub-agent that asked; None where the session does not tell it yet."""
        return self._ordinals.get((request.session_id or "", request.agent_id or ""))

    def at_work(self, now: float) -> list[c.Session]:
        """Sessions in flight or active lately, the most recent first; nobody works in a check."""
        people = [one for one in self.sessions.values() if not one.id.startswith(c.CHECK_SESSION)]
        found = [one for one in people if one.in_flight or now - one.last_at < ACTIVE_S]
        return sorted(found, key=lambda one: (one.last_at, one.id), reverse=True)

    def session_in_view(self, now: float) -> c.Session | None:
        """The chosen session, else the only one at work; None: the costs of all are shown."""
        if self.scope is not None:
            return self.sessions.get(self.scope)
        working = self.at_work(now)
        return working[0] if len(working) == 1 else None

    def budget_in_view(self, session: c.Session | None) -> c.Budget | None:
        """The budget with the least left, of those that ``session`` falls under, or of today and this month."""
        named = {"session": session.id, "project": session.project} if session is not None else {}
        found = [
            one for one in self.budgets.values() if one.kind in ("day", "month") or named.get(one.kind) == one.name
        ]
        return min(found, key=lambda one: one.left_nano_usd or 0, default=None)

    def _replace(self, snapshot: c.Snapshot) -> None:
        if self.engine is not None and self.engine.home != snapshot.engine.home:
            self.requests.clear()
        self.link, self.link_text, self.url = "up", "", snapshot.engine.url
        self.engine, self.route, self.providers = snapshot.engine, snapshot.route, snapshot.providers
        self.sessions.clear()
        self._ordinals.clear()
        for session in snapshot.sessions:
            self._put_session(session)
        self.requests.replace_live(snapshot.requests)
        self.today, self.problems = snapshot.today, snapshot.problems
        self.notices.clear()
        self.notices.extend(snapshot.notices)
        self.budgets.clear()
        self._put_budgets(snapshot.budgets)
        self.passing = frozenset(snapshot.passing)
        self.used_up = snapshot.used_up
        self.dirty = Dirty.ALL

    def _put_budgets(self, budgets: Iterable[c.Budget]) -> None:
        for budget in budgets:
            if budget.kind in ("day", "month"):
                for past in [key for key in self.budgets if key[0] == budget.kind]:
                    del self.budgets[past]
            self.budgets[budget.kind, budget.name] = budget

    def _put_session(self, session: c.Session) -> None:
        self.sessions[session.id] = session
        for agent in session.agents:
            if agent.agent_id:
                self._ordinals[session.id, agent.agent_id] = agent.ordinal
        if len(self.sessions) > SESSION_LIMIT:
            self._forget_session(min(self.sessions.values(), key=lambda one: one.last_at))

    def _forget_session(self, session: c.Session) -> None:
        del self.sessions[session.id]
        self.budgets.pop(("session", session.id), None)
        for agent in session.agents:
            self._ordinals.pop((session.id, agent.agent_id or ""), None)
