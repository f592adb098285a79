"""What a headless demo tells at its end, as JSON or as text. Pure."""

from collections import Counter
from collections.abc import Sequence

from proxy import contract as c
from tui.cli import json_output, text_output
from tui.cli.json_output import Json
from tui.state import formats

OUTCOMES: tuple[c.Outcome, ...] = ("served", "failed", "cancelled", "broken")

SHOWN = 15
"""Rows of the text's list."""

NEXT = "Next: `cctui claude` in a project of yours, and `cctui` beside it in another terminal."


def as_json(rows: Sequence[c.Request]) -> Json:
    """Counts by outcome and the rows of ``cctui requests``; counts of tokens are no answers and stand apart."""
    asked = _messages(rows)
    return {
        **_outcomes(asked),
        "fell_back": sum(row.fell_back for row in asked),
        "token_counts": sum(row.kind == "count_tokens" for row in rows),
        "sessions": len({row.session_id for row in asked}),
        "agents": len({row.agent_id for row in asked if row.agent_id}),
        "simulated_usd": c.dollars(_cost(asked)),
        "requests": [json_output.request(row) for row in asked],
    }


def as_text(rows: Sequence[c.Request], now: float, width: int) -> list[str]:
    """Sums, then the newest requests. ``now``: Unix seconds; ``width``: cells."""
    asked = _messages(rows)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in _outcomes(asked).items())
    served = Counter(row.provider for row in asked if row.outcome == "served")
    tokens = sum((row.usage for row in asked), c.Usage())
    return [
        f"requests   {counts}; {sum(row.fell_back for row in asked)} fell back to another provider",
        f"served by  {', '.join(f'{name} {count}' for name, count in served.most_common())}",
        f"tokens     {tokens.prompt_tokens:,} in ({_cached_share(tokens):.0%} cached), {tokens.output_tokens:,} out",
        f"cost       {formats.money(_cost(asked), simulated=True)}, simulated: nobody pays it",
        "",
        *text_output.requests(asked[:SHOWN], now, width),
        "",
        NEXT,
    ]


def _messages(rows: Sequence[c.Request]) -> list[c.Request]:
    return [row for row in rows if row.kind == "messages" and not row.live]


def _outcomes(rows: Sequence[c.Request]) -> dict[str, int]:
    counts = Counter(row.outcome for row in rows)
    return {outcome: counts[outcome] for outcome in OUTCOMES}


def _cost(rows: Sequence[c.Request]) -> int:
    return sum(row.cost_nano_usd or 0 for row in rows)


def _cached_share(tokens: c.Usage) -> float:
    return tokens.cache_read_tokens / tokens.prompt_tokens if tokens.prompt_tokens else 0.0
