"""The text of the watched request, wrapped as it arrives.

A chunk costs what it holds: finished rows are never wrapped again. Both the raw text and the rows are bounded;
what is cut is the beginning.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from proxy.contract import StreamKind, StreamPart
from tui.state.text import clean, clean_line, wrap

TEXT_LIMIT = 100_000
"""Characters of raw text kept, for wrapping anew at another width."""
ROW_LIMIT = 4_000
LABELS: dict[StreamKind, str] = {"text": "", "thinking": "thinking", "tool": "tool", "error": "error"}
"""What stands beside a block without a title of its own."""


class StreamRow(NamedTuple):
    """One row of the pane; ``label`` stands in the margin of a block's first row."""

    kind: StreamKind
    label: str
    text: str


@dataclass(slots=True)
class Block:
    """A content block of the answer."""

    kind: StreamKind
    number: int
    label: str
    parts: list[str] = field(default_factory=list)
    size: int = 0


class StreamText:
    """Blocks of one request and their rows at the present width."""

    def __init__(self, width: int = 80) -> None:
        self.request_id: str | None = None
        self._width = width
        self._inline = False
        self._blocks: list[Block] = []
        self._rows: list[StreamRow] = []
        self._open: list[StreamRow] = []
        self._size = 0

    @property
    def rows(self) -> list[StreamRow]:
        """All rows; the last ones may still grow."""
        return self._rows + self._open

    @property
    def empty(self) -> bool:
        return not self._blocks

    def watch(self, request_id: str | None) -> None:
        """Begin with another request; the same one keeps its text."""
        if request_id != self.request_id:
            self.request_id = request_id
            self._clear()

    def apply(self, part: StreamPart) -> bool:
        """Take a part in. False where it belongs to another request."""
        if part.request_id != self.request_id:
            return False
        if part.restart:
            self._clear()
            if not (part.text or part.title):
                return True  # the answer begins, and nothing of it is there yet
        block = self._block_of(part)
        text = clean(part.text)
        if text:
            block.parts.append(text)
            block.size += len(text)
            self._size += len(text)
            self._extend(block, text)
        self._bound()
        return True

    def load(self, request_id: str, parts: Iterable[StreamPart]) -> None:
        """Show a finished answer, whole."""
        if request_id == self.request_id:
            self._clear()
            for part in parts:
                self.apply(part)

    def set_width(self, width: int, *, inline_labels: bool = False) -> None:
        """Wrap at ``width`` cells from now on; ``inline_labels`` puts the labels into the text."""
        if width > 0 and (width, inline_labels) != (self._width, self._inline):
            self._width, self._inline = width, inline_labels
            self._rewrap()

    def _clear(self) -> None:
        self._blocks, self._rows, self._open, self._size = [], [], [], 0

    def _block_of(self, part: StreamPart) -> Block:
        if self._blocks and self._blocks[-1].number == part.block and self._blocks[-1].kind == part.kind:
            return self._blocks[-1]
        self._close()
        block = Block(part.kind, part.block, clean_line(part.title or "") or LABELS[part.kind])
        self._blocks.append(block)
        self._open = [self._first_row(block)]
        return block

    def _first_row(self, block: Block) -> StreamRow:
        if self._inline and block.label:
            return StreamRow(block.kind, "", f"{block.label}: ")
        return StreamRow(block.kind, block.label, "")

    def _extend(self, block: Block, text: str) -> None:
        """Append to the open rows; every row but the last is closed."""
        last = self._open.pop()
        first, *others = (last.text + text).split("\n")
        label = last.label
        for paragraph in (first, *others):
            for row in wrap(paragraph, self._width):
                self._rows.append(StreamRow(block.kind, label, row))
                label = ""
        self._open = [self._rows.pop()]

    def _close(self) -> None:
        self._rows += self._open
        self._open = []

    def _rewrap(self) -> None:
        blocks, self._rows, self._open = self._blocks, [], []
        for block in blocks:
            self._close()
            self._open = [self._first_row(block)]
            self._extend(block, "".join(block.parts))

    def _bound(self) -> None:
        if len(self._rows) > ROW_LIMIT:
            del self._rows[: ROW_LIMIT // 4]
        if self._size > TEXT_LIMIT:
            self._drop_text(self._size - TEXT_LIMIT * 3 // 4)

    def _drop_text(self, surplus: int) -> None:
        while surplus > 0 and self._blocks:
            block = self._blocks[0]
            if block.size <= surplus and len(self._blocks) > 1:
                self._blocks.pop(0)
                dropped = block.size
            else:
                kept = "".join(block.parts)[surplus:]
                dropped = block.size - len(kept)
                block.parts, block.size = [kept], len(kept)
            self._size -= dropped
            surplus -= dropped
