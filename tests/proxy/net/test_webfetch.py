"""Pages fetched over real sockets: what comes back, what is refused, and that nothing of the user's goes along."""

import asyncio
import base64
import gzip
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proxy.net.webfetch import PAGE_BYTES_MAX, web_fetch
from proxy.settings import Settings, load_settings
from tests.proxy.net.visits import URL, fetched, got, refused
from tests.upstreams import HANG_UP, SILENCE, Answer, Hold, Reply, ScriptedUpstream
from tests.upstreams.sites import TRUST, page, reaching

pytestmark = pytest.mark.usefixtures("clean_environment")


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
