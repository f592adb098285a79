"""Everything known about one request, as lines to read."""

from collections.abc import Iterator

from proxy.contract import Detail, Pass, Request
from tui.state import formats as f
from tui.state.detour import fallback_words
from tui.state.lines import EMPTY, Line, Piece, Tone, line
from tui.state.panel import PanelState
from tui.state.rows import mark, speed, state_words
from tui.state.stream import StreamText
from tui.state.text import clean_line, fit, left, right, wrap
from tui.state.trail import trail
from tui.state.who import agent_name, session_name

LABEL = 18
SOURCES = {
    "reported": "as the provider reported",
    "listed": "at the provider's listed price",
    "settings": "at the price in your settings",
    "genai-prices": "at list price",
    "free": "nothing was billed",
    "unknown": "no price is known for this model",
}
COUNTED_BY = {
    True: "a count of tokens, estimated by the engine: no provider counted",
    False: "a count of tokens by the provider, which bills nothing for it",
}
"""By whether the engine estimated it."""


def detail_lines(state: PanelState, detail: Detail, width: int, now: float) -> list[Line]:
    """The inspector's text in ``width`` cells."""
    request = detail.request
    sections = (
        ("", list(_what(state, request, width, now))),
        ("attempts", list(trail(request, width))),
        ("time", list(_times(request, now))),
        ("tokens and cost", list(_money(request))),
        ("request", [_field(clean_line(name), clean_line(text)) for name, text in detail.body_outline]),
        ("answer", _answer(detail, width)),
    )
    lines: list[Line] = []
    for title, rows in sections:
        if rows:
            lines += [EMPTY, line(" ", Piece(title, "accent"))] if title else []
            lines += rows
    return lines


def detail_title(request: Request, now: float) -> Line:
    """The line on top."""
    told = f"  {f.date(request.started_at)}  {state_words(request, now)}"
    return line(" ", mark(request, 0), " ", Piece("request", "strong"), Piece(told, "dim"))


def _what(state: PanelState, request: Request, width: int, now: float) -> Iterator[Line]:
    yield _field("asked", clean_line(request.asked_model or f.UNKNOWN), "strong")
    answered = request.served_model or request.target_model
    if answered:
        yield _field("answered" if request.served_model else "sent as", clean_line(answered), "strong")
    yield _field("provider", clean_line(request.provider or "none"))
    if request.fell_back:
        yield from _wrapped("why", f"fallback: {fallback_words(request.attempts[0])}", width)
    elif request.why:
        yield from _wrapped("why", clean_line(request.why), width)
    if request.error:
        yield from _wrapped("error", clean_line(request.error), width, "bad")
    yield _field("who", _who(state, request))
    session = state.sessions.get(request.session_id or "")
    yield _field("session", f"{session_name(session, request.session_id)}  {clean_line(request.session_id or '')}")
    if request.client:
        yield _field("client", clean_line(request.client))
    yield _field("call", clean_line(f"{request.path}  {'streaming' if request.streaming else 'whole answer'}"))
    status = f"{request.status}  " if request.status and request.outcome != "failed" else ""
    yield _field("outcome", f"{status}{state_words(request, now)}  {clean_line(request.stop_reason or '')}".rstrip())


def _who(state: PanelState, request: Request) -> str:
    name = agent_name(request.role, state.ordinal(request))
    return clean_line(f"{name}  {request.agent_id}") if request.agent_id else name


def _times(request: Request, now: float) -> Iterator[Line]:
    moments = (
        ("headers", request.headers_ms),
        ("first event", request.ttft_ms),
        ("first text", request.first_text_ms),
        ("last byte", request.duration_ms),
    )
    for name, moment in moments:
        if moment is not None:
            yield _field(name, right(f.duration(moment), 7))
    if (pace := speed(request, now)) is not None:
        yield _field("speed", f"{right(f'{pace:.0f}', 6)}  tokens per second")


def _money(request: Request) -> Iterator[Line]:
    usage = request.usage
    if request.kind == "count_tokens" and not (usage.total_tokens or request.cost_nano_usd):
        yield _field("", COUNTED_BY[request.usage_estimated], "dim")
        return
    if request.phase == "waiting" and not usage.total_tokens:
        yield _field("", "known as soon as the answer begins", "dim")
        return
    counts = (
        ("input", usage.input_tokens),
        ("cache read", usage.cache_read_tokens),
        ("written, 5 min", usage.cache_write_5m_tokens),
        ("written, 1 h", usage.cache_write_1h_tokens),
        ("output", usage.output_tokens),
        ("web searches", usage.web_searches),
    )
    for name, number in counts:
        if number or name in ("input", "output"):
            mark = f.output_mark(request) if name == "output" else ""
            yield _field(name, right(f"{mark}{number:,}", 12))
    if (words := _estimated(request)) is not None:
        yield _field("", words)
    for number, one in enumerate(request.passes, 1):
        read, written = right(f"{one.usage.prompt_tokens:,}", 12), f"{one.usage.output_tokens:,}"
        yield _field(f"answer {number}", f"{read}  in, {written} out{_of_another(one, request)}", "dim")
    if request.live and request.cost_nano_usd is None:
        yield _field("cost", "known when the answer ends", "dim")
        return
    cost = f.money(request.cost_nano_usd, simulated=request.simulated)
    yield _field("cost", f"{right(cost, 12)}  {_source(request)}", "strong")


def _of_another(one: Pass, request: Request) -> str:
    """Who gave one of several answers, where that was not who served."""
    model = one.served_model or one.target_model or ""
    names = [
        *([one.provider] if one.provider != (request.provider or "") else []),
        *([model] if model not in (request.served_model, request.target_model) else []),
    ]
    return "".join(f"  {clean_line(name)}" for name in names)


def _estimated(request: Request) -> str | None:
    """What of the counts is no provider's word."""
    if not request.usage_estimated:
        return None
    if request.live:
        return "estimated by the engine: the provider has not told yet"
    if request.output_estimated:
        return "output estimated by the text that came: the answer broke off"
    return "estimated by the engine: the provider has not told"


def _source(request: Request) -> str:
    if request.simulated:
        return "simulated: nobody pays this"
    if request.subscription:
        return "at list price; your subscription pays"
    if request.cost_source == "free" and request.outcome in ("cancelled", "broken"):
        return "nothing of the answer came: no bill is known"
    return ", ".join([SOURCES[request.cost_source], *_terms(request)])


def _terms(request: Request) -> Iterator[str]:
    """What made it cost more than usual."""
    if request.speed:
        yield f"{clean_line(request.speed)} speed"
    if request.geo:
        yield f"bound to {clean_line(request.geo)}"


def _answer(detail: Detail, width: int) -> list[Line]:
    text = StreamText(max(20, width - LABEL - 2))
    text.watch(detail.request.id)
    text.load(detail.request.id, detail.answer)
    tones: dict[str, Tone] = {"thinking": "soft", "tool": "dim", "error": "bad", "text": "plain"}
    return [
        line(Piece(f"   {left(row.label, LABEL - 3)}", "accent"), Piece(row.text, tones[row.kind])) for row in text.rows
    ]


def _field(name: str, text: str, tone: Tone = "plain") -> Line:
    return line(Piece(f"   {left(fit(name, LABEL - 4), LABEL - 3)}", "dim"), Piece(text, tone))


def _wrapped(name: str, text: str, width: int, tone: Tone = "plain") -> Iterator[Line]:
    for index, row in enumerate(wrap(text, max(20, width - LABEL - 1))):
        yield _field("" if index else name, row, tone)
