"""A request body of the Messages API: read its head, change its model, leave every other byte alone.

Only the top level is decoded and each value stays raw, so the cost hardly depends on the size of the
conversation. ``pieces_with_model`` replaces the value of every top-level ``model`` key (a client that repeats the key
leaves it to the reader which one counts) and changes no other byte.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Raw

from proxy.protocol.foreign_json import NotJson, read_json, read_json_as
from proxy.protocol.weight import Weight, weight_of

_TOP = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])

_UNREADABLE = "\ufffd"
"""Stands for half a character; no name has it."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
"""Possessive: there is nothing to try again, so no memory goes into it in strings of megabytes."""
_KEY = re.compile(b"(" + _STRING.pattern + rb")[ \t\n\r]*:[ \t\n\r]*", re.DOTALL)
_OPENING = re.compile(rb"[ \t\n\r]*\{[ \t\n\r]*")
_FILLED_LIST = re.compile(rb"[ \t\n\r]*\[[ \t\n\r]*[^ \t\n\r\]]")
_BETWEEN = re.compile(rb"[ \t\n\r]*,?[ \t\n\r]*")
_SCALAR = re.compile(rb"[^ \t\n\r,\]}]+")
_STRUCTURE = re.compile(_STRING.pattern + rb"|[\[\]{}]", re.DOTALL)


_IMAGE = re.compile(rb'"type"[ \t\n\r]*:[ \t\n\r]*"image"')
_DIRECTORY = b"orking directory: "
_LINE = re.compile(rb'(?:[^"\\]|\\[^n]){1,4096}')
"""To its end, as JSON has it."""
_COMPACTION = b"Your task is to create a detailed summary of"
_SEARCH_TOOL_BYTES = 4000
"""The client's search tool with all its domains; a conversation's tools are far more."""
_COMPACTION_WITHIN = 24_000
"""Bytes from the end in which the client's instruction stands."""


class BadBody(ValueError):
    """The body is not what the Messages API takes. ``str()`` names the fault."""


class Body:
    """A request body, its top level decoded."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        try:
            self.fields = read_json_as(_TOP, raw)
        except NotJson as error:
            raise BadBody(f"The request body is not a JSON object: {error}") from error

    @cached_property
    def model(self) -> str:
        """The model that the client names, as it names it. Raises ``BadBody``."""
        model = self._value("model")
        if not isinstance(model, str) or not model or _UNREADABLE in model:
            raise BadBody("model: a non-empty string is required")
        return model

    @property
    def streaming(self) -> bool:
        return self._value("stream") is True

    @property
    def has_tools(self) -> bool:
        return _FILLED_LIST.match(self.fields.get("tools", b"")) is not None

    @property
    def only_searches(self) -> bool:
        """Its one tool is the server's web search: the client's own errand, beside the conversation."""
        raw = self.fields.get("tools")
        if raw is None or len(memoryview(raw)) > _SEARCH_TOOL_BYTES:
            return False
        tools = self._value("tools")
        one = tools[0] if isinstance(tools, list) and len(tools) == 1 else None
        return isinstance(one, dict) and str(one.get("type", "")).startswith("web_search_")

    @property
    def wants_structure(self) -> bool:
        """It asks for structured output, as the client's own title requests do."""
        config = self._value("output_config")
        return isinstance(config, dict) and "format" in config

    @property
    def metadata_session(self) -> str | None:
        """The session id inside ``metadata.user_id``, itself JSON in newer clients, ``…_session_ID`` in older ones."""
        metadata = self._value("metadata")
        user = metadata.get("user_id") if isinstance(metadata, dict) else None
        if not isinstance(user, str):
            return None
        try:
            session = read_json(user)["session_id"]
        except (NotJson, KeyError, TypeError):
            _, mark, session = user.partition("_session_")
            return session if mark and session else None
        return session if isinstance(session, str) and session else None

    @property
    def working_directory(self) -> str | None:
        """Where the client works, as it tells the model in the system prompt; None: it does not, or nobody can read it.

        Seen in 2.1.329 as ``Primary working directory: /home/me/shop-api`` on a line of its own.
        """
        system = bytes(self.fields.get("system", b""))
        at = system.find(_DIRECTORY)
        found = _LINE.match(system, at + len(_DIRECTORY)) if at >= 0 else None
        if found is None:
            return None
        try:
            path = read_json(b'"' + found[0] + b'"')
        except NotJson:
            return None
        return path.strip() if isinstance(path, str) and _UNREADABLE not in path else None

    @cached_property
    def has_images(self) -> bool:
        """A picture stands somewhere in the conversation."""
        messages = self.fields.get("messages") if self.raw.rfind(b'"image"') >= 0 else None
        return messages is not None and _IMAGE.search(memoryview(messages)) is not None

    @property
    def compacts(self) -> bool:
        """The client asks for the summary with which it shortens a conversation (seen in 2.1.197 and 2.1.329)."""
        return _COMPACTION in self.raw[-_COMPACTION_WITHIN:]

    @cached_property
    def weight(self) -> Weight:
        """What estimates of its tokens go by."""
        return weight_of(self.raw)

    def pieces_with_model(self, model: str) -> list[bytes | memoryview]:
        """The body with ``model`` in place of its own model, in pieces, which copies nothing of it."""
        new = msgspec.json.encode(model)
        view = memoryview(self.raw)
        pieces: list[bytes | memoryview] = []
        copied = 0
        for start, end in self._model_spans():
            pieces += (view[copied:start], new)
            copied = end
        return [*pieces, view[copied:]]

    def with_fields(self, fields: Mapping[str, bytes]) -> "Body":
        """A body with other values (JSON) of some fields; the rest keeps its bytes, not the space between."""
        if not fields:
            return self
        values = {**self.fields, **{name: Raw(value) for name, value in fields.items()}}
        return Body(msgspec.json.encode(values))

    def without(self, name: str) -> "Body":
        """A body without a field; the rest keeps its bytes, not the space between."""
        return Body(msgspec.json.encode({key: value for key, value in self.fields.items() if key != name}))

    def outline(self) -> tuple[tuple[str, str], ...]:
        """What the body holds, as name and words, without its texts: for the inspector."""
        return tuple((name, _outlined(bytes(raw))) for name, raw in self.fields.items())

    def value(self, name: str) -> Any:
        """The value of a field; None where it is missing or cannot be read."""
        try:
            return self._value(name)
        except BadBody:
            return None

    def _value(self, name: str) -> Any:
        """Raises ``BadBody``."""
        raw = self.fields.get(name)
        try:
            return None if raw is None else read_json(raw)
        except NotJson as error:
            raise BadBody(f"{name}: {error}") from error

    def _model_spans(self) -> list[tuple[int, int]]:
        try:
            return self._spans_from_fields()
        except _Repeated:
            return [(start, end) for key, start, end in _scan(self.raw) if key == "model"]

    def _spans_from_fields(self) -> list[tuple[int, int]]:
        """Walk the body with the decoded values as a measure of their own lengths.

        Raises ``_Repeated`` where the body has a key twice: the decoder keeps only one of the values.
        """
        raw = self.raw
        spans = []
        position = _skip(_OPENING, raw, 0)
        for key, value in self.fields.items():
            found, position = _read_key(raw, position)
            size = len(memoryview(value))
            end = position + size
            if found != key or not raw.startswith(memoryview(value), position):
                raise _Repeated
            if key == "model":
                spans.append((position, end))
            position = _skip(_BETWEEN, raw, end)
        if raw[position : position + 1] != b"}":
            raise _Repeated
        return spans


class _Repeated(Exception):
    pass


def _scan(raw: bytes) -> Iterator[tuple[str, int, int]]:
    """Key, start and end of each top-level value, repeated keys included. ``raw`` is valid JSON."""
    position = _skip(_OPENING, raw, 0)
    while raw[position : position + 1] not in (b"}", b""):
        key, position = _read_key(raw, position)
        end = _value_end(raw, position)
        yield key, position, end
        position = _skip(_BETWEEN, raw, end)


def _read_key(raw: bytes, position: int) -> tuple[str, int]:
    """The key at ``position`` and where its value starts."""
    match = _KEY.match(raw, position)
    if match is None:
        raise _Repeated
    quoted = match[1]
    key: str = read_json(quoted) if b"\\" in quoted else quoted[1:-1].decode()
    return key, match.end()


def _value_end(raw: bytes, position: int) -> int:
    if raw[position : position + 1] not in (b"{", b"["):
        match = _STRING.match(raw, position) or _SCALAR.match(raw, position)
        return match.end() if match else len(raw)
    depth = 0
    for match in _STRUCTURE.finditer(raw, position):
        if match.group() in (b"{", b"["):
            depth += 1
        elif match.group() in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                return match.end()
    return len(raw)


def _skip(what: re.Pattern[bytes], raw: bytes, position: int) -> int:
    match = what.match(raw, position)
    return match.end() if match else position


def _outlined(raw: bytes) -> str:
    try:
        return _describe(raw)
    except NotJson as error:
        return str(error)


def _describe(raw: bytes) -> str:
    """Raises ``NotJson`` where the inside of a value cannot be read."""
    size = f"{len(raw):,} bytes" if len(raw) < 10_000 else f"{len(raw) / 1000:,.0f} kB"
    if raw.startswith(b"["):
        return f"{len(read_json_as(_LIST, raw))}, {size}"
    if raw.startswith(b"{"):
        keys = ", ".join(read_json_as(_TOP, raw).keys())
        return f"{keys}, {size}" if len(keys) < 60 else size
    if raw.startswith(b'"') and len(raw) > 60:
        return size
    return raw.decode(errors="replace")
