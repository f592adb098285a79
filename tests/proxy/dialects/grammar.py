"""Anthropic's event grammar, checked by a reader of its own: what every dialect writes must pass here.

One ``message_start`` and first, blocks numbered 0, 1, 2… with nothing between them, deltas that fit their block, one
``message_delta``, then ``message_stop`` and nothing more. An ``error`` may end it anywhere.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message

DELTAS: Mapping[str, tuple[str, ...]] = {
    "text": ("text_delta", "citations_delta"),
    "thinking": ("thinking_delta", "signature_delta"),
    "tool_use": ("input_json_delta",),
    "server_tool_use": ("input_json_delta",),
}
"""Delta types by block type; a block of any other type comes whole."""

TEXTS: Mapping[str, str] = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
CUT_OFF = ("max_tokens", "model_context_window_exceeded")
STOP_REASONS = ("end_turn", *CUT_OFF, "stop_sequence", "tool_use", "refusal", "pause_turn")


@dataclass(slots=True)
class Answer:
    """A stream that kept the grammar, put together."""

    message: dict[str, Any] = field(default_factory=dict)
    """As ``message_start`` carries it."""
    blocks: list[dict[str, Any]] = field(default_factory=list)
    """Whole ones; a call's ``input`` is decoded."""
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    names: list[str] = field(default_factory=list)
    """Of all events, in order."""

    @property
    def text(self) -> str:
        return "".join(block["text"] for block in self.blocks if block["type"] == "text")

    @property
    def thinking(self) -> str:
        return "".join(block["thinking"] for block in self.blocks if block["type"] == "thinking")

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [block for block in self.blocks if block["type"] == "tool_use"]

    @property
    def kinds(self) -> list[str]:
        return [block["type"] for block in self.blocks]


@dataclass(slots=True)
class _Checker:
    answer: Answer = field(default_factory=Answer)
    open: dict[str, Any] | None = None
    json_text: str = ""
    begun: int = 0
    told: bool = False
    """``message_delta`` came."""
    cut: bool = False
    """A call's arguments are not whole."""
    over: bool = False

    def see(self, name: str, payload: Mapping[str, Any]) -> None:
        assert not self.over, f"{name} after the end"
        assert payload["type"] == name
        self.answer.names.append(name)
        if name not in ("message_start", "error"):
            assert self.answer.message, f"{name} before message_start"
        match name:
            case "message_start":
                self._start(payload["message"])
            case "content_block_start":
                self._open_block(payload)
            case "content_block_delta":
                self._delta(payload)
            case "content_block_stop":
                self._close_block(payload)
            case "message_delta":
                self._message_delta(payload)
            case "message_stop":
                assert self.told, "message_stop without message_delta"
                self.over = True
            case "error":
                self._error(payload["error"])
            case _:
                assert name == "ping", f"unknown event {name}"

    def _start(self, message: Mapping[str, Any]) -> None:
        assert not self.answer.message, "a second message_start"
        assert message["type"] == "message"
        assert message["role"] == "assistant"
        assert message["content"] == []
        assert message["stop_reason"] is None
        assert message["id"].startswith("msg_")
        assert message["model"]
        assert isinstance(message["usage"]["input_tokens"], int)
        assert isinstance(message["usage"]["output_tokens"], int)
        self.answer.message = dict(message)

    def _open_block(self, payload: Mapping[str, Any]) -> None:
        assert self.open is None, "a block begins inside a block"
        assert not self.told, "a block after message_delta"
        assert payload["index"] == self.begun, "indices are 0, 1, 2…"
        self.open, self.json_text = dict(payload["content_block"]), ""
        self.begun += 1
        match self.open["type"]:
            case "text":
                assert self.open["text"] == ""
            case "thinking":
                assert self.open["thinking"] == self.open["signature"] == ""
            case "tool_use" | "server_tool_use":
                assert self.open["input"] == {}
                assert self.open["id"]
                assert self.open["name"]

    def _delta(self, payload: Mapping[str, Any]) -> None:
        assert self.open is not None, "a delta outside of a block"
        assert payload["index"] == self.begun - 1
        delta, kind = payload["delta"], self.open["type"]
        assert delta["type"] in DELTAS.get(kind, ()), f"{delta['type']} in {kind}"
        if delta["type"] == "signature_delta":
            assert not self.open["signature"], "a second signature"
            self.open["signature"] = delta["signature"]
        elif delta["type"] == "input_json_delta":
            self.json_text += delta["partial_json"]
        elif delta["type"] in TEXTS:
            assert not self.open.get("signature"), "thinking after its signature"
            self.open[TEXTS[delta["type"]]] += delta[TEXTS[delta["type"]]]

    def _close_block(self, payload: Mapping[str, Any]) -> None:
        assert self.open is not None, "a stop without a start"
        assert payload["index"] == self.begun - 1
        if self.open["type"] in ("tool_use", "server_tool_use"):
            self._read_arguments(self.open)
        if self.open["type"] == "thinking":
            assert self.open["signature"], "thinking without a signature"
        self.answer.blocks.append(self.open)
        self.open = None

    def _read_arguments(self, block: dict[str, Any]) -> None:
        """Only a limit of length may cut arguments short, as Claude's own answers do."""
        try:
            block["input"] = json.loads(self.json_text or "{}")
        except ValueError:
            self.cut = True
        assert isinstance(block["input"], dict), "arguments are an object"

    def _message_delta(self, payload: Mapping[str, Any]) -> None:
        assert not self.told, "a second message_delta"
        assert self.open is None, "message_delta inside a block"
        self.told = True
        self.answer.stop_reason = payload["delta"]["stop_reason"]
        self.answer.stop_sequence = payload["delta"]["stop_sequence"]
        self.answer.usage = dict(payload["usage"])
        assert self.answer.stop_reason in STOP_REASONS
        assert not self.cut or self.answer.stop_reason in CUT_OFF, "arguments are not whole"
        assert (self.answer.stop_reason == "stop_sequence") == (self.answer.stop_sequence is not None)
        for name, count in self.answer.usage.items():
            if name.endswith("_tokens"):
                assert isinstance(count, int), name
                assert count >= 0, name

    def _error(self, error: Mapping[str, Any]) -> None:
        assert not self.told, "an error after message_delta"
        assert error["type"].endswith("_error") or error["type"] == "request_too_large"
        assert error["message"]
        self.answer.error = dict(error)
        self.over = True


def checked(stream: bytes) -> Answer:
    """The answer in ``stream``; fails the test where the grammar is broken."""
    checker = _Checker()
    for name, payload in events_of(stream):
        checker.see(name, payload)
    assert checker.over, "the stream has no end"
    ids = [call["id"] for call in checker.answer.calls]
    assert len(set(ids)) == len(ids), "ids of calls are unique"
    return checker.answer


def events_of(stream: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Names and payloads, from bytes that hold whole events and nothing else."""
    assert not stream or stream.endswith(b"\n\n")
    events = []
    for frame in stream.decode().split("\n\n")[:-1]:
        first, second = frame.split("\n")
        assert first.startswith("event: ")
        assert second.startswith("data: ")
        events.append((first.removeprefix("event: "), json.loads(second.removeprefix("data: "))))
    return events


def sdk_message(stream: bytes) -> Message:
    """What the anthropic SDK makes of a stream without errors."""
    message: Any = None
    buffers: dict[int, bytes] = {}
    for name, payload in events_of(stream):
        if name != "ping":
            event: Any = payload
            message = accumulate_event(event=event, current_snapshot=message, json_bufs=buffers)
    assert isinstance(message, Message)
    return message
