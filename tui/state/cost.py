"""The cost strip: what it costs, how fast, by whom, and how the providers are."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from proxy.contract import AgentTally, Budget, BudgetKind, Limit, Provider, Session, Tally
from tui.state import formats as f
from tui.state.burn import Burn
from tui.state.limits import has_reset, limit_tone, listed, nearest
from tui.state.lines import EMPTY, Line, Piece, Tone, cut, first_that_fits, line, line_cells, shown_of, spread
from tui.state.panel import PanelState
from tui.state.shares import budget_share, budget_words, context_tone, share_tone
from tui.state.text import cells, clean_line, fit, left, right
from tui.state.trouble import health_words
from tui.state.who import agent_row_name, part_money, session_money, session_name, session_names, told_apart

TODAY_WORDS = ("today, all sessions", "all today", "today")
AGENT_LIMIT = 40
SESSION_LIMIT = 8
"""Sessions shown at most: below them stand the providers."""
GAUGE_NAME, GAUGE_BAR_LEAST, GAUGE_TEXT_LEAST = 9, 4, 13
BUDGET_WORDS: dict[BudgetKind, str] = {"session": "session", "project": "project", "day": "today", "month": "month"}
COST = 9
"""Cells of an amount in a row."""
LOW = 12
"""Rows of a strip that has neither gaps nor a word on what is missing."""
ROOMY = 38
"""Cells from which on there is room for the number of requests."""


def money_of(state: PanelState, session: Session | None, *, tight: bool = False) -> str:
    """What the session cost; without one, what today cost."""
    width = COST if tight else None
    return session_money(session, width) if session is not None else f.spent(state.today, width)


def rate_of(state: PanelState, burn: Burn, session: Session | None, *, tight: bool = False) -> str:
    """Dollars per hour at the present pace."""
    tally = session.tally if session is not None else state.today
    made_up = f.all_simulated(tally) or (session is not None and session.simulated and not tally.cost_nano_usd)
    real, simulated = burn.nano_usd_per_hour, burn.simulated_nano_usd_per_hour
    return f.per_hour(real, simulated, burn.unpriced, tight=tight, made_up=made_up)


def cost_title(state: PanelState, now: float) -> str:
    """What the strip is about."""
    session = state.session_in_view(now)
    if session is not None:
        span = f.age(max(session.last_at, now if session.in_flight else 0.0) - session.started_at)
        return f"{told_apart(session, state.sessions)} · {span}"
    working = len(state.at_work(now))
    return f"today · {working} active" if working else "today"


def cost_lines(state: PanelState, burn: Burn, width: int, height: int, now: float) -> list[Line]:
    """The strip in ``width`` by ``height`` cells: the most important first, what does not fit is left out."""
    inner = width - 2
    session = state.session_in_view(now)
    tall = height >= 22
    blocks = [
        [
            *_figures(state, burn, session, inner, 2 if height > 8 else 1),
            *_graph(burn, inner, 4 if tall else 2 if height > 8 else 1),
        ],
        _shares(state, session, inner),
        _agents(session, inner) if session else _sessions(state, inner, now),
        _today(state, session, inner),
        _providers(state, inner, now),
    ]
    return [line(" ", *one) for one in _stacked([block for block in blocks if block], height)]


def _stacked(blocks: Sequence[Sequence[Line]], height: int) -> list[Line]:
    """``blocks`` below each other; where they do not fit, the gaps between them give way before any line does."""
    size = sum(map(len, blocks))
    if height <= LOW:
        return [one for block in blocks for one in block][:height]
    gaps = min(len(blocks) - 1, max(0, height - size))
    lines: list[Line] = []
    for place, block in enumerate(blocks):
        lines += [*([EMPTY] if 0 < place <= gaps else []), *block]
    return _cut_short(lines, height)


def _cut_short(lines: list[Line], height: int) -> list[Line]:
    """``lines``, or as many as leave a line that tells how many are missing."""
    if len(lines) <= height:
        return lines
    over = len(lines) - height + 1
    return [*lines[: height - 1], line(Piece(f"… {over} lines more than fit here", "dim"))]


def provider_lines(state: PanelState, width: int, height: int, now: float) -> list[Line]:
    """The providers alone, for the drawer. Where it is too low for all limits, the nearest of each; else none."""
    lines: list[Line] = []
    for limits in (_all_limits, _nearest_limit, _no_limit):
        lines = [one for provider in state.providers for one in _provider(provider, width - 2, now, limits)]
        if len(lines) <= height:
            break
    return [line(" ", *one) for one in _cut_short(lines, height)]


def graph_columns(width: int) -> int:
    """Columns of the burn graph in a strip of ``width`` cells."""
    return max(1, width - 2)


def _figures(state: PanelState, burn: Burn, session: Session | None, width: int, height: int) -> list[Line]:
    """Money, and below it how fast it and tokens go: on one line they would come and go with the length of the sum."""
    money = Piece(money_of(state, session), "strong")
    rate = Piece(rate_of(state, burn, session), "accent")
    tokens = f.count(burn.tokens_per_min)
    short = line(Piece(money_of(state, session, tight=True), "strong"))
    if height > 1:
        pace = line(f"{tokens} tok/min")
        return [
            first_that_fits([line(money), short], width),
            spread(line(rate), pace if line_cells(pace) + 10 <= width else line(f"{tokens}/min"), width),
        ]
    least = line(*short, " ", Piece(rate_of(state, burn, session, tight=True), "accent"))
    full = line(money, "  ", rate, "  ", f"{tokens} tok/min")
    return [
        first_that_fits(
            [full, line(money, "  ", rate, "  ", f"{tokens}/min"), line(money, " ", rate), least, short], width
        )
    ]


def _graph(burn: Burn, width: int, height: int) -> list[Line]:
    values = burn.columns or (0.0,) * width
    rows = [line(Piece(text, "accent")) for text in f.columns(values, height)]
    if height < 2:
        return rows
    top = max(values, default=0.0)
    scale = f"peak {f.count(top)}/min" if top else "tokens/min"
    return [*rows, spread(line(Piece("10 min ago", "dim")), line(Piece(scale, "dim")), width)]


class _Gauge(NamedTuple):
    """A bar between a name and a text."""

    name: str
    share: float
    texts: tuple[str, ...]
    """The fullest first."""
    tone: Tone


def _shares(state: PanelState, session: Session | None, width: int) -> list[Line]:
    tally = session.tally if session is not None else state.today
    gauges: list[_Gauge] = []
    if prompt := tally.usage.prompt_tokens:
        share = tally.usage.cache_read_tokens / prompt
        gauges.append(_Gauge("cache", share, (f"{f.percent(share)} read",), "good"))
    if session is not None and session.context_tokens and session.context_window:
        gauges.append(_context(session, session.context_window))
    if (budget := state.budget_in_view(session)) is not None:
        passing = session is not None and session.id in state.passing
        gauges.append(_budget(budget, "day" if session is None else "session", passing=passing))
    lines = _gauges(gauges, width)
    if session is not None and session.context_tokens and not session.context_window:
        text = f"{f.count(session.context_tokens)} tokens"
        lines.insert(1 if prompt else 0, spread(line(Piece("context", "dim")), line(text), width))
    return lines


def _context(session: Session, window: int) -> _Gauge:
    share = session.context_tokens / window
    return _Gauge("context", share, (f"{f.percent(share)} of {f.window(window)}",), context_tone(share))


def _budget(budget: Budget, usual: BudgetKind, *, passing: bool) -> _Gauge:
    """What is used of a budget, and of which where it is not the ``usual`` one."""
    limit = budget.limit_nano_usd or 0
    share, used = budget_share(budget), budget_words(budget)
    if passing:
        return _Gauge("budget", share, ("passes budgets", "passes"), "warn")
    words = f"{used} of {f.limit(limit).removesuffix('.00')}"
    whose = "" if budget.kind == usual else f" {BUDGET_WORDS[budget.kind]}"
    return _Gauge("budget", share, (words + whose, words, used), share_tone(share, 1.0))


def _gauges(gauges: Sequence[_Gauge], width: int) -> list[Line]:
    """Bars of one length, beside texts of which each is told as fully as it fits."""
    most = width - GAUGE_NAME - GAUGE_BAR_LEAST - 1
    texts = [next((text for text in one.texts if cells(text) <= most), one.texts[-1]) for one in gauges]
    room = max([GAUGE_TEXT_LEAST, *(cells(text) + 1 for text in texts)])
    return [
        _gauge(one.name, one.share, text, width, one.tone, (GAUGE_NAME, room))
        for one, text in zip(gauges, texts, strict=True)
    ]


def _gauge(name: str, share: float, text: str, width: int, tone: Tone, sides: tuple[int, int]) -> Line:
    """A bar between a name and a text of fixed widths (``sides``)."""
    room = max(GAUGE_BAR_LEAST, width - sum(sides))
    filled, rest = f.bar(share, room)
    label = left(fit(name, sides[0] - 1), sides[0])
    return line(
        Piece(label, "dim"),
        Piece(filled, tone),
        Piece(rest, "dim"),
        Piece(right(text, max(0, width - sides[0] - room))),
    )


def _agents(session: Session, width: int) -> list[Line]:
    """The conversation, its latest sub-agents in their order, the background."""
    recent = sorted(session.agents, key=lambda one: (one.role == "agent", -one.last_at))[:AGENT_LIMIT]
    return [_agent(agent, width, made_up=session.simulated) for agent in sorted(recent, key=_place)]


def _place(agent: AgentTally) -> tuple[int, int]:
    return {"main": 0, "agent": 1, "background": 2}[agent.role], agent.ordinal


def _agent(agent: AgentTally, width: int, *, made_up: bool) -> Line:
    name = Piece(agent_row_name(agent), "plain" if agent.in_flight else "dim")
    doing = Piece("● working" if agent.in_flight else "", "accent")
    tally = agent.tally
    money = part_money(tally, COST, simulated=made_up) if tally.requests else ""
    return _tally_line(name, agent.tally, money, doing, width)


def _sessions(state: PanelState, width: int, now: float) -> list[Line]:
    working = state.at_work(now)
    names = session_names(working)
    room = _name_room(width)
    shown = working[: shown_of(len(working), SESSION_LIMIT)]
    lines = [_session(one, _told_apart_in(names[one.id], session_name(one), room), width) for one in shown]
    more = len(working) - len(lines)
    return [*lines, line(Piece(f"and {more} more", "dim"))] if more else lines


def _told_apart_in(name: str, project: str, room: int) -> str:
    """``name`` in ``room`` cells: what stands behind ``project`` tells it from others, so the project gives way."""
    apart = name.removeprefix(project)
    return name if cells(name) <= room or not apart else f"{fit(project, max(2, room - cells(apart)))}{apart}"


def _session(session: Session, name: str, width: int) -> Line:
    share = session.context_tokens / session.context_window if session.context_window else None
    doing = Piece("● working" if session.in_flight else f"ctx {f.percent(share)}" if share else "idle", "dim")
    if session.in_flight:
        doing = doing._replace(tone="accent")
    return _tally_line(Piece(name), session.tally, session_money(session, COST), doing, width)


def _tally_line(name: Piece, tally: Tally, amount: str, doing: Piece, width: int) -> Line:
    money = f.aligned(amount, COST)
    roomy = width >= ROOMY
    requests = right(f"{f.count(tally.requests)}×", 6) if roomy else ""
    last = right(doing.text if roomy else doing.text.removeprefix("● "), 10 if roomy else 9)
    name = name._replace(text=left(name.text, _name_room(width)))
    return cut(line(name, money, Piece(requests, "dim"), doing._replace(text=last)), width)


def _name_room(width: int) -> int:
    """Cells of a name before money, requests and what it does."""
    return max(6, width - (25 if width >= ROOMY else 18))


def _today(state: PanelState, session: Session | None, width: int) -> list[Line]:
    lines: list[Line] = []
    tally = session.tally if session is not None else state.today
    if session is not None:
        today = f.spent(state.today)
        words = next((each for each in TODAY_WORDS if cells(each) + cells(today) < width), TODAY_WORDS[-1])
        lines.append(spread(line(Piece(words, "dim")), line(today), width))
    if tally.unpriced_requests:
        many = "s" * (tally.unpriced_requests > 1)
        lines.append(line(Piece(f"{tally.unpriced_requests} request{many} without a known price", "warn")))
    if tally.simulated_nano_usd:
        lines.append(line(Piece(f"{f.SIMULATED} marks simulated money", "dim")))
    return lines


def _providers(state: PanelState, width: int, now: float) -> list[Line]:
    return [one for provider in state.providers for one in _provider(provider, width, now, _all_limits)]


_Limits = Callable[[Provider, float], list[Limit]]
"""Which limits of a provider are told."""


def _all_limits(provider: Provider, now: float) -> list[Limit]:
    return listed(provider.limits, now)


def _nearest_limit(provider: Provider, now: float) -> list[Limit]:
    """The one that decides; where none stands, one that began anew lately, so that the lines below stay."""
    decisive = nearest(provider.limits, now)
    return [decisive] if decisive is not None else listed(provider.limits, now)[:1]


def _no_limit(_provider: Provider, _now: float) -> list[Limit]:
    return []


def _provider(provider: Provider, width: int, now: float, limits: _Limits) -> list[Line]:
    """How it is, and its ``limits``."""
    glyph, word, tone = health_words(provider, now)
    health = line(Piece(f" {word}", "plain" if tone in ("warn", "bad") else "dim"))
    head = spread(line(Piece(glyph, tone), " ", clean_line(provider.name)), health, width)
    return [head, *(_limit(limit, width, now) for limit in limits(provider, now))]


def _limit(limit: Limit, width: int, now: float) -> Line:
    room = 17 if width >= ROOMY else 11
    name = f"  {clean_line(limit.name)}"
    name = name if cells(name) < room else name.removesuffix("tokens").rstrip(" -")
    if has_reset(limit, now):
        return _gauge(name, 0.0, "reset", width, "dim", (room, 6))
    return _gauge(name, limit.used, f.percent(limit.used), width, limit_tone(limit), (room, 6))
