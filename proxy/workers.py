"""Threads for the work that a request waits for, apart from those in which panels' questions are answered.

The ledger's disk may hold up every thread that reads it; what is on its way to a provider must not queue behind them.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

THREADS = 8
"""Few are ever at work at once: each has the interpreter's lock for most of its time."""

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="traffic")


async def for_traffic(work: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
    """What ``work`` returns or raises, done beside the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_threads, work, *arguments)
