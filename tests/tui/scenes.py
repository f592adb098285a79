"""States of an engine to show: empty, two sessions at work with the first provider down, simulated."""

from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from proxy import contract as c

NOW = 1_800_000_000.0
"""When every scene plays, Unix seconds: 08:00:00 UTC."""
DOLLAR = 10**9


@dataclass
class Scene:
    """What an engine would say; ``note`` keeps it in step with the events sent."""

    route: c.Route = field(default_factory=lambda: c.Route(default="anthropic"))
    providers: tuple[c.Provider, ...] = ()
    sessions: dict[str, c.Session] = field(default_factory=dict)
    requests: dict[str, c.Request] = field(default_factory=dict)
    today: c.Tally = field(default_factory=c.Tally)
    problems: tuple[str, ...] = ()
    notices: tuple[c.Notice, ...] = ()
    day_budget_nano_usd: int | None = None
    session_budget_nano_usd: int | None = None
    home: str = "/home/user/.local/state/cctui"

    def engine(self, url: str) -> c.Engine:
        return c.Engine(pid=4711, url=url, version="0.1.0", contract=c.CONTRACT, started_at=NOW - 7200, home=self.home)

    def snapshot(self, url: str) -> c.Snapshot:
        return c.Snapshot(
            engine=self.engine(url),
            route=self.route,
            providers=self.providers,
            sessions=tuple(self.sessions.values()),
            requests=tuple(self.requests[name] for name in sorted(self.requests)),
            today=self.today,
            problems=self.problems,
            notices=self.notices,
            budgets=self.budgets(),
        )

    def budgets(self) -> tuple[c.Budget, ...]:
        of_sessions: list[tuple[c.BudgetKind, str, c.Tally]] = [
            ("session", each.id, each.tally) for each in self.sessions.values()
        ]
        limits: dict[c.BudgetKind, int | None] = {
            "session": self.session_budget_nano_usd,
            "day": self.day_budget_nano_usd,
        }
        return tuple(
            c.Budget(kind=kind, name=name, limit_nano_usd=limits[kind], spent_nano_usd=tally.cost_nano_usd)
            for kind, name, tally in [*of_sessions, ("day", "2027-01-15", self.today)]
            if limits[kind] is not None
        )

    def note(self, event: c.Event) -> None:
        match event:
            case c.RequestChanged():
                self.requests[event.request.id] = event.request
            case c.SessionChanged():
                self.sessions[event.session.id] = event.session
                self.today = event.today
            case c.RouteChanged():
                self.route = event.route
            case c.ProvidersChanged():
                self.providers = event.providers
            case _:
                pass


def usage(read: int, fresh: int, out: int) -> c.Usage:
    return c.Usage(input_tokens=fresh, cache_read_tokens=read, cache_write_5m_tokens=fresh * 2, output_tokens=out)


def served(number: int, before_s: float, **changes: Any) -> c.Request:
    """A request that was served well, ``before_s`` before ``NOW``."""
    plain = c.Request(
        id=f"r{number:08d}",
        started_at=NOW - before_s,
        session_id="5e551011-aaaa",
        project="shop-api",
        asked_model="claude-opus-4-8",
        served_model="claude-opus-4-8-20260401",
        target_model="claude-opus-4-8",
        provider="anthropic",
        phase="done",
        outcome="served",
        status=200,
        attempts=(
            c.Attempt(provider="anthropic", model="claude-opus-4-8", outcome="served", status=200, duration_ms=9400),
        ),
        streaming=True,
        headers_ms=420.0,
        ttft_ms=1130.0,
        first_text_ms=1310.0,
        duration_ms=9400.0,
        usage=usage(28_400, 310, 1_240),
        cost_nano_usd=213_400_000,
        cost_source="genai-prices",
        request_bytes=184_000,
        stop_reason="end_turn",
        why="the default provider",
    )
    request = msgspec.structs.replace(plain, **changes)
    bytes_told = changes.get("output_bytes", request.usage.output_tokens * 40)
    return msgspec.structs.replace(request, output_bytes=bytes_told)


def live(number: int, before_s: float, **changes: Any) -> c.Request:
    """A request that is being answered."""
    plain: dict[str, Any] = {"phase": "streaming", "outcome": None, "status": None, "duration_ms": None}
    plain |= {"cost_nano_usd": None, "cost_source": "unknown", "stop_reason": None, "served_model": None}
    plain |= {"usage": usage(28_400, 310, 212), "usage_estimated": True}
    return served(number, before_s, **(plain | {"output_bytes": 8_500, "ttft_ms": 900.0} | changes))


OVERLOADED = c.Attempt(
    provider="anthropic",
    model="claude-opus-4-8",
    outcome="overloaded",
    status=529,
    reason="Overloaded",
    duration_ms=310,
)


def rescued(model: str) -> dict[str, Any]:
    """Changes that say: the first provider was down, another served."""
    attempt = c.Attempt(provider="openrouter", model=model, outcome="served", status=200, duration_ms=8000)
    return {
        "provider": "openrouter",
        "target_model": model,
        "served_model": model,
        "attempts": (OVERLOADED, attempt),
        "why": "anthropic was overloaded (529); next in the chain",
    }


def blank() -> Scene:
    """No request has ever arrived."""
    return Scene(
        providers=(
            c.Provider(
                name="anthropic",
                dialect="anthropic",
                base_url="https://api.anthropic.com",
                origin="your login",
                auth="passthrough",
            ),
            c.Provider(
                name="openrouter",
                dialect="anthropic",
                base_url="https://openrouter.ai/api",
                origin="OPENROUTER_API_KEY",
                auth="bearer",
                key="sk-or…4f2a",
            ),
            c.Provider(name="ollama", dialect="anthropic", base_url="http://127.0.0.1:11434", origin="port 11434"),
        ),
        route=c.Route(default="anthropic", chain=("openrouter", "ollama")),
    )


def _providers() -> tuple[c.Provider, ...]:
    anthropic, openrouter, ollama = blank().providers
    limits = (
        c.Limit(name="5h", used=0.62, resets_at=NOW + 7_200),
        c.Limit(name="week", used=0.31, resets_at=NOW + 3 * 86_400),
    )
    change = msgspec.structs.replace
    return (
        change(
            anthropic,
            health="limited",
            health_text="overloaded (529)",
            retry_at=NOW + 24,
            limits=limits,
            models=9,
            models_at=NOW - 300,
            requests=212,
            ttft_p50_ms=1_130.0,
            ttft_p95_ms=4_270.0,
        ),
        change(
            openrouter,
            health="ok",
            models=341,
            models_at=NOW - 290,
            requests=14,
            ttft_p50_ms=890.0,
            ttft_p95_ms=1_720.0,
            keys=(
                c.Key(name="sk-or…4f2a", limits=(c.Limit(name="requests", used=0.91, resets_at=NOW + 40),)),
                c.Key(name="sk-or…99e1", state="refused", text="401 User not found"),
            ),
        ),
        change(ollama, models_error="connection refused", models_error_at=NOW - 290),
    )


def _tally(requests: int, cents: int, out: int = 40_000) -> c.Tally:
    return c.Tally(requests=requests, usage=usage(930_000, 23_000, out), cost_nano_usd=cents * DOLLAR // 100)


def shop_session() -> c.Session:
    return c.Session(
        id="5e551011-aaaa",
        project="shop-api",
        started_at=NOW - 48 * 60,
        last_at=NOW - 1,
        tally=_tally(80, 412),
        agents=(
            c.AgentTally(role="main", tally=_tally(41, 320), in_flight=1, last_at=NOW),
            c.AgentTally(role="agent", agent_id="a1", ordinal=1, tally=_tally(12, 31), last_at=NOW - 300),
            c.AgentTally(role="agent", agent_id="a2", ordinal=2, tally=_tally(9, 55), in_flight=1, last_at=NOW),
            c.AgentTally(role="background", tally=_tally(18, 6), last_at=NOW - 4, in_flight=1),
        ),
        in_flight=3,
        context_tokens=128_000,
        context_window=200_000,
        asked_model="claude-opus-4-8",
        served_model="anthropic/claude-opus-4.8",
        provider="openrouter",
    )


def docs_session() -> c.Session:
    return c.Session(
        id="d0c5d0c5-bbbb",
        project="docs-site",
        started_at=NOW - 15 * 60,
        last_at=NOW - 22,
        tally=_tally(23, 87),
        agents=(c.AgentTally(role="main", tally=_tally(23, 87), last_at=NOW - 22),),
        context_tokens=41_000,
        context_window=200_000,
        asked_model="claude-sonnet-5",
        provider="openrouter",
    )


def at_work() -> Scene:
    """Two sessions, the first provider overloaded, the second serving."""
    docs = {"session_id": "d0c5d0c5-bbbb", "project": "docs-site", "asked_model": "claude-sonnet-5"}
    agent = {"role": "agent", "agent_id": "a2", "asked_model": "claude-sonnet-5"}
    background = {"role": "background", "asked_model": "claude-haiku-4-5"}
    opus, sonnet = rescued("anthropic/claude-opus-4.8"), rescued("anthropic/claude-sonnet-5")
    sonnet["served_model"] = "anthropic/claude-sonnet-5"
    haiku = rescued("anthropic/claude-haiku-4.5")
    requests = [
        served(1, 410.0, cost_nano_usd=1_620_000_000, usage=usage(310_000, 9_000, 18_200), duration_ms=101_000.0),
        served(2, 300.0, usage=usage(30_100, 200, 610), cost_nano_usd=82_300_000, **docs),
        served(3, 240.0, role="agent", agent_id="a1", asked_model="claude-sonnet-5", served_model="claude-sonnet-5"),
        served(4, 122.0, outcome="cancelled", status=499, stop_reason=None, usage=usage(29_000, 10, 88)),
        served(
            5,
            95.0,
            kind="count_tokens",
            path="/v1/messages/count_tokens",
            cost_source="free",
            cost_nano_usd=0,
            usage=c.Usage(),
            ttft_ms=None,
        ),
        served(
            6,
            90.0,
            outcome="failed",
            status=529,
            attempts=(OVERLOADED,),
            usage=c.Usage(),
            cost_nano_usd=0,
            ttft_ms=None,
            error="Overloaded",
        ),
        served(7, 88.0, **opus),
        served(8, 61.0, cost_nano_usd=None, cost_source="unknown", **docs, **rescued("qwen/qwen3-coder")),
        served(9, 40.0, cost_nano_usd=61_000, usage=usage(0, 140, 21), **background, **haiku),
        served(10, 33.0, **agent, **sonnet),
        live(11, 21.0, **(opus | {"served_model": "anthropic/claude-opus-4.8"})),
        live(12, 9.0, **agent, **(sonnet | {"served_model": None})),
        live(
            13,
            2.2,
            phase="waiting",
            ttft_ms=None,
            output_bytes=0,
            usage=c.Usage(),
            attempts=(),
            target_model=None,
            provider="anthropic",
            **background,
        ),
    ]
    return Scene(
        providers=_providers(),
        route=c.Route(default="anthropic", chain=("openrouter", "ollama")),
        sessions={one.id: one for one in (shop_session(), docs_session())},
        requests={one.id: one for one in requests},
        today=_tally(226, 1187),
        session_budget_nano_usd=10 * DOLLAR,
        day_budget_nano_usd=60 * DOLLAR,
    )


def one_session() -> Scene:
    """The same, the first session alone."""
    scene = at_work()
    scene.sessions = {"5e551011-aaaa": shop_session()}
    scene.requests = {name: one for name, one in scene.requests.items() if one.session_id == "5e551011-aaaa"}
    return scene


def with_chains() -> Scene:
    """Two sessions, a chain with a group and entries that cannot serve, and a slot with a chain of its own."""
    scene = at_work()
    scene.route = c.Route(
        default="anthropic",
        chain=("openrouter", "openrouter/qwen/qwen3-coder", "cheap", "gone/x"),
        slot_chains={"haiku": ("ollama",)},
        groups={"cheap": ("ollama", "openrouter/openai/gpt-5.5")},
    )
    return scene


def simulated() -> Scene:
    """Everything served by the simulator."""
    scene = one_session()
    provider = c.Provider(
        name="simulator",
        dialect="anthropic",
        base_url="http://simulator",
        health="ok",
        simulated=True,
        models=5,
        models_at=NOW,
    )
    tally = c.Tally(requests=80, usage=usage(930_000, 23_000, 40_000), simulated_nano_usd=412 * DOLLAR // 100)
    made_up = {"provider": "simulator", "simulated": True, "attempts": (), "served_model": "claude-opus-4-8"}
    session = shop_session()
    agents = tuple(
        msgspec.structs.replace(
            one, tally=msgspec.structs.replace(one.tally, cost_nano_usd=0, simulated_nano_usd=one.tally.cost_nano_usd)
        )
        for one in session.agents
    )
    session = msgspec.structs.replace(session, tally=tally, agents=agents, simulated=True, provider="simulator")
    requests = {name: msgspec.structs.replace(one, **made_up) for name, one in scene.requests.items()}
    return replace(
        scene,
        providers=(provider,),
        route=c.Route(default="simulator"),
        sessions={session.id: session},
        requests=requests,
        today=tally,
    )


def models() -> tuple[c.Model, ...]:
    """What the providers list."""
    return (
        c.Model(
            provider="anthropic",
            id="claude-opus-4-8",
            context_window=1_000_000,
            input_nano_usd=5 * DOLLAR,
            output_nano_usd=25 * DOLLAR,
            tools=True,
            images=True,
            thinking=True,
            used_at=NOW - 30,
        ),
        c.Model(
            provider="anthropic",
            id="claude-sonnet-5",
            context_window=1_000_000,
            input_nano_usd=3 * DOLLAR,
            output_nano_usd=15 * DOLLAR,
            tools=True,
            images=True,
            thinking=True,
        ),
        c.Model(
            provider="anthropic",
            id="claude-haiku-4-5",
            context_window=200_000,
            input_nano_usd=1 * DOLLAR,
            output_nano_usd=5 * DOLLAR,
            tools=True,
            images=True,
            thinking=True,
        ),
        c.Model(
            provider="openrouter",
            id="openai/gpt-5.5",
            context_window=400_000,
            input_nano_usd=DOLLAR * 5 // 4,
            output_nano_usd=10 * DOLLAR,
            tools=True,
            images=True,
            thinking=True,
            favourite=True,
        ),
        c.Model(
            provider="openrouter",
            id="anthropic/claude-opus-4.8",
            context_window=1_000_000,
            input_nano_usd=5 * DOLLAR,
            output_nano_usd=25 * DOLLAR,
            tools=True,
        ),
        c.Model(
            provider="openrouter",
            id="qwen/qwen3-coder",
            context_window=64_000,
            input_nano_usd=DOLLAR // 5,
            output_nano_usd=DOLLAR * 4 // 5,
            tools=True,
        ),
        c.Model(provider="ollama", id="gpt-oss:20b", context_window=None, input_nano_usd=0, output_nano_usd=0),
    )
