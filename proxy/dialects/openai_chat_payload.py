"""What one payload of OpenAI's chat format says, in whichever place and shape a server puts it."""

from collections.abc import Iterator, Mapping
from typing import Any

from proxy.dialects.foreign_values import mapping, mappings, word

THOUGHTS = ("reasoning_content", "reasoning", "reasoning_text")
"""Fields of a delta with reasoning: DeepSeek and most, OpenRouter and newer vLLM, Copilot."""
_SAYING = ("content", "tool_calls", "function_call", "refusal", "reasoning_details", *THOUGHTS)


def first_choice(payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first by number, for more than one is never asked for; alone it may have any number (Foundry Local counts
    chunks in it)."""
    listed = mappings(payload.get("choices"))
    return next((choice for choice in listed if choice.get("index") in (0, None)), listed[0] if listed else None)


def complaint_in(payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The error that a payload without a choice is. Not all servers call it so: DashScope and AWS tell a message,
    FastAPI a detail, MiniMax a status."""
    base = payload.get("base_resp")
    if isinstance(base, dict) and base.get("status_code"):
        return {"message": base.get("status_msg"), "code": base["status_code"]}
    if "error" in (payload.get("object"), payload.get("type")):
        return payload
    spoken = any(payload.get(name) and isinstance(payload[name], str | list) for name in ("message", "detail"))
    return payload if spoken and "choices" not in payload and "usage" not in payload else None


def says_something(delta: Mapping[str, Any]) -> bool:
    """``delta`` brings something of the answer."""
    return any(delta.get(name) for name in _SAYING)


def usages_in(payload: Mapping[str, Any], choice: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """Counts wherever a server puts them: beside the choices, within one, in Groq's own object."""
    delta = choice.get("delta") if choice is not None else None
    for place in (payload, choice, payload.get("x_groq"), delta):
        if isinstance(place, dict) and isinstance(usage := place.get("usage"), dict):
            yield usage


def thought_in(delta: Mapping[str, Any]) -> str:
    """Reasoning, which servers often tell under several names at once."""
    for name in THOUGHTS:
        if (value := delta.get(name)) and (thought := said_in(value)):
            return thought
    details = details_in(delta)
    return "".join([_detail_text(piece) for piece in details]) if details else ""


def details_in(delta: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """OpenRouter's ``reasoning_details``."""
    return mappings(delta.get("reasoning_details"))


def said_in(value: object) -> str:
    """The text that ``value`` is, or that stands in it or in its parts."""
    parts = value if isinstance(value, list) else [value]
    return "".join(part if isinstance(part, str) else _part_text(part) for part in parts)


def _part_text(part: object) -> str:
    texts = (part.get(name) for name in ("text", "content")) if isinstance(part, dict) else ()
    return next((text for text in texts if isinstance(text, str)), "")


def _detail_text(detail: Mapping[str, Any]) -> str:
    text = detail.get("text") or detail.get("summary")
    return text if isinstance(text, str) else ""


def links_in(annotations: object) -> Iterator[tuple[str, str]]:
    for each in mappings(annotations):
        cited = mapping(each.get("url_citation"))
        if url := word(cited.get("url")):
            yield url, word(cited.get("title")) or url
