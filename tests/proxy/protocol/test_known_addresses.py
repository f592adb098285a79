"""Pages that a conversation names, and those that a model made up."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.known_addresses import READINGS_MAX, Sources, addresses_in, names_page, read_sources
from proxy.protocol.page_address import page_address

PAGE = "https://docs.example.com/retries?v=2"
ANY = Sources()


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def use(name: str, tool_id: str = "toolu_1", kind: str = "tool_use") -> dict[str, Any]:
    return {"type": kind, "id": tool_id, "name": name, "input": {"url": PAGE}}


def result(content: Any, tool_id: str = "toolu_1") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": tool_id, "content": content}


def searched(url: str = PAGE) -> dict[str, Any]:
    found = [{"type": "web_search_result", "url": url, "title": "Retries", "encrypted_content": ""}]
    return {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": found}


def fetched(words: str) -> dict[str, Any]:
    source = {"type": "text", "media_type": "text/plain", "data": words}
    content = {"type": "web_fetch_result", "url": "https://a.example.com/", "content": {"source": source}}
    return {"type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_1", "content": content}


def named(*messages: Any, url: str = PAGE, sources: Sources = ANY, own: tuple[str, ...] = ()) -> bool:
    return names_page(messages, page_address(url), sources, own)


class TestWhere:
    @pytest.mark.parametrize(
        "message",
        [
            user(f"Read {PAGE}."),
            user([text(f"Read {PAGE}.")]),
            user([{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": PAGE}}]),
            user([{"type": "document", "source": {"type": "url", "url": PAGE}}]),
            user([result(f"See {PAGE}", "toolu_9")]),
            user([result([text(f"See {PAGE}")])]),
            assistant(searched()),
            assistant(fetched(f"More at [Retries]({PAGE}).")),
        ],
    )
    def test_users_tools_and_what_was_found_name_pages(self, message: dict[str, Any]) -> None:
        assert named(message)

    @pytest.mark.parametrize(
        "message",
        [
            {"role": "assistant", "content": f"Let me read {PAGE}"},
            assistant(text(f"Let me read {PAGE}")),
            assistant(use("web_fetch")),
            assistant(use("web_fetch", "srvtoolu_1", "server_tool_use")),
            assistant({"type": "thinking", "thinking": PAGE, "signature": "x"}),
            {"role": "system", "content": PAGE},
            user([{"type": "image", "source": {"type": "base64", "data": PAGE}}]),
            user([use("Read")]),
            PAGE,
            None,
            {"role": "user"},
            user([PAGE]),
        ],
    )
    def test_the_model_s_own_words_do_not(self, message: Any) -> None:
        assert not named(message)


class TestSpelling:
    @pytest.mark.parametrize(
        "words",
        [
            "HTTPS is https://DOCS.example.com:443/retries?v=2 here",
            f"({PAGE})",
            f"[a]({PAGE})[b](https://b.example.com)",
            f"**{PAGE}**, <{PAGE}>",
            f"{PAGE},{PAGE}",
            f"https://x.example.com,{PAGE}",
            f"{PAGE}#part",
            f"看{PAGE}的内容",
            "http://docs.example.com/retries?v=2",
            '{"url": "https://docs.example.com/retries?v=2"}',
        ],
    )
    def test_an_address_is_found_in_what_surrounds_it(self, words: str) -> None:
        assert named(user(words))

    @pytest.mark.parametrize(
        "words",
        [
            "https://docs.example.com/retries",
            "https://docs.example.com/retries?v=",
            "https://docs.example.com/retries?v=22",
            "https://docs.example.com/retries?v=2&secret=1",
            "https://docs.example.com.evil.example/retries?v=2",
            "https://evil.example/?https://docs.example.com",
            "docs.example.com/retries?v=2",
            "ftp://docs.example.com/retries?v=2",
            "https://user@docs.example.com/retries?v=2",
        ],
    )
    def test_another_address_is_another(self, words: str) -> None:
        assert not named(user(words))

    def test_what_is_named_with_encryption_is_not_fetched_without(self) -> None:
        assert not named(user(PAGE), url=PAGE.replace("https", "http"))

    def test_brackets_may_belong_to_an_address(self) -> None:
        assert named(user("(https://en.example.org/wiki/Retry_(web))"), url="https://en.example.org/wiki/Retry_(web)")

    def test_a_name_outside_ascii_is_found_in_both_spellings(self) -> None:
        assert named(user("https://bücher.example.de/ö"), url="https://xn--bcher-kva.example.de/%C3%B6")
        assert named(user("https://xn--bcher-kva.example.de/ö"), url="https://bücher.example.de/ö")

    def test_an_address_within_the_data_of_a_page_has_its_entities_read(self) -> None:
        assert named(user("href=https://a.example.com/?a=1&amp;b=2"), url="https://a.example.com/?a=1&b=2")

    def test_more_likely_places_than_are_read_name_nothing(self) -> None:
        crowd = "https://docs.example.com/%20 " * READINGS_MAX
        assert not named(user(crowd + PAGE.replace("v", "%76")))


NONE = {"type": "none"}


class TestSources:
    @staticmethod
    def tools(kind: str, *names: str) -> dict[str, Any]:
        return {"type": kind, "tools": [{"type": "tool_reference", "name": name} for name in names]}

    def test_without_the_field_everybody_counts(self) -> None:
        assert read_sources(None) == Sources()
        assert read_sources({}) == Sources()

    def test_users_may_be_left_out(self) -> None:
        sources = read_sources({"user_input": NONE})
        assert not named(user(PAGE), sources=sources)
        assert not named(user([text(PAGE)]), sources=sources)
        assert named(assistant(searched()), sources=sources)
        assert named(user([result(PAGE)]), sources=sources)

    @pytest.mark.parametrize(("kind", "counts"), [("only", True), ("except", False)])
    def test_clients_tools_are_told_apart(self, kind: str, counts: bool) -> None:
        sources = read_sources({"client_tool_results": self.tools(kind, "Read")})
        turns = (assistant(use("Read")), user([result(PAGE)]))
        assert named(*turns, sources=sources) is counts
        assert named(assistant(use("Bash")), user([result(PAGE)]), sources=sources) is not counts

    def test_servers_tools_are_told_apart(self) -> None:
        sources = read_sources({"server_tool_results": self.tools("only", "web_fetch")})
        use_of = use("web_search", "srvtoolu_1", "server_tool_use")
        assert not named(assistant(use_of, searched()), sources=sources)
        assert not named(assistant(searched()), sources=sources)
        assert named(assistant(fetched(PAGE)), sources=sources)

    def test_what_the_engine_found_counts_as_a_server_s(self) -> None:
        sources = read_sources({"client_tool_results": NONE})
        turns = (assistant(use("web_search")), user([result(PAGE)]))
        assert named(*turns, sources=sources, own=("web_search",))
        assert not named(*turns, sources=sources)

    @pytest.mark.parametrize("given", ["all", 7, [], {"user_input": "all", "client_tool_results": {"type": "only"}}])
    def test_what_cannot_be_read_admits_nothing(self, given: Any) -> None:
        sources = read_sources(given)
        assert not named(user(PAGE), sources=sources)
        assert not named(assistant(use("Read")), user([result(PAGE)]), sources=sources)


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.just(PAGE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["content", "type", "id"]), inner),
    max_leaves=8,
)


@given(st.lists(JSON | st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": JSON})))
def test_whatever_a_conversation_holds_can_be_asked(messages: list[Any]) -> None:
    assert named(*messages) in (True, False)


@given(st.text("ab/.:,()é中%&#;h", max_size=20), st.text(" ,.)]\n中é", max_size=3))
def test_an_address_is_named_by_itself(path: str, behind: str) -> None:
    url = page_address(f"https://a.example.com/{path}").url
    assert page_address(url) in list(addresses_in(f"See {url}"))
    assert named(user(f"See {url}\n{behind}"), url=url)
