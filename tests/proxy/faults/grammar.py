"""The grammar of an answer as a client must be able to read it, checked without the engine's own readers."""

import json
from dataclasses import dataclass
from typing import Any


class Malformed(AssertionError):
    """An answer that no client can read."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a client made of an answer."""

    text: str
    error: str | None = None
    """The type of the error that ended it."""
    usage: tuple[int, int] = (0, 0)
    """Input and output tokens at the end."""


def read_stream(raw: bytes) -> Read:
    """An event stream that is whole, or ends in exactly one error. Raises ``Malformed``."""
    events = [_event(frame) for frame in raw.decode().removesuffix("\n\n").split("\n\n")]
    kinds = [kind for kind, _ in events if kind != "ping"]
    _require(kinds[0] == "message_start" and kinds.count("message_start") == 1, "one message_start, first")
    _require(kinds[-1] in ("message_stop", "error"), f"an end, not {kinds[-1]}")
    _require(kinds.count("message_stop") + kinds.count("error") == 1, "one end")
    open_block, blocks, text, output = None, 0, "", 0
    for kind, payload in events:
        match kind:
            case "content_block_start":
                _require(open_block is None and payload["index"] == blocks, "blocks one after the other")
                open_block = blocks
            case "content_block_delta":
                _require(payload["index"] == open_block, "a delta within its block")
                text += payload["delta"].get("text", "")
            case "content_block_stop":
                _require(payload["index"] == open_block, "the open block stops")
                open_block, blocks = None, blocks + 1
            case "message_delta":
                _require(open_block is None, "message_delta after the blocks")
                output = payload["usage"]["output_tokens"]
    failed = kinds[-1] == "error"
    _require(failed or (open_block is None and kinds[-2] == "message_delta"), "message_delta before message_stop")
    first = next(payload for kind, payload in events if kind == "message_start")
    error = events[-1][1]["error"]["type"] if failed else None
    return Read(text, error, (first["message"]["usage"]["input_tokens"], output))


def read_whole(raw: bytes) -> Read:
    """A whole Message. Raises ``Malformed``."""
    message = json.loads(raw)
    _require(message["type"] == "message" and message["stop_reason"] is not None, "a Message that ended")
    usage = message["usage"]
    text = "".join(block["text"] for block in message["content"])
    return Read(text, None, (usage["input_tokens"], usage["output_tokens"]))


def read_error(raw: bytes) -> Read:
    """An error answer. Raises ``Malformed``."""
    body = json.loads(raw)
    _require(body["type"] == "error" and bool(body["error"]["message"]), "an error with words")
    return Read("", body["error"]["type"])


def _event(frame: str) -> tuple[str, dict[str, Any]]:
    lines = dict(line.split(": ", 1) for line in frame.split("\n"))
    payload: dict[str, Any] = json.loads(lines["data"])
    _require(payload["type"] == lines["event"], "an event's name is its type")
    return lines["event"], payload


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise Malformed(rule)
