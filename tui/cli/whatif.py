"""``cctui whatif``: what the same tokens would have cost at other models."""

from typing import Any

import click

from tui.cli.choosing import choice_options, chosen
from tui.cli.engine_access import ask
from tui.cli.printing import print_json, print_lines, width


@click.command(short_help="Tell what requests would have cost at other models.")
@choice_options
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=40, show_default=True, help="How many models at most, but in JSON."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def whatif(limit: int, *, as_json: bool, **options: Any) -> None:
    """Tell what requests would have cost at other models; without options those of the last active session."""
    from tui.cli import whatif_output

    choice = chosen(options)
    report = ask(lambda door: door.what_if(choice))
    if as_json:
        print_json(whatif_output.what_if_json(report))
    else:
        print_lines(whatif_output.what_if(report, limit, width()))
