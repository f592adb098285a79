"""One request of the client, from its arrival to the last byte: what is known of it while it lives.

Written by the relay, read by the feed; ``view`` is what everybody else sees. Times are monotonic
seconds, turned into milliseconds since arrival in the view.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from proxy import contract as c
from proxy.protocol.answer_tap import AnswerTap
from proxy.protocol.answer_text import BYTES_PER_TOKEN
from proxy.protocol.identity import Identity
from proxy.protocol.messages import Body
from proxy.protocol.routing import Target
from proxy.protocol.usage import AnswerFacts
from proxy.protocol.weight import Weight
from proxy.providers import ProviderConfig

CAPTURE_BYTES = 256 * 1024
"""How much of an answer's end is kept in memory for a panel that watches it."""


class Capture:
    """The last bytes of an answer, as chunks with running numbers, for readers that come and go."""

    __slots__ = ("_bytes", "chunks", "first")

    def __init__(self) -> None:
        self.chunks: deque[bytes] = deque()
        self.first = 0
        """Number of the oldest chunk that is kept."""
        self._bytes = 0

    def add(self, chunk: bytes) -> None:
        self.chunks.append(chunk)
        self._bytes += len(chunk)
        while self._bytes > CAPTURE_BYTES and len(self.chunks) > 1:
            self._bytes -= len(self.chunks.popleft())
            self.first += 1

    @property
    def next(self) -> int:
        """Number of the chunk that comes next."""
        return self.first + len(self.chunks)

    def since(self, number: int) -> list[bytes]:
        """The kept chunks from ``number`` on."""
        skip = max(0, number - self.first)
        return list(self.chunks)[skip:] if skip < len(self.chunks) else []

    @property
    def size(self) -> int:
        return self._bytes


@dataclass(slots=True, eq=False)
class Exchange:
    """A request in flight."""

    id: str
    started_at: float
    """Unix time."""
    started: float
    """Monotonic seconds."""
    path: str
    kind: Literal["messages", "count_tokens", "other"]
    identity: Identity
    raw_headers: list[tuple[bytes, bytes]]
    query: str = ""
    method: str = "POST"
    body: Body | None = None
    raw_body: bytes = b""
    asked_model: str | None = None
    provider: str | None = None
    target_model: str | None = None
    why: str = ""
    phase: c.Phase = "waiting"
    outcome: c.Outcome | None = None
    status: int | None = None
    error: str | None = None
    attempts: list[c.Attempt] = field(default_factory=list)
    streaming: bool = False
    headers_at: float | None = None
    first_event_at: float | None = None
    first_text_at: float | None = None
    ended_at: float | None = None
    facts: AnswerFacts = field(default_factory=AnswerFacts)
    tap: AnswerTap | None = None
    """What reads the stream that is passed on."""
    bytes_per_token: float = BYTES_PER_TOKEN
    """Of the text of what the target answers."""
    usage: c.Usage | None = None
    """Set where the answer itself does not tell: an estimate."""
    usage_estimated: bool = False
    """The provider counted nothing: what the answer says of its tokens is the engine's."""
    output_bytes: int = 0
    cost_nano_usd: int | None = None
    cost_source: c.CostSource = "unknown"
    cost_split: c.CostSplit | None = None
    simulated: bool = False
    subscription: bool = False
    capture: Capture = field(default_factory=Capture)
    dirty: bool = True
    """It moved since the feed looked."""
    without_thinking: set[Target] = field(default_factory=set)
    """Targets that refused the history's thinking: they get none of it."""
    providers: Mapping[str, ProviderConfig] = field(default_factory=dict)
    """As they were set up when it arrived."""
    searched_here: bool = False
    """Its searches were the engine's, whatever its provider can do."""
    earlier: list[c.Pass] = field(default_factory=list)
    """Answers that are paid for and did not end it: another round followed, or they were in vain."""
    pinned: Target | None = None
    """It goes there and nowhere else, whatever the route says: a check's request."""
    tells_health: bool = True
    """False: it is meant to fail, which says nothing about its provider."""
    login: str | None = None
    """Tells the client's own credential from another's; empty: it has none, None: nobody looked."""
    reply_started: bool = False
    """Bytes reached the client: no other target may be tried."""

    @property
    def weight(self) -> Weight:
        return self.body.weight if self.body is not None else Weight(len(self.raw_body))

    def ms(self, moment: float | None) -> float | None:
        """Milliseconds from arrival to ``moment``."""
        return None if moment is None else round((moment - self.started) * 1000, 3)

    @property
    def output_estimated(self) -> bool:
        """Output came that the provider has not counted yet, or never will: the answer was interrupted."""
        unfinished = self.phase == "streaming" or self.outcome in ("cancelled", "broken")
        if self.tap is None or not unfinished or self.tap.output_told:
            return False
        return self.tap.text_bytes > 0 or self.facts.usage.total_tokens > 0

    @property
    def counted(self) -> c.Usage:
        """The provider's counts; of output that it has not counted, an estimate by the text that came."""
        return self._counted(estimated=self.output_estimated)

    def _counted(self, *, estimated: bool) -> c.Usage:
        told = self.usage or self.facts.usage
        if self.tap is None or not estimated:
            return told
        estimate = round(self.tap.text_bytes / self.bytes_per_token)
        return msgspec.structs.replace(told, output_tokens=max(told.output_tokens, estimate))

    @property
    def in_window(self) -> c.Usage | None:
        """The counts of prompt and answer as they stand in the window. None: several passes were summed up."""
        return self.facts.in_window(self.counted)

    @property
    def in_one_pass(self) -> bool:
        """What was billed is the request's prompt and one answer to it."""
        return not self.earlier and self.facts.in_one_pass

    @property
    def passes(self) -> tuple[c.Pass, ...]:
        """All that is to be paid for it. Of an answer that was served and told no counts, one without any."""
        own = self._own_passes()
        told = self.outcome == "served" or any(each.billed for each in own)
        return (*self.earlier, *own) if told else tuple(self.earlier)

    def end_round(self) -> None:
        """What its target answered is to be paid and done with: another answer follows, whoever gives it."""
        self.earlier += [each for each in self._own_passes() if each.billed]
        self.facts, self.usage_estimated, self.searched_here = AnswerFacts(), False, False

    def _own_passes(self) -> tuple[c.Pass, ...]:
        """Of the last answer."""
        facts = self.facts
        return tuple(
            c.Pass(
                provider=self.provider or "",
                served_model=each.model,
                target_model=self.target_model if each.model == facts.model else None,
                usage=each.usage,
                usage_estimated=self.usage_estimated,
                reported_nano_usd=None if self.output_estimated else facts.reported_nano_usd,
                speed=facts.speed if each.model == facts.model else None,
                geo=facts.geo,
                searched_here=self.searched_here,
            )
            for each in facts.paid_for(self.counted)
        )

    def view(self) -> c.Request:
        """The request as everybody else sees it."""
        identity, estimated = self.identity, self.output_estimated
        passes = self.passes if self.earlier or self.facts.iterations else ()
        return c.Request(
            id=self.id,
            started_at=self.started_at,
            kind=self.kind,
            path=self.path,
            session_id=identity.session,
            agent_id=identity.agent,
            parent_agent_id=identity.parent_agent,
            project=identity.project,
            role=identity.role,
            client=identity.client,
            asked_model=self.asked_model,
            served_model=self.facts.model,
            target_model=self.target_model,
            provider=self.provider,
            why=self.why,
            phase=self.phase,
            outcome=self.outcome,
            status=self.status,
            error=self.error,
            attempts=tuple(self.attempts),
            streaming=self.streaming,
            headers_ms=self.ms(self.headers_at),
            ttft_ms=self.ms(self.first_event_at),
            first_text_ms=self.ms(self.first_text_at),
            duration_ms=self.ms(self.ended_at),
            usage=sum((each.usage for each in self.earlier), self._counted(estimated=estimated)),
            passes=passes,
            usage_estimated=self.usage_estimated or estimated or any(each.usage_estimated for each in self.earlier),
            output_estimated=estimated and not self.usage_estimated,
            output_bytes=self.output_bytes,
            cost_nano_usd=self.cost_nano_usd,
            cost_source=self.cost_source,
            cost_split=self.cost_split,
            speed=self.facts.speed,
            geo=self.facts.geo,
            searched_here=self.searched_here or any(each.searched_here for each in self.earlier),
            simulated=self.simulated,
            subscription=self.subscription,
            request_bytes=len(self.raw_body),
            stop_reason=self.facts.stop_reason,
            message_id=self.facts.message_id,
        )
