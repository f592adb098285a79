"""The demo's traffic, a process of its own: several sessions that talk to an engine as Claude Code does.

``python -P -m tui.demo.traffic URL PACE`` reads the local token from the first line of its standard input and
works until that input ends, then lets running answers finish for a moment. When the input ends without the line
``bye``, the demo was killed, and the engine, which nobody else would end, is told to stop.
"""

import asyncio
import contextlib
import secrets
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

import httpx

from proxy import contract as c
from tui.client import Door, DoorError
from tui.demo import bodies
from tui.demo.answers import Answer, from_body
from tui.demo.bodies import Json, Speaker
from tui.demo.driver import FAREWELL_S, GOODBYE
from tui.demo.plays import PROJECTS, Project, Turn, errand

RETRIES_S = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Waits of the client between its tries, where the answer names none."""

RETRIED = frozenset({401, 408, 429, 500, 502, 503, 504, 529})


class TurnLostError(Exception):
    """The engine refused for good, or the user interrupted: the turn is over."""


@dataclass(frozen=True, slots=True)
class Client:
    """Sends requests to the engine and waits as the real client does."""

    http: httpx.AsyncClient
    pace: float
    """Scale of the pauses: 1 for a person, less for a hurry."""
    ended: asyncio.Event
    """Nothing new is sent once it is set."""

    async def pause(self, seconds: float) -> None:
        """Wait; shorter where the traffic ends meanwhile."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.ended.wait(), seconds * self.pace)

    async def ask(self, speaker: Speaker, body: Json, leave_after: int | None = None) -> Answer:
        """The answer, after as many tries as the client makes. Raises ``TurnLostError``."""
        for wait_s in (*RETRIES_S, 0.0):
            if self.ended.is_set():
                raise TurnLostError
            with contextlib.suppress(httpx.TransportError):
                answer, told_s = await self._try(speaker, body, leave_after)
                if answer is not None:
                    return answer
                wait_s = told_s or wait_s
            await self.pause(wait_s)
        raise TurnLostError

    async def count(self, speaker: Speaker, messages: Sequence[Json]) -> None:
        body = bodies.count_body(speaker, messages)
        with contextlib.suppress(httpx.TransportError):
            await self.http.post("/v1/messages/count_tokens?beta=true", json=body, headers=speaker.headers)

    async def _try(self, speaker: Speaker, body: Json, leave_after: int | None) -> tuple[Answer | None, float | None]:
        """The answer, or None and the wait that was asked for."""
        request = self.http.build_request("POST", "/v1/messages?beta=true", json=body, headers=speaker.headers)
        response = await self.http.send(request, stream=True)
        try:
            if response.status_code in RETRIED:
                return None, _seconds(response.headers.get("retry-after"))
            if response.is_error:
                raise TurnLostError
            if not body["stream"]:
                return from_body(await response.aread()), None
            answer = await _read(response, leave_after)
        finally:
            await response.aclose()
        if answer.complete:
            return answer, None
        return await self._try(speaker, {**body, "stream": False}, None)


async def _read(response: httpx.Response, leave_after: int | None) -> Answer:
    """What arrives of a stream, complete or broken."""
    answer = Answer()
    with contextlib.suppress(httpx.TransportError):
        async for line in response.aiter_lines():
            answer.take(line)
            if leave_after is not None and answer.events >= leave_after:
                raise TurnLostError
    return answer


async def play(project: Project, client: Client, token: str) -> None:
    """Sessions of one project, one after the other."""
    await client.pause(project.starts_after_s)
    while not client.ended.is_set():
        speaker = Speaker(token, project.name, str(uuid.uuid4()))
        messages: list[Json] = []
        async with asyncio.TaskGroup() as beside:
            beside.create_task(_title(client, speaker, project.turns[0].steps[0]), name="title")
            for turn in project.turns:
                with contextlib.suppress(TurnLostError):
                    await converse(client, speaker, messages, turn)
                await client.pause(turn.pause_s)


async def _title(client: Client, speaker: Speaker, prompt: str) -> None:
    with contextlib.suppress(TurnLostError):
        await client.ask(speaker, bodies.title_body(speaker, prompt))


async def converse(client: Client, speaker: Speaker, messages: list[Json], turn: Turn) -> str:
    """One turn: ask, run the tools, go on until the answer calls none. Its last words; ``messages`` grows.

    A lost turn leaves ``messages`` as they were before it.
    """
    started_with = len(messages)
    first, *steps = turn.steps
    messages.append(bodies.user(first))
    if turn.counts_tokens:
        await client.count(speaker, messages)
    leave_after = turn.leaves_after_events
    try:
        while True:
            answer = await client.ask(speaker, bodies.turn_body(speaker, messages), leave_after)
            leave_after = None
            messages.append(bodies.assistant(answer.blocks))
            if not answer.tool_calls and not steps:
                return answer.text
            results = await _run_tools(client, speaker, answer)
            messages.append(bodies.tool_results(results, steps.pop(0) if steps else None))
    except TurnLostError:
        del messages[started_with:]
        raise


async def _run_tools(client: Client, speaker: Speaker, answer: Answer) -> dict[str, str]:
    """Results by call id; sub-agents work at the same time."""
    async with asyncio.TaskGroup() as group:
        tasks = {
            call["id"]: group.create_task(_run_tool(client, speaker, call["name"], call["input"]), name=call["name"])
            for call in answer.tool_calls
        }
    return {call_id: task.result() for call_id, task in tasks.items()}


async def _run_tool(client: Client, speaker: Speaker, name: str, arguments: dict[str, str]) -> str:
    if name != "Agent":
        await client.pause(0.4)
        return bodies.file_listing(next(iter(arguments.values()), name))
    agent = replace(speaker, agent_id=secrets.token_hex(8), parent_agent_id=speaker.agent_id)
    try:
        return await converse(client, agent, [], errand(arguments["prompt"], nested=speaker.agent_id is not None))
    except TurnLostError:
        return "The agent gave up."


async def perform(url: str, pace: float, token: str, ended: asyncio.Event) -> None:
    """Every project at once, until ``ended`` and a farewell."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=None, limits=limits, trust_env=False) as http:  # noqa: S113  as patient as the client
        client = Client(http, pace, ended)
        tasks = [asyncio.create_task(play(each, client, token), name=each.name) for each in PROJECTS]
        await ended.wait()
        _, late = await asyncio.wait(tasks, timeout=FAREWELL_S)
        for task in late:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome


async def main(url: str, pace: float) -> None:
    token = await asyncio.to_thread(_next_line)
    ended = asyncio.Event()
    performance = asyncio.create_task(perform(url, pace, token, ended), name="traffic")
    last = await asyncio.to_thread(_last_line)
    ended.set()
    await performance
    if last != GOODBYE:
        async with Door(url, token) as door:
            with contextlib.suppress(DoorError):
                await door.stop(c.Stop(drain_s=0.0))


def _next_line() -> str:
    return sys.stdin.readline().strip()


def _last_line() -> str:
    """Blocks until the input ends."""
    return "".join(sys.stdin.readlines()[-1:]).strip()


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.replace(".", "", 1).isdecimal() else None


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1], float(sys.argv[2])))
