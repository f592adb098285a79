"""Reads Gemini's answer: each event of its stream is a response of its own, without name and without a last one.

Calls come whole and often without an id; the reason of the end may come before the last counts. So the end is told
when the stream closes.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from proxy.dialects.answer import AnswerWriter, StopReason
from proxy.dialects.dialect import Occasion
from proxy.dialects.gemini_marks import client_id, signature_payload
from proxy.dialects.page_filter import ALL_PAGES, PageFilter, host_in, host_of
from proxy.dialects.reading import AnswerReader
from proxy.dialects.signatures import digest
from proxy.dialects.tool_names import ToolNames

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
        self._counts: dict[str, int] = {}
        self._reason: str | None = None
        self._reason_words = ""
        self._blocked = False
        self._calls = 0
        self._earlier: set[bytes] = set()
        """Calls of earlier events: some servers repeat them in each."""
        self._answered = False
        """Text or a call came."""
        self._searches: list[Mapping[str, Any]] = []

    def see(self, payload: Mapping[str, Any], name: str) -> None:
        self._count(payload.get("usageMetadata"))
        version = payload.get("modelVersion")
        self.writer.start(version.removeprefix("models/") if isinstance(version, str) else None)
        feedback = payload.get("promptFeedback")
        if isinstance(feedback, Mapping) and feedback.get("blockReason"):
            self._blocked = True
        candidates = payload.get("candidates")
        if isinstance(candidates, list) and candidates and isinstance(candidates[0], Mapping):
            self._see_candidate(candidates[0])

    def see_whole(self, payload: Mapping[str, Any]) -> None:
        self.see(payload, "")
        self.close()

    def close(self) -> None:
        writer, reason = self.writer, self._reason
        self._tell_searches()
        if self._blocked or reason in _REFUSALS:
            writer.finish("refusal")
        elif reason is None:
            self.fail_early()
        elif reason in _CUT:
            writer.finish("max_tokens")
        elif reason in _FAILURES or not self._answered:
            words = f": {self._reason_words}" if self._reason_words else ""
            what = "an empty answer" if reason == "STOP" else f"the answer ended with {reason}"
            writer.fail("api_error", f"{what}{words}")
        else:
            ending: StopReason = "tool_use" if writer.called else "end_turn"
            writer.finish(ending)

    def _see_candidate(self, candidate: Mapping[str, Any]) -> None:
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, Mapping) else None
        seen = [self._see_part(part) for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []
        self._earlier.update(call for call in seen if call is not None)
        grounding = candidate.get("groundingMetadata")
        if isinstance(grounding, Mapping):
            self._searches.append(grounding)
        reason, words = candidate.get("finishReason"), candidate.get("finishMessage")
        if isinstance(reason, str) and reason not in _NO_REASON and self._reason is None:
            self._reason = reason
            self._reason_words = words[:300] if isinstance(words, str) else ""

    def _see_part(self, part: Mapping[str, Any]) -> bytes | None:
        """The call in it, to be known again."""
        text = part.get("text")
        if isinstance(call := part.get("functionCall"), Mapping):
            return self._see_call(call, part.get("thoughtSignature"))
        if isinstance(text, str) and text:
            if part.get("thought") is True:
                self.writer.thinking(text)
            else:
                self._answered = True
                self.writer.text(text)
        return None

    def _see_call(self, call: Mapping[str, Any], signature: object) -> bytes | None:
        name, args = call.get("name"), call.get("args")
        if not isinstance(name, str) or not name:
            return None
        arguments = msgspec.json.encode(args) if isinstance(args, Mapping) and args else b""
        identity = b"\n".join((str(call.get("id") or "").encode(errors="replace"), name.encode(), arguments))
        if identity in self._earlier:
            return None
        if isinstance(signature, str) and signature:
            self.writer.sign(signature_payload(self._occasion.model, signature))
        self._answered = True
        self.writer.tool(client_id(call.get("id"), self._occasion.message_id, self._calls), self._names.own(name))
        self.writer.arguments(arguments.decode())
        self.writer.close()
        self._calls += 1
        return identity

    def _count(self, usage: object) -> None:
        """Counts are of the whole answer so far; one that an event leaves out stays as it was."""
        if not isinstance(usage, Mapping):
            return
        told = {name: usage[name] for name in _COUNTS if type(usage.get(name)) is int and usage[name] >= 0}
        if not told:
            return
        self._counts |= told
        prompt, tools, cached, answer, thoughts = (self._counts.get(name, 0) for name in _COUNTS)
        self.writer.count(
            {
                "input_tokens": max(0, prompt + tools - cached),
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
        tool_id = f"srvtoolu_{digest(self._occasion.message_id)}"
        self.writer.server_tool(tool_id, "web_search", {"query": "; ".join(queries)})
        self.writer.block({"type": "web_search_tool_result", "tool_use_id": tool_id, "content": found})
        if self._counts:
            self.writer.count({"server_tool_use": {"web_search_requests": max(1, len(queries))}})


def _host(page: Mapping[str, Any]) -> str | None:
    """Where a page is: Google's own address for it leads there, its title says where."""
    host = host_of(page["url"])
    return host_in(page["title"]) if host is None or host.endswith(_REDIRECTS) else host


def _texts(values: object) -> Iterator[str]:
    yield from (each for each in values if isinstance(each, str)) if isinstance(values, list) else ()


def _pages(grounding: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    chunks = grounding.get("groundingChunks")
    for chunk in chunks if isinstance(chunks, list) else ():
        page = chunk.get("web") if isinstance(chunk, Mapping) else None
        if isinstance(page, Mapping) and isinstance(url := page.get("uri"), str) and url:
            title = str(page.get("title") or url)
            yield {"type": "web_search_result", "url": url, "title": title, "encrypted_content": "", "page_age": None}
