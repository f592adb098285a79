"""Requests for Claude in the clouds: what each takes, and what is told of the rest."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given

from proxy.dialects.bedrock import Bedrock
from proxy.dialects.dialect import CannotTake, Dialect, Occasion, Outgoing
from proxy.dialects.vertex import Vertex
from proxy.protocol.naming import claude_version
from tests.proxy.dialects.cloud_requests import BOTH, NEW, OLD, SEARCH, TOOL, sent
from tests.proxy.dialects.conversations import Body, bodies, calls_in, said_in

KNOWN = (
    *("anthropic_version", "anthropic_beta", "messages", "max_tokens", "system", "stop_sequences", "temperature"),
    *(
        "top_p",
        "top_k",
        "tools",
        "tool_choice",
        "thinking",
        "metadata",
        "output_config",
        "context_management",
        "stream",
    ),
)


@BOTH
@given(body=bodies())
def test_nothing_of_a_conversation_is_lost(dialect: Dialect, body: Body) -> None:
    payload = json.loads(dialect.request(body, Occasion(model=NEW, message_id="msg_1")).body)
    assert set(payload) <= set(KNOWN)
    assert said_in(payload | {"system": body.get("system", [])}) == said_in(body)
    assert calls_in(payload) == calls_in(body)


@BOTH
def test_a_plain_request_keeps_its_values(dialect: Dialect) -> None:
    fields: Body = {"system": "Be short.", "temperature": 1, "tools": [TOOL], "tool_choice": {"type": "auto"}}
    payload, outgoing = sent(dialect, **fields)
    assert {name: payload[name] for name in fields} == fields
    assert "model" not in payload
    assert outgoing.notes == ()


@pytest.mark.parametrize(
    ("model", "stream", "path"),
    [
        (
            "us.anthropic.claude-opus-4-8-v1:0",
            True,
            "/model/us.anthropic.claude-opus-4-8-v1:0/invoke-with-response-stream",
        ),
        ("us.anthropic.claude-opus-4-8-v1:0", False, "/model/us.anthropic.claude-opus-4-8-v1:0/invoke"),
        ("global.anthropic.claude-sonnet-5[1m]", False, "/model/global.anthropic.claude-sonnet-5/invoke"),
        (
            "arn:aws:bedrock:eu-west-1:1:application-inference-profile/abc",
            False,
            "/model/arn:aws:bedrock:eu-west-1:1:application-inference-profile%2Fabc/invoke",
        ),
    ],
)
def test_bedrock_has_model_and_stream_in_the_path(model: str, stream: bool, path: str) -> None:
    payload, outgoing = sent(Bedrock(), model, stream=stream)
    assert outgoing.path == path
    assert payload["anthropic_version"] == "bedrock-2023-05-31"
    assert "stream" not in payload


@pytest.mark.parametrize(
    ("stream", "path"),
    [(True, "/claude-opus-4-8@20260101:streamRawPredict"), (False, "/claude-opus-4-8@20260101:rawPredict")],
)
def test_vertex_has_the_model_in_the_path_and_keeps_stream(stream: bool, path: str) -> None:
    payload, outgoing = sent(Vertex(), "claude-opus-4-8@20260101", stream=stream)
    assert outgoing.path == path
    assert payload["anthropic_version"] == "vertex-2023-10-16"
    assert payload.get("stream", False) is stream


def test_vertex_answers_in_anthropics_format_already() -> None:
    dialect: Dialect = Vertex()
    assert dialect.reader(Outgoing("", b""), Occasion(model=NEW, message_id="msg_1")) is None


@BOTH
@pytest.mark.parametrize("name", ["container", "mcp_servers", "service_tier", "speed", "cache_control", "of_tomorrow"])
def test_fields_that_the_cloud_refuses_are_left_out_and_told(dialect: Dialect, name: str) -> None:
    field: Body = {name: {"type": "x"}}
    payload, outgoing = sent(dialect, **field)
    assert name not in payload
    assert name in outgoing.notes[0]


@BOTH
def test_of_metadata_only_the_user_stays(dialect: Dialect) -> None:
    assert sent(dialect, metadata={"user_id": "u", "extra": 1})[0]["metadata"] == {"user_id": "u"}


@pytest.mark.parametrize(
    ("model", "kept"),
    [(NEW, True), ("claude-sonnet-4-6", True), ("claude-opus-4-5", True), (OLD, False), ("arn:aws:bedrock:x/y", True)],
)
@BOTH
def test_effort_goes_to_models_that_know_it(dialect: Dialect, model: str, kept: bool) -> None:
    payload, outgoing = sent(dialect, model, output_config={"effort": "high"})
    assert ("output_config" in payload) is kept
    assert ("effort" in " ".join(outgoing.notes)) is not kept


SCHEMA: Body = {"type": "object", "properties": {"title": {"type": "string"}}}
FORMAT: Body = {"type": "json_schema", "schema": SCHEMA}


@pytest.mark.parametrize("fields", [{"output_config": {"format": FORMAT}}, {"output_format": FORMAT}])
@pytest.mark.parametrize(("dialect", "model"), [(Bedrock(), OLD), (Vertex(), OLD), (Vertex(), NEW)])
def test_a_schema_is_enforced_where_the_model_can(dialect: Dialect, model: str, fields: Body) -> None:
    payload, _ = sent(dialect, model, **fields)
    assert payload["output_config"] == {"format": FORMAT}
    assert "output_format" not in payload


@pytest.mark.parametrize("system", [None, "Be short.", [{"type": "text", "text": "Be short."}]])
def test_a_schema_is_told_in_words_where_it_is_not_enforced(system: Any) -> None:
    payload, outgoing = sent(Bedrock(), NEW, system=system, output_config={"format": FORMAT})
    assert "output_config" not in payload
    assert '"title"' in payload["system"][-1]["text"]
    assert len(payload["system"]) == (1 if system is None else 2)
    assert "instruction" in outgoing.notes[0]


@BOTH
def test_a_task_budget_is_left_out(dialect: Dialect) -> None:
    payload, outgoing = sent(dialect, output_config={"task_budget": {"total": 1}})
    assert "output_config" not in payload
    assert "task_budget" in outgoing.notes[0]


def test_web_search_goes_to_vertex_with_its_beta() -> None:
    payload, _ = sent(Vertex(), tools=[SEARCH], tool_choice={"type": "tool", "name": "web_search"})
    assert (payload["tools"], payload["anthropic_beta"]) == ([SEARCH], ["web-search-2025-03-05"])
    assert payload["tool_choice"]["name"] == "web_search"


def test_web_search_is_left_out_for_bedrock_and_so_is_the_demand_for_it() -> None:
    payload, outgoing = sent(Bedrock(), tools=[SEARCH, TOOL], tool_choice={"type": "tool", "name": "web_search"})
    assert payload["tools"] == [TOOL]
    assert "tool_choice" not in payload
    assert "web_search_20250305" in outgoing.notes[0]
    assert outgoing.notes[1] == "tool_choice left to the model: the tool web_search is not sent"


@BOTH
@pytest.mark.parametrize("kind", ["web_fetch_20250910", "code_execution_20250825", "mcp_toolset", "advisor_20260301"])
def test_other_tools_of_anthropics_servers_are_left_out(dialect: Dialect, kind: str) -> None:
    payload, outgoing = sent(dialect, tools=[{"type": kind, "name": "x"}], tool_choice={"type": "auto"})
    assert "tools" not in payload
    assert "tool_choice" not in payload
    assert kind in outgoing.notes[0]


@BOTH
@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "x"}])
def test_a_demand_that_no_tool_can_meet_is_not_sent(dialect: Dialect, choice: Body) -> None:
    body = {"messages": [], "tools": [{"type": "web_fetch_20250910", "name": "x"}], "tool_choice": choice}
    with pytest.raises(CannotTake, match="demands web_fetch_20250910, which"):
        dialect.request(body, Occasion(model=NEW, message_id="m"))
    assert dialect.count_request(body, Occasion(model=NEW, message_id="m")) is not None


@BOTH
def test_typed_tools_of_the_client_stay_as_they_are(dialect: Dialect) -> None:
    tool = {"type": "bash_20250124", "name": "bash"}
    assert sent(dialect, tools=[tool])[0]["tools"] == [tool]


@BOTH
@pytest.mark.parametrize(
    "fields",
    [
        {"messages": "x"},
        {"messages": [1, None, {}, {"role": "system"}, {"role": "user", "content": [1]}]},
        {"tools": [1, None], "tool_choice": []},
        {"tools": [{"name": []}, {"name": {}}], "tool_choice": {"type": "tool", "name": []}},
        {"tools": "x", "system": 5, "metadata": [], "output_config": "x", "output_format": 3},
        {"anthropic_beta": "x", "context_management": {"edits": [[]]}},
    ],
)
def test_a_body_without_sense_is_sent_for_the_cloud_to_refuse(dialect: Dialect, fields: Body) -> None:
    assert sent(dialect, OLD, **fields)[1].body


def test_bedrock_counts_with_the_bare_model() -> None:
    body = {"messages": [{"role": "user", "content": "hi"}], "system": "x", "stream": True, "temperature": 1}
    outgoing = Bedrock().count_request(
        body, Occasion(model="eu.anthropic.claude-haiku-4-5-20251001-v1:0", message_id="m")
    )
    assert outgoing is not None
    assert outgoing.path == "/model/anthropic.claude-haiku-4-5-20251001-v1:0/count-tokens"
    told = json.loads(base64.b64decode(json.loads(outgoing.body)["input"]["invokeModel"]["body"]))
    assert told == {
        "max_tokens": 1,
        "anthropic_version": "bedrock-2023-05-31",
        "messages": body["messages"],
        "system": "x",
    }


def test_bedrock_counts_thinking_with_room_for_it() -> None:
    body = {"messages": [], "thinking": {"type": "enabled", "budget_tokens": 1024}}
    outgoing = Bedrock().count_request(body, Occasion(model=OLD, message_id="m"))
    assert outgoing is not None
    told = json.loads(base64.b64decode(json.loads(outgoing.body)["input"]["invokeModel"]["body"]))
    assert told["max_tokens"] > told["thinking"]["budget_tokens"]


def test_bedrock_counts_for_no_profile() -> None:
    assert Bedrock().count_request({"messages": []}, Occasion(model="arn:aws:bedrock:r:1:x/y", message_id="m")) is None


def test_vertex_counts_without_betas_and_server_tools() -> None:
    body = {"messages": [], "tools": [SEARCH, {**TOOL, "defer_loading": True}], "max_tokens": 9, "stream": True}
    outgoing = Vertex().count_request(body, Occasion(model=NEW, message_id="m", betas=("web-search-2025-03-05",)))
    assert outgoing is not None
    assert outgoing.path == "/count-tokens:rawPredict"
    assert json.loads(outgoing.body) == {
        "model": NEW,
        "anthropic_version": "vertex-2023-10-16",
        "messages": [],
        "tools": [TOOL],
    }


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("us.anthropic.claude-opus-4-8-v1:0", (4, 8)),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", (4, 5)),
        ("claude-opus-4-20250514", (4, 0)),
        ("claude-sonnet-5@20260801", (5, 0)),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", (3, 5)),
        ("claude-opus-5-5", (5, 5)),
        ("claude-mythos-preview", None),
        ("arn:aws:bedrock:eu-west-1:1:application-inference-profile/abc", None),
    ],
)
def test_the_version_stands_in_the_id(model: str, version: tuple[int, int] | None) -> None:
    assert claude_version(model) == version
