"""The simulator's edge: an httpx transport that waits as a real provider would. What is said is decided in ``site``."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

import httpx

from proxy.simulator.plan import HOST_SUFFIX, SimulatorPlan
from proxy.simulator.site import Site, Step

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


class SimulatorTransport(httpx.AsyncBaseTransport):
    """Answers for ``http://NAME.simulator.invalid`` by the plan NAME; letter case does not count."""

    def __init__(
        self, plans: Mapping[str, SimulatorPlan], clock: Clock = time.time, sleep: Sleep = asyncio.sleep
    ) -> None:
        """``clock`` tells Unix seconds, ``sleep`` takes seconds; outages are measured from here on."""
        self._clock = clock
        self._sleep = sleep
        self._sites = {name.lower(): _site(name, plan, clock()) for name, plan in plans.items()}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        site = self._sites.get(request.url.host.removesuffix(HOST_SUFFIX))
        if site is None:
            raise httpx.ConnectError(f"no simulated provider answers at {request.url.host}", request=request)
        content = await request.aread()
        url = request.url
        planned = site.respond(request.method, url.path, dict(url.params), content, self._clock())
        await self._sleep(planned.head_after_s)
        stream = _PacedStream(planned.body, self._sleep)
        return httpx.Response(planned.status, headers=dict(planned.headers), stream=stream, request=request)


class _PacedStream(httpx.AsyncByteStream):
    """The body of a response, sent in its time. Closing it ends a reader at once, in mid-pause too."""

    def __init__(self, steps: Iterator[Step], sleep: Sleep) -> None:
        self._steps = steps
        self._sleep = sleep
        self._closed = False
        self._pause: asyncio.Future[None] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for step in self._steps:
            if step.after_s and not await self._pause_passed(step.after_s):
                return
            if step.data is None:
                raise httpx.ReadError("the simulated provider broke the connection")
            yield step.data
            if self._closed:
                return

    async def aclose(self) -> None:
        self._closed = True
        if self._pause is not None:
            self._pause.cancel()

    async def _pause_passed(self, seconds: float) -> bool:
        """Wait; False where the stream was closed meanwhile."""
        self._pause = asyncio.ensure_future(self._sleep(seconds))
        try:
            await self._pause
        except asyncio.CancelledError:
            if not self._closed:
                self._pause.cancel()
                raise
            return False
        return not self._closed


def _site(name: str, plan: SimulatorPlan, now: float) -> Site:
    return Site(name, plan, now, secrets.randbits(32) if plan.seed is None else plan.seed)
