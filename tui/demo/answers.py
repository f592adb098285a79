"""Reads the engine's answers as a client would: blocks out of a stream or out of a whole body. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Answer:
    """What arrived of an answer so far."""

    blocks: list[dict[str, Any]] = field(default_factory=list)
    events: int = 0
    complete: bool = False
    error: str | None = None
    _arguments: dict[int, str] = field(default_factory=dict)
    """Text of the tool arguments so far, by block."""

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        return [block for block in self.blocks if block["type"] == "tool_use"]

    @property
    def text(self) -> str:
        return "".join(block["text"] for block in self.blocks if block["type"] == "text")

    def take(self, line: str) -> None:
        """One line of an event stream."""
        if not line.startswith("data:"):
            return
        self.events += 1
        event = json.loads(line[5:])
        match event["type"]:
            case "content_block_start":
                self.blocks.append(event["content_block"])
            case "content_block_delta":
                self._grow(event["index"], event["delta"])
            case "content_block_stop" if event["index"] in self._arguments:
                self.blocks[event["index"]]["input"] = json.loads(self._arguments[event["index"]] or "{}")
            case "message_stop":
                self.complete = True
            case "error":
                self.error = event["error"]["message"]
            case _:
                pass

    def _grow(self, index: int, delta: Mapping[str, str]) -> None:
        block = self.blocks[index]
        match delta["type"]:
            case "text_delta":
                block["text"] += delta["text"]
            case "thinking_delta":
                block["thinking"] += delta["thinking"]
            case "signature_delta":
                block["signature"] = delta["signature"]
            case "input_json_delta":
                self._arguments[index] = self._arguments.get(index, "") + delta["partial_json"]
            case _:
                pass


def from_body(body: bytes) -> Answer:
    """The answer to a request with ``stream: false``."""
    return Answer(json.loads(body)["content"], complete=True)
