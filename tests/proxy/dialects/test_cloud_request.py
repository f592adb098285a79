"""Requests for Claude in the clouds: what each takes, and what is told of the rest."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given

from proxy.dialects.bedrock import Bedrock
from proxy.dialects.dialect import CannotTake, Dialect, Occasion, Outgoing
from proxy.dialects.signatures import sealed
from proxy.dialects.vertex import Vertex
from proxy.protocol.naming import claude_version
from tests.proxy.dialects.conversations import Body, bodies, calls_in, said_in

NEW, OLD = "claude-opus-4-8", "claude-haiku-4-5"
BOTH = pytest.mark.parametrize("dialect", [Bedrock(), Vertex()], ids=["bedrock", "vertex"])
TOOL: Body = {"name": "Bash", "description": "Runs", "input_schema": {"type": "object", "properties": {}}}
CLAUDE_CODES_BETAS = (
    "claude-code-20250219",
    "oauth-2025-04-20",
    "interleaved-thinking-2025-05-14",
    "context-management-2025-06-27",
    "prompt-caching-scope-2026-01-05",
    "advanced-tool-use-2025-11-20",
    "effort-2025-11-24",
)


def sent(dialect: Dialect, model: str = NEW, betas: tuple[str, ...] = (), **fields: Any) -> tuple[Body, Outgoing]:
    body = {"model": "claude-opus-4-8", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}], **fields}
    outgoing = dialect.request(body, Occasion(model=model, message_id="msg_1", betas=betas))
    return json.loads(outgoing.body), outgoing


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


@pytest.mark.parametrize(
    ("dialect", "kept"),
    [
        (Bedrock(), ["context-management-2025-06-27", "tool-search-tool-2025-10-19", "effort-2025-11-24"]),
        (
            Vertex(),
            ["interleaved-thinking-2025-05-14", "context-management-2025-06-27", "tool-search-tool-2025-10-19"],
        ),
    ],
    ids=["bedrock", "vertex"],
)
def test_only_betas_that_the_cloud_knows_go_along_in_the_body(dialect: Dialect, kept: list[str]) -> None:
    payload, outgoing = sent(dialect, betas=CLAUDE_CODES_BETAS)
    assert payload["anthropic_beta"] == kept
    (note,) = outgoing.notes
    assert "oauth-2025-04-20" in note
    assert not any(beta in note for beta in kept)
    assert all(name != b"anthropic-beta" for name, _ in outgoing.headers)


@BOTH
def test_betas_are_split_at_commas_and_told_once(dialect: Dialect) -> None:
    one, two = "context-1m-2025-08-07", "compact-2026-01-12"
    payload, _ = sent(dialect, betas=(f"{one}, {two}", one, ""), anthropic_beta=[two])
    assert payload["anthropic_beta"] == [one, two]


@BOTH
def test_without_any_beta_the_field_is_absent(dialect: Dialect) -> None:
    assert "anthropic_beta" not in sent(dialect)[0]


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


@BOTH
def test_marks_of_the_cache_lose_their_scope_and_keep_their_lifetime(dialect: Dialect) -> None:
    mark = {"type": "ephemeral", "ttl": "1h", "scope": "global"}
    block = {"type": "text", "text": "x", "cache_control": mark}
    payload, _ = sent(
        dialect,
        system=[block],
        tools=[{**TOOL, "cache_control": mark}],
        messages=[{"role": "user", "content": [block]}],
    )
    for place in (payload["system"][0], payload["tools"][0], payload["messages"][0]["content"][0]):
        assert place["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


EDITS: list[Body] = [
    {"type": kind} for kind in ("clear_thinking_20251015", "clear_tool_uses_20250919", "compact_20260112")
]
CONTEXT_BETAS = ("context-management-2025-06-27", "compact-2026-01-12")


def edits_of(payload: Body) -> list[str]:
    return [edit["type"] for edit in payload.get("context_management", {}).get("edits", [])]


def test_context_edits_go_where_they_are_known() -> None:
    bedrock, outgoing = sent(Bedrock(), betas=CONTEXT_BETAS, context_management={"edits": EDITS})
    vertex, _ = sent(Vertex(), betas=CONTEXT_BETAS, context_management={"edits": EDITS})
    assert edits_of(bedrock) == ["clear_tool_uses_20250919", "compact_20260112"]
    assert edits_of(vertex) == [edit["type"] for edit in EDITS]
    assert "clear_thinking_20251015" in outgoing.notes[0]


def test_field_and_beta_go_together_where_no_edit_is_left() -> None:
    payload, _ = sent(Bedrock(), betas=CONTEXT_BETAS[:1], context_management={"edits": EDITS[:1]})
    assert "context_management" not in payload
    assert "anthropic_beta" not in payload


@BOTH
def test_an_edit_without_its_beta_is_left_out(dialect: Dialect) -> None:
    assert "context_management" not in sent(dialect, context_management={"edits": EDITS})[0]


@pytest.mark.parametrize("context", [{}, {"edits": []}, {"edits": None}, {"edits": [1, {}]}, "x", []])
@BOTH
def test_context_management_without_sense_is_left_out(dialect: Dialect, context: Any) -> None:
    assert "context_management" not in sent(dialect, betas=CONTEXT_BETAS, context_management=context)[0]


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


@BOTH
def test_fields_of_tools_that_need_betas_go_with_them(dialect: Dialect) -> None:
    extras = {"strict": True, "input_examples": [], "allowed_callers": [], "custom": {}, "eager_input_streaming": True}
    tool = {**TOOL, **extras, "defer_loading": True, "type": "custom"}
    assert sent(dialect, tools=[tool])[0]["tools"] == [{**TOOL, "type": "custom"}]
    searching, _ = sent(dialect, tools=[tool], betas=("tool-search-tool-2025-10-19",))
    assert searching["tools"] == [{**TOOL, "type": "custom", "defer_loading": True}]


@BOTH
def test_fields_of_tools_that_are_left_out_are_named_once(dialect: Dialect) -> None:
    tools = [{**TOOL, "name": name, "strict": True, "input_examples": [{}], "allowed_callers": []} for name in "ab"]
    _, outgoing = sent(dialect, tools=tools)
    assert outgoing.notes == (
        f"fields of tools that {type(dialect).__name__} does not take left out: strict, input_examples",
    )


ATTRIBUTION = "x-anthropic-billing-header: cc_version=2.1; cch=1;"


@BOTH
@pytest.mark.parametrize(
    ("system", "left"),
    [
        ([{"type": "text", "text": ATTRIBUTION}, {"type": "text", "text": "You"}], [{"type": "text", "text": "You"}]),
        ([{"type": "text", "text": f"{ATTRIBUTION}\nYou"}], [{"type": "text", "text": "You"}]),
        (f"{ATTRIBUTION}\n\nYou", "You"),
        ([{"type": "text", "text": ATTRIBUTION}], None),
        (ATTRIBUTION, None),
        ([{"type": "text", "text": f"See {ATTRIBUTION}"}], [{"type": "text", "text": f"See {ATTRIBUTION}"}]),
    ],
)
def test_the_clients_line_about_itself_stays_behind(dialect: Dialect, system: Any, left: Any) -> None:
    payload, outgoing = sent(dialect, system=system)
    assert (payload.get("system"), outgoing.notes) == (left, ())


@BOTH
def test_a_mark_inside_a_tools_result_loses_its_scope_too(dialect: Dialect) -> None:
    mark = {"type": "ephemeral", "scope": "global"}
    inside = {"type": "text", "text": "x", "cache_control": mark}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [inside], "cache_control": mark}
    payload, _ = sent(dialect, messages=[{"role": "user", "content": [result]}])
    assert "scope" not in json.dumps(payload)
    assert payload["messages"][0]["content"][0]["content"][0]["cache_control"] == {"type": "ephemeral"}


def test_fine_grained_streaming_is_bedrocks() -> None:
    tool, betas = {**TOOL, "eager_input_streaming": True}, ("fine-grained-tool-streaming-2025-05-14",)
    assert sent(Bedrock(), tools=[tool], betas=betas)[0]["tools"] == [tool]
    assert sent(Vertex(), tools=[tool], betas=betas)[0]["tools"] == [TOOL]


SEARCH: Body = {"type": "web_search_20250305", "name": "web_search"}


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
def test_thinking_that_claude_did_not_sign_is_left_out(dialect: Dialect) -> None:
    own = {"type": "thinking", "thinking": "hm", "signature": "EqoB"}
    foreign = [
        {"type": "thinking", "thinking": "x", "signature": sealed("gemini", "abc")},
        {"type": "thinking", "thinking": "x", "signature": ""},
        {"type": "redacted_thinking", "data": sealed("openai-responses", "abc")},
    ]
    text = {"type": "text", "text": "so"}
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [own, *foreign, text]},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": foreign},
        {"role": "user", "content": "c"},
    ]
    payload, outgoing = sent(dialect, messages=messages)
    assert [message["content"] for message in payload["messages"]] == ["a", [own, text], "b", "c"]
    assert outgoing.notes == ("thinking of another provider left out (×6)",)


RESULT: Body = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "done"}
CONVERSATION: list[Body] = [
    {"role": "user", "content": "go"},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}}]},
    {"role": "system", "content": "Mind the time."},
    {"role": "user", "content": [RESULT]},
]
REMINDER: Body = {"type": "text", "text": "<system-reminder>\nMind the time.\n</system-reminder>"}


@BOTH
def test_system_messages_in_the_middle_stay_for_models_that_know_them(dialect: Dialect) -> None:
    assert sent(dialect, messages=CONVERSATION)[0]["messages"] == CONVERSATION


@BOTH
def test_for_older_models_they_are_reminders_that_never_part_a_call_from_its_result(dialect: Dialect) -> None:
    payload, outgoing = sent(dialect, OLD, messages=CONVERSATION)
    assert payload["messages"][2:] == [{"role": "user", "content": [RESULT, REMINDER]}]
    assert "reminders" in outgoing.notes[0]


@BOTH
def test_a_reminder_at_the_end_or_before_an_answer_is_a_message_of_its_own(dialect: Dialect) -> None:
    middle: list[Body] = [{"role": "system", "content": [{"type": "text", "text": "Mind the time."}]}]
    messages = [{"role": "user", "content": "a"}, *middle, {"role": "assistant", "content": "b"}, *middle]
    roles = [message["role"] for message in sent(dialect, OLD, messages=messages)[0]["messages"]]
    assert roles == ["user", "user", "assistant", "user"]


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
    ("dialect", "body", "count"),
    [
        (Bedrock(), b'{"inputTokens": 12}', 12),
        (Bedrock(), b'{"message": "no"}', None),
        (Vertex(), b'{"input_tokens": 12}', 12),
        (Vertex(), b"no json", None),
    ],
)
def test_a_count_is_read(dialect: Dialect, body: bytes, count: int | None) -> None:
    assert dialect.read_count(body) == count


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (403, "AccessDeniedException", "permission_error"),
        (403, "ExpiredTokenException", "authentication_error"),
        (400, "ValidationException:http://internal.amazon.com/coral/", "invalid_request_error"),
        (429, "ThrottlingException", "rate_limit_error"),
        (408, "ModelTimeoutException", "timeout_error"),
        (429, "ModelNotReadyException", "overloaded_error"),
        (503, "ServiceUnavailableException", "overloaded_error"),
        (424, "ModelErrorException", "api_error"),
        (400, "ServiceQuotaExceededException", "rate_limit_error"),
        (404, "ResourceNotFoundException", "not_found_error"),
        (500, "InternalServerException", "api_error"),
    ],
)
def test_awss_errors_are_told_in_anthropics_words(status: int, word: str, kind: str) -> None:
    complaint = Bedrock().complaint(status, {"x-amzn-errortype": word}, b'{"message": "the words"}')
    assert (complaint.kind, complaint.message) == (kind, "the words")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "The provided model identifier is invalid."),
        (400, "Invocation of model ID m with on-demand throughput isn\u2019t supported. Retry your request."),
        (403, "You don't have access to the model with the specified model ID."),
        (400, "The provided model doesn't support counting tokens."),
    ],
)
def test_what_awss_says_of_the_model_alone_is_no_fault_of_the_request(status: int, words: str) -> None:
    complaint = Bedrock().complaint(status, {}, json.dumps({"message": words}).encode())
    assert (complaint.kind, complaint.message) == ("not_found_error", words)


def test_vertexs_errors_may_be_googles_or_anthropics() -> None:
    google = b'[{"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}]'
    own = b'{"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}'
    assert Vertex().complaint(429, {}, google).kind == "rate_limit_error"
    assert Vertex().complaint(400, {}, own).message == "no"


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


def past_work(name: str, number: int = 1) -> list[Body]:
    """A call of a server's tool and its result."""
    tool_id = f"srvtoolu_{number}"
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Words."}}
    page = {"type": "web_fetch_result", "url": "https://a.example.com/", "content": document}
    content: Any = page if name == "web_fetch" else [{"title": "A", "url": "https://a.example.com/"}]
    return [
        {"type": "server_tool_use", "id": tool_id, "name": name, "input": {"q": "x"}},
        {
            "type": f"{name}_tool_result",
            "tool_use_id": tool_id,
            "content": content,
            "cache_control": {"type": "ephemeral"},
        },
    ]


@pytest.mark.parametrize(("dialect", "kept"), [(Bedrock(), []), (Vertex(), ["web_search"])], ids=["bedrock", "vertex"])
def test_past_work_of_tools_that_a_cloud_has_none_of_is_told_as_text(dialect: Dialect, kept: list[str]) -> None:
    said = [*past_work("web_search"), *past_work("web_fetch", 2), {"type": "text", "text": "So."}]
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": said}]
    payload, outgoing = sent(dialect, messages=[*messages, {"role": "user", "content": "and?"}])
    blocks = payload["messages"][1]["content"]
    assert [block["name"] for block in blocks if block["type"] == "server_tool_use"] == kept
    assert blocks[-2]["text"] == "[results] https://a.example.com/\nWords.\n[end of results]"
    assert blocks[-2]["cache_control"] == {"type": "ephemeral"}
    assert f"past work of server tools told as text (×{4 - 2 * len(kept)})" in outgoing.notes


@BOTH
def test_past_work_of_an_mcp_server_s_tool_is_told_as_text(dialect: Dialect) -> None:
    said = [
        {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "find", "server_name": "shop", "input": {"q": "x"}},
        {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "content": [{"type": "text", "text": "found"}]},
    ]
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": said}]
    told = sent(dialect, messages=messages)[0]["messages"][1]["content"]
    assert [block["type"] for block in told] == ["text", "text"]
    assert told[0]["text"] == '[find: {"q":"x"}]'
    assert "found" in told[1]["text"]


@BOTH
def test_a_result_whose_call_is_gone_is_told_as_text(dialect: Dialect) -> None:
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": past_work("tool_search_tool")[1:]}]
    told = sent(dialect, messages=messages)[0]["messages"][1]["content"]
    assert [block["type"] for block in told] == ["text"]


@BOTH
def test_past_work_of_a_tool_that_a_cloud_runs_stays(dialect: Dialect) -> None:
    said = past_work("tool_search_tool_regex")
    said[1]["type"] = "tool_search_tool_result"
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": said}]
    assert sent(dialect, messages=messages)[0]["messages"] == messages
