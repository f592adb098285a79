"""The title over the stream's text."""

from proxy.contract import Request
from tui.state import formats as f
from tui.state.lines import Line, Piece, first_that_fits, line
from tui.state.panel import PanelState
from tui.state.rows import mark, speed
from tui.state.text import clean_line
from tui.state.who import agent_name, models


def stream_title(state: PanelState, request: Request | None, now: float, frame: int, width: int) -> Line:
    """Who speaks, with which model, how much and how fast, as far as it fits into ``width`` cells."""
    if request is None:
        return line(Piece("stream", "strong"))
    who = agent_name(request.role, state.ordinal(request))
    told = [clean_line(request.provider or "")]
    if tokens := request.usage.output_tokens:
        told.append(f"{f.count(tokens)} tok")
    if (pace := speed(request, now)) is not None and tokens:
        told.append(f"{pace:.0f} tok/s")
    if request.phase == "waiting":
        told.append(f"waiting {f.duration((now - request.started_at) * 1000)}")
    told = [part for part in told if part]
    head = line(mark(request, frame), " ", Piece(f"{who} {models(request)}", "strong"))
    shorter = (" · ".join(told[:some]) for some in range(len(told), 0, -1))
    return first_that_fits([*(line(*head, Piece(f"  {text}", "dim")) for text in shorter), head], width)


def stream_note(state: PanelState, request: Request | None) -> str:
    """What is said where no text is."""
    if request is None:
        return ""
    if request.error:
        return clean_line(request.error)
    if request.phase == "waiting":
        return "Nothing has been answered yet."
    if request.live:
        return "Its text is on its way."
    if request.kind == "count_tokens":
        return "A count of tokens: no text was made."
    return "The text of this answer is not kept any more." if state.stream.empty else ""
