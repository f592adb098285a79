"""The command ``import``: what Claude Code did before cctui or beside it, from its own transcripts."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.cli.engine_access import ask, running_engine
from tui.cli.printing import print_json, print_lines

if TYPE_CHECKING:
    from proxy import contract as c
    from tui.transcripts.folder import Reading

BATCH = 500
"""Answers that go to the engine at once."""
SHOWN = 5
"""Lines that cannot be read, by name."""

NOTE = (
    "Costs are by your [prices], else list prices of their day. A transcript does not say whether a subscription paid: "
    "if one did, say so with --subscription, and budgets leave it out as they do for live requests. The client's calls "
    "for its own purposes, such as titles, are in no transcript."
)


@click.command("import", short_help="Take in what Claude Code's own transcripts tell.")
@click.argument("places", nargs=-1, metavar="[PATH]...", type=click.Path(exists=True, path_type=Path))
@click.option("--subscription", is_flag=True, help="A subscription paid: costs are what the list price would be.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be taken in.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_(places: tuple[Path, ...], *, subscription: bool, dry_run: bool, as_json: bool) -> None:
    """Take into the history what Claude Code's own transcripts tell; they are only read.

    Without PATH those of ~/.claude/projects. What the history has already is not counted twice.
    """
    from tui.transcripts.folder import Reading, transcripts

    files = transcripts(places or [_default_place()])
    if not files:
        raise click.ClickException(f"there is no transcript (*.jsonl) in {', '.join(map(str, places))}")
    reading = Reading()
    report = _taken(reading, files, subscription=subscription, dry_run=dry_run)
    if as_json:
        print_json(_as_json(reading, report, dry_run=dry_run))
    else:
        print_lines(_as_lines(reading, report, dry_run=dry_run))


def _default_place() -> Path:
    from tui.claude_settings import config_dir

    place = config_dir(os.environ, Path.home()) / "projects"
    if not place.is_dir():
        raise click.ClickException(f"Claude Code has no transcripts at {place}; name a file or a folder")
    return place


def _taken(reading: "Reading", files: Iterable[Path], *, subscription: bool, dry_run: bool) -> "c.ImportReport":
    """Read ``files`` and hand them to the engine, the one writer of the history."""
    from proxy import contract as c
    from tui.client import Door

    batches = _batches(reading, files)

    async def hand_over(door: Door) -> c.ImportReport:
        total = c.ImportReport(added=c.Tally())
        for batch in batches:
            command = c.ImportAnswers(answers=tuple(batch), subscription=subscription, dry_run=dry_run)
            total = _plus(total, await door.import_answers(command))
        return total

    return ask(hand_over, running_engine())


def _batches(reading: "Reading", files: Iterable[Path]) -> "Iterator[list[c.Transcribed]]":
    waiting: list[c.Transcribed] = []
    for file in files:
        waiting += reading.take(file)
        while len(waiting) >= BATCH:
            yield waiting[:BATCH]
            waiting = waiting[BATCH:]
    if waiting:
        yield waiting


def _plus(one: "c.ImportReport", two: "c.ImportReport") -> "c.ImportReport":
    from proxy import contract as c

    return c.ImportReport(
        added=one.added + two.added,
        known=one.known + two.known,
        grown=one.grown + two.grown,
        too_old=one.too_old + two.too_old,
        empty=one.empty + two.empty,
    )


def _as_json(reading: "Reading", report: "c.ImportReport", *, dry_run: bool) -> dict[str, object]:
    from tui.cli import json_output

    return {
        "dry_run": dry_run,
        "transcripts": reading.files,
        "lines": reading.lines,
        "bad_lines": reading.bad,
        "unread": reading.unread,
        "added": json_output.tally(report.added),
        "known": report.known + reading.repeated,
        "grown": report.grown,
        "too_old": report.too_old,
        "empty": report.empty,
    }


def _as_lines(reading: "Reading", report: "c.ImportReport", *, dry_run: bool) -> Iterator[str]:
    from tui.state.formats import paid

    added = report.added
    done = "would be taken in" if dry_run else "taken in"
    yield f"{_count(reading.files, 'transcript')}, {_count(reading.lines, 'line')} read."
    spent = f"{paid(added)}, {added.usage.total_tokens:,} tokens"
    yield f"{_count(added.requests, 'request')} {done}: {spent}."
    if added.unpriced_requests:
        yield f"{_count(added.unpriced_requests, 'request')} of them without a known price, in no sum of money."
    if known := report.known + reading.repeated:
        yield f"{_count(known, 'answer')} known already, not counted again."
    if report.grown:
        yield f"{_count(report.grown, 'answer')} known from before the end: the rest is added."
    if report.too_old:
        yield f"{_count(report.too_old, 'answer')} older than the rows that [history] keeps, left out."
    if report.empty:
        yield f"{_count(report.empty, 'answer')} billed nothing."
    if reading.bad:
        more = f" and {len(reading.bad) - SHOWN} more" if len(reading.bad) > SHOWN else ""
        yield f"{_count(len(reading.bad), 'line')} cannot be read: {', '.join(reading.bad[:SHOWN])}{more}."
    yield from (f"Not read: {trouble}." for trouble in reading.unread)
    if added.requests:
        yield NOTE


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'s' * (number != 1)}"
