"""A request as the simulator understands it: validation, what was said last, the pieces that a cache sees. Pure."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import msgspec
from msgspec import Raw, Struct

MAX_BODY_BYTES = 32 * 1024 * 1024
"""The limit of the real API."""

IMAGE_TOKENS = 1500
"""What an image or a document counts, whatever its size."""

_CACHE_MARK = re.compile(
    rb',\s*"cache_control"\s*:\s*\{[^{}]*\}|"cache_control"\s*:\s*\{[^{}]*\}\s*,?',
)


class InvalidRequestError(Exception):
    """The request is refused with ``status`` and an error of ``kind``."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class _CacheControl(Struct):
    type: str = "ephemeral"
    ttl: str = "5m"


class _Block(Struct):
    type: str
    text: str = ""
    cache_control: _CacheControl | None = None


class _Message(Struct):
    role: str
    content: str | list[Raw]


class _Thinking(Struct):
    type: Literal["enabled", "adaptive", "disabled"]
    budget_tokens: int | None = None
    display: str = "summarized"


class _Tool(Struct):
    name: str = ""
    cache_control: _CacheControl | None = None


class _Format(Struct):
    type: str = ""
    schema: dict[str, object] | None = None


class _OutputConfig(Struct):
    format: _Format | None = None


class _Metadata(Struct):
    user_id: str | None = None


class _Body(Struct):
    model: str
    messages: list[_Message]
    max_tokens: int | None = None
    stream: bool = False
    system: str | list[Raw] = ""
    tools: list[Raw] = []
    thinking: _Thinking | None = None
    output_config: _OutputConfig | None = None
    stop_sequences: list[str] = []
    metadata: _Metadata | None = None


_decode_body = msgspec.json.Decoder(_Body).decode
_decode_block = msgspec.json.Decoder(_Block).decode
_decode_tool = msgspec.json.Decoder(_Tool).decode


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the prompt that the cache knows as one: a tool, a system block, a block of a message."""

    digest: bytes
    """Of its content without cache marks: the client moves them from turn to turn."""
    tokens: int
    ttl: Literal["5m", "1h"] | None
    """A cache mark on it, with its time to live."""


class SimRequest:
    """A valid request. Raises ``InvalidRequestError`` for any other."""

    def __init__(self, raw: bytes, *, counting: bool = False) -> None:
        """``counting``: the request is for ``count_tokens``, where ``max_tokens`` is not needed."""
        if len(raw) > MAX_BODY_BYTES:
            raise InvalidRequestError(413, "request_too_large", "Request exceeds the maximum size")
        try:
            self._body = _decode_body(raw)
            self.pieces = tuple(self._pieces())
            self._last = self._last_user_blocks()
        except msgspec.ValidationError as error:
            raise InvalidRequestError(400, "invalid_request_error", str(error)) from error
        except msgspec.DecodeError as error:
            raise InvalidRequestError(
                400, "invalid_request_error", f"The request body is not valid JSON: {error}"
            ) from error
        self._check(counting)
        self.digest = hashlib.blake2b(_CACHE_MARK.sub(b"", raw), digest_size=16).hexdigest()
        """Names the request: the same body gives the same answer."""

    @property
    def model(self) -> str:
        return self._body.model

    @property
    def streaming(self) -> bool:
        return self._body.stream

    @property
    def max_tokens(self) -> int:
        return self._body.max_tokens or 0

    @property
    def stop_sequences(self) -> tuple[str, ...]:
        return tuple(self._body.stop_sequences)

    @property
    def thinks(self) -> bool:
        return self._body.thinking is not None and self._body.thinking.type != "disabled"

    @property
    def shows_thinking(self) -> bool:
        return self._body.thinking is not None and self._body.thinking.display != "omitted"

    @property
    def schema(self) -> dict[str, object] | None:
        """The JSON schema that the answer must follow, if one was given."""
        form = self._body.output_config.format if self._body.output_config else None
        return form.schema if form and form.type == "json_schema" else None

    @property
    def session(self) -> str:
        """What keeps caches apart: the client's ``metadata.user_id``, and the model."""
        user = self._body.metadata.user_id if self._body.metadata else None
        return f"{user}\x1f{self.model}"

    @property
    def tokens(self) -> int:
        """The whole prompt, estimated."""
        return sum(piece.tokens for piece in self.pieces)

    @cached_property
    def tool_names(self) -> frozenset[str]:
        return frozenset(_decode_tool(tool).name for tool in self._body.tools)

    @property
    def answers_a_tool(self) -> bool:
        """The last user message brings a tool's result."""
        return any(block.type == "tool_result" for block in self._last)

    @cached_property
    def said(self) -> str:
        """What the user said last, without the client's own reminders."""
        texts = (block.text for block in self._last if block.type == "text")
        return "\n".join(text for text in texts if not text.lstrip().startswith("<system-reminder>")).strip()

    def _check(self, counting: bool) -> None:
        if not self._body.messages:
            raise InvalidRequestError(400, "invalid_request_error", "messages: at least one message is required")
        if counting:
            return
        if self._body.max_tokens is None:
            raise InvalidRequestError(400, "invalid_request_error", "max_tokens: Field required")
        thinking = self._body.thinking
        if thinking and thinking.type == "enabled" and (thinking.budget_tokens or 0) < 1024:
            raise InvalidRequestError(
                400, "invalid_request_error", "thinking.enabled.budget_tokens: must be at least 1024"
            )

    def _last_user_blocks(self) -> list[_Block]:
        for message in reversed(self._body.messages):
            if message.role == "user":
                if isinstance(message.content, str):
                    return [_Block("text", message.content)]
                return [_decode_block(block) for block in message.content]
        return []

    def _pieces(self) -> Iterator[Piece]:
        for tool in self._body.tools:
            yield _piece(b"tool", bytes(tool), _decode_tool(tool).cache_control)
        yield from _content_pieces(b"system", self._body.system)
        for message in self._body.messages:
            yield from _content_pieces(message.role.encode(), message.content)


def _content_pieces(role: bytes, content: str | list[Raw]) -> Iterator[Piece]:
    if isinstance(content, str):
        if content:
            yield _piece(role, msgspec.json.encode({"type": "text", "text": content}), None)
        return
    for block in content:
        head = _decode_block(block)
        tokens = IMAGE_TOKENS if head.type in {"image", "document"} else None
        yield _piece(role, bytes(block), head.cache_control, tokens)


def _piece(role: bytes, raw: bytes, mark: _CacheControl | None, tokens: int | None = None) -> Piece:
    content = _CACHE_MARK.sub(b"", raw) if mark else raw
    digest = hashlib.blake2b(role + b"\x1f" + content, digest_size=16).digest()
    ttl: Literal["5m", "1h"] | None = None if mark is None else "1h" if mark.ttl == "1h" else "5m"
    return Piece(digest, estimated_tokens(content) if tokens is None else tokens, ttl)


def estimated_tokens(content: bytes) -> int:
    """Four bytes of JSON make a token, about."""
    return max(1, len(content) // 4)
