"""All keys, from the registry."""

from collections.abc import Sequence

from tui import actions
from tui.screens.reading import ReadingScreen
from tui.state.lines import EMPTY, Line, Piece, line
from tui.state.text import left, wrap

TERM = 20
"""Cells of a key or a sign before what it means."""
SIGNS = (
    ("● ◐ ○", "at work: answering, waiting for the first word"),
    ("✓ ✗ ⊘", "served, failed or broken, cancelled by Claude Code"),
    ("⇄", "served by another provider than the first one tried"),
    ("⤷2", "the second sub-agent of its session; bg is a background call"),
    ("~", "before money: simulated; before a number of tokens: estimated"),
    ("?", "the price is not known"),
    ("hit", "share of the input that was read from the provider's cache"),
)


class HelpScreen(ReadingScreen):
    """What every key does, and what the signs mean."""

    def __init__(self, keys: actions.Keys, here: Sequence[actions.Place]) -> None:
        """``here`` are the places of the screen that help is asked from: their keys stand first."""
        super().__init__(keys)
        self._all = keys
        self._here = tuple(here)
        self._elsewhere = [place for place in actions.PLACES if place not in self._here]

    def title_line(self) -> Line:
        return line(" ", Piece("keys", "strong"), Piece("   changed under [panel.keymap] in config.toml", "dim"))

    def lines(self, width: int) -> Sequence[Line]:
        return [*self._of(self._here, width), *_signs(width), *self._of(self._elsewhere, width)]

    def _of(self, places: Sequence[actions.Place], width: int) -> list[Line]:
        lines: list[Line] = []
        for place in places:
            lines.append(line("   ", Piece(actions.PLACES[place], "accent")))
            for action in actions.of_place(place):
                lines += _explained(self._keys_of(action), action.help, width)
            lines.append(EMPTY)
        return lines

    def _keys_of(self, action: actions.Action) -> str:
        return "  ".join(actions.shown_key(key) for key in self._all[action.id]) or "none"


def _signs(width: int) -> list[Line]:
    rows = [row for sign, meaning in SIGNS for row in _explained(sign, meaning, width)]
    return [line("   ", Piece("Signs", "accent")), *rows, EMPTY]


def _explained(term: str, meaning: str, width: int) -> list[Line]:
    rows = wrap(meaning, max(20, width - TERM - 4))
    return [line("   ", Piece(left("" if place else term, TERM), "strong"), row) for place, row in enumerate(rows)]
