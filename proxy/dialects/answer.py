"""An answer in Anthropic's events, written piece by piece as another dialect brings it.

The writer keeps the grammar, whatever the other side does: one ``message_start``, blocks numbered from 0 and closed
before the next opens, one ``message_delta``, and after the end nothing.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from proxy.dialects.signatures import DIGEST_CHARS, sealed
from proxy.protocol.sse import write_event

StopReason = Literal[
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "refusal",
    "pause_turn",
    "model_context_window_exceeded",
]

_NO_USAGE = {
    "input_tokens": 0,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "output_tokens": 0,
}
_THINKING = {"type": "thinking", "thinking": "", "signature": ""}
_COUNTED = frozenset(("input_tokens", "output_tokens"))
BYTES_PER_TOKEN = 4.0
"""Of an answer's text, for an estimate."""


class AnswerWriter:
    """Takes what an answer brings, in order; ``take`` gives the events since it was last called."""

    def __init__(self, dialect: str, model: str, message_id: str, input_tokens: int) -> None:
        """``input_tokens`` is the estimate that the client's context display gets at once."""
        self._dialect = dialect
        self._message_id = message_id
        self._asked_model = model
        self._out: list[bytes] = []
        self._usage: dict[str, Any] = {**_NO_USAGE, "input_tokens": input_tokens}
        self._open: str | None = None
        self._last: str | None = None
        """The type of the block that was opened last."""
        self._index = -1
        self._thought: hashlib._Hash | None = None
        self._unwritten: list[str] = []
        """Signatures without thinking, until it is certain that something follows them."""
        self._text_bytes = 0
        self._blanks: dict[str, str] = {"text": "", "thinking": ""}
        """What would begin a block, but is nothing but blanks so far."""
        self.told: dict[str, Any] = {}
        """What it counted so far, under Anthropic's names."""
        self._relays = False
        """Its events go out as they are, counts and all."""
        self.model: str | None = None
        """Who answers by the provider's word."""
        self.started = False
        self.ended = False
        self.called = False
        """A tool was called."""
        self.failed = False

    @property
    def usage_told(self) -> bool:
        """The provider counted prompt and answer; else the usage is an estimate, at least in part."""
        return self._relays or self.told.keys() >= _COUNTED

    @property
    def blocks(self) -> int:
        """Blocks begun so far."""
        return self._index + 1

    @property
    def open_block(self) -> str | None:
        """The type of the block that is open."""
        return self._open

    def take(self) -> bytes:
        out = b"".join(self._out)
        self._out.clear()
        return out

    def start(self, model: str | None = None) -> None:
        """The answer begins; ``model`` is what the provider says that answers, perhaps only after it began."""
        if self.model is None and model:
            self.model = model
        if self.started or self.ended:
            return
        self.started = True
        message: dict[str, Any] = {
            "id": self._message_id,
            "model": self.model or self._asked_model,
            "type": "message",
            "role": "assistant",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {**self._usage, "output_tokens": 0},
        }
        self._write("message_start", {"message": message})

    def ping(self) -> None:
        if self.started and not self.ended:
            self._write("ping", {})

    def text(self, text: str) -> None:
        """Blanks alone make no block: Claude refuses a text of nothing else when it comes back."""
        if (text := self._beginning("text", text)) and self._switch("text", {"type": "text", "text": ""}):
            self._delta({"type": "text_delta", "text": text}, text)

    def thinking(self, text: str) -> None:
        """Blanks alone make no block here either."""
        if (text := self._beginning("thinking", text)) and self._switch("thinking", _THINKING):
            self._thought = self._thought or hashlib.sha256()
            self._thought.update(text.encode(errors="replace"))
            self._delta({"type": "thinking_delta", "thinking": text}, text)

    def sign(self, payload: str) -> None:
        """End the open thinking with what its issuer must get back. Without open thinking an empty one is made of it
        before the next block, and in the end only behind a call: where thinking stands behind a text, ``claude -p``
        prints nothing (measured with 2.1.329)."""
        if self._open == "thinking":
            self._thought = None
            self._delta({"type": "signature_delta", "signature": sealed(self._dialect, payload)}, "")
            self.close()
        elif not self.ended:
            self.close()
            self._unwritten.append(payload)

    def tool(self, tool_id: str, name: str) -> None:
        """A call begins; ``arguments`` follow."""
        self.close()
        block = {"type": "tool_use", "id": tool_id, "name": name, "input": {}}
        if self._switch("tool_use", block):
            self.called = True

    def arguments(self, text: str) -> None:
        """A piece of the open call's arguments, as JSON text. Without an open call it is lost, and so is the answer."""
        if not text or self.ended:
            return
        if self._open == "tool_use":
            self._delta({"type": "input_json_delta", "partial_json": text}, text)
        else:
            self.fail("api_error", "arguments of a call came where none is open")

    def server_tool(self, tool_id: str, name: str, given: Mapping[str, Any]) -> None:
        """A call that the provider itself carried out. What was given comes as a delta: clients read it there only."""
        self.close()
        if self._switch("server_tool_use", {"type": "server_tool_use", "id": tool_id, "name": name, "input": {}}):
            arguments = msgspec.json.encode(given).decode()
            self._delta({"type": "input_json_delta", "partial_json": arguments}, "")
            self.close()

    def block(self, block: Mapping[str, Any]) -> None:
        """A block that comes whole, such as results of a search."""
        self.close()
        if self._switch(str(block.get("type")), block):
            self.close()

    def relay(self, event: bytes, *, last: bool = False) -> None:
        """An event that is Anthropic's already, counts and all: it goes out as it is."""
        if not self.ended:
            self.started = True
            self._relays = True
            self.ended = last
            self._out.append(event)

    def close(self) -> None:
        """The open block ends."""
        if self._open is None:
            return
        if self._open == "thinking" and self._thought is not None:
            told = sealed(self._dialect, self._thought.hexdigest()[:DIGEST_CHARS])
            self._delta({"type": "signature_delta", "signature": told}, "")
        self._thought = None
        self._open = None
        self._write("content_block_stop", {"index": self._index})

    def count(self, usage: Mapping[str, Any]) -> None:
        """What the provider counted, under Anthropic's names; later counts replace earlier ones."""
        told = {name: value for name, value in usage.items() if value is not None}
        if told:
            self._usage.update(told)
            self.told.update(told)

    def finish(self, reason: StopReason, stop_sequence: str | None = None) -> None:
        """The answer ended well."""
        if self.ended:
            return
        self.start()
        self.close()
        if self._last != "text":
            self._write_signatures()
        self.ended = True
        if "output_tokens" not in self.told:
            self._usage["output_tokens"] = round(self._text_bytes / BYTES_PER_TOKEN)
        delta = {"stop_reason": reason, "stop_sequence": stop_sequence}
        self._write("message_delta", {"delta": delta, "usage": self._usage})
        self._write("message_stop", {})

    def fail(self, kind: str, message: str) -> None:
        """The answer ended badly; nothing is pretended."""
        if self.ended:
            return
        self.ended = self.failed = True
        self._open = None
        self._write("error", {"error": {"type": kind, "message": message}})

    def _beginning(self, kind: str, text: str) -> str:
        """``text`` with the blanks before it; empty as long as a block of ``kind`` would begin with blanks alone."""
        if self._open == kind:
            return text
        text = self._blanks[kind] + text
        self._blanks[kind] = "" if text.strip() else text
        return text if text.strip() else ""

    def _switch(self, kind: str, block: Mapping[str, Any]) -> bool:
        """Have a block of ``kind`` open; False after the end."""
        if self.ended:
            return False
        if self._open != kind:
            self.start()
            self.close()
            self._write_signatures()
            self._begin(kind, block)
        return True

    def _begin(self, kind: str, block: Mapping[str, Any]) -> None:
        self._blanks = dict.fromkeys(self._blanks, "")
        self._index += 1
        self._open = self._last = kind
        self._write("content_block_start", {"index": self._index, "content_block": block})

    def _write_signatures(self) -> None:
        """Those that stand alone, each as thinking without words."""
        unwritten, self._unwritten = self._unwritten, []
        for payload in unwritten:
            self._begin("thinking", _THINKING)
            self._delta({"type": "signature_delta", "signature": sealed(self._dialect, payload)}, "")
            self.close()

    def _delta(self, delta: Mapping[str, Any], text: str) -> None:
        self._text_bytes += len(text) if text.isascii() else len(text.encode(errors="replace"))
        self._write("content_block_delta", {"index": self._index, "delta": delta})

    def _write(self, name: str, payload: Mapping[str, Any]) -> None:
        self._out.append(write_event(name, {"type": name, **payload}))
