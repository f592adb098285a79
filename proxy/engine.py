"""The engine: wiring and life cycle, nothing else. Decisions are in ``protocol``, sockets in ``net``."""

import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import uvicorn

from proxy import __version__
from proxy import contract as c
from proxy.addresses import is_loopback
from proxy.agent_names import AgentNames, Named
from proxy.board import Board
from proxy.budget_gate import BudgetGate
from proxy.budgets import Budgets
from proxy.cachewatch import CacheWatch
from proxy.catalog import ModelCatalog
from proxy.checkup.asking import Asker
from proxy.checkup.checkups import Checkups
from proxy.costs import Costs
from proxy.desk import ControlDesk
from proxy.estimate import Estimator
from proxy.feed import TICK_S, Feed
from proxy.fitting import Fitting
from proxy.health import Admitted, Closed, HealthBook
from proxy.herald import Herald
from proxy.imports import Importer
from proxy.ledger.caches import CacheKept, CacheLedger
from proxy.ledger.notes import AgentName, CacheLoss
from proxy.ledger.portions import PortionLedger
from proxy.ledger.queries import LedgerReader
from proxy.ledger.sessions import SessionLedger
from proxy.ledger.writer import LedgerWriter
from proxy.metrics import Totals
from proxy.net.attempt import Attempt, Parcel
from proxy.net.control import control_door
from proxy.net.credentials import Credentials
from proxy.net.discovery import REFRESH_S, Discovery
from proxy.net.exchange import Exchange
from proxy.net.relay import Relay, login_name
from proxy.net.searching import NoSearch, Searching, search_for
from proxy.net.server import Server
from proxy.net.upstream import Upstreams
from proxy.net.websearch import web_search
from proxy.parcels import Parcels
from proxy.paths import Paths, local_token, write_private
from proxy.presets import Preset
from proxy.prices import PriceUpdates, list_price, today
from proxy.prompts import ROWS_MAX, Prompts
from proxy.protocol import routing
from proxy.protocol.naming import strip_window_suffix, tier_of
from proxy.protocol.outcome import Outcome
from proxy.protocol.overflow import Room
from proxy.protocol.pricing import Price
from proxy.protocol.rejections import Rejection, concerns, read_rejection
from proxy.provider_setup import LoadSettings, ProviderSetup
from proxy.providers import ProviderConfig, local_provider, resolve_providers
from proxy.rejections import RejectionBook
from proxy.repricing import Repriced, Repricer
from proxy.roster import Changes, Roster
from proxy.routefile import RouteFile
from proxy.session_reports import SessionReports
from proxy.settings import GroupSettings, Settings, load_settings
from proxy.telemetry.sender import Telemetry
from proxy.views import provider_view
from proxy.whatif import Comparison

log = logging.getLogger(__name__)

HOUSEKEEPING_S = 1.0
SLEPT_S = 5.0
"""If the wall clock ran ahead of the monotonic one by more, the machine slept: connections are made anew."""
LIST_AGAIN_S = 600.0
"""A provider that lists nothing to a login, as Claude's may, is not asked again with every request."""
LATE_S = 2.0
"""Requests that the drain cut short have so long to tell their clients."""
RESTORED_S = 24 * 3600.0
GARBAGE_OBJECTS = 20_000
"""So many new objects make the collector look; Python's own 700 are not even a request's worth."""
KEEP_ALIVE_S = 600
"""Idle connections of the client are kept: a client that meets a closing one would have to repeat."""


class Engine:
    """Everything that serves, put together. Create it inside the running event loop."""

    def __init__(
        self,
        paths: Paths,
        settings: Settings,
        environ: Mapping[str, str],
        health_clock: Callable[[], float] = time.time,
        load: LoadSettings | None = None,
    ) -> None:
        """``load`` reads the settings anew; without it from their file and ``environ``."""
        now = time.time()
        self.paths, self.settings, self._environ = paths, settings, environ
        self.local_token = local_token(paths)
        self.listen_host = settings.engine.host
        self.draining = False
        self.started_at = now
        self.url = ""
        self.providers = Roster(resolve_providers(settings, environ))
        self.credentials = Credentials(environ)
        self.upstreams = Upstreams(settings.engine.connect_timeout_s)
        self.catalog = ModelCatalog(paths.catalog_file, self.providers)
        self._web = web_search(settings.search, environ, self.credentials, self.upstreams)
        self._costs = Costs(settings.prices, self.catalog.find, (self._web.nano_usd or 0) if self._web else None)
        self._groups = {name: _members(group) for name, group in settings.groups.items()}
        self.routefile = RouteFile(paths.route_file, settings.route, _names_of(self._groups))
        self.writer = LedgerWriter(paths.ledger_file, settings.history.keep_days)
        self.reader = LedgerReader(paths.ledger_file)
        self.telemetry = Telemetry(environ, self.providers.known)
        self.totals = Totals()
        self.health = HealthBook(paths.health_file, health_clock)
        self.board = Board(now)
        self.feed = Feed(self.board, self.snapshot)
        ledger = PortionLedger(paths.ledger_file)
        self.comparison = Comparison(self.providers, self.catalog, self._costs, ledger, self.board)
        self._fitting = Fitting(paths.thinking_file, Estimator({}))
        self.discovery = Discovery(
            self.providers, self.catalog, self.credentials, lambda: self.upstreams, self.providers_changed
        )
        self.setup = ProviderSetup(
            settings,
            load or (lambda: load_settings(paths.config_file, None, environ)),
            environ,
            self.providers,
            self.discovery,
            self.upstreams.forget,
            self._take_up,
        )
        self._herald = Herald(self._post_notice)
        self.rejected = RejectionBook(paths.rejections_file)
        self._parcels = Parcels(self.providers, self.catalog, self._fitting, self.rejected)
        budgets = Budgets(paths.budget_file, settings.budget, self.reader, time.time, self._warn_of_budget)
        self.gate = BudgetGate(budgets, settings.budget, self._costs, self.providers, self._prompt_tokens)
        self._sessions = SessionLedger(paths.ledger_file)
        self.session_reports = SessionReports(self._sessions, self.writer, self.board, self.price_of, self._counts)
        self._caches = CacheLedger(paths.ledger_file)
        self.cachewatch = CacheWatch(self._price_of_request, self._attributed, self._note_break)
        self.prompts = Prompts(
            self.board, self.cachewatch, self._cache_kept, self.price_of, self._window, self._bytes_per_token
        )
        self._names = AgentNames(self._start, self._name_agent)
        self._lists_asked: dict[str, float] = {}
        """When a client's login last asked a provider for its models, monotonic."""
        self._used_up: tuple[str, ...] = ()
        self.importer = Importer(self.writer, self.reader, self._imported)
        self.repricer = Repricer(
            paths.ledger_file, self.writer, self._costs, self.providers, self._repriced, self._all_repriced
        )
        self._price_updates = PriceUpdates() if settings.engine.update_prices else None
        self._providers_dirty = False
        self._problems: tuple[str, ...] = ()
        self._stopping = asyncio.Event()
        self._drain_s = settings.engine.drain_s
        self._patience: asyncio.Timeout | None = None
        """With the requests that still run while the engine drains."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._relay = Relay(self, settings.engine.answer_timeout_s)
        self.app = Server(self, self._relay, control_door(ControlDesk(self)))
        asker = Asker(self.opened, self._relay.messages, self._relay.count_tokens, self.app.running)
        self.checkups = Checkups(
            paths.checks_file,
            self.providers,
            self.catalog,
            self._costs,
            self.discovery,
            asker,
            self._start,
            self.providers_changed,
        )

    # What the relay needs

    @property
    def route(self) -> c.Route:
        return self.routefile.route

    def provider_names(self) -> Sequence[str]:
        return tuple(self.providers)

    def model_ids(self, provider: str) -> Sequence[str]:
        return self.catalog.ids(provider)

    def provider_in_force(self) -> str:
        """The provider of all traffic that nothing more specific sends elsewhere."""
        general = [each for each in self.route.overrides if each.session is None and each.slot is None]
        known = [each.provider for each in general if each.provider in (*self.providers, *self._groups)]
        try:
            return routing.provider_of(known[0] if known else self.route.default, self)
        except routing.NoTarget:
            return self.route.default

    def groups(self) -> Mapping[str, Sequence[routing.Member]]:
        return self._groups

    def simulated(self, provider: str) -> bool:
        return self.providers[provider].simulated

    def background_model(self, provider: str) -> str | None:
        return self.providers[provider].background_model

    def cheapest(self, provider: str) -> str | None:
        return self.catalog.cheapest(provider)

    def provider_of(self, exchange: Exchange, target: routing.Target) -> ProviderConfig:
        return exchange.providers.get(target.provider) or self.providers[target.provider]

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
        self.health.unsent(provider, target.model, admission.key, login, admission.sent_at)

    def beside(self, exchange: Exchange, target: routing.Target) -> Admitted | Closed:
        provider = self.provider_of(exchange, target)
        return self.health.beside(provider, exchange.identity.session or "", self._login(provider, exchange))

    def other_key(self, target: routing.Target, tried: Sequence[int]) -> bool:
        return self.health.other_key(self.providers[target.provider], tried)

    def room(self, exchange: Exchange, target: routing.Target) -> Room:
        """Claude as it was asked for is its own judge of what fits; of other targets the window is known."""
        provider = self.providers[target.provider]
        asked = strip_window_suffix(exchange.asked_model or "")
        window = self.catalog.window(target.provider, target.model)
        if provider.real_claude or (target.model == asked and tier_of(asked) is not None):
            window = None
        return self._fitting.room(exchange, target, window)

    async def within_budget(self, exchange: Exchange, targets: Sequence[routing.Target]) -> Sequence[routing.Target]:
        return await self.gate.admit(exchange, targets, self.route, self)

    def lacks(self, exchange: Exchange, target: routing.Target) -> str | None:
        if exchange.body is None:
            return None
        if not self.providers[target.provider].quirks.images and exchange.body.has_images:
            return "images"
        return self.catalog.lacks(target.provider, target.model, exchange.body)

    def search(self, exchange: Exchange, target: routing.Target) -> Searching | NoSearch | None:
        return search_for(exchange, target, self.providers[target.provider], self._web, self.paths.config_file)

    async def parcel(self, exchange: Exchange, target: routing.Target) -> Parcel:
        return await self._parcels.of(exchange, target)

    def rejections(self, target: routing.Target) -> Sequence[Rejection]:
        return self.rejected.of(target)

    def learn_rejection(self, exchange: Exchange, target: routing.Target, message: str) -> bool:
        provider, rejection = self.providers[target.provider], read_rejection(message)
        if rejection is None or provider.real_claude or provider.translated or exchange.body is None:
            return False
        if not concerns(rejection, exchange.body, exchange.raw_headers):
            return False
        learned = self.rejected.learn(target, rejection)
        self._providers_dirty = self._providers_dirty or learned
        return learned

    def note_outcome(self, attempt: Attempt, outcome: Outcome, headers: Mapping[str, str]) -> None:
        """Only messages tell of health: other paths have limits and troubles of their own. What a provider did before
        it was set up anew tells nothing of it now."""
        with _contained("what an attempt tells of its provider"):
            self._note_outcome(attempt, outcome, headers)

    def _note_outcome(self, attempt: Attempt, outcome: Outcome, headers: Mapping[str, str]) -> None:
        provider, exchange = attempt.provider, attempt.exchange
        if exchange.kind != "messages" or self.providers.get(provider.name) is not provider:
            return
        login = self._login(provider, exchange)
        if not exchange.tells_health:
            self.health.unsent(provider, attempt.target.model, attempt.key, login, attempt.sent_at or 0.0)
            return
        self.health.note(provider, attempt.target.model, attempt.key, outcome, headers, login, attempt.sent_at)
        if outcome.name == "served" and (ttft_ms := exchange.ms(exchange.first_event_at)) is not None:
            self.health.note_latency(provider, ttft_ms)
        self._herald.limits(provider.name, headers)
        self._providers_dirty = True

    def estimate_tokens(self, exchange: Exchange) -> int:
        model = exchange.target_model or exchange.asked_model or ""
        return self._fitting.estimator.tokens(model, len(exchange.raw_body))

    def opened(self, exchange: Exchange) -> None:
        exchange.providers = self.providers.generation
        with _contained("an arrival"):
            self.feed.opened(self.board.opened(exchange))
            self._names.opened(exchange)

    def ended(self, exchange: Exchange) -> None:
        """What one of them makes of it cannot keep the others from hearing of it, and the record comes first."""
        _contain("pricing a request", self._price, exchange)
        request = exchange.view()
        self.writer.record(request)
        _contain("budgets", self.gate.budgets.ended, request)
        _contain("the board", self._show_ended, exchange, request)
        _contain("what a request teaches", self._learn, exchange, request)
        _contain("telemetry", self.telemetry.record, request)
        _contain("metrics", self.totals.add, request)
        _contain("notices", self._herald.served, request)
        _contain("model lists", self._learn_list, exchange)
        _contain("names of sub-agents", self._names.ended, exchange)
        _contain("the watch of the caches", self.cachewatch.ended, exchange, request)

    def model_list(self) -> list[dict[str, object]]:
        models: list[dict[str, object]] = []
        for model in self.catalog.published(self.settings.engine.publish):
            real = self.providers[model.provider].real_claude
            name = model.name or model.id
            entry: dict[str, object] = {
                "type": "model",
                "id": model.published_id,
                "display_name": name if real else f"{name} · {model.provider}",
                "created_at": "2026-01-01T00:00:00Z",
            }
            if model.context_window:
                entry["max_input_tokens"] = model.context_window
            models.append(entry)
        return models

    # What panels see

    def snapshot(self) -> c.Snapshot:
        return c.Snapshot(
            engine=self._engine_view(),
            route=self.route,
            providers=self.provider_views(),
            sessions=self.board.sessions(),
            requests=self.board.requests(),
            today=self.board.today,
            problems=self._problems,
            notices=tuple(self.board.notices),
            day_budget_nano_usd=self.gate.budgets.limit(self.gate.budgets.today()),
            session_budget_nano_usd=self.gate.budgets.amounts.session,
            used_up=self.gate.used_up(),
        )

    def stop(self, drain_s: float | None) -> None:
        """Begin to drain: no new requests, running ones may end within ``drain_s``; 0 ends them at once."""
        if drain_s is not None:
            self._drain_s = drain_s
            if self._patience is not None:
                self._patience.reschedule(asyncio.get_running_loop().time() + drain_s)
        self.draining = True
        self.feed.publish(self._engine_changed())
        self._stopping.set()

    # Life

    async def run(self, listener: socket.socket) -> None:
        """Serve on ``listener`` until told to stop, then drain and flush."""
        host, port = listener.getsockname()[:2]
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # where asyncio leaves it off: 40 ms an answer
        self.url = f"http://{f'[{host}]' if ':' in host else '127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104
        await asyncio.to_thread(self.telemetry.start)
        await asyncio.to_thread(self._open_ledger)
        _settle_memory()
        config = uvicorn.Config(
            self.app,
            http="httptools",
            loop="none",
            lifespan="off",
            access_log=False,
            proxy_headers=False,
            log_config=None,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=2,
            backlog=1024,
        )
        server = _QuietServer(config)
        with self._runtime_file(host, port):
            serving = asyncio.create_task(server.serve([listener]), name="server")
            self._start_chores()
            if self._price_updates is not None:
                self._price_updates.start()
            log.info("engine %s serves at %s", __version__, self.url)
            waiting = asyncio.create_task(self._stopping.wait(), name="stop signal")
            await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            await self._drain()
            self.feed.close()
            server.should_exit = True
            await serving
        await self._close()

    async def _drain(self) -> None:
        self.draining = True
        running = set(self.app.running)
        if not running:
            return
        log.info("stopping: %d requests may end within %.0f s", len(running), self._drain_s)
        try:
            async with asyncio.timeout(self._drain_s) as self._patience:
                await asyncio.wait(running)
        except TimeoutError:
            for task in running:
                task.cancel()
            await asyncio.wait(running, timeout=LATE_S)
        finally:
            self._patience = None

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._price_updates is not None:
            self._price_updates.stop()
        await self.upstreams.close()
        self.catalog.save_now()
        self.health.save_now()
        self.rejected.save_now()
        self._fitting.save_now()
        await asyncio.to_thread(self.writer.close)
        await asyncio.to_thread(self.telemetry.close)
        log.info("engine ended")

    def _start_chores(self) -> None:
        for name, chore in (
            ("feed", _every(TICK_S, "the feed", self.feed.tick)),
            ("signs of life", _every(HOUSEKEEPING_S, "signs of life", self._relay.keep_alive)),
            ("housekeeping", self._keep_house()),
            ("discovery", self._discover()),
            ("watch of the caches", self.cachewatch.run()),
        ):
            self._start(name, chore)

    def _start(self, name: str, chore: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(chore, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._chore_done)

    def _chore_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s ended: %s", task.get_name(), error, exc_info=error)

    async def _keep_house(self) -> None:
        offset = time.time() - time.monotonic()
        beats = 0
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            beats += 1
            now = time.time()
            if abs(now - time.monotonic() - offset) > SLEPT_S:
                log.info("the machine slept or its clock was set: connections are made anew")
                self.upstreams.renew()
            offset = now - time.monotonic()
            with _contained("housekeeping"):
                await self._look_after(now, beats)

    async def _look_after(self, now: float, beats: int) -> None:
        news = self._note_problems()
        if self.board.turn_day(now) or beats % 10 == 0 or news:
            self.feed.publish(self._engine_changed())
        if self._providers_dirty:
            self.providers_changed()
            await self.health.save()
            await self.rejected.save()
        if beats % 15 == 0:
            await self._fitting.save()

    async def _discover(self) -> None:
        while True:
            with _contained("asking for model lists"):
                await self.catalog.look_up()
                await self.discovery.refresh()
                await self.catalog.look_up()
            with _contained("looking for local servers"):
                await self._find_local()
            await asyncio.sleep(REFRESH_S)

    async def _find_local(self) -> None:
        if not self.settings.engine.local_servers:
            return
        for config in await self.discovery.find_local(self._build_local):
            self.providers.meet(config)
            self._herald.say("info", f"{config.name} answers on {config.base_url}: its models can be picked")
            self.providers_changed()

    def _build_local(self, preset: Preset) -> ProviderConfig:
        return local_provider(preset, self.settings, self._environ)

    def _open_ledger(self) -> None:
        self.writer.start()
        with _contained("reading what the ledger has of the last day"):
            self._restore()
        self._note_problems()

    def _restore(self) -> None:
        """Show what the ledger has of the last day."""
        begin = time.time() - RESTORED_S
        requests = self.reader.since(begin)
        sessions = tuple(dict.fromkeys(each.session_id for each in requests if each.session_id))
        self.board.restore_sums(self._sessions.agents_before(begin, sessions))
        for request in requests:
            window = None
            if request.provider and request.provider in self.providers and request.target_model:
                window = self.catalog.window(request.provider, request.target_model)
            self.board.restore(request, window)
        for (session, agent), name in self._sessions.agent_names(sessions).items():
            self.board.name_agent(session, agent, name)
        self._fitting.estimator = Estimator(self.reader.bytes_per_token())

    @contextlib.contextmanager
    def _runtime_file(self, host: str, port: int) -> Iterator[None]:
        runtime = {
            "pid": os.getpid(),
            "host": host,
            "port": port,
            "url": self.url,
            "token": self.local_token,
            "contract": c.CONTRACT,
            "version": __version__,
            "started_at": self.started_at,
        }
        write_private(self.paths.runtime_file, msgspec.json.encode(runtime))
        self.routefile.keep_port(port)
        try:
            yield
        finally:
            if _written_by_us(self.paths.runtime_file):
                self.paths.runtime_file.unlink(missing_ok=True)

    # Small parts

    def _engine_changed(self) -> c.EngineChanged:
        return c.EngineChanged(engine=self._engine_view(), problems=self._problems, used_up=self._used_up)

    def price_of(self, provider: str, models: Sequence[str]) -> Price | None:
        """The price in force of the first of ``models`` that has one at ``provider``; None: nobody knows.

        Without a provider, as transcripts of the client have none, it is the list price of the model's maker.
        """
        config = self.providers.get(provider)
        found: Iterator[Price | None] = iter(())
        if config is not None:
            found = (self._costs.price_of(config, model)[0] for model in models if model)
        elif not provider:
            found = (list_price(None, model, today()) for model in models if model)
        return next((price for price in found if price is not None), None)

    def _price_of_request(self, request: c.Request) -> Price | None:
        return self.price_of(request.provider or "", (request.served_model or "", request.target_model or ""))

    def _attributed(self, provider: str) -> bool:
        """The provider reads the client's attribution block as part of the prompt."""
        return provider not in self.providers or not self.providers[provider].real_claude

    def _cache_kept(self, session: str) -> CacheKept:
        self.writer.flush(2.0)
        return self._caches.kept(session, ROWS_MAX)

    def _note_break(self, session: str, broken: c.CacheBreak) -> None:
        self.writer.note(CacheLoss(session, broken))

    def _window(self, provider: str, model: str) -> int | None:
        return self.catalog.window(provider, model)

    def _bytes_per_token(self, model: str) -> float:
        return self._fitting.estimator.ratio(model)

    def _counts(self, simulated: bool, subscription: bool) -> bool:
        return self.gate.budgets.counts(simulated=simulated, subscription=subscription)

    def _name_agent(self, named: Named) -> None:
        self.writer.note(AgentName(*named, at=time.time()))
        if self.board.name_agent(*named):
            self.feed.opened(named.session)

    def _show_ended(self, exchange: Exchange, request: c.Request) -> None:
        window = None
        if request.provider and request.target_model and request.kind == "messages":
            window = self.catalog.window(request.provider, request.target_model)
        self.feed.ended(request, self.board.ended(exchange, request, window))

    def _learn(self, exchange: Exchange, request: c.Request) -> None:
        if not request.provider or not request.target_model or request.kind != "messages":
            return
        if request.outcome == "served" and exchange.pinned is None:
            self.catalog.note_used(request.provider, request.target_model, request.started_at)
            self._fitting.learn(exchange, request)

    def _price(self, exchange: Exchange) -> None:
        """What the ended exchange cost, by the model that served."""
        provider = self.providers.known(exchange.provider or "")
        usage = exchange.usage or exchange.facts.usage
        billed = usage.total_tokens > 0 or exchange.facts.reported_nano_usd is not None
        if exchange.kind != "messages" or (exchange.outcome == "failed" and not billed):
            exchange.cost_nano_usd, exchange.cost_source, exchange.cost_split = 0, "free", c.CostSplit()
        elif provider is not None and billed:
            models = [name for name in (exchange.facts.model, exchange.target_model) if name]
            facts = exchange.facts
            settled = self._costs.settled(provider, models, usage, facts.reported_nano_usd, speed=facts.speed)
            exchange.cost_nano_usd, exchange.cost_source, exchange.cost_split = settled

    def _learn_list(self, exchange: Exchange) -> None:
        """Anthropic lists models only to a credential; where the engine has none, the client's serves on the spot."""
        provider = self.providers.get(exchange.provider or "")
        if provider is None or provider.auth != "passthrough" or provider.keys or exchange.outcome != "served":
            return
        age, now = time.time() - (self.catalog.listing(provider.name).fetched_at or 0), time.monotonic()
        if age > REFRESH_S and now - self._lists_asked.get(provider.name, -LIST_AGAIN_S) >= LIST_AGAIN_S:
            self._lists_asked[provider.name] = now
            headers = list(exchange.raw_headers)
            self._start("model list by login", self.discovery.refresh_with(provider, headers, self.local_token))

    def _repriced(self, changed: Sequence[Repriced]) -> None:
        """Sums of panels and budgets follow what was repriced in the ledger."""
        self.board.repriced(changed)
        self.gate.budgets.repriced(changed)

    async def _all_repriced(self) -> None:
        await self.gate.budgets.imported(())
        self.feed.publish(self.snapshot())

    async def _imported(self, requests: Sequence[c.Request]) -> None:
        """Sums of panels and budgets have in them what came into the ledger from elsewhere."""
        for request in requests:
            self.board.imported(request)
        await self.gate.budgets.imported(requests)
        self.feed.publish(self.snapshot())

    def _warn_of_budget(self, text: str) -> None:
        self._herald.say("warning", text)

    def _prompt_tokens(self, exchange: Exchange, target: routing.Target) -> int:
        return self._fitting.room(exchange, target, None).tokens

    def providers_changed(self) -> None:
        self._providers_dirty = False
        self.feed.publish(c.ProvidersChanged(providers=self.provider_views()))

    def _take_up(self, settings: Settings, changes: Changes) -> tuple[str, ...]:
        """Put read settings in force, the providers of which already are. What is wrong then, in words."""
        self.settings = settings
        self._groups = {name: _members(group) for name, group in settings.groups.items()}
        self.routefile.renew(settings.route, _names_of(self._groups))
        self._costs.renew(settings.prices)
        for name in (*changes.changed, *changes.removed):
            self.health.forget(name)
            self.upstreams.forget(name)
        for name in (*changes.added, *changes.changed):
            self.catalog.renewed(name, moved=name in changes.moved)
        for name in changes.moved:
            self.rejected.forget(name)
        self._note_problems()
        if changes.words:
            self._herald.say("info", f"settings read anew: {changes.words}")
        self.feed.publish(self.snapshot())
        return self._problems

    def _post_notice(self, notice: c.Notice) -> None:
        self.board.notices.append(notice)
        self.feed.publish(c.NoticePosted(notice=notice))

    def _note_problems(self) -> bool:
        """Whether what is wrong with the engine itself changed."""
        if remark := self.writer.remark:
            self.writer.remark = None
            self._herald.say("warning", remark)
        problems = []
        if self.writer.problem:
            problems.append(self.writer.problem)
        if self.writer.dropped:
            problems.append(f"{self.writer.dropped} requests are missing from the history: the disk was too slow")
        if self.telemetry.problem:
            problems.append(self.telemetry.problem)
        named = [("route.default", self.route.default), *(("fallback", entry) for entry in self.route.chain)]
        for place, text in named:
            try:
                routing.parse_target(text, self)
            except routing.NoTarget as error:
                problems.append(f"{place}: {error}")
        before = (self._problems, self._used_up)
        self._problems, self._used_up = tuple(problems), self.gate.used_up()
        return before != (self._problems, self._used_up)

    def _engine_view(self) -> c.Engine:
        return c.Engine(
            pid=os.getpid(),
            url=self.url,
            version=__version__,
            contract=c.CONTRACT,
            started_at=self.started_at,
            home=str(self.paths.state_dir),
            rss_bytes=_rss_bytes(),
            draining=self.draining,
            host_open=not is_loopback(self.listen_host),
        )

    def provider_views(self) -> tuple[c.Provider, ...]:
        return tuple(self._provider_view(provider) for provider in self.providers.values())

    def checked_models(self) -> tuple[c.Model, ...]:
        """All models, with what the checks of some of them found."""
        marks = {(name, mark.model): mark for name in self.providers for mark in self.checkups.marks(name)}
        return tuple(
            msgspec.structs.replace(each, check=marks[each.provider, each.id])
            if (each.provider, each.id) in marks
            else each
            for each in self.catalog.models()
        )

    def _provider_view(self, provider: ProviderConfig) -> c.Provider:
        health, listing = self.health.view(provider), self.catalog.listing(provider.name)
        return provider_view(
            provider,
            health,
            listing,
            len(self.catalog.ids(provider.name)),
            self._environ,
            self.rejected.lines(provider.name),
            self.checkups.marks(provider.name),
        )

    def _login(self, provider: ProviderConfig, exchange: Exchange) -> str | None:
        """Names the client's own credential where it goes along to ``provider``."""
        if provider.auth != "passthrough":
            return None
        name = login_name(exchange, self.local_token)
        return None if name is None and provider.keys else name or "none"


@contextlib.contextmanager
def _contained(what: str) -> Iterator[None]:
    """Work beside the traffic: a fault in it costs a line in the log, not the request or the chore."""
    try:
        yield
    except Exception:
        log.exception("%s went wrong; traffic goes on", what)


def _contain(what: str, hear: Callable[..., object], *told: object) -> None:
    """``_contained`` for what each request is told to: it costs next to nothing."""
    try:
        hear(*told)
    except Exception:
        log.exception("%s went wrong; traffic goes on", what)


async def _every(pause_s: float, what: str, beat: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(pause_s)
        with _contained(what):
            beat()


class _QuietServer(uvicorn.Server):
    """A server that leaves signals to the engine."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def handle_signals(engine: Engine) -> None:
    """SIGTERM and SIGINT drain; a second one ends at once; a lost terminal (SIGHUP, SIGPIPE) changes nothing."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        engine.stop(0.0 if engine.draining else None)

    for name in ("SIGTERM", "SIGINT"):
        loop.add_signal_handler(getattr(signal, name), stop)
    for name in ("SIGHUP", "SIGPIPE", "SIGTTOU", "SIGTTIN", "SIGTSTP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _written_by_us(file: Path) -> bool:
    try:
        return bool(msgspec.json.decode(file.read_bytes())["pid"] == os.getpid())
    except (OSError, msgspec.DecodeError, KeyError, TypeError):
        return False


def _settle_memory() -> None:
    """What the start built stays for good: a garbage collection that walks it would hold up streams by 30 ms.

    A request makes and drops about a thousand objects, none of them in cycles: looking for those comes less often.
    """
    list_price("anthropic", "claude-sonnet-4-5", today())
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS)


def _rss_bytes() -> int:
    """Resident memory now, or at its peak where the system tells only that."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _names_of(groups: Mapping[str, Sequence[routing.Member]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(member.target for member in members) for name, members in groups.items()}


def _members(group: GroupSettings) -> tuple[routing.Member, ...]:
    return tuple(routing.Member(each.target, each.order, each.weight) for each in group.members)
