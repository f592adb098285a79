"""All keys, from the registry."""

from collections.abc import Sequence

from tui import actions
from tui.screens.reading import ReadingScreen
from tui.state.lines import EMPTY, Line, Piece, line
from tui.state.text import left

SIGNS = (
    ("● ◐ ○", "at work: answering, waiting for the first word"),
    ("✓ ✗ ⊘", "served, failed or broken, cancelled by Claude Code"),
    ("⇄", "served by another provider than the first one tried"),
    ("⤷2", "the second sub-agent of its session; bg is a background call"),
    ("~", "simulated money"),
    ("?", "the price is not known"),
    ("hit", "share of the input that was read from the provider's cache"),
)


class HelpScreen(ReadingScreen):
    """What every key does, and what the signs mean."""

    def __init__(self, keys: actions.Keys) -> None:
        super().__init__(keys)
        self._all = keys

    def title_line(self) -> Line:
        return line(
            " ", Piece("keys", "strong"), Piece("   they can be changed under [panel.keymap] in config.toml", "dim")
        )

    def lines(self, width: int) -> Sequence[Line]:
        del width
        lines: list[Line] = []
        for place, title in actions.PLACES.items():
            lines += [line("   ", Piece(title, "accent"))]
            lines += [self._row(action) for action in actions.of_place(place)]
            lines.append(EMPTY)
        lines.append(line("   ", Piece("Signs", "accent")))
        return lines + [line("   ", Piece(left(sign, 20), "strong"), meaning) for sign, meaning in SIGNS]

    def _row(self, action: actions.Action) -> Line:
        keys = "  ".join(actions.shown_key(key) for key in self._all[action.id]) or "none"
        return line("   ", Piece(left(keys, 20), "strong"), action.help)
