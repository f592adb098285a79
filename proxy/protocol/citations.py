"""Citations in an answer that names its sources as addresses: which lines rest on which pages.

The text stays as it is, character by character; it is only cut into blocks, so that those which name a page can
carry it as their source.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

CITED_CHARS = 150
"""Of a page's extract, as Anthropic's own citations have it."""
PIECES_MAX = 2000
"""A longer text is no answer to a search: it is left in one piece."""
_QUOTED = re.compile(r'"([^"\n]{20,500})"|“([^”\n]{20,500})”')
"""Shorter words are quoted for other reasons."""


class Source(Protocol):
    """A page that can be cited."""

    @property
    def url(self) -> str: ...

    def citation(self, line: str) -> dict[str, Any]:
        """Of this page, for a line that names it."""
        ...


@dataclass(frozen=True, slots=True)
class CitedDocument:
    """A page that stands in the conversation as a document."""

    url: str
    title: str
    text: str
    number: int
    """Among the conversation's documents, from 0."""

    def citation(self, line: str) -> dict[str, Any]:
        """The passage that ``line`` quotes, else the document's beginning."""
        start, end = self._passage(line)
        return {
            "type": "char_location",
            "document_index": self.number,
            "document_title": self.title or None,
            "start_char_index": start,
            "end_char_index": end,
            "cited_text": self.text[start:end],
        }

    def _passage(self, line: str) -> tuple[int, int]:
        for quoted in _QUOTED.finditer(line):
            words = quoted[1] or quoted[2]
            if (start := self.text.find(words)) >= 0:
                return start, start + len(words)
        return 0, min(CITED_CHARS, len(self.text))


def with_citations(block: Mapping[str, Any], sources: Sequence[Source]) -> list[dict[str, Any]]:
    """A block of an answer; a text that names ``sources`` as several blocks, those that do with their citations."""
    text = block.get("text")
    if block.get("type") != "text" or not isinstance(text, str) or block.get("citations"):
        return [dict(block)]
    named = [(source, mention) for source in sources if (mention := _mention(source.url)).search(text)]
    pieces = _pieces(text) if named else []
    if not 0 < len(pieces) <= PIECES_MAX:
        return [dict(block)]
    return list(_cut(pieces, named))


def _cut(pieces: Sequence[str], named: Sequence[tuple[Source, re.Pattern[str]]]) -> Iterator[dict[str, Any]]:
    """Pieces without a source are joined; each one with a source stands alone."""
    plain = ""
    for piece in pieces:
        cited = [source for source, mention in named if mention.search(piece)]
        if not cited:
            plain += piece
            continue
        if plain:
            yield {"type": "text", "text": plain}
            plain = ""
        yield {"type": "text", "text": piece, "citations": [source.citation(piece) for source in cited]}
    if plain:
        yield {"type": "text", "text": plain}


def _pieces(text: str) -> list[str]:
    """Lines, with the blank ones at those beside them: a block of nothing else is refused when it comes back."""
    pieces: list[str] = []
    for line in text.splitlines(keepends=True):
        if pieces and not (line.strip() and pieces[-1].strip()):
            pieces[-1] += line
        else:
            pieces.append(line)
    return pieces


def _mention(url: str) -> re.Pattern[str]:
    """The address, but not as the beginning of another one."""
    return re.compile(re.escape(url.rstrip("/")) + r"/?(?![\w/%#?=&~+-]|[.:,;!]\w)")
