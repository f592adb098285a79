"""Where a request may go, with which key and in which form: what the relay asks the engine for.

Puts together what routing, health, budgets, windows, abilities and rejections say of a target. It sends nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proxy import contract as c
from proxy.budget_gate import BudgetGate
from proxy.catalog import ModelCatalog
from proxy.chores import contain
from proxy.fitting import Fitting
from proxy.health import Admitted, Closed, HealthBook
from proxy.herald import Herald
from proxy.lessons import lesson_of
from proxy.net.attempt import Attempt, Parcel
from proxy.net.credentials import Credentials
from proxy.net.exchange import Exchange
from proxy.net.relay import login_name
from proxy.net.searching import NoWeb, Web, WebWork, web_work_for
from proxy.net.upstream import Upstreams
from proxy.parcels import Parcels
from proxy.protocol import routing
from proxy.protocol.naming import is_claude_as_asked
from proxy.protocol.outcome import Outcome
from proxy.protocol.overflow import Room
from proxy.protocol.rejections import Rejection
from proxy.providers import ProviderConfig
from proxy.rejections import RejectionBook
from proxy.roster import Roster
from proxy.routefile import RouteFile

Groups = Mapping[str, Sequence[routing.Member]]


@dataclass(slots=True)
class Dispatch:
    """The ``Surroundings`` of the relay; also the ``Catalog`` of routing."""

    routefile: RouteFile
    providers: Roster
    known_groups: Groups
    credentials: Credentials
    upstreams: Upstreams
    local_token: str
    catalog: ModelCatalog
    health: HealthBook
    fitting: Fitting
    parcels: Parcels
    rejected: RejectionBook
    gate: BudgetGate
    web: Web
    config_file: Path
    herald: Herald
    changed: Callable[[], None]
    """Told when something about a provider is news for panels."""
    ended: Callable[[Exchange], None]
    """Told of each request that is over."""

    @property
    def route(self) -> c.Route:
        return self.routefile.route

    # The catalog of routing

    def provider_names(self) -> Sequence[str]:
        return tuple(self.providers)

    def model_ids(self, provider: str) -> Sequence[str]:
        return self.catalog.ids(provider)

    def groups(self) -> Groups:
        return self.known_groups

    def simulated(self, provider: str) -> bool:
        return self.providers[provider].simulated

    def background_model(self, provider: str) -> str | None:
        return self.providers[provider].background_model

    def cheapest(self, provider: str) -> str | None:
        return self.catalog.cheapest(provider)

    # Where to

    def provider_in_force(self) -> str:
        """The provider of all traffic that nothing more specific sends elsewhere."""
        general = [each for each in self.route.overrides if each.session is None and each.slot is None]
        known = [each.provider for each in general if each.provider in (*self.providers, *self.known_groups)]
        try:
            return routing.provider_of(known[0] if known else self.route.default, self)
        except routing.NoTarget:
            return self.route.default

    def provider_of(self, exchange: Exchange, target: routing.Target) -> ProviderConfig:
        return exchange.providers.get(target.provider) or self.providers[target.provider]

    async def within_budget(self, exchange: Exchange, targets: Sequence[routing.Target]) -> Sequence[routing.Target]:
        return await self.gate.admit(exchange, targets, self.route, self)

    def goes_on(self, exchange: Exchange, target: routing.Target) -> None:
        contain("what a request spent", self.gate.hold, exchange, target)

    # With which key

    def admit(
        self, exchange: Exchange, target: routing.Target, tried: Sequence[int], *, only: bool
    ) -> Admitted | Closed:
        provider = self.provider_of(exchange, target)
        session = exchange.identity.session or ""
        login = self._login(provider, exchange)
        return self.health.admit(provider, target.model, session, login=login, tried=tried, only=only)

    def unsent(self, exchange: Exchange, target: routing.Target, admission: Admitted) -> None:
        provider = self.provider_of(exchange, target)
        login = self._login(provider, exchange)
        self.health.unsent(provider, target.model, admission.key, login, admission.number)

    def began(self, attempt: Attempt) -> None:
        """Told from within the stream, which no fault here may hold up."""
        contain("the beginning of an answer", self._began, attempt)

    def _began(self, attempt: Attempt) -> None:
        if not self._concerns(attempt):
            return
        login = self._login(attempt.provider, attempt.exchange)
        if self.health.began(attempt.provider, attempt.target.model, attempt.key, login, attempt.admission):
            self.changed()

    def beside(self, exchange: Exchange, target: routing.Target) -> Admitted | Closed:
        provider = self.provider_of(exchange, target)
        return self.health.beside(provider, exchange.identity.session or "", self._login(provider, exchange))

    def other_key(self, target: routing.Target, tried: Sequence[int]) -> bool:
        return self.health.other_key(self.providers[target.provider], tried)

    def _login(self, provider: ProviderConfig, exchange: Exchange) -> str | None:
        """Names the client's own credential where it goes along to ``provider``."""
        if provider.auth != "passthrough":
            return None
        if exchange.login is None:
            exchange.login = login_name(exchange, self.local_token)
        return None if not exchange.login and provider.keys else exchange.login or "none"

    # In which form

    def room(self, exchange: Exchange, target: routing.Target) -> Room:
        """Claude as it was asked for is its own judge of what fits; of other targets the window is known."""
        provider = self.providers[target.provider]
        own_judge = provider.real_claude or is_claude_as_asked(exchange.asked_model, target.model)
        window = None if own_judge else self.catalog.window(target.provider, target.model)
        return self.fitting.room(exchange, target, window)

    def estimate_tokens(self, exchange: Exchange) -> int:
        model = exchange.target_model or exchange.asked_model or ""
        return max(1, self.fitting.estimate(exchange, model))

    def answer_ratio(self, target: routing.Target) -> float:
        return self.fitting.estimator.answer_ratio(target.model)

    def lacks(self, exchange: Exchange, target: routing.Target) -> str | None:
        if exchange.body is None:
            return None
        if not self.providers[target.provider].quirks.images and exchange.body.has_images:
            return "images"
        return self.catalog.lacks(target.provider, target.model, exchange.body)

    def web_for(self, exchange: Exchange, target: routing.Target) -> WebWork | NoWeb | None:
        return web_work_for(exchange, target, self.providers[target.provider], self.web, self.config_file)

    async def parcel(self, exchange: Exchange, target: routing.Target) -> Parcel:
        return await self.parcels.of(exchange, target, self.provider_of(exchange, target))

    # What came of it

    def rejections(self, target: routing.Target) -> Sequence[Rejection]:
        """What was learned of a name holds for whom it names now: never for Claude itself."""
        provider = self.providers[target.provider]
        return () if provider.real_claude else self.rejected.of(target)

    def learn_rejection(self, exchange: Exchange, target: routing.Target, message: str) -> bool:
        lesson = lesson_of(message, exchange, self.providers[target.provider], self.rejected.of(target))
        learned = lesson is not None and self.rejected.learn(target, lesson)
        if learned:
            self.changed()
        return learned

    def note_outcome(self, attempt: Attempt, outcome: Outcome, headers: Mapping[str, str]) -> None:
        """Only messages tell of health: other paths have limits and troubles of their own. What a provider did before
        it was set up anew tells nothing of it now."""
        contain("what an attempt tells of its provider", self._note_outcome, attempt, outcome, headers)

    def _note_outcome(self, attempt: Attempt, outcome: Outcome, headers: Mapping[str, str]) -> None:
        provider, exchange = attempt.provider, attempt.exchange
        if not self._concerns(attempt):
            return
        login = self._login(provider, exchange)
        if not exchange.tells_health:
            self.health.unsent(provider, attempt.target.model, attempt.key, login, attempt.admission)
            return
        where = (provider, attempt.target.model, attempt.key)
        limits = self.health.note(*where, outcome, headers, login, attempt.admission)
        if outcome.name == "served" and exchange.first_event_at is not None:
            self.health.note_latency(provider, round((exchange.first_event_at - attempt.began) * 1000, 3))
        self.herald.limits(provider.name, limits)
        self.changed()

    def _concerns(self, attempt: Attempt) -> bool:
        """Whether what becomes of an attempt tells of its provider as it is set up now."""
        return attempt.exchange.kind == "messages" and self.providers.get(attempt.provider.name) is attempt.provider
