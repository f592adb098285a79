"""What an answer in Anthropic's format tells about itself: usage, model, ending, error, reported cost.

``AnswerFacts`` takes in its pieces: ``read_message`` those of a whole body, ``answer_tap`` those of a stream. Counts
are cumulative: the last value of a field replaces the earlier one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from msgspec.structs import astuple

from proxy.contract import Usage
from proxy.protocol.foreign_json import NotJson, read_json
from proxy.protocol.outcome import WORDS_MAX
from proxy.protocol.thoughts import mark_of
from proxy.protocol.tool_ids import is_legal

NANO = 10**9
USD_MAX = 10**6
"""No answer costs more; a larger amount is a provider's mistake."""

TOKENS_MAX = 10**9
"""No answer has more; a larger count is a provider's mistake, and its cost would not fit into the ledger."""


_ANYWHERE = ("global", "not_available", "")
"""Where Anthropic says that an answer was given, if nobody bound it to a place."""


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
    speed: str | None = None
    """``fast``, where that was billed; None: the standard one."""
    geo: str | None = None
    """``us``, where it was bound to be answered there and billed for it; None: anywhere."""
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
            if (count := count_of(usage.get(name))) is not None:
                self.counts[name] = count
        self._see_cache_writes(usage)
        self._see_iterations(usage.get("iterations"))
        tools = usage.get("server_tool_use")
        for name in ("web_search_requests", "web_fetch_requests"):
            if isinstance(tools, Mapping) and (count := count_of(tools.get(name))) is not None:
                self.counts[name] = count
        if isinstance(speed := usage.get("speed"), str):
            self.speed = speed if speed != "standard" else None
        if isinstance(geo := usage.get("inference_geo"), str):
            self.geo = geo if geo not in _ANYWHERE else None
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
        total = count_of(usage.get("cache_creation_input_tokens"))
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
    short, long = (count_of(split.get(f"ephemeral_{name}_input_tokens")) for name in ("5m", "1h"))
    return None if short is None and long is None else (short or 0, long or 0)


def _model_of(iteration: object) -> str | None:
    model = iteration.get("model") if isinstance(iteration, Mapping) else None
    return model if isinstance(model, str) and model else None


def _is_aside(iteration: object) -> bool:
    return isinstance(iteration, Mapping) and iteration.get("type") == "advisor_message"


def count_of(value: object) -> int | None:
    """A token count that can be true; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= TOKENS_MAX else None
