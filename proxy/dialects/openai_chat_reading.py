"""Reads an answer of OpenAI's chat format, streamed or whole, and writes Anthropic's.

Nothing is certain about the order of things: usage before or after the finish reason, a reason twice, a text after
calls, reasoning in three places. So the ending waits for ``[DONE]`` or the end of the stream.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from proxy.dialects.answer import AnswerWriter, StopReason
from proxy.dialects.dialect import Occasion
from proxy.dialects.inline_thinking import InlineThinking
from proxy.dialects.openai_chat_calls import Calls
from proxy.dialects.openai_chat_ending import Ending
from proxy.dialects.openai_chat_payload import (
    complaint_in,
    details_in,
    first_choice,
    links_in,
    said_in,
    says_something,
    thought_in,
    usages_in,
)
from proxy.dialects.openai_chat_reasoning import DIALECT, joined_detail, sealed_reasoning
from proxy.dialects.openai_usage import read_usage
from proxy.dialects.reading import AnswerReader
from proxy.dialects.tool_names import ToolNames


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
        self._ending = Ending()
        self._refused = False
        self._by_deltas = False
        """Deltas told something: a whole message that follows repeats it."""

    def see(self, payload: Mapping[str, Any], name: str) -> None:
        choice = first_choice(payload)
        if choice is None and (complaint := complaint_in(payload)) is not None:
            self._fail_with(complaint)
            return
        model = payload.get("model")
        if choice is not None or (isinstance(model, str) and model):
            self.writer.start(model if isinstance(model, str) else None)
        self._count(payload, choice)
        if choice is not None:
            self._see_choice(choice)

    def see_whole(self, payload: Mapping[str, Any]) -> None:
        choice = first_choice(payload)
        if choice is None:
            self._fail_with(complaint_in(payload) or payload)
            return
        self.see(payload, "")
        if not self.writer.ended:
            self._finish()

    def close(self) -> None:
        if self._ending.told:
            self._finish()
        else:
            self.fail_early()

    def done(self) -> None:
        """``[DONE]`` is an end too for servers that give no reason, if there was an answer."""
        if self.writer.ended:
            return
        answered = (self.writer.blocks or self._calls.any) and not self.garbled
        if self._ending.told or answered:
            self._finish()
        elif self.writer.started:
            self.fail_early()

    def _see_choice(self, choice: Mapping[str, Any]) -> None:
        if choice.get("error"):
            self._fail_with(choice)
            return
        said = self._see_content(choice)
        self._ending.see(choice.get("finish_reason"), said=said)
        if (kind := self._ending.failure) is not None:
            self.writer.fail(kind, self._ending.failed_with)

    def _see_content(self, choice: Mapping[str, Any]) -> bool:
        """Whether it said something. Some servers end a stream with the whole message (MiniMax), some send it with each
        delta (Perplexity)."""
        given, message = choice.get("delta"), choice.get("message")
        delta = given if isinstance(given, dict) else {}
        says = says_something(delta)
        if says or not isinstance(message, dict):
            self._by_deltas = self._by_deltas or says
            self._see_delta(delta)
            if not says:
                self._content(choice.get("text"))
        elif not self._by_deltas:
            self._see_delta(message)
        return says

    def _see_delta(self, delta: Mapping[str, Any]) -> None:
        """Reasoning first: it belongs before what the same chunk says."""
        self._reasoning(delta)
        if content := delta.get("content"):
            self._content(content)
        if isinstance(refusal := delta.get("refusal"), str) and refusal:
            self._refused = True
            self._say(refusal)
        if calls := delta.get("tool_calls"):
            self._call(calls if isinstance(calls, list) else [calls])
        if isinstance(call := delta.get("function_call"), dict):
            self._call([{"index": 0, "function": call}])
        if annotations := delta.get("annotations"):
            self._links.update(links_in(annotations))

    def _reasoning(self, delta: Mapping[str, Any]) -> None:
        if thought := thought_in(delta):
            self._think(thought)
        if self._occasion.quirks.reasoning_back == "reasoning_details":
            for piece in details_in(delta):
                joined_detail(self._details, piece)

    def _content(self, content: object) -> None:
        """A text, or parts: texts, and thinking with texts in it (Mistral, Databricks)."""
        if isinstance(content, str):
            self._text(content)
            return
        for part in content if isinstance(content, list) else [content]:
            if not isinstance(part, dict):
                continue
            if thought := said_in(part.get("thinking")) or said_in(part.get("summary")):
                self._think(thought)
            elif isinstance(text := part.get("text"), str):
                self._say(text)

    def _text(self, text: str) -> None:
        """A text that may hold thinking, if it is the answer's first."""
        if self._inline is None:
            self._say(text)
            return
        self._tell(self._inline.feed(text))

    def _end_inline(self) -> None:
        if self._inline is None:
            return
        inline, self._inline = self._inline, None
        self._tell(inline.end())

    def _tell(self, pieces: Iterable[tuple[str, str]]) -> None:
        for kind, piece in pieces:
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
        self._calls.see(deltas)

    def _sign(self, extras: Mapping[str, Any]) -> None:
        """End the thinking with what must come back, if there is any such."""
        if self._details or extras:
            self.writer.sign(sealed_reasoning(self._occasion.model, self._details, extras))
            self._details = []

    def _count(self, payload: Mapping[str, Any], choice: Mapping[str, Any] | None) -> None:
        for usage in usages_in(payload, choice):
            if counts := read_usage(usage, reasoning_outside=self._occasion.quirks.reasoning_outside_output):
                self.writer.count(counts)
                return

    def _finish(self) -> None:
        self._end_inline()
        self._calls.finish(cut=self._ending.cut)
        if self.writer.ended:
            return
        self._leave_calls()
        if self._links and not self.writer.called:
            listed = "\n".join(f"- [{title}]({url})" for url, title in self._links.items())
            self.writer.text(f"\n\nSources:\n{listed}")
        self._sign({})
        if self._ending.no_room and not self.writer.blocks:
            self.writer.fail("invalid_request_error", "prompt is too long: it fills the model's context window")
        else:
            self.writer.finish(self._stop_reason())

    def _stop_reason(self) -> StopReason:
        if self._ending.no_room:
            return "model_context_window_exceeded"
        if self._ending.cut:
            return "max_tokens"
        if self._refused or self._ending.refused:
            return "refusal"
        return "tool_use" if self.writer.called else "end_turn"
