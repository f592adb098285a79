"""A session's report as Markdown, its graphs as text that any viewer shows. Pure."""

from collections.abc import Iterator

from tui.report.charts import Axis
from tui.report.facts import Series, SessionFacts
from tui.report.tables import Table, notes, summary, tables
from tui.state.formats import bar, columns, date, money, percent
from tui.state.text import clean_line

GRAPH_ROWS = 6
BAR_WIDTH = 30


def markdown_page(facts: SessionFacts, version: str) -> str:
    """The whole text."""
    project = f"{_plain(facts.project)}, " if facts.project else ""
    parts = [
        f"# Session {_plain(facts.report.session_id)}",
        f"{project}{date(facts.began)} to {date(facts.ended)}",
        "\n".join(f"- {name}: **{_plain(value)}**" for name, value in summary(facts)),
        *_graphs(facts),
        *(_table(table) for table in tables(facts)),
        *notes(facts),
        f"cctui {version}. No prompt and no answer is in this report.",
    ]
    return "\n\n".join(parts) + "\n"


def _graphs(facts: SessionFacts) -> Iterator[str]:
    if not facts.growth or not facts.growth[-1]:
        return
    axis = Axis(facts.report.begins_at, facts.report.step_s, facts.report.steps)
    lines = columns(facts.growth, GRAPH_ROWS)
    amount = money(facts.growth[-1], simulated=facts.simulated)
    foot = f"{axis.label(0)} to {axis.label(axis.steps)}, {amount} at the end"
    yield "## Cost over time"
    yield "\n".join(["```text", *lines, foot, "```"])
    for title, series in (("Cost by model", facts.models), ("Cost by kind of token", facts.kinds)):
        if series:
            yield f"## {title}"
            yield "\n".join(["```text", *_bars(series, simulated=facts.simulated), "```"])


def _bars(series: tuple[Series, ...], *, simulated: bool) -> Iterator[str]:
    total = sum(one.total for one in series) or 1
    width = max(len(one.name) for one in series)
    for one in series:
        share = one.total / total
        drawn = "".join(bar(share, BAR_WIDTH))
        yield f"{one.name:<{width}}  {drawn}  {percent(share):>4}  {money(one.total, simulated=simulated)}"


def _table(table: Table) -> str:
    rule = ["---" if number < table.numbers else "---:" for number in range(len(table.columns))]
    rows = (table.columns, tuple(rule), *(tuple(map(_plain, row)) for row in table.rows))
    lines = (f"| {' | '.join(row)} |" for row in rows)
    return f"## {table.title}\n\n" + "\n".join(lines)


def _plain(text: str) -> str:
    """``text`` with nothing that Markdown or HTML would take for its own."""
    escaped = clean_line(text).replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    for mark in "`*_|[]#":
        escaped = escaped.replace(mark, f"\\{mark}")
    return escaped
