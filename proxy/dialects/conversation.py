"""A request of the Messages API as values, already legal in the ways in which all other formats agree.

Neighbours of one role are one turn, every call has exactly one result directly behind it, no text is empty. Who reads
it out of a body is ``conversation_reading``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct

Role = Literal["user", "assistant"]


class _Value(Struct, frozen=True, gc=False):
    """A long conversation has thousands. None is part of a cycle, so the collector need not look at them."""


class Text(_Value, frozen=True):
    text: str
    cache: Mapping[str, Any] | None = None
    """The block's ``cache_control``."""


class Image(_Value, frozen=True):
    media_type: str = "image/png"
    data: str | None = None
    """Base64."""
    url: str | None = None


class Document(_Value, frozen=True):
    """A PDF file; documents of text are ``Text`` already."""

    title: str
    media_type: str = "application/pdf"
    data: str | None = None
    url: str | None = None


class Thinking(_Value, frozen=True):
    text: str
    signature: str


class Call(_Value, frozen=True):
    id: str
    name: str
    input: Mapping[str, Any]


class Result(_Value, frozen=True):
    call_id: str
    name: str
    """Of the tool that was called."""
    parts: "tuple[Text | Image | Document, ...]"
    is_error: bool = False
    cache: Mapping[str, Any] | None = None
    """The block's ``cache_control``."""

    @property
    def text(self) -> str:
        """Its texts together; empty where it has none."""
        return "\n".join([part.text for part in self.parts if isinstance(part, Text)])

    @property
    def media(self) -> "tuple[Image | Document, ...]":
        return tuple([part for part in self.parts if not isinstance(part, Text)])


Said = Text | Image | Document
Part = Said | Thinking | Call | Result
SAID = (Text, Image, Document)
"""The same, for ``isinstance``."""


class Turn(_Value, frozen=True):
    """Everything that one side says before the other does. In a user's turn all results stand first."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple([part for part in self.parts if isinstance(part, Call)])

    @property
    def results(self) -> tuple[Result, ...]:
        return tuple([part for part in self.parts if isinstance(part, Result)])

    @property
    def said(self) -> tuple[Said, ...]:
        """Everything but calls, results and thinking."""
        return tuple([part for part in self.parts if isinstance(part, SAID)])

    @property
    def thoughts(self) -> tuple[Thinking, ...]:
        return tuple([part for part in self.parts if isinstance(part, Thinking)])


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    description: str
    schema: Mapping[str, Any]
    """JSON schema whose root is an object with properties."""
    strict: bool = False


@dataclass(frozen=True, slots=True)
class ServerTool:
    """A tool that the provider itself would run."""

    type: str
    name: str
    settings: Mapping[str, Any]

    @property
    def searches(self) -> bool:
        """It searches the web."""
        return self.type.startswith("web_search_")


@dataclass(frozen=True, slots=True)
class ToolChoice:
    kind: Literal["auto", "any", "tool", "none"] = "auto"
    name: str | None = None
    parallel: bool = True


@dataclass(frozen=True, slots=True)
class Conversation:
    """A request."""

    model: str
    system: tuple[Text, ...]
    turns: tuple[Turn, ...]
    """Beginning with a user's, alternating."""
    tools: tuple[Tool, ...] = ()
    server_tools: tuple[ServerTool, ...] = ()
    choice: ToolChoice = ToolChoice()
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    thinking: Literal["unset", "off", "on", "adaptive"] = "unset"
    thinking_budget: int | None = None
    """Tokens."""
    effort: str | None = None
    format: Mapping[str, Any] | None = None
    """JSON schema of a structured answer."""
    stream: bool = False
    user: str | None = None
    """``metadata.user_id``: holds account and session ids, so it is hashed before it leaves."""
    notes: tuple[str, ...] = ()
    """What was left out or changed, in words, each once."""

    @property
    def system_text(self) -> str:
        return "\n\n".join(part.text for part in self.system)


class NotAConversation(ValueError):
    """The body is not what the Messages API takes. ``str()`` names the fault."""
