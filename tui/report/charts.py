"""Graphs as SVG that stands within an HTML page: no script, colours by the page's own variables. Pure.

Each graph has a title for those who cannot see it, each column a tooltip of the browser's own.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from tui.report.facts import Series
from tui.state.formats import money

WIDTH, HEIGHT = 720, 200
LEFT, RIGHT, TOP, BOTTOM = 64, 8, 8, 24
PLOT_WIDTH, PLOT_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
GRID_LINES = 4
LABELS = 6
GAP = 0.2
"""Of a column's width, beside it."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Equal steps of time."""

    begins_at: float
    step_s: float
    steps: int

    def label(self, step: int) -> str:
        """The local time at which a step begins, with the day where the whole is longer than one."""
        moment = time.localtime(self.begins_at + step * self.step_s)
        return time.strftime("%d %b %H:%M" if self.steps * self.step_s > 86400 else "%H:%M", moment)


def growth_chart(title: str, values: Sequence[int], axis: Axis, *, simulated: bool) -> str:
    """The cost at the end of each step, as a line with the area below it."""
    top = max(values, default=0) or 1
    points = [(_x(step + 1, axis), _y(value, top)) for step, value in enumerate(values)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in [(_x(0, axis), _y(0, top)), *points])
    area = f"{line} {_x(axis.steps, axis):.1f},{_y(0, top):.1f}"
    drawn = f'<polygon class="area" points="{area}"/><polyline class="line" points="{line}"/>'
    return _svg(title, _grid(top, simulated=simulated) + drawn + _times(axis))


def stacked_chart(title: str, series: Sequence[Series], axis: Axis, *, simulated: bool) -> str:
    """Money in each step as a column, each of ``series`` a part of it in its own colour."""
    totals = [sum(amounts) for amounts in zip(*(one.over_time for one in series), strict=True)]
    top = max(totals, default=0) or 1
    parts: list[str] = []
    for step in range(len(totals)):
        below = 0
        for number, one in enumerate(series):
            if amount := one.over_time[step]:
                parts.append(
                    _block(step, below, amount, top, axis, number, _tip(one.name, step, amount, axis, simulated))
                )
                below += amount
    return _svg(title, _grid(top, simulated=simulated) + "".join(parts) + _times(axis))


def legend(series: Sequence[Series], *, simulated: bool) -> str:
    """The colours of a graph with each one's sum."""
    entries = (
        f'<li><span class="key c{number}"></span>{escape(one.name)} <b>{money(one.total, simulated=simulated)}</b></li>'
        for number, one in enumerate(series)
    )
    return f'<ul class="legend">{"".join(entries)}</ul>'


def _tip(name: str, step: int, amount: int, axis: Axis, simulated: bool) -> str:
    return escape(f"{axis.label(step)} {name}: {money(amount, simulated=simulated)}")


def _block(step: int, below: int, amount: int, top: int, axis: Axis, number: int, tip: str) -> str:
    width = PLOT_WIDTH / axis.steps
    x, y = _x(step, axis) + width * GAP / 2, _y(below + amount, top)
    height = max(0.5, _y(below, top) - y)
    size = f'x="{x:.1f}" y="{y:.1f}" width="{max(1.0, width * (1 - GAP)):.1f}" height="{height:.1f}"'
    return f'<rect class="c{number}" {size}><title>{tip}</title></rect>'


def _grid(top: int, *, simulated: bool) -> str:
    lines: list[str] = []
    for number in range(GRID_LINES + 1):
        amount = top * number // GRID_LINES
        y = _y(amount, top)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        text = escape(money(amount, simulated=simulated))
        lines.append(f'<text class="amount" x="{LEFT - 6}" y="{y + 4:.1f}">{text}</text>')
    return "".join(lines)


def _times(axis: Axis) -> str:
    every = max(1, -(-axis.steps // LABELS))
    return "".join(
        f'<text class="time" x="{_x(step, axis):.1f}" y="{HEIGHT - 6}">{axis.label(step)}</text>'
        for step in range(0, axis.steps, every)
    )


def _svg(title: str, content: str) -> str:
    name = escape(title)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}"><title>{name}</title>{content}</svg>'


def _x(step: int, axis: Axis) -> float:
    return LEFT + PLOT_WIDTH * step / axis.steps


def _y(value: int, top: int) -> float:
    return TOP + PLOT_HEIGHT * (1 - value / top)
