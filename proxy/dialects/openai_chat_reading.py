"""Reads an answer of OpenAI's chat format, streamed or whole, and writes Anthropic's.

Nothing is certain about the order of things: usage before or after the finish reason, a reason twice, a text after
calls, reasoning in three places. So the ending waits for ``[DONE]`` or the end of the stream.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from proxy.dialects.answer import AnswerWriter, StopReason
from proxy.dialects.dialect import Occasion
from proxy.dialects.inline_thinking import InlineThinking
from proxy.dialects.openai_chat_calls import Calls
from proxy.dialects.openai_chat_reasoning import DIALECT, joined_detail, sealed_reasoning
from proxy.dialects.openai_chat_usage import read_usage
from proxy.dialects.reading import AnswerReader
from proxy.dialects.tool_names import ToolNames

_CUT = ("length", "max_tokens", "model_length", "max_output_tokens")
_REFUSED = ("content_filter", "sensitive", "refusal")
_NO_ROOM = "model_context_window_exceeded"
"""GLM's, and Claude's own: prompt and answer together are longer than the window."""
_FAILED: Mapping[str, str] = {
    "error": "api_error",
    "network_error": "api_error",
    "abort": "api_error",
    "function_call_filter": "api_error",
    "insufficient_system_resource": "overloaded_error",
}
"""Finish reasons that are no finish, with the error that each is."""
_NO_REASON = ("", "null", "none")
_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_text")
"""Fields of a delta with reasoning: DeepSeek and most, OpenRouter and newer vLLM, Copilot."""
_SAYING = ("content", "tool_calls", "function_call", "refusal", "reasoning_details", *_THOUGHTS)
"""Fields of a delta that bring something of the answer."""


class ChatReader(AnswerReader):
    """Reads one answer."""

    def __init__(self, names: ToolNames, occasion: Occasion) -> None:
        super().__init__(AnswerWriter(DIALECT, occasion.model, occasion.message_id, occasion.input_tokens))
        self._occasion = occasion
        self._calls = Calls(self.writer, names, occasion.message_id, self._sign)
        self._inline = InlineThinking() if occasion.quirks.inline_thinking else None
        self._details: list[dict[str, Any]] = []
        """Reasoning that must return, not yet in a signature."""
        self._late: list[tuple[str, str]] = []
        """Texts and thinking that came in the midst of a call."""
        self._links: dict[str, str] = {}
        """Titles of cited pages by address."""
        self._reason: str | None = None
        self._refused = False
        self._went_on = False
        """Something was said after the reason: another one says more (gcli2api tells ``stop`` with each chunk)."""
        self._by_deltas = False
        """Deltas told something: a whole message that follows repeats it."""

    def see(self, payload: Mapping[str, Any], name: str) -> None:
        choice = _first_choice(payload)
        if choice is None and (complaint := _complaint(payload)) is not None:
            self._fail_with(complaint)
            return
        model = payload.get("model")
        if choice is not None or (isinstance(model, str) and model):
            self.writer.start(model if isinstance(model, str) else None)
        self._count(payload, choice)
        if choice is not None:
            self._see_choice(choice)

    def see_whole(self, payload: Mapping[str, Any]) -> None:
        choice = _first_choice(payload)
        if choice is None:
            self._fail_with(_complaint(payload) or payload)
            return
        self.see(payload, "")
        if not self.writer.ended:
            self._finish()

    def close(self) -> None:
        if self._reason is None:
            self.fail_early()
        else:
            self._finish()

    def done(self) -> None:
        """``[DONE]`` is an end too for servers that give no reason, if there was an answer."""
        if self.writer.ended:
            return
        answered = (self.writer.blocks or self._calls.any) and not self.garbled
        if self._reason is not None or answered:
            self._finish()
        elif self.writer.started:
            self.fail_early()

    def _see_choice(self, choice: Mapping[str, Any]) -> None:
        if choice.get("error"):
            self._fail_with(choice)
            return
        self._see_content(choice)
        reason = choice.get("finish_reason")
        open_end = self._reason is None or self._went_on
        if open_end and isinstance(reason, str) and (word := _word(reason)) not in _NO_REASON:
            self._reason, self._went_on = word, False
            if word in _FAILED:
                self.writer.fail(_FAILED[word], f"the provider broke the answer off ({reason})")

    def _see_content(self, choice: Mapping[str, Any]) -> None:
        """Some servers end a stream with the whole message (MiniMax), some send it with each delta (Perplexity)."""
        given, message = choice.get("delta"), choice.get("message")
        delta = given if isinstance(given, dict) else {}
        says = any(delta.get(name) for name in _SAYING)
        if says or not isinstance(message, dict):
            self._by_deltas = self._by_deltas or says
            self._went_on = self._went_on or (says and self._reason is not None)
            self._see_delta(delta)
            self._content(choice.get("text"))
        elif not self._by_deltas:
            self._see_delta(message)

    def _see_delta(self, delta: Mapping[str, Any]) -> None:
        """Reasoning first: it belongs before what the same chunk says."""
        self._reasoning(delta)
        if content := delta.get("content"):
            self._content(content)
        if isinstance(refusal := delta.get("refusal"), str) and refusal:
            self._refused = True
            self._say(refusal)
        if isinstance(calls := delta.get("tool_calls"), list) and calls:
            self._call(calls)
        if isinstance(call := delta.get("function_call"), Mapping):
            self._call([{"index": 0, "function": call}])
        if isinstance(annotations := delta.get("annotations"), list):
            self._links.update(_links(annotations))

    def _reasoning(self, delta: Mapping[str, Any]) -> None:
        thought = next((told for name in _THOUGHTS if delta.get(name) and (told := _said_in(delta[name]))), "")
        details = delta.get("reasoning_details")
        pieces = [each for each in details if isinstance(each, Mapping)] if isinstance(details, list) else []
        if thought := thought or "".join(_detail_text(piece) for piece in pieces):
            self._think(thought)
        if self._occasion.quirks.reasoning_back == "reasoning_details":
            for piece in pieces:
                joined_detail(self._details, piece)

    def _content(self, content: object) -> None:
        """A text, or parts: texts, and thinking with texts in it (Mistral's)."""
        if isinstance(content, str):
            self._text(content)
        for part in content if isinstance(content, list) else [content]:
            if not isinstance(part, Mapping):
                continue
            if thought := _said_in(part.get("thinking")):
                self._think(thought)
            elif isinstance(text := part.get("text"), str):
                self._say(text)

    def _text(self, text: str) -> None:
        """A text that may hold thinking, if it is the answer's first."""
        if self._inline is None:
            self._say(text)
            return
        for kind, piece in self._inline.feed(text):
            if kind == "thinking":
                self._think(piece)
            else:
                self._say(piece)

    def _end_inline(self) -> None:
        if self._inline is None:
            return
        inline, self._inline = self._inline, None
        for kind, piece in inline.end():
            if kind == "thinking":
                self._think(piece)
            else:
                self._say(piece)

    def _think(self, text: str) -> None:
        if self._calls.any and self._calls.busy:
            self._late.append(("thinking", text))
            return
        self._leave_calls()
        self.writer.thinking(text)

    def _say(self, text: str) -> None:
        if not text:
            return
        if self._calls.any and self._calls.busy:
            self._late.append(("text", text))
            return
        self._leave_calls()
        if self._details and self.writer.open_block in (None, "thinking"):
            self._sign({})
        self.writer.text(text)

    def _leave_calls(self) -> None:
        """All calls so far are written: what came in their midst follows them."""
        self._calls.leave()
        late, self._late = self._late, []
        for kind, text in late:
            if kind == "thinking":
                self.writer.thinking(text)
            else:
                self.writer.text(text)

    def _call(self, deltas: list[Any]) -> None:
        self._end_inline()
        if self._details:
            self._sign({})
        self._calls.see(deltas)

    def _sign(self, extras: Mapping[str, Any]) -> None:
        """End the thinking with what must come back."""
        self.writer.sign(sealed_reasoning(self._occasion.model, self._details, extras))
        self._details = []

    def _count(self, payload: Mapping[str, Any], choice: Mapping[str, Any] | None) -> None:
        """Wherever a server puts it: beside the choices, within one, in Groq's own object."""
        delta = choice.get("delta") if choice is not None else None
        for place in (payload, choice, payload.get("x_groq"), delta):
            usage = place.get("usage") if isinstance(place, dict) else None
            if isinstance(usage, dict):
                counts = read_usage(usage, reasoning_outside=self._occasion.quirks.reasoning_outside_output)
                self.writer.count(counts)
                if counts:
                    return

    def _finish(self) -> None:
        self._end_inline()
        cut = self._reason in (*_CUT, _NO_ROOM)
        self._calls.finish(cut=cut)
        if self.writer.ended:
            return
        self._leave_calls()
        if self._links and not self.writer.called:
            listed = "\n".join(f"- [{title}]({url})" for url, title in self._links.items())
            self.writer.text(f"\n\nSources:\n{listed}")
        if self._details:
            self._sign({})
        if self._reason == _NO_ROOM and not self.writer.blocks:
            self.writer.fail("invalid_request_error", "prompt is too long: it fills the model's context window")
        else:
            self.writer.finish(self._stop_reason(cut=cut))

    def _stop_reason(self, *, cut: bool) -> StopReason:
        if self._reason == _NO_ROOM:
            return "model_context_window_exceeded"
        if cut:
            return "max_tokens"
        if self._refused or self._reason in _REFUSED:
            return "refusal"
        return "tool_use" if self.writer.called else "end_turn"


def _first_choice(payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first by number, for more than one is never asked for; alone it may have any number (Foundry Local counts
    chunks in it)."""
    choices = payload.get("choices")
    listed = [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
    return next((choice for choice in listed if choice.get("index") in (0, None)), listed[0] if listed else None)


def _complaint(payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The error that a payload without a choice is. Not all servers call it so: DashScope and AWS tell a message,
    FastAPI a detail, MiniMax a status."""
    base = payload.get("base_resp")
    if isinstance(base, Mapping) and base.get("status_code"):
        return {"message": base.get("status_msg"), "code": base["status_code"]}
    if "error" in (payload.get("object"), payload.get("type")):
        return payload
    spoken = any(payload.get(name) for name in ("message", "detail"))
    return payload if spoken and "choices" not in payload and "usage" not in payload else None


def _word(reason: str) -> str:
    """Google adds its own reason behind a colon."""
    return reason.partition(":")[0].strip().lower()


def _said_in(value: object) -> str:
    """The text that ``value`` is, or that stands in it or in its parts."""
    parts = value if isinstance(value, list) else [value]
    return "".join(part if isinstance(part, str) else _part_text(part) for part in parts)


def _part_text(part: object) -> str:
    texts = (part.get(name) for name in ("text", "content")) if isinstance(part, Mapping) else ()
    return next((text for text in texts if isinstance(text, str)), "")


def _detail_text(detail: Mapping[str, Any]) -> str:
    text = detail.get("text") or detail.get("summary")
    return text if isinstance(text, str) else ""


def _links(annotations: list[Any]) -> Iterator[tuple[str, str]]:
    for each in annotations:
        cited = each.get("url_citation") if isinstance(each, Mapping) else None
        if isinstance(cited, Mapping) and isinstance(url := cited.get("url"), str) and url:
            title = cited.get("title")
            yield url, title if isinstance(title, str) and title else url
