"""A request body of the Messages API: read its head, change its model, leave every other byte alone.

Only the top level is decoded and each value stays raw, so the cost hardly depends on the size of the
conversation. ``with_model`` replaces the value of every top-level ``model`` key (a client that repeats the key
leaves it to the reader which one counts) and changes no other byte.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Raw

from proxy.protocol.naming import strip_window_suffix

_decode_top = msgspec.json.Decoder(dict[str, Raw]).decode

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SPACE = re.compile(rb"[ \t\n\r]*")
_SCALAR = re.compile(rb"[^ \t\n\r,\]}]+")
_STRUCTURE = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


class BadBody(ValueError):
    """The body is not what the Messages API takes. ``str()`` names the fault."""


class Body:
    """A request body, its top level decoded."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        try:
            self.fields = _decode_top(raw)
        except msgspec.DecodeError as error:
            raise BadBody(f"The request body is not a JSON object: {error}") from error

    @cached_property
    def model(self) -> str:
        """The model that the client names, as it names it. Raises ``BadBody``."""
        model = self._value("model")
        if not isinstance(model, str) or not model:
            raise BadBody("model: a non-empty string is required")
        return model

    @property
    def streaming(self) -> bool:
        return self._value("stream") is True

    @property
    def has_tools(self) -> bool:
        raw = self.fields.get("tools")
        return raw is not None and len(bytes(raw).strip()) > len("[]")

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
            session = msgspec.json.decode(user)["session_id"]
        except (msgspec.DecodeError, KeyError, TypeError):
            _, mark, session = user.partition("_session_")
            return session if mark and session else None
        return session if isinstance(session, str) and session else None

    def with_model(self, model: str) -> bytes:
        """The body with ``model`` in place of its own model."""
        new = msgspec.json.encode(model)
        view = memoryview(self.raw)
        pieces: list[bytes | memoryview] = []
        copied = 0
        for start, end in self._model_spans():
            pieces += (view[copied:start], new)
            copied = end
        return b"".join((*pieces, view[copied:]))

    def outline(self) -> tuple[tuple[str, str], ...]:
        """What the body holds, as name and words, without its texts: for the inspector."""
        return tuple((name, _describe(bytes(raw))) for name, raw in self.fields.items())

    def _value(self, name: str) -> Any:
        raw = self.fields.get(name)
        try:
            return None if raw is None else msgspec.json.decode(raw)
        except msgspec.DecodeError as error:
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
        position = _skip_space(raw, _skip_space(raw, 0) + 1)
        for key, value in self.fields.items():
            found, position = _read_key(raw, position)
            size = len(memoryview(value))
            end = position + size
            if found != key or not raw.startswith(memoryview(value), position):
                raise _Repeated
            if key == "model":
                spans.append((position, end))
            position = _skip_space(raw, end)
            if raw[position : position + 1] == b",":
                position = _skip_space(raw, position + 1)
        if raw[position : position + 1] != b"}":
            raise _Repeated
        return spans


class _Repeated(Exception):
    pass


def asked_name(model: str) -> str:
    """The model's name as providers know it: without the window that the client appends."""
    return strip_window_suffix(model)


def _scan(raw: bytes) -> Iterator[tuple[str, int, int]]:
    """Key, start and end of each top-level value, repeated keys included. ``raw`` is valid JSON."""
    position = _skip_space(raw, _skip_space(raw, 0) + 1)
    while raw[position : position + 1] not in (b"}", b""):
        key, position = _read_key(raw, position)
        end = _value_end(raw, position)
        yield key, position, end
        position = _skip_space(raw, end)
        if raw[position : position + 1] == b",":
            position = _skip_space(raw, position + 1)


def _read_key(raw: bytes, position: int) -> tuple[str, int]:
    """The key at ``position`` and where its value starts."""
    match = _STRING.match(raw, position)
    if match is None:
        raise _Repeated
    key: str = msgspec.json.decode(match.group())
    return key, _skip_space(raw, _skip_space(raw, match.end()) + 1)


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


def _skip_space(raw: bytes, position: int) -> int:
    match = _SPACE.match(raw, position)
    return match.end() if match else position


def _describe(raw: bytes) -> str:
    size = f"{len(raw):,} bytes" if len(raw) < 10_000 else f"{len(raw) / 1000:,.0f} kB"
    if raw.startswith(b"["):
        return f"{len(msgspec.json.decode(raw, type=list[Raw]))}, {size}"
    if raw.startswith(b"{"):
        keys = ", ".join(msgspec.json.decode(raw, type=dict[str, Raw]))
        return f"{keys}, {size}" if len(keys) < 60 else size
    if raw.startswith(b'"') and len(raw) > 60:
        return size
    return raw.decode()
