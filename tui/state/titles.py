"""The titles over the panes: a word, what is special now, and a rule to the edge."""

from tui.state.lines import Line, Piece, line, line_cells, spread
from tui.state.panel import PanelState
from tui.state.rows import titles
from tui.state.text import cells, clean_line, fit
from tui.state.who import told_apart

RULE = Piece("─", "rule")
TITLE_EDGES = 3
"""Cells of the rule and of the spaces around a title."""


def titled(content: Line, width: int, end: Line = ()) -> Line:
    """``content`` set into a rule of ``width`` cells, ``end`` at its right."""
    start = line(RULE, " ", *content, " ")
    return spread(start, end, width, RULE)


def requests_title(state: PanelState, width: int, row_width: int, *, frozen: bool) -> Line:
    """Over the list: how many live, what is filtered, and the names of the number columns."""
    told = [line(Piece("requests", "strong"))]
    if state.in_flight:
        told.append(line(Piece(f"{state.in_flight} live", "accent")))
    if frozen:
        told.append(line(Piece("frozen", "warn")))
    if state.scope is not None:
        name = told_apart(state.sessions.get(state.scope), state.sessions, state.scope)
        told.append(line(Piece(f"session {name}", "accent")))
    if text := clean_line(state.requests.filter.text):
        found = len(state.requests)
        told.append(line(Piece(f"/{fit(text, 20)} {found} found{'' if found else ', esc shows all'}", "accent")))
    content = [piece for part in told for piece in (*part, Piece("  "))][:-1]
    names = titles(row_width)
    end = line(Piece(names, "dim"), " " * (width - row_width))
    if cells(names) + line_cells(tuple(content)) + 6 > width:
        end = ()
    return titled(tuple(content), width, end)
