"""The turns of a conversation as input items of the Responses API.

Calls and their results are items of their own beside the messages. Past reasoning goes back to its own model, before
the call that it led to: reasoning that nothing follows is refused.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from proxy.dialects.conversation import Call, Document, Image, Result, Text, Thinking, Turn
from proxy.dialects.dialect import Occasion
from proxy.dialects.openai_responses_reasoning import reasoning_item
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

Item = dict[str, Any]
Part = dict[str, Any]


class InputItems:
    """Writes the items of one request; ``notes`` says what was left out."""

    def __init__(self, occasion: Occasion, names: ToolNames) -> None:
        self.notes: list[str] = []
        self._occasion = occasion
        self._quirks = occasion.quirks
        self._names = names

    def write(self, turns: Iterable[Turn]) -> list[Item]:
        items: list[Item] = []
        for turn in turns:
            items += self._assistant(turn) if turn.role == "assistant" else self._user(turn)
        return items

    def _assistant(self, turn: Turn) -> list[Item]:
        items: list[Item] = []
        said: list[str] = []
        calls_left = len(turn.calls)
        for part in turn.parts:
            made: Item | None = None
            match part:
                case Text():
                    said.append(part.text)
                case Image() | Document():
                    said.append("[a picture or a file]")
                case Call():
                    made, calls_left = self._call(part), calls_left - 1
                case Thinking() if calls_left and self._quirks.encrypted_reasoning:
                    made = reasoning_item(part, self._occasion.model)
            if made is not None:
                items += [*_spoken(said), made]
                said = []
        return [*items, *_spoken(said)]

    def _call(self, call: Call) -> Item:
        return {
            "type": "function_call",
            "call_id": self._id(call.id),
            "name": self._names.sent(call.name),
            "arguments": msgspec.json.encode(call.input).decode(),
        }

    def _user(self, turn: Turn) -> list[Item]:
        items: list[Item] = []
        shown: list[Part] = []
        for result in turn.results:
            media = result.media
            items.append(self._result(result, media))
            if media and not self._quirks.result_images:
                shown += [_text(shown_out_of(result)), *map(self._part, media)]
        shown += [self._part(part) for part in turn.said]
        return [*items, *self._message(shown)]

    def _message(self, parts: Sequence[Part]) -> list[Item]:
        if not parts:
            return []
        alone = parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "input_text" else None
        plain = alone is not None and not self._quirks.text_parts
        return [{"type": "message", "role": "user", "content": alone if plain else list(parts)}]

    def _result(self, result: Result, media: Sequence[Image | Document]) -> Item:
        output = self._output(result, media)
        return {"type": "function_call_output", "call_id": self._id(result.call_id), "output": output}

    def _output(self, result: Result, media: Sequence[Image | Document]) -> str | list[Part]:
        mark = ERROR_MARK if result.is_error else ""
        if media and self._quirks.result_images:
            parts = [self._part(part) for part in result.parts]
            return [_text(mark.strip()), *parts] if mark else parts
        told = [each for each in (result.text, SHOWN_BELOW if media else "") if each]
        return mark + ("\n".join(told) or NO_OUTPUT)

    def _part(self, part: Text | Image | Document) -> Part:
        match part:
            case Text():
                return _text(part.text)
            case Image():
                return self._image(part)
            case Document():
                return self._document(part)

    def _image(self, image: Image) -> Part:
        if not self._occasion.sends_images:
            self.notes.append(NO_IMAGES)
            return _text(UNSEEN)
        return {"type": "input_image", "detail": "auto", "image_url": image.url or data_url(image)}

    def _document(self, document: Document) -> Part:
        if not self._quirks.documents:
            self.notes.append(NO_FILES)
            return _text(unread(document))
        if document.url:
            return {"type": "input_file", "file_url": document.url}
        return {"type": "input_file", "filename": file_name(document), "file_data": data_url(document)}

    def _id(self, call_id: str) -> str:
        return sent_id(call_id, self._quirks.tool_ids)


def _spoken(texts: Sequence[str]) -> list[Item]:
    """What the model said, as plain text: servers disagree on every other form of it."""
    return [{"type": "message", "role": "assistant", "content": "\n\n".join(texts)}] if texts else []


def _text(text: str) -> Part:
    return {"type": "input_text", "text": text}
