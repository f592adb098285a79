"""Output of commands on stdout: lines as wide as the terminal, or JSON."""

import json
import shutil
import sys
from collections.abc import Iterable

import click

UNBOUNDED = 10_000
"""Width where no terminal cuts the lines: in a pipe nothing is shortened."""


def width() -> int:
    return shutil.get_terminal_size((80 if sys.stdout.isatty() else UNBOUNDED, 24)).columns


def terminal_width() -> int:
    """Of what is told beside the output."""
    return shutil.get_terminal_size((80 if sys.stderr.isatty() else UNBOUNDED, 24)).columns


def print_lines(lines: Iterable[str]) -> None:
    click.echo("\n".join(lines))


def print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
