"""What panel and engine say to each other: frozen types, one union of events, one version.

The engine encodes, the panel and the command line decode; nothing else of ``proxy`` is known to ``tui``.
Money is integer nano-dollars (1 USD = 10**9), times are Unix seconds (float) or milliseconds where the name
says so, token counts are what a provider bills: ``input_tokens`` excludes what was read from or written to a
cache. A field that grows here raises ``CONTRACT``: an engine and a panel that differ say so and do not guess.
"""

import hashlib
import hmac
import time
from datetime import date
from typing import Any, Literal

from msgspec import Raw, Struct

CONTRACT = 3
"""Version of everything in this module."""

DOOR = "/_cctui"
"""Path prefix of the control door; every other path belongs to the client's traffic."""

TOKEN_HEADER = "x-cctui-token"  # noqa: S105  the header's name
"""Carries the local token beside whatever credential the client sends. Never goes upstream."""

PROJECT_HEADER = "x-cctui-project"
"""The launcher names the project (the git root's name) in it. Never goes upstream."""

PROVIDER_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
"""What a provider may be called, as a regular expression."""

Slot = Literal["opus", "sonnet", "haiku", "subagent"]
"""A kind of request that can have a target of its own: a model family that the client asks for, or sub-agents."""
SLOTS: tuple[Slot, ...] = ("opus", "sonnet", "haiku", "subagent")

Role = Literal["main", "agent", "background"]
"""Who asked: the conversation, a sub-agent, or the client for its own purposes (titles, summaries)."""

Phase = Literal["waiting", "streaming", "done"]

Outcome = Literal["served", "failed", "cancelled", "broken"]
"""``failed``: the client got an error; ``cancelled``: the client left; ``broken``: the answer ended midway."""

CostSource = Literal["reported", "listed", "settings", "genai-prices", "free", "unknown"]
"""Who says what it cost: the provider in its answer, its model list, the user, the bundled price list.
``free``: nothing was billed as far as anybody told (refused, a token count, nothing of the answer came).
``unknown``: no price known, never shown as zero."""

HealthState = Literal["unused", "ok", "limited", "failing", "refused"]
"""``limited``: rate limit or overload with a time to wait; ``refused``: the key was not accepted."""

StreamKind = Literal["text", "thinking", "tool", "error"]

BudgetKind = Literal["session", "project", "day", "month"]
BUDGET_KINDS: tuple[BudgetKind, ...] = ("session", "project", "day", "month")

BudgetAction = Literal["block", "downgrade", "warn"]
"""What happens to requests when a budget is used up."""

AS_ASKED = "as-asked"
"""The target text that removes an override."""

QUARTER_S = 900.0
"""The offsets of all time zones of today are multiples of it."""


class Frozen(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of the contract's values."""


class Usage(Frozen, frozen=True):
    """Tokens of one request or a sum of many."""

    input_tokens: int = 0
    """Uncached input."""
    output_tokens: int = 0
    """All output, thinking included."""
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    web_searches: int = 0
    """Server-side searches, billed per request."""

    @property
    def prompt_tokens(self) -> int:
        """Everything that the model read: uncached, cached and written to the cache."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_5m_tokens + self.cache_write_1h_tokens

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_5m_tokens=self.cache_write_5m_tokens + other.cache_write_5m_tokens,
            cache_write_1h_tokens=self.cache_write_1h_tokens + other.cache_write_1h_tokens,
            web_searches=self.web_searches + other.web_searches,
        )


class CostSplit(Frozen, frozen=True):
    """A fixed cost by what it was paid for, nano-dollars; the parts add up to it exactly."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    searches: int = 0
    divided: bool = False
    """Only the sum was told, by the provider: it was divided in the proportion of the price of that time."""

    @property
    def nano_usd(self) -> int:
        return self.input + self.output + self.cache_read + self.cache_write + self.searches


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
    def fell_back(self) -> bool:
        """Served by another target than the first one tried."""
        return len({(attempt.provider, attempt.model) for attempt in self.attempts}) > 1

    @property
    def first_choice(self) -> str | None:
        """The provider that would have served if all were well."""
        return self.attempts[0].provider if self.attempts else self.provider


class Tally(Frozen, frozen=True):
    """Sums over ended requests."""

    requests: int = 0
    usage: Usage = Usage()
    cost_nano_usd: int = 0
    """Sum of the known costs; simulated money is not in it."""
    simulated_nano_usd: int = 0
    unpriced_requests: int = 0
    """Requests that cost something nobody could tell."""
    failed: int = 0


class AgentTally(Frozen, frozen=True):
    """A thread of a session: the conversation (no id), a sub-agent, or background calls."""

    role: Role
    agent_id: str | None = None
    parent_agent_id: str | None = None
    ordinal: int = 0
    """Sub-agents are numbered in a session in the order in which they appeared, from 1."""
    name: str | None = None
    """Kind and errand of a sub-agent, such as ``Explore "find the handlers"``; None: not learned."""
    done: bool = False
    """A sub-agent whose last answer asked for no further tool."""
    outcome: Outcome | None = None
    """How its last request ended; None: none did, or it is not known any more."""
    tally: Tally = Tally()
    in_flight: int = 0
    started_at: float = 0.0
    last_at: float = 0.0


class Session(Frozen, frozen=True):
    """A Claude Code session as far as the engine saw it."""

    id: str
    """Empty for clients that name no session."""
    project: str | None = None
    started_at: float = 0.0
    last_at: float = 0.0
    tally: Tally = Tally()
    agents: tuple[AgentTally, ...] = ()
    in_flight: int = 0
    context_tokens: int = 0
    """What the last request of the conversation filled of the window, answer included."""
    context_window: int | None = None
    asked_model: str | None = None
    served_model: str | None = None
    provider: str | None = None
    simulated: bool = False
    models: dict[str, int] = {}
    """Requests by the model that served them."""


class Limit(Frozen, frozen=True):
    """A limit that a provider told in its headers."""

    name: str
    """``5h``, ``week``, ``requests``, ``input tokens`` …"""
    used: float
    """Share used: 0.62 is 62 %; may exceed 1."""
    resets_at: float | None = None
    status: str | None = None
    """The provider's own word, such as ``allowed_warning``."""
    rules: bool = False
    """The provider says that this one decides at present."""


class Key(Frozen, frozen=True):
    """One of a provider's keys."""

    name: str
    """Masked, or its origin."""
    state: HealthState = "ok"
    text: str | None = None
    """The last trouble, in words."""
    retry_at: float | None = None
    limits: tuple[Limit, ...] = ()


class CheckMark(Frozen, frozen=True):
    """What the checks of a model found, in short."""

    model: str
    at: float
    """Of the newest verdict."""
    failed: tuple[str, ...] = ()
    """Titles of what does not work."""
    degraded: tuple[str, ...] = ()


class Provider(Frozen, frozen=True):
    """A configured upstream, without its secrets."""

    name: str
    dialect: str
    base_url: str
    preset: str | None = None
    origin: str = ""
    """Where it comes from: ``config.toml``, ``OPENROUTER_API_KEY``, ``port 11434`` …"""
    auth: str = "none"
    key: str | None = None
    """Masked, such as ``sk-or…4f2a``; None where it has none."""
    key_origin: str | None = None
    key_error: str | None = None
    """Why the key cannot be had."""
    enabled: bool = True
    health: HealthState = "unused"
    health_text: str | None = None
    """The last trouble, in words, with the next step."""
    retry_at: float | None = None
    limits: tuple[Limit, ...] = ()
    models: int = 0
    models_at: float | None = None
    """When the model list was last fetched with success."""
    models_error: str | None = None
    models_error_at: float | None = None
    requests: int = 0
    """Served since the engine started."""
    simulated: bool = False
    resting: bool = False
    """The user put it aside: nothing is sent there until it is taken back."""
    keys: tuple[Key, ...] = ()
    """All of them, where there are several."""
    ttft_p50_ms: float | None = None
    """To the first event, over the last hour."""
    ttft_p95_ms: float | None = None
    rejects: tuple[str, ...] = ()
    """Fields and betas that it was seen to reject, and which are therefore left out, in words."""
    cannot: tuple[str, ...] = ()
    """What its format or the server does not take, known before anything is sent, in words."""
    checks: tuple[CheckMark, ...] = ()
    """Of those of its models that were checked, the newest first."""
    serves_nothing: bool = False
    """It follows in a chain or a group, and lists no model for anything that clients ask for."""


class Model(Frozen, frozen=True):
    """A model that a provider lists."""

    provider: str
    id: str
    name: str | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    input_nano_usd: int | None = None
    """Price of a million tokens, nano-dollars; None: unknown."""
    output_nano_usd: int | None = None
    tools: bool | None = None
    images: bool | None = None
    thinking: bool | None = None
    favourite: bool = False
    used_at: float | None = None
    """When it last served; None: not within memory."""
    published_id: str | None = None
    """The id under which the client's own ``/model`` shows it, if it does."""
    check: CheckMark | None = None
    """What its checks found; None: it was never checked."""


class Override(Frozen, frozen=True):
    """A target chosen by the user for some traffic. The most specific one wins."""

    provider: str
    model: str | None = None
    """None: the provider's own name for the model that was asked."""
    session: str | None = None
    slot: Slot | None = None


class Route(Frozen, frozen=True):
    """What decides the target of a request."""

    default: str
    """The provider (or provider/model) that serves what nothing else decides."""
    overrides: tuple[Override, ...] = ()
    fallback_enabled: bool = True
    chain: tuple[str, ...] = ()
    """Targets (``provider/model``), providers or groups that follow the first target, in order."""
    slot_chains: dict[Slot, tuple[str, ...]] = {}
    """Chains of their own for some slots; the others have ``chain``."""
    groups: dict[str, tuple[str, ...]] = {}
    """Providers or targets under one name, from the settings."""


class Engine(Frozen, frozen=True):
    """The engine itself."""

    pid: int
    url: str
    version: str
    contract: int
    started_at: float
    home: str
    """Its state directory: tells two installations apart."""
    rss_bytes: int = 0
    draining: bool = False
    host_open: bool = False
    """It listens on more than this machine."""


class Notice(Frozen, frozen=True):
    """Something that the user should read once."""

    at: float
    level: Literal["info", "warning", "error"]
    text: str


class Budget(Frozen, frozen=True):
    """What may be spent for one purpose, and what was. Amounts are nano-dollars."""

    kind: BudgetKind
    name: str
    """Session id, project, ISO date, or ISO month."""
    limit_nano_usd: int | None = None
    """Grants included; None: no limit."""
    granted_nano_usd: int = 0
    spent_nano_usd: int = 0
    in_flight_nano_usd: int = 0
    """Estimate of what runs."""
    unpriced_requests: int = 0
    """Requests whose cost nobody could tell; they are in no sum."""

    @property
    def left_nano_usd(self) -> int | None:
        """Not below zero; None: no limit."""
        return None if self.limit_nano_usd is None else max(0, self.limit_nano_usd - self.spent_nano_usd)


class Snapshot(Frozen, frozen=True, tag="snapshot"):
    """The whole state: the first event of a feed, and again whenever a slow panel lost some."""

    engine: Engine
    route: Route
    providers: tuple[Provider, ...]
    sessions: tuple[Session, ...]
    requests: tuple[Request, ...]
    """Oldest first: the last ended ones and all that live."""
    today: Tally
    problems: tuple[str, ...] = ()
    """What is wrong with the engine itself, in words (ledger, settings …)."""
    notices: tuple[Notice, ...] = ()
    """The last few, oldest first."""
    budgets: tuple[Budget, ...] = ()
    """Those that are set: of the sessions, of their projects, of today and of this month, as requests are judged by."""
    passing: tuple[str, ...] = ()
    """Ids of the sessions that no budget stops."""
    used_up: tuple[str, ...] = ()
    """Budgets that refuse requests until more is granted, in words."""


class RequestChanged(Frozen, frozen=True, tag="request"):
    """A request appeared, moved or ended (``request.phase``)."""

    request: Request


class SessionChanged(Frozen, frozen=True, tag="session"):
    """A session's sums moved; ``today`` and the budgets that it falls under moved with them."""

    session: Session
    today: Tally
    budgets: tuple[Budget, ...] = ()


class RouteChanged(Frozen, frozen=True, tag="route"):
    route: Route


class ProvidersChanged(Frozen, frozen=True, tag="providers"):
    """Health, limits, keys or lists of providers moved."""

    providers: tuple[Provider, ...]


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


class NoticePosted(Frozen, frozen=True, tag="notice"):
    notice: Notice


class EngineChanged(Frozen, frozen=True, tag="engine"):
    """Draining began, memory moved, or a problem came or went."""

    engine: Engine
    problems: tuple[str, ...] = ()
    used_up: tuple[str, ...] = ()


Event = (
    Snapshot
    | RequestChanged
    | SessionChanged
    | RouteChanged
    | ProvidersChanged
    | StreamPart
    | NoticePosted
    | EngineChanged
)


class Use(Frozen, frozen=True):
    """Command: send traffic to ``target`` (``provider/model``, ``provider``, ``model`` or ``as-asked``)."""

    target: str
    session: str | None = None
    slot: Slot | None = None


class SetFallback(Frozen, frozen=True):
    """Command: turn fallback on or off and, where given, replace the chain (of all slots, or of ``slot``)."""

    enabled: bool | None = None
    chain: tuple[str, ...] | None = None
    slot: Slot | None = None
    """An empty ``chain`` for a slot removes the slot's own."""


class RestProvider(Frozen, frozen=True):
    """Command: send nothing to a provider until it is taken back; taking it back forgets its failures."""

    provider: str
    resting: bool


class ForgetRejections(Frozen, frozen=True):
    """Command: send a provider everything again, also what it was seen to reject."""

    provider: str


class TryProvider(Frozen, frozen=True):
    """Command: ask a provider for its models now and say what came of it."""

    provider: str


class Tried(Frozen, frozen=True):
    """Answer to ``TryProvider``."""

    ok: bool
    text: str
    duration_ms: float


Need = Literal["base_url", "project", "region"]


class PresetInfo(Frozen, frozen=True):
    """A known provider, for whoever sets one up."""

    name: str
    title: str
    dialect: str
    auth: str
    base_url: str | None = None
    """With ``{region}`` and ``{project}`` where the address has them; None: the user names it."""
    key_variables: tuple[str, ...] = ()
    variables_set: tuple[str, ...] = ()
    """Those of them that are set where the engine runs."""
    needs: tuple[Need, ...] = ()
    """What the user has to say, as neither the preset nor the engine's environment does."""
    region: str | None = None
    """The region in force where none is said."""
    lists_models: bool = True
    models: tuple[str, ...] = ()
    """Models that are known though none are listed."""
    hint: str = ""


class PresetList(Frozen, frozen=True):
    """Answer to ``GET /_cctui/presets``, in the order of offers."""

    presets: tuple[PresetInfo, ...]


class TrySettings(Frozen, frozen=True):
    """Command: try a provider as it would be set up; nothing is set up by it."""

    name: str
    table: dict[str, Any]
    """What would stand in ``[providers.NAME]``."""


class SettingsTried(Frozen, frozen=True):
    """Answer to ``TrySettings``."""

    ok: bool
    text: str
    """What came of it, in words; the provider's own where it refused."""
    duration_ms: float
    models: tuple[Model, ...] = ()
    key_tried: bool = False
    """The provider took the key: its list is not there for everybody."""
    base_url: str = ""
    """The address as requests go there, without what was pasted along; empty where it was refused."""


class Reload(Frozen, frozen=True):
    """Command: read the settings file anew. Providers, groups, route and prices are taken up; what runs goes on."""


class Reloaded(Frozen, frozen=True):
    """Answer to ``Reload``."""

    added: tuple[str, ...] = ()
    """Names of providers, as in the other two."""
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    """Other tables that changed and count from now on."""
    later: tuple[str, ...] = ()
    """Tables that changed and count when the engine starts the next time."""
    problems: tuple[str, ...] = ()
    """What is wrong with the engine now, in words."""


class Watch(Frozen, frozen=True):
    """Command: the panel ``panel`` (the id in its feed's URL) wants the text of ``request_id``, or of none."""

    panel: str
    request_id: str | None = None


class SetFavourite(Frozen, frozen=True):
    provider: str
    model: str
    favourite: bool


class SetBudget(Frozen, frozen=True):
    """Command: the amount of a budget from now on, kept over restarts."""

    kind: BudgetKind
    amount_nano_usd: int | None = None
    """None: no limit."""
    project: str | None = None
    """For this project alone; None: for each that has no amount of its own."""
    as_settings: bool = False
    """Forget what was set at run time: the settings file counts again."""


class GrantBudget(Frozen, frozen=True):
    """Command: more for the present session, project, day or month, once."""

    kind: BudgetKind
    amount_nano_usd: int
    session: str | None = None
    """None: the session that was active last."""
    project: str | None = None


class PassBudget(Frozen, frozen=True):
    """Command: no budget stops a session any more, or they do again."""

    session: str | None = None
    """None: the session that was active last."""
    passing: bool = True


class BudgetReport(Frozen, frozen=True):
    """Answer to ``GET /_cctui/budget`` and to the commands about budgets."""

    action: BudgetAction
    budgets: tuple[Budget, ...]
    """Of a session and its project, of today, of this month; those without a limit too."""
    downgrade_to: str | None = None
    session: str | None = None
    """Whose budgets these are; None: no session was seen yet."""
    passing: bool = False
    """No budget stops that session."""


CostKind = Literal["input", "cache_read", "cache_write", "output", "searches", "unsplit"]
"""What money was spent on. ``unsplit``: the provider reported a sum, and no price tells its parts."""
COST_KINDS: tuple[CostKind, ...] = ("input", "cache_read", "cache_write", "output", "searches", "unsplit")


class ModelCost(Frozen, frozen=True):
    """What a model served in a session."""

    provider: str
    model: str
    tally: Tally
    simulated: bool = False
    """All of its money is the simulator's."""
    over_time: tuple[int, ...] = ()
    """Nano-dollars in each of the report's steps."""


class KindCost(Frozen, frozen=True):
    """What a session paid for one kind of token."""

    kind: CostKind
    nano_usd: int
    simulated: bool = False
    over_time: tuple[int, ...] = ()


class Pace(Frozen, frozen=True):
    """How fast a session went in the seconds before the report; each request counts evenly over its life."""

    span_s: float
    tokens_per_min: float = 0.0
    nano_usd_per_hour: float = 0.0
    simulated_nano_usd_per_hour: float = 0.0
    unpriced_requests: int = 0
    """Requests of that time whose cost nobody could tell; they are in no rate of money."""


class Forecast(Frozen, frozen=True):
    """What comes of it if all goes on as in the last five minutes."""

    hour_ends_at: float
    hour_nano_usd: int
    """What the session will have cost by then."""
    simulated_hour_nano_usd: int = 0
    budget: Budget | None = None
    """The budget that is used up first, before its day or month ends; None: none is."""
    budget_at: float | None = None


class SessionReport(Frozen, frozen=True):
    """Answer to ``GET /_cctui/session``: where a session's money went and goes. Sums of all the ledger has of it."""

    session_id: str
    tally: Tally = Tally()
    by_model: tuple[ModelCost, ...] = ()
    """The dearest first."""
    by_kind: tuple[KindCost, ...] = ()
    """In the order of ``CostKind``, those that cost something."""
    in_proportion_nano_usd: int = 0
    """How much of it was split in the proportion of prices because only its sum is known."""
    agents: tuple[AgentTally, ...] = ()
    """The conversation, sub-agents and background calls, in the order in which they began; of those that ended."""
    project: str | None = None
    began_at: float = 0.0
    """When its first request began; to a quarter of an hour where single requests are no longer kept."""
    ended_at: float = 0.0
    """When its last request that ended did."""
    begins_at: float = 0.0
    """When the first step begins."""
    step_s: float = 60.0
    steps: int = 0
    paces: tuple[Pace, ...] = ()
    """Over the last minute, five minutes, hour."""
    forecast: Forecast | None = None
    """None: nothing was spent in the last five minutes."""


class StatusFacts(Frozen, frozen=True):
    """Answer to ``GET /_cctui/statusline``: what a line under Claude Code's prompt tells of a session."""

    provider: str
    known: bool = False
    """The engine has seen the session; else only the provider is told."""
    served_model: str | None = None
    cost_nano_usd: int = 0
    simulated_nano_usd: int = 0
    unpriced_requests: int = 0
    """Requests whose cost nobody could tell; they are in no sum."""
    cached: float | None = None
    """Share of the prompt tokens that were read from a cache; None: no prompt yet."""
    context: float | None = None
    """Share of the window that is full; None: not known."""
    budget: Budget | None = None
    """The one with the least left."""
    passing: bool = False


class Stop(Frozen, frozen=True):
    """Command: drain and end. ``drain_s`` bounds the wait for running streams; None: the settings' bound."""

    drain_s: float | None = None


class Refusal(Frozen, frozen=True):
    """What the control door answers when it does not do as told."""

    code: str
    message: str


class Hello(Frozen, frozen=True):
    """Answer to ``GET /_cctui/hello?nonce=N``, which needs no token and so proves that the engine has it."""

    product: str
    contract: int
    version: str
    pid: int
    proof: str
    draining: bool = False
    """It takes no new requests and ends soon."""


class Detail(Frozen, frozen=True):
    """A request in full, for the inspector. Texts are kept in memory only, for the most recent requests."""

    request: Request
    body_outline: tuple[tuple[str, str], ...] = ()
    """What the request's body held, as name and words: ``tools`` → ``23, 31 kB``."""
    answer: tuple[StreamPart, ...] = ()
    """Empty where it is no longer kept."""


class ModelList(Frozen, frozen=True):
    """Answer to ``GET /_cctui/models``."""

    models: tuple[Model, ...]
    providers: tuple[Provider, ...]


class LaunchPlan(Frozen, frozen=True):
    """What the launcher must know to set up ``claude``: answer to ``GET /_cctui/launch``."""

    url: str
    provider: str
    """The provider in force for the conversation."""
    own_credential: bool
    """That provider takes a key of the engine's: the client needs no login."""
    real_claude: bool
    """Claude itself answers there: tool search and fine-grained tool streaming make sense."""
    favourite: Model | None = None
    """The favourite foreign model, for clients that do not ask for our list."""


UsageGroup = Literal[
    "session", "agent", "role", "model", "provider", "project", "hour", "day", "week", "month", "hour_of_day"
]
"""What sums are grouped by; times are local. Keys: ``2026-11-21 14:00``, ``2026-11-21``, ``2026-W47``, ``2026-11``,
``14``; ids and names as they are, empty where there is none."""


class Choice(Frozen, frozen=True):
    """Which ended requests are meant; None leaves a thing open."""

    since: float | None = None
    """They began at or after it, Unix seconds."""
    until: float | None = None
    """They began before it."""
    project: str | None = None
    provider: str | None = None
    model: str | None = None
    """The served model, else the target's, else the asked one."""
    session: str | None = None
    agent: str | None = None
    role: Role | None = None


class UsageRow(Frozen, frozen=True):
    """One group of ``GET /_cctui/usage``."""

    key: str
    tally: Tally


class UsageReport(Frozen, frozen=True):
    """Sums of the ``messages`` requests of a choice; by time in its order, else the costliest first."""

    total: Tally
    rows: tuple[UsageRow, ...]
    choice: Choice = Choice()
    estimated_requests: int = 0
    """Of those in ``total``: some of their counts, and so their costs, are estimates."""
    others: Tally | None = None
    """Of the groups beyond as many as were asked for; None: all are in ``rows``."""


class Latency(Frozen, frozen=True):
    """How fast a model was at a provider. Requests that were served and streamed count."""

    provider: str
    model: str
    requests: int = 0
    ttft_p50_ms: float | None = None
    """To the first event."""
    ttft_p95_ms: float | None = None
    tokens_per_s_p50: float | None = None
    """Output tokens over the time from the first event to the end."""
    tokens_per_s_p5: float | None = None
    """The slow end: 95 % were faster."""


class LatencyReport(Frozen, frozen=True):
    """Answer to ``GET /_cctui/latency``, the most used first. Over whole days the figures are right to 7 %."""

    rows: tuple[Latency, ...]
    choice: Choice = Choice()


class Reprice(Frozen, frozen=True):
    """Command: compute the costs of ended requests anew, with today's price data as of each request's day.

    What a provider reported, what was free and what nobody can price today stays as it is.
    """

    since: float | None = None
    until: float | None = None
    dry_run: bool = True
    """Only tell what would change."""


class RepricedModel(Frozen, frozen=True):
    """How the costs of a model at a provider changed."""

    provider: str
    model: str
    requests: int
    """Whose cost or price source changed."""
    old_nano_usd: int
    """Sum of the known costs of these requests before."""
    new_nano_usd: int
    old_unpriced: int = 0
    old_sources: tuple[CostSource, ...] = ()
    new_sources: tuple[CostSource, ...] = ()
    simulated: bool = False


class RepriceReport(Frozen, frozen=True):
    """Answer to ``POST /_cctui/reprice``; the largest change first."""

    looked_at: int
    """Requests whose cost was computed anew."""
    rows: tuple[RepricedModel, ...] = ()
    unknown_providers: tuple[str, ...] = ()
    """Providers that are no longer set up: their requests keep their costs."""
    written: bool = False


class Transcribed(Frozen, frozen=True):
    """An answer that Claude Code wrote into a transcript of its own."""

    message_id: str
    at: float
    """When it was written, Unix seconds."""
    model: str
    usage: Raw
    """The provider's ``usage`` object, as it stands there."""
    request_id: str | None = None
    """The provider's id of the request; with ``message_id`` it tells one answer from another."""
    session_id: str | None = None
    agent_id: str | None = None
    role: Role = "main"
    project: str | None = None
    client: str | None = None
    asked_model: str | None = None
    stop_reason: str | None = None


class ImportAnswers(Frozen, frozen=True):
    """Command: take answers into the ledger that did not pass through the engine, at the list price of their day."""

    answers: tuple[Transcribed, ...]
    subscription: bool = False
    """They were paid by a subscription: their cost is what the list price would be."""
    dry_run: bool = False
    """Only tell what would be taken in."""


class ImportReport(Frozen, frozen=True):
    """Answer to ``POST /_cctui/import``."""

    added: Tally
    """Of the answers that are new."""
    known: int = 0
    """Answers that the ledger has already, or will have: they run now."""
    grown: int = 0
    """Answers that were imported before they were whole: what was missing is added."""
    too_old: int = 0
    """Answers of days whose rows were removed: their sums are kept, and nobody can tell what is in them."""
    empty: int = 0
    """Answers that were billed nothing."""


class WhatIfRow(Frozen, frozen=True):
    """What the same tokens would have cost at another target."""

    provider: str
    model: str
    cost_nano_usd: int | None = None
    """None: no price known."""
    price_source: CostSource = "unknown"
    same_tokenizer: float = 0.0
    """The share of the tokens that were counted as it is known to count; it may count the same text differently."""
    misfit: str | None = None
    """Why part of the requests could not have gone there, in words: the window, tools, images."""
    simulated: bool = False
    """A simulator's: nobody pays it."""


class WhatIf(Frozen, frozen=True):
    """Answer to ``GET /_cctui/whatif``: the cheapest first, unknown prices last."""

    total: Tally
    """What was used and paid."""
    list_nano_usd: int | None = None
    """What it would have cost at the list prices of the models that served; None: one has none."""
    list_simulated_nano_usd: int | None = 0
    """The same of what simulators served, which is not in the other: nobody pays it."""
    longest_prompt: int = 0
    """Tokens of the largest request; 0 where ``rough``."""
    rough: bool = False
    """Only sums are kept of so much: prices of long prompts are not in it, and no window was looked at."""
    rows: tuple[WhatIfRow, ...] = ()
    choice: Choice = Choice()


ContextKind = Literal["system", "tools", "messages", "tool_results", "images", "thinking"]


class ContextItem(Frozen, frozen=True):
    """Something that fills the window."""

    kind: ContextKind
    name: str
    """``Read src/big.json``, ``mcp github`` (its tools together), ``user``, ``assistant`` …"""
    tokens: int
    """An estimate, calibrated by what providers counted."""
    count: int = 1
    """Pieces in it."""


class ContextReport(Frozen, frozen=True):
    """Answer to ``GET /_cctui/context``: what fills the window of a session's conversation now."""

    session_id: str | None = None
    agent_id: str | None = None
    request_id: str | None = None
    """The request that was looked at; None: none is kept in memory."""
    model: str | None = None
    window: int | None = None
    tokens: int = 0
    counted: bool = False
    """``tokens`` is the provider's count, not an estimate."""
    parts: tuple[ContextItem, ...] = ()
    """One for each kind that occurs, in the order of ``ContextKind``; ``name`` is the kind's."""
    items: tuple[ContextItem, ...] = ()
    """The same in detail (each MCP server, tool results by tool …), the largest first."""
    biggest: tuple[ContextItem, ...] = ()
    """The biggest single pieces, the largest first."""


class CacheBreak(Frozen, frozen=True):
    """A request whose prompt's beginning differed from the last one's, so that the cache could not serve it."""

    at: float
    request_id: str
    reason: str
    """In words: ``tool Bash changed``, ``message 12 edited``, ``5 minutes passed`` …"""
    agent_id: str | None = None
    lost_tokens: int = 0
    """Tokens that were in the cache before and were not read from it."""
    lost_nano_usd: int | None = None
    """What they cost more than reading them would have; None: no price known."""
    read_before: float = 0.0
    """Share of the last prompt that was read from the cache."""
    read_after: float = 0.0
    simulated: bool = False


class CacheReport(Frozen, frozen=True):
    """Answer to ``GET /_cctui/cache``: the prompt cache of a session. Simulated money stands apart."""

    session_id: str
    tally: Tally = Tally()
    saved_nano_usd: int | None = None
    """Reading instead of sending anew, less what writing cost more; negative where writing cost more than reading
    saved; None: no price known for one of the requests."""
    simulated_saved_nano_usd: int = 0
    breaks: tuple[CacheBreak, ...] = ()
    """The last ten, newest first."""
    lost_nano_usd: int | None = None
    """Of all breaks that are kept; None: no price known for one of them."""
    simulated_lost_nano_usd: int = 0
    shares: tuple[float, ...] = ()
    """Share of the prompt that was read from the cache, of the conversation's last requests, oldest first."""


CHECK_SESSION = "check-"
"""The id of a check's session begins so."""

CheckVerdict = Literal["pass", "degraded", "fail", "skipped"]
"""``degraded``: it works, but not as it should; ``skipped``: it was not asked, or nobody can tell."""


class RunCheck(Frozen, frozen=True):
    """Command: try out a target with real requests, which cost money."""

    target: str
    """``provider/model``, or a provider: then the model that was used there last."""
    only: tuple[str, ...] = ()
    """Names of what is tried; empty: everything. What that builds upon is tried too."""
    skip: tuple[str, ...] = ()
    dry_run: bool = False
    """Only tell what would be tried and what that costs."""


class StopCheck(Frozen, frozen=True):
    """Command: ask a target nothing more."""

    target: str


class CheckResult(Frozen, frozen=True):
    """One thing that is tried."""

    name: str
    title: str
    verdict: CheckVerdict | None = None
    """None: not tried yet."""
    running: bool = False
    text: str = ""
    """What was seen, in a sentence without its full stop."""
    evidence: str = ""
    """Status and start of the answer that shows it; empty where all is well."""
    at: float | None = None
    """When it was tried; None: it was not."""
    requests: int = 0
    duration_ms: float = 0.0
    cost_nano_usd: int = 0
    """Of the requests whose cost is known."""
    unpriced: int = 0
    """Requests whose cost nobody can tell."""


class CheckReport(Frozen, frozen=True):
    """Answer to ``POST /_cctui/check`` and ``GET /_cctui/check``."""

    target: str
    results: tuple[CheckResult, ...] = ()
    """In the order in which they are tried; also what earlier checks found beside them."""
    running: bool = False
    session: str | None = None
    """Under which its requests are in the ledger; None: none was sent."""
    started_at: float | None = None
    ended_at: float | None = None
    requests: int = 0
    """How many it needs at most."""
    likely_nano_usd: int | None = None
    """What it costs with answers of usual length, estimated; None: no price known."""
    most_nano_usd: int | None = None
    """What it costs if every answer is as long as allowed."""
    simulated: bool = False


def proof_of_token(token: str, nonce: str) -> str:
    """What only a holder of the local token can answer to ``nonce``; the token itself is not sent."""
    return hmac.new(token.encode(), f"cctui-hello:{nonce}".encode(), hashlib.sha256).hexdigest()


def dollars(nano_usd: int) -> float:
    """Nano-dollars as the number that JSON shows (exact to the nano-dollar below 9 million dollars)."""
    return round(nano_usd / 1e9, 9)


def local_day(moment: float) -> date:
    """The local day of ``moment`` (Unix seconds)."""
    return date(*time.localtime(moment)[:3])


def midnight(day: date) -> float:
    """When the local ``day`` begins, Unix seconds: the one place that says so, for sums, budgets and screens alike.

    Some zones change their clocks at midnight: a day may begin at one o'clock, or have its first hour twice. For such
    a midnight ``mktime`` answers as it likes, so its answer is moved by quarters of an hour, in which zones lie.
    """
    moment = time.mktime((day.year, day.month, day.day, 0, 0, 0, 0, 0, -1))
    while local_day(moment) < day:
        moment += QUARTER_S
    while local_day(moment - 1) >= day:
        moment -= QUARTER_S
    return moment
