"""An output item of a response, and what a server's account of one says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from proxy.dialects.call_arguments import arguments_text
from proxy.dialects.foreign_values import mappings, word
from proxy.dialects.openai_responses_search import Search

Kind = Literal["message", "reasoning", "function_call", "web_search_call"]
Group = Literal["content", "summary", "arguments"]

_KINDS: Mapping[object, Kind] = {
    "message": "message",
    "reasoning": "reasoning",
    "function_call": "function_call",
    "web_search_call": "web_search_call",
}


@dataclass(slots=True, eq=False)
class Item:
    """An output item; other kinds than these are not told."""

    kind: Kind
    id: str | None = None
    call_id: str | None = None
    name: str = ""
    told: list[str] = field(default_factory=list)
    """Its text so far, without the breaks between parts."""
    unsent: list[str] = field(default_factory=list)
    group: Group | None = None
    """Reasoning may come in full and as a summary: the first that comes counts."""
    part: int = 0
    """Number of the part that was told last."""
    encrypted: str | None = None
    search: Search | None = None
    begun: bool = False
    ended: bool = False
    """A call that came whole without arguments: some servers send them after that (MiniMax)."""
    done: bool = False
    closed: bool = False

    @property
    def text(self) -> str:
        return "".join(self.told)

    def may_be(self, given: Mapping[str, Any]) -> bool:
        """Whether ``given``, which has another id, may be this item: nothing in it speaks against that."""
        if self.name and word(given.get("name")) not in (None, self.name):
            return False
        so_far, whole = self.text, "".join(text for _, text in texts_of(self.kind, given))
        return so_far.startswith(whole) or whole.startswith(so_far)


def kind_of(given: Mapping[str, Any]) -> Kind | None:
    """None for items that are not told."""
    kind = given.get("type")
    if kind is None and "content" in given and "role" in given:
        return "message"
    return _KINDS.get(kind) if isinstance(kind, str) else None


def texts_of(kind: Kind, given: Mapping[str, Any]) -> list[tuple[Group, str]]:
    """The texts that a whole item holds, part by part. Of reasoning the summary comes first."""
    match kind:
        case "message":
            return [("content", text) for text in _texts(given.get("content"), "text", "refusal")]
        case "reasoning":
            summary: list[tuple[Group, str]] = [("summary", text) for text in _texts(given.get("summary"), "text")]
            return [*summary, *(("content", text) for text in _texts(given.get("content"), "text"))]
        case "function_call":
            arguments = given.get("arguments")
            return [("arguments", arguments_text(arguments if isinstance(arguments, str | Mapping) else None))]
        case "web_search_call":
            return []


def _texts(parts: object, *names: str) -> list[str]:
    """One for each part, perhaps empty."""
    if isinstance(parts, str):
        return [parts]
    return [next((text for name in names if (text := word(part.get(name)))), "") for part in mappings(parts)]
