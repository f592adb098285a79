"""When traffic leaves a target for another one, and when it returns: each is news once. Pure.

A kind of request is told by its first target and its slots, for a slot may have a chain of its own. All kinds that
leave a provider for the same other one are one detour: it begins with the first of them and ends with the first that
returns. A request that its first target cannot take (its window is too small …) is no trouble of that target: it is
news once for each session, and has no return.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from proxy.contract import Attempt, Request, Slot
from proxy.protocol.routing import Asked

PASSED_KEPT = 500
KINDS_KEPT = 500


@dataclass(frozen=True, slots=True)
class News:
    """What the user should read once."""

    level: Literal["info", "warning"]
    text: str


Kind = tuple[str, str, tuple[Slot, ...]]
"""Provider and model of the first target, and the slots."""
Way = tuple[str, str]
"""From a provider to whoever serves instead."""


class Detours:
    """The detours that last."""

    def __init__(self) -> None:
        self._ways: OrderedDict[Kind, Way] = OrderedDict()
        self._passed: OrderedDict[tuple[str, Way], None] = OrderedDict()
        """By session."""

    def heard(self, served: Request) -> News | None:
        """What is news of a request that was served."""
        first, last = served.attempts[0], served.attempts[-1]
        there = (first.provider, first.model) == (last.provider, last.model)
        if there and not self._ways:
            return None
        asked = Asked(served.asked_model or "", agent=served.agent_id)
        kind = (first.provider, first.model, asked.slots)
        if there:
            return self._returned(kind)
        way = (first.provider, _serving(first, last))
        if first.unfit:
            return self._passed_by(served.session_id or "", way, first)
        return self._left(kind, way, first)

    def _left(self, kind: Kind, way: Way, first: Attempt) -> News | None:
        known = way in self._ways.values()
        self._ways[kind] = way
        self._ways.move_to_end(kind)
        while len(self._ways) > KINDS_KEPT:
            self._ways.popitem(last=False)
        return None if known else _instead(first, way)

    def _returned(self, kind: Kind) -> News | None:
        way = self._ways.get(kind)
        if way is None:
            return None
        for each in [each for each, its in self._ways.items() if its == way]:
            del self._ways[each]
        provider, model, _ = kind
        partly = way[1].startswith(f"{provider}/") or any(other == provider for other, _ in self._ways.values())
        return News("info", f"{provider} serves {model} again" if partly else f"{provider} serves again")

    def _passed_by(self, session: str, way: Way, first: Attempt) -> News | None:
        known = (session, way) in self._passed
        self._passed[session, way] = None
        self._passed.move_to_end((session, way))
        while len(self._passed) > PASSED_KEPT:
            self._passed.popitem(last=False)
        return None if known else _instead(first, way)


def _serving(first: Attempt, last: Attempt) -> str:
    """Who serves; with the model where only that is another."""
    return last.provider if last.provider != first.provider else f"{last.provider}/{last.model}"


def _instead(first: Attempt, way: Way) -> News:
    return News("warning", f"{first.reason or first.provider}. {way[1]} serves instead")
