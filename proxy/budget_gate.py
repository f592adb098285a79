"""Whether a request may go under its budgets, and where to: asked by the relay before each target.

The sums are ``budgets``', the rules ``protocol.budget``'s. Here they meet prices, providers and the route: what
costs nothing always passes, what costs something is refused, sent to the cheaper target, or let go with a warning.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from proxy import contract as c
from proxy.budgets import Budgets
from proxy.costs import Costs
from proxy.net.credentials import is_subscription
from proxy.net.exchange import Exchange
from proxy.protocol.budget import OverBudget, Scope, estimate, named, refusal, tightest
from proxy.protocol.routing import Asked, Catalog, Target, decide, parse_target
from proxy.providers import ProviderConfig
from proxy.settings import BudgetSettings

WAIT_S = 240.0
"""A request waits so long for others to end; the client itself gives up at 300 s."""


class BudgetGate:
    """Lets requests pass while their budgets last."""

    def __init__(
        self,
        budgets: Budgets,
        settings: BudgetSettings,
        costs: Costs,
        providers: Mapping[str, ProviderConfig],
        tokens: Callable[[Exchange, Target], int],
    ) -> None:
        """``tokens`` estimates the prompt of a request for a target."""
        self.budgets = budgets
        self._settings, self._costs, self._providers, self._tokens = settings, costs, providers, tokens
        self._refusing: dict[Scope, str | None] = {}
        """Budgets that refused a request, and of which session."""

    async def admit(
        self, exchange: Exchange, targets: Sequence[Target], route: c.Route, catalog: Catalog
    ) -> Sequence[Target]:
        """Those of ``targets`` that the request may still be tried at, the first of them now.

        Asked before each target, so that what costs nothing waits for no budget, and what follows it in the chain is
        bounded all the same. Raises ``OverBudget`` and ``NoTarget``.
        """
        if self.budgets.idle:
            return targets
        identity = exchange.identity
        under = self.budgets.scopes(identity.session, identity.project, exchange.started_at)
        await self.budgets.know(under)
        if self._costly(exchange, targets[0]) and not self._passes(exchange):
            stopping = await self._room(exchange, under)
            if stopping is not None:
                targets = self._instead(exchange, targets, stopping, route, catalog)
        self.hold(exchange, targets[0])
        return targets

    def hold(self, exchange: Exchange, target: Target) -> None:
        """Until the request ends count what it may cost at ``target``, and what its answers until now did."""
        if self.budgets.idle:
            return
        costly = self._costly(exchange, target)
        spent = sum(self._cost(exchange, each) for each in exchange.earlier)
        if costly or spent:
            identity = exchange.identity
            under = self.budgets.scopes(identity.session, identity.project, exchange.started_at)
            self.budgets.reserve(exchange.id, under, spent + (self._estimate(exchange, target) if costly else 0))
        else:
            self.budgets.release(exchange.id)

    def used_up(self) -> tuple[str, ...]:
        """The budgets that refused a request and still would, in words."""
        standing = {scope: budget for scope in self._refusing if (budget := self._still_refuses(scope)) is not None}
        self._refusing = {scope: session for scope, session in self._refusing.items() if scope in standing}
        return tuple(f"{named(each)} is used up" for each in standing.values())

    def views(self, sessions: Iterable[c.Session]) -> tuple[c.Budget, ...]:
        """The budgets that are set of ``sessions``, their projects, today and this month, each once; what was spent
        under one is told when it is known."""
        if self.budgets.idle:
            return ()
        bounded = (scope for scope in self._scopes_of(sessions) if self.budgets.limit(scope) is not None)
        return tuple(self.budgets.view(scope) for scope in bounded if self.budgets.known(scope))

    async def learn(self, sessions: Iterable[c.Session]) -> None:
        """Ask the ledger for what ``views`` does not know yet, and forget what it does not tell any more."""
        scopes = self._scopes_of(sessions)
        await self.budgets.forget_all_but(scopes)
        if not self.budgets.idle:
            await self.budgets.know(scopes)

    async def report(self, session: str | None, project: str | None) -> c.BudgetReport:
        """The budgets of a session, of a project, of today and of this month."""
        under = self.budgets.scopes(session, project)
        await self.budgets.know(under, unlimited=True)
        return c.BudgetReport(
            action=self._settings.action,
            downgrade_to=self._settings.downgrade_to,
            budgets=tuple(self.budgets.view(scope) for scope in under),
            session=session,
            passing=self.budgets.passing(session),
        )

    async def facts(self, session: c.Session | None, provider: str) -> c.StatusFacts:
        """What the status line tells of ``session``; ``provider`` is the one in force."""
        under = self.budgets.scopes(session.id if session else None, session.project if session else None)
        await self.budgets.know(under)
        budget = tightest([self.budgets.view(scope) for scope in under])
        if session is None:
            return c.StatusFacts(provider=provider, budget=budget)
        usage, window = session.tally.usage, session.context_window
        return c.StatusFacts(
            provider=session.provider or provider,
            known=True,
            served_model=session.served_model,
            cost_nano_usd=session.tally.cost_nano_usd,
            simulated_nano_usd=session.tally.simulated_nano_usd,
            unpriced_requests=session.tally.unpriced_requests,
            cached=usage.cache_read_tokens / usage.prompt_tokens if usage.prompt_tokens else None,
            context=session.context_tokens / window if window else None,
            budget=budget,
            passing=self.budgets.passing(session.id),
        )

    def _scopes_of(self, sessions: Iterable[c.Session]) -> tuple[Scope, ...]:
        of_each = (self.budgets.scopes(each.id or None, each.project) for each in sessions)
        return tuple(dict.fromkeys(scope for some in (*of_each, self.budgets.scopes(None, None)) for scope in some))

    async def _room(self, exchange: Exchange, under: Sequence[Scope]) -> c.Budget | None:
        """The budget that is used up, or None: the request may go. Waits where only what is in flight fills one."""
        why = exchange.why
        try:
            async with asyncio.timeout(WAIT_S):
                while True:
                    verdict, budget = self.budgets.judge(under)
                    passing = self.budgets.passing(exchange.identity.session)
                    if budget is None or passing or verdict == "spent":
                        exchange.why, exchange.dirty = why, True
                        return None if passing else budget
                    exchange.why, exchange.dirty = f"waits: requests in flight may use up {named(budget)}", True
                    await self.budgets.one_ended()
        except TimeoutError:
            raise OverBudget("cctui: requests in flight may use up a budget. Send the message again.") from None

    def _instead(
        self, exchange: Exchange, targets: Sequence[Target], budget: c.Budget, route: c.Route, catalog: Catalog
    ) -> Sequence[Target]:
        """Where the request goes now that ``budget`` is used up."""
        costly = [target for target in targets if self._costly(exchange, target)]
        free = [target for target in targets if target not in costly and not target.unlisted]
        if self._settings.action == "downgrade" and self._settings.downgrade_to and exchange.pinned is None:
            cheaper = _target(self._settings.downgrade_to, exchange, route, catalog)
            exchange.why = f"{named(budget)} is used up: downgraded to {cheaper}"
            return [cheaper, *(target for target in free if target != cheaper)]
        if free:
            exchange.attempts += [_left_out(target, budget) for target in costly]
            return free
        self._refusing[Scope(budget.kind, budget.name)] = exchange.identity.session
        if exchange.attempts:
            exchange.attempts += [_left_out(target, budget) for target in costly]
        raise OverBudget(refusal(budget, exchange.identity.session))

    def _still_refuses(self, scope: Scope) -> c.Budget | None:
        past = scope.kind in ("day", "month") and scope not in self.budgets.scopes(None, None)
        if past or self.budgets.passing(self._refusing[scope]):
            return None
        verdict, budget = self.budgets.judge([scope])
        return budget if verdict == "spent" else None

    def _passes(self, exchange: Exchange) -> bool:
        """No budget stops the request, or it was let go before, to another target."""
        held = self.budgets.holds(exchange.id)
        return held or self._settings.action == "warn" or self.budgets.passing(exchange.identity.session)

    def _costly(self, exchange: Exchange, target: Target) -> bool:
        """The target costs money that counts, or may: an unknown price is not taken for none."""
        provider = self._providers[target.provider]
        subscription = provider.auth == "passthrough" and is_subscription(exchange.raw_headers)
        if not self.budgets.counts(simulated=provider.simulated, subscription=subscription):
            return False
        price, _ = self._costs.price_of(provider, target.model)
        return price is None or price.input > 0 or price.output > 0

    def _cost(self, exchange: Exchange, one: c.Pass) -> int:
        """What is known of the cost of one of its answers, where that money counts."""
        provider = self._providers.get(one.provider)
        if provider is None:
            return 0
        counts = self.budgets.counts(simulated=provider.simulated, subscription=exchange.subscription)
        return (self._costs.settled(provider, one).nano_usd or 0) if counts else 0

    def _estimate(self, exchange: Exchange, target: Target) -> int:
        price, _ = self._costs.price_of(self._providers[target.provider], target.model)
        return estimate(self._tokens(exchange, target), price)


def _left_out(target: Target, budget: c.Budget) -> c.Attempt:
    """A target at which the request was not tried."""
    reason = f"{named(budget)} is used up"
    return c.Attempt(provider=target.provider, model=target.model, outcome="skipped", reason=reason)


def _target(text: str, exchange: Exchange, route: c.Route, catalog: Catalog) -> Target:
    """The target ``text`` as a route of its own would choose it. Raises ``NoTarget``."""
    chosen = c.Route(default=route.default, overrides=(parse_target(text, catalog),), groups=route.groups)
    return decide(chosen, Asked(exchange.asked_model or "", exchange.identity.session), catalog).target
