"""Requests in Gemini's format: Google's own types are the judge of their form."""

import json
from itertools import pairwise
from typing import Any

import pytest
from google.genai import types
from hypothesis import given, settings

from proxy.dialects.dialect import CannotTake, Occasion, Outgoing
from proxy.dialects.gemini import Gemini
from proxy.dialects.gemini_marks import SKIP_SIGNATURE, client_id, signature_payload
from proxy.dialects.page_filter import PageFilter
from proxy.dialects.quirks import Quirks
from proxy.dialects.signatures import sealed
from proxy.dialects.turns import NO_RESULT
from tests.proxy.dialects.conversations import PDF, PNG, Body, bodies, calls_in, said_in, text_block

MODEL = "gemini-3.1-pro-preview"
OLDER = "gemini-2.5-pro"
BASH: Body = {"name": "Bash", "description": "Runs", "input_schema": {"properties": {"command": {"type": "string"}}}}
SEARCH: Body = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}


def occasion(model: str = MODEL, **settings: Any) -> Occasion:
    return Occasion(model=model, message_id="msg_1", **settings)


def quirky(**quirks: Any) -> Occasion:
    return occasion(quirks=Quirks(**quirks))


def sent(body: Body, at: Occasion | None = None) -> tuple[dict[str, Any], Outgoing]:
    outgoing = Gemini().request({"model": "claude-opus-4-8", **body}, at or occasion())
    return json.loads(outgoing.body), outgoing


def asked(*content: Any, **fields: Any) -> Body:
    return {"messages": [{"role": "user", "content": list(content) or "hi"}], **fields}


def called(*calls: Body, results: list[Body] | None = None, before: tuple[Body, ...] = ()) -> Body:
    """A conversation in which ``calls`` were made and answered."""
    answered = [{"type": "tool_result", "tool_use_id": call["id"], "content": f"done {call['id']}"} for call in calls]
    return {
        "tools": [BASH],
        "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": [*before, *calls]},
            {"role": "user", "content": answered if results is None else results},
        ],
    }


def call(call_id: str = "toolu_1", name: str = "Bash", **given: Any) -> Body:
    return {"type": "tool_use", "id": call_id, "name": name, "input": given}


def thought(model: str, signature: str, text: str = "") -> Body:
    return {"type": "thinking", "thinking": text, "signature": sealed("gemini", signature_payload(model, signature))}


def judged(payload: dict[str, Any]) -> None:
    """Every field is one that Google's types know, with a value of its kind."""
    assert set(payload) <= {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig"}
    for content in [*payload["contents"], *([payload["systemInstruction"]] if "systemInstruction" in payload else [])]:
        types.Content.model_validate(content)
    for tool in payload.get("tools", []):
        types.Tool.model_validate(tool)
    types.ToolConfig.model_validate(payload.get("toolConfig", {}))
    types.GenerationConfig.model_validate(payload.get("generationConfig", {}))


@settings(max_examples=150)
@given(bodies())
def test_every_request_is_one_of_googles_own_types(body: Body) -> None:
    for at in (occasion(), occasion(OLDER), quirky(plain_schemas=True)):
        judged(sent(body, at)[0])


@given(bodies())
def test_turns_alternate_and_begin_and_end_with_the_user(body: Body) -> None:
    roles = [content["role"] for content in sent(body)[0]["contents"]]
    assert roles == ["user", "model"] * (len(roles) // 2) + ["user"]


@given(bodies())
def test_each_call_has_one_response_of_its_name_in_the_next_turn(body: Body) -> None:
    contents = sent(body)[0]["contents"]
    for first, second in pairwise(contents):
        calls = [part["functionCall"]["name"] for part in first["parts"] if "functionCall" in part]
        responses = [part["functionResponse"]["name"] for part in second["parts"] if "functionResponse" in part]
        assert calls == responses


@given(bodies(orphans=False))
def test_texts_names_and_arguments_survive_the_way_there(body: Body) -> None:
    payload, outgoing = sent(body)
    told = [part for content in payload["contents"] for part in content["parts"]]
    calls = [part["functionCall"] for part in told if "functionCall" in part]
    assert [(outgoing.names.own(each["name"]), each["args"]) for each in calls] == [
        (each["name"], each["input"]) for each in calls_in(body)
    ]
    text = json.dumps(payload, ensure_ascii=False)
    assert all(json.dumps(said, ensure_ascii=False)[1:-1] in text for said in said_in(body))


def test_sampling_that_is_not_taken_is_left_out_and_told() -> None:
    asked = {"temperature": 0.5, "top_p": 0.9, "top_k": 5, "messages": [{"role": "user", "content": "hi"}]}
    payload, outgoing = sent(asked, quirky(sampling=False))
    assert "generationConfig" not in payload
    assert outgoing.notes == tuple(
        f"{name} left out: the provider does not take it" for name in ("temperature", "top_p", "top_k")
    )


@given(bodies())
def test_the_same_body_gives_the_same_bytes(body: Body) -> None:
    assert Gemini().request(body, occasion()).body == Gemini().request(body, occasion()).body


@pytest.mark.parametrize(
    ("model", "stream", "path"),
    [
        ("gemini-3.1-pro-preview", True, "/models/gemini-3.1-pro-preview:streamGenerateContent?alt=sse"),
        ("gemini-3.1-pro-preview", False, "/models/gemini-3.1-pro-preview:generateContent"),
        ("models/gemini-2.5-pro", False, "/models/gemini-2.5-pro:generateContent"),
        ("gemini-2.5-pro[1m]", False, "/models/gemini-2.5-pro:generateContent"),
        ("a/../b?c", False, "/models/a%2F..%2Fb%3Fc:generateContent"),
    ],
)
def test_the_path_names_model_and_action(model: str, stream: bool, path: str) -> None:
    assert sent(asked(stream=stream), occasion(model))[1].path == path


@pytest.mark.parametrize("model", ["", "..", "models/"])
def test_a_name_that_is_none_cannot_be_taken(model: str) -> None:
    with pytest.raises(CannotTake, match="names no model"):
        sent(asked(), occasion(model))


def test_the_system_prompt_stands_outside_the_conversation() -> None:
    payload, _ = sent(asked(system=[text_block("Be short."), text_block("Be kind.")]))
    assert payload["systemInstruction"] == {"parts": [{"text": "Be short."}, {"text": "Be kind."}]}


def test_images_and_pdf_files_go_inline() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": PNG}}
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}}
    parts = sent(asked(image, pdf))[0]["contents"][0]["parts"]
    assert parts == [
        {"inlineData": {"mimeType": "image/webp", "data": PNG}},
        {"inlineData": {"mimeType": "application/pdf", "data": PDF}},
    ]


def test_an_image_behind_an_address_goes_as_a_file_of_the_type_that_its_name_says() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://example.com/a/b.jpg?size=2"}}
    (part,) = sent(asked(image))[0]["contents"][0]["parts"]
    assert part == {"fileData": {"fileUri": "https://example.com/a/b.jpg?size=2", "mimeType": "image/jpeg"}}


def test_an_image_of_a_type_that_gemini_does_not_read_is_told_in_words() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": PNG}}
    payload, outgoing = sent(asked(image))
    assert "image/gif" in payload["contents"][0]["parts"][0]["text"]
    assert "image/gif" in outgoing.notes[0]


def test_a_model_without_eyes_gets_words_for_an_image() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    payload, outgoing = sent(asked(image), occasion(images=False))
    assert payload["contents"][0]["parts"] == [{"text": "[an image, left out: the model reads none]"}]
    assert outgoing.notes == ("an image left out: the model reads none",)


def test_a_result_names_the_tool_that_was_called() -> None:
    payload, _ = sent(called(call(command="ls")))
    assert payload["contents"][1]["parts"][0]["functionCall"] == {"name": "Bash", "args": {"command": "ls"}}
    assert payload["contents"][2]["parts"] == [
        {"functionResponse": {"name": "Bash", "response": {"output": "done toolu_1"}}}
    ]


def test_a_failed_result_is_an_error() -> None:
    failed = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "no such file", "is_error": True}
    part = sent(called(call(), results=[failed]))[0]["contents"][2]["parts"][0]
    assert part["functionResponse"]["response"] == {"error": "no such file"}


def test_a_result_without_content_says_so() -> None:
    part = sent(called(call(), results=[{"type": "tool_result", "tool_use_id": "toolu_1"}]))[0]["contents"][2]["parts"][
        0
    ]
    assert part["functionResponse"]["response"] == {"output": "(no output)"}


def test_a_call_without_a_result_gets_one() -> None:
    part = sent(called(call(), results=[text_block("never mind")]))[0]["contents"][2]["parts"][0]
    assert part["functionResponse"]["response"] == {"error": NO_RESULT}


IMAGE_RESULT: Body = {
    "type": "tool_result",
    "tool_use_id": "toolu_1",
    "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}],
}


def test_an_image_in_a_result_stays_in_it_from_gemini_3_on() -> None:
    (part,) = sent(called(call(), results=[IMAGE_RESULT]))[0]["contents"][2]["parts"]
    assert part["functionResponse"]["parts"] == [{"inlineData": {"mimeType": "image/png", "data": PNG}}]
    assert part["functionResponse"]["response"] == {"output": "(see the files)"}


def test_an_image_in_a_result_stands_beside_all_results_before_gemini_3() -> None:
    body = called(call(), call("toolu_2"), results=[IMAGE_RESULT, {**IMAGE_RESULT, "tool_use_id": "toolu_2"}])
    parts = sent(body, occasion(OLDER))[0]["contents"][2]["parts"]
    assert [next(iter(part)) for part in parts] == [
        *("functionResponse", "functionResponse"),
        *("text", "inlineData", "text", "inlineData"),
    ]


def test_a_thought_signature_returns_with_its_call() -> None:
    body = called(call(), before=(thought(MODEL, "c2lnbmVk"),))
    assert sent(body)[0]["contents"][1]["parts"] == [
        {"functionCall": {"name": "Bash", "args": {}}, "thoughtSignature": "c2lnbmVk"}
    ]


def test_thinking_itself_never_returns() -> None:
    body = called(call(), before=(thought(MODEL, "c2lnbmVk", "secret plan"),))
    assert "secret plan" not in json.dumps(sent(body)[0])


def test_each_step_returns_its_own_signature() -> None:
    first = called(call("toolu_1"), before=(thought(MODEL, "b25l"),))
    second = called(call("toolu_2"), before=(text_block("next"), thought(MODEL, "dHdv")))
    payload, _ = sent({**first, "messages": [*first["messages"], *second["messages"][1:]]})
    signatures = [part.get("thoughtSignature") for content in payload["contents"] for part in content["parts"]]
    assert [each for each in signatures if each] == ["b25l", "dHdv"]


def test_of_parallel_calls_only_the_first_is_signed() -> None:
    body = called(call("toolu_1"), call("toolu_2"), before=(thought(MODEL, "b25l"),))
    parts = sent(body)[0]["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == ["b25l", None]


@pytest.mark.parametrize(
    "before",
    [
        (),
        ({"type": "thinking", "thinking": "hm", "signature": "signed-by-claude"},),
        ({"type": "thinking", "thinking": "hm", "signature": sealed("openai-chat", "b25l")},),
        ({"type": "thinking", "thinking": "hm", "signature": sealed("gemini", "0123456789abcdef01234567")},),
        (thought("gemini-2.5-flash", "b25l"),),
    ],
    ids=["unsigned", "Claude's", "another dialect's", "thinking without a call", "another model's"],
)
def test_a_call_that_the_model_did_not_sign_gets_googles_own_stand_in(before: tuple[Body, ...]) -> None:
    parts = sent(called(call("toolu_1"), call("toolu_2"), before=before))[0]["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [SKIP_SIGNATURE, None]


def test_a_server_that_checks_no_signatures_gets_no_stand_in() -> None:
    parts = sent(called(call()), quirky(signed_calls=False))[0]["contents"][1]["parts"]
    assert "thoughtSignature" not in parts[0]


def test_an_id_that_gemini_gave_returns_with_call_and_result() -> None:
    own = client_id("abc123", "msg_0", 0)
    contents = sent(called(call(own)))[0]["contents"]
    assert contents[1]["parts"][0]["functionCall"]["id"] == "abc123"
    assert contents[2]["parts"][0]["functionResponse"]["id"] == "abc123"


@pytest.mark.parametrize("given", [None, "", 7, "ünlawful", "x" * 41, "toolu_from_claude_itself!"])
def test_an_id_that_was_made_up_stays_at_home(given: object) -> None:
    text = json.dumps(sent(called(call(client_id(given, "msg_0", 0))))[0])
    assert '"id"' not in text


def test_an_answer_that_the_client_began_is_asked_for_in_words() -> None:
    body = {"messages": [{"role": "user", "content": "a list"}, {"role": "assistant", "content": "1."}]}
    payload, outgoing = sent(body)
    assert payload["contents"][-1] == {"role": "user", "parts": [{"text": "(Go on.)"}]}
    assert "Gemini continues none" in outgoing.notes[0]


def test_an_assistants_turn_of_thinking_alone_is_left_out() -> None:
    body = {
        "messages": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}]},
            {"role": "user", "content": "two"},
        ]
    }
    assert sent(body)[0]["contents"] == [{"role": "user", "parts": [{"text": "one"}, {"text": "two"}]}]


def declared(schema: Body, at: Occasion | None = None) -> dict[str, Any]:
    payload, _ = sent(asked(tools=[{"name": "t", "description": "d", "input_schema": schema}]), at)
    function: dict[str, Any] = payload["tools"][0]["functionDeclarations"][0]
    return function


def test_a_tool_keeps_unions_closed_objects_and_numbers() -> None:
    schema: Body = {
        "type": "object",
        "properties": {"n": {"type": ["integer", "null"]}, "m": {"enum": [1, 2]}, "u": {"anyOf": [{"type": "string"}]}},
        "additionalProperties": False,
        "required": ["n"],
    }
    assert declared(schema)["parametersJsonSchema"] == schema


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"$ref": "#/$defs/p"}, {"type": "object", "properties": {"x": {"type": "number"}}}),
        ({"const": "a"}, {"enum": ["a"]}),
        ({"oneOf": [{"type": "string"}]}, {"anyOf": [{"type": "string"}]}),
        ({"allOf": [{"type": "string"}]}, {"type": "string"}),
        ({"type": "array"}, {"type": "array", "items": {}}),
        ({"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "description": "(exclusiveMinimum: 0)"}),
        ({"type": "array", "uniqueItems": True}, {"type": "array", "items": {}, "description": "(uniqueItems: true)"}),
        ({"type": "string", "format": "uri"}, {"type": "string", "description": '(format: "uri")'}),
        ({"type": "object", "propertyNames": {"pattern": "^a"}}, {"type": "object"}),
        ({"type": "object", "patternProperties": {"^a": {}}}, {"type": "object"}),
        ({"if": {}, "then": {}, "else": {}, "not": {}, "type": "string"}, {"type": "string"}),
        ({"$comment": "x", "enumDescriptions": ["y"], "type": "string"}, {"type": "string"}),
    ],
)  # fmt: skip
def test_what_googles_schemas_lack_is_respelled_or_told_in_words(given: Body, meant: Body) -> None:
    defs = {"p": {"type": "object", "properties": {"x": {"type": "number"}}}}
    function = declared({"type": "object", "properties": {"v": given}, "$defs": defs, "$schema": "x"})
    assert function["parametersJsonSchema"] == {"type": "object", "properties": {"v": meant}}


def test_a_property_called_like_a_keyword_is_a_property() -> None:
    properties: Body = {name: {"type": "string"} for name in ("title", "format", "const", "pattern", "$ref", "not")}
    assert declared({"type": "object", "properties": properties})["parametersJsonSchema"]["properties"] == properties


def test_a_tool_without_parameters_has_no_schema() -> None:
    assert declared({"type": "object", "properties": {}}) == {"name": "t", "description": "d"}


def test_a_server_that_knows_openapi_only_gets_that() -> None:
    schema: Body = {
        "type": "object",
        "properties": {
            "n": {"type": ["integer", "null"]},
            "m": {"enum": [1, 2]},
            "o": {"type": "object", "additionalProperties": False, "properties": {"a": {}}},
        },
        "required": ["n", "absent"],
    }
    assert declared(schema, quirky(plain_schemas=True))["parameters"] == {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "nullable": True},
            "m": {"type": "string", "description": "(enum: [1,2])"},
            "o": {"type": "object", "properties": {"a": {"type": "string"}}},
        },
        "required": ["n"],
    }


@pytest.mark.parametrize("name", ["mcp__" + "x" * 80, "a.b/c", "9lives", "-dash"])
def test_names_become_legal_and_are_mapped_back(name: str) -> None:
    payload, outgoing = sent(asked(tools=[{**BASH, "name": name}]))
    legal = payload["tools"][0]["functionDeclarations"][0]["name"]
    assert len(legal) <= 64
    assert legal[0].isalpha() or legal[0] == "_"
    assert outgoing.names.own(legal) == name


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ({"type": "auto"}, None),
        ({"type": "any"}, {"mode": "ANY"}),
        ({"type": "none"}, {"mode": "NONE"}),
        ({"type": "tool", "name": "Bash"}, {"mode": "ANY", "allowedFunctionNames": ["Bash"]}),
    ],
)
def test_the_choice_of_tools_is_told(choice: Body, config: Body | None) -> None:
    payload, _ = sent(asked(tools=[BASH], tool_choice=choice))
    assert payload.get("toolConfig", {}).get("functionCallingConfig") == config


def test_a_demand_for_a_tool_that_is_not_sent_is_left_to_the_model() -> None:
    payload, outgoing = sent(asked(tools=[BASH, SEARCH], tool_choice={"type": "tool", "name": "web_search"}))
    assert "toolConfig" not in payload
    assert "the tool web_search is not sent" in " ".join(outgoing.notes)


def test_without_tools_nothing_is_said_of_tools() -> None:
    payload, _ = sent(asked(tool_choice={"type": "any"}))
    assert set(payload) == {"contents"}


def test_web_search_becomes_googles_own() -> None:
    payload, outgoing = sent(
        asked(tools=[SEARCH], tool_choice={"type": "tool", "name": "web_search"}), quirky(search_tool="google_search")
    )
    assert payload["tools"] == [{"googleSearch": {}}]
    assert "toolConfig" not in payload
    assert outgoing.notes == ("max_uses of the web search left out: the provider takes no bound",)


def test_domains_that_google_takes_none_of_are_noted_and_left_to_the_reader() -> None:
    tool = {
        **SEARCH,
        "max_uses": None,
        "allowed_domains": ["https://docs.python.org/3"],
        "blocked_domains": ["x.example"],
    }
    _, outgoing = sent(asked(tools=[tool]), quirky(search_tool="google_search"))
    assert [note.split()[0] for note in outgoing.notes] == ["allowed_domains", "blocked_domains"]
    assert outgoing.pages == PageFilter(("docs.python.org",), ("x.example",))


def test_web_search_beside_other_tools_is_left_out() -> None:
    payload, outgoing = sent(asked(tools=[SEARCH, BASH]), quirky(search_tool="google_search"))
    assert [next(iter(tool)) for tool in payload["tools"]] == ["functionDeclarations"]
    assert "web_search" in outgoing.notes[0]


def test_a_demand_for_a_server_tool_alone_cannot_be_taken() -> None:
    with pytest.raises(CannotTake, match="web_search"):
        sent(asked(tools=[SEARCH], tool_choice={"type": "tool", "name": "web_search"}))


def test_lengths_samples_and_stops_are_told() -> None:
    payload, outgoing = sent(
        asked(max_tokens=64000, temperature=0.5, top_p=0.9, top_k=40, stop_sequences=list("abcdef")),
        occasion(max_output_tokens=8192, quirks=Quirks(stop_max=5)),
    )
    assert payload["generationConfig"] == {
        "maxOutputTokens": 8192,
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 40,
        "stopSequences": list("abcde"),
    }
    assert len(outgoing.notes) == 2


TITLE: Body = {"type": "object", "properties": {"title": {"type": "string"}}}
FORMAT: Body = {"format": {"type": "json_schema", "schema": TITLE}}


@pytest.mark.parametrize(("model", "tools"), [(MODEL, [BASH]), (OLDER, [])])
def test_structured_output_is_asked_for_by_its_schema(model: str, tools: list[Body]) -> None:
    config = sent(asked(output_config=FORMAT, tools=tools), occasion(model))[0]["generationConfig"]
    assert config == {"responseMimeType": "application/json", "responseJsonSchema": TITLE}


def test_structured_output_beside_tools_is_told_in_words_before_gemini_3() -> None:
    payload, outgoing = sent(asked(output_config=FORMAT, tools=[BASH]), occasion(OLDER))
    assert "generationConfig" not in payload
    assert '"title"' in payload["systemInstruction"]["parts"][0]["text"]
    assert "told in words" in outgoing.notes[0]


def test_a_prompt_is_counted_with_system_and_tools_and_without_settings() -> None:
    outgoing = Gemini().count_request(asked(system="Be short.", tools=[BASH], max_tokens=5), occasion())
    assert outgoing is not None
    payload = json.loads(outgoing.body)["generateContentRequest"]
    assert outgoing.path == "/models/gemini-3.1-pro-preview:countTokens"
    assert set(payload) == {"model", "contents", "systemInstruction", "tools"}
    assert payload["model"] == "models/gemini-3.1-pro-preview"


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b'{"totalTokens": 31, "promptTokensDetails": []}', 31),
        (b"{}", None),
        (b"[]", None),
        (b'{"totalTokens": "31"}', None),
        (b'{"totalTokens": true}', None),
        (b'{"totalTokens": -1}', None),
        (b"<html>", None),
    ],
)
def test_a_count_is_read_where_there_is_one(body: bytes, count: int | None) -> None:
    assert Gemini().read_count(body) == count


def failed(status: str, *details: Body) -> bytes:
    return json.dumps({"error": {"code": 0, "message": "the words", "status": status, "details": details}}).encode()


@pytest.mark.parametrize(
    ("http", "status", "kind"),
    [
        (429, "RESOURCE_EXHAUSTED", "rate_limit_error"),
        (503, "UNAVAILABLE", "overloaded_error"),
        (400, "INVALID_ARGUMENT", "invalid_request_error"),
        (400, "FAILED_PRECONDITION", "invalid_request_error"),
        (403, "PERMISSION_DENIED", "permission_error"),
        (404, "NOT_FOUND", "not_found_error"),
        (500, "INTERNAL", "api_error"),
        (504, "DEADLINE_EXCEEDED", "timeout_error"),
    ],
)
def test_googles_errors_are_told_in_anthropics_words(http: int, status: str, kind: str) -> None:
    for body in (failed(status), b"[" + failed(status) + b"]"):
        complaint = Gemini().complaint(http, {}, body)
        assert (complaint.kind, complaint.message) == (kind, "the words")


def test_a_key_that_is_not_valid_is_no_fault_of_the_request() -> None:
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    assert Gemini().complaint(400, {}, failed("INVALID_ARGUMENT", reason)).kind == "authentication_error"


@pytest.mark.parametrize(("delay", "seconds"), [("34s", 34.0), ("0.5s", 0.5), ("soon", None), (None, None)])
def test_the_time_to_wait_is_read_from_the_error(delay: str | None, seconds: float | None) -> None:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    assert Gemini().complaint(429, {}, failed("RESOURCE_EXHAUSTED", info)).retry_after_s == seconds


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"[]", b'{"error": {"details": [1]}}', b'{"error": "x"}'])
def test_an_error_of_any_other_shape_is_an_error_all_the_same(body: bytes) -> None:
    assert Gemini().complaint(502, {}, body).kind == "api_error"
