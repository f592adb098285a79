"""The values of a check: what is asked, what came back, what is known of the target, and the verdict on it. Pure.

A probe is data: the requests that it sends, one after the other, each made from the answers so far, and a function
that judges what came. It knows no socket and no clock; requests are in Anthropic's Messages format, as the client's
are, and go the way of all traffic.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from proxy import contract as c
from proxy.protocol.redact import redact

EVIDENCE_CHARS = 300
ROOM_TOKENS = 1024
"""Of a short answer: models that reason need so many before they say a word."""


NOBODY_READS = "a simulator answers without reading what it is asked"


class _Error(msgspec.Struct):
    message: str = ""


class _ErrorBody(msgspec.Struct):
    error: _Error


@dataclass(frozen=True, slots=True)
class Ask:
    """A request of a probe."""

    body: Mapping[str, Any]
    """Without the model."""
    counts: bool = False
    """It goes to ``count_tokens``."""
    betas: tuple[str, ...] = ()
    model: str | None = None
    """Asked for instead of the target's: one that does not exist."""
    cut: bool = False
    """The client leaves after the first piece of text."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request."""

    record: c.Request
    """As the ledger has it."""
    status: int
    """What the client got; 0: nothing."""
    body: bytes = b""
    message: Mapping[str, Any] | None = None
    """The whole message, put together from its stream where it was one; None: an error, or a stream without an end."""
    arrivals: tuple[float, ...] = ()
    """Seconds after the request was sent, of each piece of the answer."""

    @property
    def served(self) -> bool:
        return self.status == 200 and self.message is not None

    @property
    def text(self) -> str:
        return "".join(str(block.get("text") or "") for block in self.blocks("text"))

    @property
    def calls(self) -> list[Mapping[str, Any]]:
        return self.blocks("tool_use")

    @property
    def outcome(self) -> str:
        """The outcome of its last attempt, by its name in the table."""
        return self.record.attempts[-1].outcome if self.record.attempts else "failed"

    @property
    def first_s(self) -> float:
        """Until its first piece came."""
        return self.arrivals[0] if self.arrivals else 0.0

    @property
    def words(self) -> str:
        """Those of an error, without anything that looks like a key; empty where it has none."""
        try:
            decoded = msgspec.json.decode(self.body, type=_ErrorBody)
        except msgspec.DecodeError:
            return ""
        return redact(" ".join(decoded.error.message.split()))[:EVIDENCE_CHARS].rstrip(".")

    def blocks(self, *kinds: str) -> list[Mapping[str, Any]]:
        """The content blocks of those kinds."""
        content = self.message.get("content") if self.message is not None else None
        listed = content if isinstance(content, list) else []
        return [block for block in listed if isinstance(block, Mapping) and block.get("type") in kinds]

    def evidence(self, part: str = "content") -> str:
        """The provider's status and that part of its message, or the answer's own bytes where it was none (of a stream
        the last ones), without anything that looks like a key."""
        status = self.record.attempts[-1].status if self.record.attempts else None
        words = " ".join(self.body.decode(errors="replace").split())
        if self.message is not None:
            words = msgspec.json.encode(self.message.get(part, self.message)).decode()
        elif self.record.streaming and self.status == 200:
            words = "…" + words[-EVIDENCE_CHARS + 20 :]
        return redact(f"HTTP {status or self.status or 'none'}: {words}")[:EVIDENCE_CHARS]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the target before it is asked."""

    model: str
    nonce: str
    """Eight letters and digits that no earlier check had: nothing that is asked can be answered from a memory."""
    foreign: bool = False
    """The provider's format is neither Anthropic's nor a cloud's of it."""
    claude: bool = False
    """The model is Claude, whose own rules hold."""
    lists: bool = True
    """The provider has a model list."""
    listed: tuple[str, ...] = ()
    list_error: str | None = None
    counts: bool = False
    """The provider has ``count_tokens`` for the model."""
    window: int | None = None
    images: bool | None = None
    thinking: bool | None = None
    tools: bool | None = None
    simulated: bool = False
    """Nobody reads what it is asked."""

    @property
    def code(self) -> str:
        """A word that the model has to repeat."""
        return f"HERON-{self.nonce[:4].upper()}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a probe judges."""

    facts: Facts
    answers: Sequence[Answer] = ()
    others: Mapping[str, Sequence[Answer]] = field(default_factory=dict)
    """Answers of the probes before it, by their names."""


@dataclass(frozen=True, slots=True)
class Verdict:
    verdict: c.CheckVerdict
    text: str
    """A sentence without its full stop."""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Size:
    """What a probe is expected to use, in tokens over all its requests."""

    requests: int = 0
    prompt: int = 0
    output: int = 0
    output_most: int = 0
    """What its requests allow."""

    def __add__(self, other: "Size") -> "Size":
        return Size(
            self.requests + other.requests,
            self.prompt + other.prompt,
            self.output + other.output,
            self.output_most + other.output_most,
        )


Step = Callable[[Seen], Ask | None]
"""The next request, made from what was seen; None: it is not needed, or cannot be made."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that is tried."""

    name: str
    title: str
    judge: Callable[[Seen], Verdict]
    steps: tuple[Step, ...] = ()
    size: Size = Size()
    needs: tuple[str, ...] = ()
    """Probes whose answers it looks at."""
    unfit: Callable[[Facts], str | None] = lambda _: None
    """Why the target need not be asked, in words."""
    gate: tuple[c.CheckVerdict, ...] = ()
    """Verdicts after which nothing else is asked."""
    understood: bool = False
    """It takes a model that reads and does what it is told."""

    def left_out(self, facts: Facts) -> str | None:
        """Why the target is not asked; None: it is."""
        if self.understood and facts.simulated:
            return NOBODY_READS
        return self.unfit(facts)


def question(text: str, *, max_tokens: int = ROOM_TOKENS, stream: bool = False, **fields: Any) -> dict[str, Any]:
    """The body of a request with one turn."""
    turn = {"role": "user", "content": text}
    return {"max_tokens": max_tokens, "messages": [turn], "stream": stream, **fields}


def passed(text: str) -> Verdict:
    return Verdict("pass", text)


def degraded(text: str, answer: Answer | None = None, part: str = "content") -> Verdict:
    """``part`` of the message is the evidence."""
    return Verdict("degraded", text, answer.evidence(part) if answer is not None else "")


def failed(text: str, answer: Answer | None = None, part: str = "content") -> Verdict:
    """``part`` of the message is the evidence."""
    return Verdict("fail", text, answer.evidence(part) if answer is not None else "")


def skipped(text: str) -> Verdict:
    return Verdict("skipped", text)


def unserved(seen: Seen) -> Verdict | None:
    """The verdict where a request was not answered properly; None: all were."""
    if not seen.answers:
        return skipped("not asked: what it builds upon did not come")
    wrong = next((each for each in seen.answers if not each.served), None)
    if wrong is None:
        return None
    if all(each.skipped for each in wrong.record.attempts):
        return skipped(f"nothing was sent: {wrong.record.error or 'the engine refused it'}")
    if wrong.status == 200:
        return failed(f"the answer cannot be read: {wrong.record.error or 'it is no message'}", wrong)
    return failed(wrong.record.error or f"answered with status {wrong.status}", wrong)


def dollars(record: c.Request, places: int) -> str:
    """What a request cost, to so many places; simulated money is marked as everywhere. Only where it is known."""
    return f"{'~' if record.simulated else ''}${(record.cost_nano_usd or 0) / 1e9:.{places}f}"


def seconds(amount: float) -> str:
    return f"{amount:.1f} s"
