"""What ``cctui context`` and ``cctui cache`` print, for people and as JSON. Pure."""

from collections.abc import Iterable

from proxy import contract as c
from tui.cli.json_output import moment, tally
from tui.cli.tables import Column, table
from tui.state import formats
from tui.state.cachehealth import NO_BREAK, amounts
from tui.state.context import COUNTED, ESTIMATED, KINDS, NOT_KEPT
from tui.state.text import clean_line

ITEM_COLUMNS = (
    Column("part"),
    Column("what", shrinks=True),
    Column("pieces", numeric=True, drop=2),
    Column("tokens", numeric=True),
    Column("share", numeric=True, drop=1),
)
BREAK_COLUMNS = (
    Column("time"),
    Column("agent", shrinks=True, drop=3),
    Column("lost", numeric=True),
    Column("cost", numeric=True),
    Column("read", drop=2),
    Column("why", shrinks=True),
)


def context(report: c.ContextReport, width: int) -> list[str]:
    """The whole, the parts, what they are made of, and the biggest pieces."""
    if not report.tokens:
        return ["Nothing was asked in this conversation yet."]
    full = f" of {report.window:,}, {formats.percent(report.tokens / report.window)} full" if report.window else ""
    model = clean_line(report.model or formats.UNKNOWN)
    lines = [f"{report.tokens:,} tokens{full}, {model}", COUNTED if report.counted else ESTIMATED, ""]
    if not report.parts:
        return [*lines, NOT_KEPT]
    rows = [(KINDS[each.kind], "", each) for each in report.parts]
    rows += [(KINDS[each.kind], each.name, each) for each in report.items]
    lines += table(ITEM_COLUMNS, [_item(part, name, each, report.tokens) for part, name, each in rows], width)
    biggest = [_item(KINDS[each.kind], each.name, each, report.tokens) for each in report.biggest]
    return [*lines, "", "biggest pieces", *table(ITEM_COLUMNS, biggest, width)] if biggest else lines


def cache(report: c.CacheReport, now: float, width: int) -> list[str]:
    """The shares, the tokens, the money, and the last breaks."""
    usage = report.tally.usage
    if not usage.prompt_tokens:
        return ["Nothing was asked in this session yet."]
    share = formats.percent(usage.cache_read_tokens / usage.prompt_tokens)
    saved, lost = amounts(report)
    facts = (
        ("hit share", f"{share} of {usage.prompt_tokens:,} prompt tokens"),
        ("read", f"{usage.cache_read_tokens:,} tokens"),
        ("written", f"{usage.cache_write_5m_tokens:,} for 5 minutes, {usage.cache_write_1h_tokens:,} for 1 hour"),
        ("not cached", f"{usage.input_tokens:,} tokens"),
        ("saved", saved),
        ("lost", lost),
    )
    lines = [f"{name:<11}{text}" for name, text in facts]
    if not report.breaks:
        return [*lines, "", NO_BREAK]
    return [*lines, "", *table(BREAK_COLUMNS, [_break(each, now) for each in report.breaks], width)]


def context_json(report: c.ContextReport) -> dict[str, object]:
    return {
        "session_id": report.session_id,
        "agent_id": report.agent_id,
        "request_id": report.request_id,
        "model": report.model,
        "window": report.window,
        "tokens": report.tokens,
        "counted": report.counted,
        "parts": _items(report.parts),
        "items": _items(report.items),
        "biggest": _items(report.biggest),
    }


def cache_json(report: c.CacheReport) -> dict[str, object]:
    """Money is dollars; null where a price is not known. Simulated money stands apart."""
    return {
        "session_id": report.session_id,
        **tally(report.tally),
        "saved_usd": _dollars(report.saved_nano_usd),
        "simulated_saved_usd": c.dollars(report.simulated_saved_nano_usd),
        "lost_usd": _dollars(report.lost_nano_usd),
        "simulated_lost_usd": c.dollars(report.simulated_lost_nano_usd),
        "shares": list(report.shares),
        "breaks": [
            {
                "at": moment(each.at),
                "request_id": each.request_id,
                "agent_id": each.agent_id,
                "reason": each.reason,
                "lost_tokens": each.lost_tokens,
                "lost_usd": _dollars(each.lost_nano_usd),
                "simulated": each.simulated,
                "read_before": each.read_before,
                "read_after": each.read_after,
            }
            for each in report.breaks
        ],
    }


def _item(part: str, name: str, item: c.ContextItem, whole: int) -> list[str]:
    return [part, name, str(item.count), f"{item.tokens:,}", formats.percent(item.tokens / max(1, whole))]


def _items(items: Iterable[c.ContextItem]) -> list[dict[str, object]]:
    return [{"kind": each.kind, "name": each.name, "tokens": each.tokens, "count": each.count} for each in items]


def _break(broken: c.CacheBreak, now: float) -> list[str]:
    return [
        formats.day_clock(broken.at, now),
        broken.agent_id or "main",
        formats.count(broken.lost_tokens),
        formats.money(broken.lost_nano_usd, simulated=broken.simulated),
        f"{formats.percent(broken.read_before)} → {formats.percent(broken.read_after)}",
        broken.reason,
    ]


def _dollars(nano_usd: int | None) -> float | None:
    return None if nano_usd is None else c.dollars(nano_usd)
