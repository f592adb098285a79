"""Pages fetched over real sockets: nothing but the public web is reached, by no name and by no redirect."""

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from proxy.net.webfetch import REDIRECTS_MAX, Place, WebFetch, look_up, may_reach
from proxy.protocol.fetch import WantedPages
from tests.proxy.net.visits import fetched, refused
from tests.upstreams import ScriptedUpstream
from tests.upstreams.sites import TRUST, moved, names, only_loopback, page, reaching

pytestmark = pytest.mark.usefixtures("clean_environment")

METADATA = "http://169.254.169.254/latest/meta-data/"


class TestOnlyThePublicWeb:
    """With the real judge, nothing on this machine or near it is connected to."""

    @pytest.fixture
    def connections(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """Where a connection would be made to."""
        made: list[Any] = []

        def session(_web: WebFetch, places: Sequence[Place]) -> None:
            made.extend(places)
            raise ConnectionRefusedError

        monkeypatch.setattr(WebFetch, "_session", session)
        return made

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://0.0.0.0/",
            "http://10.0.0.1/",
            "http://192.168.1.1/",
            "http://100.64.0.1/",
            "http://224.0.0.1/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            METADATA,
        ],
    )
    async def test_an_address_that_is_not_public_is_not_connected_to(self, url: str, connections: list[Any]) -> None:
        assert (await refused(WebFetch(TRUST), url)).code == "url_not_allowed"
        assert connections == []

    @pytest.mark.parametrize(
        "places",
        [
            [("127.0.0.1", 80)],
            [("::1", 80)],
            [("::ffff:10.0.0.1", 80)],
            [("10.0.0.1", 80), ("fe80::1%eth0", 80)],
            [("169.254.169.254", 80)],
            [("not an address", 80)],
        ],
    )
    async def test_a_name_that_means_such_an_address_is_not(
        self, places: Sequence[Place], connections: list[Any]
    ) -> None:
        web = WebFetch(TRUST, look_up=names({"docs.example.com": places}))
        result = await refused(web)
        assert (result.code, result.words) == ("url_not_allowed", "docs.example.com is not on the public web.")
        assert connections == []

    async def test_a_site_on_this_machine_hears_nothing(self, site: ScriptedUpstream) -> None:
        assert (await refused(WebFetch(TRUST, look_up=names({"docs.example.com": site})))).code == "url_not_allowed"
        assert site.connections == 0

    async def test_this_machine_s_own_name_is_not(self, connections: list[Any]) -> None:
        found = await look_up("localhost", 80)
        assert {ipaddress.ip_address(address).is_loopback for address, _ in found} == {True}
        web = WebFetch(TRUST, look_up=names({"docs.example.com": found}))
        assert (await refused(web)).code == "url_not_allowed"
        assert connections == []

    @pytest.mark.parametrize(
        ("address", "own", "allowed"),
        [
            ("93.184.216.34", "10.0.0.2", True),
            ("93.184.216.34", None, True),
            ("93.184.216.34", "93.184.216.7", False),
            ("2606:4700:1:2::3", "2606:4700:1:ff::9", False),
            ("2606:4700:1:2::3", "2606:4700:2::9", True),
            ("10.0.0.1", None, False),
        ],
    )
    def test_neighbours_with_public_addresses_are_left_alone(
        self, address: str, own: str | None, allowed: bool
    ) -> None:
        from_here = ipaddress.ip_address(own) if own else None
        assert may_reach(ipaddress.ip_address(address), from_here) is allowed

    async def test_the_judge_hears_from_where_it_would_be_connected(self, site: ScriptedUpstream) -> None:
        heard: list[tuple[str, str]] = []

        def judge(address: Any, own: Any) -> bool:
            heard.append((str(address), str(own)))
            return True

        await fetched(reaching(judge, docs_example_com=site))
        assert set(heard) == {("127.0.0.1", "127.0.0.1")}


class TestRebinding:
    async def test_a_name_is_looked_up_once_and_connected_to_what_was_judged(self, site: ScriptedUpstream) -> None:
        """The second answer would be another machine's."""
        asked: list[str] = []

        async def changing(host: str, port: int) -> Sequence[Place]:
            asked.append(host)
            return [("127.0.0.1" if len(asked) == 1 else "127.0.0.2", site.port)]

        await fetched(WebFetch(TRUST, only_loopback, changing))
        assert asked == ["docs.example.com"]
        assert len(site.calls) == 1

    async def test_of_several_addresses_only_those_that_were_admitted_are_tried(self, site: ScriptedUpstream) -> None:
        places = [("127.0.0.2", site.port), ("::1", site.port), ("127.0.0.1", site.port)]
        await fetched(reaching(docs_example_com=places))
        assert len(site.calls) == 1

    async def test_where_none_answers_that_was_admitted_the_others_are_not_tried(self, site: ScriptedUpstream) -> None:
        async with second_address("127.0.0.2") as (port, connected):
            result = await refused(reaching(docs_example_com=[("127.0.0.2", port), ("127.0.0.1", port)]))
        assert result.code == "url_not_accessible"
        assert connected == []

    async def test_a_redirect_is_looked_up_and_judged_anew(self, site: ScriptedUpstream) -> None:
        site.script = moved("http://inside.example.com/")
        async with second_address("127.0.0.2") as (port, connected):
            web = reaching(docs_example_com=site, inside_example_com=[("127.0.0.2", port)])
            assert (await refused(web)).code == "url_not_allowed"
        assert connected == []

    async def test_the_socket_itself_is_refused_where_anything_else_would_be_connected(
        self, site: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with second_address("127.0.0.2") as (port, connected):
            web = reaching(docs_example_com=site)

            async def careless(_address: object) -> Sequence[Place]:
                return [("127.0.0.2", port)]

            monkeypatch.setattr(web, "_places", careless)
            assert (await refused(web)).code == "url_not_allowed"
        assert connected == []


@contextlib.asynccontextmanager
async def second_address(address: str) -> AsyncIterator[tuple[int, list[Any]]]:
    """A server on another address of this machine: its port, and who connected."""
    connected: list[Any] = []

    async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(writer.get_extra_info("peername"))
        writer.close()

    server = await asyncio.start_server(accept, address, 0)
    async with server:
        yield server.sockets[0].getsockname()[1], connected


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_a_redirect_is_followed_and_the_page_has_its_own_address(
        self, site: ScriptedUpstream, status: int
    ) -> None:
        site.script = [moved("/new?x=1", status), page()]
        assert (await fetched(reaching(docs_example_com=site))).url == "http://docs.example.com/new?x=1"

    async def test_another_site_gets_its_own_host(self, site: ScriptedUpstream, second: ScriptedUpstream) -> None:
        site.script, second.script = moved("http://blog.example.org/"), page()
        await fetched(reaching(docs_example_com=site, blog_example_org=second))
        assert second.calls[0].header("host") == "blog.example.org"
        assert second.calls[0].header("referer") is None

    async def test_an_address_in_another_script_is_followed(self, site: ScriptedUpstream) -> None:
        location = "/größe".encode().decode("latin-1")
        site.script = [moved(location), page()]
        await fetched(reaching(docs_example_com=site))
        assert site.calls[1].target == "/gr%C3%B6%C3%9Fe"

    @pytest.mark.parametrize(
        ("location", "code"),
        [
            (METADATA, "url_not_allowed"),
            ("http://127.0.0.1/", "url_not_allowed"),
            ("http://[::ffff:127.0.0.1]/", "url_not_allowed"),
            ("http://localhost/", "url_not_allowed"),
            ("http://docs.example.com:8080/", "url_not_allowed"),
            ("http://user:secret@docs.example.com/", "invalid_tool_input"),
            ("file:///etc/passwd", "invalid_tool_input"),
            ("gopher://docs.example.com/", "invalid_tool_input"),
            ("http://unknown.example.com/", "url_not_accessible"),
        ],
    )
    async def test_where_no_page_may_be_none_is_fetched(self, site: ScriptedUpstream, location: str, code: str) -> None:
        def judge(address: Any, own: Any) -> bool:
            return may_reach(address, own) or (len(site.calls) == 0 and str(address) == "127.0.0.1")

        site.script = moved(location)
        assert (await refused(reaching(judge, docs_example_com=site))).code == code
        assert len(site.calls) == 1

    async def test_redirects_end(self, site: ScriptedUpstream) -> None:
        site.script = lambda call: moved(f"/{call.order}")
        result = await refused(reaching(docs_example_com=site))
        assert (result.code, len(site.calls)) == ("url_not_accessible", REDIRECTS_MAX + 1)

    async def test_the_request_s_domains_hold_for_redirects(
        self, site: ScriptedUpstream, second: ScriptedUpstream
    ) -> None:
        site.script = moved("http://blog.example.org/")
        web = reaching(docs_example_com=site, blog_example_org=second)
        result = await refused(web, wanted=WantedPages("web_fetch", allowed=("example.com",)))
        assert (result.code, second.calls) == ("url_not_allowed", [])
        assert "blog.example.org" in result.words
