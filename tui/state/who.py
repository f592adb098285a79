"""Names of sessions, agents and models as the panel writes them."""

from collections import Counter
from collections.abc import Iterable, Mapping

from proxy.contract import AgentTally, Request, Session, Tally
from tui.state.formats import money, short_model, spent
from tui.state.text import clean_line

AGENT_MARK = "⤷"
ARROW = "→"


def agent_name(role: str, ordinal: int | None) -> str:
    """Who asked, in at most four cells for the first 99 sub-agents."""
    if role == "main":
        return "main"
    if role == "background":
        return "bg"
    return f"{AGENT_MARK}{ordinal}" if ordinal else AGENT_MARK


def agent_row_name(agent: AgentTally) -> str:
    """``main``, ``⤷1 Explore "find the handlers"``, ``background``."""
    if agent.role == "background":
        return "background"
    name = agent_name(agent.role, agent.ordinal)
    return f"{name} {clean_line(agent.name)}" if agent.name else name


def session_name(session: Session | None, session_id: str | None = None) -> str:
    """The project, else the start of the id."""
    if session is not None and session.project:
        return clean_line(session.project)
    identifier = session.id if session is not None else session_id
    return clean_line(identifier)[:8] if identifier else "no session"


def told_apart(session: Session | None, among: Mapping[str, Session], session_id: str | None = None) -> str:
    """Its name; with the start of the id where another session that is known has the same name."""
    name = session_name(session, session_id)
    if session is None or not any(one.id != session.id and session_name(one) == name for one in among.values()):
        return name
    return f"{name} {clean_line(session.id)[:4]}"


def session_names(sessions: Iterable[Session]) -> dict[str, str]:
    """The name of each session by its id; where several have the same, the start of the id stands behind it."""
    names = {one.id: session_name(one) for one in sessions}
    many = Counter(names.values())
    return {key: f"{name} {clean_line(key)[:4]}" if many[name] > 1 else name for key, name in names.items()}


def agent_names(sessions: Iterable[Session]) -> dict[str, str]:
    """The name of each sub-agent by its id, behind that of its session."""
    sessions = list(sessions)
    names = session_names(sessions)
    return {
        agent.agent_id: f"{names[session.id]} {agent_row_name(agent)}"
        for session in sessions
        for agent in session.agents
        if agent.agent_id
    }


def session_money(session: Session, width: int | None = None) -> str:
    """What the session cost; its mark of simulated money stands there from its first request on.

    Without room for both in ``width`` cells, real money stands alone.
    """
    return part_money(session.tally, width, simulated=session.simulated)


def part_money(tally: Tally, width: int | None = None, *, simulated: bool) -> str:
    """What a part of a session cost, with the same mark where the session is ``simulated``, though it cost nothing."""
    if simulated and not tally.cost_nano_usd and not tally.unpriced_requests:
        return money(tally.simulated_nano_usd, simulated=True)
    return spent(tally, width)


def models(request: Request) -> str:
    """Asked and served model side by side; one name where both are the same."""
    asked = short_model(request.asked_model)
    answering = request.served_model or request.target_model
    if not request.asked_model:
        return short_model(answering) if answering else clean_line(request.path)
    served = short_model(answering) if answering else asked
    return asked if served == asked else f"{asked} {ARROW} {served}"
