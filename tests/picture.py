"""The README's picture, made by the program itself: ``python -m tests.picture``."""

import asyncio
import re
from pathlib import Path

from proxy import contract as c
from tests.tui import scenes
from tests.tui.fake_engine import FakeEngine
from tests.tui.panel.screen_text import settled, shown, until
from tests.tui.panel.test_pictures import ANSWER

PICTURE = Path(__file__).parents[1] / "docs" / "panel.svg"
SIZE = (110, 32)


async def draw() -> str:
    """The panel with two sessions at work and the first provider down, as SVG."""
    async with FakeEngine(scenes.at_work()) as engine, shown(engine, SIZE) as (app, pilot):
        await engine.told(c.Watch)
        watched = app.state.stream.request_id or ""
        for block, (kind, title, text) in enumerate(ANSWER):
            engine.emit(
                c.StreamPart(request_id=watched, kind=kind, block=block, text=text, title=title, restart=not block)
            )
        await until(pilot, lambda: len(app.state.stream.rows) >= len(ANSWER))
        await settled(pilot)
        svg = app.export_screenshot(title="cctui")
        here = engine.url.removeprefix("http://")
    return for_every_renderer(svg.replace(here, "127.0.0.1:8787".ljust(len(here), "\u00a0")))


def for_every_renderer(svg: str) -> str:
    """The picture asks nobody for fonts, and its spaces stay where renderers fold them."""
    svg = re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono")
    return re.sub(r">([^<>]*)</text>", lambda text: f">{text.group(1).replace(' ', '&#160;')}</text>", svg)


if __name__ == "__main__":
    PICTURE.write_text(asyncio.run(draw()))
