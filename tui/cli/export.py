"""The command ``export``: a session as a document to keep or to hand on."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

import click

from tui.cli.engine_access import ask, running_engine, say

if TYPE_CHECKING:
    from proxy import contract as c

Format = Literal["jsonl", "html", "markdown"]

FORMATS: tuple[Format, ...] = ("jsonl", "html", "markdown")
ENDINGS: dict[str, Format] = {".jsonl": "jsonl", ".html": "html", ".htm": "html", ".md": "markdown"}
ROWS_MAX = 10_000
"""The engine gives no more at once; sums have all of them all the same."""


@click.command(short_help="Write a session as JSON Lines, HTML or Markdown.")
@click.argument("session")
@click.option("--format", "form", type=click.Choice(FORMATS), help="[default: by the file's ending, else jsonl]")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write here instead of printing.")
def export(session: str, form: Format | None, output: Path | None) -> None:
    """Write a session, by its id or the beginning of it: its requests as JSON Lines, or a report with graphs.

    There is no prompt, no answer and no key in it, and nothing that a provider said in words.
    """
    ending = ENDINGS.get(output.suffix.lower()) if output is not None else None
    text = _document(session, form or ending or "jsonl")
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror or error}") from None
    say(f"wrote {output}")


def _document(session: str, form: Format) -> str:
    from proxy import contract as c

    engine = running_engine()
    rows = [row for row in ask(lambda door: door.requests(c.Choice(session=session), ROWS_MAX), engine) if not row.live]
    if len(rows) == ROWS_MAX:
        say(f"only the newest {ROWS_MAX:,} requests are listed")
    if form == "jsonl":
        return _json_lines(rows) if rows else _nothing(session)
    whole_id = (rows[0].session_id if rows else None) or session
    report = ask(lambda door: door.session_report(whole_id), engine)
    return _report(report, rows, form) if report.tally.requests else _nothing(session)


def _nothing(session: str) -> NoReturn:
    raise click.ClickException(f"No request of a session {session}. `cctui usage --by session` lists the sessions.")


def _json_lines(rows: "Sequence[c.Request]") -> str:
    from tui.report.rows import export_rows

    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in export_rows(rows))


def _report(report: "c.SessionReport", rows: "Sequence[c.Request]", form: Format) -> str:
    from importlib.metadata import PackageNotFoundError, version

    from tui.report.facts import session_facts
    from tui.report.html import html_page
    from tui.report.markdown import markdown_page

    try:
        ours = version("cctui")
    except PackageNotFoundError:
        ours = "not installed"
    page = html_page if form == "html" else markdown_page
    return page(session_facts(report, rows), ours)
