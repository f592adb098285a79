"""Tools in requests to Gemini: their schemas, the choice among them, and Google's search."""

from typing import Any

import pytest

from proxy.dialects.dialect import CannotTake, Occasion
from proxy.dialects.page_filter import PageFilter
from tests.proxy.dialects.conversations import Body
from tests.proxy.dialects.gemini_requests import BASH, SEARCH, asked, quirky, sent


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
