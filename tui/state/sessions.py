"""The sessions as a table: one line each, and the sums of today above them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from proxy.contract import Request, Session, Tally
from tui.state import formats as f
from tui.state.burn import LONGEST_S, RATE_WINDOW_S, burn
from tui.state.lines import Line, Piece, Tone, cut, line
from tui.state.panel import PanelState
from tui.state.shares import context_tone
from tui.state.text import cells, clean_line, fit, left, right
from tui.state.who import session_money

AT_WORK_S = 300.0
"""A session is at work while its last request is not older."""
NAME_MIN, NAME_MAX = 14, 26
MODELS_MIN = 14
MARK = 3
COST = 9
LATELY = f"{RATE_WINDOW_S / 60:.0f} min"
"""The column of rates, which tells their span: beside it stand those of other spans."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Money of a session by the hour, at the pace of the last two minutes."""

    nano_usd: float = 0.0
    simulated_nano_usd: float = 0.0
    unpriced: int = 0
    """Requests of that time without a known price."""

    @property
    def words(self) -> str:
        if not (self.nano_usd or self.simulated_nano_usd or self.unpriced):
            return ""
        return f.per_hour(self.nano_usd, self.simulated_nano_usd, self.unpriced, tight=True)


NO_RATE = Rate()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of figures at the right edge."""

    title: str
    width: int
    rank: int
    """The lower, the longer it stays on a narrow screen."""


COLUMNS: tuple[Column, ...] = (
    Column("lasted", 10, 4),
    Column("req", 5, 5),
    Column("tokens", 6, 6),
    Column("cost", COST, 1),
    Column(LATELY, 10, 2),
    Column("hit", 5, 7),
    Column("ctx", 5, 3),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one width."""

    name: int
    models: int
    """0: not shown."""
    figures: tuple[Column, ...]


def ordered(sessions: Iterable[Session], now: float) -> list[Session]:
    """The latest activity first. Activity counts by the minute, so that rows do not change places with each request;
    of the same minute, the youngest session first."""
    return sorted(sessions, key=lambda one: (*_place(one, now), one.id))


def rates(newest_first: Iterable[Request], now: float) -> dict[str, Rate]:
    """What each session spends by the hour."""
    lately: dict[str, list[Request]] = {}
    for request in newest_first:
        if request.started_at < now - RATE_WINDOW_S - LONGEST_S:
            break
        lately.setdefault(request.session_id or "", []).append(request)
    found = {key: burn(some, now, 1) for key, some in lately.items()}
    return {
        key: Rate(one.nano_usd_per_hour, one.simulated_nano_usd_per_hour, one.unpriced) for key, one in found.items()
    }


def sessions_title(state: PanelState, now: float) -> Line:
    """The line on top."""
    working = sum(_working(one, now) for one in state.sessions.values())
    told = f"   {len(state.sessions)} known, {working} active lately" if state.sessions else "   none was seen yet"
    return line(" ", Piece("sessions", "strong"), Piece(told, "dim"))


def session_titles(width: int) -> Line:
    """The titles over the rows."""
    plan = layout(width)
    figures = "".join(f" {right(column.title, column.width)}" for column in plan.figures)
    models = f" {left('models', plan.models)}" if plan.models else ""
    return cut(line(Piece(f"{' ' * MARK}{left('project', plan.name)}{models}{figures}", "dim")), width)


def session_row(session: Session, name: str, rate: Rate, width: int, now: float) -> Line:
    """A session in ``width`` cells."""
    mark = Piece(" ● ", "accent") if session.in_flight else Piece(" ○ " if _working(session, now) else "   ", "dim")
    share = session.context_tokens / session.context_window if session.context_window else None
    full = context_tone(share or 0.0, "plain")
    figures = _figures(session.tally, session_money(session, COST), rate) | {
        "lasted": (f.age(max(session.last_at, now if session.in_flight else 0.0) - session.started_at), "dim"),
        "ctx": (f.percent(share) if share is not None else "", full),
    }
    models = mix(session.models, layout(width).models)
    return _row(mark, Piece(name, "strong" if session.in_flight else "plain"), models, figures, width)


def all_row(state: PanelState, known: Mapping[str, Rate], width: int) -> Line:
    """The sums of all sessions."""
    rates = known.values()
    total = Rate(
        sum(one.nano_usd for one in rates),
        sum(one.simulated_nano_usd for one in rates),
        sum(one.unpriced for one in rates),
    )
    figures = _figures(state.today, f.spent(state.today, COST), total) | {"lasted": ("today", "dim")}
    return _row(Piece("   "), Piece("All sessions", "strong"), "", figures, width)


def mix(models: Mapping[str, int], width: int) -> str:
    """The models of a session with their share of its requests, in ``width`` cells: ``opus-4-8 62% +2``."""
    short: Counter[str] = Counter()
    for model, requests in models.items():
        short[f.short_model(model)] += requests
    whole = short.total()
    if len(short) < 2:
        return fit("".join(short), width)
    words = [f"{name} {f.percent(requests / whole)}" for name, requests in short.most_common()]
    texts = (f"{' '.join(words[:some])} +{len(words) - some}" for some in range(len(words) - 1, 0, -1))
    return next((text for text in (" ".join(words), *texts) if cells(text) <= width), fit(words[0], width))


@lru_cache(maxsize=16)
def layout(width: int) -> Layout:
    """The columns that fit in ``width`` cells."""
    room = width - MARK - NAME_MIN
    taken = []
    for column in sorted(COLUMNS, key=lambda one: one.rank):
        if column.width + 1 > room:
            break
        taken.append(column)
        room -= column.width + 1
    models = min(44, room - 1) if len(taken) == len(COLUMNS) and room > MODELS_MIN else 0
    room -= models + 1 if models else 0
    return Layout(
        NAME_MIN + min(NAME_MAX - NAME_MIN, max(0, room)), models, tuple(one for one in COLUMNS if one in taken)
    )


def _working(session: Session, now: float) -> bool:
    return bool(session.in_flight) or now - session.last_at < AT_WORK_S


def _place(session: Session, now: float) -> tuple[int, float]:
    quiet = 0.0 if session.in_flight else max(0.0, now - session.last_at)
    return int(quiet // 60), -session.started_at


def _figures(tally: Tally, money: str, rate: Rate) -> dict[str, tuple[str, Tone]]:
    prompt = tally.usage.prompt_tokens
    return {
        "req": (f.count(tally.requests), "plain"),
        "tokens": (f.count(tally.usage.total_tokens), "plain"),
        "cost": (money, "strong"),
        LATELY: (rate.words, "accent"),
        "hit": (f.percent(tally.usage.cache_read_tokens / prompt) if prompt else "", "dim"),
    }


def _row(mark: Piece, name: Piece, models: str, figures: Mapping[str, tuple[str, Tone]], width: int) -> Line:
    plan = layout(width)
    pieces = [mark, name._replace(text=left(clean_line(name.text), plan.name))]
    if plan.models:
        pieces.append(Piece(f" {left(models, plan.models)}", "dim"))
    for column in plan.figures:
        text, tone = figures.get(column.title, ("", "plain"))
        shown = f.aligned(text, column.width) if column.title == "cost" else right(text, column.width)
        pieces.append(Piece(f" {shown}", tone))
    return cut(tuple(pieces), width)
