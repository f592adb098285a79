"""The panel without a terminal, on an engine at work: ``python -m tests.bench.panel URL TOKEN SECONDS``.

Prints one JSON object: key press to repaint with 100 000 rows in the list, and the share of a core that the
panel takes meanwhile, with nobody at the keys.
"""

import asyncio
import resource
import sys
import time

import msgspec
from textual.pilot import Pilot

from tests.bench.relay import percentile
from tests.tui.scenes import NOW, served
from tui.app import Left, PanelApp
from tui.attachment import Address
from tui.state.panel import PanelState
from tui.state.requests import RequestBook

ROWS = 100_000
PRESSES = 100
SIZE = (140, 45)
ATTACH_PATIENCE_S = 20.0


async def measure(url: str, token: str, seconds: float) -> dict[str, float]:
    app = PanelApp(Address(url, token), find=lambda: (url, token), start=lambda: (url, token), state=_full(url))
    async with app.run_test(size=SIZE) as pilot:
        async with asyncio.timeout(ATTACH_PATIENCE_S):
            while app.state.link != "up":
                await pilot.pause(0.02)
        await pilot.pause(1.0)
        share = await _cpu_share(seconds)
        took = [await _press(pilot, key) for key in ("down", "up") * (PRESSES // 2)]
        rows = float(app.state.requests.total)
    return {
        "rows": rows,
        "key to repaint p50 ms": percentile(took, 50),
        "key to repaint p95 ms": percentile(took, 95),
        "CPU share": share,
    }


def _full(url: str) -> PanelState:
    state = PanelState(url)
    state.requests = RequestBook(limit=2 * ROWS)
    ahead_s = NOW - time.time()
    for number in range(ROWS):
        state.requests.put(served(number, before_s=ahead_s + ROWS - number))
    return state


async def _cpu_share(seconds: float) -> float:
    """The share of a core that this process takes, with nobody at the keys."""
    used, began = _cpu_s(), time.perf_counter()
    await asyncio.sleep(seconds)
    return (_cpu_s() - used) / (time.perf_counter() - began)


async def _press(pilot: Pilot[Left], key: str) -> float:
    """Milliseconds from a key to the repaint after it."""
    painted = asyncio.Event()
    began = time.perf_counter()
    pilot.app.simulate_key(key)
    pilot.app.screen.call_after_refresh(painted.set)
    await painted.wait()
    took = (time.perf_counter() - began) * 1000
    await asyncio.sleep(0.02)
    return took


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    figures = asyncio.run(measure(sys.argv[1], sys.argv[2], float(sys.argv[3])))
    sys.stdout.write(msgspec.json.encode(figures).decode() + "\n")
