"""The control door: what panels, commands and scripts may ask and tell the engine. Off the hot path.

The guard has let the request in already. Commands are decoded into the contract's types; what cannot be done
is answered with a ``Refusal`` that says what to do.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeVar, cast, get_args

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from proxy import contract as c
from proxy.metrics import CONTENT_TYPE
from proxy.protocol.foreign_json import NotJson, read_json_as

T = TypeVar("T", bound=msgspec.Struct)

REQUESTS_MAX = 10_000
GROUPS_MAX = 10**6
USAGE_GROUPS: tuple[str, ...] = get_args(c.UsageGroup)
ROLES: tuple[str, ...] = get_args(c.Role)


class Refused(Exception):
    """A command that is not carried out."""

    def __init__(self, message: str, code: str = "refused", status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Controls(Protocol):
    """What the door opens onto."""

    def hello(self, nonce: str) -> c.Hello: ...
    def snapshot(self) -> c.Snapshot: ...
    def follow(self, panel: str) -> AsyncIterator[bytes]: ...
    def watch(self, command: c.Watch) -> None: ...
    async def use(self, command: c.Use) -> c.Route: ...
    async def set_fallback(self, command: c.SetFallback) -> c.Route: ...
    async def set_favourite(self, command: c.SetFavourite) -> c.ModelList: ...
    async def rest(self, command: c.RestProvider) -> None: ...
    async def try_provider(self, command: c.TryProvider) -> c.Tried: ...
    async def forget_rejections(self, command: c.ForgetRejections) -> None: ...
    def presets(self) -> c.PresetList: ...
    async def try_settings(self, command: c.TrySettings) -> c.SettingsTried: ...
    async def reload(self) -> c.Reloaded: ...
    async def budget_report(self, session: str | None, project: str | None) -> c.BudgetReport: ...
    async def set_budget(self, command: c.SetBudget) -> c.BudgetReport: ...
    async def grant_budget(self, command: c.GrantBudget) -> c.BudgetReport: ...
    async def pass_budget(self, command: c.PassBudget) -> c.BudgetReport: ...
    async def status_facts(self, session: str) -> c.StatusFacts: ...
    async def session_report(self, session: str | None) -> c.SessionReport: ...
    async def context_report(self, session: str | None, request_id: str | None) -> c.ContextReport: ...
    async def cache_report(self, session: str | None) -> c.CacheReport: ...
    def run_check(self, command: c.RunCheck) -> c.CheckReport: ...
    def stop_check(self, command: c.StopCheck) -> None: ...
    def check_report(self, text: str) -> c.CheckReport: ...
    def launch_plan(self) -> c.LaunchPlan: ...
    def stop(self, drain_s: float | None) -> None: ...
    async def models(self, *, refresh: bool) -> c.ModelList: ...
    def requests(self, choice: c.Choice, limit: int) -> list[c.Request]: ...
    def detail(self, request_id: str) -> c.Detail | None: ...
    def usage(self, choice: c.Choice, by: c.UsageGroup, limit: int | None) -> c.UsageReport: ...
    def latency(self, choice: c.Choice) -> c.LatencyReport: ...
    async def what_if(self, choice: c.Choice) -> c.WhatIf: ...
    async def reprice(self, command: c.Reprice) -> c.RepriceReport: ...
    def metrics(self) -> str: ...
    async def import_answers(self, command: c.ImportAnswers) -> c.ImportReport: ...


def control_door(controls: Controls) -> Starlette:
    """The door as an ASGI application."""

    async def hello(request: Request) -> Response:
        return _json(controls.hello(request.query_params.get("nonce", "")[:128]))

    async def state(_: Request) -> Response:
        return _json(controls.snapshot())

    async def feed(request: Request) -> Response:
        panel = request.query_params.get("panel", "")
        if not panel:
            raise Refused("feed: say who follows, ?panel=ID")
        headers = {"cache-control": "no-store"}
        return StreamingResponse(controls.follow(panel), media_type="text/event-stream", headers=headers)

    async def watch(request: Request) -> Response:
        controls.watch(await _command(request, c.Watch))
        return _done()

    async def use(request: Request) -> Response:
        return _json(await controls.use(await _command(request, c.Use)))

    async def fallback(request: Request) -> Response:
        return _json(await controls.set_fallback(await _command(request, c.SetFallback)))

    async def rest(request: Request) -> Response:
        await controls.rest(await _command(request, c.RestProvider))
        return _done()

    async def forget(request: Request) -> Response:
        await controls.forget_rejections(await _command(request, c.ForgetRejections))
        return _done()

    async def try_provider(request: Request) -> Response:
        return _json(await controls.try_provider(await _command(request, c.TryProvider)))

    async def presets(_: Request) -> Response:
        return _json(controls.presets())

    async def try_settings(request: Request) -> Response:
        return _json(await controls.try_settings(await _command(request, c.TrySettings)))

    async def reload(_: Request) -> Response:
        return _json(await controls.reload())

    async def favourite(request: Request) -> Response:
        return _json(await controls.set_favourite(await _command(request, c.SetFavourite)))

    async def budget(request: Request) -> Response:
        query = request.query_params
        return _json(await controls.budget_report(query.get("session"), query.get("project")))

    async def set_budget(request: Request) -> Response:
        return _json(await controls.set_budget(await _command(request, c.SetBudget)))

    async def grant_budget(request: Request) -> Response:
        return _json(await controls.grant_budget(await _command(request, c.GrantBudget)))

    async def pass_budget(request: Request) -> Response:
        return _json(await controls.pass_budget(await _command(request, c.PassBudget)))

    async def statusline(request: Request) -> Response:
        return _json(await controls.status_facts(request.query_params.get("session", "")))

    async def session(request: Request) -> Response:
        return _json(await controls.session_report(request.query_params.get("session")))

    async def context(request: Request) -> Response:
        query = request.query_params
        return _json(await controls.context_report(query.get("session"), query.get("request")))

    async def cache(request: Request) -> Response:
        return _json(await controls.cache_report(request.query_params.get("session")))

    async def check(request: Request) -> Response:
        return _json(controls.check_report(request.query_params.get("target", "")))

    async def run_check(request: Request) -> Response:
        return _json(controls.run_check(await _command(request, c.RunCheck)))

    async def stop_check(request: Request) -> Response:
        controls.stop_check(await _command(request, c.StopCheck))
        return _done()

    async def launch(_: Request) -> Response:
        return _json(controls.launch_plan())

    async def stop(request: Request) -> Response:
        controls.stop((await _command(request, c.Stop)).drain_s)
        return _done()

    async def models(request: Request) -> Response:
        return _json(await controls.models(refresh=request.query_params.get("refresh") == "1"))

    async def requests(request: Request) -> Response:
        limit = int(_number(request, "limit", 50))
        choice = _choice(request, "limit")
        return _json(await asyncio.to_thread(controls.requests, choice, max(0, min(limit, REQUESTS_MAX))))

    async def detail(request: Request) -> Response:
        request_id = request.path_params["request_id"]
        found = await asyncio.to_thread(controls.detail, request_id)
        if found is None:
            raise Refused(f"no request is called {request_id!r}", "not_found", 404)
        return _json(found)

    async def usage(request: Request) -> Response:
        by = request.query_params.get("by", "model")
        if by not in USAGE_GROUPS:
            raise Refused(f"usage cannot be grouped by {by!r}; it can by {', '.join(USAGE_GROUPS)}")
        limit = int(max(0.0, min(_number(request, "limit", 0), GROUPS_MAX))) or None
        choice = _choice(request, "by", "limit")
        return _json(await asyncio.to_thread(controls.usage, choice, cast("c.UsageGroup", by), limit))

    async def latency(request: Request) -> Response:
        return _json(await asyncio.to_thread(controls.latency, _choice(request)))

    async def what_if(request: Request) -> Response:
        return _json(await controls.what_if(_choice(request)))

    async def reprice(request: Request) -> Response:
        return _json(await controls.reprice(await _command(request, c.Reprice)))

    async def import_answers(request: Request) -> Response:
        return _json(await controls.import_answers(await _command(request, c.ImportAnswers)))

    async def metrics(_: Request) -> Response:
        return Response(controls.metrics(), headers={"content-type": CONTENT_TYPE})

    async def failed(_: Request, error: Exception) -> Response:
        return _json(c.Refusal(code="failed", message="the engine made a mistake; its log says which"), 500)

    async def refused(_: Request, error: Exception) -> Response:
        if not isinstance(error, Refused):
            raise error
        return _json(c.Refusal(code=error.code, message=str(error)), error.status)

    def at(path: str, method: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
        return Route(c.DOOR + path, answer, methods=[method])

    routes = [
        at("/hello", "GET", hello),
        at("/state", "GET", state),
        at("/feed", "GET", feed),
        at("/watch", "POST", watch),
        at("/use", "POST", use),
        at("/fallback", "POST", fallback),
        at("/favourite", "POST", favourite),
        at("/rest", "POST", rest),
        at("/try", "POST", try_provider),
        at("/forget", "POST", forget),
        at("/presets", "GET", presets),
        at("/try-settings", "POST", try_settings),
        at("/reload", "POST", reload),
        at("/budget", "GET", budget),
        at("/budget/set", "POST", set_budget),
        at("/budget/grant", "POST", grant_budget),
        at("/budget/pass", "POST", pass_budget),
        at("/statusline", "GET", statusline),
        at("/session", "GET", session),
        at("/context", "GET", context),
        at("/cache", "GET", cache),
        at("/check", "GET", check),
        at("/check", "POST", run_check),
        at("/check/stop", "POST", stop_check),
        at("/launch", "GET", launch),
        at("/stop", "POST", stop),
        at("/models", "GET", models),
        at("/requests", "GET", requests),
        at("/requests/{request_id}", "GET", detail),
        at("/usage", "GET", usage),
        at("/latency", "GET", latency),
        at("/whatif", "GET", what_if),
        at("/reprice", "POST", reprice),
        at("/import", "POST", import_answers),
        at("/metrics", "GET", metrics),
    ]
    return Starlette(routes=routes, exception_handlers={Refused: refused, Exception: failed})


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _done() -> Response:
    return _json({"ok": True})


async def _command(request: Request, kind: type[T]) -> T:
    try:
        return read_json_as(msgspec.json.Decoder(kind), await request.body() or b"{}")
    except NotJson as error:
        raise Refused(f"the command cannot be read: {error}") from None


def _choice(request: Request, *beside: str) -> c.Choice:
    """The choice that the query names; an empty text chooses what has none. ``beside``: other names that it may have.

    Raises ``Refused``, which names what is allowed.
    """
    query = request.query_params
    names = (*c.Choice.__struct_fields__, *beside)
    for name in query:
        if name not in names:
            raise Refused(f"nothing is chosen by {name!r}; it can be by {', '.join(names)}")
    if query.get("role", "main") not in ROLES:
        raise Refused(f"no role is called {query['role']!r}; there are {', '.join(ROLES)}")
    moments = {name: _number(request, name, 0.0) for name in ("since", "until") if name in query}
    texts = {name: query[name] for name in c.Choice.__struct_fields__ if name in query and name not in moments}
    return msgspec.convert({**moments, **texts}, c.Choice)


def _number(request: Request, name: str, default: float) -> float:
    try:
        number = float(request.query_params.get(name, default))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Refused(f"{name} must be a number")
    return number
