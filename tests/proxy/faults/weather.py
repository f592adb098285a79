"""An upstream whose behaviour changes from wave to wave and from request to request, as a seed decides."""

import asyncio
import json
import random
from dataclasses import dataclass, field
from typing import Literal

from tests.upstreams import (
    HANG_UP,
    Answer,
    Break,
    Call,
    Gate,
    Pause,
    Reply,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    error_event,
    message_body,
    message_events,
)

Deed = Literal["serve", "stall", "stall midway", "break", "end early", "error first", "overload", "limit", "refuse",
               "hang up", "empty"]  # fmt: skip
COMMITS: tuple[Deed, ...] = ("serve", "stall", "stall midway", "break", "end early")
"""Deeds after which the client has, or will have, something of a stream."""
WEATHERS: dict[str, tuple[list[Deed], list[int]]] = {
    "fine": (["serve", "stall midway", "stall", "break"], [8, 2, 1, 1]),
    "mixed": (
        ["serve", "stall", "stall midway", "break", "end early", "error first", "overload", "limit", "hang up"],
        [5, 2, 2, 1, 1, 1, 1, 1, 1],
    ),
    "storm": (["overload", "error first", "hang up", "empty", "refuse", "limit", "stall"], [4, 2, 2, 1, 1, 1, 1]),
}


@dataclass(slots=True)
class Upstream:
    """A scripted upstream, what it did for which request, and what it billed."""

    name: str
    seed: int
    server: ScriptedUpstream
    weather: str = "fine"
    gate: Gate = field(default_factory=Gate)
    """What stalls goes on when this opens."""
    stalled: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    deeds: dict[int, tuple[int, Deed]] = field(default_factory=dict)
    """By the call's order: the request's number and what was done."""

    @property
    def key(self) -> str:
        return f"key-that-belongs-to-{self.name}"

    def text(self, number: int) -> str:
        return f"{self.name} answers request {number} at some length"

    def usage(self, number: int) -> dict[str, int]:
        return {"input_tokens": 100 + number, "output_tokens": 7 + number % 90}

    def deed_for(self, number: int) -> Deed:
        """Always the same for one request in one weather."""
        deeds, weights = WEATHERS[self.weather]
        return random.Random(f"{self.seed}/{self.name}/{self.weather}/{number}").choices(deeds, weights)[0]

    def answer(self, call: Call) -> Answer:
        body = json.loads(call.body)
        number, stream = int(body["system"].split()[1]), body["stream"]
        deed = self.deed_for(number)
        if not stream and deed in ("break", "end early", "error first", "stall midway"):
            deed = "hang up" if deed == "break" else "serve"
        self.deeds[call.order] = (number, deed)
        if deed.startswith("stall"):
            self.stalled.put_nowait(number)
        return self._stream(number, deed) if stream else self._whole(number, deed)

    def billed(self) -> list[int]:
        """The requests whose answers were sent to their end."""
        finished = ("serve", "stall", "stall midway")
        return [
            self.deeds[call.order][0]
            for call in self.server.calls
            if call.answered and self.deeds[call.order][1] in finished
        ]

    def _whole(self, number: int, deed: Deed) -> Answer:
        if deed not in ("serve", "stall"):
            return self._failure(deed)
        body = message_body(self.text(number), usage=self.usage(number))
        stall = (Pause(self.gate),) if deed == "stall" else ()
        return Reply(200, (("content-type", "application/json"),), body, "length", before_head=stall)

    def _stream(self, number: int, deed: Deed) -> Answer:
        events = message_events(self.text(number), usage=self.usage(number))
        cut = 4 + number % (len(events) - 6)
        match deed:
            case "serve":
                return as_stream(*events)
            case "stall":
                return as_stream(events[0], Pause(self.gate), *events[1:])
            case "stall midway":
                return as_stream(*events[:cut], Pause(self.gate), *events[cut:])
            case "break":
                return as_stream(*events[:cut], Break())
            case "end early":
                return as_stream(*events[:cut])
            case "error first":
                return as_stream(events[0], error_event())
            case _:
                return self._failure(deed)

    def _failure(self, deed: Deed) -> Answer:
        match deed:
            case "limit":
                return as_json(error_body("rate_limit_error", "slow down"), 429, (("retry-after", "7"),))
            case "refuse":
                return as_json(error_body("authentication_error", "no"), 401)
            case "hang up":
                return HANG_UP
            case "empty":
                return Reply()
            case _:
                return as_json(error_body("overloaded_error", "Overloaded"), 529)
