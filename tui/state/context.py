"""What fills the window, as lines to read: the whole, its parts, what they consist of, the biggest pieces."""

from collections.abc import Iterator, Sequence

from proxy.contract import ContextItem, ContextReport
from tui.state import formats as f
from tui.state.lines import EMPTY, Line, Piece, cut, line, shown_of, spread
from tui.state.shares import context_tone
from tui.state.text import clean_line, left, right, wrap

KINDS = {
    "system": "system prompt",
    "tools": "tools",
    "messages": "messages",
    "tool_results": "tool results",
    "images": "images",
    "thinking": "thinking",
}
"""The parts of a prompt in words."""
KIND_CELLS = 15
ITEMS_SHOWN = 14
BAR_MAX = 60
NOT_KEPT = (
    "The last request of this conversation is no longer kept in memory, so it cannot be taken apart. The next one can."
)
ESTIMATED = "estimated: the provider has not counted it yet"
COUNTED = "counted by the provider; the parts are estimates"


def context_title(report: ContextReport | None, name: str) -> Line:
    """The line on top: whose window, and which model's."""
    told = [name] if name else []
    if report is not None and report.agent_id:
        told.append("a sub-agent")
    if report is not None and report.model:
        told.append(f.short_model(report.model))
    return line(" ", Piece("context", "strong"), Piece("".join(f"   {each}" for each in told), "dim"))


def context_lines(report: ContextReport, width: int, note: str = "") -> list[Line]:
    """The report in ``width`` cells; ``note`` is a sentence to begin with."""
    lines = [line("   ", Piece(note, "warn")), EMPTY] if note else []
    if not report.tokens:
        return [*lines, line(Piece("   Nothing was asked in this conversation yet.", "dim"))]
    lines += _whole(report, width)
    if not report.parts:
        return [*lines, EMPTY, *(line("   ", Piece(row, "dim")) for row in wrap(NOT_KEPT, max(20, width - 4)))]
    lines += [EMPTY, *_parts(report, width)]
    lines += [EMPTY, *_headed("what it is made of", report, _items(report, width), width)]
    if report.biggest:
        lines += [EMPTY, *_headed("biggest pieces", report, _pieces(report.biggest, report, width), width)]
    return lines


def _whole(report: ContextReport, width: int) -> Iterator[Line]:
    told = COUNTED if report.counted else ESTIMATED
    if report.window is None:
        yield line("   ", Piece(f"{report.tokens:,} tokens", "strong"), Piece("   of an unknown window", "dim"))
        yield line("   ", Piece(told, "dim"))
        return
    share = report.tokens / report.window
    free = f.count(max(0, report.window - report.tokens))
    head = f"{f.count(report.tokens)} of {f.window(report.window)} tokens"
    filled, rest = f.bar(share, min(BAR_MAX, width - 6))
    yield line("   ", Piece(head, "strong"), Piece(f"   {f.percent(share)} full, {free} free"))
    yield line("   ", Piece(filled, context_tone(share)), Piece(rest, "dim"))
    yield line("   ", Piece(told, "dim"))


def _parts(report: ContextReport, width: int) -> Iterator[Line]:
    for part in report.parts:
        share = part.tokens / max(1, report.tokens)
        filled, rest = f.bar(share, max(8, min(BAR_MAX, width - 6) - KIND_CELLS - 14))
        yield line(
            Piece(f"   {left(KINDS[part.kind], KIND_CELLS)}"),
            Piece(right(f.count(part.tokens), 7), "strong"),
            Piece(f"{right(f.percent(share), 5)}  ", "dim"),
            Piece(filled, "accent"),
            Piece(rest, "dim"),
        )


def _items(report: ContextReport, width: int) -> list[Line]:
    shown = report.items[: shown_of(len(report.items), ITEMS_SHOWN)]
    more = len(report.items) - len(shown)
    lines = _pieces(shown, report, width)
    if more:
        rest = sum(item.tokens for item in report.items[len(shown) :])
        lines.append(cut(line(Piece(f"   and {more} more, {f.count(rest)} tokens together", "dim")), width))
    return lines


def _headed(title: str, report: ContextReport, rows: Sequence[Line], width: int) -> list[Line]:
    of_what = "of the window" if report.window else "of the prompt"
    head = spread(line(" ", Piece(title, "accent")), line(Piece(of_what, "dim")), _row_cells(width))
    return [head, *rows]


def _row_cells(width: int) -> int:
    return min(width - 1, KIND_CELLS + BAR_MAX + 22)


def _pieces(items: Sequence[ContextItem], report: ContextReport, width: int) -> list[Line]:
    whole = report.window or report.tokens
    room = max(12, _row_cells(width) - KIND_CELLS - 17)
    return [
        line(
            Piece(f"   {left(KINDS[item.kind], KIND_CELLS)}", "dim"),
            Piece(left(_name(item), room)),
            Piece(right(f.count(item.tokens), 7), "strong"),
            Piece(right(f.percent(item.tokens / max(1, whole)), 7), "dim"),
        )
        for item in items
    ]


def _name(item: ContextItem) -> str:
    name = clean_line(item.name)
    return f"{name} ×{item.count}" if item.count > 1 else name
