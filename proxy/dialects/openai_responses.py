"""OpenAI's Responses API: the format in which its reasoning models take tools.

This module writes the request; its input, the answer, past reasoning and web search have modules of their own. Nothing
is stored at the provider: each request carries the whole conversation. How servers differ is in ``Quirks``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from proxy.dialects.complaints import Complaint, count_in, read_complaint_body
from proxy.dialects.conversation import Conversation, NotAConversation, ServerTool
from proxy.dialects.conversation_reading import read_conversation
from proxy.dialects.dialect import CannotTake, Occasion, Outgoing
from proxy.dialects.effort import wished_effort
from proxy.dialects.openai_responses_input import InputItems
from proxy.dialects.openai_responses_reading import ResponsesReader
from proxy.dialects.openai_responses_search import SOURCES, search_notes, search_tool
from proxy.dialects.schemas import is_strict, legal_schema
from proxy.dialects.tool_names import ToolNames
from proxy.dialects.wishes import Wishes

PATH = "/responses"
COUNT_PATH = "/responses/input_tokens"
OUTPUT_MIN = 16
"""Tokens: a smaller ``max_output_tokens`` is refused."""
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
        self._wishes = Wishes(conversation, occasion)
        self._notes = self._wishes.notes
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
            **dict(self._wishes.identity()),
            "store": False,
            **dict(self._included()),
            **({"stream": True} if self._conversation.stream else {}),
        }

    def _instructions(self) -> Iterator[tuple[str, Any]]:
        said = [self._conversation.system_text] if self._conversation.system else []
        said += self._wishes.told_form()
        if said:
            yield "instructions", "\n\n".join(said)

    def _tools(self) -> Iterator[tuple[str, Any]]:
        listed: list[dict[str, Any]] = []
        for tool in self._conversation.tools:
            schema = legal_schema(tool.schema, self._wishes.schema_rules)
            made: dict[str, Any] = {"type": "function", "name": self.names.sent(tool.name)}
            made |= {"description": tool.description} if tool.description else {}
            strict = tool.strict and self._quirks.strict_tools and is_strict(schema)
            listed.append({**made, "parameters": schema, "strict": strict})
        listed += self._server_tools()
        if listed:
            yield "tools", listed
            yield from self._wishes.choice(self._demands())
        elif self._conversation.server_tools and self._conversation.choice.kind in ("any", "tool"):
            name = self._conversation.server_tools[0].name
            raise CannotTake(f"the request demands {name}, which the provider does not run")

    def _server_tools(self) -> Iterator[dict[str, Any]]:
        for tool in self._conversation.server_tools:
            if (made := search_tool(tool, self._quirks)) is not None:
                self._wishes.note_unbounded(tool)
                self._notes += search_notes(tool, self._quirks)
                yield made
            else:
                self._notes.append(f"the tool {tool.name} ({tool.type}) left out: the provider does not run it")

    def _demands(self) -> dict[str, Any]:
        """Tools of the server's own cannot be demanded by name."""
        served: dict[str, Any] = {tool.name: None for tool in self._conversation.server_tools if self._is_served(tool)}
        named = [(tool.name, self.names.sent(tool.name)) for tool in self._conversation.tools]
        return served | {name: {"type": "function", "name": sent} for name, sent in named}

    def _is_served(self, tool: ServerTool) -> bool:
        return search_tool(tool, self._quirks) is not None

    def _lengths(self) -> Iterator[tuple[str, Any]]:
        if (most := self._wishes.max_tokens()) is not None:
            yield "max_output_tokens", max(OUTPUT_MIN, most)

    def _sampling(self) -> Iterator[tuple[str, Any]]:
        yield from self._wishes.sampling(top_k=self._quirks.top_k)
        if self._conversation.stop:
            self._notes.append("stop sequences left out: the format has none")

    def _format(self) -> Iterator[tuple[str, Any]]:
        if (form := self._wishes.form()) is not None:
            yield "text", {"format": form}

    def _reasoning(self) -> Iterator[tuple[str, Any]]:
        asked, quirks = self._conversation, self._quirks
        if not self._wishes.effort_taken():
            return
        effort = wished_effort(asked, quirks)
        made: dict[str, str] = {"effort": effort} if effort is not None else {}
        if asked.thinking in ("on", "adaptive") and quirks.reasoning_summaries:
            made["summary"] = "auto"
        elif asked.thinking in ("on", "adaptive"):
            self._notes.append("no summaries of its reasoning asked for: the provider grants none")
        if made:
            yield "reasoning", made

    def _included(self) -> Iterator[tuple[str, Any]]:
        searches = any(tool.searches and self._is_served(tool) for tool in self._conversation.server_tools)
        wanted = [ENCRYPTED] if self._quirks.encrypted_reasoning else []
        wanted += [SOURCES] if searches else []
        if wanted:
            yield "include", wanted
