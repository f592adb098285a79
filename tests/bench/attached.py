"""A busy panel's end of the feed, without the screen: ``python -m tests.bench.attached PORT TOKEN``.

Follows the feed as the panel does, watches a live stream as long as it lives, decodes every event.
"""

import asyncio
import sys

from proxy import contract as c
from tests.bench.event_loop import new_loop
from tui.client import Door

PANEL = "bench"


async def follow(port: int, token: str) -> None:
    watched: str | None = None
    async with Door(f"http://127.0.0.1:{port}", token) as door:
        async for event in door.events(PANEL):
            match event:
                case c.Snapshot():
                    sys.stdout.write("attached\n")
                    sys.stdout.flush()
                case c.RequestChanged(request=request) if request.id == watched and not request.live:
                    watched = None
                case c.RequestChanged(request=request) if watched is None and request.live:
                    watched = request.id
                    await door.watch(c.Watch(panel=PANEL, request_id=watched))
                case _:
                    pass


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(follow(int(sys.argv[1]), sys.argv[2]))
