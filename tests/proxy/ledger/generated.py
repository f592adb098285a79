"""Ended requests made at random, and their plain sums: what the ledger's roll-ups are held against."""

import random
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from proxy import contract as c
from proxy.board import add

BEGIN = datetime.fromisoformat("2026-03-25T00:00:00+00:00").timestamp()
"""Clocks go forward in Europe four days later."""

KEYS: dict[c.UsageGroup, Callable[[c.Request], str]] = {
    "session": lambda each: each.session_id or "",
    "agent": lambda each: each.agent_id or "",
    "role": lambda each: each.role,
    "model": lambda each: each.served_model or each.target_model or each.asked_model or "",
    "provider": lambda each: each.provider or "",
    "project": lambda each: each.project or "",
    "hour": lambda each: local(each).strftime("%Y-%m-%d %H:00"),
    "day": lambda each: local(each).strftime("%Y-%m-%d"),
    "week": lambda each: local(each).strftime("%G-W%V"),
    "month": lambda each: local(each).strftime("%Y-%m"),
    "hour_of_day": lambda each: local(each).strftime("%H"),
}


def requests(seed: int, count: int, days: float) -> list[c.Request]:
    """``count`` requests over ``days``; some begin exactly where a quarter, an hour or a day does."""
    chance = random.Random(seed)
    return [request(chance, f"r{seed}-{number}", days) for number in range(count)]


def request(chance: random.Random, name: str, days: float) -> c.Request:
    agent = chance.choice([None, None, "a-1", "a-2"])
    moment = BEGIN + chance.uniform(0, days * 86400)
    moment -= moment % chance.choice([0.001, 0.001, 1, 900, 3600, 86400])
    ttft_ms = chance.choice([None, chance.uniform(20, 90_000)])
    nano_usd = chance.choice([None, 0, chance.randrange(10**9)])
    return c.Request(
        id=name,
        started_at=moment,
        phase="done",
        kind="messages" if chance.random() < 0.9 else "count_tokens",
        outcome=chance.choice(["served", "served", "failed", "cancelled", "broken"]),
        session_id=chance.choice([None, "s-1", "s-2", "s-3"]),
        agent_id=agent,
        role="agent" if agent else chance.choice(["main", "background"]),
        project=chance.choice([None, "shop", "site"]),
        provider=chance.choice([None, "first", "second"]),
        asked_model="claude-opus-4-8",
        target_model=chance.choice([None, "claude-opus-4-8"]),
        served_model=chance.choice([None, "claude-opus-4-8", "gpt-5.5"]),
        streaming=chance.random() < 0.9,
        ttft_ms=ttft_ms,
        duration_ms=chance.choice([None, (ttft_ms or 0) + chance.uniform(0, 60_000)]),
        usage=usage(chance),
        cost_nano_usd=nano_usd,
        cost_source=chance.choice(["reported", "listed", "unknown"]),
        cost_split=split(chance, nano_usd),
        simulated=chance.random() < 0.2,
        subscription=chance.random() < 0.2,
    )


def split(chance: random.Random, nano_usd: int | None) -> c.CostSplit | None:
    """Parts that add up to ``nano_usd``, or none."""
    if nano_usd is None or chance.random() < 0.3:
        return None
    cuts = sorted(chance.randint(0, nano_usd) for _ in range(4))
    parts = [end - begin for begin, end in zip((0, *cuts), (*cuts, nano_usd), strict=True)]
    names = ("input", "output", "cache_read", "cache_write", "searches")
    return c.CostSplit(**dict(zip(names, parts, strict=True)), divided=chance.random() < 0.3)


def usage(chance: random.Random) -> c.Usage:
    return c.Usage(
        input_tokens=chance.randrange(1000),
        output_tokens=chance.randrange(1000),
        cache_read_tokens=chance.randrange(100_000),
        cache_write_5m_tokens=chance.randrange(1000),
        cache_write_1h_tokens=chance.randrange(1000),
        web_searches=chance.randrange(3),
    )


def choice(chance: random.Random, days: float) -> c.Choice:
    """A choice of any fields; its borders are often where something begins."""

    def border() -> float | None:
        moment = BEGIN + chance.uniform(-1, days + 1) * 86400
        return chance.choice([None, moment, moment - moment % 900, moment - moment % 86400])

    def maybe(*values: str) -> str | None:
        return chance.choice([None, None, None, "", *values])

    return c.Choice(
        since=border(),
        until=border(),
        project=maybe("shop", "site"),
        provider=maybe("first", "second", "nobody"),
        model=maybe("claude-opus-4-8", "gpt-5.5"),
        session=maybe("s-1", "s-2"),
        agent=maybe("a-1", "a-2"),
        role=chance.choice([None, None, "main", "agent", "background"]),
    )


def chosen(rows: Iterable[c.Request], choice: c.Choice) -> list[c.Request]:
    """Those of ``rows`` that ``choice`` means, one after the other."""
    return [each for each in rows if each.kind == "messages" and _matches(each, choice)]


def report(rows: Sequence[c.Request], choice: c.Choice, by: c.UsageGroup) -> c.UsageReport:
    """The sums as anybody would take them."""
    groups: dict[str, c.Tally] = {}
    for each in chosen(rows, choice):
        groups[KEYS[by](each)] = add(groups.get(KEYS[by](each), c.Tally()), each)
    total = c.Tally()
    for each in chosen(rows, choice):
        total = add(total, each)
    return c.UsageReport(
        total=total,
        rows=tuple(c.UsageRow(key=key, tally=tally) for key, tally in sorted(groups.items())),
        choice=choice,
    )


def local(each: c.Request) -> datetime:
    return datetime.fromtimestamp(each.started_at).astimezone()


def _matches(each: c.Request, choice: c.Choice) -> bool:
    began = each.started_at
    if (choice.since is not None and began < choice.since) or (choice.until is not None and began >= choice.until):
        return False
    texts = {
        "project": each.project,
        "provider": each.provider,
        "model": KEYS["model"](each),
        "session": each.session_id,
        "agent": each.agent_id,
        "role": each.role,
    }
    return all(getattr(choice, name) in (None, text or "") for name, text in texts.items())
