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


def beside(text: str, start: str) -> str:
    """``text`` as it follows ``start`` on stderr; on a terminal its rows stand below each other."""
    from tui.state.text import clean, wrap

    if not sys.stderr.isatty():
        return text
    room = max(20, terminal_width() - len(start))
    rows = [row for paragraph in text.splitlines() for row in wrap(clean(paragraph), room)]
    return f"\n{' ' * len(start)}".join(rows)


def elsewhere() -> str:
    """Which standard stream of those that a screen takes is no terminal: ``output``, ``input``, ``error``; else empty.

    On Windows the screen is written to the output, elsewhere to the error stream.
    """
    streams = {"output": sys.stdout, "input": sys.stdin, "error": sys.stderr}
    if sys.platform == "win32":
        del streams["error"]
    return next((name for name, stream in streams.items() if not stream.isatty()), "")


def broken(text: str) -> str:
    """``text`` on stdout; on a terminal its rows end between words."""
    from tui.state.text import wrap

    return "\n".join(wrap(text, max(20, width())))


def print_lines(lines: Iterable[str]) -> None:
    click.echo("\n".join(lines))


def print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
