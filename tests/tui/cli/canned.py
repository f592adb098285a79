"""What the stub engine knows: one conversation on two providers, a fallback among its requests."""

import msgspec

from proxy import contract as c

STARTED_AT = 1_700_000_000.25

USAGE = c.Usage(
    input_tokens=1200,
    output_tokens=340,
    cache_read_tokens=20_000,
    cache_write_5m_tokens=500,
    cache_write_1h_tokens=0,
    web_searches=1,
)
TALLY = c.Tally(requests=2, usage=USAGE, cost_nano_usd=17_360_000, simulated_nano_usd=5_000_000, unpriced_requests=1)

FELL_BACK = c.Request(
    id="r2",
    started_at=STARTED_AT,
    session_id="5e551011-0000",
    project="shop-api",
    asked_model="claude-opus-4-8",
    served_model="anthropic/claude-opus-4.8",
    target_model="anthropic/claude-opus-4.8",
    provider="openrouter",
    why="anthropic answered 529",
    phase="done",
    outcome="served",
    status=200,
    attempts=(
        c.Attempt(provider="anthropic", model="claude-opus-4-8", outcome="overloaded", status=529, duration_ms=80.0),
        c.Attempt(provider="openrouter", model="anthropic/claude-opus-4.8", outcome="served", status=200),
    ),
    ttft_ms=912.5,
    duration_ms=4010.0,
    usage=USAGE,
    cost_nano_usd=17_360_000,
    cost_source="reported",
)
UNPRICED = c.Request(
    id="r1",
    started_at=STARTED_AT - 60,
    session_id="5e551011-0000",
    asked_model="claude-haiku-4-5",
    served_model="mystery\x1b[31m-model",
    provider="team",
    role="background",
    phase="done",
    outcome="failed",
    status=500,
    error="it broke",
)

PROVIDERS = (
    c.Provider(
        name="anthropic",
        dialect="anthropic",
        base_url="https://api.anthropic.com",
        auth="passthrough",
        origin="built in",
        health="ok",
        models=12,
        models_at=STARTED_AT,
        ttft_p50_ms=912.5,
        ttft_p95_ms=2100.0,
        limits=(c.Limit(name="5h", used=0.62), c.Limit(name="week", used=0.91, status="allowed_warning")),
    ),
    c.Provider(
        name="openrouter",
        dialect="anthropic",
        base_url="https://openrouter.ai/api",
        auth="bearer",
        key="sk-or…4f2a",
        keys=(
            c.Key(name="sk-or…4f2a", state="refused", text="openrouter: 401: the key was refused"),
            c.Key(name="sk-or…99e1"),
        ),
        key_origin="OPENROUTER_API_KEY",
        origin="OPENROUTER_API_KEY",
        health="refused",
        health_text="401: the key was refused",
        models_error="HTTP 401",
    ),
)
MODELS = c.ModelList(
    models=(
        c.Model(
            provider="openrouter",
            id="openai/gpt-5.5",
            context_window=400_000,
            input_nano_usd=1_250_000_000,
            output_nano_usd=10_000_000_000,
            tools=True,
            favourite=True,
        ),
        c.Model(provider="team", id="mystery"),
    ),
    providers=PROVIDERS,
)
REPORT = c.UsageReport(total=TALLY, rows=(c.UsageRow(key="claude-opus-4-8", tally=TALLY),), estimated_requests=1)
CONTEXT = c.ContextReport(
    session_id="5e551011-0000",
    request_id="r2",
    model="anthropic/claude-opus-4.8",
    window=200_000,
    tokens=50_000,
    counted=True,
    parts=(
        c.ContextItem(kind="tools", name="tools", tokens=20_000, count=23),
        c.ContextItem(kind="tool_results", name="tool_results", tokens=30_000, count=2),
    ),
    items=(
        c.ContextItem(kind="tool_results", name="Read", tokens=30_000, count=2),
        c.ContextItem(kind="tools", name="mcp github", tokens=20_000, count=23),
    ),
    biggest=(c.ContextItem(kind="tool_results", name="Read src/\x1b[31mbig.json", tokens=28_000),),
)
CACHE = c.CacheReport(
    session_id="5e551011-0000",
    tally=TALLY,
    saved_nano_usd=90_000_000,
    simulated_saved_nano_usd=1_000_000,
    lost_nano_usd=None,
    shares=(0.0, 0.9),
    breaks=(
        c.CacheBreak(
            at=STARTED_AT, request_id="r2", reason="tool Bash changed", lost_tokens=30_500, read_before=0.95,
            read_after=0.1,
        ),
        c.CacheBreak(
            at=STARTED_AT - 600, request_id="r1", reason="message 12 edited", agent_id="a1", lost_tokens=2_000,
            lost_nano_usd=11_000_000, read_before=0.9,
        ),
    ),
)  # fmt: skip
LATENCIES = c.LatencyReport(
    rows=(
        c.Latency(
            provider="openrouter",
            model="claude-opus-4-8",
            requests=1200,
            ttft_p50_ms=912.5,
            ttft_p95_ms=4000.0,
            tokens_per_s_p50=71.25,
            tokens_per_s_p5=12.0,
        ),
        c.Latency(provider="team", model="mystery", requests=1, ttft_p50_ms=80.0, ttft_p95_ms=80.0),
    )
)
WHAT_IF = c.WhatIf(
    total=TALLY,
    list_nano_usd=20_000_000,
    longest_prompt=21_700,
    rows=(
        c.WhatIfRow(
            provider="openrouter",
            model="vendor/small",
            cost_nano_usd=5_000_000,
            price_source="listed",
            misfit="a prompt of 21,700 tokens is longer than its window of 8,000",
        ),
        c.WhatIfRow(
            provider="anthropic",
            model="claude-opus-4-8",
            cost_nano_usd=20_000_000,
            price_source="genai-prices",
            same_tokenizer=1.0,
        ),
        c.WhatIfRow(provider="team", model="mystery"),
    ),
    choice=c.Choice(session="5e551011-0000"),
)
ROUTE = c.Route(
    default="anthropic", chain=("openrouter/anthropic/claude-opus-4.8",), groups={"cheap": ("openrouter", "anthropic")}
)


def repriced(command: c.Reprice) -> c.RepriceReport:
    """One model became dearer, another got a price."""
    rows = (
        c.RepricedModel(
            provider="openrouter",
            model="claude-opus-4-8",
            requests=40,
            old_nano_usd=10**9,
            new_nano_usd=3 * 10**9,
            old_sources=("genai-prices",),
            new_sources=("genai-prices",),
        ),
        c.RepricedModel(
            provider="team",
            model="mystery",
            requests=2,
            old_nano_usd=0,
            new_nano_usd=5 * 10**8,
            old_unpriced=2,
            old_sources=("unknown",),
            new_sources=("settings",),
        ),
    )
    if command.since is not None:
        return c.RepriceReport(looked_at=100, unknown_providers=("gone",), written=not command.dry_run)
    return c.RepriceReport(looked_at=100, rows=rows, written=not command.dry_run)


def snapshot(engine: c.Engine, route: c.Route, resting: str = "") -> c.Snapshot:
    session = c.Session(id="5e551011-0000", project="shop-api", started_at=STARTED_AT, tally=TALLY)
    return c.Snapshot(
        engine=engine,
        route=route,
        providers=tuple(msgspec.structs.replace(row, resting=row.name == resting) for row in PROVIDERS),
        sessions=(session,),
        requests=(UNPRICED, FELL_BACK),
        today=TALLY,
        budgets=(
            c.Budget(kind="session", name="5e551011-0000", limit_nano_usd=10**9, spent_nano_usd=15 * 10**6),
            c.Budget(kind="day", name="2026-11-21", limit_nano_usd=20 * 10**9, spent_nano_usd=25 * 10**9),
        ),
        passing=("5e551011-0000",),
    )


def routed(route: c.Route, use: c.Use) -> c.Route:
    provider, _, model = use.target.partition("/")
    override = c.Override(provider=provider, model=model or None, session=use.session, slot=use.slot)
    return msgspec.structs.replace(route, overrides=(override,))


def with_amount(command: c.SetBudget) -> c.BudgetReport:
    """A report with one budget, as it was set."""
    name = command.project or "2026-11-21"
    limit = command.amount_nano_usd
    return c.BudgetReport(action="block", budgets=(c.Budget(kind=command.kind, name=name, limit_nano_usd=limit),))


def passing(command: c.PassBudget) -> c.BudgetReport:
    budget = c.Budget(kind="day", name="2026-11-21", limit_nano_usd=10**9)
    return c.BudgetReport(action="block", budgets=(budget,), session=command.session, passing=command.passing)


CHECKED = c.CheckReport(
    target="openrouter/small",
    results=(
        c.CheckResult(
            name="key", title="key", verdict="pass", text="accepted", at=STARTED_AT, requests=1, cost_nano_usd=500_000
        ),
        c.CheckResult(
            name="tool",
            title="tool call",
            verdict="fail",
            text="the call's arguments are no JSON object",
            evidence='{"guest":',
            at=STARTED_AT,
            requests=1,
            cost_nano_usd=1_400_000,
        ),
    ),
    session="check-12345678",
    started_at=STARTED_AT,
    ended_at=STARTED_AT + 9,
    requests=6,
    likely_nano_usd=261_900_000,
    most_nano_usd=912_900_000,
)


def checked(command: c.RunCheck) -> c.CheckReport:
    """A check that begins; one that is only planned has no verdicts."""
    chosen = tuple(each for each in CHECKED.results if not command.only or each.name in command.only)
    blank = tuple(c.CheckResult(name=each.name, title=each.title) for each in chosen)
    if command.dry_run:
        return msgspec.structs.replace(CHECKED, results=blank, session=None, started_at=None, ended_at=None)
    return msgspec.structs.replace(CHECKED, results=blank, running=True, ended_at=None)
