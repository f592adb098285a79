"""The agents of a session as a tree: the conversation, what it sent out, what those sent out, and background calls."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from proxy.contract import AgentTally, Outcome, Session, Tally
from tui.state import formats as f
from tui.state.choices import Scope
from tui.state.lines import Line, Piece, Tone, cut, first_that_fits, line
from tui.state.text import cells, fit, left, right
from tui.state.who import agent_row_name, part_money, session_name

INDENT = 2
DONE_AFTER_S = 600.0
"""A sub-agent that said nothing for so long after a tool call is not waited for any more."""
STATE = 13
COST = 9
NAME_MIN = 18
ROOT = "main"
_ENDS: dict[Outcome | None, tuple[str, Tone]] = {
    "cancelled": ("⊘ cancelled", "dim"),
    "failed": ("✗ failed", "bad"),
    "broken": ("✗ broken", "bad"),
}
"""Of a sub-agent's last request, after which it runs no tool."""


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent in its place; a closed one stands for all below it."""

    key: str
    agent: AgentTally
    depth: int
    below: int
    """Agents that it sent out, and those that they did."""
    closed: bool
    tally: Tally
    in_flight: int
    started_at: float
    last_at: float
    simulated: bool = False
    """The session is: what cost nothing has its mark too."""


def agent_rows(
    agents: Sequence[AgentTally], closed: frozenset[str] = frozenset(), *, simulated: bool = False
) -> list[AgentRow]:
    """The visible rows from the top, without those below a row in ``closed``."""
    children: dict[str, list[AgentTally]] = {}
    known = {_key(agent) for agent in agents}
    for agent in sorted((one for one in agents if one.role == "agent"), key=lambda one: one.ordinal):
        parent = agent.parent_agent_id if agent.parent_agent_id in known - {_key(agent)} else ROOT
        children.setdefault(parent or ROOT, []).append(agent)
    _untie(agents, children)
    tops = sorted((one for one in agents if one.role != "agent"), key=lambda one: one.role != "main")
    if ROOT not in known:
        tops = [*children.get(ROOT, ()), *tops]
    rows = (row for top in tops for row in _rows(top, 0, children, closed))
    return [replace(row, simulated=simulated) for row in rows]


def agent_line(row: AgentRow, width: int, now: float) -> Line:
    """A row in ``width`` cells."""
    fold = "▸ " if row.closed and row.below else "▾ " if row.below else "  "
    name = f"{' ' * INDENT * row.depth}{fold}{agent_row_name(row.agent)}"
    more = f" +{row.below}" if row.closed and row.below else ""
    state, tone = agent_state(row, now)
    name_tone: Tone = "plain" if row.in_flight or row.agent.role == "main" else "dim"
    return _tally_line(Piece(name, name_tone), more, row, Piece(state, tone), width, now)


def sum_line(session: Session, width: int, now: float) -> Line:
    """The sums of the session, which the rows add up to."""
    whole = AgentRow(
        key="",
        agent=AgentTally(role="main"),
        depth=0,
        below=0,
        closed=False,
        tally=session.tally,
        in_flight=session.in_flight,
        started_at=session.started_at,
        last_at=session.last_at,
        simulated=session.simulated,
    )
    return _tally_line(Piece("  all", "strong"), "", whole, Piece(""), width, now)


def tree_titles(width: int) -> Line:
    """The titles over the rows."""
    room, columns = _layout(width)
    names = {"requests": right("req", 6), "tokens": right("tokens", 7), "lasted": right("lasted", 11)}
    told = "".join(names[name] for name in columns)
    return cut(line(Piece(f" {left('  agent', room)}{right('cost', COST)}{told}", "dim")), width)


def agent_state(row: AgentRow, now: float) -> tuple[str, Tone]:
    """What the agent does, in words."""
    if row.in_flight:
        return "● working", "accent"
    quiet = max(0.0, now - row.last_at)
    if row.agent.role == "agent" and row.agent.done:
        return "✓ done", "dim"
    if row.agent.role == "agent" and row.agent.outcome in _ENDS:
        return _ENDS[row.agent.outcome]
    if row.agent.role == "agent" and quiet < DONE_AFTER_S:
        return f"… tool {f.age(quiet)}", "plain"
    return f"idle {f.age(quiet)}", "dim"


def told_line(row: AgentRow, width: int, now: float) -> Line:
    """Everything about a row, where columns were left out or names cut: its whole name, and the figures that fit."""
    tally = row.tally
    lasted = max(row.last_at, now if row.in_flight else 0.0) - row.started_at
    facts = [
        f"{tally.requests} request{'s' * (tally.requests != 1)}",
        f"{f.count(tally.usage.total_tokens)} tokens",
        part_money(tally, simulated=row.simulated),
        *([f.age(lasted)] if row.started_at else []),
    ]
    below = f" and {row.below} below it" if row.closed else ""
    name = Piece(f"{agent_row_name(row.agent)}{below}")
    shorter = (" · ".join(facts[:some]) for some in range(len(facts), 0, -1))
    return first_that_fits([*(line(" ", name, Piece(f"  {each}", "dim")) for each in shorter), line(" ", name)], width)


def scope_of(session: Session, agent: AgentTally | None) -> Scope:
    """The traffic that a model chosen on an agent's row is for; None: the whole session's."""
    name, session_id = session_name(session), session.id or None
    match agent.role if agent is not None else "main":
        case "agent":
            return Scope(f"sub-agents of {name}", session_id, "subagent")
        case "background":
            return Scope(f"haiku/background of {name}", session_id, "haiku")
        case _:
            return Scope(f"session {name}", session_id)


def _key(agent: AgentTally) -> str:
    return agent.agent_id or agent.role


def _untie(agents: Sequence[AgentTally], children: dict[str, list[AgentTally]]) -> None:
    """Agents that are each other's parents hang on the conversation instead, so that every agent has a place."""
    for agent in agents:
        if agent.role == "agent" and _key(agent) not in _reached(children):
            children[agent.parent_agent_id or ROOT].remove(agent)
            children.setdefault(ROOT, []).append(agent)


def _reached(children: dict[str, list[AgentTally]]) -> set[str]:
    """Those that hang on the conversation, at whatever depth."""
    reached: set[str] = set()
    waiting = [ROOT]
    while waiting:
        key = waiting.pop()
        reached.add(key)
        waiting += [_key(child) for child in children.get(key, ()) if _key(child) not in reached]
    return reached


def _rows(
    agent: AgentTally, depth: int, children: dict[str, list[AgentTally]], closed: frozenset[str]
) -> list[AgentRow]:
    """The row of ``agent`` and those below it."""
    key = _key(agent)
    under = _below(agent, children)
    shut = key in closed and bool(under)
    told = [agent, *under] if shut else [agent]
    row = AgentRow(
        key=key,
        agent=agent,
        depth=depth,
        below=len(under),
        closed=shut,
        tally=_added(one.tally for one in told),
        in_flight=sum(one.in_flight for one in told),
        started_at=agent.started_at,
        last_at=max(one.last_at for one in told),
    )
    if shut:
        return [row]
    return [row, *(each for child in children.get(key, ()) for each in _rows(child, depth + 1, children, closed))]


def _below(agent: AgentTally, children: dict[str, list[AgentTally]]) -> list[AgentTally]:
    return [each for child in children.get(_key(agent), ()) for each in (child, *_below(child, children))]


def _added(tallies: Iterable[Tally]) -> Tally:
    tallies = list(tallies)
    usage = tallies[0].usage
    for other in tallies[1:]:
        usage += other.usage
    return Tally(
        requests=sum(one.requests for one in tallies),
        usage=usage,
        cost_nano_usd=sum(one.cost_nano_usd for one in tallies),
        simulated_nano_usd=sum(one.simulated_nano_usd for one in tallies),
        unpriced_requests=sum(one.unpriced_requests for one in tallies),
        failed=sum(one.failed for one in tallies),
    )


def _layout(width: int) -> tuple[int, tuple[str, ...]]:
    """Cells of the name, and the columns that there is room for beside cost and state."""
    room = width - 1 - COST - STATE - 1 - NAME_MIN
    taken: list[str] = []
    for name, size in (("requests", 6), ("lasted", 11), ("tokens", 7)):
        if size <= room:
            taken.append(name)
            room -= size
    ordered = tuple(name for name in ("requests", "tokens", "lasted") if name in taken)
    return NAME_MIN + max(0, room), ordered


def _tally_line(name: Piece, more: str, row: AgentRow, state: Piece, width: int, now: float) -> Line:
    room, columns = _layout(width)
    lasted = max(row.last_at, now if row.in_flight else 0.0) - row.started_at
    told = {
        "requests": right(f"{f.count(row.tally.requests)}×", 6),
        "tokens": right(f.count(row.tally.usage.total_tokens), 7),
        "lasted": right(f.age(lasted) if row.started_at else "", 11),
    }
    cost = part_money(row.tally, COST, simulated=row.simulated) if row.tally.requests else ""
    money = f.aligned(cost, COST)
    text = fit(name.text, room - cells(more) - 1)
    return cut(
        line(
            " ",
            name._replace(text=left(f"{text}{more}", room)),
            Piece(money),
            Piece("".join(told[one] for one in columns), "dim"),
            state._replace(text="  " + left(state.text, STATE - 1)),
        ),
        width,
    )
