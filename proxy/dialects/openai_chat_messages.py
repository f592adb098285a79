"""The turns of a conversation as messages of OpenAI's chat format.

One system message first; calls in the assistant's message together with its text; results directly behind it, one
message each; what else the user says, and pictures out of results, after all of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from proxy.dialects.conversation import Call, Conversation, Document, Image, Result, Text, Thinking, Turn
from proxy.dialects.dialect import Occasion
from proxy.dialects.openai_chat_reasoning import Returned, read_returned
from proxy.dialects.quirks import Quirks
from proxy.dialects.told_files import (
    ERROR_MARK,
    NO_FILES,
    NO_IMAGES,
    NO_OUTPUT,
    SHOWN_BELOW,
    UNSEEN,
    data_url,
    file_name,
    shown_out_of,
    unread,
)
from proxy.dialects.tool_names import ToolNames, sent_id
from proxy.protocol.terms import NOT_KEPT

Message = dict[str, Any]
Part = str | dict[str, Any]
"""A text, or a part as the format has it."""

GOES_ON = "(results received)"


class Messages:
    """Writes the messages of one request; ``notes`` says what was left out."""

    def __init__(self, occasion: Occasion, names: ToolNames) -> None:
        self.notes: list[str] = []
        self._occasion = occasion
        self._quirks: Quirks = occasion.quirks
        self._names = names
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
        calls: list[dict[str, Any]] = []
        parts: list[Part] = []
        for part in turn.parts:
            if isinstance(part, Call):
                calls.append(self._call(part, returned))
            elif not isinstance(part, (Thinking, Result)):
                parts.append(self._part(part))
        if not calls and not parts:
            return
        if self._quirks.reasoning_back == "inline" and returned.texts:
            parts.insert(0, "<think>\n" + "\n".join(returned.texts) + "\n</think>")
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
                shown += [shown_out_of(result), *map(self._part, media)]
        shown += [self._part(part) for part in turn.said]
        if shown:
            self._say(shown)

    def _say(self, parts: list[Part]) -> None:
        """A message of the user's; two in a row are one, which strict templates demand."""
        last = self._out[-1] if self._out else {}
        if last.get("role") == "user":
            held = last["content"]
            last["content"] = self._content([*([held] if isinstance(held, str) else held), *parts])
            return
        if last.get("role") == "tool" and not self._quirks.user_after_tool:
            self._out.append({"role": "assistant", "content": self._content([GOES_ON])})
        self._out.append({"role": "user", "content": self._content(parts)})

    def _result(self, result: Result, media: Sequence[Image | Document]) -> None:
        text = result.text
        parts: list[Part] = [text] if text else []
        if media and self._quirks.result_images:
            parts += [self._part(part) for part in media]
        elif media:
            parts.append(SHOWN_BELOW)
        parts = parts or [NO_OUTPUT]
        if result.is_error:
            parts = [f"{ERROR_MARK}{parts[0]}", *parts[1:]] if isinstance(parts[0], str) else [ERROR_MARK, *parts]
        parts[-1] = self._marked(parts[-1], result.cache)
        self._out.append({"role": "tool", "tool_call_id": self._id(result.call_id), "content": self._content(parts)})

    def _part(self, part: Text | Image | Document) -> Part:
        match part:
            case Text():
                return self._marked(part.text, part.cache)
            case Image():
                return self._image(part)
            case Document():
                return self._document(part)

    def _image(self, image: Image) -> Part:
        if not self._occasion.sends_images:
            self.notes.append(NO_IMAGES)
            return UNSEEN
        return {"type": "image_url", "image_url": {"url": image.url or data_url(image)}}

    def _document(self, document: Document) -> Part:
        if document.url:
            return f"[document {document.title}: {document.url}]"
        if not self._quirks.documents:
            self.notes.append(NO_FILES)
            return unread(document)
        return {"type": "file", "file": {"filename": file_name(document), "file_data": data_url(document)}}

    def _content(self, parts: Sequence[Part]) -> str | list[dict[str, Any]]:
        """Only text: a string, which every server takes."""
        texts = [part for part in parts if isinstance(part, str)]
        if len(texts) < len(parts) or self._quirks.text_parts:
            return [_text(part) if isinstance(part, str) else part for part in parts]
        return "\n\n".join(texts)

    def _marked(self, part: Part, cache: Mapping[str, Any] | None) -> Part:
        if cache is None or not self._quirks.cache_marks:
            return part
        mark = {name: cache[name] for name in ("type", "ttl") if name in cache}
        return {**(_text(part) if isinstance(part, str) else part), "cache_control": mark}

    def _id(self, call_id: str) -> str:
        return sent_id(call_id, self._quirks.tool_ids)


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
