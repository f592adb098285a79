"""A line on stderr that says what goes on and is overwritten; without a terminal there is none."""

import os
import shutil
import sys

from tui.state.text import clean, fit

_START, _ERASE = "\r", "\x1b[K"


class Ticker:
    """Shows one line at a time; whoever prints anything else takes it away first."""

    def __init__(self) -> None:
        self._works = sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
        self._shown = False

    def show(self, text: str) -> None:
        if self._works:
            room = shutil.get_terminal_size().columns - 1
            self._write(f"{_START}{fit(clean(text), room)}{_ERASE}")
            self._shown = True

    def clear(self) -> None:
        if self._shown:
            self._write(f"{_START}{_ERASE}")
            self._shown = False

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
