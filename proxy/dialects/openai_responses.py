"""OpenAI's Responses API: the format in which its reasoning models take tools.

This module writes the request; its input, the answer, past reasoning and web search have modules of their own. Nothing
is stored at the provider: each request carries the whole conversation. How servers differ is in ``Quirks``.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from proxy.dialects.complaints import Complaint, count_in, read_complaint_body
from proxy.dialects.conversation import Conversation, NotAConversation, ServerTool, read_conversation
from proxy.dialects.dialect import CannotTake, Occasion, Outgoing
from proxy.dialects.effort import wished_effort
from proxy.dialects.openai_responses_input import InputItems
from proxy.dialects.openai_responses_reading import ResponsesReader
from proxy.dialects.openai_responses_search import SOURCES, is_search, search_notes, search_tool
from proxy.dialects.schemas import COMMON, PLAIN_ONLY, is_strict, legal_schema
from proxy.dialects.tool_names import ToolNames

PATH = "/responses"
COUNT_PATH = "/responses/input_tokens"
OUTPUT_MIN = 16
"""Tokens: a smaller ``max_output_tokens`` is refused."""
KEY_MAX = 64
"""Characters of a user id or a cache key."""
ENCRYPTED = "reasoning.encrypted_content"
"""Asks for reasoning that can be sent back."""
_COUNTED = ("model", "instructions", "input", "tools", "tool_choice", "parallel_tool_calls", "text")
"""Of a request: what ``/responses/input_tokens`` takes and counts. Wishes for reasoning are no tokens, and some models
refuse them."""


@dataclass(frozen=True, slots=True)
class OpenAIResponses:
    """The dialect ``openai-responses``."""

    def request(self, body: Mapping[str, Any], occasion: Occasion) -> Outgoing:
        """The request in the decoded ``body``. Raises ``NotAConversation`` and ``CannotTake``."""
        writer = _RequestWriter(read_conversation(body), occasion)
        return Outgoing(PATH, msgspec.json.encode(writer.write()), notes=writer.told(), names=writer.names)

    def reader(self, outgoing: Outgoing, occasion: Occasion) -> ResponsesReader:
        return ResponsesReader(outgoing.names, occasion)

    def complaint(self, status: int, headers: Mapping[str, str], body: bytes) -> Complaint:
        """What an answer with an error status says."""
        del headers
        return read_complaint_body(status, body)

    def count_request(self, body: Mapping[str, Any], occasion: Occasion) -> Outgoing | None:
        """None where the server does not count."""
        if not occasion.quirks.counts_tokens:
            return None
        writer = _RequestWriter(read_conversation(body), occasion)
        counted = {name: value for name, value in writer.write().items() if name in _COUNTED}
        return Outgoing(COUNT_PATH, msgspec.json.encode(counted), notes=writer.told(), names=writer.names)

    def read_count(self, body: bytes) -> int | None:
        return count_in(body, "input_tokens")


class _RequestWriter:
    def __init__(self, conversation: Conversation, occasion: Occasion) -> None:
        self.names = ToolNames(tool.name for tool in conversation.tools)
        self._notes: list[str] = []
        self._conversation = conversation
        self._occasion = occasion
        self._quirks = occasion.quirks

    def told(self) -> tuple[str, ...]:
        """What was left out or changed, each once."""
        return tuple(dict.fromkeys((*self._conversation.notes, *self._notes)))

    def write(self) -> dict[str, Any]:
        items = InputItems(self._occasion, self.names)
        written = items.write(self._conversation.turns)
        if not written:
            raise NotAConversation("messages: at least one with content is required")
        self._notes += items.notes
        return {
            "model": self._occasion.model,
            **dict(self._instructions()),
            "input": written,
            **dict(self._tools()),
            **dict(self._lengths()),
            **dict(self._sampling()),
            **dict(self._format()),
            **dict(self._reasoning()),
            **dict(self._identity()),
            "store": False,
            **dict(self._included()),
            **({"stream": True} if self._conversation.stream else {}),
        }

    def _instructions(self) -> Iterator[tuple[str, Any]]:
        said = [self._conversation.system_text] if self._conversation.system else []
        wanted = self._conversation.format
        if wanted is not None and (self._quirks.structured != "json_schema" or not _is_object(wanted)):
            self._notes.append("the answer's schema told in words: the provider does not take it")
            schema = msgspec.json.encode(wanted).decode()
            said.append(f"Answer with one JSON value and nothing else. It must match this JSON schema:\n{schema}")
        if said:
            yield "instructions", "\n\n".join(said)

    def _tools(self) -> Iterator[tuple[str, Any]]:
        rules = PLAIN_ONLY if self._quirks.plain_schemas else COMMON
        listed: list[dict[str, Any]] = []
        for tool in self._conversation.tools:
            schema = legal_schema(tool.schema, rules)
            made: dict[str, Any] = {"type": "function", "name": self.names.sent(tool.name)}
            made |= {"description": tool.description} if tool.description else {}
            strict = tool.strict and self._quirks.strict_tools and is_strict(schema)
            listed.append({**made, "parameters": schema, "strict": strict})
        listed += self._server_tools()
        if listed:
            yield "tools", listed
            yield from self._choice()
        elif self._conversation.server_tools and self._conversation.choice.kind in ("any", "tool"):
            name = self._conversation.server_tools[0].name
            raise CannotTake(f"the request demands {name}, which the provider does not run")

    def _server_tools(self) -> Iterator[dict[str, Any]]:
        for tool in self._conversation.server_tools:
            if (made := search_tool(tool, self._quirks)) is not None:
                self._notes += search_notes(tool, self._quirks)
                yield made
            else:
                self._notes.append(f"the tool {tool.name} ({tool.type}) left out: the provider does not run it")

    def _choice(self) -> Iterator[tuple[str, Any]]:
        choice, quirks = self._conversation.choice, self._quirks
        if not choice.parallel and quirks.parallel_switch:
            yield "parallel_tool_calls", False
        match choice.kind:
            case "none":
                yield "tool_choice", "none"
            case "any" | "tool" if quirks.forced_tools == "no":
                self._notes.append("tool_choice left to the model: the provider takes no demand")
            case "any":
                yield "tool_choice", quirks.forced_tools
            case "tool":
                yield from self._named_choice(str(choice.name))
            case "auto":
                pass

    def _named_choice(self, name: str) -> Iterator[tuple[str, Any]]:
        own = any(tool.name == name for tool in self._conversation.tools)
        served = any(tool.name == name and self._is_served(tool) for tool in self._conversation.server_tools)
        if not own and not served:
            self._notes.append(f"tool_choice left to the model: the tool {name} is not sent")
        elif own and self._quirks.named_tool_choice:
            yield "tool_choice", {"type": "function", "name": self.names.sent(name)}
        else:
            if len(self._conversation.tools) + len(self._conversation.server_tools) > 1:
                self._notes.append(f"the demand for the tool {name} became a demand for any")
            yield "tool_choice", self._quirks.forced_tools

    def _is_served(self, tool: ServerTool) -> bool:
        return search_tool(tool, self._quirks) is not None

    def _lengths(self) -> Iterator[tuple[str, Any]]:
        wanted, most = self._conversation.max_tokens, self._occasion.max_output_tokens
        if wanted is None:
            return
        if most is not None and wanted > most:
            self._notes.append(f"max_tokens {wanted} became {most}, the model's most")
            wanted = most
        yield "max_output_tokens", max(OUTPUT_MIN, wanted)

    def _sampling(self) -> Iterator[tuple[str, Any]]:
        asked = self._conversation
        for name, value in (("temperature", asked.temperature), ("top_p", asked.top_p)):
            if value is not None and self._quirks.sampling:
                yield name, value
            elif value is not None:
                self._notes.append(f"{name} left out: the provider does not take it")
        if asked.top_k is not None and self._quirks.top_k:
            yield "top_k", asked.top_k
        elif asked.top_k is not None:
            self._notes.append("top_k left out: the provider does not take it")
        if asked.stop:
            self._notes.append("stop sequences left out: the format has none")

    def _format(self) -> Iterator[tuple[str, Any]]:
        wanted = self._conversation.format
        if wanted is None or not _is_object(wanted) or self._quirks.structured == "no":
            return
        if self._quirks.structured == "json_object":
            yield "text", {"format": {"type": "json_object"}}
            return
        schema = legal_schema(wanted, PLAIN_ONLY if self._quirks.plain_schemas else COMMON)
        named = {"type": "json_schema", "name": "answer", "schema": schema, "strict": is_strict(schema)}
        yield "text", {"format": named}

    def _reasoning(self) -> Iterator[tuple[str, Any]]:
        asked, quirks = self._conversation, self._quirks
        if quirks.effort_field == "none":
            if asked.effort and asked.thinking != "off":
                self._notes.append(f"effort {asked.effort} left out: the provider does not take it")
            return
        if asked.effort and asked.thinking != "off" and not quirks.efforts:
            self._notes.append(f"effort {asked.effort} left out: the provider does not take it")
        effort = wished_effort(asked, quirks)
        made: dict[str, str] = {"effort": effort} if effort is not None else {}
        if asked.thinking in ("on", "adaptive") and quirks.reasoning_summaries:
            made["summary"] = "auto"
        elif asked.thinking in ("on", "adaptive"):
            self._notes.append("no summaries of its reasoning asked for: the provider grants none")
        if made:
            yield "reasoning", made

    def _identity(self) -> Iterator[tuple[str, Any]]:
        """Names that keep a session's cache together and tell users apart; the user's own id never leaves."""
        if self._quirks.cache_key and (session := self._occasion.session):
            yield "prompt_cache_key", session if len(session) <= KEY_MAX else _hash(session)
        if self._quirks.user_field != "none" and self._conversation.user:
            yield self._quirks.user_field, _hash(self._conversation.user)

    def _included(self) -> Iterator[tuple[str, Any]]:
        searches = any(is_search(tool) and self._is_served(tool) for tool in self._conversation.server_tools)
        wanted = [ENCRYPTED] if self._quirks.encrypted_reasoning else []
        wanted += [SOURCES] if searches else []
        if wanted:
            yield "include", wanted


def _is_object(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") in (None, "object")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:KEY_MAX]
