"""``cctui check``: try a target out with real requests before trusting it with real work."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click
import msgspec

from proxy import contract as c
from tui.cli.engine_access import ask
from tui.cli.printing import print_json, print_lines, terminal_width, width

if TYPE_CHECKING:
    from tui.client import Door

LOOK_S = 0.25
"""Between two looks at a running check."""
BAD = 1
STOPPED = 130
"""As of a program that was interrupted."""


@click.command(short_help="Try a target out with real requests, point by point; exits 1 when something fails.")
@click.argument("target", metavar="PROVIDER[/MODEL]")
@click.option("--only", metavar="NAME,…", help="Try these points, and what they build upon.")
@click.option("--skip", metavar="NAME,…", help="Leave these points out, such as long,cache.")
@click.option("--yes", is_flag=True, help="Do not ask before money is spent.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(target: str, only: str | None, skip: str | None, *, yes: bool, as_json: bool) -> None:
    """Try a target out: key, streaming, tools, images, thinking, long input, prompt cache, errors and more.

    The requests are real and cost money: what they will cost is told first. A provider alone stands for its model that
    was used last. What was found is kept with its date and shown in the panel.

    The points are key, list, plain, stream, usage, cost, count, tool, result, parallel, thinking, image, long, cache,
    error, fields and cancel.
    """
    from tui.cli import check_output
    from tui.cli.check_progress import Progress

    command = c.RunCheck(target=target, only=_names(only), skip=_names(skip))
    planned = ask(lambda door: door.run_check(msgspec.structs.replace(command, dry_run=True)))
    click.echo("\n".join(check_output.plan_lines(planned, terminal_width())), err=True)
    if not yes and not _agreed(planned):
        click.echo("Nothing was sent.", err=True)
        raise click.exceptions.Exit(BAD)
    progress = Progress(planned, width(), as_json=as_json)
    try:
        report, stopped = ask(lambda door: followed(door, command, progress.tell))
    finally:
        progress.close()
    if as_json:
        print_json(check_output.as_json(report, stopped=stopped))
    else:
        print_lines(check_output.end_lines(report, width(), stopped=stopped))
    raise click.exceptions.Exit(STOPPED if stopped else 0 if check_output.is_good(report) else BAD)


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name for each in (text or "").split(",") if (name := each.strip()))


def _agreed(planned: c.CheckReport) -> bool:
    """What costs nothing needs no consent. Raises ``click.UsageError`` where nobody can be asked."""
    if planned.most_nano_usd == 0 or planned.simulated:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError("This costs money; say --yes where nobody can be asked.")
    try:
        return click.confirm("Try it out now?", err=True)
    except click.Abort:
        click.echo(err=True)
        return False


Tell = Callable[[c.CheckReport], c.CheckReport]
"""Says how far a check is, and gives the report back."""


async def followed(door: "Door", command: c.RunCheck, tell: Tell) -> tuple[c.CheckReport, bool]:
    """The report at the check's end, told while it comes, and whether it was interrupted, which stops it.

    One that is interrupted before the engine has answered may run all the same: the answer is waited for.
    """
    import asyncio

    begun = asyncio.ensure_future(door.run_check(command))
    try:
        return await _to_its_end(door, await asyncio.shield(begun), tell), False
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
        target = (await begun).target
        await door.stop_check(c.StopCheck(target=target))
        return await _to_its_end(door, await door.check_report(target), tell), True


async def _to_its_end(door: "Door", report: c.CheckReport, tell: Tell) -> c.CheckReport:
    import asyncio

    while report.running:
        tell(report)
        await asyncio.sleep(LOOK_S)
        report = await door.check_report(report.target)
    return tell(report)
