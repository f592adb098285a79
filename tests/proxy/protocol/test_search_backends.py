"""How each search service is asked and read, by its own reference."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.search import Page, Wanted
from proxy.protocol.search_backends import BACKENDS, SIZES, Call, Inquiry, Name, chosen, plain, with_operators

each = pytest.mark.parametrize("name", list(BACKENDS))
PAGE = "https://docs.example.com/a"
ANSWERS: dict[Name, dict[str, Any]] = {
    "brave": {"web": {"results": [{"url": PAGE, "title": "T", "description": "D", "page_age": "2026-10-01T09:00:00"}]}},
    "tavily": {"results": [{"url": PAGE, "title": "T", "content": "D", "published_date": "2026-10-01"}]},
    "exa": {"results": [{"url": PAGE, "title": "T", "highlights": ["D"], "publishedDate": "2026-10-01T00:00:00.000Z"}]},
    "searxng": {"results": [{"url": PAGE, "title": "T", "content": "D", "publishedDate": "2026-10-01T00:00:00"}]},
}


def inquiry(query: str = "httpx retries", **wanted: Any) -> Inquiry:
    return Inquiry(query, Wanted("web_search", **wanted), SIZES["medium"])


def called(name: Name, **wanted: Any) -> Call:
    return BACKENDS[name].call(inquiry(**wanted), "https://service.example")


def body(name: Name, **wanted: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(called(name, **wanted).body)
    return decoded


def query(name: Name, **wanted: Any) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(called(name, **wanted).url).query).items()}


@each
def test_a_page_is_read(name: Name) -> None:
    assert list(BACKENDS[name].pages(ANSWERS[name])) == [Page(PAGE, "T", "D", "2026-10-01")]


@each
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["web", "results", "url", "highlights", "title"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_whatever_a_service_answers_can_be_read(name: Name, answer: Any) -> None:
    pages = BACKENDS[name].pages(answer if isinstance(answer, dict) else {})
    assert len(chosen(pages, inquiry())) <= 6


@pytest.mark.parametrize(
    ("name", "url", "header"),
    [
        ("brave", "https://service.example/res/v1/web/search", (b"x-subscription-token", b"k")),
        ("tavily", "https://service.example/search", (b"authorization", b"Bearer k")),
        ("exa", "https://service.example/search", (b"x-api-key", b"k")),
        ("searxng", "https://service.example/search", (b"authorization", b"Bearer k")),
    ],
)
def test_address_and_key(name: Name, url: str, header: tuple[bytes, bytes]) -> None:
    assert called(name).url.partition("?")[0] == url
    assert BACKENDS[name].key_header("k") == header


def test_the_size_decides_how_many_pages_are_asked_for() -> None:
    assert query("brave")["count"] == "6"
    assert body("tavily")["max_results"] == 6
    assert (body("exa")["numResults"], body("exa")["contents"]) == (6, {"highlights": {"maxCharacters": 700}})


def test_searxng_is_asked_for_json() -> None:
    assert query("searxng") == {"q": "httpx retries", "format": "json"}


def test_domains_go_where_the_service_takes_them() -> None:
    allowed = {"allowed": ("a.example", "b.example/docs")}
    assert body("tavily", **allowed)["include_domains"] == ["a.example", "b.example"]
    assert body("exa", **allowed)["includeDomains"] == ["a.example", "b.example"]
    assert query("brave", **allowed)["q"] == "httpx retries (site:a.example OR site:b.example)"
    assert query("brave", **allowed)["count"] == "20"


def test_a_blocked_path_does_not_block_its_host() -> None:
    blocked = {"blocked": ("a.example", "b.example/docs")}
    assert body("tavily", **blocked)["exclude_domains"] == ["a.example"]
    assert body("exa", **blocked)["excludeDomains"] == ["a.example"]
    assert query("searxng", **blocked)["q"] == "httpx retries -site:a.example"


def test_operators_never_make_a_query_too_long() -> None:
    many = tuple(f"host{number}.example" for number in range(60))
    assert with_operators(inquiry(allowed=many), 400, 50) == "httpx retries"
    assert len(with_operators(inquiry(blocked=many), 2000, 50).split()) == 50
    assert 380 < len(with_operators(inquiry(blocked=many), 400, 50)) <= 400


@pytest.mark.parametrize(("country", "sent"), [("de", "DE"), ("XX", None), ("Germany", None)])
def test_brave_gets_only_countries_that_it_takes(country: str, sent: str | None) -> None:
    assert query("brave", place={"country": country}).get("country") == sent


def test_pages_come_once_within_the_filter_and_no_more_than_wanted() -> None:
    pages = [Page(f"https://a.example/{number // 2}", "T") for number in range(40)] + [Page("https://b.example", "T")]
    kept = chosen(iter([Page("https://b.example", "T"), *pages]), inquiry(allowed=("a.example",)))
    assert [page.url for page in kept] == [f"https://a.example/{number}" for number in range(6)]


def test_a_page_without_a_title_is_named_by_its_address() -> None:
    assert chosen(iter([Page(PAGE, " ")]), inquiry())[0].title == PAGE


def test_extracts_are_plain_and_cut_at_a_word() -> None:
    assert plain("a <strong>bold</strong>\n word &amp; more", 100) == "a bold word & more"
    assert plain("one two three", 9) == "one two …"


def test_a_comparison_is_no_tag() -> None:
    assert plain("if a < b and c", 100) == "if a < b and c"
