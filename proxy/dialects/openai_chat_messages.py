"""The turns of a conversation as messages of OpenAI's chat format.

One system message first; calls in the assistant's message together with its text; results directly behind it, one
message each; what else the user says, and pictures out of results, after all of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from proxy.dialects.conversation import Call, Conversation, Document, Image, Result, Text, Turn
from proxy.dialects.dialect import Occasion
from proxy.dialects.openai_chat_reasoning import Returned, read_returned
from proxy.dialects.quirks import Quirks
from proxy.dialects.tool_names import ToolNames, sent_id
from proxy.protocol.terms import NOT_KEPT

Message = dict[str, Any]
Part = dict[str, Any]

NO_OUTPUT = "(no output)"
ERROR_MARK = "[tool error] "
GOES_ON = "(results received)"
_PLAIN = frozenset({"type", "text"})
"""What a part of mere text has."""


class Messages:
    """Writes the messages of one request; ``notes`` says what was left out."""

    def __init__(self, occasion: Occasion, names: ToolNames) -> None:
        self.notes: list[str] = []
        self._occasion = occasion
        self._quirks: Quirks = occasion.quirks
        self._names = names
        self._images = occasion.quirks.images if occasion.images is None else occasion.images
        self._out: list[Message] = []

    def write(self, conversation: Conversation, instructions: Sequence[str]) -> list[Message]:
        """All messages; ``instructions`` stand at the end of the system message."""
        system = [*conversation.system, *(Text(each) for each in instructions)]
        if system:
            self._out.append({"role": "system", "content": self._content([self._part(text) for text in system])})
        for turn in conversation.turns:
            if turn.role == "assistant":
                self._assistant(turn)
            else:
                self._user(turn)
        return self._out

    def _assistant(self, turn: Turn) -> None:
        returned = read_returned(turn.thoughts, self._occasion.model)
        calls = [self._call(call, returned) for call in turn.calls]
        parts = [self._part(part) for part in turn.said]
        if not calls and not parts:
            return
        if self._quirks.reasoning_back == "inline" and returned.texts:
            parts.insert(0, _text("<think>\n" + "\n".join(returned.texts) + "\n</think>"))
        message: Message = {"role": "assistant"}
        if parts:
            message["content"] = self._content(parts)
        else:
            message["content"] = None if self._quirks.empty_content else ""
        if calls:
            message["tool_calls"] = calls
            message |= self._reasoning(returned)
        self._out.append(message)

    def _reasoning(self, returned: Returned) -> Mapping[str, Any]:
        match self._quirks.reasoning_back:
            case "reasoning_content" | "reasoning" as field:
                return {field: "\n".join(returned.texts) or NOT_KEPT}
            case "reasoning_details":
                return {"reasoning_details": returned.details} if returned.details else {}
            case "inline" | "no":
                return {}

    def _call(self, call: Call, returned: Returned) -> dict[str, Any]:
        arguments = msgspec.json.encode(call.input).decode()
        function = {"name": self._names.sent(call.name), "arguments": arguments}
        made = {"id": self._id(call.id), "type": "function", "function": function}
        if self._quirks.signed_calls and call.id in returned.extras:
            made["extra_content"] = returned.extras[call.id]
        return made

    def _user(self, turn: Turn) -> None:
        shown: list[Part] = []
        for result in turn.results:
            media = result.media
            self._result(result, media)
            if media and not self._quirks.result_images:
                shown += [_text(f"[out of the result of {result.name}]"), *map(self._part, media)]
        shown += [self._part(part) for part in turn.said]
        if shown:
            self._say(shown)

    def _say(self, parts: list[Part]) -> None:
        """A message of the user's; two in a row are one, which strict templates demand."""
        last = self._out[-1] if self._out else {}
        if last.get("role") == "user":
            held = last["content"]
            before = [{"type": "text", "text": held}] if isinstance(held, str) else held
            last["content"] = self._content([*before, *parts])
            return
        if last.get("role") == "tool" and not self._quirks.user_after_tool:
            self._out.append({"role": "assistant", "content": self._content([_text(GOES_ON)])})
        self._out.append({"role": "user", "content": self._content(parts)})

    def _result(self, result: Result, media: Sequence[Image | Document]) -> None:
        text = result.text
        parts: list[Part] = [_text(text)] if text else []
        if media and self._quirks.result_images:
            parts += [self._part(part) for part in media]
        elif media:
            parts.append(_text("[shown in the next message]"))
        parts = parts or [_text(NO_OUTPUT)]
        if result.is_error:
            first = parts[0] if "text" in parts[0] else None
            parts = [_text(f"{ERROR_MARK}{first['text'] if first else ''}"), *(parts[1:] if first else parts)]
        parts[-1] = self._marked(parts[-1], result.cache)
        self._out.append({"role": "tool", "tool_call_id": self._id(result.call_id), "content": self._content(parts)})

    def _part(self, part: Text | Image | Document) -> Part:
        match part:
            case Text():
                return self._marked(_text(part.text), part.cache)
            case Image():
                return self._image(part)
            case Document():
                return self._document(part)

    def _image(self, image: Image) -> Part:
        if not self._images:
            self._note("an image left out: the model does not read images")
            return _text("[an image, which this model cannot see]")
        url = image.url or f"data:{image.media_type};base64,{image.data}"
        return {"type": "image_url", "image_url": {"url": url}}

    def _document(self, document: Document) -> Part:
        if document.url:
            return _text(f"[document {document.title}: {document.url}]")
        if not self._quirks.documents:
            self._note("a document left out: the provider takes no files")
            return _text(f"[document {document.title}, which this model cannot read]")
        data = f"data:{document.media_type};base64,{document.data}"
        name = document.title if document.title.endswith(".pdf") else f"{document.title}.pdf"
        return {"type": "file", "file": {"filename": name, "file_data": data}}

    def _content(self, parts: Sequence[Part]) -> str | list[Part]:
        """Only text: a string, which every server takes."""
        if self._quirks.text_parts or any([part.keys() != _PLAIN for part in parts]):
            return list(parts)
        return "\n\n".join([part["text"] for part in parts])

    def _marked(self, part: Part, cache: Mapping[str, Any] | None) -> Part:
        if cache is None or not self._quirks.cache_marks:
            return part
        return {**part, "cache_control": {name: cache[name] for name in ("type", "ttl") if name in cache}}

    def _id(self, call_id: str) -> str:
        return sent_id(call_id, self._quirks.tool_ids)

    def _note(self, words: str) -> None:
        if words not in self.notes:
            self.notes.append(words)


def _text(text: str) -> Part:
    return {"type": "text", "text": text}
