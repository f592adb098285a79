"""The text of an answer as parts that a person can read: text, thinking, tool calls as they arrive."""

import msgspec

from proxy.contract import StreamKind, StreamPart
from proxy.protocol.foreign_json import NotJson, read_json
from proxy.protocol.sse import EventTooLarge, Frames, read_event

_KINDS: dict[str, StreamKind] = {
    "text": "text",
    "thinking": "thinking",
    "redacted_thinking": "thinking",
    "tool_use": "tool",
    "server_tool_use": "tool",
    "mcp_tool_use": "tool",
}
_DELTA_TEXTS = ("text", "thinking", "partial_json")


class PartReader:
    """Reads the chunks of one answer, streamed or whole. What it cannot read it leaves out."""

    def __init__(self, request_id: str) -> None:
        self._request_id = request_id
        self._frames = Frames()
        self._kind: StreamKind = "text"

    def read(self, chunks: list[bytes]) -> list[StreamPart]:
        """The parts that ``chunks`` complete; neighbours of one block are joined."""
        parts: list[StreamPart] = []
        for chunk in chunks:
            try:
                frames = self._frames.feed(chunk)
            except EventTooLarge:
                return parts
            for frame in frames:
                parts += self._event(frame)
        return _joined(parts)

    def read_whole(self, body: bytes) -> list[StreamPart]:
        """The parts of an answer that did not stream."""
        try:
            message = read_json(body)
        except NotJson:
            return []
        if not isinstance(message, dict):
            return []
        if isinstance(error := message.get("error"), dict):
            return [self._part("error", 0, str(error.get("message", error)))]
        blocks = message.get("content")
        return [
            part
            for number, block in enumerate(blocks if isinstance(blocks, list) else [])
            for part in self._block(number, block)
        ]

    def _event(self, frame: bytes) -> list[StreamPart]:
        try:
            payload = read_json(read_event(frame)[1])
        except NotJson:
            return []
        if not isinstance(payload, dict):
            return []
        number = payload.get("index")
        number = number if isinstance(number, int) else 0
        match payload.get("type"):
            case "content_block_start":
                return self._block(number, payload.get("content_block"))
            case "content_block_delta":
                return self._delta(number, payload.get("delta"))
            case "error":
                error = payload.get("error")
                return [self._part("error", number, str(error.get("message") if isinstance(error, dict) else error))]
        return []

    def _block(self, number: int, block: object) -> list[StreamPart]:
        if not isinstance(block, dict):
            return []
        kind = block.get("type")
        self._kind = _KINDS.get(kind, "tool") if isinstance(kind, str) else "text"
        if self._kind == "tool":
            title = block.get("name") or kind
            given = block.get("input") or (block.get("content") if "result" in str(kind) else None)
            text = msgspec.json.encode(given).decode() if given else ""
            return [self._part("tool", number, text, str(title))]
        content = block.get(self._kind)
        return [self._part(self._kind, number, content if isinstance(content, str) else "")]

    def _delta(self, number: int, delta: object) -> list[StreamPart]:
        if not isinstance(delta, dict):
            return []
        texts = [value for name in _DELTA_TEXTS if isinstance(value := delta.get(name), str)]
        return [self._part(self._kind, number, texts[0])] if texts and texts[0] else []

    def _part(self, kind: StreamKind, number: int, text: str, title: str | None = None) -> StreamPart:
        return StreamPart(request_id=self._request_id, kind=kind, block=number, text=text, title=title)


def _joined(parts: list[StreamPart]) -> list[StreamPart]:
    joined: list[StreamPart] = []
    texts: list[list[str]] = []
    for part in parts:
        if joined and part.title is None and (part.kind, part.block) == (joined[-1].kind, joined[-1].block):
            texts[-1].append(part.text)
        else:
            joined.append(part)
            texts.append([part.text])
    return [
        StreamPart(request_id=part.request_id, kind=part.kind, block=part.block, text="".join(text), title=part.title)
        for part, text in zip(joined, texts, strict=True)
    ]
