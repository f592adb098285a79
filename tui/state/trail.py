"""The way of a request: every target that was tried or skipped, with its time, its reason and what was changed."""

from collections.abc import Iterator

from proxy.contract import Attempt, Request
from tui.state import formats as f
from tui.state.detour import without_name
from tui.state.lines import Line, Piece, Tone, cut, line
from tui.state.text import clean_line, left, right, wrap

GLYPHS: dict[str, tuple[str, Tone]] = {
    "served": ("✓", "good"),
    "trying": ("…", "accent"),
    "skipped": ("↷", "dim"),
    "client_left": ("⊘", "dim"),
}
FAILED: tuple[str, Tone] = ("✗", "bad")


def trail(request: Request, width: int) -> Iterator[Line]:
    """The attempts in their order, in ``width`` cells."""
    for attempt in request.attempts:
        yield _head(attempt, width)
        yield from _told(attempt, width)


def _head(attempt: Attempt, width: int) -> Line:
    glyph, tone = GLYPHS.get(attempt.outcome, FAILED)
    target = left(clean_line(f"{attempt.provider}/{attempt.model}"), min(44, max(20, width - 40)))
    took = f.duration(attempt.duration_ms) if attempt.duration_ms and not attempt.skipped else ""
    status = clean_line(f"{attempt.status or ''} {attempt.outcome}").replace("_", " ").strip()
    key = f"  with key {clean_line(attempt.key)}" if attempt.key else ""
    words = Piece(status, "bad" if (glyph, tone) == FAILED else "plain")
    return cut(line("   ", Piece(glyph, tone), f" {target} ", right(took, 7), "  ", words, Piece(key, "dim")), width)


def _told(attempt: Attempt, width: int) -> Iterator[Line]:
    if attempt.reason:
        yield from _wrapped("", without_name(clean_line(attempt.reason), attempt.provider), width)
    for change in attempt.changed:
        yield from _wrapped("changed: ", clean_line(change), width)


def _wrapped(head: str, text: str, width: int) -> Iterator[Line]:
    for row in wrap(f"{head}{text}", max(20, width - 8)):
        yield line("     ", Piece(row, "dim"))
