"""An engine with one or two providers that meets one line of the table after the other, each with fresh health."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

import httpx
import msgspec

from proxy import contract as c
from proxy.health import HealthBook
from tests.proxy.faults.lines import PATIENCE_S, Line, serving
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import ScriptedUpstream

Kind = Literal["alone", "fallback off", "fallback on"]
PATIENCE: Mapping[str, dict[str, float]] = {
    "": {},
    "first_event_timeout": {"first_event_timeout_s": PATIENCE_S},
    "idle_timeout": {"idle_timeout_s": PATIENCE_S},
}
"""The first provider's, by the silence that it is to be found in."""
WHOLE_PATIENCE_S = 4.0
"""With whole answers, the second provider's too: far more than fifty of them take."""
SECOND_KEY = "key-of-the-second"


class Stage:
    """One engine and its upstreams."""

    def __init__(self, running: RunningEngine, first: ScriptedUpstream, second: ScriptedUpstream) -> None:
        self.running, self.first, self.second = running, first, second
        self._books = 0

    def meets(self, line: Line) -> None:
        """From now on the first provider does what ``line`` says; nothing is known of anyone's health."""
        self.first.script = line.answer
        serving(self.second)
        self.first.calls.clear()
        self.second.calls.clear()
        self._books += 1
        book = HealthBook(self.running.paths.state_dir / f"health-{self._books}.json")
        self.running.engine.health = self.running.engine.dispatch.health = book

    async def ask(self, *, stream: bool) -> tuple[httpx.Response, c.Request]:
        """A request, its answer and its record."""
        before = len(self.running.engine.records)
        response = await self.running.ask(message(stream=stream))
        return response, await self.running.record(before + 1)

    async def crowd(self, size: int, *, stream: bool) -> tuple[list[httpx.Response], list[c.Request]]:
        """So many requests at once, their answers and records."""
        before = len(self.running.engine.records)
        answers = await asyncio.gather(*(self.running.ask(message(stream=stream)) for _ in range(size)))
        await self.running.record(before + size)
        return answers, self.running.engine.records[before:]

    async def provider(self, name: str = "first") -> c.Provider:
        """The view of a provider, without all the requests that a snapshot carries."""
        listed = msgspec.json.decode((await self.running.look("models")).content, type=c.ModelList)
        return next(each for each in listed.providers if each.name == name)

    def opened(self) -> dict[str, str | None]:
        """What is closed to requests now, as scope and outcome."""
        return {place.split()[0]: each.outcome for place, each in self.running.engine.health.open_places()}

    def keys(self) -> Iterator[tuple[str | None, bytes]]:
        """Key and body of everything that reached an upstream."""
        return ((call.header("authorization"), call.body) for call in (*self.first.calls, *self.second.calls))


class Stages:
    """The stages of a module, each started when it is first asked for."""

    def __init__(self, running: AsyncExitStack, home: Path) -> None:
        self._running, self._home = running, home
        self._stages: dict[tuple[Kind, str], Stage] = {}

    async def of(self, kind: Kind, line: Line) -> Stage:
        """A stage on which the first provider does what ``line`` says."""
        silence = line.outcome if line.silent else ""
        if (kind, silence) not in self._stages:
            self._stages[kind, silence] = await self._start(kind, silence)
        stage = self._stages[kind, silence]
        stage.meets(line)
        return stage

    async def _start(self, kind: Kind, silence: str) -> Stage:
        """Only the silence that is to be met is met soon: a busy machine may not make another of it."""
        first, second = [await self._running.enter_async_context(ScriptedUpstream()) for _ in range(2)]
        providers = [provider(first, **PATIENCE[silence]), provider(second, api_key=SECOND_KEY)]
        chosen = settings(
            *providers[: 1 if kind == "alone" else 2],
            fallback=kind == "fallback on",
            engine={"answer_timeout_s": WHOLE_PATIENCE_S} if silence == "first_event_timeout" else {},
        )
        home = self._home / f"{kind} {silence}".replace(" ", "-")
        return Stage(await self._running.enter_async_context(RunningEngine(home, chosen, {})), first, second)
