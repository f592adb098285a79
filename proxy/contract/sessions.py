"""Sums of requests, of the agents of a session and of the session."""

from msgspec import field

from proxy.contract.amounts import Usage
from proxy.contract.frozen import Frozen
from proxy.contract.requests import Outcome, Role


class Tally(Frozen, frozen=True):
    """Sums over ended requests."""

    requests: int = 0
    usage: Usage = Usage()
    cost_nano_usd: int = 0
    """Sum of the known costs; simulated money is not in it."""
    simulated_nano_usd: int = 0
    unpriced_requests: int = 0
    """Requests that cost something nobody could tell."""
    failed: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            requests=self.requests + other.requests,
            usage=self.usage + other.usage,
            cost_nano_usd=self.cost_nano_usd + other.cost_nano_usd,
            simulated_nano_usd=self.simulated_nano_usd + other.simulated_nano_usd,
            unpriced_requests=self.unpriced_requests + other.unpriced_requests,
            failed=self.failed + other.failed,
        )


class AgentTally(Frozen, frozen=True):
    """A thread of a session: the conversation (no id), a sub-agent, or background calls."""

    role: Role
    agent_id: str | None = None
    parent_agent_id: str | None = None
    ordinal: int = 0
    """Sub-agents are numbered in a session in the order in which they appeared, from 1."""
    name: str | None = None
    """Kind and errand of a sub-agent, such as ``Explore "find the handlers"``; None: not learned."""
    done: bool = False
    """A sub-agent whose last answer asked for no further tool."""
    outcome: Outcome | None = None
    """How its last request ended; None: none did, or it is not known any more."""
    tally: Tally = Tally()
    in_flight: int = 0
    started_at: float = 0.0
    last_at: float = 0.0


class Session(Frozen, frozen=True):
    """A Claude Code session as far as the engine saw it."""

    id: str
    """Empty for clients that name no session."""
    project: str | None = None
    started_at: float = 0.0
    last_at: float = 0.0
    tally: Tally = Tally()
    agents: tuple[AgentTally, ...] = ()
    in_flight: int = 0
    context_tokens: int = 0
    """What the last request of the conversation filled of the window, answer included."""
    context_window: int | None = None
    asked_model: str | None = None
    served_model: str | None = None
    provider: str | None = None
    simulated: bool = False
    models: dict[str, int] = field(default_factory=dict)
    """Requests by the model that served them."""
