"""Lines that name a page carry it as their source; the text itself never changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.citations import with_citations
from proxy.protocol.search import Page

A = Page("https://a.example/x", "A", "What A says. " * 20)
B = Page("https://b.example/", "B", "What B says.")


def cut(text: str) -> list[tuple[str, list[str]]]:
    blocks = with_citations({"type": "text", "text": text}, (A, B))
    return [(block["text"], [each["url"] for each in block.get("citations", [])]) for block in blocks]


def test_a_line_that_names_a_page_stands_alone_with_its_source() -> None:
    assert cut("Before.\n[A](https://a.example/x) says so.\nAfter.\n") == [
        ("Before.\n", []),
        ("[A](https://a.example/x) says so.\n", [A.url]),
        ("After.\n", []),
    ]


def test_a_line_may_rest_on_two_pages() -> None:
    assert cut("https://a.example/x and https://b.example.") == [
        ("https://a.example/x and https://b.example.", [A.url, B.url])
    ]


@pytest.mark.parametrize(
    "text", ["https://a.example/xyz", "https://a.example/x/y", "https://b.example.org/", "a.example"]
)
def test_another_address_that_begins_alike_is_no_source(text: str) -> None:
    assert cut(text) == [(text, [])]


def test_a_citation_has_the_beginning_of_the_extract() -> None:
    [block] = with_citations({"type": "text", "text": A.url}, (A,))
    [citation] = block["citations"]
    assert (citation["type"], citation["title"]) == ("web_search_result_location", "A")
    assert citation["cited_text"] == A.extract[:150]


def test_citations_of_the_provider_s_own_are_left_alone() -> None:
    block = {"type": "text", "text": A.url, "citations": [{"type": "char_location"}]}
    assert with_citations(block, (A,)) == [block]


LINES = st.sampled_from(["\n", " \n", "plain\n", f"see {A.url}\n", f"[B]({B.url})", "end", "\r\n", "\u2028"])


@given(st.lists(LINES, max_size=12))
def test_the_blocks_together_are_the_text_and_none_of_them_is_blank(lines: list[str]) -> None:
    text = "".join(lines)
    blocks = cut(text)
    assert "".join(each for each, _ in blocks) == text
    assert all(each.strip() for each, _ in blocks) or len(blocks) == 1
