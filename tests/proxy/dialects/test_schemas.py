"""Schemas of tools within what a server takes; what goes is told in words, and nothing runs away."""

from typing import Any

import pytest
from hypothesis import given

from proxy.dialects.schemas import COMMON, DEPTH_MAX, NODES_MAX, PLAIN_ONLY, SchemaRules, is_strict, legal_schema
from tests.proxy.dialects.conversations import Body, schemas

NARROW = SchemaRules(
    keywords=frozenset(
        ["type", "description", "properties", "required", "items", "anyOf", "enum", "nullable", "format"]
    ),
    formats=frozenset(["date-time"]),
    const=False,
    one_of=False,
    all_of=False,
    type_lists=False,
    text_enums_only=True,
    known_required_only=True,
    type_of_any="string",
)


def of(schema: Body, rules: SchemaRules = COMMON) -> Any:
    """The property ``x`` of a tool whose schema has it."""
    return legal_schema({"type": "object", "properties": {"x": schema}}, rules)["properties"]["x"]


def keywords_in(schema: Any) -> set[str]:
    """Keywords at every place where a schema stands."""
    found = set(schema)
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    inner += [schema[name] for name in ("items", "additionalProperties") if isinstance(schema.get(name), dict)]
    return found.union(*(keywords_in(each) for each in inner))


class TestGenerated:
    @given(schemas())
    def test_the_root_is_an_object_without_references(self, schema: Body) -> None:
        legal = legal_schema(schema)
        assert legal["type"] == "object"
        assert isinstance(legal["properties"], dict)
        assert not any(keyword.startswith("$") for keyword in keywords_in(legal))

    @given(schemas())
    def test_no_keyword_beyond_the_rules_is_left(self, schema: Body) -> None:
        assert PLAIN_ONLY.keywords is not None
        assert keywords_in(legal_schema(schema, PLAIN_ONLY)) <= PLAIN_ONLY.keywords
        assert NARROW.keywords is not None
        assert keywords_in(legal_schema(schema, NARROW)) <= NARROW.keywords

    @given(schemas())
    def test_no_property_is_lost(self, schema: Body) -> None:
        assert legal_schema(schema, NARROW)["properties"].keys() >= schema.get("properties", {}).keys()

    @given(schemas())
    def test_a_legal_schema_stays_as_it_is(self, schema: Body) -> None:
        for rules in (COMMON, PLAIN_ONLY, NARROW):
            once = legal_schema(schema, rules)
            assert legal_schema(once, rules) == once


class TestReferences:
    def test_a_reference_is_replaced_by_what_it_names(self) -> None:
        schema = {"type": "object", "properties": {"x": {"$ref": "#/$defs/a~1b", "description": "mine"}}}
        legal = legal_schema({**schema, "$defs": {"a/b": {"type": "string", "description": "its"}}})
        assert legal == {"type": "object", "properties": {"x": {"description": "mine", "type": "string"}}}

    def test_a_root_that_is_a_reference_is_replaced_too(self) -> None:
        point = {"type": "object", "properties": {"n": {"type": "integer"}}}
        legal = legal_schema(
            {"$ref": "#/definitions/p", "definitions": {"p": point}, "type": "object", "properties": {}}
        )
        assert legal == point

    def test_a_schema_within_itself_ends(self) -> None:
        node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
        legal = legal_schema({"type": "object", "properties": {"x": {"$ref": "#/$defs/node"}}, "$defs": {"node": node}})
        assert legal["properties"]["x"]["properties"]["next"] == {"type": "object"}

    @pytest.mark.parametrize("reference", ["#/$defs/none", "https://a.example/schema", "#anchor", 7])
    def test_a_reference_to_nowhere_is_anything(self, reference: Any) -> None:
        assert of({"$ref": reference}) == {}

    @pytest.mark.parametrize("rules", [COMMON, PLAIN_ONLY])
    def test_references_in_circles_end(self, rules: SchemaRules) -> None:
        circle = {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}]}}
        assert legal_schema({"type": "object", "properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": circle}, rules)

    def test_references_that_multiply_are_cut_off(self) -> None:
        doubling: Body = {
            f"d{level}": {"type": "object", "properties": {side: {"$ref": f"#/$defs/d{level + 1}"} for side in "ab"}}
            for level in range(40)
        }
        legal = legal_schema({"type": "object", "properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": doubling})
        assert len(str(legal)) < NODES_MAX * 200

    def test_a_schema_as_deep_as_the_sea_is_cut_off(self) -> None:
        deep: Body = {"type": "string"}
        for _ in range(DEPTH_MAX * 2):
            deep = {"type": "array", "items": deep}
        assert str(of(deep)).count("items") <= DEPTH_MAX + 1


class TestKeywords:
    def test_look_around_goes_and_is_told(self) -> None:
        assert of({"type": "string", "pattern": "^(?!-)a", "description": "d"}) == {
            "type": "string",
            "description": 'd (pattern: "^(?!-)a")',
        }

    def test_a_plain_pattern_stays(self) -> None:
        assert of({"type": "string", "pattern": "^a+$"}) == {"type": "string", "pattern": "^a+$"}

    @pytest.mark.parametrize("name", ["title", "format", "const", "$ref", "pattern", "allOf", "type"])
    def test_a_property_called_like_a_keyword_is_a_property(self, name: str) -> None:
        inner = {"type": "object", "properties": {name: {"type": "string"}}}
        for rules in (COMMON, PLAIN_ONLY, NARROW):
            assert of(inner, rules)["properties"] == {name: {"type": "string"}}

    def test_a_list_of_anything_has_items(self) -> None:
        assert of({"type": "array"}) == {"type": "array", "items": {}}
        assert of({"type": "array"}, NARROW) == {"type": "array", "items": {"type": "string"}}

    def test_items_in_a_row_are_a_choice(self) -> None:
        row = {"type": "array", "items": [{"type": "string"}, {"type": "integer"}]}
        assert of(row)["items"] == {"anyOf": [{"type": "string"}, {"type": "integer"}]}

    def test_choices_at_the_root_become_one_object(self) -> None:
        either = [{"properties": {name: {"type": "string"}}, "required": [name]} for name in "ab"]
        legal = legal_schema({"type": "object", "properties": {}, "anyOf": either})
        assert legal == {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}

    def test_choices_at_the_root_may_be_references(self) -> None:
        kinds = {
            name: {
                "type": "object",
                "properties": {"kind": {"const": name}, name: {"type": "string"}},
                "required": ["kind", name],
            }
            for name in "ab"
        }
        either = [{"$ref": f"#/$defs/{name}"} for name in "ab"]
        for keyword in ("anyOf", "oneOf"):
            legal = legal_schema({"type": "object", "properties": {}, keyword: either, "$defs": kinds})
            assert legal == {
                "type": "object",
                "properties": {
                    "kind": {"anyOf": [{"const": "a"}, {"const": "b"}]},
                    "a": {"type": "string"},
                    "b": {"type": "string"},
                },
                "required": ["kind"],
            }
        legal = legal_schema({"type": "object", "properties": {}, "allOf": either, "$defs": kinds})
        assert legal["required"] == ["kind", "a", "b"]
        assert list(legal["properties"]) == ["kind", "a", "b"]

    def test_choices_within_choices_at_the_root_become_one_object_too(self) -> None:
        inner = {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]}
        either = [inner, {"properties": {"b": {}}, "required": ["b"]}]
        schema = {"type": "object", "properties": {"c": {}}, "required": ["c"], "oneOf": either}
        legal = legal_schema({**schema, "$defs": {"a": {"properties": {"a": {}, "b": {}}, "required": ["b", "a"]}}})
        assert legal["required"] == ["c", "b"]
        assert set(legal["properties"]) == {"a", "b", "c"}

    def test_choices_at_the_root_that_name_each_other_end(self) -> None:
        circle = {name: {"anyOf": [{"$ref": f"#/$defs/{other}"}] * 3} for name, other in ("ab", "ba")}
        assert legal_schema({"type": "object", "anyOf": [{"$ref": "#/$defs/a"}], "$defs": circle})["properties"] == {}

    def test_parts_that_all_hold_at_the_root_keep_what_they_require(self) -> None:
        parts = [{"properties": {name: {"type": "string"}}, "required": [name]} for name in "ab"]
        assert legal_schema({"type": "object", "properties": {}, "allOf": parts})["required"] == ["a", "b"]

    @pytest.mark.parametrize(
        ("schema", "legal"),
        [
            ({"const": "a"}, {"enum": ["a"]}),
            ({"oneOf": [{"type": "string"}]}, {"anyOf": [{"type": "string"}]}),
            ({"allOf": [{"type": "string"}, {"description": "d"}]}, {"type": "string", "description": "d"}),
            ({"type": "number", "multipleOf": 2}, {"type": "number", "description": "(multipleOf: 2)"}),
            ({"type": "object", "properties": {}, "required": ["gone"]}, {"type": "object", "properties": {}}),
            ({"type": ["string", "null"]}, {"type": ["string", "null"]}),
            ({"not": {"type": "null"}}, {}),
        ],
    )
    def test_a_strict_server_gets_plain_words(self, schema: Body, legal: Body) -> None:
        assert of(schema, PLAIN_ONLY) == legal

    @pytest.mark.parametrize(
        ("schema", "legal"),
        [
            ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
            ({"type": ["string", "integer"]}, {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
            ({"type": "string", "format": "uri"}, {"type": "string", "description": '(format: "uri")'}),
            ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
            ({"enum": ["a", "b"]}, {"enum": ["a", "b"]}),
            ({"type": "integer", "enum": [1, 2]}, {"type": "integer", "description": "(enum: [1,2])"}),
            ({}, {"type": "string"}),
        ],
    )
    def test_a_narrow_server_gets_less(self, schema: Body, legal: Body) -> None:
        assert of(schema, NARROW) == legal

    @pytest.mark.parametrize("rules", [COMMON, PLAIN_ONLY, NARROW])
    def test_required_as_older_drafts_have_it_is_told_in_words(self, rules: SchemaRules) -> None:
        assert of({"type": "string", "required": True}, rules) == {
            "type": "string",
            "description": "(required: true)",
        }

    @pytest.mark.parametrize("odd", [[], [[]], 1.5, None, "x"])
    @pytest.mark.parametrize("rules", [COMMON, PLAIN_ONLY, NARROW])
    def test_properties_that_are_no_object_go(self, odd: Any, rules: SchemaRules) -> None:
        assert "properties" not in of({"type": "object", "properties": odd}, rules)
        legal = legal_schema({"type": "object", "properties": odd, "additionalProperties": False}, rules)
        assert legal["properties"] == {}
        assert isinstance(is_strict(legal), bool)

    @pytest.mark.parametrize("required", [1.5, None, "x", {"x": 1}, [1], [["x"]], [{}]])
    @pytest.mark.parametrize("rules", [COMMON, PLAIN_ONLY, NARROW])
    def test_required_that_is_no_list_of_names_goes(self, required: Any, rules: SchemaRules) -> None:
        legal = legal_schema({"type": "object", "properties": {"x": {}}, "required": required}, rules)
        assert "required" not in legal
        assert not is_strict(legal)


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        ({"type": "object", "properties": {}}, False),
        ({"type": "object", "properties": {}, "additionalProperties": False}, True),
        ({"type": "object", "properties": {"a": {}}, "additionalProperties": False}, False),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False}, True),
        ({"type": "array", "items": {"type": "object"}}, False),
        ({"anyOf": [{"type": "string"}, {"type": "object"}]}, False),
    ],
)
def test_strict_means_closed_objects_with_all_required(schema: Body, strict: bool) -> None:
    assert is_strict(schema) is strict
