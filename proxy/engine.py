"""The engine: wiring and life cycle, nothing else. Decisions are in ``protocol``, sockets in ``net``."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec
import uvicorn

from proxy import __version__
from proxy import contract as c
from proxy.agent_names import AgentNames, Named
from proxy.board import Board, Grown
from proxy.bookkeeping import Bookkeeping, PriceBook
from proxy.budget_gate import BudgetGate
from proxy.budgets import Budgets
from proxy.cachewatch import CacheWatch
from proxy.catalog import ModelCatalog
from proxy.checkup.asking import Asker
from proxy.checkup.checkups import Checkups
from proxy.chores import Chores, contained, every
from proxy.costs import Costs
from proxy.desk import ControlDesk
from proxy.dispatch import Dispatch, Groups
from proxy.estimate import Estimator
from proxy.feed import TICK_S, Feed
from proxy.fitting import Fitting
from proxy.health import HealthBook
from proxy.herald import Herald
from proxy.imports import Importer
from proxy.ledger.caches import CacheKept, CacheLedger
from proxy.ledger.notes import AgentName, CacheLoss
from proxy.ledger.portions import PortionLedger
from proxy.ledger.queries import LedgerReader
from proxy.ledger.sessions import SessionLedger
from proxy.ledger.writer import LedgerWriter
from proxy.metrics import Totals
from proxy.net.control import control_door
from proxy.net.credentials import Credentials
from proxy.net.discovery import REFRESH_S, Discovery
from proxy.net.exchange import Exchange
from proxy.net.relay import Relay
from proxy.net.searching import Web
from proxy.net.server import Server
from proxy.net.upstream import Upstreams
from proxy.net.webfetch import web_fetch
from proxy.net.websearch import web_search
from proxy.overview import Overview
from proxy.parcels import Parcels
from proxy.pasts import Pasts
from proxy.paths import Paths, local_token, write_private
from proxy.presets import Preset
from proxy.prices import PriceUpdates, list_price, today
from proxy.prompts import ROWS_MAX, Prompts
from proxy.protocol import routing
from proxy.provider_setup import LoadSettings, ProviderSetup
from proxy.providers import ProviderConfig, local_provider, resolve_providers
from proxy.rejections import RejectionBook
from proxy.repricing import Repricer
from proxy.roster import Changes, Roster
from proxy.routefile import RouteFile
from proxy.session_reports import SessionReports
from proxy.settings import Settings, load_settings
from proxy.telemetry.sender import Telemetry
from proxy.whatif import Comparison

log = logging.getLogger(__name__)

HOUSEKEEPING_S = 1.0
SLEPT_S = 5.0
"""If the wall clock ran ahead of the monotonic one by more, the machine slept: connections are made anew."""
LIST_AGAIN_S = 600.0
"""A provider that lists nothing to a login, as Claude's may, is not asked again with every request."""
LATE_S = 2.0
"""Requests that the drain cut short have so long to tell their clients."""
FLUSH_S = 1.0
"""A budget that was just set waits so long for the disk, to have in it what was spent before."""
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
        self.paths, self.settings, self._environ = paths, settings, environ
        self.local_token = local_token(paths)
        self.listen_host = settings.engine.host
        self._stopping = asyncio.Event()
        self._drain_s = settings.engine.drain_s
        self._patience: asyncio.Timeout | None = None
        """With the requests that still run while the engine drains."""
        self._providers_dirty = self._health_unsaved = False
        self.chores = Chores()
        self._past_turn = asyncio.Lock()
        """Held by whoever changes rows of the past and sums of them, or reads the ones to make the others."""
        self.providers = Roster(resolve_providers(settings, environ))
        self._wire_money(health_clock)
        self._wire_models(load)
        self._wire_traffic()

    def _wire_money(self, health_clock: Callable[[], float]) -> None:
        """What knows prices, sums and budgets, and what tells of them."""
        paths, settings, environ = self.paths, self.settings, self._environ
        self.credentials = Credentials(environ)
        self.upstreams = Upstreams(settings.engine.connect_timeout_s)
        self.catalog = ModelCatalog(paths.catalog_file, self.providers)
        search = web_search(settings.search, environ, self.credentials, self.upstreams)
        self._web = Web(search, web_fetch(settings, self.upstreams.trust))
        self._costs = Costs(settings.prices, self.catalog.find, (search.nano_usd or 0) if search else None)
        self._prices = PriceBook(self.providers, self._costs)
        self.writer = LedgerWriter(paths.ledger_file, settings.history.keep_days)
        self.reader = LedgerReader(paths.ledger_file)
        self.telemetry = Telemetry(environ, self.providers.known)
        self.totals = Totals()
        self.health = HealthBook(paths.health_file, health_clock)
        self.board = Board(time.time())
        self._herald = Herald(self._post_notice)
        self._fitting = Fitting(paths.thinking_file, Estimator({}))
        warn = partial(self._herald.say, "warning")
        flush = partial(self.writer.flush, FLUSH_S)
        budgets = Budgets(paths.budget_file, settings.budget, self.reader, flush, time.time, warn)
        self.gate = BudgetGate(budgets, settings.budget, self._costs, self.providers, self._fitting.prompt_tokens)
        self.feed = Feed(self.board, self.snapshot, self.gate.views)
        self._sessions = SessionLedger(paths.ledger_file)
        self.session_reports = SessionReports(self._sessions, self.writer, self.board, self._prices.of, self._counts)
        self.comparison = Comparison(
            self.providers,
            self.catalog,
            self._costs,
            PortionLedger(paths.ledger_file),
            self.board,
            self._prices.of,
        )
        self.importer = Importer(self.writer, self.reader, self.board, self._costs, self._imported, self._past_turn)
        self.pasts = Pasts(self._sessions, self.writer, self.board, self.feed, self.chores.start, self._past_turn)
        self._price_updates = PriceUpdates() if settings.engine.update_prices else None

    def _wire_models(self, load: LoadSettings | None) -> None:
        """What knows providers, their models and what is in a session's prompts."""
        paths, settings, environ = self.paths, self.settings, self._environ
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
        self.rejected = RejectionBook(paths.rejections_file)
        self._caches = CacheLedger(paths.ledger_file)
        self.cachewatch = CacheWatch(self._prices.of_request, self._attributed, self._note_break)
        self.prompts = Prompts(
            self.board,
            self.cachewatch,
            self._cache_kept,
            self._prices.of,
            self.catalog.window,
            self._fitting.bytes_per_token,
        )

    def _wire_traffic(self) -> None:
        """What requests go through."""
        paths, settings = self.paths, self.settings
        groups = _members_of(settings)
        self.routefile = RouteFile(paths.route_file, settings.route, _targets_of(groups))
        names = AgentNames(self.chores.start, self._name_agent)
        self.books = Bookkeeping(
            providers=self.providers,
            costs=self._costs,
            writer=self.writer,
            board=self.board,
            feed=self.feed,
            pasts=self.pasts,
            budgets=self.gate.budgets,
            catalog=self.catalog,
            fitting=self._fitting,
            telemetry=self.telemetry,
            totals=self.totals,
            herald=self._herald,
            names=names,
            cachewatch=self.cachewatch,
            discovery=self.discovery,
            chores=self.chores,
            local_token=self.local_token,
        )
        self.repricer = Repricer(
            paths.ledger_file,
            self.writer,
            self._costs,
            self.providers,
            self.books.repriced,
            self._all_repriced,
            self._past_turn,
        )
        self.dispatch = Dispatch(
            routefile=self.routefile,
            providers=self.providers,
            known_groups=groups,
            credentials=self.credentials,
            upstreams=self.upstreams,
            local_token=self.local_token,
            catalog=self.catalog,
            health=self.health,
            fitting=self._fitting,
            parcels=Parcels(self.providers, self.catalog, self._fitting, self.rejected),
            rejected=self.rejected,
            gate=self.gate,
            web=self._web,
            config_file=paths.config_file,
            herald=self._herald,
            changed=self._provider_news,
            ended=self.ended,
        )
        self._relay = Relay(self.dispatch, settings.engine.answer_timeout_s)
        self.app = Server(self, self._relay, control_door(ControlDesk(self)))
        asker = Asker(self.opened, self._relay.messages, self._relay.count_tokens, self.app.running)
        self.checkups = Checkups(
            paths.checks_file,
            self.providers,
            self.catalog,
            self._costs,
            self.discovery,
            asker,
            self.chores.start,
            self.providers_changed,
        )
        self.overview = Overview(
            self.dispatch,
            self.board,
            self.writer,
            self.telemetry,
            self.checkups,
            self._environ,
            paths.state_dir,
            self.listen_host,
        )

    def opened(self, exchange: Exchange) -> None:
        """A request arrived."""
        self.books.opened(exchange)

    def ended(self, exchange: Exchange) -> None:
        """A request is over."""
        self.books.ended(exchange)

    def model_list(self) -> list[dict[str, object]]:
        return self.overview.published_models(self.settings.engine.publish)

    def snapshot(self) -> c.Snapshot:
        return self.overview.snapshot()

    @property
    def route(self) -> c.Route:
        return self.routefile.route

    @property
    def draining(self) -> bool:
        return self.overview.draining

    def stop(self, drain_s: float | None) -> None:
        """Begin to drain: no new requests, running ones may end within ``drain_s``; 0 ends them at once."""
        if drain_s is not None:
            self._drain_s = drain_s
            if self._patience is not None:
                self._patience.reschedule(asyncio.get_running_loop().time() + drain_s)
        self.overview.draining = True
        self.feed.publish(self.overview.engine_changed)
        self._stopping.set()

    # Life

    async def run(self, listener: socket.socket) -> None:
        """Serve on ``listener`` until told to stop, then drain and flush."""
        host, port = listener.getsockname()[:2]
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # where asyncio leaves it off: 40 ms an answer
        self.overview.url = (
            f"http://{f'[{host}]' if ':' in host else '127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104
        )
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
            log.info("engine %s serves at %s", __version__, self.overview.url)
            waiting = asyncio.create_task(self._stopping.wait(), name="stop signal")
            await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            await self._drain()
            self.feed.close()
            server.should_exit = True
            await serving
        await self._close()

    async def _drain(self) -> None:
        self.overview.draining = True
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
        await self.chores.end()
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
            ("feed", every(TICK_S, "the feed", self.feed.tick)),
            ("signs of life", every(HOUSEKEEPING_S, "signs of life", self._relay.keep_alive)),
            ("housekeeping", self._keep_house()),
            ("discovery", self._discover()),
            ("watch of the caches", self.cachewatch.run()),
            ("sums of the day and budgets", self._show_sums()),
        ):
            self.chores.start(name, chore)

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
            with contained("housekeeping"):
                await self._look_after(now, beats)

    async def _look_after(self, now: float, beats: int) -> None:
        news = self._look_for_problems()
        if self.board.turn_day(now):
            await self._show_sums()
        elif beats % 10 == 0 or news:
            self.feed.publish(self.overview.engine_changed)
        if self._providers_dirty:
            self.providers_changed()
        if self._health_unsaved:
            self._health_unsaved = False
            await self.health.save()
            await self.rejected.save()
        if beats % 15 == 0:
            await self._fitting.save()

    async def _show_sums(self) -> None:
        """Panels hear of today's sums and of all budgets, those too of which only the ledger knows what was spent."""
        await self.gate.learn(self.board.sessions())
        self.feed.publish(self.snapshot)

    async def _discover(self) -> None:
        while True:
            with contained("asking for model lists"):
                await self.catalog.look_up()
                await self.discovery.refresh()
                await self.catalog.look_up()
            with contained("looking for local servers"):
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
        with contained("reading what the ledger has of the last day"):
            self._restore()
        self._look_for_problems()

    def _restore(self) -> None:
        """Show what the ledger has of the last day."""
        begin = restored_since(time.time())
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
            "url": self.overview.url,
            "token": self.local_token,
            "contract": c.CONTRACT,
            "version": __version__,
            "started_at": self.overview.started_at,
        }
        write_private(self.paths.runtime_file, msgspec.json.encode(runtime))
        self.routefile.keep_port(port)
        try:
            yield
        finally:
            if _written_by_us(self.paths.runtime_file):
                self.paths.runtime_file.unlink(missing_ok=True)

    # Small parts

    async def _all_repriced(self) -> None:
        await self.gate.budgets.ask_again()
        self.feed.publish(self.snapshot)

    async def _imported(self, requests: Sequence[c.Request], grown: Sequence[Grown]) -> None:
        """Sums of panels and budgets have in them what came into the ledger from elsewhere."""
        now = time.time()
        for one in grown:
            self.board.grew(one)
        for request in requests:
            self.board.imported(request)
            if request.session_id and request.started_at >= now - RESTORED_S:
                self.board.meet(request.session_id, request.project, now)
        self.pasts.look_up()
        await self.gate.budgets.ask_again()
        self.feed.publish(self.snapshot)

    def _name_agent(self, named: Named) -> None:
        self.writer.note(AgentName(*named, at=time.time()))
        self.books.name_agent(named)

    def _attributed(self, provider: str) -> bool:
        """The provider reads the client's attribution block as part of the prompt."""
        return provider not in self.providers or not self.providers[provider].real_claude

    def _counts(self, simulated: bool, subscription: bool) -> bool:
        return self.gate.budgets.counts(simulated=simulated, subscription=subscription)

    def _provider_news(self) -> None:
        """Panels hear of it with the next beat: of an outage there is much in a second."""
        self._providers_dirty = self._health_unsaved = True

    def _cache_kept(self, session: str) -> CacheKept:
        self.writer.flush(2.0)
        return self._caches.kept(session, ROWS_MAX)

    def _note_break(self, session: str, broken: c.CacheBreak) -> None:
        self.writer.note(CacheLoss(session, broken))

    def providers_changed(self) -> None:
        self._providers_dirty = False
        self.feed.publish(lambda: c.ProvidersChanged(providers=self.overview.providers()))

    def _take_up(self, settings: Settings, changes: Changes) -> tuple[str, ...]:
        """Put read settings in force, the providers of which already are. What is wrong then, in words."""
        self.settings = settings
        groups = self.dispatch.known_groups = _members_of(settings)
        self.routefile.renew(settings.route, _targets_of(groups))
        self._costs.renew(settings.prices)
        for name in (*changes.changed, *changes.removed):
            self.health.forget(name)
            self.upstreams.forget(name)
        for name in (*changes.added, *changes.changed):
            self.catalog.renewed(name, moved=name in changes.moved)
        for name in changes.moved:
            self.rejected.forget(name)
        self._look_for_problems()
        if changes.words:
            self._herald.say("info", f"settings read anew: {changes.words}")
        self.feed.publish(self.snapshot)
        return self.overview.problems

    def _post_notice(self, notice: c.Notice) -> None:
        self.board.notices.append(notice)
        self.feed.publish(c.NoticePosted(notice=notice))

    def _look_for_problems(self) -> bool:
        """Whether what is wrong with the engine itself changed."""
        if remark := self.writer.remark:
            self.writer.remark = None
            self._herald.say("warning", remark)
        return self.overview.look()


def restored_since(now: float) -> float:
    """From when on panels are shown what the ledger has: a day, and all of today, which may have 25 hours."""
    return min(now - RESTORED_S, c.midnight(c.local_day(now)))


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


def _reached_at(host: str) -> str:
    """How this machine names what listens on ``host``."""
    if ":" in host:
        return f"[{host}]"
    return "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104  compared, not listened on


def _members_of(settings: Settings) -> Groups:
    """The groups of the settings."""
    return {
        name: tuple(routing.Member(each.target, each.order, each.weight) for each in group.members)
        for name, group in settings.groups.items()
    }


def _targets_of(groups: Groups) -> dict[str, tuple[str, ...]]:
    """The members' targets in their order."""
    ordered = {name: sorted(members, key=lambda each: each.order) for name, members in groups.items()}
    return {name: tuple(member.target for member in members) for name, members in ordered.items()}
