"""``cctui reload``: the engine reads ``config.toml`` anew; and the words for what came of it."""

import click

from proxy import contract as c
from tui.cli.engine_access import ask, installation
from tui.cli.printing import print_lines


@click.command(short_help="Let the engine read its settings file anew.")
def reload() -> None:
    """Let the running engine take up providers, groups, route and prices from config.toml; what runs goes on.

    Wrong settings are told and change nothing.
    """
    from tui import supervisor

    found = supervisor.find(installation())
    if isinstance(found, supervisor.NoEngine):
        print_lines(["No engine runs; the next one reads the settings when it starts."])
        return
    print_lines(reloaded_lines(ask(lambda door: door.reload(), found)))


def reloaded_lines(reloaded: c.Reloaded) -> list[str]:
    """What was taken up, what counts later, what is wrong now."""
    kinds = (("added", reloaded.added), ("changed", reloaded.changed), ("removed", reloaded.removed))
    lines = [f"{kind:<10}{', '.join(names)}" for kind, names in kinds if names]
    if reloaded.tables:
        lines.append(f"{'taken up':<10}{_tables(reloaded.tables)}")
    if reloaded.later:
        lines.append(f"{'later':<10}{_tables(reloaded.later)}: from the next start on, `cctui stop` and then `cctui`")
    return [*(lines or ["Nothing changed."]), *trouble_lines(reloaded)]


def trouble_lines(reloaded: c.Reloaded) -> list[str]:
    return [f"{'trouble':<10}{each}" for each in reloaded.problems]


def _tables(names: tuple[str, ...]) -> str:
    return ", ".join(f"[{name}]" for name in names)
