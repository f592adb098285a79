"""Pages asked of a fetcher: what came, or why nothing did."""

from typing import Any

from proxy.net.webfetch import WebFetch
from proxy.protocol.fetch import Fetched, WantedPages
from proxy.protocol.page_address import page_address
from proxy.protocol.web_tools import Refusal

URL = "http://docs.example.com/retries"
ANY = WantedPages("web_fetch")


async def got(web: WebFetch, url: str = URL, wanted: WantedPages = ANY, *, pdf: bool = True) -> Fetched | Refusal:
    return await web.fetch(page_address(url), wanted, pdf=pdf)


async def fetched(web: WebFetch, url: str = URL, **more: Any) -> Fetched:
    result = await got(web, url, **more)
    assert isinstance(result, Fetched), result
    return result


async def refused(web: WebFetch, url: str = URL, **more: Any) -> Refusal:
    result = await got(web, url, **more)
    assert isinstance(result, Refusal), result
    assert result.words.endswith(".")
    return result
