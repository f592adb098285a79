"""Sites of the web on this machine: scripted servers that a fetch finds under names of our own.

Who looks a name up gets a port of this machine, and loopback counts as public: nothing else of the fetch is different.
"""

import socket
import ssl
from collections.abc import Mapping, Sequence

from proxy.net.webfetch import Judge, LookUp, Place, WebFetch
from proxy.protocol.public_addresses import Address
from tests.upstreams.answers import Headers, Reply
from tests.upstreams.scripted import ScriptedUpstream

TRUST = ssl.create_default_context()
PAGE = "<title>Retries</title><h1>Retries</h1><p>Only connects are retried. See <a href='/backoff'>backoff</a>.</p>"


def page(html: str | bytes = PAGE, label: str = "text/html; charset=utf-8", headers: Headers = ()) -> Reply:
    """A page as a site sends it."""
    body = html if isinstance(html, bytes) else html.encode()
    return Reply(200, (("content-type", label), *headers), body, framing="length")


def moved(location: str, status: int = 302) -> Reply:
    return Reply(status, (("location", location),), b"", framing="length")


def only_loopback(address: Address, own: Address | None) -> bool:
    """127.0.0.1 is the public web, the rest of this machine is not."""
    return str(address) == "127.0.0.1"


def names(sites: Mapping[str, ScriptedUpstream | Sequence[Place]]) -> LookUp:
    """Finds sites by their names, on whatever port; other names do not exist."""

    async def look_up(host: str, port: int) -> Sequence[Place]:
        site = sites.get(host)
        if site is None:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [("127.0.0.1", site.port)] if isinstance(site, ScriptedUpstream) else site

    return look_up


def reaching(judge: Judge = only_loopback, /, **sites: ScriptedUpstream | Sequence[Place]) -> WebFetch:
    """Fetches from ``sites``, each by its keyword: ``docs_example_com`` is docs.example.com."""
    return WebFetch(TRUST, judge, names({name.replace("_", "."): site for name, site in sites.items()}))
