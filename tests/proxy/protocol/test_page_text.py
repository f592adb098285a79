"""Pages as text: what is read of HTML, in which encoding, and that no page keeps the engine busy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.page_text import (
    HTML_CHARS_MAX,
    HTML_PARTS_MAX,
    MAIN_CHARS_MIN,
    TITLE_CHARS_MAX,
    cut_text,
    decoded_page,
    kind_of,
    read_html,
)

URL = "https://docs.example.com/guide/retries"


def text(html: str) -> str:
    return read_html(html, URL).text


class TestText:
    @pytest.mark.parametrize(
        ("html", "expected"),
        [
            ("<p>One\n  two&amp;three&nbsp;four</p>", "One two&three four"),
            ("<p>One</p><p>Two<br>three</p>", "One\n\nTwo\nthree"),
            ("<h1>A</h1><h3>B</h3>c", "# A\n\n### B\n\nc"),
            ("<ul><li>a</li><li>b<ol><li>c</li><li>d</li></ol></li><li>e</li></ul>", "- a\n- b\n  1. c\n  2. d\n- e"),
            ("<pre>  a\n    b</pre>", "  a\n    b"),
            ("<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>", "| A | B\n| 1 | 2"),
            ('<img alt="A cat"><img src=x>', "[image: A cat]"),
            ("a<hr>b", "a\n---\nb"),
            ("<b>bo</b>ld", "bold"),
            ("a < b & c", "a < b & c"),
            ("R&D", "R&D"),
            ("a&amp", "a&"),
            ("<!-- hidden -->seen<!doctype html>", "seen"),
            ("<div>a<div>b</div></div>", "a\nb"),
            ("", ""),
        ],
    )
    def test_what_is_read(self, html: str, expected: str) -> None:
        assert text(html) == expected

    @pytest.mark.parametrize(
        "html",
        [
            "<script>if (a < b) { c('</p>') }</script>seen",
            "<style>p { color: red }</style>seen",
            "<template><p>hidden</p></template>seen",
            "<noscript>hidden</noscript>seen",
            "<svg><title>hidden</title><style>x</style><text>hidden</text></svg>seen",
            "<iframe><p>hidden</p></iframe>seen",
            "<head><meta name=a><script>x</script><title>t</title></head>seen",
            "<head><title>t</title><p>seen",
            "<head><title>t</title><body>seen",
        ],
    )
    def test_what_is_not_read(self, html: str) -> None:
        assert text(html) == "seen"

    def test_the_title_is_the_page_s(self) -> None:
        html = "<head><title>A &amp;\n B</title></head><svg><title>icon</title></svg>x<title>other</title>"
        assert read_html(html, URL).title == "A & B"
        assert len(read_html(f"<title>{'x' * 9999}</title>", URL).title) == TITLE_CHARS_MAX

    @pytest.mark.parametrize(
        ("href", "shown"),
        [
            ("/a", "[go](https://docs.example.com/a)"),
            ("b.html?x=1#y", "[go](https://docs.example.com/guide/b.html?x=1#y)"),
            ("//other.example.com", "[go](https://other.example.com)"),
            ("https://a.example.com/x y", "[go](https://a.example.com/x%20y)"),
            ("#top", "go"),
            ("javascript:alert(1)", "go"),
            ("mailto:a@example.com", "go"),
            ("http://[", "[go](http://[)"),
            ("//[", "go"),
            ("", "go"),
        ],
    )
    def test_links_keep_where_they_lead(self, href: str, shown: str) -> None:
        assert text(f'<a href="{href}">go</a>') == shown

    def test_a_link_s_place_may_be_the_base_s(self) -> None:
        assert text('<head><base href="/v2/"></head><a href="a">go</a>') == "[go](https://docs.example.com/v2/a)"

    def test_a_link_around_several_lines_is_told_behind_them(self) -> None:
        card = text('<a href="/a"><h3>Card</h3><p>Words</p></a>')
        assert card.split() == ["###", "Card", "Words", "(https://docs.example.com/a)"]

    def test_a_link_that_nobody_closed_ends_with_the_next(self) -> None:
        assert text('<a href="/a">one <a href="/b">two</a>') == (
            "[one](https://docs.example.com/a) [two](https://docs.example.com/b)"
        )

    def test_of_a_page_with_a_main_part_only_that_is_read(self) -> None:
        words = "word " * MAIN_CHARS_MIN
        assert text(f"<nav>menu</nav><main><p>{words}</p></main><footer>foot</footer>") == words.strip()
        assert text(f'<nav>menu</nav><div role="main"><p>{words}</p></div>') == words.strip()
        assert text("<nav>menu</nav><main>short</main>") == "menu\nshort"


class TestPagesThatAreMadeToBeSlow:
    """They end, which is what is asserted here: some took hours when read in equal pieces."""

    @pytest.mark.parametrize(
        "piece",
        ["<a ", "<a b='", '<a "', "<a/", "<!--", "<![CDATA[", "</", "<", "&#", "<script>", "<ul><li>", "<a href=x>y"],
    )
    @pytest.mark.parametrize("end", ["", "\" '>-->"])
    def test_one_piece_over_and_over(self, piece: str, end: str) -> None:
        assert isinstance(text(piece * (HTML_CHARS_MAX // len(piece)) + end), str)

    def test_more_parts_than_are_read_are_left_out(self) -> None:
        assert text("<b>x" * HTML_PARTS_MAX).count("x") == HTML_PARTS_MAX // 2

    def test_more_characters_than_are_read_are_left_out(self) -> None:
        assert len(text("<p>" + "x" * (2 * HTML_CHARS_MAX))) <= HTML_CHARS_MAX

    def test_no_nesting_is_too_deep(self) -> None:
        assert text("<div><ul><main><svg></svg>" * 20_000 + "x").endswith("x")


TAGS = st.sampled_from(
    "<p> </p> <a_href=/x> </a> <ul> </ul> <li> <pre> </pre> <main> </main> <svg> </svg> <head> </head> <title> </title>"
    " <table> <td> <!-- --> <script> </script>".replace("_", "\t").split(" ")
)


@given(st.lists(TAGS | st.text(max_size=8), max_size=30))
def test_whatever_a_page_is_made_of_it_is_read(parts: list[str]) -> None:
    page = read_html("".join(parts), URL)
    assert "\n\n\n" not in page.text
    assert not any(line.endswith(" ") for line in page.text.split("\n"))


class TestEncodings:
    @pytest.mark.parametrize(
        ("body", "label", "expected"),
        [
            ("größe".encode(), "text/html", "größe"),
            ("größe".encode("latin-1"), "text/plain; charset=ISO-8859-1", "größe"),
            ("größe".encode("latin-1"), 'text/html; charset="windows-1252"', "größe"),
            (b'<meta charset="iso-8859-1">gr\xf6\xdfe', "text/html", '<meta charset="iso-8859-1">größe'),
            ("größe".encode("utf-16"), "text/html", "größe"),
            (b"\xef\xbb\xbfgr\xc3\xb6\xc3\x9fe", "text/html; charset=latin-1", "größe"),
            ("日本".encode("shift_jis"), "text/plain; charset=Shift_JIS", "日本"),
            (b'<meta charset="utf-16">ok', "text/html", '<meta charset="utf-16">ok'),
        ],
    )
    def test_a_page_is_read_as_it_was_written(self, body: bytes, label: str, expected: str) -> None:
        assert decoded_page(body, label) == expected

    @pytest.mark.parametrize("name", ["zlib", "rot13", "base64", "unicode_escape", "idna", "undefined", "nonsense", ""])
    def test_what_is_no_encoding_of_pages_is_not_used(self, name: str) -> None:
        assert decoded_page(b"x\\u0041", f"text/plain; charset={name}") == "x\\u0041"

    @pytest.mark.parametrize("name", ["iso-8859-12", "iso-8859-99", "windows-1259", "cp1259"])
    def test_an_encoding_that_nobody_has_is_not_used(self, name: str) -> None:
        assert decoded_page("größe".encode(), f"text/plain; charset={name}") == "größe"
        assert decoded_page(f'<meta charset="{name}">größe'.encode(), "text/html").endswith("größe")

    @given(st.binary(max_size=60), st.sampled_from(["utf-8", "gb18030", "iso-2022-jp", "utf-16", "big5", "x"]))
    def test_bytes_that_do_not_fit_are_read_all_the_same(self, body: bytes, name: str) -> None:
        assert b"\x00" not in decoded_page(body, f"text/html; charset={name}").encode()


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("text/html; charset=utf-8", "html"),
        ("Application/XHTML+XML", "html"),
        ("text/plain", "text"),
        ("text/markdown", "text"),
        ("application/json", "text"),
        ("application/ld+json", "text"),
        ("application/rss+xml", "text"),
        ("application/pdf", "pdf"),
        ("application/octet-stream", None),
        ("image/png", None),
        ("", None),
    ],
)
def test_the_label_says_how_a_body_is_read(label: str, kind: str | None) -> None:
    assert kind_of(label) == kind


@given(st.text(max_size=300), st.integers(0, 300))
def test_a_cut_text_is_a_beginning_and_no_longer_than_allowed(whole: str, most: int) -> None:
    cut = cut_text(whole, most)
    assert whole.startswith(cut)
    assert len(cut.encode()) <= most or cut == whole


def test_a_text_is_cut_between_words() -> None:
    assert cut_text("one two three", 10) == "one two"
    assert cut_text("x" * 200, 100) == "x" * 100
