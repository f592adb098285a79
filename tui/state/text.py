"""Foreign text made safe to show, and text measured in terminal cells.

Model names, errors and streams come from outside. They pass ``clean`` or ``clean_line`` once, before they are
measured or painted; nothing here or later reads them as markup.
"""

import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells, set_cell_size

ELLIPSIS = "…"

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.?)", re.DOTALL)
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_BREAK = re.compile("\r\n?|[\u2028\u2029]")
_WORDS = re.compile(r"\s+|\S+")


def clean(text: str) -> str:
    """``text`` without escape sequences and control characters; line ends become newlines, tabs four spaces."""
    if text.isascii() and text.isprintable():
        return text
    text = _BREAK.sub("\n", text)
    return _CONTROL.sub("", _ESCAPE.sub("", text)).replace("\t", "    ")


def clean_line(text: str) -> str:
    """``text`` cleaned and on one line, runs of white space made one space."""
    return " ".join(clean(text).split())


def cells(text: str) -> int:
    """Width of ``text`` on a terminal."""
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells, its end cut with an ellipsis where it does not fit."""
    if cells(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    return set_cell_size(text, width - 1).rstrip() + ELLIPSIS


def left(text: str, width: int) -> str:
    """``text`` in exactly ``width`` cells, padded at its right."""
    text = fit(text, width)
    return text + " " * (width - cells(text))


def right(text: str, width: int) -> str:
    """``text`` in exactly ``width`` cells, padded at its left."""
    text = fit(text, width)
    return " " * (width - cells(text)) + text


def wrap(text: str, width: int) -> list[str]:
    """One paragraph in rows of at most ``width`` cells, broken at spaces where possible.

    Every row but the last is final: text appended to the paragraph later changes the last row only.
    """
    rows: list[str] = []
    row, used = "", 0
    for word in _pieces(text, max(1, width)):
        size = cells(word)
        if used + size <= width:
            row, used = row + word, used + size
        elif word.isspace():
            row, used = row + word, width + 1
        else:
            rows.append(row.rstrip())
            row, used = word, size
    rows.append(row)
    return rows


def _pieces(text: str, width: int) -> Iterator[str]:
    for word in _WORDS.findall(text):
        if cells(word) <= width or word.isspace():
            yield word
        else:
            yield from chop_cells(word, width)
