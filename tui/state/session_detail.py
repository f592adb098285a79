"""One session in full: cost over time, by model and by kind of token, pace, forecast."""

import math
from collections.abc import Sequence

from proxy.contract import FORECAST_S, CostKind, Forecast, KindCost, ModelCost, Pace, Session, SessionReport, Tally
from tui.state import formats as f
from tui.state.lines import EMPTY, Line, Piece, Tone, cut, first_that_fits, joined, line, spread, wrapped
from tui.state.text import clean_line, left, right
from tui.state.who import session_money, session_name

KIND_WORDS: dict[CostKind, str] = {
    "input": "input",
    "cache_read": "cache read",
    "cache_write": "cache write",
    "output": "output",
    "searches": "web searches",
    "unsplit": "not told apart",
}
LATELY = f"the last {FORECAST_S / 60:.0f} minutes"
"""By whose pace the engine foretells."""
GRAPH_ROWS = 3
COST, FIGURE = 9, 9
NAME_MAX = 30
OVER_TIME = "over time"
"""Above the courses behind the figures."""


def detail_title(session: Session) -> str:
    """What the lines are about."""
    name, short = session_name(session), clean_line(session.id)[:8]
    return f"{name} · {short}" if short not in ("", name) else name


def detail_lines(
    session: Session, report: SessionReport | None, width: int, now: float, missing: int = 0
) -> list[Line]:
    """The session in ``width`` cells, the most important first; ``report`` is None until it arrived.

    ``missing``: requests of the session that the report does not have.
    """
    inner = max(20, width - 2)
    told = _facts(session, inner, now)
    if report is None:
        told += [EMPTY, line(Piece("Reading the ledger …", "dim"))]
    else:
        blocks = (
            _graph(report, inner),
            _paces(report, inner),
            _forecast(report, now, inner),
            _models(report, inner),
            _kinds(report, inner),
            _remarks(report, missing, inner),
        )
        told += [each for block in blocks if block for each in (EMPTY, *block)]
    return [line(" ", *one) for one in told]


def all_lines(sessions: int, width: int) -> list[Line]:
    """In place of one session: what choosing all of them means."""
    text = (
        f"Requests and costs of all {sessions} sessions are shown together."
        if sessions
        else "No session was seen in the last day. Start one with: cctui claude"
    )
    return wrapped(text, width, "dim")


def resampled(values: Sequence[int], columns: int) -> list[float]:
    """``values``, each spread evenly over its time, in so many columns of equal time; their sum stays."""
    sums = [0.0] * max(0, columns)
    for place, value in enumerate(values if columns > 0 else ()):
        begin, end = place * columns / len(values), (place + 1) * columns / len(values)
        for column in range(int(begin), min(columns, math.ceil(end))):
            sums[column] += value * (min(end, column + 1) - max(begin, column)) / (end - begin)
    return sums


def simulated(report: SessionReport) -> bool:
    """The simulator's money is shown: there is no other."""
    return f.all_simulated(report.tally)


def _facts(session: Session, width: int, now: float) -> list[Line]:
    tally = session.tally
    prompt = tally.usage.prompt_tokens
    many = "request" if tally.requests == 1 else "requests"
    counts = [f"{tally.requests} {many}", f"{f.count(tally.usage.total_tokens)} tokens"]
    counts += [f"cache {f.percent(tally.usage.cache_read_tokens / prompt)} read"] if prompt else []
    money = Piece(session_money(session), "strong")
    lines = [joined([line(money), *(line(each) for each in counts)], gap) for gap in ("   ", "  ")]
    began = f"since {f.day_clock(session.started_at, now)}, {f.age(max(0.0, now - session.started_at))}"
    quiet = "at work" if session.in_flight else f"quiet for {f.age(now - session.last_at)}"
    window = f" of {f.window(session.context_window)}" if session.context_window else ""
    context = f"   context {f.count(session.context_tokens)}{window}" if session.context_tokens else ""
    return [
        first_that_fits(lines, width),
        cut(line(Piece(f"{began}, {quiet}{context}", "dim")), width),
    ]


def _graph(report: SessionReport, width: int) -> list[Line]:
    made_up = simulated(report)
    courses = [one.over_time for one in report.by_kind if one.simulated is made_up]
    if not courses:
        return []
    values = [sum(step) for step in zip(*courses, strict=True)]
    rows = [line(Piece(row, "accent")) for row in f.columns(resampled(values, width), GRAPH_ROWS)]
    peak = f"peak {f.money(max(values), simulated=made_up)} in {f.age(report.step_s)}"
    ends_at = report.begins_at + report.step_s * report.steps
    letters = 8 if report.step_s < 60 else 5
    span = f"{f.clock(report.begins_at)[:letters]} to {f.clock(ends_at)[:letters]}"
    return [*rows, spread(line(Piece(span, "dim")), line(Piece(peak, "dim")), width)]


def _paces(report: SessionReport, width: int) -> list[Line]:
    if not any(pace.tokens_per_min or pace.nano_usd_per_hour for pace in report.paces):
        return []
    room = min(NAME_MAX, width - FIGURE * len(report.paces))
    head = "".join(right(f"{round(pace.span_s / 60)} min", FIGURE) for pace in report.paces)
    tokens = "".join(right(f.count(pace.tokens_per_min), FIGURE) for pace in report.paces)
    money = "".join(right(_per_hour(pace), FIGURE) for pace in report.paces)
    return [
        cut(line(Piece(left("pace over the last", room), "dim"), Piece(head, "dim")), width),
        cut(line(left("tokens/min", room), tokens), width),
        cut(line(left("$/h", room), Piece(money, "accent")), width),
    ]


def _per_hour(pace: Pace) -> str:
    simulated, unpriced = pace.simulated_nano_usd_per_hour, pace.unpriced_requests
    return f.per_hour(pace.nano_usd_per_hour, simulated, unpriced, unit="", tight=True)


def _forecast(report: SessionReport, now: float, width: int) -> list[Line]:
    lately = any(pace.unpriced_requests for pace in report.paces if pace.span_s == FORECAST_S)
    found = forecast_words(report.forecast, now, report.tally.unpriced_requests, lately=lately)
    return [one[1:] for words, tone in found for one in wrapped(words, width + 2, tone)]


def forecast_words(
    told: Forecast | None, now: float, unpriced: int = 0, *, lately: bool = False
) -> list[tuple[str, Tone]]:
    """What comes if it goes on like this, as sentences; where nothing was spent, that.

    ``unpriced``: requests of the session without a known price; ``lately``: some of the last minutes are among them.
    """
    if told is None and lately:
        return [(f"What {LATELY} cost is not known, so there is no forecast.", "dim")]
    if told is None:
        return [(f"Nothing was spent in {LATELY}, so there is no forecast.", "dim")]
    by = f.day_clock(told.hour_ends_at, now)
    cost = f.spent(
        Tally(
            cost_nano_usd=told.hour_nano_usd,
            simulated_nano_usd=told.simulated_hour_nano_usd,
            unpriced_requests=unpriced,
        )
    )
    words: list[tuple[str, Tone]] = [(f"By {by} about {cost}, at the pace of {LATELY}.", "plain")]
    if told.budget is not None and told.budget_at is not None:
        which = f"{told.budget.kind} budget of {f.limit(told.budget.limit_nano_usd).removesuffix('.00')}"
        left_s = told.budget_at - now
        if left_s <= 0:
            words.append((f"The {which} is used up.", "bad"))
        else:
            when = f"{f.day_clock(told.budget_at, now)}, in {f.age(left_s)}"
            words.append((f"The {which} will be used up at {when}.", "warn" if left_s < 3600 else "plain"))
    return words


def _models(report: SessionReport, width: int) -> list[Line]:
    if not report.by_model:
        return []
    room, spark = _rooms(width)
    title = f"{left('by model', room)}{right('cost', COST)}{right('req', 6)}{_course_title(spark)}"
    return [cut(line(Piece(title, "dim")), width), *(_model(one, room, spark, width) for one in report.by_model)]


def _model(one: ModelCost, room: int, spark: int, width: int) -> Line:
    name = f"{f.short_model(one.model)} · {clean_line(one.provider)}" if one.provider else f.short_model(one.model)
    tally = one.tally
    return cut(
        line(
            left(name, room),
            f.aligned(_model_money(one), COST),
            Piece(right(f"{f.count(tally.requests)}×", 6), "dim"),
            Piece(f"  {_spark(one.over_time, spark)}", "accent"),
        ),
        width,
    )


def _model_money(one: ModelCost) -> str:
    if one.simulated and not one.tally.unpriced_requests:
        return f.money(one.tally.simulated_nano_usd, simulated=True)
    return f.spent(one.tally, COST)


def _kinds(report: SessionReport, width: int) -> list[Line]:
    made_up = simulated(report)
    shown = [one for one in report.by_kind if one.simulated is made_up]
    whole = sum(one.nano_usd for one in shown)
    if not whole:
        return []
    room, spark = _rooms(width)
    title = f"{left('by kind of token', room)}{right('cost', COST)}{right('share', 6)}{_course_title(spark)}"
    return [cut(line(Piece(title, "dim")), width), *(_kind(one, whole, room, spark, width) for one in shown)]


def _kind(one: KindCost, whole: int, room: int, spark: int, width: int) -> Line:
    return cut(
        line(
            left(KIND_WORDS[one.kind], room),
            f.aligned(f.money(one.nano_usd, simulated=one.simulated), COST),
            Piece(right(f.percent(one.nano_usd / whole), 6), "dim"),
            Piece(f"  {_spark(one.over_time, spark)}", "accent"),
        ),
        width,
    )


def _rooms(width: int) -> tuple[int, int]:
    """Cells of a name, and of the course behind its figures."""
    name = min(NAME_MAX, max(14, width - COST - 6 - 12))
    return name, max(0, min(40, width - name - COST - 6 - 2))


def _course_title(width: int) -> str:
    return f"  {OVER_TIME}" if width >= len(OVER_TIME) else ""


def _spark(values: Sequence[int], width: int) -> str:
    rows = f.columns(resampled(values, width), 1) if width >= 6 else []
    return rows[0] if rows else ""


def _remarks(report: SessionReport, missing: int, width: int) -> list[Line]:
    texts: list[tuple[str, Tone]] = []
    if report.in_proportion_nano_usd:
        money = f.money(report.in_proportion_nano_usd, simulated=simulated(report))
        texts.append((f"{money} of it was split in the proportion of prices: only its sum is known.", "dim"))
    if unpriced := report.tally.unpriced_requests:
        texts.append((f"{unpriced} request{'s' * (unpriced > 1)} without a known price, in no sum.", "warn"))
    if missing:
        many = "requests are" if missing > 1 else "request is"
        texts.append((f"{missing} {many} not in the ledger, so that these parts are not the whole.", "warn"))
    if report.tally.simulated_nano_usd:
        texts.append((f"{f.SIMULATED} marks simulated money.", "dim"))
    return [one[1:] for text, tone in texts for one in wrapped(text, width + 2, tone)]
