"""Commands about the prompts of a session: ``context`` and ``cache``."""

import time

import click

from tui.cli.engine_access import ask
from tui.cli.printing import print_json, print_lines, width


@click.command(short_help="Show what fills a session's context window.")
@click.argument("session", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def context(session: str | None, *, as_json: bool) -> None:
    """Show what fills the context window of SESSION (the start of its id); without it of the last active one."""
    from tui.cli import prompts_output

    report = ask(lambda door: door.context(session))
    if as_json:
        print_json(prompts_output.context_json(report))
    else:
        print_lines(prompts_output.context(report, width()))


@click.command(short_help="Show how the prompt cache serves a session.")
@click.argument("session", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def cache(session: str | None, *, as_json: bool) -> None:
    """Show how the prompt cache serves SESSION (the start of its id), what it saved, and why it broke."""
    from tui.cli import prompts_output

    report = ask(lambda door: door.cache(session))
    if as_json:
        print_json(prompts_output.cache_json(report))
    else:
        print_lines(prompts_output.cache(report, time.time(), width()))
