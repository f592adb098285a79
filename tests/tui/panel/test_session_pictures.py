"""The screens of sessions and budgets as text, beside their pictures."""

import pytest

from tests.tui import scenes_sessions
from tests.tui.fake_engine import FakeEngine
from tests.tui.panel.screen_text import screen_text, settled, shown, until
from tests.tui.panel.test_pictures import compare

KEYS = {"sessions": ("s",), "sessions_tree": ("s", "tab", "j", "space"), "budgets": ("b",), "budgets_grant": ("b", "g")}
SIZES = {64: 30, 100: 40, 160: 46}


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("name", KEYS)
async def test_a_screen_looks_like_its_picture(name: str, width: int) -> None:
    engine = FakeEngine(scenes_sessions.scene())
    engine.session_reports = {scenes_sessions.session().id: scenes_sessions.report()}
    engine.budgets = scenes_sessions.budgets()
    opener, *rest = KEYS[name]
    height = SIZES[width] if opener == "s" else 22
    async with engine, shown(engine, (width, height)) as (app, pilot):
        await pilot.press(opener)
        sign = "By 09:00 about" if opener == "s" else "month 2027-01"
        await until(pilot, lambda: sign in screen_text(app))
        await pilot.press(*rest)
        await settled(pilot)
        compare(f"{name}_{width}", screen_text(app))
