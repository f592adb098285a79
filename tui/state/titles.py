"""The titles over the panes: a word, what is special now, and a rule to the edge."""

from collections.abc import Iterator

from tui.state.lines import EMPTY, Line, Piece, first_that_fits, joined, line, line_cells, spread
from tui.state.panel import PanelState
from tui.state.rows import titles
from tui.state.text import clean_line, fit
from tui.state.who import told_apart

RULE = Piece("─", "rule")
TITLE_EDGES = 3
"""Cells of the rule and of the spaces around a title."""
SHORT = 12
"""Cells of a session's name and of a filter where there is little room."""


def titled(content: Line, width: int, end: Line = ()) -> Line:
    """``content`` set into a rule of ``width`` cells, ``end`` at its right."""
    start = line(RULE, " ", *content, " ")
    return spread(start, end, width, RULE)


def requests_title(state: PanelState, width: int, row_width: int, *, frozen: bool) -> Line:
    """Over the list: how many live, what is filtered, and the names of the number columns, for which words give way."""
    names = line(Piece(titles(row_width), "dim"), " " * (width - row_width))
    room = width - TITLE_EDGES - 1
    if state.requests.filter.text and not len(state.requests):
        return titled(first_that_fits([*_told(state, frozen=frozen)], room), width)
    beside = room - line_cells(names)
    return titled(first_that_fits([*_told(state, frozen=frozen)], beside), width, names if beside > 0 else ())


def _told(state: PanelState, *, frozen: bool) -> Iterator[Line]:
    """What is to be said of the list, the fullest first; of what the filter leaves out nothing."""
    head = line(Piece("requests", "strong"))
    live = line(Piece(f"{many} live", "accent")) if (many := state.shown_in_flight) else EMPTY
    ice = line(Piece("frozen", "warn")) if frozen else EMPTY
    name, text = _scope_name(state), clean_line(state.requests.filter.text)
    found = len(state.requests)
    way_back = "" if found else ", esc shows all"
    full, brief = f"/{fit(text, 20)} {found} found", f"/{fit(text, SHORT)} {found}"
    forms = (
        (head, f"session {name}", full + way_back),
        (head, name, full),
        (head, name, brief),
        (head, fit(name, SHORT), brief),
        (EMPTY, fit(name, SHORT), brief),
    )
    for first, session, search in forms:
        whose = line(Piece(session, "accent")) if name else EMPTY
        which = line(Piece(search, "accent")) if text else EMPTY
        yield joined([first, live, ice, whose, which], "  ")


def _scope_name(state: PanelState) -> str:
    """The session whose requests alone are shown; empty where all are."""
    if state.scope is None:
        return ""
    return told_apart(state.sessions.get(state.scope), state.sessions, state.scope)
