"""A session's report as one HTML page that needs nothing else: styles and graphs are in it, no script is. Pure."""

from html import escape

from tui.report.charts import Axis, growth_chart, legend, stacked_chart
from tui.report.facts import SessionFacts
from tui.report.tables import Table, notes, summary, tables
from tui.state.formats import date
from tui.state.text import clean_line

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Even a browser that would load something from elsewhere may not."""

_STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1d2330; --dim: #6a7283; --rule: #dfe3ea;
  --c0: #2a78d6; --c1: #1baf7a; --c2: #eda100; --c3: #4a3aa7; --c4: #e34948; --c5: #7a8294; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171d; --ink: #e4e8ef; --dim: #97a0b0; --rule: #2c323d;
  --c0: #3987e5; --c1: #199e70; --c2: #c98500; --c3: #9085e9; --c4: #e66767; --c5: #8b93a3; } }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin-bottom: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
.dim, footer { color: var(--dim); }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1.5rem 0; } dt { color: var(--dim); font-size: .85rem; }
dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; } svg text { fill: var(--dim); font-size: 11px; } .amount { text-anchor: end; }
.grid { stroke: var(--rule); } .line { fill: none; stroke: var(--c0); stroke-width: 2; }
.area { fill: var(--c0); opacity: .15; }
.c0 { fill: var(--c0); background: var(--c0); } .c1 { fill: var(--c1); background: var(--c1); }
.c2 { fill: var(--c2); background: var(--c2); } .c3 { fill: var(--c3); background: var(--c3); }
.c4 { fill: var(--c4); background: var(--c4); } .c5 { fill: var(--c5); background: var(--c5); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: .25rem 0; padding: 0; }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { color: var(--dim); font-weight: normal; } .n { text-align: right; }
"""


def html_page(facts: SessionFacts, version: str) -> str:
    """The whole page."""
    title = f"Session {facts.report.session_id}"
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title><style>{_STYLE}</style>'
    )
    body = (
        _header(facts, title),
        _figures(facts),
        *_graphs(facts),
        *map(_table, tables(facts)),
        _footer(facts, version),
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(body) + "\n</body></html>\n"


def _header(facts: SessionFacts, title: str) -> str:
    project = f"{escape(clean_line(facts.project))}, " if facts.project else ""
    return f'<h1>{escape(title)}</h1><p class="dim">{project}{date(facts.began)} to {date(facts.ended)}</p>'


def _figures(facts: SessionFacts) -> str:
    entries = (f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in summary(facts))
    return f"<dl>{''.join(entries)}</dl>"


def _graphs(facts: SessionFacts) -> list[str]:
    if not facts.growth or not facts.growth[-1]:
        return []
    axis = Axis(facts.report.begins_at, facts.report.step_s, facts.report.steps)
    unreal = facts.simulated
    parts = ["<h2>Cost over time</h2>", growth_chart("Cost over time", facts.growth, axis, simulated=unreal)]
    for title, series in (("Cost by model", facts.models), ("Cost by kind of token", facts.kinds)):
        if series:
            parts.append(f"<h2>{title}</h2>")
            parts.append(stacked_chart(title, series, axis, simulated=unreal) + legend(series, simulated=unreal))
    return parts


def _table(table: Table) -> str:
    def cells(tag: str, values: tuple[str, ...]) -> str:
        return "".join(
            f"<{tag}{' class=n' if number >= table.numbers else ''}>{escape(clean_line(value))}</{tag}>"
            for number, value in enumerate(values)
        )

    head = f"<tr>{cells('th', table.columns)}</tr>"
    rows = "".join(f"<tr>{cells('td', row)}</tr>" for row in table.rows)
    return f'<h2>{escape(table.title)}</h2><div class="wide"><table>{head}{rows}</table></div>'


def _footer(facts: SessionFacts, version: str) -> str:
    lines = "".join(f"<p>{escape(line)}</p>" for line in notes(facts))
    return f"<footer>{lines}<p>cctui {escape(version)}. No prompt and no answer is in this report.</p></footer>"
