"""Google's generateContent: the request. The answer, the contents and thinking have modules of their own.

Base URL: ``https://generativelanguage.googleapis.com/v1beta``; Vertex takes the same behind
``…/projects/PROJECT/locations/LOCATION/publishers/google``. Facts of Google's SDK (google-genai).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from proxy.dialects.answer import AnswerWriter
from proxy.dialects.answer_schema import is_object, told_schema
from proxy.dialects.complaints import Complaint, count_in, read_complaint_body
from proxy.dialects.conversation import Conversation, ServerTool, Tool
from proxy.dialects.conversation_reading import read_conversation
from proxy.dialects.dialect import CannotTake, Occasion, Outgoing, in_path
from proxy.dialects.gemini_contents import Contents
from proxy.dialects.gemini_marks import DIALECT
from proxy.dialects.gemini_reading import GeminiReader
from proxy.dialects.gemini_thinking import gemini_version, thinking_config
from proxy.dialects.page_filter import ALL_PAGES, filter_of
from proxy.dialects.schemas import SchemaRules, legal_schema
from proxy.dialects.tool_names import ToolNames
from proxy.dialects.wishes import Wishes
from proxy.protocol.naming import strip_window_suffix

_WORDS = frozenset({"type", "format", "title", "description", "enum", "items", "minItems", "maxItems", "minimum"})
_FORMATS = frozenset({"date-time", "date", "time", "int32", "int64", "float", "double", "enum"})

JSON_SCHEMA = SchemaRules(
    keywords=_WORDS | {"maximum", "prefixItems", "anyOf", "properties", "additionalProperties", "required"},
    formats=_FORMATS,
    const=False,
    one_of=False,
    all_of=False,
    known_required_only=True,
)
"""Of ``parametersJsonSchema`` and ``responseJsonSchema``: the keywords that Google's reference lists. This field is
chosen over ``parameters``: it takes unions, closed objects and numbers in an ``enum``, which tools of MCP servers have,
and a stray keyword in it does not refuse the whole request."""
OPENAPI = SchemaRules(
    keywords=_WORDS
    | {"maximum", "minLength", "maxLength", "minProperties", "maxProperties", "pattern", "nullable", "default"}
    | {"anyOf", "properties", "required"},
    formats=_FORMATS - {"date", "time"},
    const=False,
    one_of=False,
    all_of=False,
    type_lists=False,
    text_enums_only=True,
    known_required_only=True,
    type_of_any="string",
)
"""Of ``parameters``, for servers that know nothing newer: a part of OpenAPI 3.0."""

_SAMPLING = {"temperature": "temperature", "top_p": "topP", "top_k": "topK"}
_MODES = {"any": "ANY", "tool": "ANY", "none": "NONE"}


@dataclass(frozen=True, slots=True)
class Gemini:
    """The dialect ``gemini``."""

    def request(self, body: Mapping[str, Any], occasion: Occasion) -> Outgoing:
        """The request in the decoded ``body``. Raises ``NotAConversation`` and ``CannotTake``."""
        occasion = _plain(occasion)
        conversation = read_conversation(body)
        writer = _RequestWriter(conversation, occasion)
        payload = writer.write()
        action = "streamGenerateContent?alt=sse" if conversation.stream else "generateContent"
        notes = tuple(dict.fromkeys((*conversation.notes, *writer.notes)))
        path, told = f"{_of(occasion)}:{action}", msgspec.json.encode(payload)
        return Outgoing(path, told, notes=notes, names=writer.names, pages=writer.pages)

    def reader(self, outgoing: Outgoing, occasion: Occasion) -> GeminiReader:
        writer = AnswerWriter(DIALECT, occasion.model, occasion.message_id, occasion.input_tokens)
        return GeminiReader(writer, outgoing.names, _plain(occasion), outgoing.pages)

    def complaint(self, status: int, headers: Mapping[str, str], body: bytes) -> Complaint:
        """What an answer with an error status says."""
        del headers
        return read_complaint_body(status, body)

    def count_request(self, body: Mapping[str, Any], occasion: Occasion) -> Outgoing | None:
        occasion = _plain(occasion)
        payload = _RequestWriter(read_conversation(body), occasion).write()
        counted = {name: value for name, value in payload.items() if name != "generationConfig"}
        told = {"generateContentRequest": {"model": f"models/{_name(occasion.model)}", **counted}}
        return Outgoing(f"{_of(occasion)}:countTokens", msgspec.json.encode(told))

    def read_count(self, body: bytes) -> int | None:
        return count_in(body, "totalTokens")


class _RequestWriter:
    def __init__(self, conversation: Conversation, occasion: Occasion) -> None:
        self.names = ToolNames((tool.name for tool in conversation.tools), begins_with_letter=True)
        self._wishes = Wishes(conversation, occasion)
        self.notes = self._wishes.notes
        self.pages = ALL_PAGES
        self._conversation = conversation
        self._occasion = occasion

    def write(self) -> dict[str, Any]:
        contents = Contents(self._occasion, self.names)
        payload: dict[str, Any] = {"contents": contents.write(self._conversation)}
        self.notes += contents.notes
        if system := [{"text": text} for text in self._system()]:
            payload["systemInstruction"] = {"parts": system}
        payload |= dict(self._tools())
        if config := dict(self._config()):
            payload["generationConfig"] = config
        return payload

    def _system(self) -> Iterator[str]:
        for part in self._conversation.system:
            yield part.text
        if self._conversation.format is not None and not self._enforces_format():
            self.notes.append("the answer's schema told in words: the model does not enforce it beside tools")
            yield told_schema(self._conversation.format)

    def _tools(self) -> Iterator[tuple[str, Any]]:
        asked = self._conversation
        search = self._searches()
        if asked.tools:
            yield "tools", [{"functionDeclarations": [self._declared(tool) for tool in asked.tools]}]
            yield from self._choice()
        elif search is not None:
            self.pages = filter_of(search.settings)
            self._wishes.note_unbounded(search)
            self.notes += _search_notes(search)
            yield "tools", [{"googleSearch": {}}]
        elif asked.server_tools and asked.choice.kind in ("any", "tool"):
            raise CannotTake(f"the request demands {asked.server_tools[0].name}, which the provider does not run")
        for tool in asked.server_tools:
            if asked.tools or search is None or not tool.searches:
                self.notes.append(f"the tool {tool.name} ({tool.type}) left out: the provider does not run it here")

    def _searches(self) -> ServerTool | None:
        """Google's search goes without other tools only: older models take no mixture."""
        if self._occasion.quirks.search_tool != "google_search":
            return None
        return next((tool for tool in self._conversation.server_tools if tool.searches), None)

    def _declared(self, tool: Tool) -> dict[str, Any]:
        """A tool without parameters has no schema: an empty object is refused."""
        plain = self._occasion.quirks.plain_schemas
        declared: dict[str, Any] = {"name": self.names.sent(tool.name), "description": tool.description}
        schema = legal_schema(tool.schema, OPENAPI if plain else JSON_SCHEMA)
        if schema.get("properties"):
            declared["parameters" if plain else "parametersJsonSchema"] = schema
        return declared

    def _choice(self) -> Iterator[tuple[str, Any]]:
        choice = self._conversation.choice
        if not choice.parallel:
            self.notes.append("calls one at a time cannot be asked for")
        if choice.kind not in _MODES:
            return
        config: dict[str, Any] = {"mode": _MODES[choice.kind]}
        if choice.kind == "tool":
            if all(tool.name != choice.name for tool in self._conversation.tools):
                self.notes.append(f"tool_choice left to the model: the tool {choice.name} is not sent")
                return
            config["allowedFunctionNames"] = [self.names.sent(str(choice.name))]
        yield "toolConfig", {"functionCallingConfig": config}

    def _config(self) -> Iterator[tuple[str, Any]]:
        asked, occasion = self._conversation, self._occasion
        if (most := self._wishes.max_tokens()) is not None:
            yield "maxOutputTokens", max(1, most)
        yield from self._sampling()
        if asked.format is not None and self._enforces_format():
            yield "responseMimeType", "application/json"
            yield "responseJsonSchema", legal_schema(asked.format, JSON_SCHEMA)
        if thinking := thinking_config(occasion.model, asked):
            yield "thinkingConfig", thinking

    def _sampling(self) -> Iterator[tuple[str, Any]]:
        for name, value in self._wishes.sampling(top_k=self._occasion.quirks.sampling):
            yield _SAMPLING[name], value
        if stop := self._wishes.stop():
            yield "stopSequences", stop

    def _enforces_format(self) -> bool:
        """Before Gemini 3 a schema goes without tools only."""
        form = self._conversation.format or {}
        if self._occasion.quirks.structured != "json_schema" or not is_object(form):
            return False
        return not self._conversation.tools or (gemini_version(self._occasion.model) or (0, 0)) >= (3, 0)


def _search_notes(tool: ServerTool) -> Iterator[str]:
    """What else of ``tool`` Google's search does not take."""
    for name in ("allowed_domains", "blocked_domains"):
        if tool.settings.get(name):
            yield f"{name} of the web search kept by leaving out other results: the answer may still draw on them"


def _plain(occasion: Occasion) -> Occasion:
    return replace(occasion, model=strip_window_suffix(occasion.model))


def _name(model: str) -> str:
    return model.removeprefix("models/")


def _of(occasion: Occasion) -> str:
    return f"/models/{in_path(_name(occasion.model), safe='@')}"
