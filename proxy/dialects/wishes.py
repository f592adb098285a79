"""What a request wishes beside its conversation, in the fields that formats share, as far as the server takes it."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from proxy.dialects.answer_schema import is_object, told_schema
from proxy.dialects.conversation import Conversation, ServerTool
from proxy.dialects.dialect import Occasion
from proxy.dialects.schemas import COMMON, PLAIN_ONLY, SchemaRules, is_strict, legal_schema

KEY_MAX = 64
"""Characters of a user id or a cache key."""
Field = tuple[str, Any]


class Wishes:
    """Of one request; ``notes`` says what was left out or changed."""

    def __init__(self, asked: Conversation, occasion: Occasion) -> None:
        self.notes: list[str] = []
        self._asked = asked
        self._occasion = occasion
        self._quirks = occasion.quirks

    @property
    def schema_rules(self) -> SchemaRules:
        """For formats of OpenAI's."""
        return PLAIN_ONLY if self._quirks.plain_schemas else COMMON

    def max_tokens(self) -> int | None:
        """Not more than the model answers with; None: any number."""
        wanted, most = self._asked.max_tokens, self._occasion.max_output_tokens
        if wanted is None or most is None or wanted <= most:
            return wanted
        self.notes.append(f"max_tokens {wanted} became {most}, the model's most")
        return most

    def sampling(self, *, top_k: bool) -> Iterator[Field]:
        """By Anthropic's names. ``top_k``: the server takes this one."""
        asked, taken = self._asked, self._quirks.sampling
        for name, value, is_taken in (
            ("temperature", asked.temperature, taken),
            ("top_p", asked.top_p, taken),
            ("top_k", asked.top_k, top_k),
        ):
            if value is not None and is_taken:
                yield name, value
            elif value is not None:
                self.notes.append(f"{name} left out: the provider does not take it")

    def stop(self) -> list[str]:
        """Stop sequences, as many as the server takes."""
        wanted, most = self._asked.stop, self._quirks.stop_max
        if len(wanted) > most:
            self.notes.append(f"stop sequences: the first {most} of {len(wanted)} sent")
        return list(wanted[:most])

    def note_unbounded(self, search: ServerTool) -> None:
        """Servers bound their own searches as they see fit."""
        if search.settings.get("max_uses"):
            self.notes.append("max_uses of the web search left out: the provider takes no bound")

    def effort_taken(self) -> bool:
        """Whether the server takes one at all."""
        asked, taken = self._asked, self._quirks.effort_field != "none"
        if asked.effort and asked.thinking != "off" and not (taken and self._quirks.efforts):
            self.notes.append(f"effort {asked.effort} left out: the provider does not take it")
        return taken

    def choice(self, demands: Mapping[str, Any]) -> Iterator[Field]:
        """Which tools may be called. ``demands``: of each tool that is sent, what demands it by name; None for one that
        cannot be."""
        choice, quirks = self._asked.choice, self._quirks
        name = choice.name or ""
        if not choice.parallel and quirks.parallel_switch:
            yield "parallel_tool_calls", False
        match choice.kind:
            case "none":
                yield "tool_choice", "none"
            case "any" | "tool" if quirks.forced_tools == "no":
                self.notes.append("tool_choice left to the model: the provider takes no demand")
            case "any":
                yield "tool_choice", quirks.forced_tools
            case "tool" if name not in demands:
                self.notes.append(f"tool_choice left to the model: the tool {name} is not sent")
            case "tool" if quirks.named_tool_choice and demands[name] is not None:
                yield "tool_choice", demands[name]
            case "tool":
                if len(demands) > 1:
                    self.notes.append(f"the demand for the tool {name} became a demand for any")
                yield "tool_choice", quirks.forced_tools
            case "auto":
                pass

    def form(self) -> dict[str, Any] | None:
        """Type and parameters of the answer's form that the server enforces; None: any form."""
        wanted = self._asked.format
        if wanted is None or not is_object(wanted) or self._quirks.structured == "no":
            return None
        if self._quirks.structured == "json_object":
            return {"type": "json_object"}
        schema = legal_schema(wanted, self.schema_rules)
        return {"type": "json_schema", "name": "answer", "schema": schema, "strict": is_strict(schema)}

    def told_form(self) -> Iterator[str]:
        """The wanted form in words, for a server that takes no schema; none takes one that is not an object's."""
        wanted = self._asked.format
        if wanted is not None and (self._quirks.structured != "json_schema" or not is_object(wanted)):
            self.notes.append("the answer's schema told in words: the provider does not take it")
            yield told_schema(wanted)

    def identity(self) -> Iterator[Field]:
        """Names that keep a session's cache together and tell users apart; the user's own id never leaves."""
        if self._quirks.cache_key and (session := self._occasion.session):
            yield "prompt_cache_key", session if len(session) <= KEY_MAX else _hash(session)
        if self._quirks.user_field != "none" and self._asked.user:
            yield self._quirks.user_field, _hash(self._asked.user)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:KEY_MAX]
