"""What a page says, as a model can read it: HTML without its scripts and decoration, other text as it is.

The standard library's parser does the work. It takes long over pages that are made for it, so that what it sees is
bounded: characters, and pieces of text and tags. Its pieces grow while a tag does not end, or each would be read anew.
"""

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Literal
from urllib.parse import urljoin

Kind = Literal["html", "text", "pdf"]

HTML_CHARS_MAX = 1_500_000
HTML_PARTS_MAX = 150_000
"""Texts and tags; a very long article has half as many. At worst it is some two seconds of work."""
MAIN_CHARS_MIN = 200
"""A page whose main part has less text is read whole: it says what it says elsewhere."""
TITLE_CHARS_MAX = 300
DEPTH_MAX = 50
"""Of lists, and of what is not read, within each other."""
_PIECE_CHARS = 16 * 1024

_TEXT_TYPES = ("application/json", "application/xml")
_UNSEEN = frozenset(
    ("script", "style", "template", "noscript", "svg", "math", "iframe", "object", "canvas", "select", "head", "dialog")
)
"""Elements whose content is not read; of ``head`` only the title is."""
_SPACED = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "table", "ul", "ol", "dl"))
"""A blank line stands before and behind them."""
_BLOCKS = _SPACED.union(
    ("address", "article", "aside", "body", "dd", "details", "div", "dt", "fieldset", "figcaption", "figure", "footer"),
    ("form", "header", "hr", "li", "main", "nav", "section", "summary", "tbody", "tfoot", "thead", "tr"),
)
"""They begin and end a line."""
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
_IN_HEAD = frozenset(("base", "link", "meta", "noscript", "script", "style", "template", "title"))
"""Any other element ends a head that nobody closed."""
_BLANKS = re.compile(r"[ \t\r\n\f\u00a0\u200b]+")
_MANY_LINES = re.compile(r"\n{3,}")
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_ENCODINGS = re.compile(
    r"utf-?8|utf-16(le|be)?|us-ascii|ascii|iso-?8859-\d{1,2}|latin-?1|windows-125\d|cp125\d|koi8-[ru]|gb2312|gbk|gb18030"
    r"|big5|euc-(jp|kr)|iso-2022-jp|shift[_-]?jis"
)
"""Those that pages have; the codecs of the language know others, some of which are no encodings of text."""
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True, slots=True)
class PageText:
    title: str
    text: str


def kind_of(content_type: str) -> Kind | None:
    """How a body of ``content_type`` is read; None: not at all."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in ("text/html", "application/xhtml+xml"):
        return "html"
    if media_type == "application/pdf":
        return "pdf"
    if media_type.startswith("text/") or media_type in _TEXT_TYPES or media_type.endswith(("+json", "+xml")):
        return "text"
    return None


def decoded_page(body: bytes, content_type: str) -> str:
    """The text of ``body``: by its first bytes, its label, what it says itself, else as UTF-8. Nothing is refused."""
    return body.decode(_encoding_of(body, content_type), errors="replace").replace("\x00", "")


def _encoding_of(body: bytes, content_type: str) -> str:
    for mark, encoding in _MARKS.items():
        if body.startswith(mark):
            return encoding
    labelled = re.search(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", content_type, re.IGNORECASE)
    said = _CHARSET.search(body[:2048])
    within = said[1].decode("ascii", errors="replace") if said else ""
    if within.lower().startswith("utf-16"):
        within = ""  # it could not have been read
    return next((name for name in (labelled[1] if labelled else "", within) if _is_encoding(name)), "utf-8")


def _is_encoding(name: str) -> bool:
    """Of pages, and one that there is: nobody ever had ISO 8859-12."""
    try:
        return _ENCODINGS.fullmatch(name.lower()) is not None and bool(codecs.lookup(name))
    except LookupError:
        return False


def read_html(html: str, url: str) -> PageText:
    """Title and text of a page. Links keep their addresses, whole, so that they can be followed."""
    reader = _Reader(url)
    html, at, size = html[:HTML_CHARS_MAX] + "\n", 0, _PIECE_CHARS  # the parser keeps back what may go on as an entity
    try:
        while at < len(html):
            left = len(reader.rawdata)
            reader.feed(html[at : at + size])
            at += size
            size = size * 2 if len(reader.rawdata) > left else _PIECE_CHARS
    except _Enough:
        pass
    return PageText(_flat(reader.title), reader.text())


def cut_text(text: str, bytes_max: int) -> str:
    """The beginning of ``text`` that has at most ``bytes_max`` as UTF-8, to the end of a word where one is near."""
    raw = text.encode(errors="replace")
    if len(raw) <= bytes_max:
        return text
    cut = raw[: max(0, bytes_max)].decode(errors="ignore")
    word, _, rest = cut.rpartition(" ")
    return word if word and len(rest) < 100 else cut


class _Enough(Exception):
    """The page has more parts than are read."""


class _Reader(HTMLParser):
    """Collects text. What it remembers of open elements are counts and short lists, so no nesting is too deep."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self._base = url
        self._out: list[str] = []
        self._line_ends = 2
        """Of the text so far, at its end; none are needed at the beginning."""
        self._unseen: list[str] = []
        """Open elements that are not read, the outermost first."""
        self._in_title = False
        self._pre = 0
        self._lists: list[int | None] = []
        """Open lists: items so far of a numbered one, None for another."""
        self._link: tuple[int, str] | None = None
        """Where the open link's words begin, and where it leads."""
        self._main: tuple[int, int | None] | None = None
        """Where the main part begins and ends."""
        self._main_depth = 0
        self._parts = 0

    def text(self) -> str:
        self._end_link()
        if self._main is not None:
            start, end = self._main
            main = _tidy(self._out[start:end])
            if len(main) >= MAIN_CHARS_MIN:
                return main
        return _tidy(self._out)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._count()
        if self._unseen == ["head"] and tag not in _IN_HEAD:
            self._unseen.clear()
        if tag == "title" and self._unseen in ([], ["head"]):
            self._in_title = not self.title
        elif tag == "base" and self._unseen == ["head"]:
            self._base = _joined(self._base, dict(attrs).get("href") or "") or self._base
        elif tag in _UNSEEN:
            self._unseen += [tag] if len(self._unseen) < DEPTH_MAX else []
        elif not self._unseen:
            self._open(tag, dict(attrs))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self._count()
        if tag == "title":
            self._in_title = False
        if tag in self._unseen:
            del self._unseen[self._unseen.index(tag) :]
        elif not self._unseen:
            self._close(tag)

    def handle_data(self, data: str) -> None:
        self._count()
        if self._in_title:
            self.title += data[: TITLE_CHARS_MAX - len(self.title)]
        elif not self._unseen:
            self._say(data if self._pre else self._inline(data))

    def _count(self) -> None:
        self._parts += 1
        if self._parts > HTML_PARTS_MAX:
            raise _Enough

    def _inline(self, data: str) -> str:
        words = _BLANKS.sub(" ", data)
        return words.lstrip(" ") if self._line_ends else words

    def _say(self, text: str) -> None:
        if text:
            self._out.append(text)
            rest = len(text.rstrip("\n"))
            self._line_ends = len(text) - rest + (0 if rest else self._line_ends)

    def _end_line(self, count: int = 1) -> None:
        """The text so far ends with at least ``count`` ends of lines."""
        self._say("\n" * (count - self._line_ends))

    def _open(self, tag: str, attributes: dict[str, str | None]) -> None:
        self._break(tag)
        match tag:
            case "br":
                self._say("\n")
            case "hr":
                self._say("---\n")
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                self._say("#" * int(tag[1]) + " ")
            case "ul" | "ol":
                self._lists += [0 if tag == "ol" else None] if len(self._lists) < DEPTH_MAX else []
            case "li":
                self._say(self._bullet())
            case "td" | "th":
                self._say("| " if self._line_ends else " | ")
            case "pre":
                self._pre += 1
            case "a":
                self._end_link()
                self._link = len(self._out), attributes.get("href") or ""
            case "img":
                alt = _flat(attributes.get("alt") or "")
                self._say(f"[image: {alt}]" if alt else "")
            case "main":
                self._begin_main()
                self._main_depth += 1
            case _ if attributes.get("role") == "main":
                self._begin_main()

    def _close(self, tag: str) -> None:
        match tag:
            case "a":
                self._end_link()
            case "pre":
                self._pre = max(0, self._pre - 1)
            case "ul" | "ol":
                del self._lists[-1:]
            case "main" if self._main is not None and self._main_depth:
                self._main_depth -= 1
                if not self._main_depth:
                    self._end_link()
                    self._main = self._main[0], len(self._out)
        self._break(tag)

    def _break(self, tag: str) -> None:
        inner_list = tag in ("ul", "ol") and self._lists
        if tag in _BLOCKS:
            self._end_line(2 if tag in _SPACED and not inner_list else 1)

    def _bullet(self) -> str:
        indent = "  " * min(8, max(0, len(self._lists) - 1))
        number = self._lists[-1] if self._lists else None
        if number is None:
            return indent + "- "
        self._lists[-1] = number + 1
        return f"{indent}{number + 1}. "

    def _begin_main(self) -> None:
        """The first one counts."""
        self._end_link()
        if self._main is None:
            self._main = len(self._out), None

    def _end_link(self) -> None:
        """Around several lines there are no brackets: the address follows them."""
        if self._link is None:
            return
        (start, target), self._link = self._link, None
        said = "".join(self._out[start:])
        words = said.strip()
        if not words or not (address := _joined(self._base, target)):
            return
        if "\n" in words:
            self._say(f" ({address})")
            return
        before, after = said[: len(said) - len(said.lstrip())], said[len(said.rstrip()) :]
        del self._out[start:]
        self._say(f"{before}[{words}]({address}){after}")


def _joined(base: str, address: str) -> str:
    """Where a link leads; empty where no page is there, or the same one."""
    address = address.strip().replace(" ", "%20")
    if not address or address.startswith("#"):
        return ""
    if address.startswith(("http://", "https://")):
        return address
    try:
        whole = urljoin(base, address)
    except ValueError:
        return ""
    return whole if whole.startswith(("http://", "https://")) else ""


def _flat(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()


def _tidy(parts: Iterable[str]) -> str:
    """Lines without blanks at their ends, and no more than one empty line between them."""
    lines = "\n".join(line.rstrip() for line in "".join(parts).split("\n"))
    return _MANY_LINES.sub("\n\n", lines).strip("\n")
