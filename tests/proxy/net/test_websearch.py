"""Which search is in force by settings and environment, what it costs, and how it says what is wrong."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from proxy.net.credentials import Credentials
from proxy.net.upstream import Upstreams
from proxy.net.websearch import WebSearch, web_search
from proxy.protocol.search import Page, Wanted
from proxy.protocol.web_tools import Refusal
from proxy.settings import SearchSettings, SettingsError, load_settings
from tests.upstreams import Reply, ScriptedUpstream, as_json
from tests.upstreams.searches import brave

WANTED = Wanted("web_search")


@pytest.fixture
async def upstreams() -> AsyncIterator[Upstreams]:
    made = Upstreams(connect_timeout_s=5.0)
    yield made
    await made.close()


def search(upstreams: Upstreams, environ: Mapping[str, str] | None = None, **table: Any) -> WebSearch | None:
    return web_search(SearchSettings(**table), environ or {}, Credentials(environ or {}), upstreams)


class TestWhoIsAsked:
    async def test_without_table_and_keys_nobody(self, upstreams: Upstreams) -> None:
        assert search(upstreams) is None

    @pytest.mark.parametrize(
        ("keys", "name", "nano_usd"),
        [
            (("EXA_API_KEY", "TAVILY_API_KEY", "BRAVE_API_KEY"), "brave", 5_000_000),
            (("EXA_API_KEY", "TAVILY_API_KEY"), "tavily", 8_000_000),
            (("EXA_API_KEY",), "exa", 7_000_000),
        ],
    )
    async def test_the_first_whose_key_is_set_at_its_list_price(
        self, upstreams: Upstreams, keys: tuple[str, ...], name: str, nano_usd: int
    ) -> None:
        found = search(upstreams, dict.fromkeys(keys, "k"))
        assert found is not None
        assert (found.name, found.nano_usd) == (name, nano_usd)

    async def test_none_although_a_key_is_set(self, upstreams: Upstreams) -> None:
        assert search(upstreams, {"BRAVE_API_KEY": "k"}, backend="none") is None

    async def test_an_own_instance_and_the_keyless_library_cost_nothing(self, upstreams: Upstreams) -> None:
        own = search(upstreams, backend="searxng", base_url="http://127.0.0.1:1/")
        keyless = search(upstreams, backend="ddgs")
        assert own is not None
        assert keyless is not None
        assert (own.nano_usd, keyless.nano_usd) == (0, 0)

    async def test_behind_another_address_the_price_is_unknown(self, upstreams: Upstreams) -> None:
        found = search(upstreams, backend="brave", base_url="https://gateway.example/brave")
        assert found is not None
        assert found.nano_usd is None

    async def test_a_price_of_the_user_s_own_counts(self, upstreams: Upstreams) -> None:
        found = search(upstreams, backend="exa", usd_per_search="0.0125")
        assert found is not None
        assert found.nano_usd == 12_500_000


class TestSettings:
    @pytest.mark.parametrize(
        ("toml", "words"),
        [
            ('[search]\nbackend = "searxng"\n', "needs base_url, the address of your instance"),
            ('[search]\nbackend = "google"\n', "config.toml:2: search.backend"),
            ('[search]\napi_key = "k"\n', "need a backend: brave, tavily, exa or searxng"),
            ('[search]\nbackend = "brave"\nbase_url = "brave.com"\n', "write https://brave.com"),
            ('[search]\nbackend = "brave"\nusd_per_search = -1\n', "greater than or equal to 0"),
            ('[search]\nbackedn = "brave"\n', "did you mean backend?"),
        ],
    )
    def test_what_cannot_work_is_refused_with_its_place(self, tmp_path: Path, toml: str, words: str) -> None:
        file = tmp_path / "config.toml"
        file.write_text(toml)
        with pytest.raises(SettingsError) as refusal:
            load_settings(file, None, {})
        assert words in str(refusal.value)

    def test_the_environment_sets_it_too(self, tmp_path: Path) -> None:
        environ = {"CCTUI_SEARCH__BACKEND": "tavily", "CCTUI_SEARCH__CONTEXT": "high"}
        settings = load_settings(tmp_path / "none.toml", None, environ)
        assert (settings.search.backend, settings.search.context) == ("tavily", "high")


class TestAnswers:
    @pytest.mark.parametrize("ending", ["", "/", "/res/v1/web/search"])
    async def test_a_pasted_address_finds_the_service(self, upstreams: Upstreams, ending: str) -> None:
        async with ScriptedUpstream(brave()) as service:
            found = search(upstreams, backend="brave", api_key="k", base_url=service.url + ending)
            assert found is not None
            pages = await found.find("q", WANTED)
        assert service.calls[0].path == "/res/v1/web/search"
        assert isinstance(pages, tuple)
        assert pages[1] == Page("https://blog.example.org/backoff", "Backoff", "Wait longer each time.")

    async def test_searxng_without_json_says_where_to_allow_it(self, upstreams: Upstreams) -> None:
        async with ScriptedUpstream(Reply(403, framing="length")) as service:
            found = search(upstreams, backend="searxng", base_url=service.url)
            assert found is not None
            refused = await found.find("q", WANTED)
        assert isinstance(refused, Refusal)
        assert "search.formats" in refused.words
        assert service.calls[0].header("authorization") is None

    async def test_a_missing_key_is_named(self, upstreams: Upstreams) -> None:
        found = search(upstreams, backend="exa")
        assert found is not None
        assert await found.find("q", WANTED) == Refusal(
            "unavailable", "exa: there is no key; set EXA_API_KEY; see api_key in [search]."
        )

    async def test_a_key_from_a_command_is_used(self, upstreams: Upstreams) -> None:
        async with ScriptedUpstream(as_json(b'{"results": []}')) as service:
            found = search(upstreams, backend="tavily", api_key="cmd:echo from-a-command", base_url=service.url)
            assert found is not None
            assert await found.find("q", WANTED) == ()
        assert service.calls[0].header("authorization") == "Bearer from-a-command"

    async def test_a_silent_service_is_not_waited_for(
        self, upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("proxy.net.websearch.SEARCH_TIMEOUT_S", 0.0)
        found = search(upstreams, backend="brave", api_key="k", base_url="http://127.0.0.1:1")
        assert found is not None
        refused = await found.find("q", WANTED)
        assert isinstance(refused, Refusal)
        assert "did not answer within" in refused.words

    async def test_who_waits_may_be_cancelled(self, upstreams: Upstreams) -> None:
        async with ScriptedUpstream(brave()) as service:
            found = search(upstreams, backend="brave", api_key="k", base_url=service.url)
            assert found is not None
            waiting = asyncio.create_task(found.find("q", WANTED))
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting


class TestWithoutAKey:
    """The library is an extra: a module in its place has its names, as version 9.16 has them."""

    @pytest.fixture
    def ddgs(self, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
        made, faults = ModuleType("ddgs"), ModuleType("ddgs.exceptions")
        base = type("DDGSException", (Exception,), {})
        faults.DDGSException = base  # type: ignore[attr-defined]
        faults.RatelimitException = type("RatelimitException", (base,), {})  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "ddgs", made)
        monkeypatch.setitem(sys.modules, "ddgs.exceptions", faults)
        return made

    @staticmethod
    def finds(made: ModuleType, outcome: list[dict[str, str]] | str | Exception) -> None:
        class DDGS:
            def __init__(self, proxy: str | None, timeout: int) -> None:
                self.timeout = timeout

            def text(self, query: str, max_results: int) -> list[dict[str, str]]:
                if isinstance(outcome, Exception):
                    raise outcome
                return [{"href": "https://a.example", "title": f"{query} {max_results}", "body": "B"}]

        made.DDGS = DDGS  # type: ignore[attr-defined]

    async def test_pages_are_found(self, upstreams: Upstreams, ddgs: ModuleType) -> None:
        self.finds(ddgs, [])
        found = search(upstreams, backend="ddgs")
        assert found is not None
        assert await found.find("q", WANTED) == (Page("https://a.example", "q 6", "B"),)

    @pytest.mark.parametrize(
        ("kind", "words", "expected"),
        [
            ("DDGSException", "No results found.", ()),
            (
                "DDGSException",
                "error sending request for https://engine.example.com/?q=secret",
                Refusal("unavailable", "ddgs reached no search engine (DDGSException)."),
            ),
            (
                "RatelimitException",
                "202",
                Refusal("too_many_requests", "ddgs was refused by the search engines; wait a little."),
            ),
        ],
    )
    async def test_its_faults_are_told(
        self, upstreams: Upstreams, ddgs: ModuleType, kind: str, words: str, expected: Any
    ) -> None:
        self.finds(ddgs, getattr(sys.modules["ddgs.exceptions"], kind)(words))
        found = search(upstreams, backend="ddgs")
        assert found is not None
        assert await found.find("q", WANTED) == expected

    async def test_a_missing_library_says_how_to_get_it(
        self, upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "ddgs", None)
        found = search(upstreams, backend="ddgs")
        assert found is not None
        assert await found.find("q", WANTED) == Refusal(
            "unavailable", "ddgs is not installed: pip install 'cctui[search]'."
        )
