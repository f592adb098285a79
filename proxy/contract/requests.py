"""A call of the client, its attempts, and its texts for the inspector."""

from typing import Literal

from proxy.contract.amounts import CostSource, CostSplit, Usage
from proxy.contract.frozen import Frozen

Role = Literal["main", "agent", "background"]
"""Who asked: the conversation, a sub-agent, or the client for its own purposes (titles, summaries)."""

Phase = Literal["waiting", "streaming", "done"]

Outcome = Literal["served", "failed", "cancelled", "broken"]
"""``failed``: the client got an error; ``cancelled``: the client left; ``broken``: the answer ended midway."""

StreamKind = Literal["text", "thinking", "tool", "error"]


class Attempt(Frozen, frozen=True):
    """One try of a request at one target."""

    provider: str
    model: str
    outcome: str
    """A name from the table of outcomes (``served``, ``overloaded``, ``connect_failed`` …), or ``trying``."""
    status: int | None = None
    """The provider's HTTP status; None when none arrived."""
    reason: str | None = None
    """One sentence for the user; None where all went well."""
    duration_ms: float = 0.0
    key: str | None = None
    """The key that was used, masked, where the provider has several."""
    changed: tuple[str, ...] = ()
    """What was changed in the body for this target, in words; the model's name is not mentioned."""
    unfit: bool = False
    """It was skipped because it cannot take this request, whatever its health."""

    @property
    def skipped(self) -> bool:
        """Nothing was sent: the target could not take the request, or rests."""
        return self.outcome == "skipped"


class Pass(Frozen, frozen=True):
    """An answer that is paid for by itself: most requests take one."""

    provider: str = ""
    """Empty where the request was imported."""
    served_model: str | None = None
    target_model: str | None = None
    usage: Usage = Usage()
    usage_estimated: bool = False
    reported_nano_usd: int | None = None
    """Its cost by the provider's own word, and what the engine's searches cost."""
    speed: str | None = None
    geo: str | None = None
    searched_here: bool = False

    @property
    def models(self) -> tuple[str, ...]:
        """Names under which its price may be known, the first of them first."""
        return tuple(name for name in (self.served_model, self.target_model) if name)

    @property
    def billed(self) -> bool:
        """The provider told that something is to be paid."""
        return self.usage.total_tokens > 0 or self.reported_nano_usd is not None


class Request(Frozen, frozen=True):
    """One call of the client, live or ended: a row of the list."""

    id: str
    """Sortable by arrival."""
    started_at: float
    kind: Literal["messages", "count_tokens", "other"] = "messages"
    path: str = "/v1/messages"
    session_id: str | None = None
    agent_id: str | None = None
    parent_agent_id: str | None = None
    project: str | None = None
    role: Role = "main"
    client: str | None = None
    """The client's own word: the start of its user agent."""
    asked_model: str | None = None
    served_model: str | None = None
    """What the serving provider said that answered; None until it did."""
    target_model: str | None = None
    """What was asked of the provider."""
    provider: str | None = None
    why: str = ""
    """Why the request went where it went, in words."""
    phase: Phase = "waiting"
    outcome: Outcome | None = None
    status: int | None = None
    """The HTTP status that the client got."""
    error: str | None = None
    """What went wrong, in one sentence."""
    attempts: tuple[Attempt, ...] = ()
    streaming: bool = False
    headers_ms: float | None = None
    ttft_ms: float | None = None
    """From arrival to the first meaningful event."""
    first_text_ms: float | None = None
    duration_ms: float | None = None
    usage: Usage = Usage()
    passes: tuple[Pass, ...] = ()
    """Where it took several answers, or one of somebody else in vain: each by itself. ``usage`` is their sum."""
    usage_estimated: bool = False
    """Of the counts some are the engine's estimate, not the provider's word."""
    output_estimated: bool = False
    """The output alone is: the answer was interrupted, and what came of it was measured."""
    output_bytes: int = 0
    """Bytes of the answer so far: moves while the provider has not yet told a token count."""
    cost_nano_usd: int | None = None
    """None: not known (yet)."""
    cost_source: CostSource = "unknown"
    cost_split: CostSplit | None = None
    """None: the cost is not known, or no price told its parts."""
    speed: str | None = None
    """``fast``, where the provider billed that; None: the standard one."""
    geo: str | None = None
    """``us``, where it was bound to be answered there, which costs more; None: anywhere."""
    searched_here: bool = False
    """Its searches were the engine's own, whatever its provider can do."""
    simulated: bool = False
    """Money of the simulator: never added to real money."""
    subscription: bool = False
    """Paid by a subscription; the cost is what the list price would be."""
    request_bytes: int = 0
    stop_reason: str | None = None
    message_id: str | None = None
    """The id that the provider gave its answer: the same stands in the client's own transcript."""
    imported: bool = False
    """Read from a transcript of the client's: it did not pass through the engine."""

    @property
    def live(self) -> bool:
        return self.phase != "done"

    @property
    def paid(self) -> tuple[Pass, ...]:
        """Its answers, each as it is paid for."""
        return self.passes or (
            Pass(
                provider=self.provider or "",
                served_model=self.served_model,
                target_model=self.target_model,
                usage=self.usage,
                usage_estimated=self.usage_estimated,
                speed=self.speed,
                geo=self.geo,
                searched_here=self.searched_here,
            ),
        )

    @property
    def fell_back(self) -> bool:
        """Served by another target than the first one tried."""
        return len({(attempt.provider, attempt.model) for attempt in self.attempts}) > 1

    @property
    def first_choice(self) -> str | None:
        """The provider that would have served if all were well."""
        return self.attempts[0].provider if self.attempts else self.provider


class StreamPart(Frozen, frozen=True, tag="stream"):
    """Text of the watched request, in order."""

    request_id: str
    kind: StreamKind
    block: int
    """Number of the content block in the answer, from 0; a part with a new number begins a new block."""
    text: str
    title: str | None = None
    """A tool's name, on the first part of its block."""
    restart: bool = False
    """The first part after watching began: what was shown before of this request is void."""


class Detail(Frozen, frozen=True):
    """A request in full, for the inspector. Texts are kept in memory only, for the most recent requests."""

    request: Request
    body_outline: tuple[tuple[str, str], ...] = ()
    """What the request's body held, as name and words: ``tools`` → ``23, 31 kB``."""
    answer: tuple[StreamPart, ...] = ()
    """Empty where it is no longer kept."""


class Watch(Frozen, frozen=True):
    """Command: the panel ``panel`` (the id in its feed's URL) wants the text of ``request_id``, or of none."""

    panel: str
    request_id: str | None = None
