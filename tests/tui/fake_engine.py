"""A scripted control door on a real loopback socket: what the panel talks to in tests.

It answers from what the test puts into it, does what commands say to its route, and keeps every command. Events
go to all open feeds. ``python -m tests.tui.fake_engine`` plays busy traffic for a look at the panel.
"""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Self

import msgspec
from aiohttp import web

from proxy import contract as c
from tests.tui.scenes import Scene, blank
from tests.upstreams.gate import BOUND_S

TOKEN = "fake-token"
ALIVE_S = 5.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeEngine:
    """An engine without traffic. Use as an asynchronous context manager."""

    def __init__(self, scene: Scene | None = None, port: int = 0) -> None:
        self.scene = scene or blank()
        self.port = port
        self.commands: list[msgspec.Struct] = []
        self.contract = c.CONTRACT
        self.models: tuple[c.Model, ...] = ()
        self.history: tuple[c.Request, ...] = ()
        self.details: dict[str, c.Detail] = {}
        self.context = c.ContextReport()
        self.cache = c.CacheReport(session_id="")
        self.prompt_calls: list[dict[str, str]] = []
        self.report = c.UsageReport(total=c.Tally(), rows=())
        self.reports: dict[str, c.UsageReport] = {}
        """By grouping, where it is not ``report`` for all."""
        self.latencies = c.LatencyReport(rows=())
        self.comparison = c.WhatIf(total=c.Tally())
        self.asked: list[tuple[str, dict[str, str]]] = []
        """Path and query of each question about the ledger."""
        self.session_reports: dict[str, c.SessionReport] = {}
        self.budgets = c.BudgetReport(action="block", budgets=())
        self.refusal: c.Refusal | None = None
        """The answer to the next command of the user's: what the panel watches by itself is not refused."""
        self.knows_budgets = True
        self.tried = c.Tried(ok=True, text="9 models listed", duration_ms=412.0)
        self.model_calls: list[bool] = []
        self.budget_calls: list[str | None] = []
        self.usage_calls: list[dict[str, str]] = []
        self.check: c.CheckReport | None = None
        """What is known of a target's check."""
        self.check_plan = c.CheckReport(target="")
        self.answers = asyncio.Event()
        """Set: a check begins at once; else its answer waits."""
        self.answers.set()
        self._feeds: dict[str, asyncio.Queue[c.Event | None]] = {}
        self._moved = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def address(self) -> tuple[str, str]:
        return self.url, TOKEN

    @property
    def running(self) -> bool:
        return self._runner is not None

    @property
    def panels(self) -> list[str]:
        """Ids of the panels whose feeds are open."""
        return list(self._feeds)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        application = web.Application(middlewares=[self._guard])
        application.add_routes(
            [
                web.get(c.DOOR + "/hello", self._hello),
                web.get(c.DOOR + "/state", self._state),
                web.get(c.DOOR + "/feed", self._feed),
                web.get(c.DOOR + "/models", self._models),
                web.get(c.DOOR + "/requests", self._requests),
                web.get(c.DOOR + "/requests/{id}", self._detail),
                web.get(c.DOOR + "/usage", self._usage),
                web.get(c.DOOR + "/latency", self._latency),
                web.get(c.DOOR + "/whatif", self._what_if),
                web.get(c.DOOR + "/session", self._session),
                web.get(c.DOOR + "/budget", self._budget),
                web.post(c.DOOR + "/budget/set", self._budget_command(c.SetBudget)),
                web.post(c.DOOR + "/budget/grant", self._budget_command(c.GrantBudget)),
                web.post(c.DOOR + "/budget/pass", self._budget_command(c.PassBudget)),
                web.get(c.DOOR + "/context", self._context),
                web.get(c.DOOR + "/cache", self._cache),
                web.get(c.DOOR + "/check", self._check),
                web.post(c.DOOR + "/check", self._run_check),
                web.post(c.DOOR + "/check/stop", self._stop_check),
                web.post(c.DOOR + "/watch", self._watch),
                web.post(c.DOOR + "/use", self._use),
                web.post(c.DOOR + "/fallback", self._fallback),
                web.post(c.DOOR + "/favourite", self._favourite),
                web.post(c.DOOR + "/rest", self._rest),
                web.post(c.DOOR + "/try", self._try),
                web.post(c.DOOR + "/stop", self._stop_command),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Die: every feed ends and nothing listens any more."""
        for queue in self._feeds.values():
            queue.put_nowait(None)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def emit(self, event: c.Event) -> None:
        """Tell every panel."""
        self.scene.note(event)
        for queue in self._feeds.values():
            queue.put_nowait(event)

    async def told(self, kind: type[msgspec.Struct], number: int = 1) -> list[msgspec.Struct]:
        """Wait until ``number`` commands of a kind arrived."""
        async with asyncio.timeout(BOUND_S), self._moved:
            await self._moved.wait_for(lambda: len(self._of(kind)) >= number)
        return self._of(kind)

    async def attached(self, number: int = 1) -> None:
        """Wait until ``number`` feeds are open."""
        async with asyncio.timeout(BOUND_S), self._moved:
            await self._moved.wait_for(lambda: len(self._feeds) >= number)

    def _of(self, kind: type[msgspec.Struct]) -> list[msgspec.Struct]:
        return [command for command in self.commands if isinstance(command, kind)]

    async def _keep(self, command: msgspec.Struct) -> None:
        async with self._moved:
            self.commands.append(command)
            self._moved.notify_all()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.endswith("/hello") and request.headers.get(c.TOKEN_HEADER) != TOKEN:
            return answer(c.Refusal(code="token", message="the token is missing"), 401)
        if request.method == "POST" and not request.path.endswith("/watch") and self.refusal is not None:
            refusal, self.refusal = self.refusal, None
            return answer(refusal, 409)
        return await handler(request)

    async def _hello(self, request: web.Request) -> web.Response:
        proof = c.proof_of_token(TOKEN, request.query.get("nonce", ""))
        hello = c.Hello(product="cctui", contract=c.CONTRACT, version="0", pid=os.getpid(), proof=proof)
        return answer(hello)

    def snapshot(self) -> c.Snapshot:
        snapshot = self.scene.snapshot(self.url)
        engine = msgspec.structs.replace(snapshot.engine, contract=self.contract)
        return msgspec.structs.replace(snapshot, engine=engine)

    async def _state(self, _request: web.Request) -> web.Response:
        return answer(self.snapshot())

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        panel = request.query["panel"]
        queue: asyncio.Queue[c.Event | None] = asyncio.Queue()
        queue.put_nowait(self.snapshot())
        async with self._moved:
            self._feeds[panel] = queue
            self._moved.notify_all()
        try:
            await self._pump(queue, response)
        finally:
            self._feeds.pop(panel, None)
        return response

    async def _pump(self, queue: asyncio.Queue[c.Event | None], response: web.StreamResponse) -> None:
        numbers = itertools.count(1)
        async for event in _until_none(queue):
            text = b": alive\n\n" if event is Ellipsis else b"data: " + msgspec.json.encode(event) + b"\n\n"
            head = b"" if event is Ellipsis else b"id: %d\n" % next(numbers)
            with suppress(ConnectionError):
                await response.write(head + text)

    async def _models(self, request: web.Request) -> web.Response:
        self.model_calls.append("refresh" in request.query)
        return answer(c.ModelList(models=self.models, providers=self.scene.providers))

    async def _requests(self, request: web.Request) -> web.Response:
        self.asked.append(("requests", dict(request.query)))
        return answer(self.history)

    async def _latency(self, request: web.Request) -> web.Response:
        self.asked.append(("latency", dict(request.query)))
        return answer(self.latencies)

    async def _what_if(self, request: web.Request) -> web.Response:
        self.asked.append(("whatif", dict(request.query)))
        return answer(self.comparison)

    async def _detail(self, request: web.Request) -> web.Response:
        if (detail := self.details.get(request.match_info["id"])) is not None:
            return answer(detail)
        if (known := self.scene.requests.get(request.match_info["id"])) is not None:
            return answer(c.Detail(request=known))
        return answer(c.Refusal(code="unknown", message="no such request"), 404)

    async def _usage(self, request: web.Request) -> web.Response:
        self.usage_calls.append(dict(request.query))
        return answer(self.reports.get(request.query.get("by", ""), self.report))

    async def _session(self, request: web.Request) -> web.Response:
        key = request.query["session"]
        return answer(self.session_reports.get(key, c.SessionReport(session_id=key)))

    async def _budget(self, request: web.Request) -> web.Response:
        self.budget_calls.append(request.query.get("session"))
        if not self.knows_budgets:
            return answer(c.Refusal(code="busy", message="nobody knows the budgets now"), 503)
        return answer(self.budgets)

    def _budget_command(self, kind: type[msgspec.Struct]) -> Handler:
        async def obey(request: web.Request) -> web.StreamResponse:
            command = msgspec.json.decode(await request.read(), type=kind)
            if isinstance(command, c.PassBudget):
                self.budgets = msgspec.structs.replace(self.budgets, passing=command.passing)
            await self._keep(command)
            return answer(self.budgets)

        return obey

    async def _context(self, request: web.Request) -> web.Response:
        """A request of which the test says nothing else is not kept any more."""
        self.prompt_calls.append(dict(request.query))
        if request.query.get("request", self.context.request_id) != self.context.request_id:
            return answer(c.Refusal(code="not_found", message="that body is no longer kept in memory"), 404)
        return answer(self.context)

    async def _cache(self, request: web.Request) -> web.Response:
        self.prompt_calls.append(dict(request.query))
        return answer(self.cache)

    async def _check(self, _request: web.Request) -> web.Response:
        if self.check is None:
            return answer(c.Refusal(code="not_found", message="it was never checked"), 404)
        return answer(self.check)

    async def _run_check(self, request: web.Request) -> web.Response:
        command = msgspec.json.decode(await request.read(), type=c.RunCheck)
        await self._keep(command)
        if command.dry_run:
            return answer(self.check_plan)
        self.check = msgspec.structs.replace(self.check_plan, running=True, started_at=1.0)
        await self.answers.wait()
        return answer(self.check)

    async def _stop_check(self, request: web.Request) -> web.Response:
        await self._keep(msgspec.json.decode(await request.read(), type=c.StopCheck))
        if self.check is not None:
            self.check = msgspec.structs.replace(self.check, running=False)
        return web.json_response({"ok": True})

    async def _watch(self, request: web.Request) -> web.Response:
        await self._keep(msgspec.json.decode(await request.read(), type=c.Watch))
        return web.json_response({"ok": True})

    async def _use(self, request: web.Request) -> web.Response:
        command = msgspec.json.decode(await request.read(), type=c.Use)
        await self._keep(command)
        kept = [one for one in self.scene.route.overrides if (one.session, one.slot) != (command.session, command.slot)]
        if command.target != c.AS_ASKED:
            provider, _, model = command.target.partition("/")
            chosen = c.Override(provider=provider, model=model or None, session=command.session, slot=command.slot)
            kept.append(chosen)
        return self._routed(msgspec.structs.replace(self.scene.route, overrides=tuple(kept)))

    async def _fallback(self, request: web.Request) -> web.Response:
        command = msgspec.json.decode(await request.read(), type=c.SetFallback)
        await self._keep(command)
        route = self.scene.route
        if command.enabled is not None:
            route = msgspec.structs.replace(route, fallback_enabled=command.enabled)
        if command.chain is not None:
            route = with_chain(route, command.slot, command.chain)
        return self._routed(route)

    async def _rest(self, request: web.Request) -> web.Response:
        command = msgspec.json.decode(await request.read(), type=c.RestProvider)
        await self._keep(command)
        providers = tuple(
            msgspec.structs.replace(one, resting=command.resting) if one.name == command.provider else one
            for one in self.scene.providers
        )
        self.emit(c.ProvidersChanged(providers=providers))
        return web.json_response({"ok": True})

    async def _try(self, request: web.Request) -> web.Response:
        await self._keep(msgspec.json.decode(await request.read(), type=c.TryProvider))
        return answer(self.tried)

    def _routed(self, route: c.Route) -> web.Response:
        self.emit(c.RouteChanged(route=route))
        return answer(route)

    async def _favourite(self, request: web.Request) -> web.Response:
        command = msgspec.json.decode(await request.read(), type=c.SetFavourite)
        await self._keep(command)
        self.models = tuple(
            msgspec.structs.replace(one, favourite=command.favourite)
            if (one.provider, one.id) == (command.provider, command.model)
            else one
            for one in self.models
        )
        return await self._models(request)

    async def _stop_command(self, request: web.Request) -> web.Response:
        await self._keep(msgspec.json.decode(await request.read(), type=c.Stop))
        return web.json_response({"ok": True})


def with_chain(route: c.Route, slot: c.Slot | None, chain: tuple[str, ...]) -> c.Route:
    """``route`` with another chain; an empty one of a slot is none of its own."""
    if slot is None:
        return msgspec.structs.replace(route, chain=chain)
    chains = {name: kept for name, kept in route.slot_chains.items() if name != slot}
    return msgspec.structs.replace(route, slot_chains=chains | ({slot: chain} if chain else {}))


def answer(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


async def _until_none(queue: asyncio.Queue[c.Event | None]) -> AsyncIterator[object]:
    """Events as they come, ``...`` where none came for a while."""
    while True:
        try:
            event = await asyncio.wait_for(queue.get(), ALIVE_S)
        except TimeoutError:
            yield ...
            continue
        if event is None:
            return
        yield event


if __name__ == "__main__":
    from tests.tui.busy import main

    main()
