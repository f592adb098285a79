"""The rounds of a web search that the engine makes: what is wanted, what each round asks, what comes out."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.messages import Body
from proxy.protocol.search import Page, Query, Result, Wanted, last_question, wanted_search
from proxy.protocol.stand_ins import SearchStandIn
from proxy.protocol.web_rounds import Rounds, unsearched
from proxy.protocol.web_tools import Refusal

SEARCH: dict[str, Any] = {"type": "web_search_20250305", "name": "web_search"}
READ = {"name": "Read", "description": "Reads.", "input_schema": {"type": "object"}}
DOCS = Page("https://docs.example.com/a", "Docs", "How it retries.", "2026-10-01")


def body(tools: Any = (SEARCH,), **more: Any) -> Body:
    fields = {"model": "m", "max_tokens": 9, "stream": True, "tools": tools, **more}
    fields.setdefault("messages", [{"role": "user", "content": "Find it."}])
    return Body(json.dumps(fields).encode())


def wanted(**settings: Any) -> Wanted:
    found = wanted_search(body([{**SEARCH, **settings}]))
    assert found is not None
    return found


def rounds(**settings: Any) -> Rounds:
    asked = body([{**SEARCH, **settings}], tool_choice={"type": "tool", "name": "web_search"})
    return Rounds(asked, [SearchStandIn(wanted(**settings))])


def calls(*queries: Any, number: int = 0) -> dict[str, Any]:
    """An answer that calls for searches."""
    content = [
        {"type": "tool_use", "id": f"toolu_{number}{n}", "name": "web_search", "input": {"query": query}}
        for n, query in enumerate(queries)
    ]
    return said(*content, stop_reason="tool_use")


def said(*content: dict[str, Any], **more: Any) -> dict[str, Any]:
    usage = {"input_tokens": 10, "output_tokens": 2, "cache_creation": {"ephemeral_5m_input_tokens": 1}}
    shared = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn"}
    return {**shared, "content": list(content), "usage": usage, **more}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def sent(each: Rounds) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(each.body.raw)
    return decoded


def go(each: Rounds, message: Mapping[str, Any], result: Result = (DOCS,)) -> bool:
    """One round in which every search finds ``result``."""
    return each.answer({query.call_id: result for query in each.see(message)})


class TestWhatIsWanted:
    def test_limits_and_filters_are_read(self) -> None:
        place = {"type": "approximate", "city": "Paris", "country": "FR"}
        got = wanted(max_uses=3, allowed_domains=["https://www.Example.com/", "b.org/docs"], user_location=place)
        assert (got.max_uses, got.allowed, got.blocked) == (3, ("example.com", "b.org/docs"), ())
        assert got.place == {"city": "Paris", "country": "FR"}

    @pytest.mark.parametrize(("given", "uses"), [(None, 8), (100, 8), (0, 1), ("3", 8), (True, 8)])
    def test_no_request_has_more_than_eight_searches(self, given: Any, uses: int) -> None:
        assert wanted(max_uses=given).max_uses == uses

    @pytest.mark.parametrize(
        ("tools", "choice", "demanded"),
        [
            ([SEARCH], None, True),
            ([SEARCH, READ], {"type": "tool", "name": "web_search"}, True),
            ([SEARCH, READ], {"type": "auto"}, False),
            ([SEARCH, READ], {"type": "tool", "name": "Read"}, False),
        ],
    )
    def test_a_search_is_demanded_or_offered(self, tools: Any, choice: Any, demanded: bool) -> None:
        found = wanted_search(body(tools, tool_choice=choice))
        assert found is not None
        assert found.demanded is demanded

    @pytest.mark.parametrize(
        "tools",
        [[READ], [{**READ, "description": 'takes "web_search_20250305"'}], [{**READ, "name": "web_search_1"}], None, 7],
    )
    def test_other_tools_are_no_search(self, tools: Any) -> None:
        assert wanted_search(body(tools)) is None

    def test_the_query_is_what_the_user_asked_last(self) -> None:
        turns = [
            {"role": "user", "content": "Before."},
            {"role": "user", "content": [text("Perform a web search for the query: httpx retries")]},
        ]
        assert last_question(body(messages=turns)) == "httpx retries"

    @pytest.mark.parametrize("messages", [None, 3, [], [7], [{"role": "user", "content": 5}]])
    def test_without_words_of_the_user_the_query_is_empty(self, messages: Any) -> None:
        assert wanted_search(body(messages=messages)) is None or isinstance(messages, list)
        assert last_question(body(messages=messages)) == ""


class TestDomains:
    @pytest.mark.parametrize(
        ("domain", "url", "admitted"),
        [
            ("example.com", "https://example.com/x", True),
            ("example.com", "https://docs.example.com/x", True),
            ("example.com", "https://notexample.com/x", False),
            ("example.com", "https://example.com.evil.net/", False),
            ("docs.example.com", "https://example.com/", False),
            ("example.com/docs", "https://example.com/docs/a", True),
            ("example.com/docs", "https://example.com/blog", False),
            ("example.com/*/docs", "https://example.com/en/docs/a", True),
            ("example.com", "ftp://example.com/x", False),
            ("example.com", "javascript:alert(1)//example.com", False),
            ("example.com", "https://[example.com/", False),
        ],
    )
    def test_a_domain_covers_its_subdomains_and_paths(self, domain: str, url: str, admitted: bool) -> None:
        assert wanted(allowed_domains=[domain]).admits(url) is admitted

    def test_what_is_blocked_is_left_out(self) -> None:
        filtered = wanted(blocked_domains=["spam.example"])
        assert not filtered.admits("https://www.spam.example/a")
        assert filtered.admits("https://good.example/a")


class TestBodies:
    def test_the_server_tool_becomes_a_plain_one_among_the_others(self) -> None:
        each = Rounds(body([READ, SEARCH]), [SearchStandIn(wanted())])
        first, second = sent(each)["tools"]
        assert first == READ
        assert (second["name"], second["input_schema"]["required"]) == ("web_search", ["query"])
        assert "type" not in second

    def test_the_model_reads_of_filters_and_place(self) -> None:
        place = {"type": "approximate", "city": "Paris"}
        each = rounds(allowed_domains=["a.example"], user_location=place)
        described = sent(each)["tools"][0]["description"]
        assert "a.example" in described
        assert "Paris" in described

    def test_only_the_first_round_is_forced_to_search(self) -> None:
        each = rounds()
        assert sent(each)["tool_choice"] == {"type": "tool", "name": "web_search"}
        assert go(each, calls("a"))
        assert sent(each)["tool_choice"] == {"type": "auto"}

    def test_no_round_streams(self) -> None:
        assert sent(rounds())["stream"] is False

    def test_turns_follow_what_the_client_sent(self) -> None:
        each = rounds()
        go(each, calls("a"))
        user, call, result = sent(each)["messages"]
        assert user == {"role": "user", "content": "Find it."}
        assert call == {"role": "assistant", "content": calls("a")["content"]}
        [told] = result["content"]
        assert (told["type"], told["tool_use_id"]) == ("tool_result", "toolu_00")
        for words in ("Docs (2026-10-01)", "https://docs.example.com/a", "How it retries."):
            assert words in told["content"]

    def test_empty_texts_are_not_sent_back(self) -> None:
        each = rounds()
        message = calls("a")
        go(each, {**message, "content": [text(" "), *message["content"]]})
        assert sent(each)["messages"][1]["content"] == message["content"]

    def test_the_last_round_may_not_search(self) -> None:
        each = rounds(max_uses=1)
        go(each, calls("a"))
        assert sent(each)["tool_choice"] == {"type": "none"}
        assert "last search" in sent(each)["messages"][-1]["content"][-1]["text"]


class TestTheEnd:
    def test_an_answer_without_a_call_is_the_last(self) -> None:
        assert go(rounds(), said(text("Known."))) is False

    def test_a_model_that_never_stops_is_stopped(self) -> None:
        each = rounds(max_uses=3)
        answered = 1
        while go(each, calls("a", number=answered)):
            answered += 1
        assert (answered, each.done["web_search"]) == (4, 3)

    def test_more_calls_at_once_than_are_allowed_are_refused(self) -> None:
        each = rounds(max_uses=2)
        assert each.see(calls("a", "b", "c")) == (Query("toolu_00", "a"), Query("toolu_01", "b"))
        each.answer({"toolu_00": (DOCS,), "toolu_01": ()})
        contents = [block["content"] for block in each.message()["content"] if block["type"].endswith("result")]
        assert contents[1:] == [[], {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}]

    @pytest.mark.parametrize("query", ["", "  ", None, 7, ["a"]])
    def test_a_call_without_a_query_is_refused_and_counts(self, query: Any) -> None:
        each = rounds(max_uses=1)
        assert each.see(calls(query)) == ()
        assert each.answer({})
        assert sent(each)["tool_choice"] == {"type": "none"}
        assert each.message()["content"][1]["content"]["error_code"] == "invalid_tool_input"

    def test_a_call_that_was_cut_off_is_not_made(self) -> None:
        each = rounds()
        message = {**calls("half a que"), "stop_reason": "max_tokens"}
        assert each.see(message) == ()
        assert each.answer({}) is False
        assert (each.message()["content"], each.message()["stop_reason"]) == ([], "max_tokens")

    def test_a_call_of_the_client_s_tool_is_left_to_the_client(self) -> None:
        each = Rounds(body([SEARCH, READ]), [SearchStandIn(wanted())])
        message = calls("a")
        message["content"].append({"type": "tool_use", "id": "toolu_9", "name": "Read", "input": {}})
        assert go(each, message) is False
        kinds = [block["type"] for block in each.message()["content"]]
        assert (kinds[-1], each.message()["stop_reason"]) == ("tool_use", "tool_use")


class TestTheMessage:
    def test_all_rounds_are_one_message(self) -> None:
        each = rounds()
        go(each, {**calls("a"), "id": "msg_first"})
        go(each, {**said(text("It retries.")), "id": "msg_last", "model": "m-2"})
        whole = each.message()
        assert [block["type"] for block in whole["content"]] == ["server_tool_use", "web_search_tool_result", "text"]
        assert (whole["id"], whole["model"], whole["stop_reason"]) == ("msg_first", "m-2", "end_turn")

    def test_every_search_has_an_id_of_its_own(self) -> None:
        each = rounds()
        go(each, calls("a", "b"))
        go(each, calls("c"))
        uses = [block["id"] for block in each.message()["content"] if block["type"] == "server_tool_use"]
        results = [block["tool_use_id"] for block in each.message()["content"] if "tool_use_id" in block]
        assert len(set(uses)) == 3
        assert uses == results

    def test_counts_are_added_up(self) -> None:
        each = rounds()
        go(each, calls("a"))
        go(each, said(text("Done.")))
        usage = each.message()["usage"]
        assert (usage["input_tokens"], usage["output_tokens"]) == (20, 4)
        assert usage["cache_creation"] == {"ephemeral_5m_input_tokens": 2}
        assert usage["server_tool_use"] == {"web_search_requests": 1}

    def test_a_cost_that_not_every_round_tells_is_no_cost(self) -> None:
        each = rounds()
        go(each, {**calls("a"), "usage": {"cost": 0.5, "service_tier": "standard"}})
        go(each, {**said(text("Done.")), "usage": {"input_tokens": 1, "service_tier": "priority"}})
        assert each.message()["usage"] == {
            "service_tier": "priority",
            "input_tokens": 1,
            "server_tool_use": {"web_search_requests": 1},
        }

    def test_failed_searches_do_not_count(self) -> None:
        each = rounds()
        go(each, calls("a"), Refusal("unavailable", "brave is down."))
        assert each.done["web_search"] == 0
        assert "brave is down." in sent(each)["messages"][-1]["content"][0]["content"]

    def test_pages_that_an_answer_names_are_cited(self) -> None:
        each = rounds()
        go(each, calls("a"))
        go(each, said(text("See https://docs.example.com/a.")))
        assert each.message()["content"][-1]["citations"][0]["url"] == DOCS.url

    def test_what_is_not_set_up_is_said_in_a_message_of_its_own(self) -> None:
        whole = unsearched(wanted(), "httpx", "msg_7", "m", "Set it up.")
        use, result, words = whole["content"]
        assert (use["input"], result["content"]["error_code"], words) == (
            {"query": "httpx"},
            "unavailable",
            text("Set it up."),
        )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
BLOCK = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "tool_use", "thinking"])},
    optional={"id": JSON, "name": st.sampled_from(["web_search", "Read"]), "input": JSON, "text": JSON},
)
MESSAGE = st.fixed_dictionaries(
    {}, optional={"content": st.lists(BLOCK, max_size=4) | JSON, "usage": JSON, "id": JSON, "stop_reason": JSON}
)


@given(st.lists(MESSAGE, min_size=1, max_size=12))
def test_whatever_a_model_answers_the_rounds_end_and_make_a_message(answers: list[dict[str, Any]]) -> None:
    each = rounds(max_uses=2)
    made = 0
    for message in answers:
        made += 1
        if not go(each, message):
            break
        assert sent(each)["messages"][-1]["role"] == "user"
    assert made <= 3
    assert isinstance(each.message()["content"], list)
