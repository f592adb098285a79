"""The spend screen's words: where one is, one row a group, a graph where the groups are times, and the total."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from proxy.contract import Tally, UsageGroup, UsageReport, UsageRow
from tui.state import formats as f
from tui.state.figures import NAME_LEAST, Figure, Figures, arranged
from tui.state.graphs import column_graph, columns_that_fit
from tui.state.lines import Line, Piece, Tone, cut, line, line_cells, wrapped
from tui.state.periods import PERIODS, axis, span_of
from tui.state.spend import GROUPS, TIMES, SpendView, Step
from tui.state.text import cells, clean_line

Names = Mapping[str, str]
"""Of sessions and of sub-agents, by their ids."""

LABELS: dict[UsageGroup, str] = {
    "role": "who",
    "hour_of_day": "hour of day",
}
"""Groups whose name is not the word for them."""
ROLES = {"main": "the conversation", "agent": "sub-agents", "background": "background calls"}

ALL_SIMULATED = f"{f.SIMULATED} simulated money"
"""Above sums that have no other."""
NAME_KEPT = 22
"""Cells that a longer name keeps beside figures."""
GRAPH_FROM = 22
"""Rows of the screen from which on a graph finds room."""
GRAPH_ROWS = 4


def label(group: UsageGroup) -> str:
    return LABELS.get(group, group)


def made_up(report: UsageReport) -> bool:
    """All money in it is simulated: then bars, order and shares are of that; else of real money alone."""
    return f.all_simulated(report.total)


def heading(view: SpendView, names: Names, width: int, *, simulated: bool = False) -> list[Line]:
    """The lines on top: period, grouping, and what was opened; ``simulated``: all money below is."""
    periods = _tabs([*PERIODS], PERIODS.index(view.period), "period_at")
    groups = _tabs([label(group) for group in GROUPS], GROUPS.index(view.group), "group_at")
    here = Piece(f"‹{label(view.group)}›", "strong", "screen.group")
    period = Piece(f"‹{view.period}›", "strong", "screen.period")
    first = line(" ", Piece("spend  ", "strong"), *periods)
    second = line(" ", Piece("by     ", "dim"), *groups)
    return [
        first if line_cells(first) <= width else line(" ", Piece("spend  ", "strong"), period),
        second if line_cells(second) <= width else line(" ", Piece("by     ", "dim"), here),
        cut(_way(view.steps, names) + line(*([Piece(f"   {ALL_SIMULATED}", "warn")] if simulated else [])), width),
    ]


def _way(steps: Sequence[Step], names: Names) -> Line:
    pieces = [Piece(" of     ", "dim"), Piece(" everything" if not steps else " ", "dim")]
    for place, step in enumerate(steps):
        pieces += [Piece(f"{' ▸ ' if place else ''}{label(step.group)} ", "dim")]
        pieces += [Piece(name(step.group, step.key, names), "strong")]
    return tuple(pieces)


def way_words(view: SpendView, names: Names) -> str:
    """Where a view is, in one phrase: ``7 days · project shop-api``."""
    return " · ".join([view.period if view.period != "all" else "all time", *_opened(view, names)])


def about_words(view: SpendView, names: Names) -> str:
    """The same without any time."""
    return " · ".join(_opened(view.timeless(), names))


def _opened(view: SpendView, names: Names) -> list[str]:
    return [f"{label(step.group)} {name(step.group, step.key, names)}" for step in view.steps]


def _tabs(words: Sequence[str], chosen: int, action: str) -> list[Piece]:
    return [
        Piece(
            f"‹{word}›" if place == chosen else f" {word} ",
            "strong" if place == chosen else "dim",
            f"screen.{action}({place})",
        )
        for place, word in enumerate(words)
    ]


def name(group: UsageGroup, key: str, names: Names) -> str:
    """A group's key in words."""
    match group:
        case "model":
            return f.short_model(key) if key else "no model"
        case "session":
            return clean_line(names.get(key) or key[:8]) or "no session"
        case "role":
            return ROLES.get(key, clean_line(key))
        case "agent":
            return names.get(key) or clean_line(key)[:12] or "no sub-agent"
        case "hour_of_day":
            return f"{clean_line(key)}:00"
        case "day" | "week" | "month":
            return _date(group, key)
        case _:
            return clean_line(key) or f"no {group}"


def _date(group: UsageGroup, key: str) -> str:
    span = span_of(group, key)
    if span is None:
        return clean_line(key)
    begin = datetime.fromtimestamp(span[0]).astimezone()
    told = {"day": begin.strftime("%a"), "week": begin.strftime("from %d %b"), "month": begin.strftime("%B")}
    return f"{key}  {told[group]}"


def ordered(report: UsageReport, group: UsageGroup) -> list[UsageRow]:
    """The rows as they are listed: times with the newest first, the rest with the dearest first."""
    if group in TIMES:
        return sorted(report.rows, key=lambda row: row.key, reverse=group != "hour_of_day")
    return sorted(report.rows, key=_dearest_first)


def _dearest_first(row: UsageRow) -> tuple[int, int, int, str]:
    """By real money; those that cost none of that by simulated money."""
    return -row.tally.cost_nano_usd, -row.tally.simulated_nano_usd, -row.tally.requests, row.key


def money(tally: Tally, *, simulated: bool) -> int:
    """What bars, shares and graphs are of in a report whose money is all ``simulated``, or not."""
    return tally.simulated_nano_usd if simulated else tally.cost_nano_usd


class SpendTable:
    """A report in a width: the columns that it needs and that fit."""

    def __init__(self, report: UsageReport, group: UsageGroup, names: Names, width: int) -> None:
        self._report, self._group, self._names = report, group, names
        self._made_up = made_up(report)
        self._top = max((money(row.tally, simulated=self._made_up) for row in report.rows), default=0)
        longest = max((cells(name(group, row.key, names)) for row in report.rows), default=0)
        least = max(NAME_LEAST, min(NAME_KEPT, longest + 1))
        self.figures: Figures = arranged(self._columns(), longest, width, least)

    def _columns(self) -> list[Figure]:
        total = self._report.total
        columns = [
            Figure("cost", 12, 0, "strong"),
            Figure("simulated", 12, 1),
            Figure("no price", 10, 2, "warn"),
            Figure("share", 7, 8, "dim"),
            Figure("requests", 10, 3),
            Figure("failed", 8, 9, "dim"),
            Figure("in", 7, 5),
            Figure("out", 7, 4),
            Figure("hit", 6, 6, "dim"),
        ]
        absent = {
            "cost": not total.cost_nano_usd and total.simulated_nano_usd,
            "simulated": not total.simulated_nano_usd,
            "no price": not total.unpriced_requests,
            "failed": not total.failed,
        }
        return [column for column in columns if not absent.get(column.title)]

    def titles(self) -> Line:
        mixed = self._report.total.simulated_nano_usd > 0
        bars = ("simulated money", "simulated", f.SIMULATED) if self._made_up else ("real money", "real")
        return self.figures.titles(label(self._group), bars if mixed else ())

    def row(self, row: UsageRow) -> Line:
        share = money(row.tally, simulated=self._made_up) / self._top if self._top else 0.0
        filled, _ = f.bar(share, self.figures.bar) if share else ("", "")
        return self._line(name(self._group, row.key, self._names), row.tally, filled)

    def sums(self) -> list[Line]:
        """The total, below what of it is in no row."""
        others = [] if self._report.others is None else [self._line("others", self._report.others, "")]
        return [*others, self._line("total", self._report.total, "", strong=True)]

    def _line(self, text: str, tally: Tally, filled: str, *, strong: bool = False) -> Line:
        prompt = tally.usage.prompt_tokens
        told = {
            "cost": "" if f.all_simulated(tally) and not tally.unpriced_requests else f.aligned(f.paid(tally, 11), 11),
            "simulated": self._simulated(tally),
            "no price": str(tally.unpriced_requests or ""),
            "share": self._share(tally),
            "requests": f"{tally.requests:,}",
            "failed": str(tally.failed or ""),
            "in": f.count(prompt),
            "out": f.count(tally.usage.output_tokens),
            "hit": f.percent(tally.usage.cache_read_tokens / prompt) if prompt else "",
        }
        words = [told[column.title] for column in self.figures.columns]
        return self.figures.row(Piece(text, "strong" if strong else "plain"), words, (Piece(filled, "accent"),))

    def _simulated(self, tally: Tally) -> str:
        """Nothing beside real money: there nobody asked the simulator."""
        if not tally.simulated_nano_usd and not self._made_up:
            return ""
        return f.aligned(f.money(tally.simulated_nano_usd, simulated=True), 11)

    def _share(self, tally: Tally) -> str:
        """Of the sum in the first column of money: a row that has none of that has no share of it."""
        part, whole = (money(each, simulated=self._made_up) for each in (tally, self._report.total))
        return f.percent(part / whole) if part else ""


def graph(report: UsageReport, group: UsageGroup, width: int, height: int) -> list[Line]:
    """The groups as columns over time, on a screen of ``height`` rows; empty where that says nothing."""
    if group not in TIMES or height < GRAPH_FROM or len(report.rows) < 2:
        return []
    simulated = made_up(report)
    amounts = {row.key: money(row.tally, simulated=simulated) for row in report.rows}
    top = f.money(max(amounts.values(), default=0), simulated=simulated)
    keys = axis(group, [*amounts], columns_that_fit(width, cells(top) + 2))
    values = [amounts.get(key, 0) for key in keys]
    top = f.money(max(values, default=0), simulated=simulated)
    return column_graph(values, [_tick(group, key) for key in keys], top, width, GRAPH_ROWS)


def _tick(group: UsageGroup, key: str) -> str:
    """A key below its column."""
    match group:
        case "hour":
            return key[11:13]
        case "day":
            return key[5:]
        case "week":
            return key[5:]
        case _:
            return key


def notes(report: UsageReport, width: int) -> list[Line]:
    """What the sums leave out."""
    told: list[tuple[str, Tone]] = []
    if (unknown := report.total.unpriced_requests) == 1:
        told.append(("1 request has no known price and is not in the sums.", "warn"))
    elif unknown:
        told.append((f"{unknown:,} requests have no known price and are not in the sums.", "warn"))
    if (guessed := report.estimated_requests) == 1:
        told.append(("1 request broke off or did not tell its tokens: estimated.", "dim"))
    elif guessed:
        told.append((f"{guessed:,} requests broke off or did not tell their tokens: estimated.", "dim"))
    if report.total.simulated_nano_usd:
        mixed = f"{f.SIMULATED} marks simulated money; it is in no sum, bar, share or order of real money."
        told.append((f"{f.SIMULATED} marks simulated money, which nobody pays." if made_up(report) else mixed, "dim"))
    return [line(" ", *row) for text, tone in told for row in wrapped(text, width - 1, tone)]
