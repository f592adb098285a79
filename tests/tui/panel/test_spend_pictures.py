"""The screens of what was spent as text, compared with the pictures beside this file."""

import pytest

from tests.tui.panel.screen_text import box_text, screen_text, settled, until
from tests.tui.panel.test_pictures import compare
from tests.tui.panel.test_spend_screen import opened

SCREENS: dict[str, tuple[str, ...]] = {
    "spend_models": ("dollar_sign",),
    "spend_inside": ("dollar_sign", "enter", "tab"),
    "spend_days": ("dollar_sign", "p", "p", *["shift+tab"] * 4),
    "spend_hours": ("dollar_sign", "shift+tab"),
    "spend_requests": ("dollar_sign", "r"),
    "spend_year": ("dollar_sign", "y", "left", "left", "up"),
    "spend_speed": ("dollar_sign", "l"),
    "what_if": ("w", "down"),
}
"""Keys that lead there."""


@pytest.mark.parametrize("width", [64, 100, 160])
@pytest.mark.parametrize("name", SCREENS)
async def test_the_screen_looks_like_its_picture(name: str, width: int) -> None:
    async with opened(*SCREENS[name], size=(width, 28)) as (_engine, app, _pilot):
        compare(f"{name}_{width}", screen_text(app))


@pytest.mark.parametrize("width", [100, 140])
async def test_the_column_in_the_model_picker_looks_like_its_picture(width: int) -> None:
    async with opened(size=(width, 26)) as (_engine, app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: "this session" in screen_text(app))
        await settled(pilot)
        compare(f"model_picker_compared_{width}", box_text(app))
