"""OpenAI's chat completions: the format that nearly every server speaks, each a little otherwise.

This module writes the request; the messages in it, the answer's stream and reasoning that must return have modules of
their own. How servers differ is in ``Quirks``.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from proxy.dialects.complaints import Complaint, read_complaint_body
from proxy.dialects.conversation import Conversation, read_conversation
from proxy.dialects.dialect import CannotTake, Occasion, Outgoing
from proxy.dialects.effort import wished_effort
from proxy.dialects.openai_chat_messages import Messages
from proxy.dialects.openai_chat_reading import ChatReader
from proxy.dialects.quirks import Quirks
from proxy.dialects.schemas import COMMON, PLAIN_ONLY, is_strict, legal_schema
from proxy.dialects.tool_names import ToolNames

PATH = "/chat/completions"
KEY_MAX = 64
"""Characters of a user id or a cache key."""
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
        self.notes: list[str] = []
        self._conversation = conversation
        self._occasion = occasion
        self._quirks: Quirks = occasion.quirks
        self._names = names

    def write(self) -> dict[str, Any]:
        messages = Messages(self._occasion, self._names)
        written = messages.write(self._conversation, tuple(self._instructions()))
        self.notes += messages.notes
        return {
            "model": self._occasion.model,
            "messages": written,
            **dict(self._tools()),
            **dict(self._lengths()),
            **dict(self._sampling()),
            **dict(self._format()),
            **dict(self._effort()),
            **dict(self._identity()),
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
        rules = PLAIN_ONLY if quirks.plain_schemas else COMMON
        listed = []
        for tool in tools:
            function: dict[str, Any] = {"name": self._names.sent(tool.name)}
            if tool.description:
                function["description"] = tool.description
            function["parameters"] = legal_schema(tool.schema, rules)
            if tool.strict and quirks.strict_tools and is_strict(function["parameters"]):
                function["strict"] = True
            listed.append({"type": "function", "function": function})
        yield "tools", listed
        yield from self._choice()

    def _choice(self) -> Iterator[tuple[str, Any]]:
        choice, quirks = self._conversation.choice, self._quirks
        if not choice.parallel and quirks.parallel_switch:
            yield "parallel_tool_calls", False
        match choice.kind:
            case "none":
                yield "tool_choice", "none"
            case "any" | "tool" if quirks.forced_tools == "no":
                self.notes.append("tool_choice left to the model: the provider takes no demand")
            case "any":
                yield "tool_choice", quirks.forced_tools
            case "tool" if all(tool.name != choice.name for tool in self._conversation.tools):
                self.notes.append(f"tool_choice left to the model: the tool {choice.name} is not sent")
            case "tool" if quirks.named_tool_choice:
                yield "tool_choice", {"type": "function", "function": {"name": self._names.sent(str(choice.name))}}
            case "tool":
                self.notes.append(f"the demand for the tool {choice.name} became a demand for any")
                yield "tool_choice", quirks.forced_tools
            case "auto":
                pass

    def _lengths(self) -> Iterator[tuple[str, Any]]:
        if (most := self._max_tokens()) is not None:
            yield self._quirks.max_tokens_field, most

    def _max_tokens(self) -> int | None:
        wanted, most = self._conversation.max_tokens, self._occasion.max_output_tokens
        if wanted is None:
            return None
        if most is not None and wanted > most:
            self.notes.append(f"max_tokens {wanted} became {most}, the model's most")
        return max(1, wanted if most is None else min(wanted, most))

    def _sampling(self) -> Iterator[tuple[str, Any]]:
        asked, quirks = self._conversation, self._quirks
        for name, value in (("temperature", asked.temperature), ("top_p", asked.top_p)):
            if value is not None and quirks.sampling:
                yield name, value
            elif value is not None:
                self.notes.append(f"{name} left out: the provider does not take it")
        if asked.top_k is not None and quirks.top_k:
            yield "top_k", asked.top_k
        elif asked.top_k is not None:
            self.notes.append("top_k left out: the provider does not take it")
        if len(asked.stop) > quirks.stop_max:
            self.notes.append(f"stop sequences: the first {quirks.stop_max} of {len(asked.stop)} sent")
        if stop := asked.stop[: quirks.stop_max]:
            yield "stop", list(stop)

    def _format(self) -> Iterator[tuple[str, Any]]:
        wanted = self._conversation.format
        if wanted is None or not _is_object(wanted) or self._quirks.structured == "no":
            return
        if self._quirks.structured == "json_object":
            yield "response_format", {"type": "json_object"}
            return
        schema = legal_schema(wanted, PLAIN_ONLY if self._quirks.plain_schemas else COMMON)
        named = {"name": "answer", "schema": schema, "strict": is_strict(schema)}
        yield "response_format", {"type": "json_schema", "json_schema": named}

    def _instructions(self) -> Iterator[str]:
        """The wanted form in words, for a provider that takes no schema; none takes one that is not an object's."""
        wanted = self._conversation.format
        if wanted is not None and (self._quirks.structured != "json_schema" or not _is_object(wanted)):
            self.notes.append("the answer's schema told in words: the provider does not take it")
            schema = msgspec.json.encode(wanted).decode()
            yield f"Answer with one JSON value and nothing else. It must match this JSON schema:\n{schema}"

    def _effort(self) -> Iterator[tuple[str, Any]]:
        asked, quirks = self._conversation, self._quirks
        if quirks.effort_field == "none":
            if asked.effort and asked.thinking != "off":
                self.notes.append(f"effort {asked.effort} left out: the provider does not take it")
            return
        if asked.effort and asked.thinking != "off" and not quirks.efforts:
            self.notes.append(f"effort {asked.effort} left out: the provider does not take it")
        effort = self._effort_word()
        if quirks.effort_field == "reasoning_effort":
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

    def _identity(self) -> Iterator[tuple[str, Any]]:
        """Names that keep a session's cache together and tell users apart; the user's own id never leaves."""
        if self._quirks.cache_key and self._occasion.session:
            session = self._occasion.session
            yield "prompt_cache_key", session if len(session) <= KEY_MAX else _hash(session)
        if self._quirks.user_field != "none" and self._conversation.user:
            yield self._quirks.user_field, _hash(self._conversation.user)

    def _streaming(self) -> Iterator[tuple[str, Any]]:
        if self._conversation.stream:
            yield "stream", True
            if self._quirks.stream_usage:
                yield "stream_options", {"include_usage": True}


def _is_object(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") in (None, "object")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:KEY_MAX]
