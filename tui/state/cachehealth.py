"""How the prompt cache serves a session, as lines to read: shares, tokens, money, and the last breaks with reasons."""

from collections.abc import Iterator

from proxy.contract import CacheBreak, CacheReport, Session
from tui.state import formats as f
from tui.state.lines import EMPTY, Line, Piece, Tone, cut, line
from tui.state.text import clean_line, left, right, wrap
from tui.state.who import agent_name

LABEL = 17
GRAPH_ROWS = 3
NO_BREAK = "No request since the engine started lost what the one before had left in the cache."
SAVED = "reading instead of sending anew, less what writing cost more"
LOST = "sending anew what was lost, less what reading costs"


def cache_title(name: str) -> Line:
    """The line on top."""
    return line(" ", Piece("prompt cache", "strong"), Piece(f"   {name}", "dim"))


def cache_lines(report: CacheReport, session: Session | None, width: int, now: float) -> list[Line]:
    """The report in ``width`` cells; ``session`` tells the numbers of its agents."""
    usage = report.tally.usage
    if not usage.prompt_tokens:
        return [line(Piece("   Nothing was asked in this session yet.", "dim"))]
    lines = [*_graph(report, width), *_tokens(report), EMPTY, *_money(report, width), EMPTY]
    lines.append(line(" ", Piece("last breaks", "accent")))
    if not report.breaks:
        return [*lines, *(line("   ", Piece(row, "dim")) for row in wrap(NO_BREAK, max(20, width - 4)))]
    numbers = {agent.agent_id: agent.ordinal for agent in session.agents} if session is not None else {}
    for broken in report.breaks:
        lines += _break(broken, numbers, width, now)
    return lines


def _graph(report: CacheReport, width: int) -> Iterator[Line]:
    """Hit shares of the conversation's last requests; the scale is 0 to 100 %."""
    usage = report.tally.usage
    share = usage.cache_read_tokens / usage.prompt_tokens
    yield line(
        Piece(f"   {left('hit share', LABEL)}", "dim"),
        Piece(f.percent(share), "strong"),
        Piece(f"   of {f.count(usage.prompt_tokens)} prompt tokens", "dim"),
    )
    room = max(1, width - LABEL - 6)
    shares = report.shares[-room:]
    if len(shares) < 2:
        return
    yield EMPTY
    rows = _columns(shares)
    for number, row in enumerate(rows):
        label = f"last {len(shares)} requests" if number == 0 else "100% at the top" if number == 1 else ""
        yield line(Piece(f"   {left(label, LABEL)}", "dim"), Piece(row, "accent"))
    yield EMPTY


def _columns(shares: tuple[float, ...]) -> list[str]:
    """As a graph whose top is 100 %: the added column at its end sets the scale and is taken off again."""
    return [row[:-1] for row in f.columns((*shares, 1.0), GRAPH_ROWS)]


def _tokens(report: CacheReport) -> Iterator[Line]:
    usage = report.tally.usage
    yield _count("read", usage.cache_read_tokens)
    yield _count("written, 5 min", usage.cache_write_5m_tokens)
    yield _count("written, 1 h", usage.cache_write_1h_tokens)
    yield _count("not cached", usage.input_tokens)


def _count(name: str, tokens: int) -> Line:
    return line(Piece(f"   {left(name, LABEL)}", "dim"), Piece(right(f"{tokens:,}", 13)), Piece("  tokens", "dim"))


def _money(report: CacheReport, width: int) -> Iterator[Line]:
    saved, lost = amounts(report)
    negative = (report.saved_nano_usd or report.simulated_saved_nano_usd or 0) < 0
    yield from _told("saved", saved, "warn" if negative else "good", SAVED, width)
    yield from _told("lost", lost, "warn" if report.breaks else "plain", LOST, width)


def _told(name: str, amount: str, tone: Tone, words: str, width: int) -> Iterator[Line]:
    first = line(Piece(f"   {left(name, LABEL)}", "dim"), Piece(right(amount, 13), tone))
    if width >= LABEL + 18 + len(words):
        yield line(*first, Piece(f"  {words}", "dim"))
    else:
        yield first


def _break(broken: CacheBreak, numbers: dict[str | None, int], width: int, now: float) -> Iterator[Line]:
    who = agent_name("agent", numbers.get(broken.agent_id)) if broken.agent_id else "main"
    cost = f.money(broken.lost_nano_usd, simulated=broken.simulated)
    when = f.clock(broken.at) if now - broken.at < 86_400 else f.day_clock(broken.at, now)
    head = line(
        Piece(f"   {left(when, 10)}", "dim"),
        Piece(left(who, 6)),
        Piece(right(f.count(broken.lost_tokens), 6), "strong"),
        Piece(" lost", "dim"),
        Piece(f.aligned(cost, 10), "strong"),
        Piece(f"   read {f.percent(broken.read_before)} → {f.percent(broken.read_after)}", "dim"),
    )
    yield cut(head, width - 1)
    for row in wrap(clean_line(broken.reason), max(20, width - 14)):
        yield line(Piece(f"{'':13}{row}"))


def amounts(report: CacheReport) -> tuple[str, str]:
    """What was saved and what was lost, in words."""
    made_up = f.all_simulated(report.tally)
    saved = _amount(report.saved_nano_usd, report.simulated_saved_nano_usd, made_up=made_up)
    return saved, _amount(report.lost_nano_usd, report.simulated_lost_nano_usd, made_up=made_up)


def _amount(real_nano_usd: int | None, simulated_nano_usd: int, *, made_up: bool) -> str:
    """Real and simulated money side by side, below zero with a minus; nothing is simulated too where all is."""
    if real_nano_usd is None:
        return f.UNKNOWN
    shown = made_up or simulated_nano_usd != 0
    parts = [_signed(real_nano_usd)] if real_nano_usd or not shown else []
    parts += [_signed(simulated_nano_usd, simulated=True)] if simulated_nano_usd or not parts else []
    return " and ".join(parts)


def _signed(nano_usd: int, *, simulated: bool = False) -> str:
    amount = f.money(abs(nano_usd))
    return f"{f.SIMULATED if simulated else ''}{'-' if nano_usd < 0 else ''}{amount}"
