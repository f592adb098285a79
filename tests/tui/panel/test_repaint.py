"""What is painted again: what looks different, and no more."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widget import Widget

from proxy import contract as c
from tests.tui import scenes
from tests.tui.fake_engine import FakeEngine
from tests.tui.panel.screen_text import settled, shown, until
from tests.tui.scenes import live, served
from tui.app import SLOW_TICK, Left, PanelApp
from tui.screens.help import HelpScreen
from tui.screens.leave import LeaveScreen


def painted_lines(widget: Widget, monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The lines of ``widget`` that are painted from now on."""
    lines: set[int] = set()
    paint: Callable[[int], Strip] = widget.render_line

    def noted(y: int) -> Strip:
        lines.add(y)
        return paint(y)

    monkeypatch.setattr(widget, "render_line", noted)
    return lines


def spoken(app: PanelApp, rows: int) -> c.StreamPart:
    """So many rows of the text that is watched."""
    assert app.state.stream.request_id is not None
    return c.StreamPart(request_id=app.state.stream.request_id, kind="text", block=0, text="a word or two\n" * rows)


async def moved(pilot: Pilot[Left], event: c.Event) -> None:
    """The event is taken in and painted."""
    pilot.app.state.apply(event)  # type: ignore[attr-defined]
    await settled(pilot)


async def test_of_the_list_no_row_is_painted_that_looks_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeEngine(scenes.at_work()) as engine, shown(engine) as (app, pilot):
        book = app.state.requests
        in_flight = {row for row in range(len(book)) if book.row(row).live}
        lines = painted_lines(app.main.rows, monkeypatch)
        row = next(each for each in sorted(in_flight) if book.row(each).phase == "streaming")
        change = msgspec.structs.replace(book.row(row), usage=c.Usage(output_tokens=77_000))
        await moved(pilot, c.RequestChanged(request=change))
        assert row in lines
        assert lines <= in_flight


async def test_a_new_row_moves_all_that_stand_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeEngine(scenes.at_work()) as engine, shown(engine) as (app, pilot):
        lines = painted_lines(app.main.rows, monkeypatch)
        await moved(pilot, c.RequestChanged(request=live(900, 0.0)))
        assert lines >= set(range(len(app.state.requests)))


async def test_a_text_that_grows_lays_nothing_out_anew() -> None:
    async with FakeEngine(scenes.at_work()) as engine, shown(engine) as (app, pilot):
        await moved(pilot, spoken(app, 60))
        layouts: list[Any] = []
        app.main.screen_layout_refresh_signal.subscribe(app.main, layouts.append)
        await moved(pilot, spoken(app, 5))
        assert app.main.stream.max_scroll_y == app.main.stream.scroll_offset.y > 0
        assert layouts == []


async def test_another_theme_paints_the_lines_anew() -> None:
    async with FakeEngine(scenes.at_work()) as engine, shown(engine, theme="dark") as (app, pilot):
        looks = [[segment.style for segment in each.render_line(0)] for each in (app.main.header, app.main.rows)]
        app.theme = "textual-light"
        await settled(pilot)
        anew = [[segment.style for segment in each.render_line(0)] for each in (app.main.header, app.main.rows)]
        assert all(before != after for before, after in zip(looks, anew, strict=True))


async def test_the_list_under_a_box_moves_now_and_then() -> None:
    async with FakeEngine(scenes.at_work()) as engine, shown(engine) as (app, pilot):
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, LeaveScreen))
        app.state.apply(c.RequestChanged(request=live(900, 0.0)))
        for _ in range(SLOW_TICK):
            app.tick()
        assert app.main.rows.total == len(app.state.requests)


async def test_what_moved_under_another_screen_is_shown_when_it_closes() -> None:
    async with FakeEngine(scenes.at_work()) as engine, shown(engine) as (app, pilot):
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await moved(pilot, c.RequestChanged(request=served(901, 0.0)))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        await settled(pilot)
        assert app.main.rows.total == len(app.state.requests)
