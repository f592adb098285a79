"""What was spent, as lines: one row a group, the dearest first."""

import time
from typing import Literal

from proxy.contract import Tally, UsageReport, UsageRow
from tui.state import formats as f
from tui.state.lines import EMPTY, Line, Piece, cut, line
from tui.state.text import clean_line, left, right

Group = Literal["model", "provider", "project", "day", "session", "agent"]
GROUPS: tuple[Group, ...] = ("model", "provider", "project", "day", "session", "agent")
Period = Literal["today", "7 days", "30 days", "all"]
PERIODS: tuple[Period, ...] = ("today", "7 days", "30 days", "all")
DAYS: dict[Period, int | None] = {"today": 0, "7 days": 6, "30 days": 29, "all": None}
"""Whole days before today that a period holds."""


def since(period: Period, now: float) -> float | None:
    """When ``period`` began: a local midnight, Unix seconds; None: with the first request."""
    days = DAYS[period]
    if days is None:
        return None
    day = time.localtime(now)
    return time.mktime((day.tm_year, day.tm_mon, day.tm_mday - days, 0, 0, 0, 0, 0, -1))


def spend_title(group: Group, period: Period) -> Line:
    """The line on top: what is summed, over which time."""
    return line(
        " ", Piece("spend", "strong"), "   ", *_tabs(PERIODS, period), Piece("   by  ", "dim"), *_tabs(GROUPS, group)
    )


def spend_lines(report: UsageReport, group: Group, width: int) -> list[Line]:
    """The report in ``width`` cells."""
    if not report.rows:
        return [EMPTY, line(Piece("   Nothing was asked in this time.", "dim"))]
    rows = sorted(report.rows, key=_by_day if group == "day" else _by_cost)
    top = max((_money(row.tally) for row in rows), default=0)
    name_width = max(12, min(34, width - 48))
    lines = [_titles(group, name_width, width)]
    lines += [_row(_name(group, row.key), row.tally, top, name_width, width) for row in rows]
    lines += [EMPTY, _row("total", report.total, 0, name_width, width, strong=True)]
    if report.total.unpriced_requests:
        text = f"   {report.total.unpriced_requests} requests have no known price and are not in the sums."
        lines += [EMPTY, line(Piece(text, "warn"))]
    if report.total.simulated_nano_usd:
        lines += [
            EMPTY,
            line(Piece(f"   {f.SIMULATED} marks simulated money; it is never added to real money.", "dim")),
        ]
    return lines


def _tabs(names: tuple[str, ...], chosen: str) -> list[Piece]:
    return [
        Piece(f"‹{name}›" if name == chosen else f" {name} ", "strong" if name == chosen else "dim") for name in names
    ]


def _titles(group: Group, name_width: int, width: int) -> Line:
    figures = f"{right('requests', 10)}{right('in', 8)}{right('out', 8)}{right('hit', 6)}"
    text = f"   {left(group, name_width)}{right('cost', 12)}{figures}"
    return cut(line(Piece(text, "dim")), width)


def _row(name: str, tally: Tally, top: int, name_width: int, width: int, *, strong: bool = False) -> Line:
    prompt = tally.usage.prompt_tokens
    hit = f.percent(tally.usage.cache_read_tokens / prompt) if prompt else ""
    money = f.sums(tally.cost_nano_usd, tally.simulated_nano_usd)
    figures = (
        f"{right(str(tally.requests), 10)}{right(f.count(prompt), 8)}{right(f.count(tally.usage.output_tokens), 8)}"
    )
    filled, _ = f.bar(_money(tally) / top, max(0, min(30, width - name_width - 52))) if top else ("", "")
    return cut(
        line(
            Piece(f"   {left(name, name_width)}", "strong" if strong else "plain"),
            Piece(f.aligned(money, 12), "strong"),
            Piece(figures),
            Piece(right(hit, 6), "dim"),
            Piece(f"  {filled}", "accent"),
        ),
        width,
    )


def _name(group: Group, key: str) -> str:
    if group == "model":
        return f.short_model(key) if key else "no model"
    return clean_line(key) or f"no {group}"


def _money(tally: Tally) -> int:
    """What a bar shows: real money where there is any, else simulated."""
    return tally.cost_nano_usd or tally.simulated_nano_usd


def _by_cost(row: UsageRow) -> tuple[int, int, str]:
    return -_money(row.tally), -row.tally.requests, row.key


def _by_day(row: UsageRow) -> tuple[int, ...]:
    return tuple(-ord(letter) for letter in row.key)
