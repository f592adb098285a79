"""A conversation as Gemini's contents: parts of a user and of a model in turn, calls and results paired by name."""

import mimetypes
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from proxy.dialects.conversation import Call, Conversation, Document, Image, Result, Text, Thinking, Turn
from proxy.dialects.dialect import Occasion
from proxy.dialects.gemini_marks import SKIP_SIGNATURE, issued_id, read_signature
from proxy.dialects.gemini_thinking import gemini_version
from proxy.dialects.told_files import NO_OUTPUT
from proxy.dialects.tool_names import ToolNames

Part = dict[str, Any]

_IMAGE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif")
_GO_ON = "(Go on.)"


class Contents:
    """Writes the contents of one request; ``notes`` tells what was changed."""

    def __init__(self, occasion: Occasion, names: ToolNames) -> None:
        self.notes: list[str] = []
        self._occasion = occasion
        self._names = names
        self._nested_media = (gemini_version(occasion.model) or (0, 0)) >= (3, 0)
        """A result may have files of its own; before Gemini 3 they stand beside it."""

    def write(self, conversation: Conversation) -> list[dict[str, Any]]:
        contents: list[dict[str, Any]] = []
        for turn in conversation.turns:
            role = "model" if turn.role == "assistant" else "user"
            parts = self._model_parts(turn) if role == "model" else self._user_parts(turn)
            _add(contents, role, parts)
        if contents and contents[-1]["role"] == "model":
            self.notes.append("an answer that the client began is asked for in words: Gemini continues none")
            _add(contents, "user", [{"text": _GO_ON}])
        return contents

    def _model_parts(self, turn: Turn) -> list[Part]:
        parts: list[Part] = []
        signature: str | None = None
        signed = False
        for part in turn.parts:
            match part:
                case Text():
                    parts.append({"text": part.text})
                case Thinking():
                    told = read_signature(part.signature, self._occasion.model)
                    if told is not None and told.place == "text" and parts and "text" in parts[-1]:
                        parts[-1]["thoughtSignature"] = told.value
                    elif told is not None:
                        signature = told.value
                case Call():
                    if signature is None and not signed and self._occasion.quirks.signed_calls:
                        signature = SKIP_SIGNATURE
                    parts.append(self._call(part, signature))
                    signature, signed = None, True
                case _:
                    pass
        return parts

    def _call(self, call: Call, signature: str | None) -> Part:
        """Of parallel calls only the first is signed."""
        function: Part = {"name": self._names.sent(call.name), "args": call.input}
        if issued := issued_id(call.id):
            function["id"] = issued
        return {"functionCall": function, "thoughtSignature": signature} if signature else {"functionCall": function}

    def _user_parts(self, turn: Turn) -> list[Part]:
        parts: list[Part] = []
        beside: list[Part] = []
        for result in turn.results:
            files = list(self._files(media)) if (media := result.media) else []
            parts.append(self._result(result, files if self._nested_media else ()))
            if files and not self._nested_media:
                beside += [{"text": f"[files in the result of {result.name}]"}, *files]
        said = turn.said
        return [*parts, *beside, *self._said(said)] if beside or said else parts

    def _result(self, result: Result, files: Sequence[Part]) -> Part:
        """Refers to files in words where they are its only content, so that it is never empty."""
        told = [text for text in (result.text, *(part.get("text") for part in files)) if text]
        text = "\n".join(told) or ("(see the files)" if result.media else NO_OUTPUT)
        function: Part = {
            "name": self._names.sent(result.name),
            "response": {"error" if result.is_error else "output": text},
        }
        if issued := issued_id(result.call_id):
            function["id"] = issued
        if inside := [part for part in files if "text" not in part]:
            function["parts"] = inside
        return {"functionResponse": function}

    def _said(self, said: Iterable[Text | Image | Document]) -> Iterator[Part]:
        for part in said:
            if isinstance(part, Text):
                yield {"text": part.text}
            else:
                yield from self._files([part])

    def _files(self, media: Iterable[Image | Document]) -> Iterator[Part]:
        for medium in media:
            if isinstance(medium, Image) and not self._occasion.sends_images:
                yield self._left_out("an image", "the model reads none")
            elif medium.data is None:
                yield {"fileData": {"fileUri": medium.url or "", "mimeType": _type_of(medium)}}
            elif isinstance(medium, Image) and medium.media_type not in _IMAGE_TYPES:
                yield self._left_out(f"an image of type {medium.media_type}", "Gemini does not read it")
            else:
                yield {"inlineData": {"mimeType": medium.media_type, "data": medium.data}}

    def _left_out(self, what: str, why: str) -> Part:
        self.notes.append(f"{what} left out: {why}")
        return {"text": f"[{what}, left out: {why}]"}


def _type_of(medium: Image | Document) -> str:
    """Of a file behind an address: what its name says."""
    guessed, _ = mimetypes.guess_type(urlsplit(medium.url or "").path)
    return guessed or medium.media_type


def _add(contents: list[dict[str, Any]], role: str, parts: list[Part]) -> None:
    """Neighbours of one role become one; a content without parts is none."""
    if not parts:
        return
    if contents and contents[-1]["role"] == role:
        contents[-1]["parts"] += parts
    else:
        contents.append({"role": role, "parts": parts})
