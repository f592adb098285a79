"""Pages fetched over real sockets: what comes back, what is refused, and that nothing but the public web is reached."""

import asyncio
import base64
import contextlib
import gzip
import ipaddress
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from proxy.net.webfetch import PAGE_BYTES_MAX, REDIRECTS_MAX, Place, WebFetch, look_up, may_reach, web_fetch
from proxy.protocol.fetch import Fetched, WantedPages
from proxy.protocol.page_address import page_address
from proxy.protocol.web_tools import Refusal
from proxy.settings import Settings, load_settings
from tests.proxy.conftest import clear_environment
from tests.upstreams import HANG_UP, SILENCE, Answer, Hold, Reply, ScriptedUpstream
from tests.upstreams.sites import TRUST, moved, names, only_loopback, page, reaching

URL = "http://docs.example.com/retries"
ANY = WantedPages("web_fetch")
METADATA = "http://169.254.169.254/latest/meta-data/"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    clear_environment(monkeypatch)


@pytest.fixture
async def site() -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream(page()) as running:
        yield running


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


class TestPages:
    async def test_a_page_is_read(self, site: ScriptedUpstream) -> None:
        result = await fetched(reaching(docs_example_com=site))
        assert (result.url, result.title) == (URL, "Retries")
        assert result.text == "# Retries\n\nOnly connects are retried. See [backoff](http://docs.example.com/backoff)."
        assert datetime.fromisoformat(result.retrieved_at).tzinfo == UTC
        assert result.retrieved_at.endswith("Z")

    @pytest.mark.parametrize(
        ("label", "body"),
        [("text/plain", "a < b"), ("text/markdown", "# A"), ("application/json", '{"a": 1}'), ("text/xml", "<a/>")],
    )
    async def test_other_texts_are_read_as_they_are(self, site: ScriptedUpstream, label: str, body: str) -> None:
        site.script = page(body, label)
        result = await fetched(reaching(docs_example_com=site))
        assert (result.text, result.title) == (body, "")

    async def test_a_pdf_is_a_file(self, site: ScriptedUpstream) -> None:
        file = b"%PDF-1.7\n\x00\xff"
        site.script = page(file, "application/pdf")
        result = await fetched(reaching(docs_example_com=site), "http://docs.example.com/a/paper%20one.pdf?x=1")
        assert (base64.b64decode(result.pdf or ""), result.title, result.text) == (file, "paper one.pdf", "")

    @pytest.mark.parametrize(
        ("reply", "pdf", "words"),
        [
            (page(b"%PDF-1.7", "application/pdf"), False, "PDF file, which this model does not read"),
            (page(b"MZ", "application/pdf"), True, "calls a file PDF that is none"),
            (page(b"x", "image/png"), True, "has image/png there"),
            (page(b"x", "application/octet-stream"), True, "application/octet-stream"),
            (Reply(200, (), b"x", framing="length"), True, "a type that it does not tell"),
        ],
    )
    async def test_what_is_neither_text_nor_pdf_is_refused(
        self, site: ScriptedUpstream, reply: Reply, pdf: bool, words: str
    ) -> None:
        site.script = reply
        result = await refused(reaching(docs_example_com=site), pdf=pdf)
        assert result.code == "unsupported_content_type"
        assert words in result.words

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (404, "url_not_accessible"),
            (403, "url_not_accessible"),
            (500, "url_not_accessible"),
            (429, "too_many_requests"),
        ],
    )
    async def test_an_error_is_no_page(self, site: ScriptedUpstream, status: int, code: str) -> None:
        site.script = Reply(status, (("content-type", "text/html"),), b"<p>Sorry.</p>", framing="length")
        assert (await refused(reaching(docs_example_com=site))).code == code

    @pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate"])
    async def test_a_packed_page_is_unpacked(self, site: ScriptedUpstream, encoding: str) -> None:
        packed = zlib.compress(b"words") if encoding == "deflate" else gzip.compress(b"words")
        site.script = page(packed, "text/plain", (("content-encoding", encoding),))
        assert (await fetched(reaching(docs_example_com=site))).text == "words"

    @pytest.mark.parametrize(
        ("encoding", "body", "words"),
        [
            ("gzip", b"this is not packed", "cannot be unpacked"),
            ("br", b"x", "packs its pages in a way that nobody asked for"),
            ("gzip, gzip", b"x", "packs its pages in a way that nobody asked for"),
        ],
    )
    async def test_what_cannot_be_unpacked_is_refused(
        self, site: ScriptedUpstream, encoding: str, body: bytes, words: str
    ) -> None:
        site.script = page(body, "text/plain", (("content-encoding", encoding),))
        assert words in (await refused(reaching(docs_example_com=site))).words


class TestNothingOfTheUsersGoesAlong:
    async def test_headers_are_few_and_the_host_is_the_page_s(self, site: ScriptedUpstream) -> None:
        await fetched(reaching(docs_example_com=site), "http://docs.example.com/a%20b?q=ü#part")
        [call] = site.calls
        assert (call.method, call.target) == ("GET", "/a%20b?q=%C3%BC")
        assert {name.lower() for name, _ in call.headers} == {
            "host",
            "user-agent",
            "accept",
            "accept-encoding",
            "accept-language",
            "connection",
        }
        assert (call.header("host"), call.header("user-agent")) == ("docs.example.com", "cctui")

    async def test_no_cookie_comes_back_neither_on_a_redirect_nor_later(self, site: ScriptedUpstream) -> None:
        cookie = ("set-cookie", "id=1; Path=/")
        site.script = [Reply(302, (("location", "/b"), cookie), b"", framing="length"), page(headers=(cookie,)), page()]
        web = reaching(docs_example_com=site)
        await fetched(web)
        await fetched(web)
        assert [call.header("cookie") for call in site.calls] == [None, None, None]

    async def test_a_password_file_is_not_read(
        self, site: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / ".netrc").write_text("machine docs.example.com login me password secret\n")
        (tmp_path / ".netrc").chmod(0o600)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        await fetched(reaching(docs_example_com=site))
        assert site.calls[0].header("authorization") is None

    async def test_through_a_proxy_nothing_is_fetched(
        self, site: ScriptedUpstream, second: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", second.url)
        result = await refused(reaching(docs_example_com=site))
        assert result.code == "unavailable"
        assert "through a proxy" in result.words
        assert site.calls == second.calls == []

    async def test_a_site_that_needs_no_proxy_is_fetched(
        self, site: ScriptedUpstream, second: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", second.url)
        monkeypatch.setenv("NO_PROXY", "docs.example.com")
        await fetched(reaching(docs_example_com=site))
        assert second.calls == []


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


class TestLimits:
    async def test_a_large_page_is_not_read_to_its_end(self, site: ScriptedUpstream) -> None:
        piece = b"x" * 2**20
        site.script = Reply(200, (("content-type", "text/plain"),), [piece] * 64)
        result = await refused(reaching(docs_example_com=site))
        call = await site.wait_closed(0)
        assert result.code == "content_too_large"
        assert call.sent_bytes < 64 * 2**20

    async def test_a_page_of_just_that_size_is_read(self, site: ScriptedUpstream) -> None:
        site.script = page(b"x" * PAGE_BYTES_MAX, "text/plain")
        assert len((await fetched(reaching(docs_example_com=site))).text) == PAGE_BYTES_MAX

    @pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
    async def test_a_bomb_is_not_unpacked(self, site: ScriptedUpstream, pack: Callable[[bytes], bytes]) -> None:
        bomb = pack(bytes(64 * 2**20))
        assert len(bomb) < 2**20
        encoding = "gzip" if pack is gzip.compress else "deflate"
        site.script = page(bomb, "text/plain", (("content-encoding", encoding),))
        assert (await refused(reaching(docs_example_com=site))).code == "content_too_large"

    async def test_a_silent_site_is_not_waited_for(
        self, site: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("proxy.net.webfetch.FETCH_TIMEOUT_S", 0.0)
        site.script = SILENCE
        result = await refused(reaching(docs_example_com=site))
        assert result.code == "url_not_accessible"
        assert "did not answer within" in result.words

    @pytest.mark.parametrize(
        "script", [SILENCE, Reply(200, (("content-type", "text/plain"),), [b"x", Hold()]), Reply(before_head=(Hold(),))]
    )
    async def test_a_fetch_that_is_given_up_closes_its_connection(self, site: ScriptedUpstream, script: Answer) -> None:
        site.script = script
        waiting = asyncio.create_task(got(reaching(docs_example_com=site)))
        await site.arrived(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await site.wait_closed(0)

    @pytest.mark.parametrize(
        ("script", "words"),
        [(HANG_UP, "broke the connection off"), (page(headers=(("x", "y" * 20_000),)), "docs.example.com")],
    )
    async def test_a_broken_answer_is_told(self, site: ScriptedUpstream, script: Answer, words: str) -> None:
        site.script = script
        result = await refused(reaching(docs_example_com=site))
        assert result.code == "url_not_accessible"
        assert words in result.words

    async def test_a_name_without_an_address_is_told(self) -> None:
        result = await refused(reaching())
        assert (result.code, result.words) == ("url_not_accessible", "docs.example.com has no address.")

    async def test_a_name_with_an_empty_answer_is_told(self) -> None:
        assert "has no address" in (await refused(reaching(docs_example_com=[]))).words


def certificate(folder: Path, *hosts: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for ``hosts``, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, hosts[0])])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed = made.sign(key, hashes.SHA256())
    pem = folder / "site.pem"
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *plain) + signed.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


class TestEncryption:
    @contextlib.asynccontextmanager
    async def site(self, context: ssl.SSLContext) -> AsyncIterator[tuple[int, list[str | None], list[bytes]]]:
        """An encrypted site: its port, the names that it was asked for, the requests."""
        told: list[str | None] = []
        heads: list[bytes] = []
        context.sni_callback = lambda _socket, name, _context: told.append(name)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok")
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        async with server:
            yield server.sockets[0].getsockname()[1], told, heads

    async def test_the_name_is_kept_for_certificate_and_host(self, tmp_path: Path) -> None:
        server, trust = certificate(tmp_path, "docs.example.com")
        async with self.site(server) as (port, told, heads):
            web = WebFetch(trust, only_loopback, names({"docs.example.com": [("127.0.0.1", port)]}))
            assert (await fetched(web, "https://docs.example.com/")).text == "ok"
        assert told == ["docs.example.com"]
        assert b"\r\nHost: docs.example.com\r\n" in heads[0]

    @pytest.mark.parametrize(("host", "trusted"), [("docs.example.com", False), ("other.example.com", True)])
    async def test_a_certificate_that_does_not_fit_is_refused(self, tmp_path: Path, host: str, trusted: bool) -> None:
        server, trust = certificate(tmp_path, "docs.example.com")
        async with self.site(server) as (port, _, heads):
            places = names({host: [("127.0.0.1", port)]})
            result = await refused(WebFetch(trust if trusted else TRUST, only_loopback, places), f"https://{host}/")
        assert (result.code, heads) == ("url_not_accessible", [])
        assert "no certificate that can be trusted" in result.words


class TestWhetherPagesAreFetched:
    @pytest.mark.parametrize(
        ("host", "fetch", "on"),
        [
            ("127.0.0.1", None, True),
            ("localhost", None, True),
            ("::1", None, True),
            ("0.0.0.0", None, False),
            ("192.168.1.5", None, False),
            ("127.0.0.1", False, False),
            ("0.0.0.0", True, True),
        ],
    )
    def test_unless_set_it_is_so_while_only_this_machine_reaches_the_engine(
        self, host: str, fetch: bool | None, on: bool
    ) -> None:
        settings = Settings.model_validate({"engine": {"host": host}, "search": {"fetch": fetch}})
        assert (web_fetch(settings, TRUST) is not None) is on

    def test_the_environment_turns_it_off(self, tmp_path: Path) -> None:
        settings = load_settings(tmp_path / "none.toml", None, {"CCTUI_SEARCH__FETCH": "false"})
        assert web_fetch(settings, TRUST) is None
