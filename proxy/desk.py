"""What the control door opens onto: the answers to panels, commands and scripts. Off the hot path.

Commands are judged and carried out here, on the engine's own parts; HTTP is ``net.control``'s.
"""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import msgspec

from proxy import __version__
from proxy import contract as c
from proxy.checkup.checkups import CannotCheck
from proxy.checkup.probes import NoSuchProbe
from proxy.checkup.target import target_to_check
from proxy.imports import CannotImport
from proxy.ledger.writer import FLUSH_S
from proxy.metrics import Present, exposition
from proxy.net.control import Refused
from proxy.net.discovery import Declined
from proxy.protocol import routing
from proxy.protocol.naming import USUALLY_ASKED
from proxy.protocol.parts import PartReader
from proxy.providers import ProviderConfig
from proxy.repricing import CannotReprice
from proxy.settings import SettingsError

if TYPE_CHECKING:
    from proxy.engine import Engine

_WHOLE_SESSION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A whole id may be set before the session's first request: the client takes one with ``--session-id``."""


class ControlDesk:
    """Carries out what the control door lets in."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def snapshot(self) -> c.Snapshot:
        return self._engine.overview.snapshot()

    def stop(self, drain_s: float | None) -> None:
        self._engine.stop(drain_s)

    def hello(self, nonce: str) -> c.Hello:
        proof = c.proof_of_token(self._engine.local_token, nonce)
        return c.Hello(
            product="cctui",
            contract=c.CONTRACT,
            version=__version__,
            pid=os.getpid(),
            proof=proof,
            draining=self._engine.draining,
        )

    def follow(self, panel: str) -> AsyncIterator[bytes]:
        return self._engine.feed.follow(panel)

    def watch(self, command: c.Watch) -> None:
        if not self._engine.feed.watch(command.panel, command.request_id):
            raise Refused(f"no panel {command.panel!r} follows the feed", "not_found", 404)

    async def use(self, command: c.Use) -> c.Route:
        session = await self._named_session(command.session)
        probes = self._engine.board.models_asked() or USUALLY_ASKED
        try:
            route = routing.apply_use(
                self._engine.route, command.target, session, command.slot, self._engine.dispatch, probes
            )
        except routing.NoTarget as error:
            raise Refused(str(error), "no_target") from None
        self._engine.routefile.set_overrides(route.overrides)
        return await self._route_changed()

    async def set_fallback(self, command: c.SetFallback) -> c.Route:
        try:
            parsed = tuple(routing.parse_target(text, self._engine.dispatch) for text in command.chain or ())
        except routing.NoTarget as error:
            raise Refused(str(error), "no_target") from None
        chain = tuple(dict.fromkeys(routing.show_override(each) for each in parsed))
        self._engine.routefile.set_fallback(command.enabled, None if command.chain is None else chain, command.slot)
        return await self._route_changed()

    async def rest(self, command: c.RestProvider) -> None:
        self._engine.health.rest(self._provider(command.provider), command.resting)
        self._engine.providers_changed()
        await self._engine.health.save()

    async def forget_rejections(self, command: c.ForgetRejections) -> None:
        self._engine.rejected.forget(self._provider(command.provider).name)
        self._engine.providers_changed()
        await self._engine.rejected.save()

    async def try_provider(self, command: c.TryProvider) -> c.Tried:
        provider = self._provider(command.provider)
        began = time.monotonic()
        await self._engine.discovery.refresh([provider.name])
        listing = self._engine.catalog.listing(provider.name)
        duration_ms = round((time.monotonic() - began) * 1000, 1)
        if provider.models_url is None and not provider.simulated:
            return await self._try_address(provider)
        if listing.error:
            return c.Tried(ok=False, text=listing.error, duration_ms=duration_ms)
        if listing.fetched_at is None:
            text = f"{provider.name} was not asked: only Claude Code has a login for it; its next request will show"
            return c.Tried(ok=False, text=text, duration_ms=duration_ms)
        number = len(listing.models)
        text = f"{provider.name} answers: {number} model{'' if number == 1 else 's'}"
        return c.Tried(ok=True, text=text, duration_ms=duration_ms)

    async def _try_address(self, provider: ProviderConfig) -> c.Tried:
        """Of a provider that lists nothing that could be asked for free: whether it is there at all."""
        began = time.monotonic()
        try:
            status = await self._engine.discovery.reach(provider)
            text = (
                f"{provider.name} is there (status {status}) but lists no models: its key shows with the next request"
            )
            ok = True
        except Declined as error:
            text, ok = str(error), False
        return c.Tried(ok=ok, text=text, duration_ms=round((time.monotonic() - began) * 1000, 1))

    def run_check(self, command: c.RunCheck) -> c.CheckReport:
        target, checkups = self._target_to_check(command.target), self._engine.checkups
        try:
            return checkups.plan(target, command) if command.dry_run else checkups.begin(target, command)
        except (CannotCheck, NoSuchProbe) as error:
            raise Refused(str(error), "not_checked", 409) from None

    def stop_check(self, command: c.StopCheck) -> None:
        self._engine.checkups.stop(self._target_to_check(command.target))

    def check_report(self, text: str) -> c.CheckReport:
        target = self._target_to_check(text)
        report = self._engine.checkups.report(target)
        if report is None:
            raise Refused(f"{target} was never checked; `cctui check {target}` does it", "not_found", 404)
        return report

    def presets(self) -> c.PresetList:
        return self._engine.setup.presets()

    async def try_settings(self, command: c.TrySettings) -> c.SettingsTried:
        try:
            return await self._engine.setup.try_settings(command)
        except SettingsError as error:
            raise Refused(str(error), "settings") from None

    async def reload(self) -> c.Reloaded:
        try:
            return await self._engine.setup.reload()
        except SettingsError as error:
            raise Refused(f"the settings cannot be used, and the old ones stay:\n{error}", "settings", 409) from None

    async def set_favourite(self, command: c.SetFavourite) -> c.ModelList:
        if command.provider not in self._engine.providers:
            raise Refused(
                f"No provider is called {command.provider!r}; `cctui providers` lists them.", "not_found", 404
            )
        self._engine.catalog.set_favourite(command.provider, command.model, command.favourite)
        await self._engine.catalog.save()
        return self._model_list()

    async def budget_report(self, session: str | None, project: str | None) -> c.BudgetReport:
        key = await self._named_session(session) or self._last_session()
        found = self._engine.board.session(key or "")
        return await self._engine.gate.report(key, project or (found.project if found else None))

    async def set_budget(self, command: c.SetBudget) -> c.BudgetReport:
        if command.as_settings:
            self._engine.gate.budgets.forget(command.kind, command.project)
        else:
            self._engine.gate.budgets.set(command.kind, command.project, command.amount_nano_usd)
        return await self._budgets_changed(None, command.project)

    async def grant_budget(self, command: c.GrantBudget) -> c.BudgetReport:
        session = await self._named_session(command.session) or self._last_session()
        under = self._engine.gate.budgets.scopes(session, command.project)
        scope = next((each for each in under if each.kind == command.kind), None)
        if scope is None:
            raise Refused(f"say which {command.kind} the grant is for, with --{command.kind}", "not_found", 404)
        if self._engine.gate.budgets.limit(scope) is None:
            raise Refused(f"no {command.kind} budget is set, so there is nothing to grant more of", "no_budget")
        self._engine.gate.budgets.grant(scope, command.amount_nano_usd)
        return await self._budgets_changed(session, command.project)

    async def pass_budget(self, command: c.PassBudget) -> c.BudgetReport:
        session = await self._named_session(command.session) or self._last_session()
        if session is None:
            raise Refused("no session was seen yet; say which with --session", "not_found", 404)
        self._engine.gate.budgets.let_pass(session, passing=command.passing)
        return await self._budgets_changed(session, None)

    async def status_facts(self, session: str) -> c.StatusFacts:
        return await self._engine.gate.facts(
            self._engine.board.session(session), self._engine.dispatch.provider_in_force()
        )

    async def session_report(self, session: str | None) -> c.SessionReport:
        key = await self._named_session(session or None) or ("" if session == "" else self._last_session() or "")
        found = self._engine.board.session(key)
        budgets = await self._engine.gate.report(key or None, found.project if found else None)
        return await self._engine.session_reports.report(key, budgets.budgets)

    async def context_report(self, session: str | None, request_id: str | None) -> c.ContextReport:
        if request_id is not None:
            exchange = self._engine.board.find(request_id)
            if exchange is None:
                raise Refused(f"the body of request {request_id!r} is no longer kept in memory", "not_found", 404)
            return await self._engine.prompts.context_of(exchange)
        return await self._engine.prompts.context(await self._session_or_last(session))

    async def cache_report(self, session: str | None) -> c.CacheReport:
        return await self._engine.prompts.cache(await self._session_or_last(session))

    def launch_plan(self) -> c.LaunchPlan:
        name = self._engine.dispatch.provider_in_force()
        provider = self._engine.providers.get(name)
        return c.LaunchPlan(
            url=self._engine.overview.url,
            provider=name,
            own_credential=provider is not None and provider.own_credential,
            real_claude=provider is not None and provider.real_claude,
            favourite=self._engine.catalog.favourite_foreign(),
        )

    async def models(self, *, refresh: bool) -> c.ModelList:
        if refresh:
            await self._engine.discovery.refresh()
        return self._model_list()

    def requests(self, choice: c.Choice, limit: int) -> list[c.Request]:
        choice = self._known_choice(choice)
        session = choice.session or None
        live = [exchange.view() for exchange in list(self._engine.board.live.values())]
        self._engine.writer.flush(FLUSH_S)
        if choice != c.Choice(session=session):
            return self._engine.reader.requests(choice, limit)
        ended = self._engine.reader.last(limit, session)
        known = {request.id for request in ended}
        live = [request for request in live if session in (None, request.session_id) and request.id not in known]
        live.sort(key=lambda request: request.started_at, reverse=True)
        return [*live, *ended][:limit]

    def detail(self, request_id: str) -> c.Detail | None:
        exchange = self._engine.board.find(request_id)
        if exchange is None:
            self._engine.writer.flush(FLUSH_S)
            found = self._engine.reader.find(request_id)
            return c.Detail(request=found) if found else None
        request = next((each for each in reversed(list(self._engine.board.recent)) if each.id == request_id), None)
        reader = PartReader(request_id)
        chunks = exchange.capture.since(0)
        answer = reader.read(chunks) if exchange.streaming else reader.read_whole(b"".join(chunks))
        outline = exchange.body.outline() if exchange.body else ()
        return c.Detail(request=request or exchange.view(), body_outline=outline, answer=tuple(answer))

    def usage(self, choice: c.Choice, by: c.UsageGroup, limit: int | None) -> c.UsageReport:
        choice = self._known_choice(choice)
        self._engine.writer.flush(FLUSH_S)
        return self._engine.reader.usage(choice, by, limit)

    def latency(self, choice: c.Choice) -> c.LatencyReport:
        choice = self._known_choice(choice)
        self._engine.writer.flush(FLUSH_S)
        return self._engine.reader.latency(choice)

    async def reprice(self, command: c.Reprice) -> c.RepriceReport:
        try:
            return await self._engine.repricer.reprice(command)
        except CannotReprice as error:
            raise Refused(str(error), "not_repriced", 409) from None

    async def what_if(self, choice: c.Choice) -> c.WhatIf:
        """What ``choice`` would have cost elsewhere; where nothing is chosen, the session that was active last."""
        choice = await asyncio.to_thread(self._known_choice, choice)
        if choice == c.Choice():
            choice = c.Choice(session=self._last_session())
        await asyncio.to_thread(self._engine.writer.flush, FLUSH_S)
        return await self._engine.comparison.report(choice)

    async def import_answers(self, command: c.ImportAnswers) -> c.ImportReport:
        try:
            return await self._engine.importer.take(command)
        except CannotImport as error:
            raise Refused(str(error), "ledger", 503) from None

    def metrics(self) -> str:
        """The engine in Prometheus's text format."""
        snapshot = self._engine.overview.snapshot()
        present = Present(
            engine=snapshot.engine,
            providers=snapshot.providers,
            in_flight=len(self._engine.board.live),
            problems=len(snapshot.problems),
            unrecorded=self._engine.writer.dropped + self._engine.writer.unfit,
        )
        return exposition(self._engine.totals, present)

    def _known_choice(self, choice: c.Choice) -> c.Choice:
        """``choice`` with its session's whole id. Raises ``Refused``."""
        if not choice.session:
            return choice
        return msgspec.structs.replace(choice, session=self._known_session(choice.session))

    def _known_session(self, text: str | None) -> str | None:
        """The session whose id begins with ``text``. Raises ``Refused``."""
        if text is None:
            return None
        ids = self._engine.board.session_ids()
        matching = [each for each in ids if each == text] or [each for each in ids if text and each.startswith(text)]
        if not matching and _WHOLE_SESSION.fullmatch(text):
            return text
        matching = matching or self._engine.reader.sessions(text)
        if len(matching) > 1:
            raise Refused(f"Several sessions begin with {text!r}: {', '.join(matching)}.", "not_found", 404)
        if matching:
            return matching[0]
        raise Refused(f"No session begins with {text!r}; `cctui status` lists them.", "not_found", 404)

    async def _session_or_last(self, text: str | None) -> str:
        """The session that ``text`` begins, else the one that was active last. Raises ``Refused``."""
        found = await self._named_session(text) if text else self._last_session()
        if found is None:
            raise Refused("no session was seen yet; `cctui claude` in another terminal begins one", "not_found", 404)
        return found

    async def _named_session(self, text: str | None) -> str | None:
        """``_known_session``, which may read the ledger, beside the event loop. Raises ``Refused``."""
        return None if text is None else await asyncio.to_thread(self._known_session, text)

    def _last_session(self) -> str | None:
        """The session that was active last; checks of targets are none that anybody works in."""
        ids = [each for each in self._engine.board.session_ids() if each and not each.startswith(c.CHECK_SESSION)]
        return ids[-1] if ids else None

    async def _budgets_changed(self, session: str | None, project: str | None) -> c.BudgetReport:
        await self._engine.gate.budgets.save()
        report = await self.budget_report(session, project)
        await self._engine.gate.learn(self._engine.board.sessions())
        self._engine.feed.publish(self._engine.overview.snapshot)
        return report

    def _model_list(self) -> c.ModelList:
        return c.ModelList(models=self._engine.overview.models(), providers=self._engine.overview.providers())

    def _target_to_check(self, text: str) -> routing.Target:
        """Raises ``Refused``."""
        asked = self._engine.board.models_asked() or USUALLY_ASKED
        try:
            return target_to_check(text, self._engine.dispatch, self._engine.catalog.models(), asked)
        except routing.NoTarget as error:
            raise Refused(str(error), "no_target") from None

    async def _route_changed(self) -> c.Route:
        self._engine.feed.publish(c.RouteChanged(route=self._engine.route))
        await self._engine.routefile.save()
        return self._engine.route

    def _provider(self, name: str) -> ProviderConfig:
        """Raises ``Refused``."""
        if name not in self._engine.providers:
            raise Refused(f"No provider is called {name!r}; `cctui providers` lists them.", "not_found", 404)
        return self._engine.providers[name]
