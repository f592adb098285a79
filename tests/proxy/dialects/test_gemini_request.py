"""Requests in Gemini's format: Google's own types are the judge of their form."""

import json
from itertools import pairwise
from typing import Any

import pytest
from google.genai import types
from hypothesis import given, settings

from proxy.dialects.dialect import CannotTake
from proxy.dialects.gemini import Gemini
from proxy.dialects.quirks import Quirks
from tests.proxy.dialects.conversations import Body, bodies, calls_in, said_in, text_block
from tests.proxy.dialects.gemini_requests import BASH, MODEL, OLDER, asked, occasion, quirky, sent


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
