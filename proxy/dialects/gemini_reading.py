"""Reads Gemini's answer: each event of its stream is a response of its own, without name and without a last one.

Calls come whole and often without an id; the reason of the end may come before the last counts. So the end is told
when the stream closes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from proxy.dialects.answer import AnswerWriter, StopReason
from proxy.dialects.counts import token_count
from proxy.dialects.dialect import Occasion
from proxy.dialects.foreign_values import mapping, mappings, word
from proxy.dialects.gemini_marks import Place, client_id, signature_payload
from proxy.dialects.gemini_partial_call import PartialCall, continues, is_piece
from proxy.dialects.page_filter import ALL_PAGES, PageFilter, host_in, host_of
from proxy.dialects.reading import AnswerReader
from proxy.dialects.tool_names import ToolNames
from proxy.protocol.search import TOOL
from proxy.protocol.server_tools import own_call_id

_REFUSALS = frozenset(
    {"SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "ESCALATION"}
    | {"PUP_LIMITED_DISABLED", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER"}
)
_FAILURES = frozenset(
    {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE"}
    | {"MISSING_THOUGHT_SIGNATURE", "NO_IMAGE"}
)
"""Reasons for which another try may succeed."""
_CUT = frozenset({"MAX_TOKENS", "CONTINUATION"})
_STOP = "STOP"
"""Some servers tell it with every event: any other reason says more."""
_NO_REASON = ("", "FINISH_REASON_UNSPECIFIED")
"""The answer goes on; the second is how an unset reason is spelled."""
_COUNTS = (
    *("promptTokenCount", "toolUsePromptTokenCount", "cachedContentTokenCount"),
    *("candidatesTokenCount", "thoughtsTokenCount"),
)


_REDIRECTS = "vertexaisearch.cloud.google.com"
"""The host of addresses that lead to a page that Google found."""


class GeminiReader(AnswerReader):
    """One answer of ``generateContent`` or ``streamGenerateContent``."""

    def __init__(
        self, writer: AnswerWriter, names: ToolNames, occasion: Occasion, pages: PageFilter = ALL_PAGES
    ) -> None:
        super().__init__(writer)
        self._pages = pages
        self._names = names
        self._occasion = occasion
        self._number: object = None
        """Of the candidate that is read."""
        self._calls = 0
        self._counts: dict[str, int] = {}
        self._reason: str | None = None
        self._reason_words = ""
        self._blocked = False
        self._signature: str | None = None
        """Of a part that is no call, until it is certain what it goes back with."""
        self._partial: PartialCall | None = None
        """A call whose arguments are still coming."""
        self._told: list[bytes] = []
        """Calls of earlier events, in order: some servers repeat all of them in each."""
        self._answered = False
        """Text or a call came."""
        self._searches: list[Mapping[str, Any]] = []

    def see(self, payload: Mapping[str, Any], name: str) -> None:
        inner = payload.get("response")
        if "candidates" not in payload and isinstance(inner, dict):
            payload = inner
        self._count(payload.get("usageMetadata"))
        if self.writer.model is None:
            version = payload.get("modelVersion")
            self.writer.start(version.removeprefix("models/") if isinstance(version, str) else None)
        if mapping(payload.get("promptFeedback")).get("blockReason"):
            self._blocked = True
        for candidate in mappings(payload.get("candidates")):
            if self._is_ours(candidate):
                self._see_candidate(candidate)

    def see_whole(self, payload: Mapping[str, Any]) -> None:
        self.see(payload, "")
        self.close()

    def close(self) -> None:
        writer, reason = self.writer, self._reason
        if reason is not None and reason not in _CUT:
            self._end_partial()
        self._tell_searches()
        if self._blocked or reason in _REFUSALS:
            writer.finish("refusal")
        elif reason is None:
            self.fail_early()
        elif reason in _CUT:
            writer.finish("max_tokens")
        elif reason in _FAILURES or not self._answered:
            words = f": {self._reason_words}" if self._reason_words else ""
            what = "an empty answer" if reason == _STOP else f"the answer ended with {reason}"
            writer.fail("api_error", f"{what}{words}")
        else:
            ending: StopReason = "tool_use" if writer.called else "end_turn"
            writer.finish(ending)

    def _is_ours(self, candidate: Mapping[str, Any]) -> bool:
        """The first candidate is, for more than one is never asked for. The number 0 may be left out."""
        number = candidate.get("index") or 0
        if self._number is None:
            self._number = number
        return bool(number == self._number)

    def _see_candidate(self, candidate: Mapping[str, Any]) -> None:
        self._see_parts(mappings(mapping(candidate.get("content")).get("parts")))
        grounding = candidate.get("groundingMetadata")
        if isinstance(grounding, dict):
            self._searches.append(grounding)
        reason, words = candidate.get("finishReason"), candidate.get("finishMessage")
        if isinstance(reason, str) and reason not in _NO_REASON and self._reason in (None, _STOP):
            self._reason = reason
            self._reason_words = words[:300] if isinstance(words, str) else ""

    def _see_parts(self, parts: Sequence[Mapping[str, Any]]) -> None:
        called = [identity for part in parts if (identity := self._whole_call(part)) is not None]
        repeated = len(self._told) if self._told and called[: len(self._told)] == self._told else 0
        self._told += called[repeated:]
        for part in parts:
            if self._see_piece(part):
                continue
            if _identity(part) is None:
                self._see_text(part)
            elif repeated:
                repeated -= 1
            else:
                self._see_call(part["functionCall"], word(part.get("thoughtSignature")))

    def _whole_call(self, part: Mapping[str, Any]) -> bytes | None:
        """By what a call is known again; None for a part that is none, or is a piece of one."""
        identity = _identity(part)
        if identity is None or is_piece(call := part["functionCall"]):
            return None
        return None if self._partial is not None and self._partial.goes_on(call) else identity

    def _see_piece(self, part: Mapping[str, Any]) -> bool:
        """Whether ``part`` is a piece of a call whose arguments stream; then it is read."""
        call = part.get("functionCall")
        if not isinstance(call, dict) or (self._partial is None and not is_piece(call)):
            return False
        name = word(call.get("name"))
        if name is not None and not (self._partial is not None and self._partial.goes_on(call)):
            self._end_partial()
            if not is_piece(call):
                return False
            self._partial = PartialCall(name, call.get("id"), part.get("thoughtSignature"))
        if self._partial is not None:
            self._partial.take(call)
            if not continues(call):
                self._end_partial()
        return True

    def _end_partial(self) -> None:
        if self._partial is not None:
            part, self._partial = self._partial.part(), None
            self._see_call(part["functionCall"], word(part["thoughtSignature"]))

    def _see_text(self, part: Mapping[str, Any]) -> None:
        text, thought = word(part.get("text")), part.get("thought") is True
        if text and thought:
            self.writer.thinking(text)
        elif text:
            self._answered = True
            self.writer.text(text)
        if (signature := word(part.get("thoughtSignature"))) and thought:
            self._sign(signature, "call")
        else:
            self._signature = signature or self._signature

    def _see_call(self, call: Mapping[str, Any], signature: str | None) -> None:
        """A call without a signature of its own goes back with the one before it: the first one needs one."""
        if self._signature and signature:
            self._sign(self._signature, "text")
        if told := signature or self._signature:
            self._sign(told, "call")
        self._signature = None
        self._answered = True
        call_id = client_id(call.get("id"), self._occasion.message_id, self._calls)
        self.writer.tool(call_id, self._names.own(call["name"]))
        self.writer.arguments(_arguments(call).decode())
        self.writer.close()
        self._calls += 1

    def _sign(self, signature: str, place: Place) -> None:
        self.writer.sign(signature_payload(self._occasion.model, signature, place))

    def _count(self, usage: object) -> None:
        """Counts are of the whole answer so far; one that an event leaves out stays as it was."""
        if not isinstance(usage, dict):
            return
        told = {name: count for name in _COUNTS if (count := token_count(usage.get(name))) is not None}
        if not told or told == self._counts:
            return
        self._counts |= told
        prompt, tools, cached, answer, thoughts = [self._counts.get(name, 0) for name in _COUNTS]
        self.writer.count(
            {
                "input_tokens": max(0, prompt + tools - cached) if prompt else None,
                "cache_read_input_tokens": cached,
                "output_tokens": answer + thoughts,
                "output_tokens_details": {"thinking_tokens": thoughts},
            }
        )

    def _tell_searches(self) -> None:
        """What Google searched for and found, as the client knows it of Anthropic's own search."""
        queries = list(dict.fromkeys(each for one in self._searches for each in _texts(one.get("webSearchQueries"))))
        found = list({each["url"]: each for one in self._searches for each in _pages(one)}.values())
        if not found or self.writer.ended:
            return
        found = [page for page in found if self._pages.admits(_host(page))]
        tool_id = own_call_id(self._occasion.message_id)
        self.writer.server_tool(tool_id, TOOL, {"query": "; ".join(queries)})
        self.writer.block({"type": "web_search_tool_result", "tool_use_id": tool_id, "content": found})
        if self._counts:
            self.writer.count({"server_tool_use": {"web_search_requests": max(1, len(queries))}})


def _identity(part: Mapping[str, Any]) -> bytes | None:
    """By what a call is known again; None for a part that is none."""
    call = part.get("functionCall")
    if not isinstance(call, dict) or (name := word(call.get("name"))) is None:
        return None
    return b"\n".join((str(call.get("id") or "").encode(errors="replace"), name.encode(), _arguments(call)))


def _arguments(call: Mapping[str, Any]) -> bytes:
    args = call.get("args")
    return msgspec.json.encode(args) if isinstance(args, dict) and args else b""


def _host(page: Mapping[str, Any]) -> str | None:
    """Where a page is: Google's own address for it leads there, its title says where."""
    host = host_of(page["url"])
    return host_in(page["title"]) if host is None or host.endswith(_REDIRECTS) else host


def _texts(values: object) -> Iterator[str]:
    yield from (each for each in values if isinstance(each, str)) if isinstance(values, list) else ()


def _pages(grounding: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for chunk in mappings(grounding.get("groundingChunks")):
        page = mapping(chunk.get("web"))
        if url := word(page.get("uri")):
            title = str(page.get("title") or url)
            yield {"type": "web_search_result", "url": url, "title": title, "encrypted_content": "", "page_age": None}
