"""What a dialect is: a request of the Messages API turned into its own, and a reader of what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from proxy.dialects.complaints import Complaint
from proxy.dialects.page_filter import ALL_PAGES, PageFilter
from proxy.dialects.quirks import PLAIN, Quirks
from proxy.dialects.reading import AnswerReader
from proxy.dialects.tool_names import ToolNames

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a dialect must know beside the request."""

    model: str
    """The target's."""
    message_id: str
    """For the answer: ``msg_…``, unique."""
    input_tokens: int = 0
    """Estimate of the prompt: the client's display shows it until the provider counted."""
    quirks: Quirks = PLAIN
    session: str | None = None
    """Keeps a provider's prompt cache together."""
    max_output_tokens: int | None = None
    """The most that the target answers with; None: not known."""
    images: bool | None = None
    """Whether the model reads images; None: its list does not say, so the provider's quirks do."""
    betas: tuple[str, ...] = ()
    """What the client's ``anthropic-beta`` header lists: only Claude in a cloud has a use for it."""

    @property
    def sends_images(self) -> bool:
        """Whether the request has its images: the list of models has the first word."""
        return self.quirks.images if self.images is None else self.images


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as the provider gets it."""

    path: str
    """Behind the provider's base URL, query included."""
    body: bytes
    headers: tuple[Header, ...] = ((b"content-type", b"application/json"),)
    notes: tuple[str, ...] = ()
    """What was left out or changed, in words."""
    names: ToolNames = field(default_factory=ToolNames)
    """For the reader: maps the names of called tools back."""
    pages: PageFilter = ALL_PAGES
    """For the reader: of which found pages it tells."""


class CannotTake(ValueError):
    """The dialect or the target cannot express the request at all. ``str()`` names what it lacks, for the user."""


def in_path(model: str, safe: str = "") -> str:
    """``model`` as one segment of a path; characters in ``safe`` stay. Raises ``CannotTake``."""
    if model in ("", ".", ".."):
        raise CannotTake(f"{model!r} names no model: choose one with its full id")
    return quote(model, safe=safe)


class Dialect(Protocol):
    """A wire format."""

    def request(self, body: Mapping[str, Any], occasion: Occasion) -> Outgoing:
        """The request in the decoded ``body``. Raises ``NotAConversation`` and ``CannotTake``."""
        ...

    def reader(self, outgoing: Outgoing, occasion: Occasion) -> AnswerReader | None:
        """Reads the answer to ``outgoing``; None: it is Anthropic's format already."""
        ...

    def complaint(self, status: int, headers: Mapping[str, str], body: bytes) -> Complaint:
        """What an answer with an error status says. Header names are in lower case."""
        ...

    def count_request(self, body: Mapping[str, Any], occasion: Occasion) -> Outgoing | None:
        """A request that counts the prompt's tokens; None: the dialect has none."""
        ...

    def read_count(self, body: bytes) -> int | None:
        """The count in the answer to ``count_request``; None: it has none."""
        ...
