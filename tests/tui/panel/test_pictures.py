"""The screen as text, compared with the pictures beside this file.

``CCTUI_PICTURES=write`` makes them anew; look at them before you keep them.
"""

import os
from pathlib import Path

import pytest

from proxy import contract as c
from tests.tui import scenes
from tests.tui.fake_engine import FakeEngine
from tests.tui.panel.screen_text import box_text, screen_text, settled, shown, until
from tui.state.rows import SPINNER

PICTURES = Path(__file__).parent / "pictures"
WIDTHS = {64: 24, 100: 36, 160: 46}
SCENES = {
    "empty": scenes.blank,
    "two_sessions": scenes.at_work,
    "one_session": scenes.one_session,
    "simulated": scenes.simulated,
}
SCREENS = {"providers": ("p",), "providers_keys": ("p", "j"), "chain": ("F", "j")}
"""Keys that lead there."""
STILL = str.maketrans(dict.fromkeys(SPINNER, SPINNER[0]))
"""Marks in motion, stopped."""
ANSWER: tuple[tuple[c.StreamKind, str | None, str], ...] = (
    ("thinking", None, "The handler retries before the idempotency key is set, so a second order can be made."),
    ("text", None, "I will set the key before the first attempt."),
    ("tool", "Edit", '{"file_path": "src/orders/retry.py", "old_string": "def submit(order, *, key):"}'),
)


def compare(name: str, text: str) -> None:
    picture = PICTURES / f"{name}.txt"
    text = text.translate(STILL)
    if os.environ.get("CCTUI_PICTURES") == "write":
        picture.write_text(text, encoding="utf-8")
    assert text == picture.read_text(encoding="utf-8"), f"{picture.name} differs; the screen is now:\n{text}"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scene", SCENES)
async def test_the_screen_looks_like_its_picture(scene: str, width: int) -> None:
    async with FakeEngine(SCENES[scene]()) as engine, shown(engine, (width, WIDTHS[width])) as (app, pilot):
        if watched := app.state.stream.request_id:
            await engine.told(c.Watch)
            for block, (kind, title, text) in enumerate(ANSWER):
                part = c.StreamPart(
                    request_id=watched, kind=kind, block=block, text=text, title=title, restart=not block
                )
                engine.emit(part)
            await until(pilot, lambda: len(app.state.stream.rows) >= len(ANSWER))
            await settled(pilot)
        here = engine.url.removeprefix("http://")
        compare(f"{scene}_{width}", screen_text(app).replace(here, "127.0.0.1:8787".ljust(len(here))))


@pytest.mark.parametrize("width", [64, 100])
@pytest.mark.parametrize("name", SCREENS)
async def test_the_screens_of_providers_and_fallback_look_like_their_pictures(name: str, width: int) -> None:
    async with FakeEngine(scenes.with_chains()) as engine:
        engine.models = scenes.models()
        async with shown(engine, (width, 26)) as (app, pilot):
            await pilot.press(*SCREENS[name])
            if name == "chain":
                await until(pilot, lambda: "too small" in screen_text(app))
            await settled(pilot)
            compare(f"{name}_{width}", screen_text(app))


async def test_the_model_picker_looks_like_its_picture() -> None:
    async with FakeEngine(scenes.one_session()) as engine:
        engine.models = scenes.models()
        async with shown(engine, (100, 28)) as (app, pilot):
            await pilot.press("m")
            await until(pilot, lambda: "qwen3-coder" in screen_text(app))
            await settled(pilot)
            compare("model_picker_100", box_text(app))
