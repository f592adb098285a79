"""The address of a page: read once, the same for every spelling, and nothing that is not on the web."""

from ipaddress import ip_address
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.page_address import PORTS, URL_CHARS_MAX, BadAddress, page_address, redirected


def refusal(text: str) -> str:
    with pytest.raises(BadAddress) as refused:
        page_address(text)
    assert str(refused.value).endswith(".")
    return refused.value.code


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.com", "https://example.com/"),
        (" HTTPS://Example.COM:443/a#part ", "https://example.com/a"),
        ("http://example.com:80/?q=1", "http://example.com/?q=1"),
        ("http://example.com:443/", "http://example.com:443/"),
        ("https://example.com./x", "https://example.com/x"),
        ("https://example.com/%7euser/%e4%bd%a0", "https://example.com/~user/%E4%BD%A0"),
        ("https://example.com/größe?q=ü", "https://example.com/gr%C3%B6%C3%9Fe?q=%C3%BC"),
        ("https://example.com/a/%2E%2e/b/./c/..", "https://example.com/b/"),
        ("https://Straße.example.de/", "https://xn--strae-oqa.example.de/"),
        ("https://1.1.1.1/x", "https://1.1.1.1/x"),
        ("https://[2606:4700:0:0::1]/", "https://[2606:4700::1]/"),
        ("http://①②⑦.⓪.⓪.①/", "http://127.0.0.1/"),
    ],
)
def test_every_spelling_has_one_form(text: str, url: str) -> None:
    assert page_address(text).url == url
    assert page_address(page_address(text).url) == page_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://example.com@127.0.0.1/",
        "https://@example.com/",
        "https://",
        "https:///path",
        "https://a..b/",
        "https://-a.example.com/",
        "https://exa mple.com/",
        "https://example.com/\nx",
        "https://example.com\\@127.0.0.1/",
        "https://example.com%2f.evil.example/",
        "https://example.com:port/",
        "https://example.com:99999/",
        "https://[fe80::1/",
        "https://[2606:4700::1]x/",
        "https://example.com[2606:4700::1]/",
        "https://\ud800.example.com/",
        "http://127.1/",
        "http://127.0.0.1.1/",
        "http://0x7f.0.0.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://0177.0.0.1/",
    ],
)
def test_what_is_no_address_of_a_page_is_refused(text: str) -> None:
    assert refusal(text) == "invalid_tool_input"


@pytest.mark.parametrize(
    "text",
    [
        "http://example.com:8080/",
        "http://example.com:22/",
        "https://example.com:0/",
        "http://localhost/",
        "http://router/",
        "http://printer.local/",
        "http://api.internal/",
        "http://metadata.google.internal/",
        "http://nas.home.arpa/",
        "http://[fe80::1%25eth0]/",
    ],
)
def test_what_is_not_on_the_public_web_by_its_name_is_not_allowed(text: str) -> None:
    assert refusal(text) == "url_not_allowed"


def test_long_addresses_are_refused_before_they_are_read() -> None:
    url = "https://example.com/".ljust(URL_CHARS_MAX, "x")
    assert page_address(url).url == url
    assert refusal(url + "x") == "url_too_long"


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b", "https://example.com/b"),
        ("c?x=1", "https://example.com/a/c?x=1"),
        ("//other.example.com/", "https://other.example.com/"),
        ("http://example.com/plain", "http://example.com/plain"),
        ("https://example.com/" + "x" * 500, "https://example.com/" + "x" * 500),
    ],
)
def test_a_redirect_leads_from_where_it_stands(location: str, url: str) -> None:
    assert redirected(page_address("https://example.com/a/b"), location).url == url


@pytest.mark.parametrize("location", ["ftp://example.com/", "http://example.com:22/", "http://[", "https://u@x.y/"])
def test_a_redirect_is_read_as_strictly(location: str) -> None:
    with pytest.raises(BadAddress, match=r"example\.com redirects to where no page is fetched from"):
        redirected(page_address("https://example.com/"), location)


URLISH = st.text("aZ0.:/?#@%[]\\-_~ é中\t\x00", max_size=30)


@given(st.sampled_from(["", "http://", "https://", "https://example.com"]), URLISH)
def test_whatever_is_read_is_read_the_same_again_and_by_others(start: str, rest: str) -> None:
    try:
        address = page_address(start + rest)
    except BadAddress:
        return
    assert page_address(address.url) == address
    parts = urlsplit(address.url)
    assert address.url.isascii()
    assert parts.scheme in PORTS
    assert (parts.port or PORTS[address.scheme]) in (80, 443)
    assert parts.username is None
    assert (parts.hostname or "").strip("[]") == address.host
    if address.literal is not None:
        assert str(ip_address(address.host)) == address.host
