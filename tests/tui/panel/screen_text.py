"""The panel under test, and its screen as plain text."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from tests.tui.fake_engine import FakeEngine
from tests.tui.scenes import NOW
from tui.app import Left, PanelApp
from tui.attachment import Address

PILOT_STEPS = 400


def panel_on(engine: FakeEngine, **options: object) -> PanelApp:
    """A panel on ``engine``, at the scenes' time."""
    wanted: dict[str, object] = {
        "find": lambda: engine.address if engine.running else None,
        "start": lambda: engine.address,
        "clock": lambda: NOW,
    }
    return PanelApp(Address(*engine.address), **(wanted | options))  # type: ignore[arg-type]


def screen_text(app: PanelApp) -> str:
    """What the screen shows, line by line, without trailing spaces."""
    height = app.size.height
    strips = app.screen._compositor.render_strips()
    rows = ["".join(segment.text for segment in strip) for strip in strips[:height]]
    return "\n".join(row.rstrip() for row in rows) + "\n"


def box_text(app: PanelApp) -> str:
    """What the box of a picker shows: the panel behind it is painted when it likes."""
    box = app.screen.query_one("#box").region
    rows = screen_text(app).splitlines()[box.y : box.bottom]
    return "\n".join(row[box.x : box.right].rstrip() for row in rows) + "\n"


async def until(pilot: Pilot[Left], true: Callable[[], object]) -> None:
    """Let the panel work until ``true()``; fails after many turns."""
    for _ in range(PILOT_STEPS):
        if true():
            return
        pilot.app.tick()  # type: ignore[attr-defined]
        await pilot.pause(0.005)
    raise AssertionError(f"never came true; the screen:\n{screen_text(pilot.app)}")  # type: ignore[arg-type]


@asynccontextmanager
async def shown(
    engine: FakeEngine, size: tuple[int, int] = (100, 40), expect: str = "up", **options: object
) -> AsyncIterator[tuple[PanelApp, Pilot[Left]]]:
    """A panel attached to ``engine`` and painted once."""
    app = panel_on(engine, **options)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.state.link == expect)
        await settled(pilot)
        yield app, pilot


async def settled(pilot: Pilot[Left]) -> None:
    """Everything that moved is painted."""
    for _ in range(3):
        pilot.app.tick()  # type: ignore[attr-defined]
        await pilot.pause()
