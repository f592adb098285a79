"""The present state that panels show: requests in flight and just ended, sessions with their sums, today.

Written on the event loop by the engine, read by the feed. Bounded: ended requests, captures and sessions fall
off at the old end; the ledger has them all.
"""

import itertools
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from proxy import contract as c
from proxy.ledger.costings import Costing
from proxy.ledger.sessions import AgentSum
from proxy.net.exchange import Capture, Exchange
from proxy.repricing import Repriced

RECENT_KEPT = 500
SESSIONS_KEPT = 200
CAPTURES_KEPT = 64
CAPTURES_BYTES = 16 * 1024 * 1024
"""Of answers and of the requests' bodies, which the inspector outlines."""
NOTICES_KEPT = 50
AGENTS_KEPT = 200
"""Of a session: each change of one is told with all of them. The sums of the session have the others in them."""

NOTHING = c.Tally()

_LAST_WORDS = frozenset({"end_turn", "stop_sequence", "max_tokens", "refusal"})
"""Reasons to stop after which a sub-agent reports and asks no more."""


@dataclass(frozen=True, slots=True)
class Grown:
    """A request that was imported before its answer was whole."""

    was: c.Request
    now: c.Request

    @property
    def difference(self) -> c.Tally:
        """What sums with the request in them grow by."""
        return c.Tally(
            usage=self.now.usage - self.was.usage,
            cost_nano_usd=(self.now.cost_nano_usd or 0) - (self.was.cost_nano_usd or 0),
            unpriced_requests=(self.now.cost_nano_usd is None) - (self.was.cost_nano_usd is None),
        )


@dataclass(slots=True)
class _AgentSums:
    role: c.Role
    agent_id: str | None
    parent_agent_id: str | None
    ordinal: int
    started_at: float
    last_at: float
    tally: c.Tally = NOTHING
    in_flight: int = 0
    name: str | None = None
    done: bool = False
    outcome: c.Outcome | None = None

    def go_on(self, later: "_AgentSums") -> None:
        """The same agent did more."""
        self.tally += later.tally
        self.last_at, self.in_flight = max(self.last_at, later.last_at), self.in_flight + later.in_flight
        self.name, self.done, self.outcome = later.name or self.name, later.done, later.outcome

    def view(self) -> c.AgentTally:
        return c.AgentTally(
            role=self.role,
            agent_id=self.agent_id,
            parent_agent_id=self.parent_agent_id,
            ordinal=self.ordinal,
            name=self.name,
            done=self.done,
            outcome=self.outcome,
            tally=self.tally,
            in_flight=self.in_flight,
            started_at=self.started_at,
            last_at=self.last_at,
        )


@dataclass(slots=True)
class _SessionSums:
    id: str
    project: str | None
    started_at: float
    last_at: float
    tally: c.Tally = NOTHING
    agents: dict[tuple[c.Role, str | None], _AgentSums] = field(default_factory=dict)
    numbered: int = 0
    """Sub-agents so far."""
    context_tokens: int = 0
    context_window: int | None = None
    asked_model: str | None = None
    served_model: str | None = None
    provider: str | None = None
    simulated: bool = False
    models: Counter[str] = field(default_factory=Counter)

    def take_in(self, one: AgentSum) -> None:
        """Add what an agent did earlier."""
        agent = self.agent(one, one.began)
        self.tally += one.tally
        agent.tally += one.tally
        self.started_at = min(self.started_at, one.began)
        self.last_at, agent.last_at = max(self.last_at, one.ended), max(agent.last_at, one.ended)
        if one.model:
            self.models[one.model] += one.tally.requests

    def take_in_past(self, past: Iterable[AgentSum]) -> None:
        """Add all that was before: sub-agents are numbered anew, the earlier ones first."""
        present, self.agents, self.numbered = self.agents, {}, 0
        for one in past:
            self.take_in(one)
        for agent in present.values():
            self.asker(agent.role, agent.agent_id, agent.parent_agent_id, agent.started_at).go_on(agent)

    def agent(self, request: c.Request | AgentSum, began: float) -> _AgentSums:
        """The sums of the agent that asked; ``began`` is when it did, should it be new."""
        return self.asker(request.role, request.agent_id, request.parent_agent_id, began)

    def asker(self, role: c.Role, agent_id: str | None, parent: str | None, began: float) -> _AgentSums:
        """The same, by what names it."""
        key = (role, agent_id)
        if key not in self.agents:
            self.numbered += role == "agent"
            ordinal = self.numbered if role == "agent" else 0
            self.agents[key] = _AgentSums(*key, parent, ordinal, began, began)
            self._forget_agents()
        agent = self.agents[key]
        agent.parent_agent_id = agent.parent_agent_id or parent
        return agent

    def _forget_agents(self) -> None:
        """Let the sub-agent go that was idle the longest, where there are too many."""
        if len(self.agents) <= AGENTS_KEPT:
            return
        idle = [(each.last_at, key) for key, each in self.agents.items() if each.role == "agent" and not each.in_flight]
        if len(idle) > 1:  # the newest is the one that asks
            del self.agents[min(idle[:-1], key=lambda each: each[0])[1]]

    @property
    def at_work(self) -> bool:
        return any(each.in_flight for each in self.agents.values())

    def view(self) -> c.Session:
        agents = tuple(each.view() for each in self.agents.values())
        return c.Session(
            id=self.id,
            project=self.project,
            started_at=self.started_at,
            last_at=self.last_at,
            tally=self.tally,
            agents=agents,
            in_flight=sum(each.in_flight for each in agents),
            context_tokens=self.context_tokens,
            context_window=self.context_window,
            asked_model=self.asked_model,
            served_model=self.served_model,
            provider=self.provider,
            simulated=self.simulated,
            models=dict(self.models),
        )


class Board:
    """What happens now and happened lately."""

    def __init__(self, now: float) -> None:
        self.live: dict[str, Exchange] = {}
        self.recent: deque[c.Request] = deque(maxlen=RECENT_KEPT)
        self.notices: deque[c.Notice] = deque(maxlen=NOTICES_KEPT)
        self.today = c.Tally()
        self._midnight = c.midnight(c.local_day(now))
        self._sessions: OrderedDict[str, _SessionSums] = OrderedDict()
        self._lacking: dict[str, float] = {}
        """Sessions whose past is in the ledger alone, and when they were met."""
        self._captures: OrderedDict[str, Exchange] = OrderedDict()
        self._captured_bytes = 0

    def opened(self, exchange: Exchange) -> str:
        """A request arrived. Returns its session's key."""
        self.live[exchange.id] = exchange
        asked, began = exchange.identity, exchange.started_at
        session = self._session(asked.session or "", asked.project, began, lacks_past=True)
        session.last_at = began
        session.asker(asked.role, asked.agent, asked.parent_agent, began).in_flight += 1
        return session.id

    def ended(self, exchange: Exchange, request: c.Request, window: int | None) -> str:
        """A request ended; ``window`` is the context window of what served it. Returns its session's key."""
        self.live.pop(exchange.id, None)
        self._keep_capture(exchange)
        session = self._session_of(request)
        agent = session.agent(request, request.started_at)
        agent.in_flight = max(0, agent.in_flight - 1)
        in_window = exchange.in_window
        self._add(session, request, window, in_window.total_tokens if in_window is not None else 0)
        self.recent.append(request)
        return session.id

    def restore(self, request: c.Request, window: int | None) -> None:
        """An ended request from the ledger, oldest first; one that was imported counts and is no news."""
        self._add(self._session_of(request), request, window, _in_window(request))
        if not request.imported:
            self.recent.append(request)

    def repriced(self, changed: Sequence[Repriced]) -> None:
        """Ended requests got other costs."""
        costs = {one.was.id: one for one in changed}
        for one in changed:
            self._grow(one.was, one.difference)
        for place, request in enumerate(self.recent):
            if (new := costs.get(request.id)) is not None:
                self.recent[place] = msgspec.structs.replace(
                    request,
                    cost_nano_usd=new.cost_nano_usd,
                    cost_source=new.cost_source,
                    cost_split=new.cost_split,
                )

    def imported(self, request: c.Request) -> None:
        """A request that ended elsewhere came into the ledger: it counts, and is no news."""
        session = self._sessions.get(request.session_id or "")
        if session is not None and self._has(session, request.started_at):
            session.agent(request, request.started_at)
        self._grow(request, add(NOTHING, request))

    def grew(self, one: Grown) -> None:
        """An imported request came into the ledger again, with more."""
        self._grow(one.was, one.difference)

    def restore_sums(self, sums: Iterable[AgentSum]) -> None:
        """What agents did before the requests that will be restored."""
        for one in sums:
            self._session(one.session, one.project, one.began).take_in(one)

    def meet(self, key: str, project: str | None, now: float) -> None:
        """Have a session that is in the ledger alone, as one that was imported."""
        if key not in self._sessions:
            self._session(key, project, now, lacks_past=True)

    def lacking(self) -> Mapping[str, float]:
        """Sessions of which nothing is known from before they were met, and when that was."""
        return self._lacking

    def add_past(self, key: str, past: Sequence[AgentSum]) -> None:
        """``past`` is all that the ledger has of a session from before it was met."""
        session = self._sessions.get(key)
        if self._lacking.pop(key, None) is None or session is None or not past:
            return
        if not session.tally.requests and not session.at_work:  # nothing but its past is known
            session.last_at = max(one.ended for one in past)
        session.take_in_past(past)
        session.project = session.project or next((one.project for one in past if one.project), None)
        self._sessions = OrderedDict(sorted(self._sessions.items(), key=lambda each: each[1].last_at))

    def name_agent(self, session: str, agent_id: str, name: str) -> bool:
        """Say what a sub-agent is called; False where it is not known."""
        sums = self._sessions.get(session)
        agent = sums.agents.get(("agent", agent_id)) if sums is not None else None
        if agent is None:
            return False
        agent.name = name
        return True

    def turn_day(self, now: float) -> bool:
        """Begin a new day's sums after midnight; True where it did."""
        midnight = c.midnight(c.local_day(now))
        if midnight == self._midnight:
            return False
        self._midnight, self.today = midnight, c.Tally()
        for request in self.recent:  # those of the last second ended before anybody saw that the day had turned
            if request.kind == "messages" and request.started_at >= midnight:
                self.today = add(self.today, request)
        return True

    def session(self, key: str) -> c.Session | None:
        """None where it fell off meanwhile."""
        session = self._sessions.get(key)
        return session.view() if session is not None else None

    def sessions(self) -> tuple[c.Session, ...]:
        """Those of the last day, the most recently active last."""
        return tuple(each.view() for each in self._sessions.values())

    def session_ids(self) -> list[str]:
        """Ids of the same, in the same order; may be asked from any thread."""
        return list(self._sessions)

    def models_asked(self) -> tuple[str, ...]:
        """What conversations ask for, each once."""
        asked = (each.asked_model for each in self._sessions.values())
        return tuple(dict.fromkeys(model for model in asked if model))

    def requests(self) -> tuple[c.Request, ...]:
        """Recently ended and live ones, oldest first."""
        return (*self.recent, *(exchange.view() for exchange in self.live.values()))

    def find(self, request_id: str) -> Exchange | None:
        """The exchange of a live or just ended request, while it is kept."""
        return self.live.get(request_id) or self._captures.get(request_id)

    def latest(self, session: str, agent: str | None = None) -> Exchange | None:
        """The last message of a session's conversation, or of an agent in it, whose body is kept."""
        kept = (*reversed(self.live.values()), *reversed(self._captures.values()))
        wanted = ("agent" if agent else "main", agent)
        return next(
            (
                each
                for each in kept
                if each.kind == "messages"
                and (each.identity.session or "") == session
                and (each.identity.role, each.identity.agent) == wanted
            ),
            None,
        )

    def capture(self, request_id: str) -> Capture | None:
        exchange = self.find(request_id)
        return exchange.capture if exchange is not None else None

    def _session_of(self, request: c.Request) -> _SessionSums:
        return self._session(request.session_id or "", request.project, request.started_at)

    def _session(self, key: str, project: str | None, began: float, *, lacks_past: bool = False) -> _SessionSums:
        """One that is new ``lacks_past``, if it is said so: whoever restores it knows it."""
        session = self._sessions.get(key)
        if session is None:
            self._forget_session()
            session = self._sessions[key] = _SessionSums(key, project, began, began)
            if lacks_past and key:
                self._lacking[key] = began
        self._sessions.move_to_end(key)
        session.project = session.project or project
        return session

    def _forget_session(self) -> None:
        """Let the sessions go that were idle the longest, where there are too many."""
        over = len(self._sessions) - SESSIONS_KEPT + 1
        if over > 0:
            idle = (key for key, each in self._sessions.items() if not each.at_work)
            for key in list(itertools.islice(idle, over)):
                del self._sessions[key]
                self._lacking.pop(key, None)

    def _has(self, session: _SessionSums, began: float) -> bool:
        """Whether a request of the ledger that began then is in a session's sums."""
        return began >= self._lacking.get(session.id, 0.0)

    def _grow(self, request: c.Request | Costing, more: c.Tally) -> None:
        """Sums that have ``request`` in them have ``more``."""
        if request.started_at >= self._midnight:
            self.today += more
        session = self._sessions.get(request.session_id or "")
        if session is None or not self._has(session, request.started_at):
            return
        session.tally += more
        if (agent := session.agents.get((request.role, request.agent_id))) is not None:
            agent.tally += more

    def _add(self, session: _SessionSums, request: c.Request, window: int | None, in_window: int) -> None:
        """``in_window``: tokens that stand in ``window`` with the answer; 0: nobody knows."""
        if request.kind != "messages":
            return
        agent = session.agent(request, request.started_at)
        session.tally = add(session.tally, request)
        agent.tally = add(agent.tally, request)
        session.last_at = agent.last_at = request.started_at + (request.duration_ms or 0) / 1000
        agent.done = request.role == "agent" and request.stop_reason in _LAST_WORDS
        agent.outcome = request.outcome
        if model := request.served_model or request.target_model:
            session.models[model] += 1
        if request.started_at >= self._midnight:
            self.today = add(self.today, request)
        if request.role == "main" and request.outcome != "failed":
            session.asked_model = request.asked_model
            session.served_model = request.served_model or request.target_model
            session.provider, session.simulated = request.provider, request.simulated
            if request.usage.prompt_tokens and in_window:
                session.context_tokens, session.context_window = in_window, window

    def _keep_capture(self, exchange: Exchange) -> None:
        self._captures[exchange.id] = exchange
        self._captured_bytes += _kept_bytes(exchange)
        while self._captures and (len(self._captures) > CAPTURES_KEPT or self._captured_bytes > CAPTURES_BYTES):
            _, dropped = self._captures.popitem(last=False)
            self._captured_bytes -= _kept_bytes(dropped)


def _in_window(request: c.Request) -> int:
    """Tokens of prompt and answer as they stood in the window: the last answer's. 0: its provider searched, and the
    counts are a sum."""
    last = request.paid[-1]
    return 0 if last.usage.web_searches and not last.searched_here else last.usage.total_tokens


def _kept_bytes(exchange: Exchange) -> int:
    """What an ended exchange holds in memory."""
    return exchange.capture.size + len(exchange.raw_body)


def add(tally: c.Tally, request: c.Request) -> c.Tally:
    """``tally`` with one more ended request."""
    cost = request.cost_nano_usd
    return c.Tally(
        requests=tally.requests + 1,
        usage=tally.usage + request.usage,
        cost_nano_usd=tally.cost_nano_usd + (0 if request.simulated else cost or 0),
        simulated_nano_usd=tally.simulated_nano_usd + (cost or 0 if request.simulated else 0),
        unpriced_requests=tally.unpriced_requests + (cost is None),
        failed=tally.failed + (request.outcome == "failed"),
    )
