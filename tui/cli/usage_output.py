"""What ``usage`` and ``reprice`` print: sums, speeds, changed costs. Pure: contract values in, lines or JSON out."""

from collections.abc import Sequence

from proxy import contract as c
from tui.cli.json_output import Json, moment, tally, usage_rows
from tui.cli.tables import Column, table
from tui.state import formats, unpriced

_SUM_COLUMNS = (
    Column("requests", numeric=True),
    Column("failed", numeric=True, drop=3),
    Column("in", numeric=True),
    Column("out", numeric=True),
    Column("cache read", numeric=True, drop=1),
    Column("cache written", numeric=True, drop=2),
    Column("cost", numeric=True),
)
_LATENCY_COLUMNS = (
    Column("model", shrinks=True),
    Column("provider", shrinks=True),
    Column("requests", numeric=True),
    Column("first p50", numeric=True),
    Column("first p95", numeric=True),
    Column("tokens/s p50", numeric=True),
    Column("p5", numeric=True),
)
_REPRICED_COLUMNS = (
    Column("model", shrinks=True),
    Column("provider", shrinks=True),
    Column("requests", numeric=True),
    Column("old", numeric=True),
    Column("new", numeric=True),
    Column("change", numeric=True),
    Column("price from", shrinks=True, drop=1),
)
NAME_LEAST = 28
"""Cells of a sub-agent's name that are worth more than the columns that may be left out."""
LATENCY_NAMES = (
    "provider",
    "model",
    "requests",
    "ttft_p50_ms",
    "ttft_p95_ms",
    "tokens_per_s_p50",
    "tokens_per_s_p5",
)
"""Names in a row of latencies, in the order of the CSV's columns."""


def usage(report: c.UsageReport, by: c.UsageGroup, width: int) -> list[str]:
    """The groups, the others as one, the sum, what no price is known for; simulated and unpriced ones apart, if any."""
    total = report.total
    simulated, some = total.simulated_nano_usd > 0, total.unpriced_requests > 0
    named = any(row.name for row in report.rows)
    heads = [Column(by), Column("name", shrinks=True, least=NAME_LEAST)] if named else [_group(by)]
    columns = [*heads, *_SUM_COLUMNS]
    columns += [Column("simulated", numeric=True)] * simulated + [Column("unpriced", numeric=True)] * some
    told = [(row.key or _nobody(by), row.name, row.tally) for row in report.rows]
    told += [("others", "", report.others)] if report.others is not None else []
    rows = [[key, *[name] * named, *_sums(sums, simulated, some)] for key, name, sums in told]
    whole = _sums(total, simulated, some, estimated=report.estimated_requests > 0)
    lines = table(columns, [*rows, ["total", *[""] * named, *whole]], width)
    unknown = f"{total.unpriced_requests} of them cost something that nobody could tell; it is in no sum."
    guessed = f"{report.estimated_requests:,} of them broke off or did not tell their tokens: those are estimated (~)."
    notes = [unknown] * some + [guessed] * bool(report.estimated_requests)
    return [*lines, *(["", *notes] if notes else [])]


def latency(report: c.LatencyReport, width: int) -> list[str]:
    """A line for each model at each provider."""
    if not report.rows:
        return ["No streamed answer was chosen, so there is no speed to tell."]
    return table(_LATENCY_COLUMNS, [_speeds(row) for row in report.rows], width)


def repriced(report: c.RepriceReport, width: int) -> list[str]:
    """What changes, by model, and what stays because nobody can price it."""
    lines = [
        f"{report.looked_at:,} request{'' if report.looked_at == 1 else 's'} looked at; none costs another amount."
    ]
    if report.rows:
        changed = sum(row.requests for row in report.rows)
        rows = [_change(row) for row in report.rows]
        done = "have new costs" if report.written else "would have new costs"
        lines = [*table(_REPRICED_COLUMNS, rows, width), "", f"{changed:,} of {report.looked_at:,} requests {done}."]
    if report.unknown_providers:
        lines.append(f"Requests of {', '.join(report.unknown_providers)} keep theirs: no such provider is set up now.")
    return lines


def usage_json(report: c.UsageReport, by: c.UsageGroup) -> Json:
    return {
        "by": by,
        "choice": _choice(report.choice),
        "total": tally(report.total),
        "estimated_requests": report.estimated_requests,
        "others": None if report.others is None else tally(report.others),
        "rows": usage_rows(report.rows),
    }


def latency_json(report: c.LatencyReport) -> Json:
    return {"choice": _choice(report.choice), "rows": [latency_row(row) for row in report.rows]}


def latency_row(row: c.Latency) -> Json:
    return {name: getattr(row, name) for name in LATENCY_NAMES}


def repriced_json(report: c.RepriceReport) -> Json:
    return {
        "looked_at": report.looked_at,
        "written": report.written,
        "unknown_providers": list(report.unknown_providers),
        "rows": [
            {
                "provider": row.provider,
                "model": row.model,
                "requests": row.requests,
                "old_usd": c.dollars(row.old_nano_usd),
                "new_usd": c.dollars(row.new_nano_usd),
                "old_unpriced": row.old_unpriced,
                "old_sources": list(row.old_sources),
                "new_sources": list(row.new_sources),
                "simulated": row.simulated,
            }
            for row in report.rows
        ],
    }


def _choice(choice: c.Choice) -> Json:
    named: Json = {name: getattr(choice, name) for name in c.Choice.__struct_fields__}
    return named | {"since": moment(choice.since), "until": moment(choice.until)}


def _group(by: c.UsageGroup) -> Column:
    return Column(by.replace("_", " "), shrinks=True)


def _nobody(by: c.UsageGroup) -> str:
    return "no sub-agent" if by == "agent" else f"no {by}"


def _simulated(sums: c.Tally) -> str:
    """Nothing where no simulator was asked."""
    return formats.money(sums.simulated_nano_usd, simulated=True) if sums.simulated_nano_usd else ""


def _sums(sums: c.Tally, simulated: bool, unpriced_too: bool, *, estimated: bool = False) -> list[str]:
    written = sums.usage.cache_write_5m_tokens + sums.usage.cache_write_1h_tokens
    return [
        f"{sums.requests:,}",
        f"{sums.failed:,}",
        formats.count(sums.usage.prompt_tokens),
        formats.tokens(sums.usage.output_tokens, estimated=estimated),
        formats.count(sums.usage.cache_read_tokens),
        formats.count(written),
        formats.paid(sums),
        *([_simulated(sums)] if simulated else []),
        *([f"{sums.unpriced_requests:,}"] if unpriced_too else []),
    ]


def _speeds(row: c.Latency) -> list[str]:
    times = [formats.UNKNOWN if each is None else formats.duration(each) for each in (row.ttft_p50_ms, row.ttft_p95_ms)]
    rates = [formats.UNKNOWN if each is None else f"{each:.0f}" for each in (row.tokens_per_s_p50, row.tokens_per_s_p5)]
    return [row.model or "no model", row.provider or "nobody", f"{row.requests:,}", *times, *rates]


def _change(row: c.RepricedModel) -> list[str]:
    old = unpriced.told(_money(row.old_nano_usd, row), row.old_nano_usd > 0, row.old_unpriced)
    grown = row.new_nano_usd - row.old_nano_usd
    return [
        row.model or "no model",
        row.provider or "imported",
        f"{row.requests:,}",
        old,
        _money(row.new_nano_usd, row),
        f"{'-' if grown < 0 else '+'}{_money(abs(grown), row)}",
        _sources(row.old_sources, row.new_sources),
    ]


def _money(nano_usd: int, row: c.RepricedModel) -> str:
    return formats.money(nano_usd, simulated=row.simulated)


def _sources(old: Sequence[str], new: Sequence[str]) -> str:
    return ", ".join(new) if set(old) == set(new) else f"{', '.join(old)} → {', '.join(new)}"
