"""JSON schemas made legal for servers that take less than the whole standard.

Every server gets references inlined and patterns without look-around; what more must go is a set of rules, data of the
dialect. What a schema loses stays in the description as words, so that the model still reads it. A property may be
called like a keyword: names of properties are never taken for keywords.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeGuard
from urllib.parse import unquote

import msgspec

DEPTH_MAX = 32
NODES_MAX = 4000
"""Schemas within a schema: references may multiply without end."""
REMEMBERED = 512
"""Schemas kept after they were made legal: a client sends the same tools with every request."""

_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas"})
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_SINGLES = frozenset(
    {"items", "additionalProperties", "additionalItems", "unevaluatedProperties", "unevaluatedItems", "contains"}
    | {"propertyNames", "not", "if", "then", "else"}
)
_LOOKAROUND = ("(?=", "(?!", "(?<=", "(?<!")


@dataclass(frozen=True, slots=True)
class SchemaRules:
    """What a server takes."""

    keywords: frozenset[str] | None = None
    """The only ones; None: all but those that begin with ``$``."""
    lookaround: bool = False
    """Patterns may look ahead and behind (RE2 and grammars cannot)."""
    formats: frozenset[str] | None = None
    """The only values of ``format``; None: all."""
    const: bool = True
    """Else it is an ``enum`` of one."""
    one_of: bool = True
    """Else it is ``anyOf``."""
    all_of: bool = True
    """Else its parts are merged."""
    type_lists: bool = True
    """``type`` may be a list; else ``nullable`` and ``anyOf`` say it."""
    text_enums_only: bool = False
    """An ``enum`` holds texts; one with other values becomes words."""
    known_required_only: bool = False
    """``required`` names properties of the same schema only."""
    type_of_any: str | None = None
    """Stands for "anything"; None: a schema may be empty."""


COMMON = SchemaRules()
"""What the most servers of OpenAI's format take."""
PLAIN_ONLY = SchemaRules(
    keywords=frozenset(
        {"type", "description", "title", "enum", "properties", "required", "items", "additionalProperties", "anyOf"}
        | {"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "format", "default"}
    ),
    const=False,
    one_of=False,
    all_of=False,
    known_required_only=True,
)
"""What even strict ones take."""


def legal_schema(schema: Mapping[str, Any], rules: SchemaRules = COMMON) -> Mapping[str, Any]:
    """``schema``, whose root is an object, within ``rules``. The result is shared: it must not be changed."""
    return _legal(msgspec.json.encode(schema), rules)


@lru_cache(maxsize=REMEMBERED)
def _legal(encoded: bytes, rules: SchemaRules) -> Mapping[str, Any]:
    made = _Cleaner(msgspec.json.decode(encoded), rules).clean_root()
    if made.get("type") != "object" or not isinstance(made.get("properties"), dict):
        made = {**made, "type": "object", "properties": made.get("properties") or {}}
    return made


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Whether a server's ``strict`` mode takes it: objects are closed and all their properties required."""
    for each in _schemas_in(schema):
        properties = each.get("properties")
        if each.get("type") == "object" or properties:
            if each.get("additionalProperties") is not False:
                return False
            if set(each.get("required") or ()) != set(properties or ()):
                return False
    return True


def _schemas_in(schema: object) -> Iterable[Mapping[str, Any]]:
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword, value in schema.items():
        inner: Iterable[object] = ()
        if keyword in _MAPS and isinstance(value, dict):
            inner = value.values()
        elif keyword in _LISTS and isinstance(value, list):
            inner = value
        elif keyword in _SINGLES:
            inner = (value,)
        for each in inner:
            yield from _schemas_in(each)


def _chosen(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One object for a choice of objects: it has the properties of all, each as any of them has it, and requires what
    all of them require. There is at least one."""
    whole = _merged(parts)
    whole.pop("required", None)
    known = [part["properties"] for part in parts if isinstance(part.get("properties"), dict)]
    for name in dict.fromkeys(name for properties in known for name in properties):
        forms = [properties[name] for properties in known if name in properties]
        distinct = [form for at, form in enumerate(forms) if form not in forms[:at]]
        whole["properties"] = {**whole["properties"], name: distinct[0] if len(distinct) == 1 else {"anyOf": distinct}}
    wanted = [names if _is_names(names := part.get("required")) else [] for part in parts]
    if shared := [name for name in wanted[0] if all(name in names for names in wanted)]:
        whole["required"] = shared
    return whole


def _merged(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What holds if all ``parts`` hold; of two words about one thing the earlier counts."""
    whole: dict[str, Any] = {}
    for part in parts:
        for keyword, value in part.items():
            held = whole.get(keyword)
            if isinstance(held, dict) and isinstance(value, dict) and keyword in (*_MAPS, "$defs", "definitions"):
                whole[keyword] = {**held, **{name: each for name, each in value.items() if name not in held}}
            elif isinstance(held, list) and isinstance(value, list) and keyword == "required":
                whole[keyword] = [*held, *(name for name in value if name not in held)]
            elif keyword not in whole:
                whole[keyword] = value
    return whole


class _Cleaner:
    """Makes one schema legal."""

    def __init__(self, root: Mapping[str, Any], rules: SchemaRules) -> None:
        self._root = root
        self._rules = rules
        self._nodes = 0

    def clean_root(self) -> dict[str, Any]:
        return self.clean(self._flat(self._root, 0, ()), 0, ())

    def _flat(self, given: Mapping[str, Any], depth: int, inside: tuple[str, ...]) -> Mapping[str, Any]:
        """``given`` with the choices at its root as one object: no server takes a choice there."""
        self._nodes += 1
        if depth > DEPTH_MAX or self._nodes > NODES_MAX:
            return {}
        schema, inside = self._resolved(given, inside)
        flat = dict(schema)
        for keyword in ("allOf", "anyOf", "oneOf"):
            listed = flat.pop(keyword, None)
            parts = [part for part in listed if isinstance(part, dict)] if isinstance(listed, list) else []
            known = [self._flat(part, depth + 1, inside) for part in parts if part.get("type") != "null"]
            if known:
                flat = _merged([flat, *(known if keyword == "allOf" else [_chosen(known)])])
        return flat

    def clean(self, given: object, depth: int, inside: tuple[str, ...]) -> dict[str, Any]:
        """``inside``: the references that led here."""
        self._nodes += 1
        if not isinstance(given, dict) or depth > DEPTH_MAX or self._nodes > NODES_MAX:
            return self._anything()
        schema, inside = self._resolved(given, inside)
        schema = self._respelled(schema, inside)
        out: dict[str, Any] = {}
        words: list[str] = []
        for keyword, value in schema.items():
            if not self._takes(keyword, value):
                words += _in_words(keyword, value)
            else:
                out[keyword] = self._value(keyword, value, depth, inside)
        return self._completed(out, words)

    def _resolved(self, given: Mapping[str, Any], inside: tuple[str, ...]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """``given`` with what it refers to in its place; a schema within itself ends there."""
        while "$ref" in given:
            reference = given["$ref"]
            rest = {name: value for name, value in given.items() if name != "$ref"}
            target = self._target(reference)
            if target is None:
                return rest, inside
            if reference in inside:
                kept = {name: target[name] for name in ("type", "description") if name in target}
                return _merged([rest, kept]), inside
            inside = (*inside, str(reference))
            given = _merged([rest, target])
        return given, inside

    def _target(self, reference: object) -> Mapping[str, Any] | None:
        if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
            return None
        found: object = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else None

    def _respelled(self, schema: Mapping[str, Any], inside: tuple[str, ...]) -> Mapping[str, Any]:
        rules = self._rules
        if not rules.all_of and isinstance(parts := schema.get("allOf"), list):
            rest = {name: value for name, value in schema.items() if name != "allOf"}
            known = []
            for part in (each for each in parts if isinstance(each, dict)):
                resolved, inside = self._resolved(part, inside)
                known.append(resolved)
            schema = self._respelled(_merged([rest, *known]), inside) if known else rest
        if not rules.one_of and "oneOf" in schema and "anyOf" not in schema:
            schema = {("anyOf" if name == "oneOf" else name): value for name, value in schema.items()}
        if not rules.const and "const" in schema:
            rest = {name: value for name, value in schema.items() if name != "const"}
            schema = {**rest, "enum": [schema["const"]]}
        if not rules.type_lists and isinstance(kinds := schema.get("type"), list):
            schema = _with_one_type(schema, [kind for kind in kinds if isinstance(kind, str)])
        return schema

    def _takes(self, keyword: str, value: Any) -> bool:
        rules = self._rules
        if keyword.startswith("$") or keyword == "definitions":
            return False
        if keyword == "pattern" and not isinstance(value, str):
            return False
        if keyword == "required" and not _is_names(value):
            return False
        if keyword in _MAPS and not isinstance(value, dict):
            return False
        if keyword == "pattern" and not rules.lookaround and any(mark in value for mark in _LOOKAROUND):
            return False
        if keyword == "format" and rules.formats is not None and value not in rules.formats:
            return False
        if keyword == "enum" and rules.text_enums_only:
            listed = value if isinstance(value, list) else []
            if not listed or not all(isinstance(each, str) and each for each in listed):
                return False
        return rules.keywords is None or keyword in rules.keywords

    def _value(self, keyword: str, value: Any, depth: int, inside: tuple[str, ...]) -> Any:
        if keyword in _MAPS and isinstance(value, dict):
            return {name: self.clean(each, depth + 1, inside) for name, each in value.items()}
        if keyword in _LISTS and isinstance(value, list):
            return [self.clean(each, depth + 1, inside) for each in value]
        if keyword == "items" and isinstance(value, list):
            return self.clean({"anyOf": value} if value else {}, depth + 1, inside)
        if keyword in _SINGLES and not isinstance(value, bool):
            return self.clean(value, depth + 1, inside)
        return value

    def _completed(self, out: dict[str, Any], words: list[str]) -> dict[str, Any]:
        """What servers demand beside: items of a list, known names only; and the lost words."""
        if out.get("type") == "array" and not isinstance(out.get("items"), dict):
            out["items"] = self._anything()
        if self._rules.known_required_only and "required" in out:
            known = out.get("properties")
            names = [name for name in out.pop("required") or () if isinstance(known, dict) and name in known]
            out |= {"required": names} if names else {}
        if words:
            described = [each for each in (out.get("description"), f"({'; '.join(words)})") if each]
            out["description"] = " ".join(str(each) for each in described)
        if self._rules.type_of_any and not any(name in out for name in ("type", "anyOf", "enum")):
            out["type"] = self._rules.type_of_any
        return out

    def _anything(self) -> dict[str, Any]:
        return {"type": self._rules.type_of_any} if self._rules.type_of_any else {}


def _with_one_type(schema: Mapping[str, Any], kinds: list[str]) -> Mapping[str, Any]:
    rest = {name: value for name, value in schema.items() if name != "type"}
    real = [kind for kind in kinds if kind != "null"]
    nullable = {"nullable": True} if "null" in kinds else {}
    if len(real) == 1:
        return {"type": real[0], **rest, **nullable}
    if not real or "anyOf" in rest:
        return {**rest, **nullable}
    return {**rest, "anyOf": [{"type": kind} for kind in real], **nullable}


def _is_names(value: object) -> TypeGuard[list[str]]:
    """Drafts before the fourth have ``required: true`` on each property."""
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _in_words(keyword: str, value: object) -> list[str]:
    """What a keyword says that must go; nothing for those that only describe the schema itself."""
    if keyword.startswith("$") or keyword in ("definitions", "additionalProperties", "examples", "title", "nullable"):
        return []
    if isinstance(value, str | int | float) or keyword == "enum":
        return [f"{keyword}: {msgspec.json.encode(value).decode()[:200]}"]
    return []
