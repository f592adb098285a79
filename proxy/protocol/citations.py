"""Citations in an answer that names its sources as addresses: which lines rest on which pages.

The text stays as it is, character by character; it is only cut into blocks, so that those which name a page can
carry it as their source.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

CITED_CHARS = 150
"""Of a page's extract, as Anthropic's own citations have it."""
LINES_MAX = 2000
"""A longer text is no answer to a search: it is left in one piece."""


class Source(Protocol):
    """A page that can be cited."""

    @property
    def url(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def extract(self) -> str: ...


def with_citations(block: Mapping[str, Any], sources: Sequence[Source]) -> list[dict[str, Any]]:
    """A block of an answer; a text that names ``sources`` as several blocks, those that do with their citations."""
    text = block.get("text")
    if block.get("type") != "text" or not isinstance(text, str) or block.get("citations"):
        return [dict(block)]
    named = [(source, mention) for source in sources if (mention := _mention(source.url)).search(text)]
    lines = text.splitlines(keepends=True)
    if not named or len(lines) > LINES_MAX:
        return [dict(block)]
    return list(_cut(lines, named))


def _cut(lines: Sequence[str], named: Sequence[tuple[Source, re.Pattern[str]]]) -> Iterator[dict[str, Any]]:
    """Lines without a source are joined; each line with one stands alone. Blank lines go with what follows them, the
    last ones with what they follow: a block of nothing else is refused when it comes back."""
    end = len("".join(lines).rstrip())
    plain, position = "", 0
    for line in lines:
        position += len(line)
        rest = "".join(lines)[position:] if position >= end else ""
        cited = [source for source, mention in named if mention.search(line)]
        if plain.strip() and cited:
            yield {"type": "text", "text": plain}
            plain = ""
        plain += line
        if cited:
            yield {"type": "text", "text": plain + rest, "citations": [_citation(source) for source in cited]}
            plain = ""
        if rest:
            return
    if plain:
        yield {"type": "text", "text": plain}


def _mention(url: str) -> re.Pattern[str]:
    """The address, but not as the beginning of another one."""
    return re.compile(re.escape(url.rstrip("/")) + r"/?(?![\w/%#?=&~+-]|[.:,;!]\w)")


def _citation(source: Source) -> dict[str, Any]:
    return {
        "type": "web_search_result_location",
        "url": source.url,
        "title": source.title,
        "encrypted_index": "",
        "cited_text": source.extract[:CITED_CHARS],
    }
