"""The panel's tie to an engine: reads its feed into the panel's state, and finds it again when it is gone.

Owns the door and the one loop over the feed. It paints nothing and decides nothing about what is shown.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from proxy import contract as c
from tui.client import Door, DoorError
from tui.state.panel import PanelState

RETRY_S = 1.0
"""How long after a failed search the engine is looked for again."""
HISTORY = 500
"""Requests of the ledger that are read on start."""


class Address(NamedTuple):
    """Where an engine answers, and the token that opens its door."""

    url: str
    token: str


Find = Callable[[], "tuple[str, str] | None"]
"""Blocking: the address of a running engine, None where none runs."""
Start = Callable[[], "tuple[str, str]"]
"""Blocking: starts an engine. Any exception's text is a sentence for the user."""


class Attachment:
    """Keeps ``state`` in step with an engine."""

    def __init__(self, address: Address, state: PanelState, find: Find, start: Start) -> None:
        self.address = address
        self.panel = f"panel-{secrets.token_hex(6)}"
        self._state = state
        self._find = find
        self._start = start
        self._door: Door | None = None
        self._wake = asyncio.Event()
        self.attached = 0
        """Counts whole states received: after each, the engine must be told anew what is watched."""

    @property
    def door(self) -> Door:
        """The open door. Raises ``DoorError`` while there is no engine."""
        if self._door is None:
            raise DoorError("no engine is running; start it again from the panel", "engine_gone")
        return self._door

    async def run(self) -> None:
        """Follow the engine for ever, over its deaths and returns."""
        while True:
            before = self.attached
            why = await self._follow()
            self._state.lost(why)
            if why or self.attached == before:
                await self._pause()
            self.address = await self._search()

    async def start_engine(self) -> None:
        """Start an engine and attach to it."""
        await asyncio.to_thread(self._start)
        self._wake.set()

    async def load_history(self) -> None:
        """Read the latest requests of the ledger."""
        found = await self.door.requests(limit=HISTORY)
        self._state.add_history(found, more=len(found) >= HISTORY)

    async def _follow(self) -> str:
        """Read the feed to its end; the answer says why it ended, empty where the engine just went."""
        try:
            async with Door(*self.address) as door:
                self._door = door
                async for event in door.events(self.panel):
                    self._state.apply(event)
                    if isinstance(event, c.Snapshot):
                        self.attached += 1
                        if event.engine.contract != c.CONTRACT:
                            return _other_version(event.engine)
        except msgspec.MsgspecError:
            return "the engine speaks another version of the protocol than this panel; stop it with: cctui stop"
        except DoorError as error:
            return "" if error.code == "engine_gone" else str(error)
        finally:
            self._door = None
        return ""

    async def _search(self) -> Address:
        while True:
            found = await asyncio.to_thread(self._find)
            if found is not None:
                return Address(*found)
            await self._pause()

    async def _pause(self) -> None:
        """Wait a moment, or until an engine was started."""
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), RETRY_S)


def _other_version(engine: c.Engine) -> str:
    return (
        f"the engine ({engine.version}) speaks version {engine.contract} of the protocol, this panel {c.CONTRACT}; "
        "stop it with: cctui stop"
    )
