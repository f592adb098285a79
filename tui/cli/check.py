"""``cctui check``: try a target out with real requests before trusting it with real work."""

import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
import msgspec

from proxy import contract as c
from tui.cli.engine_access import ask, say
from tui.cli.printing import print_json, print_lines, width

if TYPE_CHECKING:
    from tui.client import Door

LOOK_S = 0.25
"""Between two looks at a running check."""
BAD = 1


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

    command = c.RunCheck(target=target, only=_names(only), skip=_names(skip))
    planned = ask(lambda door: door.run_check(msgspec.structs.replace(command, dry_run=True)))
    say(check_output.plan_line(planned))
    if not yes:
        _agree(planned)
    report = ask(lambda door: _followed(door, command, [each.name for each in planned.results]))
    if as_json:
        print_json(check_output.as_json(report))
    else:
        print_lines(check_output.as_lines(report, width()))
    raise click.exceptions.Exit(0 if check_output.is_good(report) else BAD)


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name for each in (text or "").split(",") if (name := each.strip()))


def _agree(planned: c.CheckReport) -> None:
    """What costs nothing needs no consent."""
    if planned.most_nano_usd == 0 or planned.simulated:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError("This costs money; say --yes where nobody can be asked.")
    click.confirm("Try it out now?", abort=True, err=True)


async def _followed(door: "Door", command: c.RunCheck, names: Sequence[str]) -> c.CheckReport:
    """The report on the points ``names`` at the check's end, told one by one meanwhile. Whoever interrupts it stops
    it."""
    from tui.cli import check_output

    report = await door.run_check(command)
    told: set[str] = set()
    try:
        while True:
            results = tuple(each for each in report.results if each.name in names)
            for result in results:
                if result.verdict is not None and result.name not in told:
                    told.add(result.name)
                    say(check_output.progress_line(result, len(told), len(names)))
            if not report.running:
                return msgspec.structs.replace(report, results=results)
            await asyncio.sleep(LOOK_S)
            report = await door.check_report(report.target)
    except asyncio.CancelledError:
        await door.stop_check(c.StopCheck(target=report.target))
        raise
