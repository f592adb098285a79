"""The engine: wiring and life cycle, nothing else. Decisions are in ``protocol``, sockets in ``net``."""

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from proxy import __version__, memory
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
from proxy.dispatch import Dispatch
from proxy.estimate import Estimator
from proxy.feed import TICK_S, Feed
from proxy.fitting import Fitting
from proxy.groups import members_of, targets_of
from proxy.health import HealthBook
from proxy.herald import Herald
from proxy.housekeeping import Housekeeping
from proxy.imports import Importer
from proxy.last_day import LastDay
from proxy.ledger.caches import CacheKept, CacheLedger
from proxy.ledger.notes import AgentName, CacheLoss
from proxy.ledger.portions import PortionLedger
from proxy.ledger.queries import LedgerReader
from proxy.ledger.sessions import SessionLedger
from proxy.ledger.writer import LedgerWriter
from proxy.lookout import Lookout
from proxy.metrics import Totals
from proxy.net.control import control_door
from proxy.net.credentials import Credentials
from proxy.net.discovery import Discovery
from proxy.net.exchange import Exchange
from proxy.net.listening import send_at_once, server_of, url_of
from proxy.net.relay import Relay
from proxy.net.searching import Web
from proxy.net.server import Server
from proxy.net.upstream import Upstreams
from proxy.net.webfetch import web_fetch
from proxy.net.websearch import web_search
from proxy.overview import Overview
from proxy.parcels import Parcels
from proxy.pasts import Pasts
from proxy.paths import Paths, local_token
from proxy.prices import PriceUpdates
from proxy.prompts import ROWS_MAX, Prompts
from proxy.provider_setup import LoadSettings, ProviderSetup
from proxy.providers import resolve_providers
from proxy.rejections import RejectionBook
from proxy.repricing import Repricer
from proxy.roster import Changes, Roster
from proxy.routefile import RouteFile
from proxy.runtime_file import runtime_file
from proxy.session_reports import SessionReports
from proxy.settings import Settings, load_settings
from proxy.telemetry.sender import Telemetry
from proxy.whatif import Comparison

log = logging.getLogger(__name__)

SIGNS_OF_LIFE_S = 1.0
"""So often waiting clients are looked at, whether they are due one."""
LATE_S = 2.0
"""Requests that the drain cut short have so long to tell their clients."""
FLUSH_S = 1.0
"""A budget that was just set waits so long for the disk, to have in it what was spent before."""


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
        self.chores = Chores()
        self._past_turn = asyncio.Lock()
        """Held by whoever changes rows of the past and sums of them, or reads the ones to make the others."""
        self.providers = Roster(resolve_providers(settings, environ))
        self._wire_money(health_clock)
        self._wire_models(load)
        self._wire_traffic()
        self._wire_watches()

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
            self.providers,
            self.catalog,
            self.credentials,
            lambda: self.upstreams,
            self.providers_changed,
            self.chores,
            self.local_token,
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
            self._fitting.prompt_ratio,
        )

    def _wire_traffic(self) -> None:
        """What requests go through."""
        paths, settings = self.paths, self.settings
        groups = members_of(settings)
        self.routefile = RouteFile(paths.route_file, settings.route, targets_of(groups))
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
            parcels=Parcels(self.catalog, self._fitting, self.rejected),
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

    def _wire_watches(self) -> None:
        """What looks after all of that while the engine runs."""
        self._last_day = LastDay(self.board, self.reader, self._sessions, self.catalog, self.providers)
        self._house = Housekeeping(self.dispatch, self.board, self.feed, self.overview, self.writer)
        self._lookout = Lookout(
            lambda: self.settings,
            self._environ,
            self.providers,
            self.catalog,
            self.discovery,
            self._herald,
            self.providers_changed,
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
        send_at_once(listener)
        self.overview.url = url_of(host, port)
        await asyncio.to_thread(self.telemetry.start)
        await asyncio.to_thread(self._open_ledger)
        memory.settle()
        server = server_of(self.app)
        with runtime_file(self.paths.runtime_file, self._runtime_facts(host, port)):
            self.routefile.keep_port(port)
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
            ("signs of life", every(SIGNS_OF_LIFE_S, "signs of life", self._relay.keep_alive)),
            ("housekeeping", self._house.run()),
            ("discovery", self._lookout.run()),
            ("watch of the caches", self.cachewatch.run()),
            ("sums of the day and budgets", self._house.show_sums()),
        ):
            self.chores.start(name, chore)

    def _open_ledger(self) -> None:
        self.writer.start()
        with contained("reading what the ledger has of the last day"):
            self._last_day.restore(time.time())
            self._fitting.estimator = Estimator(self.reader.bytes_per_token())
        self._house.look_for_problems()

    def _runtime_facts(self, host: str, port: int) -> Mapping[str, object]:
        """What those who look for an engine find of this one."""
        return {
            "host": host,
            "port": port,
            "url": self.overview.url,
            "token": self.local_token,
            "contract": c.CONTRACT,
            "version": __version__,
            "started_at": self.overview.started_at,
        }

    # Small parts

    async def _all_repriced(self) -> None:
        await self.gate.budgets.ask_again()
        self.feed.publish(self.snapshot)

    async def _imported(self, requests: Sequence[c.Request], grown: Sequence[Grown]) -> None:
        """Sums of panels and budgets have in them what came into the ledger from elsewhere."""
        self._last_day.add(requests, grown, time.time())
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
        self._house.provider_news()

    def _cache_kept(self, session: str) -> CacheKept:
        self.writer.flush(2.0)
        return self._caches.kept(session, ROWS_MAX)

    def _note_break(self, session: str, broken: c.CacheBreak) -> None:
        self.writer.note(CacheLoss(session, broken))

    def providers_changed(self) -> None:
        self._house.providers_changed()

    def _take_up(self, settings: Settings, changes: Changes) -> tuple[str, ...]:
        """Put read settings in force, the providers of which already are. What is wrong then, in words."""
        self.settings = settings
        groups = self.dispatch.known_groups = members_of(settings)
        self.routefile.renew(settings.route, targets_of(groups))
        self._costs.renew(settings.prices)
        for name in (*changes.changed, *changes.removed):
            self.health.forget(name)
            self.upstreams.forget(name)
        for name in (*changes.added, *changes.changed):
            self.catalog.renewed(name, moved=name in changes.moved)
        for name in changes.moved:
            self.rejected.forget(name)
        self._house.look_for_problems()
        if changes.words:
            self._herald.say("info", f"settings read anew: {changes.words}")
        self.feed.publish(self.snapshot)
        return self.overview.problems

    def _post_notice(self, notice: c.Notice) -> None:
        self.board.notices.append(notice)
        self.feed.publish(c.NoticePosted(notice=notice))


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
