"""Reads an answer of the Responses API: its events, its endings, its counts.

The events name themselves in ``type``. The last one carries the whole response with its status, and the status counts:
servers are known that call a failed response completed.
"""

from collections.abc import Mapping
from typing import Any

from proxy.dialects.answer import AnswerWriter, StopReason
from proxy.dialects.complaints import read_complaint
from proxy.dialects.counts import token_count
from proxy.dialects.dialect import Occasion
from proxy.dialects.foreign_values import mapping
from proxy.dialects.openai_responses_item import Group, Kind
from proxy.dialects.openai_responses_items import Items
from proxy.dialects.openai_responses_reasoning import DIALECT
from proxy.dialects.openai_usage import read_usage
from proxy.dialects.reading import AnswerReader
from proxy.dialects.tool_names import ToolNames

_DELTAS: Mapping[str, tuple[Kind, Group, str]] = {
    "response.output_text.delta": ("message", "content", "content_index"),
    "response.refusal.delta": ("message", "content", "content_index"),
    "response.reasoning_summary_text.delta": ("reasoning", "summary", "summary_index"),
    "response.reasoning_summary.delta": ("reasoning", "summary", "summary_index"),
    "response.reasoning_text.delta": ("reasoning", "content", "content_index"),
    "response.reasoning.delta": ("reasoning", "content", "content_index"),
    "response.function_call_arguments.delta": ("function_call", "arguments", "content_index"),
}
"""Of which item an event brings a piece, of which of its texts, and where the number of the part stands."""

_WHOLES: Mapping[str, tuple[Kind, Group, str]] = {
    "response.output_text.done": ("message", "content", "content_index"),
    "response.refusal.done": ("message", "content", "content_index"),
    "response.reasoning_summary_text.done": ("reasoning", "summary", "summary_index"),
    "response.reasoning_summary_part.done": ("reasoning", "summary", "summary_index"),
    "response.reasoning_text.done": ("reasoning", "content", "content_index"),
}
"""Of which item an event brings a whole text, and where the number of the part stands."""
_PARTS: Mapping[object, tuple[Kind, Group]] = {
    "output_text": ("message", "content"),
    "refusal": ("message", "content"),
    "reasoning_text": ("reasoning", "content"),
    "summary_text": ("reasoning", "summary"),
}
"""The same by the type of a part."""

_ENDS = ("completed", "done", "incomplete", "failed", "cancelled")
_STOPS: Mapping[object, StopReason] = {"content_filter": "refusal"}
"""Why a response is incomplete; for anything else it was too long."""


class ResponsesReader(AnswerReader):
    """One answer."""

    def __init__(self, names: ToolNames, occasion: Occasion) -> None:
        super().__init__(AnswerWriter(DIALECT, occasion.model, occasion.message_id, occasion.input_tokens))
        self._items = Items(self.writer, names, occasion.model, occasion.message_id)

    def see(self, payload: Mapping[str, Any], name: str) -> None:
        kind = payload.get("type") or name
        if not isinstance(kind, str):
            return
        if (delta := _DELTAS.get(kind)) is not None:
            item_kind, group, place = delta
            item = self._items.find(item_kind, payload.get("item_id"), _index(payload.get("output_index")))
            self._items.tell(item, _text(payload.get("delta")), group, _index(payload.get(place)) or 0)
            self._items.refused = self._items.refused or kind == "response.refusal.delta"
        elif kind in ("error", "response.error"):
            self._fail(payload)
        elif kind.removeprefix("response.") in _ENDS:
            self._end(payload, kind.removeprefix("response."))
        else:
            self._see_other(payload, kind)

    def see_whole(self, payload: Mapping[str, Any]) -> None:
        """A response as one JSON value, perhaps inside its last event."""
        response = payload["response"] if isinstance(payload.get("response"), dict) else payload
        status = response.get("status")
        if not isinstance(response.get("output"), list) and not isinstance(status, str):
            self.writer.fail("api_error", "the answer is no response of the Responses API")
            return
        self._start(response)
        if status in ("queued", "in_progress"):
            self.writer.fail("api_error", "the provider answered before the response was finished")
            return
        self._end({"response": response}, "completed")

    def close(self) -> None:
        self.fail_early()

    def _see_other(self, payload: Mapping[str, Any], kind: str) -> None:
        item_id, index = payload.get("item_id"), _index(payload.get("output_index"))
        match kind:
            case "response.created" | "response.in_progress":
                self._start(mapping(payload.get("response")))
            case "response.output_item.added":
                self.writer.start()
                self._items.add(mapping(payload.get("item")), index)
            case "response.output_item.done":
                self._items.finish(mapping(payload.get("item")), index)
            case "response.function_call_arguments.done":
                self._items.finish_call(self._items.find("function_call", item_id, index), payload)
            case "response.output_text.annotation.added":
                self._items.searches.cite([payload.get("annotation")])
            case "response.content_part.done":
                part = mapping(payload.get("part"))
                if (told := _PARTS.get(_text(part.get("type")))) is not None:
                    self._see_whole_text(payload, part, *told, "content_index")
            case _ if kind in _WHOLES:
                self._see_whole_text(payload, mapping(payload.get("part")) or payload, *_WHOLES[kind])
            case "response.queued":
                self._start(mapping(payload.get("response")))
                self.writer.ping()
            case _ if not kind.endswith((".added", ".done")):
                self.writer.ping()

    def _see_whole_text(
        self, payload: Mapping[str, Any], told: Mapping[str, Any], kind: Kind, group: Group, place: str
    ) -> None:
        refusal = _text(told.get("refusal"))
        item = self._items.find(kind, payload.get("item_id"), _index(payload.get("output_index")))
        self._items.tell_whole(item, refusal or _text(told.get("text")), group, _index(payload.get(place)) or 0)
        self._items.refused = self._items.refused or bool(refusal)

    def _start(self, response: Mapping[str, Any]) -> None:
        model = response.get("model")
        self.writer.start(model if isinstance(model, str) else None)

    def _end(self, payload: Mapping[str, Any], named: str) -> None:
        """The response is over; ``named`` is how its last event calls that."""
        response = mapping(payload.get("response"))
        self._start(response)
        status = response.get("status")
        if "failed" in (status, named):
            self._fail(response)
            return
        if "cancelled" in (status, named):
            self.writer.fail("api_error", "the provider cancelled the answer")
            return
        self._items.finish_all(response.get("output"))
        self._count(mapping(response.get("usage")) or mapping(payload.get("usage")))
        stop = self._incomplete(response) if "incomplete" in (status, named) else self._whole()
        if stop is None:
            self.writer.fail("timeout_error", "the provider ran out of time and left the answer incomplete")
        elif self._items.faulty is not None and stop != "max_tokens":
            self.writer.fail("api_error", self._items.faulty)
        else:
            self.writer.finish(stop)

    def _whole(self) -> StopReason:
        if self.writer.called:
            return "tool_use"
        return "refusal" if self._items.refused else "end_turn"

    def _incomplete(self, response: Mapping[str, Any]) -> StopReason | None:
        """None: time was up, which says nothing about the answer's length."""
        reason = _text(mapping(response.get("incomplete_details")).get("reason"))
        return None if "timeout" in reason else _STOPS.get(reason, "max_tokens")

    def _fail(self, given: Mapping[str, Any]) -> None:
        """What the error in ``given`` says; an ``error`` event is one itself."""
        error = given.get("error") or {name: given[name] for name in ("code", "message") if name in given}
        complaint = read_complaint(None, {"error": error or {"message": "the provider failed and gave no reason"}})
        self.writer.fail(complaint.kind, complaint.message)

    def _count(self, told: Mapping[str, Any]) -> None:
        counts = read_usage(told, reasoning_outside=False)
        if counts and self._items.searches.count:
            counts["server_tool_use"] = {"web_search_requests": self._items.searches.count}
        self.writer.count(counts)


def _text(value: object) -> str:
    """A text, which some servers put into an object."""
    inner = value.get("text") if isinstance(value, dict) else value
    return inner if isinstance(inner, str) else ""


def _index(value: object) -> int | None:
    """The number of an item or a part; None where it has none."""
    count = token_count(value)
    return count if isinstance(value, int | str) else None
