"""A request of the Messages API in OpenAI's Responses format: legal for the vendor, and nothing of it lost."""

import json
from typing import Any, Literal

import pytest
from hypothesis import given

from proxy.dialects.conversation import NotAConversation
from proxy.dialects.dialect import CannotTake, Occasion, Outgoing
from proxy.dialects.effort import nearest_effort
from proxy.dialects.openai_responses import ENCRYPTED, OUTPUT_MIN, OpenAIResponses
from proxy.dialects.openai_responses_reasoning import DIALECT, sealed_reasoning
from proxy.dialects.openai_responses_search import SOURCES
from proxy.dialects.quirks import PLAIN, Effort, Quirks
from proxy.dialects.signatures import sealed
from proxy.dialects.told_files import ERROR_MARK, NO_OUTPUT
from proxy.dialects.tool_names import sent_id
from proxy.dialects.turns import NO_RESULT
from tests.proxy.dialects.conversations import ATTRIBUTION, PDF, PNG, Body, bodies, calls_in, said_in, text_block
from tests.proxy.dialects.vendor_types import assert_responses_count, assert_responses_request

RESPONSES = OpenAIResponses()
MODEL = "gpt-served"
IMAGE: Body = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
SHOWN = {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PNG}"}
PDF_SOURCE = {"type": "base64", "media_type": "application/pdf", "data": PDF}
PDF_BLOCK: Body = {"type": "document", "title": "Plan", "source": PDF_SOURCE}
BASH: Body = {"name": "Bash", "description": "runs", "input_schema": {"type": "object", "properties": {}}}
SEARCH: Body = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
SCHEMA: Body = {"type": "object", "properties": {"n": {"type": "integer"}}}
CLOSED: Body = {**SCHEMA, "required": ["n"], "additionalProperties": False}
THINKS = Quirks(effort_field="reasoning_effort", efforts=("minimal", "low", "medium", "high", "xhigh"))


def outgoing(body: Body, quirks: Quirks = PLAIN, **occasion: Any) -> Outgoing:
    return RESPONSES.request(body, Occasion(MODEL, "msg_1", quirks=quirks, **occasion))


def sent(body: Body, quirks: Quirks = PLAIN, **occasion: Any) -> dict[str, Any]:
    payload = json.loads(outgoing(body, quirks, **occasion).body)
    assert isinstance(payload, dict)
    return payload


def items(body: Body, quirks: Quirks = PLAIN, **occasion: Any) -> list[dict[str, Any]]:
    payload = sent(body, quirks, **occasion)
    assert_responses_request(payload)
    return list(payload["input"])


def asking(*messages: Body, **fields: Any) -> Body:
    return {"model": "claude-opus-4-8", "max_tokens": 100, "messages": list(messages or [user("hi")]), **fields}


def user(*content: Body | str) -> Body:
    return {"role": "user", "content": [text_block(each) if isinstance(each, str) else each for each in content]}


def assistant(*content: Body | str) -> Body:
    return {**user(*content), "role": "assistant"}


def call(call_id: str = "toolu_1", name: str = "Bash", **arguments: Any) -> Body:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def result(call_id: str = "toolu_1", content: Any = "done", **fields: Any) -> Body:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **fields}


def thought(encrypted: str = "gAAAA", model: str = MODEL, dialect: str = DIALECT) -> Body:
    return {"type": "thinking", "thinking": "hm", "signature": sealed(dialect, sealed_reasoning(model, encrypted))}


@given(bodies())
def test_every_request_fits_the_vendor_s_own_types(body: Body) -> None:
    assert_responses_request(sent(body))


@given(bodies())
def test_every_request_with_all_that_a_server_may_take_fits_them_too(body: Body) -> None:
    quirks = Quirks(
        effort_field="reasoning", documents=True, result_images=True, strict_tools=True, cache_key=True,
        user_field="safety_identifier", plain_schemas=True, text_parts=True, sampling=False,
    )  # fmt: skip
    assert_responses_request(sent(body, quirks, session="s" * 80))


@given(bodies(orphans=False))
def test_all_that_was_said_reaches_the_provider(body: Body) -> None:
    payload = sent(body)
    told = json.dumps([payload.get("instructions"), payload["input"]], ensure_ascii=False)
    for text in said_in(body):
        assert json.dumps(text, ensure_ascii=False)[1:-1] in told


@given(bodies())
def test_calls_keep_their_names_arguments_and_order(body: Body) -> None:
    out = outgoing(body)
    made = [item for item in json.loads(out.body)["input"] if item["type"] == "function_call"]
    assert [(out.names.own(each["name"]), json.loads(each["arguments"])) for each in made] == [
        (each["name"], each["input"]) for each in calls_in(body)
    ]


@given(bodies())
def test_every_call_has_one_output_and_no_output_is_without_its_call(body: Body) -> None:
    listed = sent(body)["input"]
    made = [item["call_id"] for item in listed if item["type"] == "function_call"]
    answered = [item["call_id"] for item in listed if item["type"] == "function_call_output"]
    assert made == answered


def test_the_system_prompt_becomes_instructions_without_the_attribution() -> None:
    payload = sent(asking(system=[text_block(ATTRIBUTION), text_block("Be brief."), text_block("Be kind.")]))
    assert payload["instructions"] == "Be brief.\n\nBe kind."


def test_without_a_system_prompt_there_are_no_instructions() -> None:
    assert "instructions" not in sent(asking(system=[text_block(ATTRIBUTION)]))


def test_nothing_is_stored_and_reasoning_is_asked_for_in_encrypted_form() -> None:
    payload = sent(asking())
    assert payload["store"] is False
    assert payload["include"] == [ENCRYPTED]


def test_a_server_without_encrypted_reasoning_is_not_asked_for_it() -> None:
    assert "include" not in sent(asking(), Quirks(encrypted_reasoning=False))


def test_a_stream_is_asked_for_only_where_the_client_wants_one() -> None:
    assert "stream" not in sent(asking())
    assert sent(asking(stream=True))["stream"] is True


def test_the_target_s_model_is_named_and_the_path_is_the_responses() -> None:
    out = outgoing(asking())
    assert (out.path, json.loads(out.body)["model"]) == ("/responses", MODEL)


def test_a_text_alone_is_a_plain_string() -> None:
    assert items(asking(user("hi"))) == [{"type": "message", "role": "user", "content": "hi"}]


def test_several_texts_are_parts() -> None:
    [message] = items(asking(user("a", "b")))
    assert message["content"] == [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]


def test_a_system_message_in_the_middle_is_a_reminder_of_the_user_s() -> None:
    *_, last = items(asking(user("hi"), assistant("yes"), {"role": "system", "content": "Mind the time."}))
    assert last["role"] == "user"
    assert "<system-reminder>\nMind the time." in last["content"]


def test_a_call_and_its_result_are_items_of_their_own() -> None:
    listed = items(asking(user("go"), assistant("I run it", call(command="ls")), user(result(), "and then?")))
    assert listed[1:] == [
        {"type": "message", "role": "assistant", "content": "I run it"},
        {"type": "function_call", "call_id": "toolu_1", "name": "Bash", "arguments": '{"command":"ls"}'},
        {"type": "function_call_output", "call_id": "toolu_1", "output": "done"},
        {"type": "message", "role": "user", "content": "and then?"},
    ]


def test_outputs_stand_in_the_order_of_the_calls() -> None:
    listed = items(asking(user("go"), assistant(call("a"), call("b")), user("so", result("b"), result("a"))))
    assert [item.get("call_id") for item in listed[1:]] == ["a", "b", "a", "b", None]


def test_an_output_without_its_call_is_told_as_text() -> None:
    listed = items(asking(user("hi"), assistant("yes"), user(result("nobody", "lost"))))
    assert {item["type"] for item in listed} == {"message"}
    assert "lost" in listed[-1]["content"]


def test_a_call_that_was_interrupted_gets_an_output_that_says_so() -> None:
    *_, last = items(asking(user("go"), assistant(call())))
    assert last == {"type": "function_call_output", "call_id": "toolu_1", "output": f"{ERROR_MARK}{NO_RESULT}"}


def test_an_error_is_marked_and_an_empty_output_says_that_it_is_empty() -> None:
    listed = items(asking(user("go"), assistant(call("a"), call("b")),
                          user(result("a", "boom", is_error=True), result("b", ""))))  # fmt: skip
    assert [item["output"] for item in listed[-2:]] == [f"{ERROR_MARK}boom", NO_OUTPUT]


def test_an_image_in_an_output_stays_in_it_where_the_server_takes_it() -> None:
    body = asking(user("go"), assistant(call()), user(result(content=[text_block("see"), IMAGE])))
    *_, last = items(body, Quirks(result_images=True))
    assert last["output"] == [{"type": "input_text", "text": "see"}, SHOWN]


def test_an_error_with_an_image_is_marked_too() -> None:
    body = asking(user("go"), assistant(call()), user(result(content=[IMAGE], is_error=True)))
    *_, last = items(body, Quirks(result_images=True))
    assert last["output"] == [{"type": "input_text", "text": ERROR_MARK.strip()}, SHOWN]


def test_an_image_in_an_output_follows_all_outputs_where_the_server_does_not_take_it() -> None:
    body = asking(user("go"), assistant(call("a"), call("b")), user(result("a", [IMAGE]), result("b"), "well?"))
    *_, first, second, last = items(body)
    assert (first["type"], second["type"]) == ("function_call_output", "function_call_output")
    assert isinstance(first["output"], str)
    assert SHOWN in last["content"]
    assert last["content"][-1] == {"type": "input_text", "text": "well?"}


def test_an_image_is_shown_as_it_is_or_by_its_address() -> None:
    address = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    [message] = items(asking(user(IMAGE, address)))
    assert message["content"] == [SHOWN, {**SHOWN, "image_url": "https://example.com/a.png"}]


def test_a_model_without_eyes_is_told_that_there_is_an_image() -> None:
    out = outgoing(asking(user("see", IMAGE, IMAGE)), images=False)
    assert b"input_image" not in out.body
    assert b"cannot see" in out.body
    assert out.notes == ("an image left out: the model does not read images",)


def test_a_document_is_a_file_where_the_server_takes_files() -> None:
    address = {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}}
    [message] = items(asking(user(PDF_BLOCK, address)), Quirks(documents=True))
    assert message["content"] == [
        {"type": "input_file", "filename": "Plan.pdf", "file_data": f"data:application/pdf;base64,{PDF}"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
    ]


def test_a_document_is_left_out_with_a_note_where_it_takes_none() -> None:
    out = outgoing(asking(user(PDF_BLOCK)))
    assert b"input_file" not in out.body
    assert "a document left out: the provider takes no files" in out.notes


def test_encrypted_reasoning_goes_back_without_an_id_before_the_call_that_it_led_to() -> None:
    listed = items(asking(user("go"), assistant(thought(), "I run it", call()), user(result())))
    assert [item["type"] for item in listed] == [
        "message", "reasoning", "message", "function_call", "function_call_output",
    ]  # fmt: skip
    assert listed[1] == {"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}


def test_reasoning_of_several_segments_goes_back_in_its_places() -> None:
    body = asking(user("go"), assistant(thought("one"), call("a"), thought("two"), call("b")), user(result("a")))
    told = [item.get("encrypted_content", item.get("call_id")) for item in items(body)[1:5]]
    assert told == ["one", "a", "two", "b"]


@pytest.mark.parametrize("after", [[], ["the end"], [call("earlier"), thought()]])
def test_reasoning_that_no_call_follows_stays_behind(after: list[Any]) -> None:
    if not after:
        listed = items(asking(user("go"), assistant(thought())))
    elif len(after) == 1:
        listed = items(asking(user("go"), assistant(thought(), *after), user("more")))
    else:
        listed = items(asking(user("go"), assistant(*after), user(result("earlier"))))
    assert all(item["type"] != "reasoning" for item in listed)


@pytest.mark.parametrize(
    "foreign",
    [
        thought(dialect="gemini"),
        thought(model="another-model"),
        {"type": "thinking", "thinking": "hm", "signature": "EqoBCkgIARABGAIiQL"},
        {"type": "thinking", "thinking": "hm", "signature": sealed(DIALECT, "0123456789abcdef01234567")},
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "redacted_thinking", "data": "EmwKAhgB"},
    ],
    ids=["dialect", "model", "claude", "unencrypted", "unsigned", "redacted"],
)
def test_reasoning_of_others_is_never_sent(foreign: Body) -> None:
    listed = items(asking(user("go"), assistant(foreign, call()), user(result())))
    assert [item["type"] for item in listed] == ["message", "function_call", "function_call_output"]


def test_a_server_without_encrypted_reasoning_gets_none_back() -> None:
    body = asking(user("go"), assistant(thought(), call()), user(result()))
    assert all(item["type"] != "reasoning" for item in items(body, Quirks(encrypted_reasoning=False)))


def test_a_sealed_payload_needs_no_escaping_in_json() -> None:
    signature = sealed(DIALECT, sealed_reasoning(MODEL, 'a"b\\c%d é\n'))
    assert json.dumps(signature) == f'"{signature}"'
    body = asking(user("go"), assistant({**thought(), "signature": signature}, call()), user(result()))
    assert items(body)[1]["encrypted_content"] == 'a"b\\c%d é\n'


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


@pytest.mark.parametrize(
    ("wanted", "most", "told"), [(1, None, OUTPUT_MIN), (100, None, 100), (64000, 8192, 8192), (100, 8192, 100)]
)
def test_the_length_of_an_answer_stays_within_what_the_api_and_the_model_take(
    wanted: int, most: int | None, told: int
) -> None:
    assert sent(asking(max_tokens=wanted), max_output_tokens=most)["max_output_tokens"] == told


def test_sampling_is_told_where_the_server_takes_it() -> None:
    body = asking(temperature=0.5, top_p=0.9, top_k=5, stop_sequences=["x"])
    out = outgoing(body)
    payload = json.loads(out.body)
    assert (payload["temperature"], payload["top_p"]) == (0.5, 0.9)
    assert payload.keys().isdisjoint({"top_k", "stop", "stop_sequences"})
    assert out.notes == (
        "top_k left out: the provider does not take it",
        "stop sequences left out: the format has none",
    )
    assert sent(body, Quirks(sampling=False)).keys().isdisjoint({"temperature", "top_p"})
    assert sent(body, Quirks(top_k=True))["top_k"] == 5


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({"output_config": {"effort": "high"}}, "high"),
        ({"output_config": {"effort": "max"}}, "xhigh"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 31999}}, "high"),
        ({"thinking": {"type": "enabled", "budget_tokens": 31999}, "output_config": {"effort": "low"}}, "low"),
        ({"thinking": {"type": "adaptive"}}, None),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}, None),
        ({"output_config": {"effort": "unheard-of"}}, None),
    ],
)
def test_effort_is_told_in_a_word_that_the_server_takes(fields: Body, effort: str | None) -> None:
    assert sent(asking(**fields), THINKS).get("reasoning", {}).get("effort") == effort


def test_thinking_that_is_off_is_told_where_the_server_has_a_word_for_it() -> None:
    quirks = Quirks(effort_field="reasoning", effort_when_off="none")
    assert sent(asking(thinking={"type": "disabled"}), quirks)["reasoning"] == {"effort": "none"}


def test_effort_stays_behind_with_a_note_where_the_server_takes_none() -> None:
    out = outgoing(asking(output_config={"effort": "high"}))
    assert "reasoning" not in json.loads(out.body)
    assert out.notes == ("effort high left out: the provider does not take it",)


@pytest.mark.parametrize(
    ("wish", "taken", "nearest"),
    [
        ("max", ("low", "high"), "high"),
        ("medium", ("low", "high"), "low"),
        ("minimal", ("low", "high"), "low"),
        ("none", ("none", "low"), "none"),
        ("none", ("low",), "low"),
        ("low", ("none", "high"), "high"),
        ("low", (), None),
    ],
)
def test_the_nearest_effort_is_the_strongest_that_is_no_stronger(
    wish: Effort, taken: tuple[Effort, ...], nearest: str | None
) -> None:
    assert nearest_effort(wish, taken) == nearest


def test_summaries_are_asked_for_while_thinking_is_on() -> None:
    body = asking(thinking={"type": "adaptive"})
    assert sent(body, THINKS)["reasoning"] == {"summary": "auto"}
    assert "reasoning" not in sent(asking(), THINKS)
    assert "reasoning" not in sent(body, Quirks(effort_field="reasoning", reasoning_summaries=False))


@pytest.mark.parametrize(("schema", "strict"), [(CLOSED, True), (SCHEMA, False)])
def test_a_structured_answer_is_asked_for_by_its_schema(schema: Body, strict: bool) -> None:
    payload = sent(asking(output_config={"format": {"type": "json_schema", "schema": schema}}))
    assert_responses_request(payload)
    told = {"type": "json_schema", "name": "answer", "schema": schema, "strict": strict}
    assert payload["text"] == {"format": told}


@pytest.mark.parametrize(("structured", "told"), [("json_object", {"format": {"type": "json_object"}}), ("no", None)])
def test_a_schema_that_the_server_does_not_take_is_told_in_words(
    structured: Literal["json_object", "no"], told: Any
) -> None:
    body = asking(system="Be brief.", output_config={"format": {"type": "json_schema", "schema": CLOSED}})
    payload = sent(body, Quirks(structured=structured))
    assert payload.get("text") == told
    assert payload["instructions"].startswith("Be brief.\n\nAnswer with one JSON value")


def test_a_session_keeps_its_cache_key_from_request_to_request() -> None:
    quirks = Quirks(cache_key=True)
    assert sent(asking(), quirks, session="s-1")["prompt_cache_key"] == "s-1"
    assert len(sent(asking(), quirks, session="s" * 90)["prompt_cache_key"]) == 64
    assert "prompt_cache_key" not in sent(asking(), quirks)
    assert "prompt_cache_key" not in sent(asking(), session="s-1")


def test_the_user_s_id_never_leaves_as_it_is() -> None:
    out = outgoing(asking(metadata={"user_id": "user_abc_account__x"}), Quirks(user_field="safety_identifier"))
    assert b"user_abc" not in out.body
    assert len(json.loads(out.body)["safety_identifier"]) == 64


def test_the_same_conversation_makes_the_same_bytes_and_grows_at_its_end_only() -> None:
    first = [user("go"), assistant("I run it", call(command="ls")), user(result())]
    before, again, after = (outgoing(asking(*each)).body for each in (first, first, [*first, assistant("So.")]))
    assert before == again
    assert after.startswith(before[: before.index(b"}],")])


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


@pytest.mark.parametrize("body", [{}, {"messages": "hi"}, {"messages": []}, {"messages": [{"role": "user"}]}])
def test_a_body_without_a_conversation_is_refused(body: Body) -> None:
    with pytest.raises(NotAConversation):
        outgoing(body)


@given(bodies())
def test_tokens_are_counted_by_the_server_that_counts(body: Body) -> None:
    occasion = Occasion(MODEL, "msg_1", quirks=Quirks(counts_tokens=True))
    counted = RESPONSES.count_request(body, occasion)
    assert counted is not None
    assert counted.path == "/responses/input_tokens"
    payload = json.loads(counted.body)
    assert_responses_count(payload)
    whole = json.loads(RESPONSES.request(body, occasion).body)
    assert payload == {name: value for name, value in whole.items() if name in payload}
    assert "max_output_tokens" not in payload


def test_no_other_server_is_asked_to_count() -> None:
    assert RESPONSES.count_request(asking(), Occasion(MODEL, "msg_1")) is None


@pytest.mark.parametrize(
    ("body", "count"),
    [(b'{"object":"response.input_tokens","input_tokens":11}', 11), (b"{}", None), (b"no", None), (b"[]", None)],
)
def test_a_count_is_read_where_there_is_one(body: bytes, count: int | None) -> None:
    assert RESPONSES.read_count(body) == count


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {"code": "insufficient_quota", "message": "You exceeded your quota"}, "billing_error"),
        (429, {"code": "rate_limit_exceeded", "message": "Slow down"}, "rate_limit_error"),
        (400, {"code": "context_length_exceeded", "message": "Your input is too long"}, "invalid_request_error"),
        (401, {"code": "invalid_api_key", "message": "Incorrect API key"}, "authentication_error"),
        (404, {"code": "model_not_found", "message": "No such model"}, "not_found_error"),
        (503, {"code": "server_overloaded", "message": "Busy"}, "overloaded_error"),
    ],
)
def test_an_error_is_told_in_anthropic_s_shape_with_the_provider_s_words(status: int, error: Body, kind: str) -> None:
    complaint = RESPONSES.complaint(status, {}, json.dumps({"error": error}).encode())
    assert complaint.kind == kind
    assert complaint.message.startswith(error["message"])
