"""The command ``reprice``: costs of ended requests computed anew, told before anything is written."""

import click

from proxy import contract as c
from tui.cli.choosing import since_option, until_option
from tui.cli.engine_access import ask
from tui.cli.printing import print_json, print_lines, width


@click.command(short_help="Compute costs anew by today's prices, as of each request's day.")
@since_option()
@until_option()
@click.option("--dry-run", is_flag=True, help="Only tell what would change.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; goes with --dry-run or --yes.")
def reprice(since: float | None, until: float | None, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Compute costs anew by today's prices, as of each request's day.

    What a provider itself reported stays, and so does what no price is known for.
    """
    from tui.cli import usage_output

    if as_json and not (dry_run or yes):
        raise click.UsageError("--json goes with --dry-run or --yes.")
    if as_json:
        print_json(usage_output.repriced_json(_ask(since, until, dry_run=dry_run)))
        return
    foreseen = _ask(since, until, dry_run=True)
    print_lines(usage_output.repriced(foreseen, width()))
    if dry_run or not foreseen.rows or not (yes or click.confirm("Write the new costs?", err=True)):
        return
    done = _ask(since, until, dry_run=False)
    changed = sum(row.requests for row in done.rows)
    print_lines([f"{changed:,} requests have new costs." if changed != 1 else "1 request has new costs."])


def _ask(since: float | None, until: float | None, *, dry_run: bool) -> c.RepriceReport:
    command = c.Reprice(since=since, until=until, dry_run=dry_run)
    return ask(lambda door: door.reprice(command))
