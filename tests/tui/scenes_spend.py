"""A ledger's answers to show: sums of a year by every grouping, latencies, a comparison of prices."""

from datetime import UTC, datetime, timedelta

from proxy import contract as c
from tests.tui.fake_engine import FakeEngine
from tests.tui.scenes import DOLLAR, NOW, models, one_session, served, usage

TODAY = datetime.fromtimestamp(NOW, UTC).date()
CENT = DOLLAR // 100


def tally(requests: int, cents: int, **more: int) -> c.Tally:
    used = usage(requests * 24_000, requests * 600, requests * 700)
    return c.Tally(requests=requests, usage=used, cost_nano_usd=cents * CENT, **more)


def total(rows: list[c.UsageRow]) -> c.Tally:
    return c.Tally(
        requests=sum(row.tally.requests for row in rows),
        usage=sum((row.tally.usage for row in rows), c.Usage()),
        cost_nano_usd=sum(row.tally.cost_nano_usd for row in rows),
        simulated_nano_usd=sum(row.tally.simulated_nano_usd for row in rows),
        unpriced_requests=sum(row.tally.unpriced_requests for row in rows),
        failed=sum(row.tally.failed for row in rows),
    )


def report(rows: list[c.UsageRow]) -> c.UsageReport:
    return c.UsageReport(total=total(rows), rows=tuple(rows))


def by_model() -> c.UsageReport:
    return report(
        [
            c.UsageRow(key="claude-opus-4-8", tally=tally(212, 14_210, failed=3)),
            c.UsageRow(key="anthropic/claude-sonnet-5", tally=tally(190, 3_144)),
            c.UsageRow(key="claude-haiku-4-5", tally=tally(420, 212)),
            c.UsageRow(key="qwen/qwen3-coder", tally=tally(14, 0, unpriced_requests=14)),
        ]
    )


def made_up() -> c.UsageReport:
    """Real and simulated money side by side."""
    return report(
        [
            c.UsageRow(key="claude-opus-4-8", tally=tally(12, 410)),
            c.UsageRow(
                key="claude-sonnet-5",
                tally=c.Tally(requests=8, usage=usage(9_000, 200, 400), simulated_nano_usd=77 * CENT),
            ),
        ]
    )


def by_day() -> c.UsageReport:
    """A year in which work follows the week, with two weeks off and a busy month."""
    rows = []
    for back in range(370):
        day = TODAY - timedelta(days=back)
        if day.weekday() == 6 or 100 <= back < 114 or (day.weekday() == 5 and day.day % 3):
            continue
        cents = 40 + (day.toordinal() * 7919) % 900 + (700 if day.month == 6 else 0)
        rows.append(c.UsageRow(key=day.isoformat(), tally=tally(4 + cents // 30, cents)))
    return report(rows)


def by_hour_of_day() -> c.UsageReport:
    hours = {8: 120, 9: 480, 10: 610, 11: 530, 12: 90, 13: 300, 14: 700, 15: 820, 16: 640, 17: 310, 21: 60, 22: 20}
    return report([c.UsageRow(key=f"{hour:02d}", tally=tally(cents // 10, cents)) for hour, cents in hours.items()])


def by_session() -> c.UsageReport:
    return report(
        [
            c.UsageRow(key="5e551011-aaaa", tally=tally(80, 412)),
            c.UsageRow(key="0ldc0ffe-1111-2222-3333-444444444444", tally=tally(31, 190)),
            c.UsageRow(key="", tally=tally(3, 9)),
        ]
    )


def latencies() -> c.LatencyReport:
    def row(provider: str, model: str, *figures: float) -> c.Latency:
        requests, middle, slow, fast, least = figures
        return c.Latency(
            provider=provider,
            model=model,
            requests=int(requests),
            ttft_p50_ms=middle,
            ttft_p95_ms=slow,
            tokens_per_s_p50=fast,
            tokens_per_s_p5=least,
        )

    return c.LatencyReport(
        rows=(
            row("anthropic", "claude-opus-4-8", 212, 1_130, 4_270, 61, 22),
            row("openrouter", "anthropic/claude-opus-4.8", 90, 890, 1_720, 74, 41),
            row("anthropic", "claude-haiku-4-5", 420, 410, 980, 168, 92),
            c.Latency(provider="ollama", model="gpt-oss:20b", requests=1),
        )
    )


def comparison() -> c.WhatIf:
    def row(target: str, cents: int | None, source: c.CostSource, **more: object) -> c.WhatIfRow:
        provider, _, model = target.partition("/")
        cost = None if cents is None else cents * CENT
        return c.WhatIfRow(provider=provider, model=model, cost_nano_usd=cost, price_source=source, **more)  # type: ignore[arg-type]

    return c.WhatIf(
        total=tally(80, 412),
        list_nano_usd=412 * CENT,
        longest_prompt=128_000,
        rows=(
            row("ollama/gpt-oss:20b", 0, "free"),
            row(
                "openrouter/qwen/qwen3-coder",
                39,
                "listed",
                misfit="a prompt of 128,000 tokens is longer than its window of 64,000",
            ),
            row("anthropic/claude-haiku-4-5", 83, "genai-prices"),
            row("openrouter/openai/gpt-5.5", 188, "listed"),
            row("anthropic/claude-sonnet-5", 247, "genai-prices", same_tokenizer=1.0),
            row("anthropic/claude-opus-4-8", 412, "genai-prices", same_tokenizer=1.0),
            row("openrouter/anthropic/claude-opus-4.8", 412, "listed", same_tokenizer=1.0),
            row("team/house-model", None, "unknown"),
        ),
        choice=c.Choice(session="5e551011-aaaa"),
    )


def ledger() -> FakeEngine:
    """An engine with a year behind it."""
    engine = FakeEngine(one_session())
    engine.models = models()
    engine.report = by_model()
    engine.reports = {"day": by_day(), "hour_of_day": by_hour_of_day(), "session": by_session()}
    engine.latencies = latencies()
    engine.comparison = comparison()
    engine.history = tuple(served(number, 86_400.0 * (number - 1) + 300) for number in range(1, 9))
    return engine
