"""OpenAI's chat completions: the format that nearly every server speaks, each a little otherwise.

This module writes the request; the messages in it, the answer's stream and reasoning that must return have modules of
their own. How servers differ is in ``Quirks``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from proxy.dialects.complaints import Complaint, read_complaint_body
from proxy.dialects.conversation import Conversation
from proxy.dialects.conversation_reading import read_conversation
from proxy.dialects.dialect import CannotTake, Occasion, Outgoing
from proxy.dialects.effort import wished_effort
from proxy.dialects.openai_chat_messages import Messages
from proxy.dialects.openai_chat_reading import ChatReader
from proxy.dialects.quirks import Quirks
from proxy.dialects.schemas import is_strict, legal_schema
from proxy.dialects.tool_names import ToolNames
from proxy.dialects.wishes import Wishes

PATH = "/chat/completions"
BUDGET_MIN = 1024
"""Tokens of thinking that gateways to Claude take at least."""


@dataclass(frozen=True, slots=True)
class OpenAIChat:
    """The dialect ``openai-chat``."""

    def request(self, body: Mapping[str, Any], occasion: Occasion) -> Outgoing:
        """The request in the decoded ``body``. Raises ``NotAConversation`` and ``CannotTake``."""
        conversation = read_conversation(body)
        names = ToolNames(tool.name for tool in conversation.tools)
        writer = _RequestWriter(conversation, occasion, names)
        payload = writer.write()
        notes = tuple(dict.fromkeys((*conversation.notes, *writer.notes)))
        return Outgoing(PATH, msgspec.json.encode(payload), notes=notes, names=names)

    def reader(self, outgoing: Outgoing, occasion: Occasion) -> ChatReader:
        return ChatReader(outgoing.names, occasion)

    def complaint(self, status: int, headers: Mapping[str, str], body: bytes) -> Complaint:
        """What an answer with an error status says."""
        del headers
        return read_complaint_body(status, body)

    def count_request(self, body: Mapping[str, Any], occasion: Occasion) -> Outgoing | None:
        """None: the format counts only what it answers."""
        del body, occasion
        return None

    def read_count(self, body: bytes) -> int | None:
        del body
        return None


class _RequestWriter:
    def __init__(self, conversation: Conversation, occasion: Occasion, names: ToolNames) -> None:
        self._wishes = Wishes(conversation, occasion)
        self.notes = self._wishes.notes
        self._conversation = conversation
        self._occasion = occasion
        self._quirks: Quirks = occasion.quirks
        self._names = names

    def write(self) -> dict[str, Any]:
        messages = Messages(self._occasion, self._names)
        written = messages.write(self._conversation, tuple(self._wishes.told_form()))
        self.notes += messages.notes
        return {
            "model": self._occasion.model,
            "messages": written,
            **dict(self._tools()),
            **dict(self._lengths()),
            **dict(self._sampling()),
            **dict(self._format()),
            **dict(self._effort()),
            **dict(self._wishes.identity()),
            **dict(self._streaming()),
        }

    def _tools(self) -> Iterator[tuple[str, Any]]:
        for left_out in self._conversation.server_tools:
            self.notes.append(f"the tool {left_out.name} ({left_out.type}) left out: the provider does not run it")
        tools, quirks = self._conversation.tools, self._quirks
        if not tools:
            if self._conversation.choice.kind in ("any", "tool") and self._conversation.server_tools:
                raise CannotTake(
                    f"the request demands {self._conversation.server_tools[0].name}, which it does not run"
                )
            return
        listed = []
        for tool in tools:
            function: dict[str, Any] = {"name": self._names.sent(tool.name)}
            if tool.description:
                function["description"] = tool.description
            function["parameters"] = legal_schema(tool.schema, self._wishes.schema_rules)
            if tool.strict and quirks.strict_tools and is_strict(function["parameters"]):
                function["strict"] = True
            listed.append({"type": "function", "function": function})
        yield "tools", listed
        names = [(tool.name, self._names.sent(tool.name)) for tool in tools]
        yield from self._wishes.choice({name: {"type": "function", "function": {"name": sent}} for name, sent in names})

    def _lengths(self) -> Iterator[tuple[str, Any]]:
        if (most := self._max_tokens()) is not None:
            yield self._quirks.max_tokens_field, most

    def _max_tokens(self) -> int | None:
        most = self._wishes.max_tokens()
        return None if most is None else max(1, most)

    def _sampling(self) -> Iterator[tuple[str, Any]]:
        yield from self._wishes.sampling(top_k=self._quirks.top_k)
        if stop := self._wishes.stop():
            yield "stop", stop

    def _format(self) -> Iterator[tuple[str, Any]]:
        form = self._wishes.form()
        if form is not None and form["type"] == "json_schema":
            form = {"type": form.pop("type"), "json_schema": form}
        if form is not None:
            yield "response_format", form

    def _effort(self) -> Iterator[tuple[str, Any]]:
        if not self._wishes.effort_taken():
            return
        effort = self._effort_word()
        if self._quirks.effort_field == "reasoning_effort":
            if effort is not None:
                yield "reasoning_effort", effort
        elif (budget := self._budget()) is not None:
            yield "reasoning", {"max_tokens": budget}
        elif effort is not None:
            yield "reasoning", {"effort": effort}

    def _effort_word(self) -> str | None:
        asked, quirks = self._conversation, self._quirks
        if asked.tools and quirks.effort_with_tools is not None:
            if asked.effort not in (None, quirks.effort_with_tools):
                self.notes.append(f"effort became {quirks.effort_with_tools}: the model takes no other with tools")
            return quirks.effort_with_tools
        return wished_effort(asked, quirks)

    def _budget(self) -> int | None:
        """Tokens of thinking, where nothing but a budget was named; None: no budget that can be sent."""
        asked, most = self._conversation, self._max_tokens()
        if asked.thinking != "on" or asked.effort is not None or asked.thinking_budget is None:
            return None
        if asked.tools and self._quirks.effort_with_tools is not None:
            return None
        budget = max(BUDGET_MIN, asked.thinking_budget)
        return budget if most is None or budget < most else None

    def _streaming(self) -> Iterator[tuple[str, Any]]:
        if self._conversation.stream:
            yield "stream", True
            if self._quirks.stream_usage:
                yield "stream_options", {"include_usage": True}
