"""How fast models were, side by side: time to the first event and tokens per second, in the middle and at the slow
end."""

from collections.abc import Sequence

from proxy.contract import Latency
from tui.state import formats as f
from tui.state.figures import Figure, Figures, arranged
from tui.state.lines import Line, Piece
from tui.state.text import cells, clean_line

NAME_LEAST = 24
BARS = ("first event: p50 ━ p95 ─", "p50 ━ p95 ─")
COLUMNS = (
    Figure("requests", 10, 2),
    Figure("first p50", 11, 0, "strong"),
    Figure("p95", 8, 1),
    Figure("tok/s p50", 11, 3, "strong"),
    Figure("p5", 7, 4),
)


class LatencyTable:
    """Rows in a width; the bars show the first event, the middle thick, the slow end thin, all at one scale."""

    def __init__(self, rows: Sequence[Latency], width: int) -> None:
        self._top = max((row.ttft_p95_ms or row.ttft_p50_ms or 0.0 for row in rows), default=0.0)
        longest = max((cells(_name(row)) for row in rows), default=0)
        self._figures: Figures = arranged(COLUMNS, longest, width, NAME_LEAST)

    def titles(self) -> Line:
        return self._figures.titles("model at provider", BARS)

    def row(self, row: Latency) -> Line:
        words = (
            f"{row.requests:,}",
            _time(row.ttft_p50_ms),
            _time(row.ttft_p95_ms),
            _speed(row.tokens_per_s_p50),
            _speed(row.tokens_per_s_p5),
        )
        return self._figures.row(Piece(_name(row)), words, self._bar(row))

    def _bar(self, row: Latency) -> tuple[Piece, ...]:
        if not self._top or row.ttft_p50_ms is None:
            return ()
        middle = max(1, round(row.ttft_p50_ms / self._top * self._figures.bar))
        slow = max(middle, round((row.ttft_p95_ms or 0.0) / self._top * self._figures.bar))
        return Piece("━" * middle, "accent"), Piece("─" * (slow - middle), "accent")


def _name(row: Latency) -> str:
    return f"{f.short_model(row.model)} at {clean_line(row.provider) or 'nobody'}"


def _time(milliseconds: float | None) -> str:
    return f.UNKNOWN if milliseconds is None else f.duration(milliseconds)


def _speed(tokens_per_s: float | None) -> str:
    return f.UNKNOWN if tokens_per_s is None else f"{tokens_per_s:.0f}"
