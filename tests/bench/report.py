"""What was measured, as Markdown: the contenders beside each other, and the figures beside their targets."""

import math
import os
import platform
from collections.abc import Callable, Mapping, Sequence

from tests.bench.relay import Figures
from tests.upstreams.dialects import NAMES

Table = Mapping[str, Figures]
"""Figures by contender."""

COLUMNS: Mapping[str, str] = {
    "TTFB p50": "{:.2f} ms",
    "TTFB p99": "{:.2f} ms",
    "whole p50": "{:.2f} ms",
    "requests/s": "{:,.0f}",
    "CPU ms/request": "{:.2f} ms",
    "4 MB whole p50": "{:.1f} ms",
    "delay p50": "{:.2f} ms",
    "gap p99": "{:.2f} ms",
    "TTFB p50, 8 streams": "{:.2f} ms",
    "TTFB p99, 8 streams": "{:.2f} ms",
    "errors": "{:.0f}",
}
"""How each figure is written; the order of the columns."""


def machine_line() -> str:
    loop = "uvloop" if _has_uvloop() else "asyncio"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} cores, {python}, {loop}, {platform.system()}"


def contenders_table(measured: Table) -> str:
    """One row for each contender; columns that nobody has are left out."""
    shown = [name for name in COLUMNS if any(name in figures for figures in measured.values())]
    if all(figures.get("errors", 0) == 0 for figures in measured.values()):
        shown = [name for name in shown if name != "errors"]
    rows = [[who, *(_cell(figures, name) for name in shown)] for who, figures in measured.items()]
    return _markdown(["in front of the same upstream", *shown], rows)


def dialects_table(measured: Table, inside: Figures) -> str:
    """What each dialect costs beside Anthropic's own in the same run, and its translations by themselves."""
    rows = []
    for name in (who.removeprefix("cctui, ") for who in measured if who != "cctui"):
        ratios = [_ratio(measured, figure, f"cctui, {name}", "cctui") for figure in ("TTFB p50", "requests/s")]
        first, second = ("" if value is None else f"{value:.2f} ×" for value in ratios)
        added = _added_first_byte(measured, name)
        translated, event = inside.get(f"{name}: 1 MB ms"), inside.get(f"{name}: event us")
        cells = [first, "" if added is None else f"{added:+.2f} ms", second]
        cells += [
            "" if translated is None else f"{translated:.1f} ms",
            "as it is" if event is None else f"{event:.0f} µs",
        ]
        rows.append([name, *cells])
    head = ["beside a provider of Anthropic's format", "TTFB p50", "added", "requests/s", "1 MB conversation", "event"]
    return _markdown(head, rows)


def targets_table(measured: Table, inside: Figures) -> str:
    """Each target that the figures tell something of: what was reached, what is to be reached."""
    rows = []
    for words, reached, form, bound in _targets(measured, inside):
        value = reached()
        if value is not None and not math.isnan(value):
            rows.append([words, form.format(value), bound])
    return _markdown(["figure", "measured", "target"], rows)


def _targets(measured: Table, inside: Figures) -> Sequence[tuple[str, Callable[[], float | None], str, str]]:
    def ratio(name: str, over: str, under: str) -> Callable[[], float | None]:
        return lambda: _ratio(measured, name, over, under)

    def own(name: str) -> Callable[[], float | None]:
        return lambda: measured.get("cctui", {}).get(name)

    def known(name: str) -> Callable[[], float | None]:
        return lambda: inside.get(name)

    panel = "cctui, panel attached"
    return (
        ("TTFB p50, over nginx's", ratio("TTFB p50", "cctui", "nginx"), "{:.1f} ×", "≤ 6 ×"),
        ("LiteLLM's TTFB p50, over ours", ratio("TTFB p50", "LiteLLM", "cctui"), "{:.1f} ×", "≥ 15 ×"),
        (
            "claude-code-router's TTFB p50, over ours",
            ratio("TTFB p50", "claude-code-router", "cctui"),
            "{:.1f} ×",
            "≥ 15 ×",
        ),
        ("requests/s, 16 clients, one core", own("requests/s"), "{:,.0f}", "≥ 1,500"),
        ("requests/s, over mitmdump's", ratio("requests/s", "cctui", "mitmdump"), "{:.1f} ×", "≥ 4 ×"),
        ("a 4 MB body, over nginx's time", ratio("4 MB whole p50", "cctui", "nginx"), "{:.1f} ×", "≤ 2 ×"),
        (
            "TTFB p99 with a busy panel, over p99 without",
            ratio("TTFB p99, 8 streams", panel, "cctui"),
            "{:.2f} ×",
            "≤ 1.5 ×",
        ),
        ("gap added between chunks, p99, 32 streams", lambda: _added_gap(measured), "{:.2f} ms", "≤ 2 ms"),
        ("swapping the model in 4 MB", known("swap ms"), "{:.2f} ms", "≤ 2 ms"),
        *((f"a conversation of 1 MB in {name}", known(f"{name}: 1 MB ms"), "{:.1f} ms", "≤ 15 ms") for name in NAMES),
        ("memory at rest", known("memory at rest MB"), "{:.0f} MB", ""),
        ("memory after half of the requests, a tenth aborted", known("memory midway MB"), "{:.0f} MB", ""),
        ("memory after all of them", known("memory at the end MB"), "{:.0f} MB", "≤ 120 MB, flat"),
        ("`cctui --help`", known("help s"), "{:.2f} s", "≤ 0.25 s"),
        ("heavy libraries that it imports", known("help imports"), "{:.0f}", "0"),
        ("`cctui` to first paint, engine running", known("first paint s"), "{:.2f} s", "≤ 0.8 s"),
        ("key press to repaint, p95, 100 000 rows, 8 streams", known("key to repaint p95 ms"), "{:.0f} ms", "≤ 50 ms"),
        ("requests in a ledger of a year", known("requests (thousands)"), "{:,.0f} thousand", ""),
        ("sums of all of them by model", known("all by model ms"), "{:.0f} ms", "≤ 200 ms"),
        ("sums of all of them by day", known("all by day ms"), "{:.0f} ms", "≤ 200 ms"),
        ("sums of all of them by hour of day", known("all by hour_of_day ms"), "{:.0f} ms", "≤ 200 ms"),
        ("the 500 costliest sessions of a year", known("a year by session ms"), "{:.0f} ms", "≤ 200 ms"),
        ("the 500 costliest sub-agents of a year", known("a year by agent ms"), "{:.0f} ms", "≤ 200 ms"),
        ("speeds of all of them", known("speeds of all ms"), "{:.0f} ms", "≤ 200 ms"),
        ("sums of a session by hour", known("a session by hour ms"), "{:.0f} ms", "≤ 200 ms"),
        ("the last 50 of a project", known("50 requests of a project ms"), "{:.0f} ms", "≤ 200 ms"),
        ("writing a batch of 50", known("a batch of 50 rows ms"), "{:.1f} ms", ""),
        ("panel's share of a core, 8 streams of 50 events/s", known("CPU share"), "{:.0%}", "≤ 25 %"),
    )


def _ratio(measured: Table, name: str, over: str, under: str) -> float | None:
    top, bottom = measured.get(over, {}).get(name), measured.get(under, {}).get(name)
    return top / bottom if top is not None and bottom else None


def _added_first_byte(measured: Table, dialect: str) -> float | None:
    figures = (measured.get(who, {}).get("TTFB p50") for who in (f"cctui, {dialect}", "cctui"))
    theirs, own = figures
    return theirs - own if theirs is not None and own is not None else None


def _added_gap(measured: Table) -> float | None:
    ours, nothing = (measured.get(who, {}).get("gap p99") for who in ("cctui", "direct"))
    return max(0.0, ours - nothing) if ours is not None and nothing is not None else None


def _cell(figures: Figures, name: str) -> str:
    value = figures.get(name)
    return "" if value is None or math.isnan(value) else COLUMNS[name].format(value)


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _has_uvloop() -> bool:
    try:
        import uvloop
    except ImportError:
        return False
    return bool(uvloop)
