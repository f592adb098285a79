"""A request as a row of the list: which columns fit a width, and what stands in them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from proxy.contract import Request
from tui.state import formats as f
from tui.state.lines import Line, Piece, Tone, cut
from tui.state.text import cells, clean_line, fit, left, right
from tui.state.who import ARROW, agent_name, models

SPINNER = "◐◓◑◒"
GLYPHS: dict[str, tuple[str, Tone]] = {
    "served": ("✓", "good"),
    "failed": ("✗", "bad"),
    "broken": ("✗", "bad"),
    "cancelled": ("⊘", "dim"),
}
MODEL_MIN = 19
"""Cells that the models keep before a further column is taken in."""
MODEL_MAX = 44
NARROWEST = 30
"""Below this width the models keep less."""
COST = 8
PROVIDER = 11
"""One cell for the mark of a fallback, ten for the name."""
PROVIDER_SPARE = 6
"""Further cells for the name where the models have ``MODELS_WELL``."""
OVER_BUDGET = 402
"""The status that the engine answers with itself, where nobody was asked."""
MODELS_WELL = 21
ASKED, ASKED_LEAST = 8, 4
"""Cells of the asked model beside a served one that is cut, and beside one that is whole."""
STATE = 9
COUNT = " count"
"""Stands behind the models of a count of tokens, and says why there are no figures: it is never cut."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of fixed width. ``rank``: the lower, the later it is dropped."""

    name: str
    title: str
    width: int
    rank: int
    number: bool = False


COLUMNS = (
    Column("time", "", 8, 2),
    Column("mark", "", 1, 0),
    Column("who", "", 4, 0),
    Column("project", "", 12, 10),
    Column("models", "", 0, 0),
    Column("provider", "", PROVIDER, 4),
    Column("state", "", STATE, 9),
    Column("first", "first", 5, 7, number=True),
    Column("in", "in", 5, 5, number=True),
    Column("out", "out", 5, 3, number=True),
    Column("cached", "hit", 4, 6, number=True),
    Column("speed", "tok/s", 5, 8, number=True),
    Column("cost", "cost", COST, 1, number=True),
)
"""In order of their place."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one width."""

    names: frozenset[str]
    models_width: int
    leading: tuple[str, ...]
    numbers: tuple[Column, ...]
    """The columns at the right edge."""
    provider_width: int

    @property
    def numbers_width(self) -> int:
        """With the space before each."""
        return sum(column.width + 1 for column in self.numbers)


@lru_cache(maxsize=16)
def layout(width: int) -> Layout:
    """The columns that fit in ``width`` cells."""
    models_width = MODEL_MIN if width >= NARROWEST else 8
    room = width - models_width - 1
    taken = {"models"}
    for column in sorted((one for one in COLUMNS if one.width), key=lambda one: one.rank):
        if column.width + 1 <= room:
            taken.add(column.name)
            room -= column.width + 1
    spare = min(PROVIDER_SPARE, max(0, models_width + room - MODELS_WELL)) if "provider" in taken else 0
    return Layout(
        names=frozenset(taken),
        models_width=max(1, min(MODEL_MAX, models_width + room - spare)),
        provider_width=PROVIDER + spare,
        leading=tuple(one.name for one in COLUMNS if one.name in taken and one.name in _LEADING),
        numbers=tuple(one for one in COLUMNS if one.name in taken and one.number),
    )


def titles(width: int) -> str:
    """The titles of the number columns, aligned with the right edge of ``row``."""
    return "".join(" " + right(column.title, column.width) for column in layout(width).numbers)


def older_line(keys: dict[str, str], width: int) -> Line:
    """Below the last row, where there are older requests than this list and its filter know. ``keys``: action → key."""
    text = f" older ones, which no filter here sees: {keys['spend']} {keys['served']}"
    return cut((Piece(text, "dim"),), width)


def row(request: Request, width: int, now: float, ordinal: int | None, frame: int) -> Line:
    """``request`` in ``width`` cells. One that was not served says so in words in place of its numbers."""
    plan = layout(width)
    pieces = [Piece(" ")]
    for name in plan.leading:
        pieces += [_LEADING[name](request, plan, ordinal, frame), Piece(" ")]
    pieces.pop()
    figures = _figures(request, plan, now)
    gap = width - sum(cells(piece.text) for piece in pieces) - sum(cells(piece.text) for piece in figures)
    return cut((*pieces, Piece(" " * max(0, gap)), *figures), width)


def mark(request: Request, frame: int) -> Piece:
    """How the request stands, in one cell."""
    if request.live:
        return Piece(SPINNER[frame % len(SPINNER)] if request.phase == "streaming" else "○", "accent")
    glyph, tone = GLYPHS[request.outcome or "served"]
    return Piece(glyph, tone)


def state_words(request: Request, now: float) -> str:
    """How the request stands, in words."""
    if request.phase == "waiting":
        return f"waiting {_waited(request, now)}"
    if request.phase == "streaming":
        return "streaming"
    if request.outcome == "failed":
        return clean_line(f"{request.status or ''} {last_outcome(request)}")
    return request.outcome or "served"


def _waited(request: Request, now: float) -> str:
    """A little before its beginning is at it: the engine's clock need not be this one."""
    return f.duration(max(0.0, now - request.started_at) * 1000)


def last_outcome(request: Request) -> str:
    """The table's name for how the last attempt ended, in words."""
    sent = [attempt for attempt in request.attempts if not attempt.skipped]
    if sent:
        return clean_line(sent[-1].outcome).replace("_", " ")
    if request.status == OVER_BUDGET:
        return "over budget"
    return "no target takes it" if request.attempts else "failed"


def speed(request: Request, now: float) -> float | None:
    """Output tokens per second since the first one."""
    if request.ttft_ms is None:
        return None
    length_ms = (now - request.started_at) * 1000 if request.live else (request.duration_ms or 0.0)
    span_s = (length_ms - request.ttft_ms) / 1000
    return request.usage.output_tokens / span_s if span_s > 0.2 else None


def _time(request: Request, _plan: Layout, _ordinal: int | None, _frame: int) -> Piece:
    return Piece(f.clock(request.started_at), "dim")


def _mark(request: Request, _plan: Layout, _ordinal: int | None, frame: int) -> Piece:
    return mark(request, frame)


def _who(request: Request, _plan: Layout, ordinal: int | None, _frame: int) -> Piece:
    return Piece(left(agent_name(request.role, ordinal), 4), "plain" if request.role == "main" else "dim")


def _models(request: Request, plan: Layout, _ordinal: int | None, _frame: int) -> Piece:
    text, end = models(request), COUNT if request.kind == "count_tokens" else ""
    room = plan.models_width - cells(end)
    if cells(text) > room and ARROW in text:
        asked, _, served = text.partition(f" {ARROW} ")
        text = f"{fit(asked, _asked_width(room, cells(served)))} {ARROW} {served}"
    tone: Tone = "dim" if end else "strong" if request.live else "plain"
    return Piece(left(f"{fit(text, room)}{end}", plan.models_width), tone)


def _asked_width(width: int, served: int) -> int:
    """Cells of the asked model: it gives way to the served one, unless that has to be cut all the same."""
    rest = width - served - 3
    return rest if rest >= ASKED_LEAST else max(ASKED_LEAST, min(ASKED, (width - 3) // 2))


def _provider(request: Request, plan: Layout, _ordinal: int | None, _frame: int) -> Piece:
    name = clean_line(request.provider or "")
    if request.fell_back:
        return Piece(left(f"⇄{name}", plan.provider_width), "warn")
    return Piece(left(f" {name}", plan.provider_width), "dim")


def _project(request: Request, _plan: Layout, _ordinal: int | None, _frame: int) -> Piece:
    return Piece(left(clean_line(request.project or ""), 12), "dim")


_LEADING: dict[str, Callable[[Request, Layout, int | None, int], Piece]] = {
    "time": _time,
    "mark": _mark,
    "who": _who,
    "project": _project,
    "models": _models,
    "provider": _provider,
}


def _figures(request: Request, plan: Layout, now: float) -> list[Piece]:
    words = _words(request, now)
    if words is None:
        state = [Piece(" " + left(state_words(request, now), STATE), "dim")] if "state" in plan.names else []
        return [*state, *_numbers(request, plan, now)]
    long, short, tone = words
    if "state" in plan.names:
        return [Piece(" " + left(long, plan.numbers_width + STATE), tone)]
    room = plan.numbers_width - 1
    text = long if cells(long) <= room else short
    return [Piece(" " + right(text, room), tone)] if room > 0 else []


def _words(request: Request, now: float) -> tuple[str, str, Tone] | None:
    """What is said in place of numbers, long and short, where there are none."""
    if request.phase == "waiting":
        return state_words(request, now), _waited(request, now), "dim"
    if request.outcome == "failed":
        return state_words(request, now), str(request.status or "failed"), "bad"
    if request.outcome in ("cancelled", "broken") and not request.usage.total_tokens:
        return request.outcome, request.outcome, "dim" if request.outcome == "cancelled" else "bad"
    return None


def _numbers(request: Request, plan: Layout, now: float) -> list[Piece]:
    texts = {
        "first": f.duration(request.ttft_ms) if request.ttft_ms is not None else "",
        "in": f.count(request.usage.prompt_tokens) if request.usage.prompt_tokens else "",
        "out": f.output_tokens(request),
        "cached": _hit(request),
        "speed": f"{pace:.0f}" if (pace := speed(request, now)) is not None else "",
        "cost": f.aligned(_cost(request), COST),
    }
    tones: dict[str, Tone] = {"cost": _cost_tone(request), "cached": "dim", "speed": "dim", "first": "dim"}
    return [
        Piece(" " + right(texts[column.name], column.width), tones.get(column.name, "plain")) for column in plan.numbers
    ]


def _hit(request: Request) -> str:
    prompt = request.usage.prompt_tokens
    return f.percent(request.usage.cache_read_tokens / prompt) if prompt else ""


def _cost(request: Request) -> str:
    if request.cost_source == "free" or (request.outcome == "failed" and not request.cost_nano_usd):
        return ""
    if request.cost_nano_usd is None:
        return "" if request.live else f.UNKNOWN
    return f.money(request.cost_nano_usd, simulated=request.simulated)


def _cost_tone(request: Request) -> Tone:
    return "dim" if request.simulated or request.subscription or request.live else "plain"
