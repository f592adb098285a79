"""The tables of a report, as words that HTML and Markdown lay out. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from proxy import contract as c
from tui.report.facts import SessionFacts
from tui.state.formats import count, date, duration, money, percent, spent


@dataclass(frozen=True, slots=True)
class Table:
    """A title, the columns' names and their rows; columns from ``numbers`` on hold numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: int = 1


def summary(facts: SessionFacts) -> list[tuple[str, str]]:
    """The session in a few figures: name and value."""
    tally = facts.report.tally
    usage = tally.usage
    figures = [
        ("Cost", spent(tally)),
        ("Requests", f"{tally.requests:,}"),
        ("Tokens read", count(usage.prompt_tokens)),
        ("Tokens written", count(usage.output_tokens)),
        ("From the cache", percent(usage.cache_read_tokens / usage.prompt_tokens) if usage.prompt_tokens else "-"),
        ("Duration", duration((facts.ended - facts.began) * 1000)),
    ]
    if tally.failed:
        figures.append(("Failed", f"{tally.failed:,}"))
    return figures


def notes(facts: SessionFacts) -> list[str]:
    """What the figures do not say by themselves."""
    tally = facts.report.tally
    said = [
        (tally.unpriced_requests, "without a known price: in no sum of money"),
        (facts.subscription, "paid by a subscription: their cost is what the list price would be"),
        (facts.estimated, "broke off or did not tell their tokens: estimates"),
        (facts.imported, "read from transcripts of Claude Code: at list price"),
    ]
    lines = [f"{number:,} request{'s' * (number != 1)} {what}." for number, what in said if number]
    if tally.simulated_nano_usd:
        lines.append("Amounts with ~ are the simulator's: nobody pays them, and they are in no sum of real money.")
    if facts.report.in_proportion_nano_usd:
        share = money(facts.report.in_proportion_nano_usd)
        lines.append(f"{share} were split into kinds in the proportion of prices: only their sum is known.")
    return lines


def tables(facts: SessionFacts) -> Sequence[Table]:
    return (_models(facts), _threads(facts), _costliest(facts))


def _models(facts: SessionFacts) -> Table:
    columns = ("Model", "Provider", "Requests", "Input", "Cache read", "Cache write", "Output", "Cost")
    return Table("By model", columns, tuple(_model(one) for one in facts.report.by_model), numbers=2)


def _model(one: c.ModelCost) -> tuple[str, ...]:
    usage = one.tally.usage
    return (
        one.model or "?",
        one.provider or "?",
        f"{one.tally.requests:,}",
        f"{usage.input_tokens:,}",
        f"{usage.cache_read_tokens:,}",
        f"{usage.cache_write_5m_tokens + usage.cache_write_1h_tokens:,}",
        f"{usage.output_tokens:,}",
        spent(one.tally),
    )


def _threads(facts: SessionFacts) -> Table:
    rows = tuple(
        (one.name, f"{one.tally.requests:,}", f"{one.tally.usage.total_tokens:,}", spent(one.tally))
        for one in facts.threads
    )
    return Table("By thread", ("Thread", "Requests", "Tokens", "Cost"), rows)


def _costliest(facts: SessionFacts) -> Table:
    columns = ("Began", "Asked", "Served", "Provider", "Outcome", "Tokens", "Took", "Cost")
    return Table("The costliest requests", columns, tuple(_request(row) for row in facts.costliest), numbers=5)


def _request(row: c.Request) -> tuple[str, ...]:
    return (
        date(row.started_at),
        row.asked_model or "?",
        row.served_model or row.target_model or "?",
        row.provider or "?",
        row.outcome or "?",
        f"{row.usage.total_tokens:,}",
        duration(row.duration_ms) if row.duration_ms is not None else "-",
        money(row.cost_nano_usd, simulated=row.simulated),
    )
