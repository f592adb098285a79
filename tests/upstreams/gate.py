"""A door between a test and a server that may run in another thread and on another loop."""

import asyncio
import threading

BOUND_S = 20.0
"""A test that waits longer than this waits for something that will not come."""


class Gate:
    """Closed until ``open``, then open for good. Both sides may be in any thread or loop."""

    def __init__(self, name: str = "the gate") -> None:
        self.name = name
        self._opened = threading.Event()
        self._lock = threading.Lock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    @property
    def is_open(self) -> bool:
        return self._opened.is_set()

    def open(self) -> None:
        with self._lock:
            self._opened.set()
            waiting, self._waiting = self._waiting, []
        for loop, event in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    async def passed(self) -> None:
        """Wait without a bound: for the server's side."""
        event = asyncio.Event()
        with self._lock:
            if self._opened.is_set():
                return
            self._waiting.append((asyncio.get_running_loop(), event))
        await event.wait()

    async def wait(self) -> None:
        """Wait for the test's side: raises ``AssertionError`` with the gate's name after ``BOUND_S``."""
        try:
            async with asyncio.timeout(BOUND_S):
                await self.passed()
        except TimeoutError:
            raise AssertionError(f"never happened: {self.name}") from None

    def wait_blocking(self) -> None:
        """``wait`` for a test without a loop."""
        if not self._opened.wait(BOUND_S):
            raise AssertionError(f"never happened: {self.name}")
