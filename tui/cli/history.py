"""Commands about what was served: ``requests`` and ``usage``."""

import csv
import io
import time
from collections.abc import Iterable, Mapping
from typing import Any, get_args

import click

from proxy import contract as c
from tui.cli.choosing import choice_options, chosen
from tui.cli.engine_access import ask
from tui.cli.printing import print_json, print_lines, width

GROUPS: tuple[str, ...] = get_args(c.UsageGroup)
LINES_MAX = 100
"""Groups that are printed where nobody says how many; a year has tens of thousands of sessions."""


@click.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@choice_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def requests(limit: int, *, as_json: bool, **options: Any) -> None:
    """List requests, the newest first."""
    from tui.cli import json_output, text_output

    choice = chosen(options)
    rows = ask(lambda door: door.requests(choice, limit))
    if as_json:
        print_json([json_output.request(row) for row in rows])
    elif rows:
        print_lines(text_output.requests(rows, time.time(), width()))
    else:
        print_lines([_nothing(choice)])


@click.command(short_help="Sum up requests, tokens and dollars, or tell how fast models were.")
@click.option("--by", type=click.Choice(GROUPS), default="model", show_default=True, help="What each line sums up.")
@choice_options
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help=f"How many groups, the costliest; the others become one line. [default: {LINES_MAX}; all as JSON or CSV]",
)
@click.option("--latency", is_flag=True, help="How fast models were, in place of sums.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, without the total.")
def usage(by: c.UsageGroup, *, limit: int | None, latency: bool, as_json: bool, as_csv: bool, **options: Any) -> None:
    """Sum up requests, tokens and dollars, or tell how fast models were."""
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other.")
    if latency:
        _print_latency(chosen(options), as_json=as_json, as_csv=as_csv)
    else:
        limit = limit or (None if as_json or as_csv else LINES_MAX)
        _print_sums(chosen(options), by, limit, as_json=as_json, as_csv=as_csv)


def _print_sums(choice: c.Choice, by: c.UsageGroup, limit: int | None, *, as_json: bool, as_csv: bool) -> None:
    from tui.cli import json_output, usage_output

    report = ask(lambda door: door.usage(choice, by, limit))
    if as_json:
        print_json(usage_output.usage_json(report, by))
    elif as_csv:
        _print_csv(json_output.USAGE_COLUMNS, json_output.usage_rows(report.rows))
    elif not report.total.requests:
        print_lines([_nothing(choice)])
    else:
        print_lines(usage_output.usage(report, by, width()))


def _print_latency(choice: c.Choice, *, as_json: bool, as_csv: bool) -> None:
    from tui.cli import usage_output

    report = ask(lambda door: door.latency(choice))
    if as_json:
        print_json(usage_output.latency_json(report))
    elif as_csv:
        _print_csv(usage_output.LATENCY_NAMES, map(usage_output.latency_row, report.rows))
    else:
        print_lines(usage_output.latency(report, width()))


def _nothing(choice: c.Choice) -> str:
    if choice.session:
        return f"No request of a session {choice.session}. `cctui usage --by session` lists the sessions."
    if choice != c.Choice():
        return "No request was chosen. `cctui usage --by day` tells when there were some."
    return "No request yet. `cctui claude` in another terminal makes one."


def _print_csv(columns: Iterable[str], rows: Iterable[Mapping[str, object]]) -> None:
    """RFC 4180: a header, lines that end in CR and LF; numbers with a point and no exponent, nothing where unknown."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns))
    writer.writeheader()
    writer.writerows({name: _plain(value) for name, value in row.items()} for row in rows)
    click.echo(text.getvalue().encode(), nl=False)


def _plain(value: object) -> object:
    if not isinstance(value, float):
        return value
    return f"{value:.9f}".rstrip("0").rstrip(".")
