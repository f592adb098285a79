"""A request of the Messages API in OpenAI's Responses format: legal for the vendor, and nothing of it lost."""

import json
from typing import Any, Literal

import pytest
from hypothesis import given

from proxy.dialects.conversation import NotAConversation
from proxy.dialects.dialect import Occasion
from proxy.dialects.openai_responses import ENCRYPTED, OUTPUT_MIN
from proxy.dialects.quirks import Quirks
from tests.proxy.dialects.conversations import ATTRIBUTION, Body, bodies, calls_in, said_in, text_block
from tests.proxy.dialects.responses_requests import MODEL, RESPONSES, outgoing, sent
from tests.proxy.dialects.turns import CLOSED, SCHEMA, asking, assistant, call, result, user
from tests.proxy.dialects.vendor_types import assert_responses_count, assert_responses_request


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
