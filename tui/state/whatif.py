"""What the same tokens would have cost at other models: the line of what they did cost, the rows, what is said of
one."""

from collections.abc import Sequence
from dataclasses import dataclass

from proxy import contract as c
from tui.state import formats as f
from tui.state.detail import SOURCES
from tui.state.figures import Figure, Figures, arranged
from tui.state.lines import Line, Piece, joined, line, line_cells, wrapped
from tui.state.periods import Period, since
from tui.state.text import cells, clean_line

PERIODS: tuple[Period, ...] = ("today", "7 days", "30 days")
WARNED = "▲"
ROUGH = "Of so much only sums are kept: prices of long prompts are not in it, and no window was looked at."

NAME_LEAST = 24
COLUMNS = (
    Figure("would cost", 12, 0, "strong"),
    Figure("× of now", 10, 1),
    Figure("problem", 9, 2, "warn"),
    Figure("tokens", 9, 3, "dim"),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Requests that can be compared, and the words for them."""

    label: str
    choice: c.Choice


def subjects(session: c.Session | None, name: str, here: Subject | None, now: float) -> list[Subject]:
    """What can be compared: the selection at hand, the session (called ``name``), the periods."""
    found = [here] if here is not None else []
    if session is not None and session.id:
        found.append(Subject(f"session {name}", c.Choice(session=session.id)))
    known = {each.label for each in found}
    return found + [Subject(period, c.Choice(since=since(period, now))) for period in PERIODS if period not in known]


def heading(subjects: Sequence[Subject], chosen: int, width: int) -> Line:
    """What is compared, the other choices beside it."""
    tabs = [
        Piece(
            f"‹{clean_line(each.label)}›" if place == chosen else f" {clean_line(each.label)} ",
            "strong" if place == chosen else "dim",
            f"screen.over_at({place})",
        )
        for place, each in enumerate(subjects)
    ]
    if sum(cells(tab.text) for tab in tabs) + 10 > width:
        tabs = [tabs[chosen]]
    return line(" ", Piece("what if  ", "strong"), *tabs)


def spent(report: c.WhatIf, width: int) -> list[Line]:
    """What was used and what it cost; where ``width`` is too little, list prices have a line of their own."""
    total = report.total
    usage = total.usage
    hit = f.percent(usage.cache_read_tokens / usage.prompt_tokens) if usage.prompt_tokens else "none"
    used = f"{f.count(usage.prompt_tokens)} in, {hit} of it from a cache, {f.count(usage.output_tokens)} out"
    cost = (Piece("cost  ", "dim"), Piece(f.spent(total), "strong"))
    unpriced = line(Piece(f"{total.unpriced_requests:,} without a price", "warn")) if total.unpriced_requests else ()
    listed = line(Piece(f"at list prices {_listed(report)}", "dim"))
    requests = f"{total.requests:,} request{'' if total.requests == 1 else 's'}"
    whole = line(" ", *joined([cost, unpriced, listed]))
    parts = [whole] if line_cells(whole) <= width else [line(" ", *joined([cost, unpriced])), line(" ", *listed)]
    return [*parts, line(Piece(f" {requests}, {used}", "dim"))]


def _listed(report: c.WhatIf) -> str:
    real, made_up = report.list_nano_usd, report.list_simulated_nano_usd
    if real is not None and made_up is not None:
        return f.sums(real, made_up)
    simulated = f"{f.SIMULATED}{f.UNKNOWN}" if made_up is None else f.money(made_up, simulated=True)
    told = [f.money(real)] * (real != 0) + [simulated] * (made_up != 0)
    return " and ".join(told)


def base(report: c.WhatIf) -> int:
    """What the rows are measured by: the list price of what served, else what it cost; 0: part of it is not known.

    Each row stands for all tokens, so those of a simulator count here; this sum is told to nobody.
    """
    if report.list_nano_usd is not None and report.list_simulated_nano_usd is not None:
        return report.list_nano_usd + report.list_simulated_nano_usd
    if report.total.unpriced_requests:
        return 0
    return report.total.cost_nano_usd or report.total.simulated_nano_usd


class WhatIfTable:
    """The rows in a width; the bars are at one scale, with the dearest that is shown as the longest."""

    def __init__(self, report: c.WhatIf, width: int) -> None:
        self._base = base(report)
        self._top = max((row.cost_nano_usd or 0 for row in report.rows), default=0)
        longest = max((cells(_name(row)) for row in report.rows), default=0)
        self._figures: Figures = arranged(COLUMNS, longest, width, NAME_LEAST)

    def titles(self) -> Line:
        return self._figures.titles("model at provider")

    def row(self, row: c.WhatIfRow) -> Line:
        words = (
            f.aligned(f.money(row.cost_nano_usd, simulated=row.simulated), 11),
            times(row.cost_nano_usd, self._base),
            WARNED if row.misfit else "",
            same_words(row.same_tokenizer),
        )
        share = (row.cost_nano_usd or 0) / self._top if self._top else 0.0
        filled, _ = f.bar(share, self._figures.bar) if share else ("", "")
        return self._figures.row(Piece(_name(row)), words, (Piece(filled, "accent"),))


def same_words(share: float) -> str:
    """How much was counted as a model counts: ``same``, ``98% same``, ``differ``."""
    if share in (0.0, 1.0):
        return "same" if share else "differ"
    return f"{f.percent(min(0.99, max(0.01, share)))} same"


def times(cost_nano_usd: int | None, of_nano_usd: int) -> str:
    """A cost as a multiple of another: ``0.4×``; empty where that says nothing."""
    if cost_nano_usd is None or not of_nano_usd:
        return ""
    if cost_nano_usd == 0:
        return "free"
    share = cost_nano_usd / of_nano_usd
    return f"{share:.2f}×" if share < 0.1 else f"{share:.1f}×" if share < 100 else f"{share:,.0f}×"


def told(report: c.WhatIf, row: c.WhatIfRow, width: int) -> list[Line]:
    """What is known of a row, in sentences."""
    price = SOURCES[row.price_source] if row.price_source != "free" else "it is free there"
    lines = [*wrapped(f"{clean_line(row.model)} at {clean_line(row.provider)}: {price}.", width)]
    if row.same_tokenizer < 1:
        whole = "It has another tokenizer, or one that nobody tells: the same text"
        part = f"{same_words(row.same_tokenizer)} tokenizer; the rest of the text"
        text = f"{part if row.same_tokenizer else whole} can be more tokens there, or fewer."
        lines += wrapped(text, width, "dim")
    if row.misfit:
        lines += wrapped(f"{WARNED} Not all of it could have gone there: {row.misfit}.", width, "warn")
    if report.rough:
        lines += wrapped(ROUGH, width, "dim")
    return lines


def _name(row: c.WhatIfRow) -> str:
    return f"{f.short_model(row.model)} at {clean_line(row.provider)}"
