"""What providers were seen to reject, by provider and model: remembered with its date until the user forgets it."""

import time
from pathlib import Path

import msgspec
from msgspec import Struct

from proxy.keptfile import KeptFile
from proxy.protocol.rejections import Rejection
from proxy.protocol.routing import Target

REJECTIONS_KEPT = 20
"""For one target: a provider that rejects more is not of this format."""


class Learned(Struct, frozen=True):
    """A rejection and when it was first seen, Unix seconds."""

    rejection: Rejection
    at: float


class RejectionBook:
    """The rejections that are known."""

    def __init__(self, file: Path) -> None:
        self._file = KeptFile(file, "what providers reject")
        self._known = self._file.content(dict[str, tuple[Learned, ...]])

    def of(self, target: Target) -> tuple[Rejection, ...]:
        """What ``target`` rejects."""
        learned = self._known.get(str(target))
        return tuple(each.rejection for each in learned) if learned else ()

    def learn(self, target: Target, rejection: Rejection) -> bool:
        """Remember ``rejection``; False where it was known, and so leaving it out did not help."""
        known = self._known.get(str(target), ())
        if any(each.rejection.name == rejection.name for each in known) or len(known) >= REJECTIONS_KEPT:
            return False
        self._known[str(target)] = (*known, Learned(rejection, time.time()))
        return True

    def forget(self, provider: str) -> None:
        """Try everything again with ``provider``."""
        for name in [name for name in self._known if name.split("/", 1)[0] == provider]:
            del self._known[name]

    def lines(self, provider: str) -> tuple[str, ...]:
        """What the user reads of ``provider``."""
        return tuple(
            f"{name.split('/', 1)[1]}: {each.rejection.name}, since {_day(each.at)}"
            for name, learned in self._known.items()
            if name.split("/", 1)[0] == provider
            for each in learned
        )

    async def save(self) -> None:
        await self._file.keep(msgspec.json.encode(self._known))

    def save_now(self) -> None:
        self._file.keep_now(msgspec.json.encode(self._known))


def _day(moment: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(moment))
