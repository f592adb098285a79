"""Work beside the traffic: tasks with names and an owner, and faults that cost a line in the log and nothing else."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterator

log = logging.getLogger(__name__)


class Chores:
    """The tasks of an engine that serve no request. Belongs to the event loop."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str, chore: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(chore, name=name)
        self.tasks.add(task)
        task.add_done_callback(self._done)

    async def end(self) -> None:
        """Cancel what runs, and wait for it."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s ended: %s", task.get_name(), error, exc_info=error)


async def every(pause_s: float, what: str, beat: Callable[[], None]) -> None:
    """Call ``beat`` each ``pause_s`` seconds, for ever."""
    while True:
        await asyncio.sleep(pause_s)
        with contained(what):
            beat()


@contextlib.contextmanager
def contained(what: str) -> Iterator[None]:
    """A fault inside costs a line in the log, not the request or the chore."""
    try:
        yield
    except Exception:
        log.exception("%s went wrong; traffic goes on", what)


def contain(what: str, hear: Callable[..., object], *told: object) -> None:
    """``contained`` for what each request is told to: it costs next to nothing."""
    try:
        hear(*told)
    except Exception:
        log.exception("%s went wrong; traffic goes on", what)
