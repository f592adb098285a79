"""Tools in requests of the Responses API: the client's own, the choice among them, and the server's search."""

import json
from typing import Any

import pytest

from proxy.dialects.dialect import CannotTake
from proxy.dialects.openai_responses import ENCRYPTED
from proxy.dialects.openai_responses_search import SOURCES
from proxy.dialects.quirks import Quirks
from proxy.dialects.tool_names import sent_id
from tests.proxy.dialects.conversations import Body, text_block
from tests.proxy.dialects.responses_requests import SEARCH, items, outgoing, sent
from tests.proxy.dialects.turns import BASH, CLOSED, SCHEMA, asking, assistant, call, result, user
from tests.proxy.dialects.vendor_types import assert_responses_request


def test_a_tool_is_flat_and_never_strict_by_accident() -> None:
    assert sent(asking(tools=[{**BASH, "input_schema": SCHEMA}]))["tools"] == [
        {"type": "function", "name": "Bash", "description": "runs", "parameters": SCHEMA, "strict": False}
    ]


@pytest.mark.parametrize(("schema", "strict"), [(CLOSED, True), (SCHEMA, False)])
def test_a_strict_tool_is_strict_where_server_and_schema_allow_it(schema: Body, strict: bool) -> None:
    tool = {**BASH, "input_schema": schema, "strict": True}
    assert sent(asking(tools=[tool]), Quirks(strict_tools=True))["tools"][0]["strict"] is strict
    assert sent(asking(tools=[tool]))["tools"][0]["strict"] is False


def test_cache_marks_and_deferred_loading_stay_behind() -> None:
    tool = {**BASH, "cache_control": {"type": "ephemeral"}, "defer_loading": True, "input_examples": [{}]}
    out = outgoing(asking(user({**text_block("hi"), "cache_control": {"type": "ephemeral"}}), tools=[tool]))
    for leak in (b"cache_control", b"defer_loading", b"input_examples"):
        assert leak not in out.body


def test_a_long_name_is_shortened_and_mapped_back() -> None:
    name = "mcp__" + "a" * 80
    out = outgoing(asking(user("go"), assistant(call(name=name)), user(result()), tools=[{**BASH, "name": name}]))
    payload = json.loads(out.body)
    made = payload["tools"][0]["name"]
    assert len(made) <= 64
    assert payload["input"][1]["name"] == made
    assert out.names.own(made) == name


def test_a_call_s_id_of_another_length_is_the_same_in_call_and_output() -> None:
    long = "call_" + "x" * 80
    listed = items(asking(user("go"), assistant(call(long)), user(result(long))))
    assert listed[1]["call_id"] == listed[2]["call_id"] == sent_id(long, "any")


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({"type": "auto"}, None),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "Bash"}, {"type": "function", "name": "Bash"}),
        ({"type": "tool", "name": "Nobody"}, None),
    ],
)
def test_the_choice_of_a_tool_is_told(choice: Body, told: Any) -> None:
    assert sent(asking(tools=[BASH], tool_choice=choice)).get("tool_choice") == told


def test_a_named_choice_becomes_any_where_the_server_takes_no_names() -> None:
    out = outgoing(asking(tools=[BASH, {**BASH, "name": "Read"}], tool_choice={"type": "tool", "name": "Bash"}),
                   Quirks(named_tool_choice=False))  # fmt: skip
    assert json.loads(out.body)["tool_choice"] == "required"
    assert "the demand for the tool Bash became a demand for any" in out.notes


def test_a_demand_is_left_to_the_model_where_the_server_takes_none() -> None:
    out = outgoing(asking(tools=[BASH], tool_choice={"type": "any"}), Quirks(forced_tools="no"))
    assert "tool_choice" not in json.loads(out.body)
    assert out.notes == ("tool_choice left to the model: the provider takes no demand",)


def test_without_tools_there_is_no_choice() -> None:
    payload = sent(asking(tool_choice={"type": "any", "disable_parallel_tool_use": True}))
    assert payload.keys().isdisjoint({"tools", "tool_choice", "parallel_tool_calls"})


def test_parallel_calls_are_switched_off_where_the_server_has_the_switch() -> None:
    body = asking(tools=[BASH], tool_choice={"type": "auto", "disable_parallel_tool_use": True})
    assert sent(body)["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in sent(body, Quirks(parallel_switch=False))
    assert "parallel_tool_calls" not in sent(asking(tools=[BASH]))


def test_the_server_s_own_search_takes_the_place_of_claude_s() -> None:
    body = asking(tools=[SEARCH], tool_choice={"type": "tool", "name": "web_search"})
    payload = sent(body, Quirks(search_tool="web_search"))
    assert_responses_request(payload)
    assert payload["tools"] == [{"type": "web_search"}]
    assert payload["tool_choice"] == "required"
    assert payload["include"] == [ENCRYPTED, SOURCES]


def test_a_search_keeps_its_domains_and_its_place() -> None:
    place = {"type": "approximate", "city": "Bern", "country": "CH"}
    tool = {**SEARCH, "allowed_domains": ["a.example"], "user_location": place}
    payload = sent(asking(tools=[tool]), Quirks(search_tool="web_search"))
    assert_responses_request(payload)
    assert payload["tools"] == [
        {"type": "web_search", "filters": {"allowed_domains": ["a.example"]}, "user_location": place}
    ]


@pytest.mark.parametrize("place", [{"type": "approximate"}, {"city": "", "country": None}, "Bern"])
def test_a_place_that_says_nothing_is_not_sent(place: object) -> None:
    payload = sent(asking(tools=[{**SEARCH, "user_location": place}]), Quirks(search_tool="web_search"))
    assert payload["tools"] == [{"type": "web_search"}]


def test_what_a_search_does_not_take_is_noted() -> None:
    tool = {**SEARCH, "blocked_domains": ["b.example"]}
    assert outgoing(asking(tools=[tool]), Quirks(search_tool="web_search")).notes == (
        "max_uses of the web search left out: the provider takes no bound",
        "blocked_domains of the web search left out: the provider does not take them",
    )
    preview = outgoing(asking(tools=[{**SEARCH, "allowed_domains": ["a"]}]), Quirks(search_tool="web_search_preview"))
    assert json.loads(preview.body)["tools"] == [{"type": "web_search_preview"}]
    assert preview.notes[1:] == ("allowed_domains of the web search left out: the provider does not take them",)


def test_a_server_tool_that_the_provider_does_not_run_is_left_out_with_a_note() -> None:
    out = outgoing(asking(tools=[BASH, SEARCH, {"type": "code_execution_20250825", "name": "code_execution"}]))
    assert [tool["name"] for tool in json.loads(out.body)["tools"]] == ["Bash"]
    assert out.notes == (
        "the tool web_search (web_search_20250305) left out: the provider does not run it",
        "the tool code_execution (code_execution_20250825) left out: the provider does not run it",
    )


def test_a_demand_for_a_search_that_nobody_runs_cannot_be_taken() -> None:
    with pytest.raises(CannotTake, match="web_search"):
        outgoing(asking(tools=[SEARCH], tool_choice={"type": "tool", "name": "web_search"}))
