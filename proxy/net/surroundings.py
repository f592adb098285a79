"""What the relay needs of the engine around it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from proxy import contract as c
from proxy.health import Admitted, Closed
from proxy.net.attempt import Attempt, Parcel
from proxy.net.credentials import Credentials
from proxy.net.exchange import Exchange
from proxy.net.searching import NoWeb, WebWork
from proxy.net.upstream import Upstreams
from proxy.protocol.outcome import Outcome
from proxy.protocol.overflow import Room
from proxy.protocol.rejections import Rejection
from proxy.protocol.routing import Catalog, Target
from proxy.providers import ProviderConfig


class Surroundings(Catalog, Protocol):
    """Also the ``Catalog`` of routing."""

    @property
    def route(self) -> c.Route: ...

    @property
    def providers(self) -> Mapping[str, ProviderConfig]: ...

    @property
    def credentials(self) -> Credentials: ...

    @property
    def upstreams(self) -> Upstreams: ...

    @property
    def local_token(self) -> str: ...

    def provider_in_force(self) -> str:
        """The provider of all traffic that nothing more specific sends elsewhere."""
        ...

    def provider_of(self, exchange: Exchange, target: Target) -> ProviderConfig:
        """A target's provider as it was set up when the request arrived."""
        ...

    def admit(self, exchange: Exchange, target: Target, tried: Sequence[int], *, only: bool) -> Admitted | Closed:
        """Whether a request may go to a target now, and with which key."""
        ...

    def unsent(self, exchange: Exchange, target: Target, admission: Admitted) -> None:
        """Nothing of an admitted request was sent."""
        ...

    def began(self, attempt: Attempt) -> None:
        """The answer to an attempt reaches the client."""
        ...

    def beside(self, exchange: Exchange, target: Target) -> Admitted | Closed:
        """The key for a request that is no message."""
        ...

    def other_key(self, target: Target, tried: Sequence[int]) -> bool:
        """Whether the target's provider has a key that was not ``tried`` and may be used."""
        ...

    def room(self, exchange: Exchange, target: Target) -> Room:
        """The size of a request and of its target's window."""
        ...

    async def within_budget(self, exchange: Exchange, targets: Sequence[Target]) -> Sequence[Target]:
        """Those of ``targets`` that a request may still be tried at under its budgets, the first of them now.

        Asked before each target: only what costs money has to wait for it. Raises ``OverBudget`` and ``NoTarget``.
        """
        ...

    def goes_on(self, exchange: Exchange, target: Target) -> None:
        """A request asks its target again: what its answers until now cost counts under its budgets."""

    def lacks(self, exchange: Exchange, target: Target) -> str | None:
        """What the request needs and the target lists that it does not have."""
        ...

    def web_for(self, exchange: Exchange, target: Target) -> WebWork | NoWeb | None:
        """How a request gets the searches and pages that it wants; None: it wants none, or the target has its own."""
        ...

    async def parcel(self, exchange: Exchange, target: Target) -> Parcel:
        """The request as the target gets it. Raises ``CannotTake`` where it cannot be said in the target's format."""
        ...

    def rejections(self, target: Target) -> Sequence[Rejection]:
        """What a target was seen to reject."""
        ...

    def learn_rejection(self, exchange: Exchange, target: Target, message: str) -> bool:
        """Remember what ``message`` rejects; False where that is no news, or nothing that the request has."""
        ...

    def note_outcome(self, attempt: Attempt, outcome: Outcome, headers: Mapping[str, str]) -> None:
        """An attempt ended: it tells of its target's health and limits."""

    def ended(self, exchange: Exchange) -> None:
        """The request is over: price it, record it, tell the panels."""

    def estimate_tokens(self, exchange: Exchange) -> int:
        """Input tokens of a body that no provider counts for us."""
        ...

    def answer_ratio(self, target: Target) -> float:
        """Bytes of the text that a target answers for each token."""
        ...
