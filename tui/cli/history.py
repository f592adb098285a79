"""Commands about what was served: ``requests`` and ``usage``."""

import csv
import io
import time
from collections.abc import Iterable
from datetime import datetime

import click

from tui.cli.engine_access import ask
from tui.cli.printing import print_json, print_lines, width

GROUPS = ("session", "agent", "model", "provider", "project", "day")


def moment(_context: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    """The option's text as Unix seconds."""
    from tui.cli.since import parse_since

    if value is None:
        return None
    try:
        return parse_since(value, datetime.now().astimezone())
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{value!r} is neither a span such as 7d, 24h, 90m nor a date such as 2026-11-01"
        ) from None


@click.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@click.option("--session", metavar="ID", help="Only this session's.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def requests(limit: int, session: str | None, *, as_json: bool) -> None:
    """List requests, the newest first."""
    from tui.cli import json_output, text_output

    rows = ask(lambda door: door.requests(limit, session))
    if as_json:
        print_json([json_output.request(row) for row in rows])
    elif rows:
        print_lines(text_output.requests(rows, time.time(), width()))
    else:
        print_lines([_nothing(session)])


@click.command()
@click.option(
    "--since", callback=moment, metavar="WHEN", help="7d, 24h, 90m, today or 2026-11-01. [default: everything]"
)
@click.option("--by", type=click.Choice(GROUPS), default="model", show_default=True, help="What each line sums up.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, without the total.")
def usage(since: float | None, by: str, *, as_json: bool, as_csv: bool) -> None:
    """Sum up requests, tokens and dollars."""
    from tui.cli import json_output, text_output

    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other.")
    report = ask(lambda door: door.usage(since, by))
    if as_json:
        print_json(json_output.usage(report, by))
    elif as_csv:
        click.echo(_csv(json_output.USAGE_COLUMNS, json_output.usage_rows(report.rows)), nl=False)
    else:
        print_lines(text_output.usage(report, by, width()))


def _nothing(session: str | None) -> str:
    if session:
        return f"No request of a session {session}. `cctui usage --by session` lists the sessions."
    return "No request yet. `cctui claude` in another terminal makes one."


def _csv(columns: Iterable[str], rows: Iterable[dict[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
