"""Calls and events of the engine's control door: what the panel and every command use to reach the engine.

One asynchronous client; nothing is cached and nothing retried here. Every failure is a ``DoorError`` with a
sentence for the user, ``EngineGone`` when the engine did not answer at all.
"""

from collections.abc import AsyncIterator
from typing import Self, TypeVar

import httpx
import msgspec

from proxy import contract as c

T = TypeVar("T")

FEED_SILENCE_S = 15.0
"""The engine sends a comment every 5 s; three missed ones and the feed is taken for dead."""


EVERYTHING = c.Choice()


def _sentence(text: str) -> str:
    """``text`` with a capital and a full stop; a question keeps its mark."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?', '!', '`')) else '.'}"


class DoorError(Exception):
    """The engine refused or could not do what was asked. ``str()`` is a sentence for the user."""

    def __init__(self, message: str, code: str = "failed") -> None:
        super().__init__(_sentence(message))
        self.code = code


class EngineGone(DoorError):
    """No engine answered at the address."""

    def __init__(self, url: str, cause: str) -> None:
        super().__init__(f"the engine at {url} does not answer ({cause})", "engine_gone")


class Door:
    """The control door of the engine at ``url``. Use as an asynchronous context manager."""

    def __init__(self, url: str, token: str, timeout_s: float = 10.0) -> None:
        self.url = url
        self._http = httpx.AsyncClient(
            base_url=url + c.DOOR,
            headers={c.TOKEN_HEADER: token},
            timeout=timeout_s,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def state(self) -> c.Snapshot:
        return await self._get("/state", c.Snapshot)

    async def models(self, *, refresh: bool = False) -> c.ModelList:
        """Every provider's models from the engine's cache; ``refresh`` asks the providers first (3 s at most)."""
        return await self._get("/models", c.ModelList, {"refresh": "1"} if refresh else {})

    async def requests(self, choice: c.Choice = EVERYTHING, limit: int = 50) -> tuple[c.Request, ...]:
        """Requests, newest first. Of a session or of all: those in flight too; of any other choice: ended
        ``messages`` requests, the same that ``usage`` sums."""
        return await self._get("/requests", tuple[c.Request, ...], {"limit": str(limit)} | choice_query(choice))

    async def detail(self, request_id: str) -> c.Detail:
        return await self._get(f"/requests/{request_id}", c.Detail)

    async def usage(self, choice: c.Choice, by: c.UsageGroup, limit: int | None = None) -> c.UsageReport:
        """All groups, or of those that are not times the ``limit`` costliest alone."""
        asked = {"by": by} | ({"limit": str(limit)} if limit else {})
        return await self._get("/usage", c.UsageReport, asked | choice_query(choice))

    async def latency(self, choice: c.Choice) -> c.LatencyReport:
        return await self._get("/latency", c.LatencyReport, choice_query(choice))

    async def what_if(self, choice: c.Choice) -> c.WhatIf:
        """What ``choice`` would have cost at other models; without any choice the session that was active last."""
        return await self._get("/whatif", c.WhatIf, choice_query(choice))

    async def session_report(self, session: str) -> c.SessionReport:
        """Of ``session``; an empty id is that of requests that name none."""
        return await self._get("/session", c.SessionReport, {"session": session})

    async def context(self, session: str | None = None, request: str | None = None) -> c.ContextReport:
        """What fills the window: of ``request``, else of ``session`` (None: the one that was active last)."""
        query = {name: value for name, value in (("session", session), ("request", request)) if value}
        return await self._get("/context", c.ContextReport, query)

    async def cache(self, session: str | None = None) -> c.CacheReport:
        """How the prompt cache serves ``session`` (None: the one that was active last)."""
        return await self._get("/cache", c.CacheReport, {"session": session} if session else {})

    async def import_answers(self, command: c.ImportAnswers) -> c.ImportReport:
        return await self._post("/import", command, c.ImportReport)

    async def reprice(self, command: c.Reprice) -> c.RepriceReport:
        """Takes as long as the ledger is large."""
        return await self._post("/reprice", command, c.RepriceReport, patient=True)

    async def run_check(self, command: c.RunCheck) -> c.CheckReport:
        """Begins a check and does not wait for its end."""
        return await self._post("/check", command, c.CheckReport)

    async def check_report(self, target: str) -> c.CheckReport:
        """Of the running check of ``target``, else what was found before."""
        return await self._get("/check", c.CheckReport, {"target": target})

    async def stop_check(self, command: c.StopCheck) -> None:
        await self._post("/check/stop", command, dict[str, bool])

    async def launch_plan(self) -> c.LaunchPlan:
        return await self._get("/launch", c.LaunchPlan)

    async def budgets(self, session: str | None = None, project: str | None = None) -> c.BudgetReport:
        """Of ``session`` (None: the one that was active last) and ``project`` (None: the session's)."""
        query = {name: value for name, value in (("session", session), ("project", project)) if value}
        return await self._get("/budget", c.BudgetReport, query)

    async def set_budget(self, command: c.SetBudget) -> c.BudgetReport:
        return await self._post("/budget/set", command, c.BudgetReport)

    async def grant_budget(self, command: c.GrantBudget) -> c.BudgetReport:
        return await self._post("/budget/grant", command, c.BudgetReport)

    async def pass_budget(self, command: c.PassBudget) -> c.BudgetReport:
        return await self._post("/budget/pass", command, c.BudgetReport)

    async def use(self, command: c.Use) -> c.Route:
        return await self._post("/use", command, c.Route)

    async def set_fallback(self, command: c.SetFallback) -> c.Route:
        return await self._post("/fallback", command, c.Route)

    async def rest(self, command: c.RestProvider) -> None:
        await self._post("/rest", command, dict[str, bool])

    async def forget_rejections(self, command: c.ForgetRejections) -> None:
        await self._post("/forget", command, dict[str, bool])

    async def try_provider(self, command: c.TryProvider) -> c.Tried:
        return await self._post("/try", command, c.Tried)

    async def presets(self) -> c.PresetList:
        return await self._get("/presets", c.PresetList)

    async def try_settings(self, command: c.TrySettings) -> c.SettingsTried:
        return await self._post("/try-settings", command, c.SettingsTried)

    async def reload(self) -> c.Reloaded:
        return await self._post("/reload", c.Reload(), c.Reloaded)

    async def set_favourite(self, command: c.SetFavourite) -> c.ModelList:
        return await self._post("/favourite", command, c.ModelList)

    async def watch(self, command: c.Watch) -> None:
        await self._post("/watch", command, dict[str, bool])

    async def stop(self, command: c.Stop) -> None:
        """Returns as soon as draining began."""
        await self._post("/stop", command, dict[str, bool])

    async def events(self, panel: str) -> AsyncIterator[c.Event]:
        """Everything that happens, a ``Snapshot`` first. Ends or raises ``EngineGone`` when the engine does."""
        decode = msgspec.json.Decoder(c.Event).decode
        timeout = httpx.Timeout(5.0, read=FEED_SILENCE_S)
        try:
            async with self._http.stream("GET", "/feed", params={"panel": panel}, timeout=timeout) as response:
                if response.status_code != httpx.codes.OK:
                    raise _refused(await response.aread(), response.status_code)
                async for line in response.aiter_lines():
                    if line.startswith("data:"):
                        yield decode(line[5:].strip())
        except httpx.TransportError as error:
            raise EngineGone(self.url, _cause(error)) from error

    async def _get(self, path: str, answer: type[T], query: dict[str, str] | None = None) -> T:
        return await self._call("GET", path, answer, query=query)

    async def _post(self, path: str, command: msgspec.Struct, answer: type[T], *, patient: bool = False) -> T:
        return await self._call("POST", path, answer, body=msgspec.json.encode(command), patient=patient)

    async def _call(
        self,
        method: str,
        path: str,
        answer: type[T],
        *,
        query: dict[str, str] | None = None,
        body: bytes = b"",
        patient: bool = False,
    ) -> T:
        """``patient``: the answer may take its time."""
        patience = httpx.Timeout(5.0, read=None) if patient else self._http.timeout
        headers = {"content-type": "application/json"} if body else {}
        try:
            response = await self._http.request(
                method, path, params=query, content=body, headers=headers, timeout=patience
            )
        except httpx.TransportError as error:
            raise EngineGone(self.url, _cause(error)) from error
        if response.is_error:
            raise _refused(response.content, response.status_code)
        try:
            return msgspec.json.decode(response.content, type=answer)
        except msgspec.DecodeError as error:
            raise DoorError(f"the engine's answer to {path} cannot be read: {error}", "contract") from error


def _refused(body: bytes, status: int) -> DoorError:
    try:
        refusal = msgspec.json.decode(body, type=c.Refusal)
    except msgspec.DecodeError:
        return DoorError(f"the engine answered {status}: {body[:200].decode(errors='replace')}", "contract")
    return DoorError(refusal.message, refusal.code)


def _cause(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__


def choice_query(choice: c.Choice) -> dict[str, str]:
    """The choice as query parameters; an empty text chooses what has none."""
    query: dict[str, str] = {}
    for name in c.Choice.__struct_fields__:
        value = getattr(choice, name)
        if value is not None:
            query[name] = repr(value) if isinstance(value, float) else str(value)
    return query
