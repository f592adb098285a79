"""``config.toml`` read, and written when the user has agreed to what changes; then taken up by the engine.

Nothing but our own settings file is written, in one step; whoever breaks off leaves it as it was, and the engine too.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui.cli.engine_access import ask, say
from tui.cli.printing import print_lines
from tui.cli.reloading import trouble_lines

if TYPE_CHECKING:
    from tui.supervisor import RunningEngine


@contextlib.contextmanager
def broken_off_at_will() -> Iterator[None]:
    """Whoever breaks off while questions are asked reads that nothing came of it."""
    try:
        yield
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nNothing was written.", err=True)
        raise click.exceptions.Exit(1) from None


def agreed_to(file: Path, before: str, after: str, *, sure: bool) -> bool:
    """Show what changes and ask whether to write it."""
    from tui.cli.questions import agreed
    from tui.config_file import difference

    print_lines(["", *difference(before, after), ""])
    if agreed(f"Write this into {file}?", sure=sure):
        return True
    print_lines(["Nothing was written."])
    return False


def write_and_take_up(engine: "RunningEngine", file: Path, before: str, after: str) -> None:
    """Write the file and let the engine take it up; its refusal undoes it, as does Ctrl-C.

    Raises ``click.ClickException`` and ``KeyboardInterrupt``.
    """
    from tui.config_file import write_config

    if read(file) != before:
        raise click.ClickException(f"{file} was changed meanwhile. Nothing was written; do it again.")
    there = file.exists()
    try:
        write_config(file, after)
        reloaded = ask(lambda door: door.reload(), engine)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
    except (click.ClickException, KeyboardInterrupt) as end:
        write_config(file, before) if there else file.unlink(missing_ok=True)
        say(f"{file} is as it was")
        if isinstance(end, KeyboardInterrupt):
            _take_back(engine)
        raise
    print_lines([f"Written into {file}.", *trouble_lines(reloaded)])


def _take_back(engine: "RunningEngine") -> None:
    """Who broke off may have done so when the engine had the new file already."""
    with contextlib.suppress(click.ClickException):
        ask(lambda door: door.reload(), engine)


def read(file: Path) -> str:
    """The file's text. Raises ``click.ClickException`` for what is no TOML."""
    from tui.config_file import read_config

    return editing(lambda: read_config(file))


def tables(text: str) -> Mapping[str, Any]:
    """``[providers.NAME]`` by name."""
    from tui.config_file import provider_tables

    return provider_tables(text)


def editing(edit: Callable[[], str]) -> str:
    """What ``edit`` makes of the file's text. Raises ``click.ClickException``."""
    from tui.config_file import CannotEdit

    try:
        return edit()
    except CannotEdit as error:
        raise click.ClickException(str(error)) from None
