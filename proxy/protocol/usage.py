"""What an answer in Anthropic's format tells about itself: usage, model, ending, error, reported cost.

``AnswerTap`` looks at the bytes of a stream after they went to the client; ``read_message`` at a whole body.
Counts are cumulative: the last value of a field replaces the earlier one. Of the many delta events only the
first few are decoded, so the tap costs a fraction of a microsecond for each of the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec.structs import astuple

from proxy.contract import Usage
from proxy.protocol.answer_text import TextCount
from proxy.protocol.foreign_json import NotJson, read_json
from proxy.protocol.outcome import WORDS_MAX
from proxy.protocol.sse import EventTooLarge, Frames, read_event
from proxy.protocol.thoughts import Thought, mark_of
from proxy.protocol.tool_ids import is_legal

NANO = 10**9
USD_MAX = 10**6
"""No answer costs more; a larger amount is a provider's mistake."""

TOKENS_MAX = 10**9
"""No answer has more; a larger count is a provider's mistake, and its cost would not fit into the ledger."""

_SIGNATURE = b'"signature_delta"'
_DELTA = b"event: content_block_delta\n"
_NEXT_DELTA = b"\n\n" + _DELTA
_SHORT = 160
"""Bytes of an event that may be the same in every answer."""


class Iteration(NamedTuple):
    """One pass of an answer, told by itself."""

    usage: Usage
    model: str | None = None
    """None: the answer's."""
    aside: bool = False
    """It read the conversation and is no part of it: the advice that a model asked of another one."""

    def of(self, model: str | None) -> "Iteration":
        """The same in an answer of ``model``."""
        return self if self.model else self._replace(model=model)


@dataclass(slots=True)
class AnswerFacts:
    """What is known of an answer so far."""

    counts: dict[str, int] = field(default_factory=dict)
    """Usage fields as the provider names them, cache writes split by lifetime."""
    model: str | None = None
    message_id: str | None = None
    stop_reason: str | None = None
    reported_nano_usd: int | None = None
    """The cost by the provider's own word."""
    iterations: tuple[Iteration, ...] = ()
    """Passes, where there were several that were told one by one."""
    own_searches: int = 0
    """So many searches the engine made for it, in the provider's place."""
    error_type: str | None = None
    error_message: str | None = None
    """Its beginning, where it is long."""
    service_tier: str | None = None
    speed: str | None = None
    """``fast``, where that was billed; None: the standard one."""
    thoughts: list[str] = field(default_factory=list)
    """What its thinking blocks are known by: it tells later who thought them."""
    odd_ids: bool = False
    """A tool was called under an id that Claude would refuse in a later request."""

    @property
    def usage(self) -> Usage:
        counts = self.counts
        return Usage(
            input_tokens=counts.get("input_tokens", 0),
            output_tokens=counts.get("output_tokens", 0),
            cache_read_tokens=counts.get("cache_read_input_tokens", 0),
            cache_write_5m_tokens=counts.get("cache_write_5m", 0),
            cache_write_1h_tokens=counts.get("cache_write_1h", 0),
            web_searches=counts.get("web_search_requests", 0) + self.own_searches,
        )

    @property
    def looked_into_the_web(self) -> bool:
        """The prompt that was counted has what the request had not."""
        return any(self.counts.get(name) for name in ("web_search_requests", "web_fetch_requests"))

    @property
    def in_one_pass(self) -> bool:
        """The counts are those of the request's prompt and of one answer to it."""
        return not self.iterations and not self.looked_into_the_web

    def in_window(self, counted: Usage) -> Usage | None:
        """Of ``counted``, the counts of all of it, those of prompt and answer as they stand in the window; None: they
        were told only together with others."""
        if self.iterations:
            return next((each.usage for each in reversed(self.iterations) if not each.aside), None)
        return None if self.looked_into_the_web else counted

    def paid_for(self, counted: Usage) -> tuple[Iteration, ...]:
        """``counted`` by pass. The last has what was told of none, or was estimated.

        One cost that the provider told is for all passes together.
        """
        if self.iterations and self.reported_nano_usd is None:
            *first, last = self.iterations
            rest = counted - sum((each.usage for each in first), Usage())
            if min(astuple(rest)) >= 0:
                return (*(each.of(self.model) for each in first), last._replace(usage=rest).of(self.model))
        return (Iteration(counted, self.model),)

    def see_own_search(self, nano_usd: int) -> None:
        """Take in that the engine searched for it, which cost ``nano_usd``."""
        self.own_searches += 1
        if self.reported_nano_usd is not None:
            self.reported_nano_usd += nano_usd

    def counted_as(self, other: "AnswerFacts") -> "AnswerFacts":
        """The same with counts and cost of ``other``."""
        return replace(
            self,
            counts=other.counts,
            iterations=other.iterations,
            own_searches=other.own_searches,
            reported_nano_usd=other.reported_nano_usd,
        )

    def see_message(self, message: Mapping[str, Any]) -> None:
        """Take in a Message, whole or as ``message_start`` carries it."""
        if isinstance(model := message.get("model"), str) and model:
            self.model = model
        if isinstance(message_id := message.get("id"), str):
            self.message_id = message_id
        self.see_ending(message)
        self.see_usage(message.get("usage"))

    def see_ending(self, delta: object) -> None:
        if isinstance(delta, Mapping) and isinstance(reason := delta.get("stop_reason"), str):
            self.stop_reason = reason

    def see_usage(self, usage: object) -> None:
        """Take in a ``usage`` object; fields that are absent or null keep their last value."""
        if not isinstance(usage, Mapping):
            return
        for name in ("input_tokens", "output_tokens", "cache_read_input_tokens"):
            if (count := _count(usage.get(name))) is not None:
                self.counts[name] = count
        self._see_cache_writes(usage)
        self._see_iterations(usage.get("iterations"))
        tools = usage.get("server_tool_use")
        for name in ("web_search_requests", "web_fetch_requests"):
            if isinstance(tools, Mapping) and (count := _count(tools.get(name))) is not None:
                self.counts[name] = count
        if isinstance(tier := usage.get("service_tier"), str):
            self.service_tier = tier
        if isinstance(speed := usage.get("speed"), str):
            self.speed = speed if speed != "standard" else None
        if (cost := nano_usd(usage.get("cost"))) is not None:
            self.reported_nano_usd = cost

    def see_whole(self, block: object) -> None:
        """Take in a block of a whole Message."""
        self.see_block(block)
        if isinstance(block, Mapping) and block.get("type") == "thinking" and not block.get("signature"):
            self.see_thought(mark_of(block))

    def see_thought(self, mark: str | None) -> None:
        if mark is not None:
            self.thoughts.append(mark)

    def see_block(self, block: object) -> None:
        """Take in the signature of a thinking block, or of the delta that brings it, or a call's id."""
        if isinstance(block, Mapping):
            if block.get("type") == "tool_use" and isinstance(tool_id := block.get("id"), str):
                self.odd_ids = self.odd_ids or not is_legal(tool_id)
            signature = block.get("data") if block.get("type") == "redacted_thinking" else block.get("signature")
            if isinstance(signature, str) and signature:
                self.thoughts.append(signature)

    def see_error(self, error: object) -> None:
        """Take in the ``error`` object of an error event or body."""
        kind = error.get("type") if isinstance(error, Mapping) else None
        message = error.get("message") if isinstance(error, Mapping) else None
        self.error_type = kind if isinstance(kind, str) else "api_error"
        self.error_message = (message if isinstance(message, str) else str(error))[:WORDS_MAX]

    def _see_cache_writes(self, usage: Mapping[str, Any]) -> None:
        total = _count(usage.get("cache_creation_input_tokens"))
        split = _lifetimes(usage)
        if split is not None:
            short, long = split
            self.counts["cache_write_1h"] = long
            self.counts["cache_write_5m"] = short if total is None else max(short, total - long)
        elif total is not None:
            self.split_writes(total, self.counts.get("cache_write_1h", 0))

    def split_writes(self, total: int, known_long: int) -> None:
        """Cache writes without a split keep the one-hour share that was told before."""
        long = min(known_long, total)
        self.counts["cache_write_1h"], self.counts["cache_write_5m"] = long, total - long

    def _see_iterations(self, iterations: object) -> None:
        """Several passes of one request are billed one by one; the top-level counts leave some of them out."""
        if not isinstance(iterations, list) or len(iterations) < 2:
            return
        passes = [AnswerFacts() for _ in iterations]
        for facts, each in zip(passes, iterations, strict=True):
            if isinstance(each, Mapping):
                facts.see_usage({**each, "iterations": None})
        if not any(facts.usage.total_tokens for facts in passes):
            return
        if not any(isinstance(each, Mapping) and _lifetimes(each) for each in iterations):
            known_long = self.counts.get("cache_write_1h", 0)
            for facts in passes:
                facts.split_writes(facts.counts.get("cache_write_5m", 0), known_long)
                known_long -= facts.counts["cache_write_1h"]
        for name in {name for facts in passes for name in facts.counts}:
            self.counts[name] = sum(facts.counts.get(name, 0) for facts in passes)
        self.iterations = tuple(
            Iteration(facts.usage, _model_of(each), aside=_is_aside(each))
            for facts, each in zip(passes, iterations, strict=True)
            if facts.usage.total_tokens
        )


class AnswerTap:
    """Reads a stream of Anthropic events as it passes by. Never raises: what it cannot read, it does not know."""

    __slots__ = (
        "_frames",
        "_text",
        "_thought",
        "_told_at_bytes",
        "broken",
        "deltas",
        "ended",
        "facts",
        "meaningful",
        "text_seen",
    )

    def __init__(self) -> None:
        self.facts = AnswerFacts()
        self.meaningful = False
        """An event arrived that commits the stream: past ``message_start``, not a ping, not an error."""
        self.text_seen = False
        """Text, thinking or tool arguments arrived."""
        self.ended = False
        """The terminal event arrived."""
        self.deltas = 0
        self._text = TextCount()
        self._told_at_bytes = -1
        """``text_bytes`` when a ``message_delta`` told the output's tokens."""
        self.broken = False
        """This is not a stream of events."""
        self._frames: Frames | None = Frames()
        self._thought: Thought | None = None
        """The thinking block that is arriving."""

    @property
    def mid_line(self) -> bool:
        """The stream stands inside a line of an event."""
        pending = self._frames.pending if self._frames is not None else b""
        return bool(pending) and not pending.endswith(b"\n")

    @property
    def between_events(self) -> bool:
        """Every event that began has ended: another one may be put in."""
        return self._frames is not None and not self._frames.holds

    @property
    def text_bytes(self) -> int:
        """Of text, thinking and tool arguments: what is known of an answer's length until its tokens are told."""
        return self._text.size_bytes

    @property
    def output_told(self) -> bool:
        """The provider counted all the output that came. What ``message_start`` says of it is no count yet."""
        return self._told_at_bytes == self.text_bytes

    @property
    def failed(self) -> bool:
        """An error event arrived."""
        return self.facts.error_type is not None

    def feed(self, chunk: bytes) -> None:
        if self._frames is None:
            return
        try:
            for frame in self._frames.feed(self._without_deltas(chunk)):
                if self.text_seen and frame.startswith(_DELTA) and _SIGNATURE not in frame:
                    self.deltas += 1
                    self._text.see(frame)
                    if self._thought is not None:
                        self._thought.add(frame)
                else:
                    self._see(frame)
        except EventTooLarge:
            self.broken, self._frames = True, None

    def end(self) -> None:
        """The upstream closed: a last event may lack its blank line."""
        if self._frames is not None:
            for frame in self._frames.end():
                self._see(frame)

    def _without_deltas(self, chunk: bytes) -> bytes:
        """``chunk`` without the run of deltas in its midst: of a burst they are counted, not cut one from another.

        The first and the last stay, for they may have begun earlier or end later; and so does thinking, which may
        have to be known again.
        """
        start = chunk.find(_NEXT_DELTA, chunk.find(_NEXT_DELTA) + 1)
        end = chunk.rfind(_NEXT_DELTA)
        if not 0 <= start < end:
            return chunk
        counted = self._text.see_run(chunk[start:end])
        if counted is None:
            return chunk
        self.deltas += counted
        return chunk[:start] + chunk[end:]

    def _see(self, frame: bytes) -> None:
        read = _read_again(frame) if len(frame) < _SHORT and not frame.startswith(_DELTA) else _read(frame)
        if read is not None:
            self._see_payload(*read)

    def _see_payload(self, name: object, payload: Mapping[str, Any]) -> None:
        match name:
            case "message_start":
                message = payload.get("message")
                self.facts.see_message(message if isinstance(message, Mapping) else {})
            case "ping":
                pass
            case "error":
                self.facts.see_error(payload.get("error"))
            case "content_block_delta":
                self.meaningful = self.text_seen = True
                self.deltas += 1
                self._text.see_delta(payload.get("delta"))
                self.facts.see_block(payload.get("delta"))
                if self._thought is not None:
                    self._thought.see(payload.get("delta"))
            case "content_block_start":
                self.meaningful = True
                self._end_thought()
                self._see_start(payload.get("content_block"))
            case "content_block_stop":
                self.meaningful = True
                self._end_thought()
            case "message_delta":
                self.meaningful = True
                self._end_thought()
                self.facts.see_ending(payload.get("delta"))
                self._see_counts(payload.get("usage"))
            case "message_stop":
                self.meaningful = self.ended = True
            case str():
                self.meaningful = True
            case _:
                pass

    def _see_counts(self, usage: object) -> None:
        self.facts.see_usage(usage)
        if isinstance(usage, Mapping) and _count(usage.get("output_tokens")):
            self._told_at_bytes = self.text_bytes

    def _see_start(self, block: object) -> None:
        self.facts.see_block(block)
        self._text.see_block(block)
        if isinstance(block, Mapping) and block.get("type") == "thinking":
            self._thought = Thought(block)

    def _end_thought(self) -> None:
        thought, self._thought = self._thought, None
        if thought is not None:
            self.facts.see_thought(thought.mark())


def _read(frame: bytes) -> tuple[object, Mapping[str, Any]] | None:
    """The type and the payload of an event; None where it has none that can be read."""
    name, data = read_event(frame)
    if not data and not name:
        return None
    try:
        payload = read_json(data)
    except NotJson:
        return None
    if not isinstance(payload, dict):
        return None
    return payload.get("type") or name.decode(errors="replace"), payload


_read_again = lru_cache(maxsize=64)(_read)
"""Of the events around an answer's text most are the same in every answer: pings, ends, the start of a text."""


def read_message(body: bytes) -> AnswerFacts | None:
    """The facts of a whole answer; None where ``body`` is neither a Message nor an error in JSON."""
    try:
        payload = read_json(body)
    except NotJson:
        return None
    if not isinstance(payload, dict):
        return None
    facts = AnswerFacts()
    if payload.get("error") is not None and payload.get("type") != "message":
        facts.see_error(payload["error"])
        return facts
    if payload.get("type") != "message" and "content" not in payload:
        return None
    facts.see_message(payload)
    blocks = payload.get("content")
    for block in blocks if isinstance(blocks, list) else []:
        facts.see_whole(block)
    return facts


def nano_usd(amount: object) -> int | None:
    """A provider's amount in dollars (number or text) as nano-dollars; None where it is not an amount."""
    if isinstance(amount, bool) or not isinstance(amount, int | float | str | Decimal):
        return None
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 <= value < USD_MAX:
        return None
    return int((value * NANO).to_integral_value())


def _lifetimes(usage: Mapping[str, Any]) -> tuple[int, int] | None:
    """Cache writes for five minutes and for an hour; None where ``usage`` does not tell them apart."""
    split = usage.get("cache_creation")
    if not isinstance(split, Mapping):
        return None
    short, long = (_count(split.get(f"ephemeral_{name}_input_tokens")) for name in ("5m", "1h"))
    return None if short is None and long is None else (short or 0, long or 0)


def _model_of(iteration: object) -> str | None:
    model = iteration.get("model") if isinstance(iteration, Mapping) else None
    return model if isinstance(model, str) and model else None


def _is_aside(iteration: object) -> bool:
    return isinstance(iteration, Mapping) and iteration.get("type") == "advisor_message"


def _count(value: object) -> int | None:
    """A token count that can be true; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= TOKENS_MAX else None
